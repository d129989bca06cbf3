# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Questions of sensors and watchers, and what a watcher remembers."""
