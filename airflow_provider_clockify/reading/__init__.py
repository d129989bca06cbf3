# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Whole windows and lists, read over the wire and proven complete."""
