# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The wire: requests and answers, hosts, both transports, pace, retries, errors. The only room that knows a socket."""
