# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Add fields to answers that no client knows; the services add fields over time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_clockify.testing.exchange import JSON, Response

if TYPE_CHECKING:
    from collections.abc import Mapping


def with_extra_fields(response: Response, extra: Mapping[str, Any]) -> Response:
    """Return the answer with the fields in every object that stands in a list, however deep."""
    if not extra or response.content_type != JSON or not response.payload:
        return response
    payload = response.payload
    if isinstance(payload, bytes):
        payload = msgspec.json.decode(payload)
    if isinstance(payload, str):
        text = msgspec.json.encode(_extended(msgspec.json.decode(payload), extra)).decode()
        return replace(response, payload=text)
    return replace(response, payload=_extended(payload, extra))


def _extended(value: Any, extra: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: _extended(item, extra) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [
            {**_extended(item, extra), **extra} if isinstance(item, dict) else _extended(item, extra)
            for item in value
        ]
    return value
