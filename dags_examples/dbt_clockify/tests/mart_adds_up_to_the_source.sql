-- SPDX-License-Identifier: Apache-2.0
-- Copyright the airflow_provider_clockify contributors
-- Every second and every amount of the source is in the mart, once.
with source_sums as (
    select _workspace_id as workspace_id, currency, sum(duration_seconds) as seconds, sum(coalesce(amount, 0)) as revenue
    from {{ source('clockify', 'clockify_time_entries') }}
    group by _workspace_id, currency
),
mart_sums as (
    select workspace_id, currency, sum(seconds) as seconds, sum(revenue) as revenue
    from {{ ref('mart_revenue_by_client_month') }}
    group by workspace_id, currency
)
select source_sums.workspace_id, source_sums.currency
from source_sums
full join mart_sums
    on mart_sums.workspace_id = source_sums.workspace_id
    and coalesce(mart_sums.currency, '') = coalesce(source_sums.currency, '')
where coalesce(source_sums.seconds, -1) <> coalesce(mart_sums.seconds, -1)
    or coalesce(source_sums.revenue, -1) <> coalesce(mart_sums.revenue, -1)
