{# SPDX-License-Identifier: Apache-2.0 #}
{# Copyright the airflow_provider_clockify contributors #}

{# When a version of a row counts. The first one that was seen counts for all time before, so that old entries have one. #}
{% macro validity(id) %}
    case
        when row_number() over (partition by workspace_id, {{ id }} order by dbt_valid_from) = 1
            then cast('1970-01-01 00:00:00+00' as timestamp with time zone)
        else cast(dbt_valid_from as timestamp with time zone)
    end as valid_from,
    cast(dbt_valid_to as timestamp with time zone) as valid_to,
    row_number() over (partition by workspace_id, {{ id }} order by dbt_valid_from desc) = 1 as is_latest
{% endmacro %}

{# The condition that a version of a dimension counts at the start of an entry. #}
{% macro counts_at_start(dimension, id) %}
    {{ dimension }}.workspace_id = entries.workspace_id
    and {{ dimension }}.{{ id }} = entries.{{ id }}
    and entries.started_at >= {{ dimension }}.valid_from
    and ({{ dimension }}.valid_to is null or entries.started_at < {{ dimension }}.valid_to)
{% endmacro %}
