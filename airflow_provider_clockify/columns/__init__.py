# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Typed tables of reports and lists, and privacy. Pure."""
