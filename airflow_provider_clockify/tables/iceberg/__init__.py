# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Iceberg tables: the same load as into a database, committed as one snapshot of the catalog."""
