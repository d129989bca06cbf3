# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Every list of the table, read from the emulator: complete, at its cost, with all its filters."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_clockify.exceptions import (
    ClockifyConfigError,
    ClockifyForbiddenError,
    ClockifyIncompleteError,
    ClockifyNotFoundError,
    ClockifyResponseError,
    ClockifyServerError,
    ClockifyWindowError,
)
from airflow_provider_clockify.hooks.clockify import ClockifyHook
from airflow_provider_clockify.service.lists import (
    BALANCES_OF_USER,
    LISTS,
    Resource,
    resource,
)
from airflow_provider_clockify.testing import EmulatedWorkspace, generate_workspace
from airflow_provider_clockify.testing.workspace.business import Invoice
from airflow_provider_clockify.testing.workspace.kinds import User, WorkspaceSettings

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
DAY = timedelta(days=1)
EVERYTHING = {"start": datetime(2020, 1, 1, tzinfo=UTC), "end": datetime(2030, 1, 1, tzinfo=UTC)}
SIZES = {
    "clients": 5,
    "tags": 5,
    "tasks": 5,
    "user_groups": 5,
    "custom_fields": 5,
    "expenses": 9,
    "invoices": 6,
    "holidays": 5,
    "policies": 5,
    "time_off_requests": 7,
    "approval_requests": 7,
    "assignments": 5,
    "webhooks": 5,
}


def first(table: dict[str, Any]) -> str:
    return next(iter(table))


def of_first(table: dict[str, Any], values: dict[str, Any], key: str) -> list[str]:
    return [item.id for item in values.values() if getattr(item, key) == first(table)]


@dataclass(frozen=True)
class Case:
    """
    A list in the emulator.

    ``ids`` says what it holds, ``arguments`` what its path needs, ``filters`` what it cannot do without,
    ``paid`` whether the Free plan refuses it, ``owner_of`` whose an item is where others see less.
    """

    resource: Resource
    ids: Callable[[EmulatedWorkspace], Any]
    arguments: Callable[[EmulatedWorkspace], dict[str, str]] = lambda workspace: {}
    filters: Callable[[EmulatedWorkspace], dict[str, Any]] = lambda workspace: {}
    paid: bool = False
    owner_of: Callable[[dict[str, Any]], str] | None = None


def a_project(workspace: EmulatedWorkspace) -> dict[str, str]:
    return {"project_id": first(workspace.projects)}


def largest_invoice(workspace: EmulatedWorkspace) -> Invoice:
    return max(workspace.invoices.values(), key=lambda invoice: len(invoice.items))


CASES = {
    "workspaces": Case(LISTS["workspaces"], lambda w: [w.id]),
    "users": Case(
        LISTS["users"],
        lambda w: [u.id for u in w.users.values() if u.account_status not in ("LIMITED", "DELETED")],
    ),
    "projects": Case(LISTS["projects"], lambda w: w.projects),
    "user_groups": Case(LISTS["user_groups"], lambda w: w.user_groups),
    "clients": Case(LISTS["clients"], lambda w: w.clients),
    "tasks": Case(LISTS["tasks"], lambda w: of_first(w.projects, w.tasks, "project_id"), a_project),
    "tags": Case(LISTS["tags"], lambda w: w.tags),
    "custom_fields": Case(LISTS["custom_fields"], lambda w: w.custom_fields, paid=True),
    "project_custom_fields": Case(
        LISTS["project_custom_fields"],
        lambda w: [f.id for f in w.custom_fields.values() if f.entity_type == "TIMEENTRY"],
        a_project,
        paid=True,
    ),
    "time_entries": Case(
        LISTS["time_entries"],
        lambda w: of_first(w.users, w.entries, "user_id"),
        lambda w: {"user_id": first(w.users)},
        owner_of=lambda item: item["userId"],
    ),
    "in_progress_time_entries": Case(
        LISTS["in_progress_time_entries"],
        lambda w: [entry.id for entry in w.running_timers()],
        owner_of=lambda item: item["userId"],
    ),
    "expenses": Case(
        LISTS["expenses"], lambda w: w.expenses, paid=True, owner_of=lambda item: item["userId"]
    ),
    "expense_categories": Case(LISTS["expense_categories"], lambda w: w.expense_categories, paid=True),
    "invoices": Case(LISTS["invoices"], lambda w: w.invoices, paid=True),
    "invoice_items": Case(
        LISTS["invoice_items"],
        lambda w: range(len(largest_invoice(w).items)),
        lambda w: {"invoice_id": largest_invoice(w).id},
        paid=True,
    ),
    "invoice_payments": Case(
        LISTS["invoice_payments"],
        lambda w: [payment.id for payment in w.invoices[list(w.invoices)[-1]].payments],
        lambda w: {"invoice_id": list(w.invoices)[-1]},
        paid=True,
    ),
    "holidays": Case(LISTS["holidays"], lambda w: w.holidays),
    "holidays_in_period": Case(
        LISTS["holidays_in_period"],
        lambda w: w.holidays,
        filters=lambda w: {"assigned_to": first(w.users), **EVERYTHING},
    ),
    "time_off_requests": Case(
        LISTS["time_off_requests"],
        lambda w: w.time_off_requests,
        paid=True,
        owner_of=lambda item: item["userId"],
    ),
    "time_off_policies": Case(LISTS["time_off_policies"], lambda w: w.policies, paid=True),
    "time_off_balances": Case(
        LISTS["time_off_balances"],
        lambda w: of_first(w.policies, w.balances, "policy_id"),
        lambda w: {"policy_id": first(w.policies)},
        paid=True,
    ),
    "balances_of_user": Case(
        BALANCES_OF_USER,
        lambda w: of_first(w.users, w.balances, "user_id"),
        lambda w: {"user_id": first(w.users)},
        paid=True,
    ),
    "approval_requests": Case(
        LISTS["approval_requests"],
        lambda w: w.approval_requests,
        owner_of=lambda item: item["approvalRequest"]["owner"]["userId"],
    ),
    "assignments": Case(
        LISTS["assignments"], lambda w: w.assignments, filters=lambda w: dict(EVERYTHING), paid=True
    ),
    "webhooks": Case(LISTS["webhooks"], lambda w: w.webhooks),
}
every_list = pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])

# A value that each filter takes, where it is not the one of its name.
VALUES: dict[str, Any] = {
    "archived": True,
    "billable": True,
    "hydrated": True,
    "strict_name_search": False,
    "is_active": True,
    "is_template": False,
    "contains_client": True,
    "contains_user": False,
    "contains_group": True,
    "include_team_managers": True,
    "include_roles": True,
    "project_required": True,
    "task_required": True,
    "in_progress": False,
    "expense_limit": 5,
    "expense_date": "2026-11-01",
    "roles": ["OWNER"],
    "account_statuses": ["ACTIVE", "LIMITED"],
    "memberships": "WORKSPACE",
    "client_status": "ACTIVE",
    "user_status": "ACTIVE",
    "access": "PUBLIC",
    "statuses": ["PENDING", "APPROVED"],
    "types": ["TIMESHEET", "EXPENSE"],
    "type": "USER_CREATED",
    "entity_type": "TIMEENTRY",
    "start": EVERYTHING["start"],
    "end": EVERYTHING["end"],
    "clients": ["66b0c1a2d3e4f5a6b7c8d901", "66b0c1a2d3e4f5a6b7c8d902"],
}
STATUS = {
    "getInvoices": ["SENT"],
    "getUsersOfWorkspace": "ALL",
    "getApprovalRequests": "PENDING",
    "findPoliciesForWorkspace": "ALL",
    "ofWorkspace": "VISIBLE",
    "getCustomFieldsOfProject": "VISIBLE",
}


def value_of(case: Case, name: str) -> Any:
    if name in ("status", "statuses") and case.resource.operation in STATUS:
        return STATUS[case.resource.operation]
    return VALUES.get(name, "66b0c1a2d3e4f5a6b7c8d901")


@pytest.fixture
def rich() -> EmulatedWorkspace:
    """Make a workspace with several items in each list."""
    workspace = generate_workspace(entries=40, **SIZES)
    for number, user in enumerate(list(workspace.users.values())):
        if user.membership_status == "ACTIVE" and workspace.running_timer(user.id) is None:
            workspace.start_timer(user.id, start=END + number * DAY, at=END + number * DAY)
    invoice = list(workspace.invoices.values())[-1]
    for number in range(5):
        workspace.add_payment(invoice.id, 100 + number, at=END)
    return workspace


@pytest.fixture
def hook_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ClockifyHook]:
    """Make a hook of an emulator; a key may be given."""

    def make(emulator: Any, **options: Any) -> ClockifyHook:
        options = {"requests_per_second": 1000, "max_retries": 0, **options}
        monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_TEST", emulator.connection_json(**options))
        return ClockifyHook("clockify_test")

    return make


def read(client: Any, case: Case, workspace: EmulatedWorkspace, **changes: Any) -> list[dict[str, Any]]:
    """Read a list of the emulator through the client."""
    filters = {**case.filters(workspace), **changes.pop("filters", {})}
    arguments = case.arguments(workspace)
    if case.resource.in_workspace:
        arguments = {"workspace_id": workspace.id, **arguments}
    return list(client.iterate(replace(case.resource, **changes), filters, **arguments))


def ids(items: list[dict[str, Any]]) -> list[Any]:
    if items and "unitPrice" in items[0]:  # Lines of invoices have no ids.
        return [item["order"] for item in items]
    return [item["approvalRequest"]["id"] if "approvalRequest" in item else item["id"] for item in items]


# --- the table ----------------------------------------------------------------------------------------------


def test_every_row_of_the_table_is_tested_here_and_has_its_method():
    assert set(LISTS) - {"shared_reports"} <= set(CASES)
    for name in LISTS:
        assert callable(getattr(ClockifyHook, f"iter_{name}"))


def test_unknown_lists_and_filters_are_refused_with_the_nearest(emulator, client):
    with pytest.raises(ClockifyConfigError, match="Did you mean 'projects'"):
        resource("project")
    with pytest.raises(ClockifyConfigError, match="getTags has no filter 'achived'. Did you mean 'archived'"):
        LISTS["tags"].request({"achived": True}, workspace_id="w")
    assert emulator.requests == []


# --- every list ---------------------------------------------------------------------------------------------


@every_list
def test_a_list_is_read_completely_at_one_request_per_page_and_one_row_per_boundary(
    case, rich, start_emulator, client_of
):
    emulator = start_emulator(rich)
    wanted = list(case.ids(rich))
    size = 2 if case.resource.page_size else None
    found = read(client_of(emulator), case, rich, page_size=size, smaller_pages={})
    assert sorted(ids(found)) == sorted(wanted)
    assert len(wanted) > 2 or case.resource.operation == "getWorkspacesOfUser"
    pages = -(-len(wanted) // size) if size else 1
    assert len(emulator.requests) == (2 * pages - 1 if case.resource.order else pages)


def test_an_item_that_is_removed_between_two_pages_hides_no_other_without_an_error(start_emulator, client_of):
    workspace = EmulatedWorkspace()
    workspace.add_user("Ada")
    tags = [workspace.add_tag(f"tag {number}") for number in range(7)]
    emulator = start_emulator(workspace)
    emulator.at_request(2, lambda: workspace.delete(tags[0]))
    client = client_of(emulator)
    resource = replace(LISTS["tags"], page_size=3)
    with pytest.raises(ClockifyIncompleteError, match="getTags were removed while its pages were read"):
        list(client.iterate(resource, workspace_id=workspace.id))
    emulator.reset_log()
    emulator.at_request(
        3, lambda: workspace.delete(tags[-1])
    )  # Its page is read already, or it is not given.
    found = list(client.iterate(resource, workspace_id=workspace.id))
    assert [tag["id"] for tag in found] == [tag.id for tag in tags[1:]]


def test_an_item_that_is_added_between_two_pages_is_given_with_them(start_emulator, client_of):
    workspace = EmulatedWorkspace()
    workspace.add_user("Ada")
    tags = [workspace.add_tag(f"tag {number}") for number in range(6)]
    emulator = start_emulator(workspace)
    emulator.at_request(2, lambda: tags.append(workspace.add_tag("late")))
    resource = replace(LISTS["tags"], page_size=3)
    found = list(client_of(emulator).iterate(resource, workspace_id=workspace.id))
    assert [tag["id"] for tag in found] == [tag.id for tag in tags]
    assert len(tags) == 7


@every_list
def test_a_list_costs_one_request_with_its_own_page_size(case, rich, start_emulator, client_of):
    emulator = start_emulator(rich)
    assert sorted(ids(read(client_of(emulator), case, rich))) == sorted(case.ids(rich))
    assert len(emulator.requests) == 1


@every_list
def test_every_filter_has_a_name_that_the_service_knows(case, rich, start_emulator, client_of):
    """The emulator notes parameters that the service would silently ignore; its fixture finds none."""
    emulator = start_emulator(rich)
    client = client_of(emulator)
    everything = set(ids(read(client, case, rich)))
    for name in case.resource.filters:
        given = {} if name in case.filters(rich) else {name: value_of(case, name)}
        extra = name == "account_statuses"
        assert set(ids(read(client, case, rich, filters=given))) <= everything or extra
        sent = emulator.requests[-1]
        wire = case.resource.filters[name]
        assert wire in (sent.json if sent.method == "POST" else sent.query)


@every_list
def test_an_empty_list_is_empty_after_one_request(case, start_emulator, client_of):
    workspace = EmulatedWorkspace()
    workspace.add_user("Ada")
    workspace.add_project("Empty")
    workspace.add_client("Globex")
    workspace.add_policy("Vacation")
    workspace.add_invoice(first(workspace.clients), issued=START, due=END, at=START)
    emulator = start_emulator(workspace)
    found = read(client_of(emulator), case, workspace)
    assert sorted(ids(found)) == sorted(case.ids(workspace))
    assert len(found) <= 1
    assert len(emulator.requests) == 1


@every_list
def test_a_refusal_is_an_error_and_no_empty_list(case, rich, start_emulator, client_of):
    emulator = start_emulator(rich)
    emulator.fail(403)
    with pytest.raises(ClockifyForbiddenError) as caught:
        read(client_of(emulator), case, rich)
    assert caught.value.operation == case.resource.operation


@every_list
def test_the_free_plan_is_named(case, rich, start_emulator, client_of):
    rich.plan = "FREE"
    client = client_of(start_emulator(rich))
    if case.paid:
        with pytest.raises(ClockifyForbiddenError, match="the workspace's plan lacks it"):
            read(client, case, rich)
    else:
        assert read(client, case, rich)


@every_list
def test_fields_that_nobody_knows_are_kept(case, rich, start_emulator, client_of):
    emulator = start_emulator(rich, extra_fields={"brandNew": {"nested": [1]}})
    found = read(client_of(emulator), case, rich)
    assert found
    assert all(item["brandNew"] == {"nested": [1]} for item in found)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=name)
        for name, case in CASES.items()
        if case.owner_of is not None and name != "time_entries"
    ],
)
def test_a_key_without_rights_gets_less_and_no_error(case, rich, start_emulator, client_of):
    member: User = next(
        u for u in rich.users.values() if u.role == "USER" and u.membership_status == "ACTIVE"
    )
    rich.settings = WorkspaceSettings(only_admins_see_all_time_entries=True)
    client = client_of(start_emulator(rich), key=member.api_key)
    found = read(client, case, rich)
    assert {case.owner_of(item) for item in found} <= {member.id}
    assert len(found) < len(list(case.ids(rich)))


@every_list
def test_durations_are_seconds(case, rich, start_emulator, client_of):
    for item in read(client_of(start_emulator(rich)), case, rich):
        for path in case.resource.durations:
            if len(path) == 1:
                assert not isinstance(item.get(path[0]), str)
        assert '"PT' not in json.dumps(item)


# --- lists with ways of their own ---------------------------------------------------------------------------


def test_the_hook_reads_every_list(rich, start_emulator, hook_of):
    emulator = start_emulator(rich)
    hook = hook_of(emulator)
    for name in LISTS:
        if name == "shared_reports":  # Has no Last-Page header: tested below.
            continue
        case = CASES[name]
        keywords = {**case.arguments(rich), **case.filters(rich)}
        if name == "time_entries":
            keywords |= EVERYTHING
        emulator.reset_log()
        assert sorted(ids(list(getattr(hook, f"iter_{name}")(**keywords)))) == sorted(case.ids(rich))
        assert len(emulator.requests) == 1


def test_balances_are_of_one_policy_or_of_one_user(rich, start_emulator, hook_of):
    emulator = start_emulator(rich)
    hook = hook_of(emulator)
    policy, user = first(rich.policies), first(rich.users)
    assert {b["policyId"] for b in hook.iter_time_off_balances(policy_id=policy)} == {policy}
    assert {b["userId"] for b in hook.iter_time_off_balances(user_id=user)} == {user}
    for wrong in ({}, {"policy_id": policy, "user_id": user}):
        with pytest.raises(ClockifyConfigError, match="policy_id or user_id, and not both"):
            hook.iter_time_off_balances(**wrong)
    assert len(emulator.requests) == 2


def test_expenses_of_a_window_are_chosen_here_since_the_service_ignores_dates(start_emulator, hook_of):
    workspace = EmulatedWorkspace()
    user = workspace.add_user("Ada")
    for day in ("2026-10-31", "2026-11-01", "2026-11-30", "2026-12-01"):
        workspace.add_expense(user.id, day=day, total=100.0)
    emulator = start_emulator(workspace)
    hook = hook_of(emulator)
    assert [e["date"] for e in hook.iter_expenses(START, END)] == ["2026-11-30", "2026-11-01"]
    assert len(list(hook.iter_expenses())) == 4
    assert all(not {"start", "end"} & set(request.query) for request in emulator.requests)
    with pytest.raises(ClockifyWindowError, match="both start and end"):
        hook.iter_expenses(start=START)


def test_approvals_of_users_and_dates_are_chosen_here_since_the_service_ignores_them(start_emulator, hook_of):
    workspace = EmulatedWorkspace()
    ada, bob = workspace.add_user("Ada"), workspace.add_user("Bob")
    week = timedelta(days=7)
    wanted = workspace.add_approval_request(ada.id, start=START, end=START + week, at=START)
    workspace.add_approval_request(bob.id, start=START, end=START + week, at=START)
    workspace.add_approval_request(ada.id, start=START - 2 * week, end=START - week, at=START)
    hook = hook_of(start_emulator(workspace))
    assert ids(list(hook.iter_approval_requests([ada.id], START, END))) == [wanted.id]
    assert len(list(hook.iter_approval_requests(user_ids={ada.id}))) == 2
    assert len(list(hook.iter_approval_requests(start=START, end=END))) == 2
    with pytest.raises(ClockifyConfigError, match="list of ids"):
        hook.iter_approval_requests(ada.id)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "Europe/Vienna"])
def test_time_off_requests_are_those_created_in_the_window_in_every_zone(start_emulator, hook_of, zone):
    workspace = EmulatedWorkspace()
    user = workspace.add_user("Ada", time_zone=zone)
    policy = workspace.add_policy("Vacation")
    made = [
        workspace.add_time_off_request(user.id, policy.id, start=END, end=END + DAY, at=at).id
        for at in (START - timedelta(seconds=1), START, END - timedelta(seconds=1), END)
    ]
    hook = hook_of(start_emulator(workspace))
    assert sorted(ids(list(hook.iter_time_off_requests(START, END)))) == made[1:3]


def test_assignments_are_those_that_overlap_the_window(start_emulator, hook_of):
    workspace = EmulatedWorkspace()
    user, project = workspace.add_user("Ada"), workspace.add_project("Website")
    second = timedelta(seconds=1)
    made = [
        workspace.add_assignment(user.id, project.id, start=start, end=end).id
        for start, end in (
            (START - DAY, START - second),
            (START - DAY, START + DAY),
            (END - second, END + DAY),
            (END, END + DAY),
        )
    ]
    hook = hook_of(start_emulator(workspace))
    assert ids(list(hook.iter_assignments(START, END))) == made[1:3]


def test_a_member_profile_has_its_capacity_in_seconds(rich, start_emulator, hook_of):
    emulator = start_emulator(rich)
    profile = hook_of(emulator).get_member_profile(rich.owner.id)
    assert (profile["workCapacity"], profile["weekStart"]) == (8 * 3600, "MONDAY")
    assert len(emulator.requests) == 1


def test_the_holidays_of_an_unknown_user_are_a_500_that_is_asked_once_and_named(
    rich, start_emulator, hook_of
):
    emulator = start_emulator(rich)
    hook = hook_of(emulator, max_retries=3)
    with pytest.raises(ClockifyServerError, match="unknown user: check assigned_to"):
        list(hook.iter_holidays_in_period("66b0c1a2d3e4f5a6b7c8dead", START, END))
    assert len(emulator.requests) == 1


def test_unknown_projects_and_invoices_are_not_found(emulator, hook_of):
    hook = hook_of(emulator)
    for items in (
        hook.iter_tasks("66b0c1a2d3e4f5a6b7c8dead"),
        hook.iter_invoice_payments("dead"),
        hook.iter_invoice_items("dead"),
    ):
        with pytest.raises(ClockifyNotFoundError):
            next(items)


def test_values_that_the_service_answers_with_a_500_are_refused_before(emulator, hook_of):
    hook = hook_of(emulator)
    with pytest.raises(ClockifyConfigError, match="USER_CREATED, ADDON"):
        hook.iter_webhooks(type="SYSTEM")
    with pytest.raises(ClockifyConfigError, match="use one of ALL"):
        hook.iter_shared_reports(shared_reports_filter="MINE")
    assert emulator.requests == []


def test_naive_times_are_refused_by_every_list(emulator, hook_of):
    hook, naive = hook_of(emulator), datetime(2026, 11, 1)
    for call in (
        lambda: hook.iter_expenses(naive, END),
        lambda: hook.iter_approval_requests(start=naive, end=END),
        lambda: hook.iter_time_off_requests(naive, END),
        lambda: hook.iter_assignments(naive, END),
        lambda: hook.iter_holidays_in_period("u", naive, END),
    ):
        with pytest.raises(ClockifyWindowError, match="naive|offset|time zone"):
            call()
    assert emulator.requests == []


def test_people_with_all_their_memberships_come_in_smaller_pages(rich, start_emulator, hook_of):
    emulator = start_emulator(rich)
    hook = hook_of(emulator)
    list(hook.iter_users(memberships="ALL"))
    list(hook.iter_users(memberships="NONE"))
    list(hook.iter_projects(hydrated=True))
    list(hook.iter_projects(hydrated=False))
    assert [r.query["page-size"] for r in emulator.requests] == [["500"], ["5000"], ["1000"], ["5000"]]


# --- answers that are not as they should be -----------------------------------------------------------------


@dataclass
class Answers:
    """A transport that answers in turn."""

    bodies: list[Any]
    asked: list[Any] = field(default_factory=list)

    def send(self, request: Any, decode: Any, abandoned: Any = None) -> Any:
        from airflow_provider_clockify.service.messages import ApiResponse

        self.asked.append(request)
        return decode(ApiResponse(200, {}, json.dumps(self.bodies.pop(0)).encode()))


@pytest.fixture
def answering(client) -> Callable[..., tuple[Any, Answers]]:
    def make(*bodies: Any) -> tuple[Any, Answers]:
        answers = Answers(list(bodies))
        client.transport = answers
        return client, answers

    return make


def test_shared_reports_are_read_from_the_reports_service(rich, start_emulator, hook_of):
    emulator = start_emulator(rich)
    found = hook_of(emulator).iter_shared_reports(shared_reports_filter="ALL_ADMIN")
    assert sorted(ids(list(found))) == sorted(rich.shared_reports)
    assert {record.service for record in emulator.requests} == {"reports"}


def test_shared_reports_are_paged_in_camel_case_until_an_empty_page(answering):
    client, answers = answering(
        {"count": 1, "reports": [{"id": "a"}]},
        {"count": 1, "reports": [{"id": "b"}]},
        {"count": 0, "reports": []},
    )
    assert ids(list(client.iterate(LISTS["shared_reports"], workspace_id="w"))) == ["a", "b"]
    assert [request.params for request in answers.asked] == [
        {"page": 1, "pageSize": 50},
        {"page": 2, "pageSize": 1},
        {"page": 3, "pageSize": 1},
    ]
    assert {request.service for request in answers.asked} == {"reports"}


def test_fewer_items_than_the_service_counts_are_an_error(answering):
    client, _ = answering({"total": 3, "invoices": [{"id": "a"}]}, {"total": 3, "invoices": []})
    with pytest.raises(ClockifyIncompleteError, match="gave 1 items and says that there are 3"):
        list(client.iterate(LISTS["invoices"], workspace_id="w"))


def test_a_count_of_the_page_is_no_reason_to_stop(answering):
    client, answers = answering(
        {"count": 1, "categories": [{"id": "a"}]},
        {"count": 1, "categories": [{"id": "b"}]},
        {"count": 0, "categories": []},
    )
    assert len(list(client.iterate(LISTS["expense_categories"], workspace_id="w"))) == 2
    assert len(answers.asked) == 3


@pytest.mark.parametrize("body", [{}, {"invoices": None}, {"invoices": {}}, {"invoices": ["a"]}])
def test_an_envelope_without_its_list_is_an_error_and_not_empty(answering, body):
    client, _ = answering(body)
    with pytest.raises(ClockifyResponseError, match="no list under 'invoices'"):
        list(client.iterate(LISTS["invoices"], workspace_id="w"))


def test_items_that_come_twice_are_given_once_whatever_their_id_is_called(answering):
    client, _ = answering(
        [{"approvalRequest": {"id": "a"}}, {"approvalRequest": {"id": "b"}}],
        [{"approvalRequest": {"id": "b"}}, {"approvalRequest": {"id": "c"}}],
        [{"approvalRequest": {"id": "b"}}],
        [],
    )
    assert ids(list(client.iterate(LISTS["approval_requests"], workspace_id="w"))) == ["a", "b", "c"]
