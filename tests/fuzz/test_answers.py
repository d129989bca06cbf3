# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Broken and mutated answers: every decoder gives a value or one of our errors, and so does every file format."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import requests
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from airflow_provider_clockify.columns.detailed_columns import DETAILED
from airflow_provider_clockify.columns.list_columns import CHANGES, TABLES
from airflow_provider_clockify.columns.report_columns import ATTENDANCE, EXPENSES, summary_table, weekly_table
from airflow_provider_clockify.columns.tables import Table
from airflow_provider_clockify.connection import ClockifySettings
from airflow_provider_clockify.exceptions import ClockifyError, ClockifyResponseError
from airflow_provider_clockify.export.formats import open_writer
from airflow_provider_clockify.http.errors import is_error_object, odd_value, read_answer, read_error_body
from airflow_provider_clockify.http.retry import parse_retry_after
from airflow_provider_clockify.reading import sum_readers
from airflow_provider_clockify.reading.client import ClockifyClient, read_item, read_page
from airflow_provider_clockify.reading.report_reader import ReportReader
from airflow_provider_clockify.service import change_feeds as changes
from airflow_provider_clockify.service.lists import LISTS
from airflow_provider_clockify.service.messages import ApiRequest, ApiResponse
from airflow_provider_clockify.service.report_kinds import (
    detailed,
    expenses,
    read_attendance,
    read_detailed,
    read_groups,
)
from airflow_provider_clockify.service.values import (
    day_or_instant,
    durations_to_seconds,
    exact_seconds,
    instant,
    one_line,
    seconds,
)
from airflow_provider_clockify.testing import ClockifyEmulator, generate_workspace
from airflow_provider_clockify.window import Window

SETTINGS = ClockifySettings.from_fields("fuzz", password="k" * 48, host=None, extra={"workspace_id": "w"})
ASK = ApiRequest("anything", "core", "GET", "/")
START = datetime(2026, 11, 2, tzinfo=UTC)
WEEK = Window(START, START + timedelta(days=7))
LIST_NAMES = sorted(set(LISTS) & set(TABLES))

MANY = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
FEW = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))

HEADERS = st.fixed_dictionaries({}, optional={"last-page": st.sampled_from(["true", "false", "", "x"])})
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**400), 10**400),
    st.floats(allow_nan=True, allow_infinity=True),
    st.text(max_size=20),
    st.sampled_from(
        ["", "\ud800", "\x00", "\n", "NaN", "-Infinity", "PT1H", "P1Y", "PT" + "9" * 30 + "S", "2026-11-03"]
        + ["2026-11-03T08:00:00Z", "10000-01-01T00:00:00Z", "0000-01-01", "2026-11-03T08:00:00.123456789Z"]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
# JSON that Python's own values cannot say.
RAW_NUMBERS = ["1e400", "1e999999999", "-1e-999999999", "1e99999999999999999999", "9" * 5000, "-0.0"]
RAW = [*RAW_NUMBERS, "[" * 500 + "]" * 500, "[" * 3000 + "]" * 3000, "1.", "tru"]


def decoded(decode: Callable[[Any], Any], body: bytes, headers: dict[str, str] | None = None) -> Any:
    """Read an answer as the transports do; ``None`` for one that is refused as it should be."""
    try:
        return read_answer(SETTINGS, ASK, ApiResponse(200, headers or {}, body), decode, 1)
    except ClockifyError as error:
        assert len(str(error)) < 3_000
        return None


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if way:
        yield way
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*way, key))


@st.composite
def mutated(draw: st.DrawFn, valid: Any) -> bytes:
    """Take a valid answer and replace, delete, repeat or rename some of its nodes."""
    value = deepcopy(valid)
    raws: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        ways = list(places(value))
        if not ways:
            break
        *parents, key = draw(st.sampled_from(ways))
        holder = value
        for step in parents:
            holder = holder[step]
        operation = draw(st.sampled_from(["replace", "replace", "raw", "delete", "repeat", "swap"]))
        if operation == "replace":
            holder[key] = draw(VALUES)
        elif operation == "raw":
            raws.append(draw(st.sampled_from(RAW)))
            holder[key] = f"@raw{len(raws) - 1}@"
        elif operation == "delete":
            del holder[key]
        elif operation == "swap":
            holder[key] = deepcopy(draw(st.sampled_from([value, [], {}, [None], [holder[key]]])))
        elif isinstance(holder, list):
            holder.insert(0, deepcopy(holder[key]))
        else:
            holder[key + draw(st.text(max_size=2))] = holder[key]
    # Half of all surrogates cannot be bytes, only escapes.
    text = json.dumps(value, ensure_ascii=draw(st.booleans()))
    for number, raw in enumerate(raws):
        text = text.replace(f'"@raw{number}@"', raw)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(text).encode() if draw(st.booleans()) else text.encode("utf-8", "surrogatepass")


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    """Valid answers of the emulator, by name of report, list or feed."""
    workspace = generate_workspace(entries=12, expenses=4, start=WEEK.start, end=WEEK.end, plan="PRO")
    found: dict[str, Any] = {}
    with ClockifyEmulator(workspace, requests_per_second=None, free_requests_per_hour=None) as emulator:

        def ask(request: ApiRequest) -> Any:
            base = emulator.url + ("/report/v1" if request.service == "reports" else "/api/v1")
            response = requests.request(
                request.method,
                base + request.path,
                params=request.query(),
                json=request.json,
                headers={"X-Api-Key": emulator.api_key},
                timeout=20,
            )
            return response.json() if response.ok else None

        from airflow_provider_clockify.service import report_kinds as reports

        paged = {"detailed": detailed(workspace.id, {}), "expenses": expenses(workspace.id, {})}
        found.update({name: ask(report.request(WEEK, 1, 200)) for name, report in paged.items()})
        found["summary"] = ask(reports.summary_request(workspace.id, WEEK, {}, ("USER", "PROJECT")))
        found["weekly"] = ask(reports.weekly_request(workspace.id, WEEK, {}, "USER"))
        found["attendance"] = ask(reports.attendance_request(workspace.id, WEEK, {}, 1, 200))
        for name in ("projects", "users", "tags", "custom_fields", "clients", "invoices"):
            resource = LISTS[name]
            request = resource.request({}, workspace_id=workspace.id)
            found[name] = ask(request if resource.page_size is None else resource.page(request, 1, 50))
        found["feed"] = ask(changes.feed_request("created", "TIME_ENTRY", workspace.id, WEEK.start, WEEK.end))
    assert all(found.values()), [name for name, answer in found.items() if not answer]
    return found


def written(table: Table, lines: list[bytes]) -> None:
    """Write rows in every format; whatever is in them, only our errors may come out."""
    for file_format in ("jsonl", "csv", "parquet"):
        for line in lines:
            try:
                spool = io.BytesIO(one_line(line))
                with open_writer(io.BytesIO(), table.columns, file_format, None, {}) as writer:
                    writer.write(spool, table)
            except ClockifyError:
                pass


class Sink:
    """Keeps rows."""

    def __init__(self) -> None:
        self.rows: list[bytes] = []

    def write(self, ids: Sequence[str], rows: Sequence[bytes], starts: Sequence[datetime]) -> None:
        assert len(ids) == len(rows) == len(starts)
        self.rows += map(bytes, rows)

    def restart(self) -> None:
        self.rows = []


def answering(body: bytes, headers: dict[str, str]) -> Callable[..., Any]:
    """Return a transport that knows one answer."""
    left = [40]

    def send(request: ApiRequest, decode: Callable[..., Any], abandoned: Any = None) -> Any:
        left[0] -= 1
        assert left[0], "the reader asks on and on"
        return read_answer(SETTINGS, request, ApiResponse(200, headers, body), decode, 1)

    return send


# --- reports ----------------------------------------------------------------------------------------------------


@MANY
@given(data=st.data())
@pytest.mark.parametrize("name", ["detailed", "expenses"])
def test_paged_reports(name, answers, data):
    body = data.draw(mutated(answers[name]))
    report = {"detailed": detailed, "expenses": expenses}[name]("w", {})
    sink = Sink()
    reader = ReportReader(answering(body, data.draw(HEADERS)), report, concurrency=1)
    try:
        result = reader.read(WEEK, sink)
    except ClockifyError:
        pass
    else:
        assert result.rows == len(sink.rows)
        written({"detailed": DETAILED, "expenses": EXPENSES}[name], sink.rows)
    if name == "detailed":
        page = decoded(lambda response: read_detailed(response.body), body)
        written(DETAILED, [bytes(row) for row in page.rows] if page else [])


@MANY
@given(data=st.data())
@pytest.mark.parametrize("name", ["summary", "weekly", "attendance"])
def test_reports_that_sum_up(name, answers, data):
    body, headers, sink = data.draw(mutated(answers[name])), data.draw(HEADERS), Sink()
    send = answering(body, headers)
    reader, table = {
        "summary": (
            sum_readers.summary_reader(send, "w", {}, ("USER", "PROJECT")),
            summary_table(("USER", "PROJECT"), WEEK),
        ),
        "weekly": (sum_readers.weekly_reader(send, "w", {}, "USER"), weekly_table("USER", WEEK)),
        "attendance": (sum_readers.AttendanceReader(send, "w", {}), ATTENDANCE),
    }[name]
    try:
        reader.read(WEEK, sink)
    except ClockifyError:
        return
    written(table, sink.rows)


# --- lists and feeds --------------------------------------------------------------------------------------------


@MANY
@given(data=st.data())
@pytest.mark.parametrize("exact", [True, False])
def test_lists(exact, answers, data):
    name = data.draw(st.sampled_from(["projects", "users", "tags", "custom_fields", "clients", "invoices"]))
    body, headers = data.draw(mutated(answers[name])), {"last-page": "true"}
    client = ClockifyClient(SETTINGS)
    client.send = answering(body, headers)  # type: ignore[method-assign]
    resource = LISTS[name]
    try:
        items = list(client.iterate_request(resource, resource.request({}, workspace_id="w"), as_sent=exact))
    except ClockifyError:
        return
    if exact:
        encode = msgspec.json.Encoder(decimal_format="number").encode
        written(TABLES[name], [encode(item) for item in items])


@MANY
@given(data=st.data())
@pytest.mark.parametrize("change", [None, "created", "updated", "deleted"])
def test_feeds_of_changes(change, answers, data):
    rows = deepcopy(answers["feed"])
    for row in rows:
        row.setdefault("deletedAt", "2026-11-04T08:00:00Z")
    body = data.draw(mutated(rows))
    if data.draw(st.booleans()):
        body = json.dumps({"response": body.decode("utf-8", "replace")}).encode()
    send, now = answering(body, {"last-page": "true"}), datetime(2026, 12, 1, tzinfo=UTC)
    common: dict[str, Any] = {"workspace_id": "w", "now": now}
    try:
        if change is None:
            found = changes.changes_of_window(send, "TIME_ENTRY", WEEK, **common)
            written(CHANGES, [msgspec.json.encode(row) for row in found])
        else:
            list(changes.iter_changes(send, change, "TIME_ENTRY", WEEK, **common))
    except ClockifyError:
        pass


# --- bytes ------------------------------------------------------------------------------------------------------

JSON_LIKE = st.text(st.sampled_from('{}[]",:0123456789eE+-.ntruefalsINy \\ud8\n'), max_size=60).map(
    str.encode
)


@MANY
@given(JSON_LIKE | st.binary(max_size=60) | VALUES.map(lambda value: json.dumps(value).encode()))
@example(b'{"message":' + b"[" * 3000 + b"]" * 3000 + b',"code":1}')
@example(b'{"message":"\\ud800","code":501}')
@example(b'{"message":"x","code":1e999}')
@example(b'{"code":' + b"9" * 5000 + b',"message":"x"}')
def test_any_bytes(body):
    decoders: list[Callable[[Any], Any]] = [
        lambda response: read_detailed(response.body),
        detailed("w", {}).decode,
        expenses("w", {}).decode,
        read_groups,
        read_attendance,
        changes.read_feed,
        read_item,
        *(lambda response, each=LISTS[name]: read_page(response, each) for name in LIST_NAMES),
        *(lambda response, each=LISTS[name]: read_page(response, each, exact=True) for name in LIST_NAMES),
    ]
    for decode in decoders:
        decoded(decode, body)
    assert isinstance(is_error_object(body), bool)
    code, reason = read_error_body(body, "secret")
    assert code is None or isinstance(code, int)
    assert len(reason) <= 301
    for error in (msgspec.ValidationError("at `$[3].x`"), msgspec.DecodeError("cut"), RecursionError()):
        assert len(odd_value(body, error) or "") < 400


@FEW
@given(VALUES)
def test_what_every_reader_reads_is_never_called_odd(value):
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except ValueError:
        return
    assert odd_value(json.dumps(value).encode(), msgspec.DecodeError("cut")) is None


@FEW
@given(
    st.lists(VALUES, max_size=4), VALUES, st.sampled_from(["\ud800", "\udfff", float("nan"), float("inf")])
)
def test_row_and_field_of_an_odd_value_are_named(before, value, odd):
    try:
        json.dumps([before, value], allow_nan=False, ensure_ascii=False).encode()
    except ValueError:
        return
    rows = [{"id": f"r{number}", "x": each} for number, each in enumerate(before)]
    rows.append({"y": [value, odd], "id": "odd", "z": {"id": "inner"}})
    for answer in (rows, {"totals": [{"a": 1}], "rows": rows}):
        body = json.dumps(answer).encode()
        with pytest.raises(
            ClockifyResponseError, match=r"cannot be read: row odd, y holds .*Correct it in Clock"
        ):
            read_answer(
                SETTINGS,
                ASK,
                ApiResponse(200, {}, body),
                lambda response: msgspec.json.decode(response.body),
                1,
            )
        assert odd_value(body[:-9], msgspec.DecodeError("cut")) is None


def test_an_exponent_beyond_any_number_is_refused_in_words():
    client = ClockifyClient(SETTINGS)
    client.send = answering(b'[{"id":"a","x":1e99999999999999999999}]', {})  # type: ignore[method-assign]
    resource = LISTS["projects"]
    with pytest.raises(
        ClockifyResponseError, match="cannot be read: a number has an exponent .*Correct it in Clo"
    ):
        list(client.iterate_request(resource, resource.request({}, workspace_id="w"), as_sent=True))


@FEW
@given(st.lists(st.text(max_size=5), max_size=4), st.integers(0, 4))
def test_the_row_of_a_wrong_shape_is_named(texts, place):
    rows = [{"id": f"r{number}", "x": text} for number, text in enumerate(texts)]
    rows.insert(place, {"id": "odd", "x": 5})
    for answer, kind in (
        (rows, list[dict[str, str]]),
        ({"a": {"a": rows}}, dict[str, dict[str, list[dict[str, str]]]]),
    ):
        body = json.dumps(answer).encode()
        with pytest.raises(ClockifyResponseError, match="row odd, Expected `str`, got `int`") as caught:
            read_answer(
                SETTINGS,
                ASK,
                ApiResponse(200, {}, body),
                lambda response, kind=kind: msgspec.json.decode(response.body, type=kind),
                1,
            )
        assert "Correct it in Clockify" in str(caught.value)


# --- single values ------------------------------------------------------------------------------------------------

TIMES = st.one_of(
    st.text(max_size=30),
    st.text(st.sampled_from("0123456789-:TZ.+,W PDHMSY"), max_size=30),
    st.datetimes(timezones=st.sampled_from([UTC])).map(datetime.isoformat),
)


@MANY
@given(TIMES)
@example("P99999999999999Y")
@example("2026-01-01/P1D")
@example("PT99999999999999999999S")
@example("P999999999W")
def test_instants_and_durations(text):
    for read in (instant, day_or_instant):
        try:
            value = read(text, "id")
        except ClockifyError:
            continue
        assert value.utcoffset() == timedelta(0)
    with contextlib.suppress(ClockifyError):
        assert seconds(text) == float(exact_seconds(text))


@FEW
@given(
    st.integers(0, 999_999_999),
    st.integers(0, 999_999),
    st.integers(0, 99_999),
    st.integers(0, 99_999),
)
def test_durations_are_exact(secs, hours, minutes, days):
    assert (
        seconds(f"P{days}DT{hours}H{minutes}M{secs}S") == days * 86_400 + hours * 3_600 + minutes * 60 + secs
    )


@FEW
@given(VALUES)
def test_durations_of_anything(value):
    item = {"duration": value, "list": [value], "estimate": {"estimate": value}}
    with contextlib.suppress(ClockifyError):
        durations_to_seconds(item, [("duration",), ("list", "estimate"), ("estimate", "estimate")])


@MANY
@given(
    st.text(max_size=30)
    | st.text(st.sampled_from("0123456789. "), max_size=30)
    | st.datetimes().map(lambda moment: moment.strftime("%a, %d %b %Y %H:%M:%S GMT"))
    | st.integers(-(10**30), 10**30).map(lambda year: f"Mon, 02 Nov {year} 08:00:00 GMT")
    | st.integers(0, 10**30).map(lambda zone: f"Mon, 02 Nov 2026 08:00:00 +{zone}")
)
@example("9" * 400)
@example("Mon, 02 Nov 99999999999999999999 08:00:00 GMT")
def test_retry_after(header):
    wait = parse_retry_after(header, START)
    assert wait is None or 0 <= wait <= 31 * 86_400


# --- rows of any shape in every format ----------------------------------------------------------------------------


@MANY
@given(st.data())
def test_rows_of_any_shape(data):
    tables = [DETAILED, EXPENSES, ATTENDANCE, CHANGES, *TABLES.values()]
    table = data.draw(st.sampled_from(tables))
    each = data.draw(st.sampled_from(table.columns))
    value = data.draw(VALUES)
    path = each.paths[0] if each.paths else ("x",)
    row: Any = value
    for key in reversed(path):
        row = [row] if key == "*" else {key: row}
    if isinstance(row, dict):
        interval = {"start": "2026-11-02T08:00:00Z"}
        row = {"id": "a", "timeInterval": interval, **row}
    text = json.dumps(row)
    written(table, [text.encode()])
