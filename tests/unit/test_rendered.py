# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What templates leave in parameters."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.rendered import check_templates, container_of, flag_of, whole_number_of
from airflow_provider_clockify.service.filters import read_filters, report_filters
from airflow_provider_clockify.service.lists import LISTS
from airflow_provider_clockify.service.report_kinds import summary_groups
from airflow_provider_clockify.watching.approvals import make_approval_question

values = st.recursive(
    st.text() | st.booleans() | st.integers(-(10**9), 10**9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def holds_nothing(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(holds_nothing, value.values()))
    if isinstance(value, list):
        return any(map(holds_nothing, value))
    return isinstance(value, str) and value.strip() in ("", "None", "null")


@pytest.mark.parametrize("as_text", [json.dumps, repr], ids=["json", "python"])
@given(value=st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3))
def test_the_text_of_a_list_or_dict_is_read_or_names_what_is_missing(as_text, value):
    if holds_nothing(value):
        with pytest.raises(
            ClockifyConfigError, match=r"(?s)^x\[.* is empty: its template rendered to nothing"
        ):
            container_of("x", as_text(value))
    else:
        assert container_of("x", as_text(value)) == value
        assert container_of("x", f"\n {as_text(value)} ") == value


@given(st.text())
def test_any_other_text_stays_text_or_is_a_container(text):
    try:
        found = container_of("x", text)
    except ClockifyConfigError:
        return
    assert found == text or isinstance(found, (list, tuple, dict))


@pytest.mark.parametrize(
    "value", [None, 1, True, ["a"], {"a": 1}, "a", "", "[", "[a]", "{{ x }}", "((((", "1"]
)
def test_what_is_no_text_of_a_container_is_given_as_it_is(value):
    assert container_of("x", value) is value


def test_deep_text_is_no_crash():
    deep = "[" * 100_000
    assert container_of("x", deep) is deep


@pytest.mark.parametrize(
    ("text", "flag"),
    [("True", True), ("true", True), (" TRUE\n", True), ("False", False), ("false", False), (False, False)],
)
def test_texts_of_flags(text, flag):
    assert flag_of(text) is flag


@pytest.mark.parametrize("value", ["yes", "1", "", None, 1, "truee"])
def test_what_is_no_flag_stays(value):
    assert flag_of(value) is value


def test_texts_of_whole_numbers():
    assert [whole_number_of(each) for each in ("3600", " 0 ", "1.5", "-1", "x", "²", 3, None)] == [
        3600,
        0,
        "1.5",
        "-1",
        "x",
        "²",
        3,
        None,
    ]


# --- fields of a task ---------------------------------------------------------------------------------------


class Task:
    template_fields: ClassVar[tuple[str, ...]] = ("output_path", "filters", "workspace_id", "start")

    def __init__(self, **fields: Any) -> None:
        given = {"output_path": "/x", "filters": None, "workspace_id": None, "start": None}
        vars(self).update({**given, **fields})


Task.__module__ = "airflow_provider_clockify.operators.made_up"


class Theirs(Task):
    template_fields: ClassVar[tuple[str, ...]] = (*Task.template_fields, "note")
    note = ""


@pytest.mark.parametrize("nothing", ["", "None", " None\n", "null"])
@pytest.mark.parametrize(
    ("field", "name"),
    [("output_path", "output_path"), ("workspace_id", "workspace_id"), ("filters", "filters")],
)
def test_a_field_that_rendered_to_nothing_is_named(field, name, nothing):
    with pytest.raises(
        ClockifyConfigError, match=rf"^{name} is empty: its template rendered to nothing"
    ) as caught:
        check_templates(Task(**{field: nothing}))
    for cause in ("XCom", "param", repr(nothing)):
        assert cause in str(caught.value)


@pytest.mark.parametrize(
    ("filters", "name"),
    [
        ({"billable": "None"}, "filters['billable']"),
        ({"users": ["a", ""]}, "filters['users'][1]"),
        ({"users": {"ids": ("None",)}}, "filters['users']['ids'][0]"),
    ],
)
def test_what_rendered_to_nothing_inside_a_field_is_named(filters, name):
    with pytest.raises(ClockifyConfigError) as caught:
        check_templates(Task(filters=filters))
    assert str(caught.value).startswith(f"{name} is empty")


def test_a_required_field_is_not_none():
    with pytest.raises(ClockifyConfigError, match="^output_path is empty"):
        check_templates(Task(output_path=None))


def test_none_flags_numbers_and_the_fields_of_a_subclass_are_left_alone():
    check_templates(Task())
    check_templates(Task(filters={"billable": False, "projects": None, "page": 0}))
    check_templates(Theirs())
    check_templates(Task(start=""))  # Whoever reads bounds refuses it in words of its own.


# --- filters and id lists as text ---------------------------------------------------------------------------


def test_filters_as_text():
    given = {"billable": True, "projects": ["a", "b"], "description": "x"}
    expected = report_filters(given)
    assert report_filters(json.dumps(given)) == expected
    assert report_filters(str(given)) == expected
    assert read_filters(None) == read_filters("{}") == {}


@pytest.mark.parametrize("name", ["billable", "rounding", "withoutDescription", "archived"])
def test_flags_as_text(name):
    assert report_filters({name: "True"}) == report_filters({name: True}) == {name: True}
    assert report_filters({name: "false"}) == {name: False}
    assert report_filters(json.dumps({name: "False"})) == {name: False}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"users": '["a", "b"]'}, {"users": ["a", "b"]}),
        ({"tags": "['a']"}, {"tags": ["a"]}),
        (
            {"projects": '{"ids": ["a"], "status": "ACTIVE"}'},
            {"projects": {"ids": ["a"], "status": "ACTIVE"}},
        ),
        (
            {"clients": {"ids": '["a"]', "contains": "DOES_NOT_CONTAIN"}},
            {"clients": {"ids": ["a"], "contains": "DOES_NOT_CONTAIN"}},
        ),
        ({"amounts": '["COST"]'}, {"amounts": ["COST"]}),
        (
            {"customFields": '[{"id": "f", "isEmpty": "True"}]'},
            {"customFields": [{"id": "f", "isEmpty": True}]},
        ),
        (
            {"auditFilter": '{"withoutTask": "True", "duration": "60"}'},
            {"auditFilter": {"withoutTask": True, "duration": 60}},
        ),
    ],
)
def test_lists_and_dicts_as_text(given, expected):
    assert report_filters(given) == report_filters(expected)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("billable", "filters must be a dict, not str: the text is not a JSON object"),
        ('["a"]', "filters must be a dict, not str"),
        ('{"billable": true', "filters must be a dict, not str"),
        ('{"users": null}', "filters['users'] is empty: its template rendered to nothing"),
        ('{"users": ["None"]}', "filters['users'][0] is empty"),
        ({"users": "[null]"}, "filters['users'][0] is empty"),
        ({"users": "a,b"}, "filters['users'] must be a list of ids, not 'a,b'"),
        ({"users": '["a"'}, "filters['users'] must be a list of ids"),
        ({"users": "[1]"}, "filters['users'] must be a list of ids"),
        ({"billable": "yes"}, "filters['billable'] is 'yes'; it must be True or False"),
        ({"withoutDescription": "1"}, "filters['withoutDescription'] is '1'"),
        ({"amounts": "EARNED"}, "filters['amounts'] is 'EARNED'; it must be a list"),
        ({"auditFilter": {"withoutTask": "no"}}, "filters['auditFilter']['withoutTask'] is 'no'"),
        ({"auditFilter": "x"}, "filters['auditFilter'] is 'x'; it must be a dict"),
        ({"customFields": [{"isEmpty": "x"}]}, "isEmpty"),
    ],
)
def test_wrong_text_is_refused_with_the_name_of_the_filter(given, text):
    with pytest.raises(ClockifyConfigError) as caught:
        report_filters(given)
    assert text in str(caught.value)


def test_filters_of_lists_as_text():
    def wire(name: str, filters: dict[str, Any]) -> Any:
        request = LISTS[name].request(filters, workspace_id="w")
        return request.json or dict(request.params or {})

    assert wire("projects", {"archived": "False"}) == wire("projects", {"archived": False})
    assert wire("projects", {"clients": '["a"]'}) == wire("projects", {"clients": ["a"]})
    assert wire("time_off_requests", {"users": "['u']"}) == wire("time_off_requests", {"users": ["u"]})
    assert wire("projects", {"name": '["a"]'})["name"] == '["a"]'
    assert LISTS["projects"].rows_per_page({"hydrated": "False"}) == 5000
    assert LISTS["projects"].rows_per_page({"hydrated": "True"}) == 1000
    with pytest.raises(ClockifyConfigError, match=r"archived='yes' of getProjects: it must be True or False"):
        wire("projects", {"archived": "yes"})


def test_groups_and_users_as_text():
    assert summary_groups("['USER', 'TASK']") == ("USER", "TASK")
    assert summary_groups("USER") == ("USER",)
    bounds = {"workspace_id": "w", "start": "2026-11-01T00:00:00Z", "end": "2026-11-08T00:00:00Z"}
    assert make_approval_question(**bounds, user_ids='["u"]').user_ids == ["u"]
    with pytest.raises(ClockifyConfigError, match="user_ids is 'u'; give a list of ids"):
        make_approval_question(**bounds, user_ids="u")
