# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What bad input gets: a typed error that names what is wrong and the cure; nothing written, no task retry."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_clockify.exceptions import (
    ClockifyAuthError,
    ClockifyConfigError,
    ClockifyForbiddenError,
    ClockifyNotFoundError,
    ClockifyWindowError,
)
from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator
from airflow_provider_clockify.testing import ClockifyEmulator

DAY = (datetime(2026, 11, 4, tzinfo=UTC), datetime(2026, 11, 5, tzinfo=UTC))
CONTEXT = {"data_interval_start": DAY[0], "data_interval_end": DAY[1], "logical_date": DAY[0]}

PARAMETERS: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "file format": (
        {"file_format": "orc"},
        ClockifyConfigError,
        r"file_format is 'orc'; use one of jsonl, csv",
    ),
    "compression": ({"compression": "lz4"}, ClockifyConfigError, r"compression is 'lz4'; jsonl knows gzip"),
    "window": ({"window": "year"}, ClockifyWindowError, r"window.*'year'.*data_interval"),
    "partition": (
        {"partition_by": "week"},
        ClockifyConfigError,
        r"partition_by is 'week'; use one of day, month",
    ),
    "on empty": ({"on_empty": "ignore"}, ClockifyConfigError, r"on_empty is 'ignore'; use one of write"),
    "misspelt filter": ({"filters": {"proyects": ["x"]}}, ClockifyConfigError, r"Did you mean 'projects'"),
    "filter set elsewhere": (
        {"filters": {"timeZone": "UTC"}},
        ClockifyConfigError,
        r"timeZone.*always read in UTC",
    ),
    "ids as text": (
        {"filters": {"projects": "66b0"}},
        ClockifyConfigError,
        r"filters\['projects'\].*list of ids",
    ),
    "empty ids": ({"filters": {"users": []}}, ClockifyConfigError, r"filters\['users'\] is an empty list"),
    "naive start": (
        {"start": "2026-11-01T00:00:00", "end": "2026-11-02T00:00:00Z"},
        ClockifyWindowError,
        r"start.*(offset|Z)",
    ),
    "end before start": (
        {"start": "2026-11-02T00:00:00Z", "end": "2026-11-01T00:00:00Z"},
        ClockifyWindowError,
        r"end.*start|start.*end",
    ),
    "only start": ({"start": "2026-11-02T00:00:00Z"}, ClockifyWindowError, r"both.*start.*end|start.*end"),
    "rendered to nothing": ({"start": "", "end": "None"}, ClockifyWindowError, r"start"),
    "no output path": ({"output_path": ""}, ClockifyConfigError, r"output_path is empty"),
    "unknown scheme": (
        {"output_path": "nosuch://bucket/x"},
        ClockifyConfigError,
        r"output_path 'nosuch://.*scheme",
    ),
    "negative lookback": ({"lookback": DAY[0] - DAY[1]}, ClockifyWindowError, r"lookback"),
}


def execute(folder: Path, **parameters: Any) -> Any:
    arguments = {"output_path": str(folder / "out.jsonl"), **parameters}
    return ClockifyDetailedReportOperator(task_id="export", **arguments).execute(dict(CONTEXT))


@pytest.mark.parametrize("case", PARAMETERS)
def test_a_wrong_parameter_costs_no_request_and_is_named_with_its_cure(
    case: str, connect: Callable, month: ClockifyEmulator
) -> None:
    parameters, kind, text = PARAMETERS[case]
    folder = connect(month)
    with pytest.raises(AirflowFailException, match=text) as caught:
        execute(folder, **parameters)
    assert isinstance(caught.value.__cause__, kind)
    assert month.count() == 0
    assert list(folder.iterdir()) == []


def test_a_folder_as_output_path_costs_no_request_even_without_a_workspace_id(
    connect: Callable, month: ClockifyEmulator
) -> None:
    folder = connect(month, workspace_id=None)
    with pytest.raises(AirflowFailException, match="is a folder; name a file"):
        execute(folder, output_path=str(folder))
    assert month.count() == 0


def test_an_output_path_that_cannot_be_written(connect: Callable, month: ClockifyEmulator) -> None:
    folder = connect(month)
    (folder / "file").write_text("x")
    with pytest.raises(AirflowFailException, match="output_path .* cannot be written"):
        execute(folder, output_path=str(folder / "file" / "below" / "out.jsonl"))
    assert month.count() == 0


def test_parquet_without_its_extra_names_the_extra(
    connect: Callable, month: ClockifyEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = connect(month)
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(AirflowFailException, match=r"airflow-provider-clockify\[parquet\]"):
        execute(folder, file_format="parquet")
    assert month.count() == 0


CONNECTIONS: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "unknown region": (
        {"extra": {"region": "mars"}},
        ClockifyConfigError,
        r"'clockify_default'.*region.*euc1",
    ),
    "missing key": ({"password": ""}, ClockifyConfigError, r"'clockify_default' has no API key"),
    "broken number": ({"extra": {"timeout": "soon"}}, ClockifyConfigError, r"extra.timeout is 'soon'"),
    "http to a far host": ({"host": "http://example.com"}, ClockifyConfigError, r"unencrypted.*use https"),
    "key of another region": ({"password": "0" * 48}, ClockifyAuthError, r"'clockify_default'.*4003.*region"),
    "refused add-on token": (
        {"password": "0" * 48, "extra": {"auth_type": "addon_token"}},
        ClockifyAuthError,
        r"4017.*add-on",
    ),
    "unknown workspace": (
        {"extra": {"workspace_id": "f" * 24}},
        ClockifyNotFoundError,
        r"400, code 501.*workspace",
    ),
}


@pytest.mark.parametrize("case", CONNECTIONS)
def test_a_wrong_connection_is_named_with_its_cure(
    case: str, connect: Callable, month: ClockifyEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes, kind, text = CONNECTIONS[case]
    folder = connect(month)
    fields = json.loads(month.connection_json())
    fields["extra"].update(changes.get("extra", {}))
    fields.update({name: value for name, value in changes.items() if name != "extra"})
    monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_DEFAULT", json.dumps(fields))
    with pytest.raises(AirflowFailException, match=text) as caught:
        execute(folder)
    assert isinstance(caught.value.__cause__, kind)
    assert month.count() <= 1
    assert list(folder.iterdir()) == []
    assert month.api_key not in str(caught.value)


def test_a_forbidden_report_is_named_with_its_cure(connect: Callable, month: ClockifyEmulator) -> None:
    folder = connect(month)
    month.fail(status=403, times=None)
    try:
        with pytest.raises(AirflowFailException, match=r"403.*owner or admin.*HIDE_AMOUNT") as caught:
            execute(folder)
    finally:
        month.clear_faults()
    assert isinstance(caught.value.__cause__, ClockifyForbiddenError)
    assert list(folder.iterdir()) == []
