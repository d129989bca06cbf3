-- SPDX-License-Identifier: Apache-2.0
-- Copyright the airflow_provider_clockify contributors
select
    _workspace_id as workspace_id,
    id as user_id,
    name as user_name,
    email,
    status,
    dbt_scd_id as user_key,
    dbt_valid_from,
    dbt_valid_to
from {{ ref('users_history') }}
