# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Pages that are larger than the service gives: refused, or cut in two ways, everywhere alike."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_clockify.testing import generate_workspace

SIZES = {"clients": 40, "expenses": 40, "time_off_requests": 40, "invoices": 40}
CAP = 15


def rows_of(answer: Any) -> list[str]:
    rows = answer.json()
    while isinstance(rows, dict):
        rows = next(value for key, value in rows.items() if key not in ("totals", "count", "total"))
    return [row.get("_id") or row.get("id") or row["userId"] + row["date"] for row in rows]


PLACES: dict[str, Callable[[Any, int, int], Any]] = {
    "clients": lambda client, page, size: client.list("clients", page=page, page_size=size),
    "expenses": lambda client, page, size: client.list("expenses", page=page, page_size=size),
    "invoices/info": lambda client, page, size: client.post(
        f"{client.workspace}/invoices/info", {"page": page, "pageSize": size}
    ),
    "time-off/requests": lambda client, page, size: client.post(
        f"{client.workspace}/time-off/requests", {"page": page, "pageSize": size, "statuses": ["ALL"]}
    ),
    "entities/created": lambda client, page, size: client.list(
        "entities/created",
        type="TIME_ENTRY",
        start="2026-01-01T00:00:00Z",
        end="2026-12-31T00:00:00Z",
        page=page - 1,
        limit=size,
    ),
    "detailed": lambda client, page, size: client.detailed(page=page, pageSize=size),
    "attendance": lambda client, page, size: client.report("attendance", page=page, pageSize=size),
    "expense report": lambda client, page, size: client.session.post(
        f"{client.emulator.url}/report/v1{client.workspace}/reports/expenses/detailed",
        json={
            "dateRangeStart": "2026-11-01T00:00:00.000Z",
            "dateRangeEnd": "2026-11-30T23:59:59.999Z",
            "page": page,
            "pageSize": size,
        },
        timeout=10,
    ),
}


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> Callable[[Any, int, int], Any]:
    return PLACES[request.param]


def test_larger_pages_are_refused(place, serve):
    client = serve(generate_workspace(entries=100, **SIZES), max_page_size=CAP)
    assert place(client, 1, CAP + 1).status_code == 400
    assert len(rows_of(place(client, 1, CAP))) == CAP


@pytest.mark.parametrize("oversize", ["clamp", "cut"])
def test_larger_pages_are_cut(place, serve, oversize):
    workspace = generate_workspace(entries=100, **SIZES)
    whole = rows_of(place(serve(workspace), 1, 200))
    assert len(whole) >= 40
    client = serve(workspace, max_page_size=CAP, oversize=oversize)
    assert rows_of(place(client, 1, 20)) == whole[:CAP]
    second = 20 if oversize == "cut" else CAP
    assert rows_of(place(client, 2, 20)) == whole[second : second + CAP]
    assert rows_of(place(client, 2, CAP)) == whole[CAP : 2 * CAP]


@pytest.mark.parametrize("oversize", ["clamp", "cut"])
def test_the_header_speaks_of_the_rows_that_are_given(serve, oversize):
    workspace = generate_workspace(entries=10, **SIZES)
    client = serve(workspace, max_page_size=CAP, oversize=oversize, report_last_page_header=True)
    pages = [client.list("clients", page=page, page_size=20) for page in (1, 2, 3)]
    # 44 clients: 15, 15 and 14; or the rows 0 to 14, 20 to 34, and 40 to 43.
    assert [len(page.json()) for page in pages] == ([15, 15, 14] if oversize == "clamp" else [15, 15, 4])
    assert [page.headers["Last-Page"] for page in pages] == ["false", "false", "true"]
    assert client.detailed(pageSize=20).headers["Last-Page"] == "true"


def test_lists_may_come_without_a_header(serve):
    client = serve(generate_workspace(entries=10), last_page_header=False)
    assert "Last-Page" not in client.list("clients").headers


def test_files_end_at_the_page_that_is_given(serve):
    workspace = generate_workspace(entries=100, running_timers=0)
    client = serve(workspace, max_page_size=CAP, oversize="cut")
    content = client.detailed({"exportType": "CSV"}, page=1, pageSize=1000).text
    assert len(list(csv.reader(io.StringIO(content, newline="")))) == CAP + 1
    client.emulator.behaviour.oversize = "refuse"
    assert client.detailed({"exportType": "CSV"}, page=1, pageSize=1000).status_code == 400
