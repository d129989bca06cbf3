# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_clockify.exceptions import (
    ClockifyBadRequestError,
    ClockifyConfigError,
    ClockifyIncompleteError,
    ClockifyResponseError,
    ClockifyWindowError,
)
from airflow_provider_clockify.service.change_feeds import (
    CHANGES,
    LIMITS,
    SETTLED,
    changes_of_window,
    check_changes,
    check_window,
    cuts,
    feed_request,
    feed_rows,
    iter_changes,
    read_feed,
)
from airflow_provider_clockify.service.messages import ApiResponse
from airflow_provider_clockify.service.pagination import Page, PageSize, run
from airflow_provider_clockify.window import Window

START = datetime(2026, 11, 2, tzinfo=UTC)
DAY, HOUR, MINUTE, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
LATER = START + 365 * DAY
KIND = "TIME_ENTRY"


# --- a model of the service ---------------------------------------------------------------------------------


@dataclass
class Entity:
    """An entity by what happened to it: creation, updates, maybe a deletion."""

    id: str
    created: datetime
    updates: list[datetime] = field(default_factory=list)
    deleted: datetime | None = None

    def at(self, now: datetime) -> dict[str, Any] | None:
        if now < self.created or (self.deleted is not None and self.deleted <= now):
            return None
        return self.document(now)

    def document(self, now: datetime) -> dict[str, Any]:
        done = [update for update in self.updates if update <= now]
        return {
            "id": self.id,
            "version": len(done),
            "auditMetadata": {
                "createdAt": z(self.created),
                "updatedAt": z(max([self.created, *done])),
            },
        }


@dataclass
class Service:
    """
    The feeds as described, at a moment.

    :param zone: Zone in which bounds are read as wall clock; ``None`` takes them literally.
    """

    entities: list[Entity]
    now: datetime = LATER
    zone: Any = None
    base: int = 0
    shape: str = "array"
    end_included: bool = True
    type_key: str = "documentType"
    max_limit: int | None = None
    oversize: str = "refuse"
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def send(self, request: Any, decode: Any) -> Any:
        change, params = request.path.rsplit("/", 1)[-1], dict(request.query())
        self.asked.append((change, params))
        limit = int(params["limit"])
        wanted = limit
        if self.max_limit is not None and limit > self.max_limit:
            if self.oversize == "refuse":
                raise ClockifyBadRequestError("refused", status=400)
            limit = self.max_limit
        rows = self.rows(change, self.bound(params["start"]), self.bound(params["end"]))
        number = max(int(params["page"]) - self.base, 0)
        start = number * (wanted if self.oversize == "cut" else limit)
        answer: Any = rows[start : start + limit]
        if self.shape != "array":
            answer = {"response": answer} if self.shape == "envelope" else json.dumps(answer)
        return decode(ApiResponse(200, {}, json.dumps(answer).encode()))

    def bound(self, text: str) -> datetime:
        value = datetime.fromisoformat(text)
        return value if self.zone is None else value.replace(tzinfo=self.zone).astimezone(UTC)

    def rows(self, change: str, start: datetime, end: datetime) -> list[dict[str, Any]]:
        def inside(moment: datetime) -> bool:
            return start <= moment < end or (self.end_included and moment == end)

        found = []
        for entity in self.entities:
            live = entity.at(self.now)
            row = {self.type_key: KIND}
            if change == "deleted":
                visible = entity.deleted is not None and entity.deleted <= self.now - MINUTE
                if visible and inside(entity.deleted) and not inside(entity.created):
                    row |= {"id": entity.id, "deletionBinId": "bin" + entity.id}
                    found.append(
                        row | {"deletedAt": z(entity.deleted), "document": entity.document(self.now)}
                    )
            elif live is not None:
                updated = datetime.fromisoformat(live["auditMetadata"]["updatedAt"])
                if (
                    inside(entity.created)
                    if change == "created"
                    else (inside(updated) and not inside(entity.created))
                ):
                    found.append(row | live)
        return found


def z(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def state(entities: list[Entity], now: datetime) -> dict[str, int]:
    return {e.id: document["version"] for e in entities if (document := e.at(now)) is not None}


def apply(known: dict[str, int], changes: list[dict[str, Any]]) -> None:
    for change in changes:
        if change["change"] == "deleted":
            known.pop(change["id"], None)
        else:
            known[change["id"]] = change["document"]["version"]


def changes(service: Service, window: Window, zone: Any = None) -> list[dict[str, Any]]:
    return changes_of_window(service.send, KIND, window, workspace_id="w", now=service.now, zone=zone)


def of(service: Service, change: str, window: Window, zone: Any = None) -> list[str]:
    found = iter_changes(service.send, change, KIND, window, workspace_id="w", now=service.now, zone=zone)
    return [row["id"] for row in found]


# --- contiguous windows reproduce the state -----------------------------------------------------------------

LAST = 4 * 86_400
zones = st.sampled_from(
    [
        None,
        ZoneInfo("Europe/Vienna"),
        ZoneInfo("America/New_York"),
        ZoneInfo("Pacific/Kiritimati"),
        ZoneInfo("Asia/Kathmandu"),
        timezone(-12 * HOUR),
    ]
)


@st.composite
def histories(draw: Any) -> list[Entity]:
    """Make entities whose events crowd around the bounds of windows."""
    near = st.one_of(
        st.integers(-LAST // 4, LAST),
        st.builds(
            lambda day, delta: day * 86_400 + delta, st.integers(-1, 4), st.integers(-20 * 3600, 20 * 3600)
        ),
        st.builds(lambda day, delta: day * 86_400 + delta, st.integers(0, 4), st.integers(-2, 2)),
    )
    result = []
    for number in range(draw(st.integers(0, 12))):
        moments = sorted(draw(st.lists(near, min_size=1, max_size=4)))
        times = [START + moment * SECOND for moment in moments if moment < LAST]
        if not times:
            continue
        gone = draw(st.booleans()) and len(times) > 1
        result.append(
            Entity(f"{number:024x}", times[0], times[1 : -1 if gone else None], times[-1] if gone else None)
        )
    return result


@given(
    histories(),
    zones,
    st.booleans(),
    st.booleans(),
    st.lists(st.integers(120, 3 * 86_400), min_size=4, max_size=4),
    st.sampled_from(["array", "envelope", "string"]),
    st.sampled_from([0, 1]),
)
@settings(max_examples=400, deadline=None)
def test_a_snapshot_and_the_changes_of_contiguous_windows_give_the_final_state(
    entities, zone, shifted, end_included, delays, shape, base
):
    """Whether the service shifts the bounds or not, and however late each window is read."""
    known = state(entities, START - SECOND)
    for day, delay in enumerate(delays):
        window = Window(START + day * DAY, START + (day + 1) * DAY)
        service = Service(
            entities,
            now=window.end + delay * SECOND,
            zone=zone if shifted else None,
            end_included=end_included,
            shape=shape,
            base=base,
        )
        apply(known, changes(service, window, zone))
    assert known == state(entities, START + LAST * SECOND)


@given(histories(), st.integers(-56, 56), st.integers(-48, 56))
@settings(max_examples=300, deadline=None)
def test_created_and_updated_are_exact_in_any_zone_and_old_entities_never_survive_their_deletion(
    entities, quarters, profile
):
    """Even if the bounds follow a zone that nobody knows of."""
    window = Window(START + DAY, START + 2 * DAY)
    zone = timezone(quarters * 15 * MINUTE)
    service = Service(entities, zone=zone)
    guess = timezone(profile * 15 * MINUTE)
    live = [entity for entity in entities if entity.deleted is None]
    last = {entity.id: max([entity.created, *entity.updates]) for entity in live}
    assert sorted(of(service, "created", window)) == [e.id for e in live if e.created in window]
    assert sorted(of(service, "updated", window)) == [
        e.id for e in live if e.created not in window and last[e.id] in window
    ]
    gone = set(of(service, "deleted", window, guess))
    bin_ = {e.id: e for e in entities if e.deleted is not None and e.deleted in window}
    old = {e.id for e in bin_.values() if e.created < window.start - 28 * HOUR}
    assert old <= gone <= set(bin_)


def test_a_long_window_is_asked_in_pieces_and_counts_as_one():
    entities = [
        Entity("a", START + DAY, [START + 60 * DAY]),
        Entity("b", START - DAY, [START + 60 * DAY]),
        Entity("c", START + DAY, [], START + 60 * DAY),
        Entity("d", START - DAY, [], START + 89 * DAY),
    ]
    service = Service(entities)
    found = changes(service, Window(START, START + 90 * DAY))
    # "c" came and went; its deletion shows since it lay in another piece, and does no harm.
    assert [(row["change"], row["id"]) for row in found] == [
        ("created", "a"),
        ("updated", "b"),
        ("deleted", "c"),
        ("deleted", "d"),
    ]
    lengths = {
        datetime.fromisoformat(params["end"]) - datetime.fromisoformat(params["start"])
        for _, params in service.asked
    }
    assert max(lengths) <= 30 * DAY


# --- one by one ---------------------------------------------------------------------------------------------


def test_a_row_of_a_change_file():
    service = Service(
        [
            Entity("c", START + HOUR, [START + 2 * HOUR]),
            Entity("u", START - HOUR, [START + 3 * HOUR]),
            Entity("d", START - DAY, [], START + 4 * HOUR),
        ],
        type_key="documentCode",
    )
    created, updated, deleted = changes(service, Window(START, START + DAY))
    assert created == {
        "change": "created",
        "id": "c",
        "changed_at": "2026-11-02T01:00:00Z",
        "entity_type": "TIME_ENTRY",
        "document": {
            "documentCode": "TIME_ENTRY",
            "id": "c",
            "version": 1,
            "auditMetadata": {"createdAt": "2026-11-02T01:00:00Z", "updatedAt": "2026-11-02T02:00:00Z"},
        },
    }
    assert (updated["change"], updated["id"], updated["changed_at"]) == (
        "updated",
        "u",
        "2026-11-02T03:00:00Z",
    )
    assert (deleted["change"], deleted["id"], deleted["changed_at"]) == (
        "deleted",
        "d",
        "2026-11-02T04:00:00Z",
    )
    assert deleted["document"]["version"] == 0


def test_an_update_of_what_was_created_shortly_before_the_window_is_not_missed():
    """The feed of the widened window counts it as created; reading "updated" alone would lose it."""
    service = Service([Entity("a", START - HOUR, [START + HOUR])])
    assert of(service, "updated", Window(START, START + DAY)) == ["a"]
    assert of(service, "created", Window(START, START + DAY)) == []


@pytest.mark.parametrize("zone", [None, ZoneInfo("America/New_York"), ZoneInfo("Asia/Tokyo")])
@pytest.mark.parametrize("shifted", [True, False])
def test_a_deletion_of_what_was_created_a_minute_before_the_window_is_not_missed(zone, shifted):
    service = Service(
        [Entity("a", START - MINUTE, [], START + MINUTE)], zone=zone if shifted and zone else None
    )
    assert of(service, "deleted", Window(START, START + DAY), zone) == ["a"]


def test_a_deletion_at_the_very_start_is_not_missed_by_a_service_that_excludes_it():
    class Excluding(Service):
        def rows(self, change: str, start: datetime, end: datetime) -> list[dict[str, Any]]:
            return super().rows(change, start + SECOND, end)

    service = Excluding([Entity("a", START - 5 * DAY, [], START)], end_included=False)
    assert of(service, "deleted", Window(START, START + DAY)) == ["a"]


def test_what_was_restored_after_its_deletion_stays():
    class Restoring(Service):
        def rows(self, change: str, start: datetime, end: datetime) -> list[dict[str, Any]]:
            if change == "deleted":
                return [{"id": "a", "deletedAt": z(START + HOUR), "document": {}}]
            return super().rows(change, start, end)

    service = Restoring([Entity("a", START - DAY, [START + 2 * HOUR])])
    assert [row["change"] for row in changes(service, Window(START, START + DAY))] == ["updated"]


def test_the_cost_of_a_quiet_day_and_of_a_busy_one():
    service = Service([])
    changes(service, Window(START, START + DAY))
    assert [change for change, _ in service.asked] == ["created", "updated", "deleted", "deleted"]
    busy = Service([Entity(f"{n:024x}", START + n * SECOND) for n in range(2 * LIMITS[0] + 1)])
    assert len(of(busy, "created", Window(START, START + DAY))) == 2 * LIMITS[0] + 1
    assert [params["page"] for _, params in busy.asked] == ["0", "1", "2", "3"]


def test_a_service_that_refuses_the_page_size_is_asked_for_its_default():
    service = Service([Entity(f"{n:024x}", START + n * SECOND) for n in range(60)], max_limit=50)
    assert len(of(service, "created", Window(START, START + DAY))) == 60
    assert [params["limit"] for _, params in service.asked] == ["1000", "50", "50", "50"]


@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.parametrize("oversize", ["clamp", "cut"])
@pytest.mark.parametrize("total", [0, 1, 199, 200, 201, 750])
def test_a_feed_that_gives_fewer_rows_than_asked_for_is_read_to_its_end(base, oversize, total):
    entities = [Entity(f"{n:024x}", START + n * SECOND) for n in range(total)]
    service = Service(entities, base=base, max_limit=200, oversize=oversize)
    rows = of(service, "created", Window(START, START + DAY))
    assert rows == [entity.id for entity in entities]
    same_twice = base if total else 0
    assert len(service.asked) == -(-total // 200) + 1 + same_twice


def test_a_refused_size_is_refused_once_for_all_feeds():
    service = Service([Entity(f"{n:024x}", START + n * SECOND) for n in range(60)], max_limit=50)
    changes(service, Window(START, START + DAY))
    assert [params["limit"] for _, params in service.asked].count("1000") == 1


def test_a_refusal_for_another_reason_is_passed_on():
    service = Service([], max_limit=0)
    with pytest.raises(ClockifyBadRequestError):
        of(service, "created", Window(START, START + DAY))


def test_nothing_is_asked_before_the_first_item_is():
    service = Service([])
    for change in CHANGES:
        iter_changes(service.send, change, KIND, Window(START, START + DAY), workspace_id="w", now=LATER)
    assert service.asked == []


@pytest.mark.parametrize("change", CHANGES)
def test_rows_that_do_not_say_when_they_changed_are_an_error(change):
    class Silent(Service):
        def rows(self, *args: Any) -> list[dict[str, Any]]:
            return [{"id": "a"}]

    with pytest.raises(ClockifyResponseError, match="does not say when"):
        of(Silent([]), change, Window(START, START + DAY))


# --- what is asked for --------------------------------------------------------------------------------------


def test_wrong_calls_name_parameter_and_cure():
    with pytest.raises(ClockifyConfigError, match="change is 'removed'; use one of created"):
        check_changes("removed", KIND)
    with pytest.raises(ClockifyConfigError, match="entity_type is 'TIME_ENTRIES'; use one of CLIENTS"):
        check_changes("created", "TIME_ENTRIES")


def test_a_window_must_be_settled():
    now = START + DAY
    check_window(Window(START, now - SETTLED), now)
    with pytest.raises(ClockifyWindowError, match="End it at 2026-11-02T23:58:00Z or earlier"):
        check_window(Window(START, now - SETTLED + SECOND), now)


def test_a_window_must_be_cut_at_whole_seconds():
    with pytest.raises(ClockifyWindowError, match="whole seconds"):
        check_window(Window(START + timedelta(microseconds=1), START + DAY), LATER)


def test_bounds_are_given_literally_and_as_wall_clock():
    assert cuts(START, None) == [START]
    assert cuts(START, ZoneInfo("UTC")) == [START]
    assert cuts(START, ZoneInfo("Asia/Tokyo")) == [START, START + 9 * HOUR]
    assert cuts(START, ZoneInfo("America/New_York")) == [START - 5 * HOUR, START]


# --- pages and shapes ---------------------------------------------------------------------------------------


def drive(*answers: list[str], last: bool | None = None) -> list[int]:
    """Answer requests for pages of a feed in turn; give the numbers asked for."""
    asked = []
    given = iter(answers)

    def send(request: Any, decode: Any) -> Page:
        asked.append(int(dict(request.query())["page"]))
        return Page([{"id": item} for item in next(given)], last)

    run(send, feed_rows(feed_request("created", KIND, "w", START, START + DAY), PageSize(2)))
    return asked


def test_pages_begin_at_0_and_end_at_an_empty_one():
    assert drive(["a", "b"], ["c"], []) == [0, 1, 2]
    assert drive([]) == [0]


def test_pages_0_and_1_may_be_the_same():
    assert drive(["a", "b"], ["a", "b"], ["c"], []) == [0, 1, 2, 3]


def test_a_header_ends_a_feed():
    assert drive(["a"], last=True) == [0]


def test_a_later_page_that_repeats_is_an_error():
    with pytest.raises(ClockifyIncompleteError, match="Page 2 repeats the page before it"):
        drive(["a"], ["b"], ["b"])


@pytest.mark.parametrize(
    "wrap",
    [
        lambda rows: rows,
        lambda rows: {"response": rows},
        json.dumps,
        lambda rows: json.dumps({"response": rows}),
        lambda rows: {"response": json.dumps(rows)},
    ],
)
@pytest.mark.parametrize("rows", [[], [{"id": "a", "new": 1}]])
def test_every_recorded_shape_is_read(wrap, rows):
    assert read_feed(ApiResponse(200, {}, json.dumps(wrap(rows)).encode())).items == rows


@pytest.mark.parametrize("body", [b"{}", b"null", b"[1]", b"[{}]", b'{"response": null}', b"7"])
def test_another_shape_is_an_error_and_no_empty_feed(body):
    with pytest.raises(ClockifyResponseError, match="not a list of rows"):
        read_feed(ApiResponse(200, {}, body))
