# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Tables in databases: stage, replace, prove, in one transaction; one small module per database."""
