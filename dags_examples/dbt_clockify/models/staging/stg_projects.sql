-- SPDX-License-Identifier: Apache-2.0
-- Copyright the airflow_provider_clockify contributors
select
    _workspace_id as workspace_id,
    id as project_id,
    name as project_name,
    client_id,
    archived as is_archived,
    billable as is_billable,
    hourly_rate_amount as hourly_rate,
    hourly_rate_currency,
    dbt_scd_id as project_key,
    dbt_valid_from,
    dbt_valid_to
from {{ ref('projects_history') }}
