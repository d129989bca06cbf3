# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""SQL that loads exported Parquet files into warehouses, and dbt's sources: text made from columns (pure)."""
