# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import copy
from datetime import UTC, datetime

import pytest

from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.service.filters import FILTERS, report_filters, user_ids
from airflow_provider_clockify.service.report_kinds import detailed_request
from airflow_provider_clockify.window import Window

DAY = Window(datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 11, tzinfo=UTC))


@pytest.mark.parametrize("name", ["clients", "projects", "tasks", "currency", "users", "userGroups"])
def test_a_list_of_ids_becomes_the_full_form(name):
    full = {"ids": ["a", "b"], "contains": "CONTAINS", "status": "ALL"}
    assert report_filters({name: ["a", "b"]}) == {name: full}
    assert report_filters({name: ("a", "b")}) == {name: full}
    assert report_filters({name: {"ids": ["a", "b"]}}) == {name: full}


def test_tags_need_a_fourth_word():
    assert report_filters({"tags": ["a"]})["tags"] == {
        "ids": ["a"],
        "contains": "CONTAINS",
        "status": "ALL",
        "containedInTimeentry": "CONTAINS",
    }
    tags = {"ids": ["a"], "contains": "DOES_NOT_CONTAIN"}
    assert report_filters({"tags": tags})["tags"]["containedInTimeentry"] == "DOES_NOT_CONTAIN"


def test_what_is_given_is_kept_and_not_changed():
    filters = {
        "users": {"ids": ["a"], "contains": "DOES_NOT_CONTAIN", "status": "ACTIVE_WITH_PENDING"},
        "billable": False,
        "description": "x",
        "amountShown": "COST",
        "amounts": ["EARNED", "COST"],
        "customFields": [{"id": "f"}],
        "auditFilter": {"withoutProject": True},
        "projects": None,
    }
    before = copy.deepcopy(filters)
    result = report_filters(filters)
    assert filters == before
    assert result == {name: value for name, value in filters.items() if value is not None}


@pytest.mark.parametrize("nothing", [None, {}, {"users": None}])
def test_no_filters(nothing):
    assert report_filters(nothing) == {}


REFUSALS = [
    ("x", "filters must be a dict, not str"),
    ([("billable", True)], "filters must be a dict, not list"),
    ({"bilable": True}, "filters['bilable'] is unknown. Did you mean 'billable'? The service knows:"),
    ({"zzz": 1}, "filters['zzz'] is unknown. The service knows:"),
    ({3: 1}, "filters[3] is unknown"),
    ({"dateRangeStart": "x"}, "filters['dateRangeStart'] is not a filter; what sets it is start"),
    ({"dateRangeEnd": "x"}, "what sets it is end"),
    ({"dateRangeType": "TODAY"}, "what sets it is window"),
    ({"timeZone": "Europe/Belgrade"}, "reports are always read in UTC"),
    ({"exportType": "CSV"}, "what sets it is file_format"),
    ({"sortOrder": "DESCENDING"}, "rows are always sorted by id"),
    ({"detailedFilter": {}}, "paging is done for you"),
    ({"page": 1}, "paging is done for you"),
    ({"pageSize": 1}, "paging is done for you"),
    ({"users": "u1"}, "filters['users'] must be a list of ids, not 'u1'"),
    ({"users": [1]}, "filters['users'] must be a list of ids"),
    ({"users": [""]}, "filters['users'] must be a list of ids"),
    ({"users": {"a"}}, "filters['users'] must be a list of ids"),
    ({"users": {"contains": "CONTAINS"}}, "filters['users'] must be a list of ids, not None"),
    ({"users": []}, "filters['users'] is an empty list, which the service would read as no filter at all"),
    ({"users": {"ids": []}}, "is an empty list"),
    ({"users": {"ids": ["a"], "state": 1}}, "filters['users'] has unknown keys ['state']"),
    (
        {"users": {"ids": ["a"], "contains": "MAYBE"}},
        "filters['users.contains'] is 'MAYBE'; use one of CONTAINS,",
    ),
    (
        {"users": {"ids": ["a"], "status": "ARCHIVED"}},
        "filters['users.status'] is 'ARCHIVED'; use one of ALL,",
    ),
    ({"projects": {"ids": ["a"], "status": "PENDING"}}, "filters['projects.status']"),
    (
        {"projects": {"ids": ["a"], "containedInTimeentry": "CONTAINS"}},
        "filters['projects'] has unknown keys ['containedInTimeentry']; it may have ids, contains, status.",
    ),
    ({"tags": {"ids": ["a"], "containedInTimeentry": 1}}, "filters['tags.containedInTimeentry']"),
    ({"amountShown": "earned"}, "filters['amountShown'] is 'earned'; use one of EARNED, COST"),
    ({"approvalState": "X"}, "use one of APPROVED, UNAPPROVED, ALL"),
    ({"invoicingState": "X"}, "use one of INVOICED, UNINVOICED, ALL"),
    ({"billable": "yes"}, "filters['billable'] is 'yes'; it must be True or False"),
    ({"withoutDescription": 1}, "it must be True or False"),
    ({"rounding": 0}, "it must be True or False"),
    ({"amounts": "EARNED"}, "filters['amounts'] is 'EARNED'; it must be a list"),
    ({"amounts": ["X"]}, "filters['amounts'] is 'X'; use one of"),
    ({"customFields": {}}, "it must be a list"),
    ({"description": 1}, "it must be text"),
    ({"auditFilter": []}, "it must be a dict"),
]


@pytest.mark.parametrize(("filters", "text"), REFUSALS, ids=str)
def test_refusals_name_the_filter_and_the_cure(filters, text):
    with pytest.raises(ClockifyConfigError) as caught:
        report_filters(filters)
    assert text in str(caught.value)


def test_only_a_positive_user_filter_limits_who_may_appear():
    assert user_ids(report_filters({"users": ["a", "b"]})) == {"a", "b"}
    assert user_ids(report_filters({"users": {"ids": ["a"], "contains": "DOES_NOT_CONTAIN"}})) is None
    assert user_ids({}) is None


def test_filters_stand_where_the_service_reads_them():
    filters = report_filters(
        {"auditFilter": {"withoutTask": True}, "amountShown": "HIDE_AMOUNT", "rounding": True, "users": ["a"]}
    )
    body = detailed_request("w", DAY, filters, 3, 200).json
    assert body == {
        "dateRangeStart": "2026-11-10T00:00:00.000Z",
        "dateRangeEnd": "2026-11-10T23:59:59.999Z",
        "timeZone": "UTC",
        "exportType": "JSON",
        "sortOrder": "ASCENDING",
        "rounding": True,
        "amountShown": "HIDE_AMOUNT",
        "users": {"ids": ["a"], "contains": "CONTAINS", "status": "ALL"},
        "detailedFilter": {
            "page": 3,
            "pageSize": 200,
            "sortColumn": "ID",
            "options": {"totals": "CALCULATE"},
            "auditFilter": {"withoutTask": True},
        },
    }


def test_raw_durations_and_earned_amounts_are_the_default():
    body = detailed_request("w", DAY, {}, 1, 1000).json
    assert (body["rounding"], body["amountShown"]) == (False, "EARNED")


def test_a_report_is_a_repeatable_post_to_the_reports_service():
    request = detailed_request("w/x", DAY, {}, 1, 1000)
    assert (request.service, request.method, request.idempotent) == ("reports", "POST", True)
    assert request.path == "/workspaces/w%2Fx/reports/detailed"


def test_no_filter_can_replace_what_the_export_relies_on():
    fixed = {"dateRangeStart", "dateRangeEnd", "timeZone", "exportType", "sortOrder", "detailedFilter"}
    assert not fixed & set(FILTERS)
