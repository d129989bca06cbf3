{# SPDX-License-Identifier: Apache-2.0 #}
{# Copyright the airflow_provider_clockify contributors #}
{% test unique_together(model, columns) %}
select {{ columns | join(', ') }}, count(*) as times
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
