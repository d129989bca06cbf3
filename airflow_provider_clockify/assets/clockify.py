# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Assets with the scheme ``clockify``: what lies in a workspace, before it is exported.

``clockify://<workspace id>/<report or list>``, for example ``clockify://64a1b2c3d4e5f60718293a4b/detailed``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["asset_uri", "convert_asset_to_openlineage", "create_asset", "sanitize_uri"]

SCHEME = "clockify"

_WORKSPACE = re.compile(r"[A-Za-z0-9_-]+")
_WHAT = re.compile(r"/[a-z][a-z0-9_]*")


def asset_uri(workspace_id: str, what: str) -> str:
    """
    Name a report or list of a workspace.

    :param workspace_id: Workspace.
    :param what: Report (``detailed``, ``summary``, …) or list (``projects``, …).
    """
    return f"{SCHEME}://{workspace_id}/{what}"


def create_asset(*, workspace_id: str, what: str, extra: Mapping[str, Any] | None = None) -> Any:
    """
    Make an asset; Airflow calls this for hook lineage.

    :param workspace_id: Workspace.
    :param what: Report or list.
    :param extra: Facts about it.
    """
    from airflow.providers.common.compat.assets import Asset

    return Asset(uri=asset_uri(workspace_id, what), extra=dict(extra or {}))


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """
    Bring a URI to its one spelling; Airflow calls this for every asset of the scheme.

    :param uri: Split URI.
    :raises ValueError: it names no workspace, or not exactly one report or list, or carries more.
    """
    path = uri.path.rstrip("/").lower()
    if not _WORKSPACE.fullmatch(uri.netloc) or not _WHAT.fullmatch(path) or uri.query or uri.fragment:
        raise ValueError("A clockify asset is clockify://<workspace id>/<report or list>, and nothing else.")
    return uri._replace(netloc=uri.netloc.lower(), path=path)


def convert_asset_to_openlineage(asset: Any, lineage_context: Any) -> Any:
    """
    Name the data set of an asset as OpenLineage does.

    :param asset: Asset of this scheme.
    :param lineage_context: Hook that reported it; not needed, the URI says all.
    """
    from airflow.providers.common.compat.openlineage.facet import Dataset

    parts = urlsplit(asset.uri)
    return Dataset(namespace=f"{SCHEME}://{parts.netloc}", name=parts.path.lstrip("/"))
