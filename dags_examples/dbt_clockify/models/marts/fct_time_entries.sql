-- SPDX-License-Identifier: Apache-2.0
-- Copyright the airflow_provider_clockify contributors
-- A full rebuild: late edits are of any age, and a table of this size is made in seconds.
select
    entries.workspace_id,
    entries.time_entry_id,
    entries.month,
    entries.started_at,
    entries.ended_at,
    entries.user_id,
    users.user_key,
    entries.project_id,
    projects.project_key,
    entries.client_id,
    clients.client_key,
    entries.task_id,
    entries.description,
    entries.entry_type,
    entries.is_billable,
    entries.duration_seconds,
    entries.currency,
    entries.revenue,
    entries.cost
from {{ ref('stg_time_entries') }} as entries
left join {{ ref('dim_users') }} as users on {{ counts_at_start('users', 'user_id') }}
left join {{ ref('dim_projects') }} as projects on {{ counts_at_start('projects', 'project_id') }}
left join {{ ref('dim_clients') }} as clients on {{ counts_at_start('clients', 'client_id') }}
