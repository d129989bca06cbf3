-- SPDX-License-Identifier: Apache-2.0
-- Copyright the airflow_provider_clockify contributors
select
    stg.*,
    {{ validity('user_id') }}
from {{ ref('stg_users') }} as stg
