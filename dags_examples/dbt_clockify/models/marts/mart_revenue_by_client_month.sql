-- SPDX-License-Identifier: Apache-2.0
-- Copyright the airflow_provider_clockify contributors
select
    entries.workspace_id,
    entries.month,
    entries.client_id,
    coalesce(min(clients.client_name), '(no client)') as client_name,
    entries.currency,
    count(*) as entries,
    cast(sum(entries.duration_seconds) as bigint) as seconds,
    cast(sum(case when entries.is_billable then entries.duration_seconds else 0 end) as bigint) as billable_seconds,
    sum(entries.revenue) as revenue,
    sum(entries.cost) as cost,
    sum(entries.revenue) - sum(entries.cost) as margin
from {{ ref('fct_time_entries') }} as entries
left join {{ ref('dim_clients') }} as clients
    on clients.workspace_id = entries.workspace_id
    and clients.client_id = entries.client_id
    and clients.is_latest
group by entries.workspace_id, entries.month, entries.client_id, entries.currency
