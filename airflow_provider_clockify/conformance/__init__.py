# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What this package assumes about the live service, and how a real account settles it: see docs/conformance.md."""
