# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""A secrets backend that a test switches off: connections in a file, and an error while there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from airflow.secrets.base_secrets import BaseSecretsBackend


class FileSecrets(BaseSecretsBackend):
    """
    Connections by their ids.

    :param path: File of a JSON object; the values are what Airflow takes as connections.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = Path(path)

    def get_conn_value(self, conn_id: str, **_: Any) -> str | None:
        """
        Read one.

        :raises FileNotFoundError: the backend is switched off.
        """
        value = json.loads(self._path.read_text()).get(conn_id)
        return None if value is None else json.dumps(value)
