-- SPDX-License-Identifier: Apache-2.0
-- Copyright the airflow_provider_clockify contributors
select
    stg.*,
    {{ validity('project_id') }}
from {{ ref('stg_projects') }} as stg
