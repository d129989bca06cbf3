# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from airflow_provider_clockify.testing import EntityFeeds
from airflow_provider_clockify.testing.core_routes.entity_changes import ACCEPTED_TYPES

DAY = datetime(2026, 11, 5, tzinfo=UTC)
ONE = timedelta(days=1)
HOUR = timedelta(hours=1)
EARLY = DAY - 10 * ONE
LATER = datetime(2027, 1, 1, tzinfo=UTC)


def text(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def feed(client, action, start=None, end=None, **params):
    window = {name: text(value) for name, value in (("start", start), ("end", end)) if value}
    params = {"type": "TIME_ENTRY", "limit": "1000", **window, **params}
    response = client.list(f"entities/{action}", **params)
    assert response.status_code == 200, response.text
    assert "Last-Page" not in response.headers
    return response.json()


def ids(client, action, start=None, end=None, **params):
    return [row["id"] for row in feed(client, action, start, end, **params)]


@pytest.fixture
def changes(serve, empty):
    return serve(empty, now=LATER)


def entry(workspace, at, **fields):
    return workspace.add_entry(start=DAY, end=DAY + HOUR, at=at, **fields)


# --- what shows where --------------------------------------------------------------------------------------


def test_created_and_updated_within_is_only_created(changes, empty):
    fresh, old = entry(empty, DAY + HOUR), entry(empty, DAY - ONE)
    empty.update_entry(fresh.id, at=DAY + 2 * HOUR, description="new")
    empty.update_entry(old.id, at=DAY + 3 * HOUR, description="changed")
    window = (DAY, DAY + ONE)
    assert ids(changes, "created", *window) == [fresh.id]
    assert ids(changes, "updated", *window) == [old.id]
    assert feed(changes, "created", *window)[0]["description"] == "new"
    assert ids(changes, "created", DAY - ONE, DAY + ONE) == [old.id, fresh.id]
    assert ids(changes, "updated", DAY - ONE, DAY + ONE) == []
    assert ids(changes, "updated", DAY + 2 * HOUR, DAY + 2 * HOUR) == [fresh.id]


def test_created_and_deleted_within_is_not_deleted(changes, empty):
    brief, old = entry(empty, DAY + HOUR), entry(empty, DAY - ONE)
    empty.delete_entry(brief.id, at=DAY + 2 * HOUR)
    empty.delete_entry(old.id, at=DAY + 2 * HOUR)
    assert ids(changes, "deleted", DAY, DAY + ONE) == [old.id]
    assert ids(changes, "created", DAY, DAY + ONE) == []
    assert ids(changes, "deleted", DAY + 2 * HOUR, DAY + ONE) == [brief.id, old.id]


def test_created_may_list_what_was_deleted_later(serve, empty):
    brief, old = entry(empty, DAY + HOUR), entry(empty, DAY - ONE)
    empty.update_entry(old.id, at=DAY + HOUR, description="last words")
    for one in (brief, old):
        empty.delete_entry(one.id, at=DAY + 2 * HOUR)
    client = serve(empty, now=LATER, entities=EntityFeeds(created_lists_deleted=True))
    assert ids(client, "created", DAY, DAY + ONE) == [brief.id]
    assert ids(client, "updated", DAY, DAY + ONE) == [old.id]
    assert ids(client, "deleted", DAY, DAY + ONE) == [old.id]


def test_deletions_show_a_minute_late(changes, empty):
    old, deleted_at = entry(empty, DAY - ONE), DAY + HOUR
    empty.delete_entry(old.id, at=deleted_at)
    for seconds, seen in ((0, []), (59, []), (60, [old.id]), (3600, [old.id])):
        changes.emulator.now = deleted_at + timedelta(seconds=seconds)
        assert ids(changes, "deleted", DAY, DAY + ONE) == seen
    changes.emulator.behaviour.entities.deletion_delay = 0
    changes.emulator.now = deleted_at
    assert ids(changes, "deleted", DAY, DAY + ONE) == [old.id]


def test_bounds_are_inclusive(changes, empty):
    first, last = entry(empty, DAY), entry(empty, DAY + ONE)
    assert ids(changes, "created", DAY, DAY + ONE) == [first.id, last.id]
    second = timedelta(seconds=1)
    assert ids(changes, "created", DAY + second, DAY + ONE - second) == []


def test_default_range_is_thirty_days(changes, empty):
    made = [entry(empty, DAY + days * ONE).id for days in (0, 15, 30, 45)]
    changes.emulator.now = DAY + 45 * ONE
    assert ids(changes, "created") == made[1:]
    assert ids(changes, "created", start=DAY) == made[:3]
    assert ids(changes, "created", end=DAY + 44 * ONE) == made[1:3]


# --- rows --------------------------------------------------------------------------------------------------


def test_rows_of_time_entries(changes, empty):
    made = entry(empty, DAY - ONE, description="Hello")
    empty.update_entry(made.id, at=DAY, description="Bye")
    (row,) = feed(changes, "updated", DAY, DAY + ONE)
    assert row.pop("documentType") == "TIME_ENTRY"
    assert row.pop("auditMetadata") == {"createdAt": text(DAY - ONE), "updatedAt": text(DAY)}
    assert row == changes.list(f"time-entries/{made.id}").json()
    empty.delete_entry(made.id, at=DAY + HOUR)
    (gone,) = feed(changes, "deleted", DAY, DAY + ONE)
    assert set(gone) == {"id", "deletionBinId", "deletedAt", "documentType", "document"}
    assert gone["deletionBinId"] != gone["id"] == made.id
    assert gone["deletedAt"] == "2026-11-05T01:00:00.000Z"
    assert gone["document"].pop("auditMetadata")["updatedAt"] == text(DAY)
    assert gone["document"] == row


def test_other_types(changes, empty):
    at = DAY - ONE
    client = empty.add_client("Globex", at=at)
    project = empty.add_project("Web", at=at, client_id=client.id)
    task, tag = empty.add_task(project.id, "Build", at=at), empty.add_tag("on-site", at=at)
    worked = entry(empty, at, project_id=project.id, task_id=task.id, tag_ids=[tag.id])
    things = {"CLIENTS": client, "PROJECTS": project, "TASKS": task, "TAGS": tag}
    for kind, thing in things.items():
        assert ids(changes, "created", DAY - 2 * ONE, DAY, type=kind) == [thing.id]
        empty.change(thing, at=DAY + HOUR, name="renamed")
        (row,) = feed(changes, "updated", DAY, DAY + ONE, type=kind)
        assert (row["id"], row["name"], row["documentType"]) == (thing.id, "renamed", kind)
    every = ids(changes, "updated", DAY, DAY + ONE, type=list(things))
    assert every == sorted(thing.id for thing in things.values())
    assert ids(changes, "updated", DAY, DAY + ONE, type=",".join(things)) == every
    empty.delete(tag, at=DAY + 2 * HOUR)
    empty.delete(project, at=DAY + 3 * HOUR)
    empty.delete(client, at=DAY + 4 * HOUR)
    for kind, thing in things.items():
        (row,) = feed(changes, "deleted", DAY, DAY + ONE, type=kind)
        assert (row["id"], row["document"]["name"]) == (thing.id, "renamed")
    (row,) = feed(changes, "updated", DAY, DAY + ONE)
    assert (row["id"], row["projectId"], row["taskId"], row["tagIds"]) == (worked.id, None, None, [])
    assert changes.list("projects").json() == changes.list("tags").json() == []


def test_types_that_the_service_accepts_beyond_the_documented(make_clockify_emulator, client):
    emulator = make_clockify_emulator(entries=0, custom_fields=1)
    emulator.now = LATER
    window = {"start": datetime(2025, 1, 1, tzinfo=UTC), "end": LATER}
    for kind in (
        "APPROVAL_REQUESTS",
        "CUSTOM_FIELDS",
        "HOLIDAYS",
        "INVOICES",
        "PTO_POLICY",
        "SCHEDULED_ASSIGNMENT",
        "TIME_OFF_REQUEST",
        "USER",
        "USER_GROUPS",
    ):
        assert feed(type(client)(emulator), "created", type=kind, **window), kind


# --- paging and shapes -------------------------------------------------------------------------------------


def test_pages_count_from_zero(changes, empty):
    made = [entry(empty, DAY + number * HOUR).id for number in range(7)]

    def page(number, **params):
        return ids(changes, "created", DAY, DAY + ONE, page=number, limit="3", **params)

    assert [page(str(number)) for number in range(4)] == [made[:3], made[3:6], made[6:], []]
    assert len(feed(changes, "created", DAY, DAY + ONE, **{"page-size": 1})) == 7
    window = {"start": text(DAY), "end": text(DAY + ONE), "type": "TIME_ENTRY"}
    for number in range(50):
        entry(empty, DAY + number * HOUR / 10)
    assert len(changes.list("entities/created", **window).json()) == 50


def test_pages_may_count_from_one(serve, empty):
    made = [entry(empty, DAY + number * HOUR).id for number in range(4)]
    client = serve(empty, now=LATER, entities=EntityFeeds(page_base=1, max_limit=2))
    pages = [ids(client, "created", DAY, DAY + ONE, page=number, limit=100) for number in range(4)]
    assert pages == [made[:2], made[:2], made[2:], []]


@pytest.mark.parametrize("action", ["created", "updated", "deleted"])
@pytest.mark.parametrize("shape", ["array", "envelope", "json_string"])
def test_shapes(serve, empty, shape, action):
    old = entry(empty, DAY - ONE)
    empty.update_entry(old.id, at=DAY, description="x")
    kept = entry(empty, DAY)
    if action == "deleted":
        empty.delete_entry(old.id, at=DAY + HOUR)
    client = serve(
        empty,
        now=LATER,
        entities=EntityFeeds(shape=shape, type_key="documentCode"),
        extra_fields={"somethingNew": 1},
    )
    body = feed(client, action, DAY, DAY + ONE)
    rows = {
        "array": lambda: body,
        "envelope": lambda: body["response"],
        "json_string": lambda: json.loads(body),
    }[shape]()
    assert [row["id"] for row in rows] == [kept.id if action == "created" else old.id]
    assert (rows[0]["documentCode"], rows[0]["somethingNew"]) == ("TIME_ENTRY", 1)
    assert "documentType" not in rows[0]


# --- rates and custom field values --------------------------------------------------------------------------


def test_custom_field_values_have_a_life_of_their_own(changes, empty):
    ticket, distance = empty.add_custom_field("Ticket", at=EARLY), empty.add_custom_field("km", at=EARLY)
    kept = empty.add_entry(
        start=EARLY, end=EARLY + HOUR, custom_values={ticket.id: "OPS-1", distance.id: 5}, at=EARLY
    )
    kind = {"type": "TIME_ENTRY_CUSTOM_FIELD_VALUE"}
    made = feed(changes, "created", EARLY, EARLY, **kind)
    assert {**made[0], "id": None, "customFieldId": None, "value": None} == {
        "documentType": "TIME_ENTRY_CUSTOM_FIELD_VALUE",
        "id": None,
        "timeEntryId": kept.id,
        "customFieldId": None,
        "value": None,
        "sourceType": "TIMEENTRY",
        "auditMetadata": {"createdAt": text(EARLY), "updatedAt": text(EARLY)},
    }
    assert {row["customFieldId"]: row["value"] for row in made} == {ticket.id: "OPS-1", distance.id: 5}
    assert len({row["id"] for row in made} | {kept.id}) == 3
    by_field = {row["customFieldId"]: row["id"] for row in made}

    # An edit of something else touches no value.
    empty.update_entry(kept.id, description="x", at=DAY)
    assert feed(changes, "updated", DAY, DAY, **kind) == []
    empty.update_entry(kept.id, custom_values={ticket.id: "OPS-2"}, at=DAY + ONE)
    (changed,) = feed(changes, "updated", DAY, DAY + ONE, **kind)
    assert (changed["id"], changed["value"]) == (by_field[ticket.id], "OPS-2")
    (gone,) = feed(changes, "deleted", DAY, DAY + ONE, **kind)
    assert (gone["id"], gone["document"]["value"]) == (by_field[distance.id], 5)
    assert gone["document"]["timeEntryId"] == kept.id
    empty.update_entry(kept.id, custom_values={ticket.id: "OPS-2", distance.id: 7}, at=DAY + 2 * ONE)
    (again,) = feed(changes, "created", DAY + 2 * ONE, DAY + 2 * ONE, **kind)
    assert (again["id"], again["value"]) == (by_field[distance.id], 7)
    # The other value was written again, and is the same.
    assert feed(changes, "updated", DAY + 2 * ONE, DAY + 2 * ONE, **kind) == []
    empty.delete_entry(kept.id, at=DAY + 3 * ONE)
    rows = feed(changes, "deleted", DAY + 3 * ONE, DAY + 3 * ONE, **kind)
    assert {row["document"]["value"] for row in rows} == {"OPS-2", 7}
    assert feed(changes, "deleted", DAY + 3 * ONE, DAY + 3 * ONE)[0]["id"] == kept.id


def test_rates_change_with_the_project(changes, empty):
    project = empty.add_project("Web", hourly_rate=9500, at=EARLY)
    entry_ = empty.add_entry(start=EARLY, end=EARLY + HOUR, at=EARLY)
    kind = {"type": "TIME_ENTRY_RATE"}
    (made,) = feed(changes, "created", EARLY, EARLY, **kind)
    assert (made["timeEntryId"], made["hourlyRate"]) == (entry_.id, {"amount": 5000, "currency": "EUR"})
    empty.update_entry(entry_.id, description="x", at=DAY)
    assert feed(changes, "updated", DAY, DAY, **kind) == []
    path = f"{changes.workspace}/time-entries/{entry_.id}"
    changes.emulator.now = DAY + ONE
    body = {"start": "2026-11-05T08:00:00Z", "end": "2026-11-05T09:00:00Z", "projectId": project.id}
    assert changes.send("PUT", path, body).status_code == 200
    (changed,) = feed(changes, "updated", DAY, DAY + ONE, **kind)
    assert (changed["id"], changed["hourlyRate"]["amount"]) == (made["id"], 9500)


def test_parts_of_others_are_hidden(changes, empty):
    owner, employee = empty.users.values()
    for user in (owner, employee):
        empty.add_entry(start=DAY, end=DAY + HOUR, user_id=user.id, at=DAY)
    empty.change(empty.settings, only_admins_see_all_time_entries=True)
    caller = changes.as_user(employee)
    assert len(feed(changes, "created", DAY, DAY, type="TIME_ENTRY_RATE")) == 2
    assert len(feed(caller, "created", DAY, DAY, type="TIME_ENTRY_RATE")) == 1


@pytest.mark.parametrize("kind", ACCEPTED_TYPES)
def test_every_type_has_a_feed(client, kind):
    for action in ("created", "updated", "deleted"):
        assert client.list(f"entities/{action}", type=kind).status_code == 200


# --- refusals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["created", "updated", "deleted"])
@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"type": None}, 3001),
        ({"type": "TIME_ENTRIES"}, 3002),
        ({"type": ["TIME_ENTRY", "X"]}, 3002),
        ({"start": "yesterday"}, 3000),
        ({"end": "2026-11-05"}, 3000),
        ({"page": "one"}, 3000),
        ({"page": "-1"}, 3000),
        ({"limit": "x"}, 3000),
        ({"limit": "0"}, 501),
        ({"start": "2026-11-06T00:00:00Z", "end": "2026-11-05T00:00:00Z"}, 501),
    ],
)
def test_refusals(changes, action, params, code):
    response = changes.list(f"entities/{action}", **{"type": "TIME_ENTRY", **params})
    assert (response.status_code, response.json()["code"]) == (400, code)
    if code == 3002:
        assert "TIME_ENTRY_CUSTOM_FIELD_VALUE" in response.json()["message"]


@pytest.mark.parametrize("options", [{"shape": "xml"}, {"page_base": 2}, {"type_key": "kind"}])
def test_unknown_options_are_refused(options):
    with pytest.raises(ValueError):
        EntityFeeds(**options)


def test_employees_miss_rows_without_a_word(changes, empty):
    owner, employee = empty.users.values()
    entry(empty, DAY)
    own = entry(empty, DAY, user_id=employee.id)
    secret, public = empty.add_project("Secret", public=False, at=DAY), empty.add_project("Open", at=DAY)
    caller = changes.as_user(employee)
    assert len(ids(caller, "created", DAY, DAY)) == 2
    assert ids(caller, "created", DAY, DAY, type="PROJECTS") == [public.id]
    empty.change(empty.settings, only_admins_see_all_time_entries=True)
    assert ids(caller, "created", DAY, DAY) == [own.id]
    empty.delete(secret, at=DAY + ONE)
    assert ids(caller, "deleted", DAY + HOUR, DAY + ONE, type="PROJECTS") == []
    assert ids(changes, "deleted", DAY + HOUR, DAY + ONE, type="PROJECTS") == [secret.id]


def test_only_things_can_be_deleted(empty):
    with pytest.raises(TypeError):
        empty.delete(empty.owner)
    with pytest.raises(TypeError):
        empty.delete(entry(empty, DAY))
    tag = empty.add_tag("once")
    empty.delete(tag)
    with pytest.raises(KeyError):
        empty.delete(tag)


# --- ten days ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("created_lists_deleted", [False, True])
def test_ten_days_can_be_replicated_from_the_feeds(serve, empty, created_lists_deleted):
    random = Random(3)
    delay = timedelta(minutes=2)
    feeds = EntityFeeds(created_lists_deleted=created_lists_deleted)
    client = serve(empty, entities=feeds)
    replica, read_until = {}, DAY
    for day in range(10):
        moment = DAY + day * ONE
        for _ in range(30):
            moment += timedelta(minutes=random.randrange(1, 40))
            known = list(empty.entries)
            choice = random.random()
            if choice < 0.5 or not known:
                entry(empty, moment, description=f"made {moment}")
            elif choice < 0.8:
                empty.update_entry(random.choice(known), at=moment, description=f"changed {moment}")
            else:
                empty.delete_entry(random.choice(known), at=moment)
        client.emulator.now = DAY + (day + 1) * ONE + delay
        window = (read_until - timedelta(minutes=5), DAY + (day + 1) * ONE)
        for action in ("created", "updated"):
            replica |= {row["id"]: row for row in feed(client, action, *window)}
        for row in feed(client, "deleted", *window):
            replica.pop(row["id"], None)
        for row in [] if not created_lists_deleted else feed(client, "created", *window):
            # What came and went within the window is in no feed of deletions.
            if client.list(f"time-entries/{row['id']}").status_code == 400:
                replica.pop(row["id"], None)
        read_until = window[1]
        assert set(replica) == set(empty.entries)
        assert {key: row["description"] for key, row in replica.items()} == {
            key: one.description for key, one in empty.entries.items()
        }


def test_writes_over_http_happen_at_the_emulated_now(changes, empty):
    changes.emulator.now = DAY
    body = {"start": text(DAY), "end": text(DAY + HOUR)}
    made = changes.post(f"{changes.workspace}/time-entries", body).json()["id"]
    changes.emulator.now = DAY + ONE
    changes.send("PUT", f"{changes.workspace}/time-entries/{made}", body)
    assert ids(changes, "updated", DAY + ONE, DAY + ONE) == [made]
    changes.emulator.now = DAY + 2 * ONE
    changes.send("DELETE", f"{changes.workspace}/time-entries/{made}")
    changes.emulator.now = DAY + 3 * ONE
    assert ids(changes, "deleted", DAY + 2 * ONE, DAY + 2 * ONE) == [made]
    with pytest.raises(ValueError, match="time zone"):
        changes.emulator.now = datetime(2026, 11, 5)
    changes.emulator.now = None
    fresh = changes.post(f"{changes.workspace}/time-entries", body).json()["id"]
    assert ids(changes, "created") == [fresh]
