# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_clockify.service.messages import ApiRequest, path


def test_queries_spell_booleans_and_repeat_lists():
    request = ApiRequest(
        "x", "core", "GET", "/x", {"a": True, "b": False, "c": 5, "d": "e f", "g": ["1", "2"], "h": []}
    )
    assert request.query() == [
        ("a", "true"),
        ("b", "false"),
        ("c", "5"),
        ("d", "e f"),
        ("g", "1"),
        ("g", "2"),
    ]


def test_page_parameters_are_added_to_a_copy():
    request = ApiRequest("x", "core", "GET", "/x", {"name": "a_b"})
    added = request.with_values({"page": 2, "page-size": 5000})
    assert added.params == {"name": "a_b", "page": 2, "page-size": 5000}
    assert request.params == {"name": "a_b"}


def test_requests_are_reads_unless_said_otherwise():
    assert ApiRequest("x", "reports", "POST", "/x").idempotent


def test_paths_are_escaped_by_segment():
    assert path("workspaces", "a/b", "..", "c d?e#f%") == "/workspaces/a%2Fb/../c%20d%3Fe%23f%25"


@given(st.lists(st.text(min_size=1), min_size=1, max_size=5))
def test_no_segment_can_add_a_segment_or_a_query(parts):
    built = path(*parts)
    assert [unquote(part) for part in built[1:].split("/")] == [
        part.encode("utf-8", "replace").decode() for part in parts
    ] or any("\ud800" <= c <= "\udfff" for part in parts for c in part)
    assert "?" not in built
    assert "#" not in built
