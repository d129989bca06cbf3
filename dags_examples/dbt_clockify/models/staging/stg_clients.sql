-- SPDX-License-Identifier: Apache-2.0
-- Copyright the airflow_provider_clockify contributors
select
    _workspace_id as workspace_id,
    id as client_id,
    name as client_name,
    archived as is_archived,
    currency_code as currency,
    dbt_scd_id as client_key,
    dbt_valid_from,
    dbt_valid_to
from {{ ref('clients_history') }}
