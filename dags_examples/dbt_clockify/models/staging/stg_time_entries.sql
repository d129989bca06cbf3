-- SPDX-License-Identifier: Apache-2.0
-- Copyright the airflow_provider_clockify contributors
select
    _workspace_id as workspace_id,
    id as time_entry_id,
    user_id,
    project_id,
    client_id,
    task_id,
    description,
    "start" as started_at,
    "end" as ended_at,
    cast(date_trunc('month', "start" at time zone '{{ var("clockify_timezone") }}') as date) as month,
    duration_seconds,
    coalesce(billable, false) as is_billable,
    type as entry_type,
    currency,
    coalesce(amount, 0) as revenue,
    coalesce(cost_amount, 0) as cost,
    _read_at as read_at
from {{ source('clockify', 'clockify_time_entries') }}
