# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Make an emulator behave otherwise than clients assume: one switch for each numbered assumption about the service.

A switch changes what is asked before it is handled, how the service behaves, or what it answers. Names are those of the
assumptions in ``docs/conformance.md``.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_clockify.testing.exchange import JSON, Behaviour, Response
from airflow_provider_clockify.testing.workspace.times import load_zone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from airflow_provider_clockify.testing.request_log import RequestRecord

Body = dict[str, Any]


def _same_body(body: Body) -> None: ...


def _same_query(query: dict[str, list[str]]) -> None: ...


def _same_behaviour(behaviour: Behaviour) -> Behaviour:
    return behaviour


def _same_response(record: RequestRecord, response: Response) -> Response:
    return response


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """
    A way in which the service is not as assumed.

    :param does: What it does, for people.
    :param path: Which requests it is about: how their path ends.
    :param body: Changes the body of a request before it is handled.
    :param query: Changes its query.
    :param behaviour: Changes how the service behaves.
    :param response: Makes the answer that is sent instead.
    """

    does: str
    path: str = ""
    body: Callable[[Body], None] = _same_body
    query: Callable[[dict[str, list[str]]], None] = _same_query
    behaviour: Callable[[Behaviour], Behaviour] = _same_behaviour
    response: Callable[[RequestRecord, Response], Response] = _same_response

    def is_about(self, record: RequestRecord) -> bool:
        """Tell whether it changes this request."""
        return re.search(rf"/{self.path}$" if self.path else "", record.path) is not None


# --- answers ----------------------------------------------------------------------------------------------------------


def _rewritten(alter: Callable[[RequestRecord, Any], Any]) -> Callable[[RequestRecord, Response], Response]:
    """Change the JSON of good answers; what returns something else than None replaces it."""

    def rewrite(record: RequestRecord, response: Response) -> Response:
        if response.content_type != JSON or response.status != 200:
            return response
        page = msgspec.json.decode(response.body())
        new = alter(record, page)
        return replace(response, payload=page if new is None else new)

    return rewrite


def _rows(page: Any) -> list[Body]:
    return page if isinstance(page, list) else page.get("timeentries") or page.get("expenses") or []


def _totals(page: Any) -> Body | None:
    totals = page.get("totals")
    return totals[0] if isinstance(totals, list) and totals else None


def _count_of_page(record: RequestRecord, page: Any) -> None:
    if (totals := _totals(page)) is not None:
        totals["entriesCount"] = len(_rows(page))


def _time_of_page(record: RequestRecord, page: Any) -> None:
    if (totals := _totals(page)) is not None:
        totals["totalTime"] = sum(row["timeInterval"]["duration"] for row in _rows(page))


def _money_of_page(record: RequestRecord, page: Any) -> None:
    if (totals := _totals(page)) is not None and totals["totalAmountByCurrency"]:
        sums: dict[str, float] = {}
        for row in _rows(page):
            sums[row["currency"]] = sums.get(row["currency"], 0.0) + row["amount"]
        totals["totalAmountByCurrency"] = [{"currency": code, "amount": sums[code]} for code in sorted(sums)]


def _half_of_breaks(record: RequestRecord, page: Any) -> None:
    if (totals := _totals(page)) is not None:
        pauses = [row["timeInterval"]["duration"] for row in _rows(page) if row["type"] == "BREAK"]
        totals["totalTime"] -= sum(pauses) // 2


def _without_timers(record: RequestRecord, page: Any) -> None:
    page["timeentries"] = [row for row in _rows(page) if row["timeInterval"]["end"] is not None]


def _refuse_large_pages(record: RequestRecord, response: Response) -> Response:
    asked = (record.json or {}).get("detailedFilter", {}).get("pageSize", 0)
    if asked <= 1000:
        return response
    return Response(400, {"message": "Page doesn't belong to Workspace", "code": 501})


def _odd_empty_totals(record: RequestRecord, page: Any) -> None:
    if not _rows(page):
        page["totals"] = [{"_id": "", "entriesCount": 7, "totalTime": 0}]


def _in_utc(record: RequestRecord, page: Any) -> None:
    for row in _rows(page):
        for name in ("start", "end"):
            if text := row["timeInterval"][name]:
                moment = datetime.fromisoformat(text).astimezone(UTC)
                row["timeInterval"][name] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _double_rates(record: RequestRecord, page: Any) -> None:
    for row in _rows(page):
        row["rate"] = row["rate"] and row["rate"] * 2


_MONEY = ("amount", "rate", "value", "totalAmount", "earnedAmount", "earnedRate", "costAmount", "costRate")


def _in_units(code: str | None = None) -> Callable[[RequestRecord, Any], None]:
    """Write amounts in units of the currency, of one currency only or of all."""

    def walk(value: Any) -> None:
        if isinstance(value, list):
            for each in value:
                walk(each)
        elif isinstance(value, dict):
            if code is None or value.get("currency") == code:
                for name in _MONEY:
                    if isinstance(value.get(name), (int, float)):
                        value[name] /= 100
            for each in value.values():
                walk(each)

    return lambda record, page: walk(page)


def _other_key(record: RequestRecord, page: Any) -> None:
    for row in _rows(page):
        row["customFields"] = [
            {"id": each["customFieldId"], "value": each["value"]} for each in row["customFields"]
        ]


def _no_memberships(record: RequestRecord, page: Any) -> None:
    for project in page:
        del project["memberships"]


def _always_last(record: RequestRecord, response: Response) -> Response:
    known = "Last-Page" in response.headers
    return replace(response, headers={**response.headers, "Last-Page": "true"}) if known else response


def _refuse_users(record: RequestRecord, response: Response) -> Response:
    groups = (record.json or {}).get("summaryFilter", {}).get("groups", ())
    return Response(400, {"message": "Invalid group name", "code": 501}) if "USER" in groups else response


def _one_sum(record: RequestRecord, page: Any) -> None:
    for group in page["groupOne"]:
        for amount in group["amounts"]:
            del amount["amountByCurrency"]


def _minutes_of_days(record: RequestRecord, page: Any) -> None:
    for group in page["groupOne"]:
        for day in group["days"]:
            day["duration"] //= 60


def _minutes_of_work(record: RequestRecord, page: Any) -> None:
    for row in page["entities"]:
        row["totalDuration"] //= 60


def _one_expense_more(record: RequestRecord, page: Any) -> None:
    page["totals"]["expensesCount"] += 1


def _short_file(record: RequestRecord, response: Response) -> Response:
    if response.content_type != "text/csv":
        return response
    lines = list(csv.reader(io.StringIO(response.body().decode(), newline="")))
    file = io.StringIO(newline="")
    csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(lines[: len(lines) // 2])
    return replace(response, payload=file.getvalue().encode())


def _no_page_0(record: RequestRecord, response: Response) -> Response:
    if record.query.get("page") == ["0"]:
        return Response(400, {"message": "page must be greater than or equal to 1", "code": 501})
    return response


def _no_document(record: RequestRecord, page: Any) -> None:
    for row in page:
        del row["document"]


def _later(record: RequestRecord, page: Any) -> None:
    for row in page:
        moment = datetime.fromisoformat(row["auditMetadata"]["createdAt"]) + timedelta(hours=2)
        row["auditMetadata"]["createdAt"] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _not_found(record: RequestRecord, response: Response) -> Response:
    if response.status != 400:
        return response
    return Response(404, {"message": "Project not found", "code": 404})


def _empty_list(record: RequestRecord, response: Response) -> Response:
    unknown = response.status == 400 and "Workspace" in str(response.payload)
    return Response(200, [], headers={"Last-Page": "true"}) if unknown else response


def _refuse_long(record: RequestRecord, response: Response) -> Response:
    body = record.json
    first, last = (datetime.fromisoformat(body[name]) for name in ("dateRangeStart", "dateRangeEnd"))
    return (
        Response(403, {"message": "Upgrade", "code": 403}) if last - first > timedelta(days=31) else response
    )


def _unclear_wait(record: RequestRecord, response: Response) -> Response:
    headers = {"Retry-After": "soon"}
    return Response(429, {"message": "Too many requests", "code": 429}, headers=headers)


# --- requests ---------------------------------------------------------------------------------------------------------

_BOUNDS = ("dateRangeStart", "dateRangeEnd")


def _sort(column: str, *, only_later_pages: bool = False) -> Callable[[Body], None]:
    def alter(body: Body) -> None:
        own = body["detailedFilter"]
        if not only_later_pages or own["page"] > 1:
            own["sortColumn"] = column

    return alter


def _moved(body: Body, move: Callable[[str, datetime], datetime]) -> None:
    for name in _BOUNDS:
        moment = move(name, datetime.fromisoformat(body[name]).replace(tzinfo=None))
        body[name] = moment.isoformat(timespec="milliseconds") + "Z"


def _offset(body: Body) -> timedelta:
    zone = load_zone(body["timeZone"])
    moment = datetime.fromisoformat(body["dateRangeStart"]).replace(tzinfo=None)
    return zone.utcoffset(moment) or timedelta()


def _in_another_zone(body: Body) -> None:
    # As wall clock of a zone five hours west of Greenwich, whatever the request says.
    shift = _offset(body) + timedelta(hours=5)
    _moved(body, lambda _, moment: moment + shift)


def _groups_in_utc(body: Body) -> None:
    offset = _offset(body)
    _moved(body, lambda _, moment: moment - offset)
    body["timeZone"] = "UTC"


def _exclusive_end(body: Body) -> None:
    step = timedelta(milliseconds=1)
    _moved(body, lambda name, moment: moment - step if name == "dateRangeEnd" else moment)


def _whole_seconds(body: Body) -> None:
    _moved(body, lambda _, moment: moment.replace(microsecond=0))


def _rounded(body: Body) -> None:
    body["rounding"] = True


def _no_users(body: Body) -> None:
    body.pop("users", None)


def _only_active(body: Body) -> None:
    body.setdefault("users", {"contains": "CONTAINS", "status": "ACTIVE"})


def _without(*names: str) -> Callable[[dict[str, list[str]]], None]:
    def alter(query: dict[str, list[str]]) -> None:
        for name in names:
            query.pop(name, None)

    return alter


def _query_moved(*, start: timedelta, end: timedelta) -> Callable[[dict[str, list[str]]], None]:
    def alter(query: dict[str, list[str]]) -> None:
        for name, step in (("start", start), ("end", end)):
            moment = datetime.fromisoformat(query[name][0]) + step
            query[name] = [moment.strftime("%Y-%m-%dT%H:%M:%SZ")]

    return alter


_DETAILED = "reports/detailed"
_TIME_REPORTS = "reports/(detailed|summary|weekly|attendance)"
_DAYS = timedelta(days=3)

# By the name of the assumption; hosts has none, since an emulator is its own host.
SWITCHES: Mapping[str, Switch] = {
    "sorted-by-id": Switch(does="sorts rows by description", path=_DETAILED, body=_sort("DESCRIPTION")),
    "stable-pages": Switch(
        does="sorts later pages otherwise than the first",
        path=_DETAILED,
        body=_sort("DURATION", only_later_pages=True),
    ),
    "entries-count": Switch(does="counts the page only", path=_DETAILED, response=_rewritten(_count_of_page)),
    "total-time": Switch(
        does="adds up the time of the page only", path=_DETAILED, response=_rewritten(_time_of_page)
    ),
    "total-amounts": Switch(
        does="adds up the amounts of the page only", path=_DETAILED, response=_rewritten(_money_of_page)
    ),
    "breaks": Switch(does="counts half of each break", path=_DETAILED, response=_rewritten(_half_of_breaks)),
    "running-timers": Switch(
        does="counts running timers, and does not list them",
        path=_DETAILED,
        behaviour=lambda behaviour: replace(behaviour, report_running=True),
        response=_rewritten(_without_timers),
    ),
    "pages-of-1000": Switch(
        does="gives 200 rows a page",
        path=_DETAILED,
        behaviour=lambda behaviour: replace(behaviour, detailed_max_page_size=200, oversize="clamp"),
    ),
    "page-too-large": Switch(
        does="refuses large pages as if something were missing", path=_DETAILED, response=_refuse_large_pages
    ),
    "empty-report": Switch(
        does="counts entries where there are none", path=_DETAILED, response=_rewritten(_odd_empty_totals)
    ),
    "zone-of-bounds": Switch(
        does="reads bounds five hours west of Greenwich", path=_TIME_REPORTS, body=_in_another_zone
    ),
    "zone-of-groups": Switch(does="cuts days in UTC", path="reports/summary", body=_groups_in_utc),
    "inclusive-bounds": Switch(does="takes the end as exclusive", path=_TIME_REPORTS, body=_exclusive_end),
    "milliseconds": Switch(
        does="cuts milliseconds off bounds", path="reports/(detailed|summary)", body=_whole_seconds
    ),
    "offsets": Switch(
        does="writes times in UTC, whatever the zone", path=_DETAILED, response=_rewritten(_in_utc)
    ),
    "unrounded-durations": Switch(does="rounds in any case", path=_TIME_REPORTS, body=_rounded),
    "amount-of-a-row": Switch(
        does="has twice the rate in rows", path=_DETAILED, response=_rewritten(_double_rates)
    ),
    "hundredths": Switch(
        does="gives amounts in units", path="reports/(detailed|summary)", response=_rewritten(_in_units())
    ),
    "hundredths-of-yen": Switch(
        does="gives yen in units", path="reports/(detailed|summary)", response=_rewritten(_in_units("JPY"))
    ),
    "users-filter": Switch(does="ignores the filter of users", path=_DETAILED, body=_no_users),
    "people-who-left": Switch(does="leaves out deactivated members", path=_TIME_REPORTS, body=_only_active),
    "custom-fields": Switch(
        does="names custom fields by id", path=_DETAILED, response=_rewritten(_other_key)
    ),
    "all-users": Switch(
        does="leaves out limited accounts in any case", path="users", query=_without("account-statuses")
    ),
    "lists-by-id": Switch(does="sorts projects by name", path="projects", query=_without("sort-column")),
    "last-page": Switch(does="says of every page that it is the last", response=_always_last),
    "pages-of-5000": Switch(
        does="refuses pages of more than 1,000",
        behaviour=lambda behaviour: replace(behaviour, max_page_size=1000),
    ),
    "hydrated": Switch(does="leaves out memberships", path="projects", response=_rewritten(_no_memberships)),
    "entries-of-a-user": Switch(
        does="shifts bounds by three days",
        path="time-entries",
        query=_query_moved(start=_DAYS, end=_DAYS),
    ),
    "summary-by-user": Switch(does="knows no group USER", path="reports/summary", response=_refuse_users),
    "mixed-currencies": Switch(
        does="names one sum of all currencies", path="reports/summary", response=_rewritten(_one_sum)
    ),
    "weekly": Switch(
        does="gives minutes of days", path="reports/weekly", response=_rewritten(_minutes_of_days)
    ),
    "attendance-seconds": Switch(
        does="gives minutes", path="reports/attendance", response=_rewritten(_minutes_of_work)
    ),
    "expense-hundredths": Switch(
        does="gives units in the report", path="expenses/detailed", response=_rewritten(_in_units())
    ),
    "expense-totals": Switch(
        does="counts one expense more", path="expenses/detailed", response=_rewritten(_one_expense_more)
    ),
    "csv-pages": Switch(does="ends a CSV file half-way", path=_DETAILED, response=_short_file),
    "feed-pages": Switch(does="knows no page 0", path="entities/[a-z]+", response=_no_page_0),
    "feed-bounds": Switch(
        does="shifts bounds by three days",
        path="entities/created",
        query=_query_moved(start=-_DAYS, end=-_DAYS),
    ),
    "deleted-rows": Switch(
        does="leaves out what was deleted", path="entities/deleted", response=_rewritten(_no_document)
    ),
    "missing-project": Switch(
        does="has a 404 for what is missing", path="projects/[0-9a-f]+", response=_not_found
    ),
    "foreign-workspace": Switch(
        does="gives empty lists of unknown workspaces", path="tags", response=_empty_list
    ),
    "long-ranges": Switch(
        does="refuses more than 31 days with a 403", path="reports/summary", response=_refuse_long
    ),
    "too-many-requests": Switch(
        does="refuses the list of tags, with a Retry-After that nobody can read",
        path="tags",
        response=_unclear_wait,
    ),
    "rates-of-lists": Switch(
        does="gives rates of projects in units", path="projects", response=_rewritten(_in_units())
    ),
    "selected-by-start": Switch(
        does="gives entries that reach into a window, too",
        path=_DETAILED,
        behaviour=lambda behaviour: replace(behaviour, select_overlapping=True),
    ),
    "ids-of-creation": Switch(
        does="says that entries were created two hours after their ids",
        path="entities/created",
        response=_rewritten(_later),
    ),
}


class Switches:
    """
    The switches of an emulator that are on.

    :param names: Names of those that are on from the start.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._on: dict[str, Switch] = {}
        for name in names:
            self.turn(name, True)

    @property
    def names(self) -> list[str]:
        """Names of those that are on."""
        return sorted(self._on)

    def turn(self, name: str, on: bool) -> None:
        """
        Turn a switch on or off.

        :raises ValueError: there is none of this name.
        """
        if name not in SWITCHES:
            raise ValueError(f"there is no switch {name!r}; use one of {', '.join(sorted(SWITCHES))}")
        if on:
            self._on[name] = SWITCHES[name]
        else:
            self._on.pop(name, None)

    def clear(self) -> None:
        """Turn all off."""
        self._on.clear()

    def request(self, record: RequestRecord) -> RequestRecord:
        """Return what is handled instead of a request; its record in the log stays what was asked."""
        about = self._about(record)
        if not about:
            return record
        query = {name: list(values) for name, values in record.query.items()}
        body = record.json if record.body else None
        for switch in about:
            switch.query(query)
            if isinstance(body, dict):
                switch.body(body)
        return replace(record, query=query, body=record.body if body is None else msgspec.json.encode(body))

    def behaviour(self, record: RequestRecord, behaviour: Behaviour) -> Behaviour:
        """Return how the service behaves to a request."""
        for switch in self._about(record):
            behaviour = switch.behaviour(behaviour)
        return behaviour

    def response(self, record: RequestRecord, response: Response) -> Response:
        """Return what is answered instead."""
        for switch in self._about(record):
            response = switch.response(record, response)
        return response

    def _about(self, record: RequestRecord) -> list[Switch]:
        return [switch for switch in list(self._on.values()) if switch.is_about(record)]
