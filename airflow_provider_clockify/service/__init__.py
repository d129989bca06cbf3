# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What Clockify is: lists, reports, filters, change feeds, values. Pure: no wire, no clock, no files."""
