# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What bad input gets: a typed error that names what is wrong and the cure; nothing written, no task retry."""

from __future__ import annotations

import asyncio
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
from airflow_provider_clockify.hooks.clockify import ClockifyHook
from airflow_provider_clockify.operators.entities import (
    ClockifyEntityChangesOperator,
    ClockifyExportEntitiesOperator,
)
from airflow_provider_clockify.operators.reports import (
    ClockifyDetailedReportOperator,
    ClockifySummaryReportOperator,
    ClockifyWeeklyReportOperator,
)
from airflow_provider_clockify.operators.time_entries import ClockifyCreateTimeEntryOperator
from airflow_provider_clockify.sensors.time_entries import ClockifyApprovalSensor, ClockifyTimeEntrySensor
from airflow_provider_clockify.testing import ClockifyEmulator
from airflow_provider_clockify.triggers._polling import transport_of

DAY = (datetime(2026, 11, 4, tzinfo=UTC), datetime(2026, 11, 5, tzinfo=UTC))
CONTEXT = {"data_interval_start": DAY[0], "data_interval_end": DAY[1], "logical_date": DAY[0]}

PARAMETERS: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
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
    "no output path": (
        {"output_path": ""},
        ClockifyConfigError,
        r"output_path is empty.*rendered to nothing",
    ),
    "output path rendered to nothing": (
        {"output_path": "None"},
        ClockifyConfigError,
        r"output_path is empty.*rendered to nothing.*XCom",
    ),
    "relative output path": (
        {"output_path": "out/x.jsonl"},
        ClockifyConfigError,
        r"'out/x.jsonl' is not absolute",
    ),
    "home as output path": (
        {"output_path": "~/x.jsonl"},
        ClockifyConfigError,
        r"'~/x.jsonl' is not absolute",
    ),
    "relative url": (
        {"output_path": "file://x.jsonl"},
        ClockifyConfigError,
        r"is not absolute.*file:///data/",
    ),
    "workspace rendered to nothing": (
        {"workspace_id": "None"},
        ClockifyConfigError,
        r"workspace_id is empty.*rendered to nothing.*XCom.*param.*None, not text",
    ),
    "empty workspace": ({"workspace_id": ""}, ClockifyConfigError, r"workspace_id is empty"),
    "connection rendered to nothing": (
        {"clockify_conn_id": "None"},
        ClockifyConfigError,
        r"clockify_conn_id is empty.*rendered to nothing",
    ),
    "filters rendered to nothing": (
        {"filters": "None"},
        ClockifyConfigError,
        r"filters is empty.*rendered to nothing",
    ),
    "one filter rendered to nothing": (
        {"filters": {"users": ["None"]}},
        ClockifyConfigError,
        r"filters\['users'\]\[0\] is empty.*rendered to nothing",
    ),
    "filters as other text": (
        {"filters": "billable"},
        ClockifyConfigError,
        r"filters must be a dict.*not a JSON object.*tojson",
    ),
    "a flag as other text": (
        {"filters": {"billable": "maybe"}},
        ClockifyConfigError,
        r"filters\['billable'\] is 'maybe'; it must be True or False",
    ),
    "unknown scheme": (
        {"output_path": "nosuch://bucket/x"},
        ClockifyConfigError,
        r"output_path 'nosuch://.*scheme",
    ),
    "lookback rendered to nothing": (
        {"lookback": "None"},
        ClockifyConfigError,
        r"lookback is empty.*rendered to nothing",
    ),
}

# What is wrong whatever the run: refused while the DAG is parsed, and after rendering as well.
AT_PARSE: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "file format": (
        {"file_format": "orc"},
        ClockifyConfigError,
        r"file_format is 'orc'; use one of jsonl, csv, parquet, xlsx, clockify_csv, clockify_xlsx, pdf",
    ),
    "compression": (
        {"compression": "lz4"},
        ClockifyConfigError,
        r"compression is 'lz4'; use one of gzip, zstd",
    ),
    "window": ({"window": "year"}, ClockifyConfigError, r"window is 'year'; use one of data_interval, hour"),
    "no window": ({"window": None}, ClockifyConfigError, r"window is None; use one of data_interval, hour"),
    "partition": (
        {"partition_by": "week"},
        ClockifyConfigError,
        r"partition_by is 'week'; use one of day, month",
    ),
    "on empty": ({"on_empty": "ignore"}, ClockifyConfigError, r"on_empty is 'ignore'; use one of write"),
    "on budget": ({"on_budget": "wait"}, ClockifyConfigError, r"on_budget is 'wait'; use one of fail, defer"),
    "a template that nobody renders": (
        {"on_empty": "{{ params.on_empty }}"},
        ClockifyConfigError,
        r"on_empty is '\{\{ params.on_empty \}\}'; use one of write",
    ),
    "lookback in words": ({"lookback": "7 days"}, ClockifyWindowError, r"lookback='7 days'.*'P7D'"),
    "negative text as lookback": ({"lookback": "-P1D"}, ClockifyWindowError, r"lookback=-P1D is negative"),
    "negative lookback": ({"lookback": DAY[0] - DAY[1]}, ClockifyWindowError, r"lookback"),
    "no time zone": (
        {"timezone": "Europe/Berln"},
        ClockifyConfigError,
        r"timezone is 'Europe/Berln', which is not the name.*Did you mean 'Europe/Berlin'",
    ),
    "an offset": (
        {"timezone": "+02:00"},
        ClockifyConfigError,
        r"timezone is '\+02:00'.*place instead of an offset",
    ),
    "no text as time zone": (
        {"timezone": None},
        ClockifyConfigError,
        r"timezone is None, which is not the name",
    ),
    "lookback as number": ({"lookback": 7}, ClockifyWindowError, r"lookback=7 is of type int"),
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
    assert isinstance(caught.value.__context__, kind)
    assert month.count() == 0
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("case", AT_PARSE)
def test_what_is_wrong_whatever_the_run_is_refused_while_the_dag_is_parsed(case: str) -> None:
    parameters, kind, text = AT_PARSE[case]
    with pytest.raises(ValueError, match=text) as caught:
        ClockifyDetailedReportOperator(task_id="export", output_path="/x", **parameters)
    assert type(caught.value) is kind


@pytest.mark.parametrize("case", AT_PARSE)
def test_what_is_wrong_whatever_the_run_is_refused_after_rendering_too(
    case: str, connect: Callable, month: ClockifyEmulator
) -> None:
    parameters, kind, text = AT_PARSE[case]
    folder = connect(month)
    task = ClockifyDetailedReportOperator(task_id="export", output_path=str(folder / "out.jsonl"))
    vars(task).update(parameters)
    with pytest.raises(AirflowFailException, match=text) as caught:
        task.execute(dict(CONTEXT))
    assert isinstance(caught.value.__context__, kind)
    assert month.count() == 0
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "parameters", "text"),
    [
        (
            ClockifyExportEntitiesOperator,
            {"entity": "project"},
            r"entity is 'project'; use one of .*projects",
        ),
        (ClockifyExportEntitiesOperator, {"entity": ""}, r"entity is ''; use one of"),
        (
            ClockifyExportEntitiesOperator,
            {"entity": "tags", "file_format": "clockify_xlsx"},
            r"use one of jsonl, csv, parquet, xlsx",
        ),
        (
            ClockifyEntityChangesOperator,
            {"entity_type": "TIME_ENTRIES"},
            r"entity_type is 'TIME_ENTRIES'; use one of",
        ),
        (ClockifyEntityChangesOperator, {"window": "minute"}, r"window is 'minute'; use one of"),
        (ClockifyEntityChangesOperator, {"timezone": "Berlin"}, r"Did you mean 'Europe/Berlin'"),
        (ClockifyEntityChangesOperator, {"lookback": "1d"}, r"lookback='1d'.*'P7D'"),
        (
            ClockifyEntityChangesOperator,
            {"file_format": "pdf"},
            r"file_format is 'pdf'; use one of jsonl, csv",
        ),
        (
            ClockifySummaryReportOperator,
            {"groups": ("USER", "USERS")},
            r"groups is 'USERS'; use one of CLIENT",
        ),
        (ClockifySummaryReportOperator, {"groups": ["{{ x }}", 7]}, r"groups is 7; use one of CLIENT"),
        (ClockifySummaryReportOperator, {"groups": "PEOPLE"}, r"groups is 'PEOPLE'; use one of CLIENT"),
        (ClockifySummaryReportOperator, {"groups": '["USER", "DAY"]'}, r"groups is 'DAY'; use one of CLIENT"),
        (ClockifyWeeklyReportOperator, {"group": "TAG"}, r"group is 'TAG'; use one of USER, PROJECT"),
    ],
    ids=str,
)
def test_fixed_choices_of_all_exports_are_checked_while_the_dag_is_parsed(
    kind: Any, parameters: dict[str, Any], text: str
) -> None:
    with pytest.raises(ClockifyConfigError, match=text):
        kind(task_id="export", output_path="/x", **parameters)


def test_fixed_choices_of_sensor_and_entry_are_checked_while_the_dag_is_parsed() -> None:
    with pytest.raises(ClockifyConfigError, match="detect is 'ended'; use one of started, created, changed"):
        ClockifyTimeEntrySensor(task_id="x", detect="ended")
    with pytest.raises(ClockifyConfigError, match="entry_type is 'HOLIDAY'; use one of REGULAR, BREAK, None"):
        ClockifyCreateTimeEntryOperator(task_id="x", start=DAY[0], entry_type="HOLIDAY")


@pytest.mark.parametrize("text", ["{{ params.x }}", "{% if a %}P1D{% endif %}"])
def test_a_template_waits_until_it_is_rendered(text: str) -> None:
    ClockifyExportEntitiesOperator(task_id="a", output_path="/x", entity=text)
    ClockifyEntityChangesOperator(
        task_id="a", output_path="/x", entity_type=text, lookback=text, timezone=text
    )
    ClockifySummaryReportOperator(task_id="a", output_path="/x", groups=("USER", text), lookback=text)
    task = ClockifySummaryReportOperator(task_id="a", output_path="/x", groups=text)
    assert task.groups == text


def test_a_parameter_that_a_subclass_templates_waits_too() -> None:
    class Templated(ClockifyDetailedReportOperator):
        template_fields = (*ClockifyDetailedReportOperator.template_fields, "on_empty")

    task = Templated(task_id="a", output_path="/x", on_empty="{{ choice }}")
    task.render_template_fields({"choice": "sometimes"})
    with pytest.raises(AirflowFailException, match="on_empty is 'sometimes'; use one of write, skip, fail"):
        task.execute(dict(CONTEXT))


def test_what_another_task_gives_waits_until_it_is_there() -> None:
    from airflow.providers.common.compat.sdk import DAG

    with DAG("given", schedule=None):
        first = ClockifyExportEntitiesOperator(task_id="first", output_path="/x", entity="users")
        task = ClockifyExportEntitiesOperator(task_id="second", output_path="/x", entity=first.output["kind"])
        ClockifyEntityChangesOperator(task_id="third", output_path="/x", lookback=first.output["length"])
    assert task.entity is not None


def test_mapped_tasks_are_checked_when_they_are_made() -> None:
    from airflow.providers.common.compat.sdk import DAG

    with DAG("mapped", schedule=None) as dag:
        first = ClockifyExportEntitiesOperator(task_id="first", output_path="/x", entity="users")
        partial = ClockifyDetailedReportOperator.partial(task_id="literal", output_path="/x", lookback="P1D")
        partial.expand(file_format=["csv", "orc"])
        ClockifyDetailedReportOperator.partial(task_id="given", output_path="/x").expand(
            file_format=first.output
        )
        with pytest.raises(TypeError, match="partion_by"):
            ClockifyDetailedReportOperator.partial(task_id="other", output_path="/x", partion_by="day")
    mapped = dag.get_task("literal")
    arguments = {"task_id": "literal", "output_path": "/x", "lookback": "P1D"}
    assert mapped.unmap({**arguments, "file_format": "csv"}).file_format == "csv"
    with pytest.raises(ClockifyConfigError, match="file_format is 'orc'; use one of jsonl"):
        mapped.unmap({**arguments, "file_format": "orc"})


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
    "another type": (
        {"conn_type": "http"},
        ClockifyConfigError,
        r"'clockify_default' is of type 'http', not 'clockify'.*clockify_conn_id",
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
    assert isinstance(caught.value.__context__, kind)
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
    assert isinstance(caught.value.__context__, ClockifyForbiddenError)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_sensor_refuses_a_connection_of_another_type(
    deferrable: bool, connect: Callable, month: ClockifyEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(month)
    fields = {**json.loads(month.connection_json()), "conn_type": "generic"}
    monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_DEFAULT", json.dumps(fields))
    task = ClockifyTimeEntrySensor(task_id="x", since=DAY[0].isoformat(), deferrable=deferrable)
    with pytest.raises(AirflowFailException, match="is of type 'generic', not 'clockify'"):
        task.execute(dict(CONTEXT))
    assert month.count() == 0


def test_a_trigger_refuses_a_connection_of_another_type(
    connect: Callable, month: ClockifyEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(month)
    fields = {**json.loads(month.connection_json()), "conn_type": "generic"}
    monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_DEFAULT", json.dumps(fields))
    with pytest.raises(ClockifyConfigError, match="is of type 'generic', not 'clockify'"):
        asyncio.run(transport_of("clockify_default"))


# --- the other operators, the sensors, real runs --------------------------------------------------------------

SURFACES: dict[str, Callable[..., Any]] = {
    "list": lambda **fields: ClockifyExportEntitiesOperator(
        **{"task_id": "x", "entity": "tags", "output_path": "/x.jsonl", **fields}
    ),
    "changes": lambda **fields: ClockifyEntityChangesOperator(
        **{"task_id": "x", "output_path": "/x.jsonl", **fields}
    ),
    "summary": lambda **fields: ClockifySummaryReportOperator(
        **{"task_id": "x", "output_path": "/x.jsonl", **fields}
    ),
    "entry": lambda **fields: ClockifyCreateTimeEntryOperator(
        **{"task_id": "x", "start": DAY[0].isoformat(), **fields}
    ),
    "wait": lambda **fields: ClockifyTimeEntrySensor(
        **{"task_id": "x", "since": DAY[0].isoformat(), **fields}
    ),
    "approval": lambda **fields: ClockifyApprovalSensor(**{"task_id": "x", **fields}),
}
EXPORTS = ("output_path", "drop_columns", "hash_columns", "workspace_id", "clockify_conn_id")
NAMES = {
    "list": (*EXPORTS, "filters", "entity"),
    "changes": (*EXPORTS, "entity_type", "start", "lookback", "timezone"),
    "summary": (*EXPORTS, "filters", "start", "end", "lookback", "timezone", "groups"),
    "entry": (
        "start",
        "end",
        "description",
        "project_id",
        "clockify_task_id",
        "tag_ids",
        "custom_fields",
        "user_id",
        "marker",
        "workspace_id",
        "clockify_conn_id",
    ),
    "wait": ("workspace_id", "clockify_conn_id", "since", "until", "filters"),
    "approval": ("workspace_id", "clockify_conn_id", "start", "end", "user_ids"),
}


@pytest.mark.parametrize("nothing", ["", "None"])
@pytest.mark.parametrize(
    ("surface", "field"), [(surface, field) for surface, fields in NAMES.items() for field in fields]
)
def test_every_templated_field_that_rendered_to_nothing_is_named_before_any_request(
    surface: str, field: str, nothing: str, connect: Callable, month: ClockifyEmulator
) -> None:
    connect(month)
    task = SURFACES[surface]()
    setattr(task, field, nothing)
    assert field in task.template_fields
    with pytest.raises(AirflowFailException, match=rf"^{field}.*rendered to nothing.*(XCom|param)") as caught:
        task.execute(dict(CONTEXT))
    assert isinstance(caught.value.__context__, ClockifyConfigError)
    assert month.count() == 0


def test_every_templated_field_is_tried_above() -> None:
    for surface, make in SURFACES.items():
        missing = set(make().template_fields) - set(NAMES[surface])
        assert missing <= ({"end"} if surface == "changes" else set())


def test_a_workspace_of_none_is_the_connections(connect: Callable, month: ClockifyEmulator) -> None:
    folder = connect(month)
    assert execute(folder, workspace_id=None)["workspace_id"] == month.workspace.id


def test_an_empty_workspace_is_refused_by_the_hook_too(connect: Callable, month: ClockifyEmulator) -> None:
    connect(month)
    for nothing in ("", "None"):
        with pytest.raises(ClockifyConfigError, match=r"workspace_id is empty.*None for the workspace"):
            list(ClockifyHook(workspace_id=nothing).iter_tags())
    assert month.count() == 0


def test_a_run_whose_workspace_rendered_to_nothing_fails_without_retries(
    run_dag: Callable, connect: Callable, month: ClockifyEmulator
) -> None:
    folder = connect(month)
    run = run_dag("probe_rendered", DAY[1], filters={"billable": True})
    assert run.states == {"export": "failed"}
    assert month.count() == 0
    assert list(folder.iterdir()) == []


def test_a_run_reads_filters_from_what_its_template_rendered(
    run_dag: Callable, connect: Callable, month: ClockifyEmulator
) -> None:
    folder = connect(month)
    project = next(iter(month.workspace.projects))
    conf = {"workspace_id": month.workspace.id, "filters": {"billable": False, "projects": [project]}}
    run = run_dag("probe_rendered", DAY[1], **conf)
    assert run.state == "success"
    rows = [json.loads(line) for line in (folder / "rendered.jsonl").read_bytes().splitlines()]
    entries = [month.workspace.entries[entry_id] for entry_id in month.workspace.truth_ids(*DAY)]
    expected = {entry.id for entry in entries if not entry.billable and entry.project_id == project}
    assert {row["_id"] for row in rows} == expected
    assert expected
