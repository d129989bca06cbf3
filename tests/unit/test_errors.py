# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_clockify import exceptions
from airflow_provider_clockify.connection import ClockifySettings
from airflow_provider_clockify.http.errors import (
    REASON_LENGTH,
    error_from_answer,
    is_error_object,
    read_error_body,
)
from airflow_provider_clockify.service.messages import ApiRequest, ApiResponse

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LIST = ApiRequest("getProjects", "core", "GET", "/workspaces/w/projects")
REPORT = ApiRequest(
    "generateDetailedReport",
    "reports",
    "POST",
    "/workspaces/w/reports/detailed",
    json={"amountShown": "EARNED"},
)


def body(code: object, message: object = "because") -> bytes:
    return json.dumps({"message": message, "code": code}).encode()


TABLE = [
    (
        400,
        body(501),
        exceptions.ClockifyBadRequestError,
        "refused (400, code 501: because). Check the parameters",
    ),
    (
        400,
        body(501, "Project doesn't belong to Workspace"),
        exceptions.ClockifyNotFoundError,
        "Check the workspace id",
    ),
    (400, body(3000), exceptions.ClockifyBadRequestError, "Check the parameters"),
    (401, body(1000), exceptions.ClockifyAuthError, "a proxy on the way may drop or add headers"),
    (401, body(4003), exceptions.ClockifyAuthError, "(region euc1, subdomain acme)"),
    (401, body(4017), exceptions.ClockifyAuthError, "replace it with one that is made anew"),
    (401, body(4023), exceptions.ClockifyAuthError, "set extra.auth_type to addon_token"),
    (401, body(4019), exceptions.ClockifyAuthError, "The e-mail address of the key's owner is not verified"),
    (401, body(406), exceptions.ClockifyAuthError, "the workspace or the user is suspended"),
    (401, b"", exceptions.ClockifyAuthError, "another region or subdomain"),
    (402, b"", exceptions.ClockifyForbiddenError, "use the key of an owner or admin"),
    (403, b"", exceptions.ClockifyForbiddenError, "use the key of an owner or admin"),
    (403, body(501), exceptions.ClockifyForbiddenError, "use the key of an owner or admin"),
    (403, body(4017), exceptions.ClockifyForbiddenError, "replace it with one that is made anew"),
    (403, body(4030), exceptions.ClockifyForbiddenError, "Manual time tracking is disabled"),
    (403, body(1003), exceptions.ClockifyForbiddenError, "The time entry is locked"),
    (403, body(406), exceptions.ClockifyForbiddenError, "the workspace or the user is suspended"),
    (406, body(406), exceptions.ClockifyForbiddenError, "the workspace or the user is suspended"),
    (406, b"", exceptions.ClockifyForbiddenError, "the workspace or the user is suspended"),
    (404, body(3000), exceptions.ClockifyNotFoundError, "Check region, subdomain, host and URLs"),
    (404, b"", exceptions.ClockifyNotFoundError, "Check region, subdomain, host and URLs"),
    (405, body(405), exceptions.ClockifyBadRequestError, "Check the parameters"),
    (415, b"", exceptions.ClockifyBadRequestError, "Check the parameters"),
    (
        429,
        body(429),
        exceptions.ClockifyRateLimitError,
        "Set deferrable=True or on_budget='defer'",
    ),
    (500, body(1), exceptions.ClockifyServerError, "run again later"),
    (503, b"<html>\n<b>down</b></html>", exceptions.ClockifyServerError, "503: <html> <b>down</b></html>"),
    (599, b"", exceptions.ClockifyServerError, "run again later"),
    (200, body(501), exceptions.ClockifyBadRequestError, "refused (200, code 501: because)"),
    (
        302,
        b"",
        exceptions.ClockifyBadRequestError,
        "redirected to elsewhere.example.com (302). The key is never sent on",
    ),
]


@pytest.mark.parametrize(("status", "content", "kind", "text"), TABLE, ids=lambda value: str(value)[:30])
def test_every_answer_has_its_error_with_facts_and_cure(settings, key, status, content, kind, text):
    value = settings(region="eu", subdomain="acme")
    headers = {"location": f"https://elsewhere.example.com/?token={key}"}
    error = error_from_answer(value, LIST, ApiResponse(status, headers, content), now=NOW, attempts=3)
    assert type(error) is kind
    assert (error.status, error.operation, error.attempts) == (status, "getProjects", 3)
    assert str(error).startswith("Connection 'clockify_test', getProjects on euc1.clockify.me: ")
    assert text in str(error)
    assert key not in str(error)


def test_a_report_names_the_host_of_reports_and_the_filter_that_hides_amounts(settings):
    error = error_from_answer(settings(), REPORT, ApiResponse(403, {}, b""), now=NOW)
    assert "on reports.api.clockify.me" in str(error)
    assert 'filters={"amountShown": "HIDE_AMOUNT"}' in str(error)
    without = replace(REPORT, json={})
    assert "HIDE_AMOUNT" not in str(
        error_from_answer(settings(), without, ApiResponse(403, {}, b""), now=NOW)
    )


@pytest.mark.parametrize(("status", "code"), [(401, 4017), (401, 4023), (403, 4017), (401, None)])
def test_a_refused_token_of_an_add_on_is_to_be_pasted_anew(settings, status, code):
    value = settings(auth_type="addon_token")
    error = error_from_answer(value, LIST, ApiResponse(status, {}, body(code)), now=NOW)
    assert "Paste the token of an installed add-on" in str(error)


@pytest.mark.parametrize("status", [401, 403, 406])
def test_advice_for_a_suspended_workspace_offers_no_way_that_is_none(settings, status):
    error = error_from_answer(settings(), REPORT, ApiResponse(status, {}, body(406)), now=NOW)
    assert "HIDE_AMOUNT" not in str(error)
    assert "mistyped" not in str(error)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("12", 12.0), ("Tue, 24 Nov 2026 12:01:00 GMT", 60.0), (None, None), ("soon", None)],
)
def test_a_429_carries_the_wait(settings, header, seconds):
    headers = {} if header is None else {"retry-after": header}
    error = error_from_answer(settings(), LIST, ApiResponse(429, headers, b""), now=NOW)
    assert error.retry_after == seconds
    assert ("again in" in str(error)) is (seconds is not None)
    assert ("does not say until when" in str(error)) is (seconds is None)
    assert "ClockifyRetryPolicy" in str(error)


def test_the_key_is_removed_from_what_the_service_echoes(settings, key):
    for content in (body(1, f"bad {key} here"), f"<p>{key}</p>".encode()):
        error = error_from_answer(settings(), LIST, ApiResponse(500, {}, content), now=NOW)
        assert key not in str(error)
        assert key not in error.reason
        assert "***" in error.reason


@pytest.mark.parametrize("before", range(REASON_LENGTH - 60, REASON_LENGTH + 2, 5))
@pytest.mark.parametrize("kind", ["json", "text", "spaced text"])
def test_no_part_of_the_key_is_left_where_a_long_reason_is_cut(settings, key, before, kind):
    text = "x" * before + " " * (600 - before - 24) * (kind == "spaced text") + key + "y" * 900
    content = body(1, text) if kind == "json" else text.encode()
    error = error_from_answer(settings(), LIST, ApiResponse(500, {}, content), now=NOW)
    assert key[:8] not in str(error)
    assert len(error.reason) <= REASON_LENGTH + 1


@pytest.mark.parametrize(
    ("content", "code", "reason"),
    [
        (b'{"message": "a", "code": 1}', 1, "a"),
        (b'{"message": "a\\n  b\\u0007", "code": "x"}', None, "a b"),
        (b'{"message": null, "code": true}', None, ""),
        (b'{"message": ["a"], "code": 1.5}', None, ""),
        (b"{}", None, ""),
        (b"", None, ""),
        (b"[]", None, "[]"),
        (b"plain text", None, "plain text"),
        (b"\xff\xfe", None, "\ufffd\ufffd"),
    ],
)
def test_error_bodies_of_any_kind_are_read(content, code, reason):
    assert read_error_body(content) == (code, reason)


@given(st.binary(max_size=2000))
def test_any_body_gives_one_short_printable_line(content):
    code, reason = read_error_body(content)
    assert code is None or type(code) is int
    assert len(reason) <= REASON_LENGTH + 1
    assert reason.isprintable()


@given(
    st.integers(300, 599), st.binary(max_size=200), st.dictionaries(st.text(max_size=5), st.text(max_size=20))
)
def test_any_answer_gives_an_error_of_ours(status, content, headers):
    settings = ClockifySettings("clockify_test", "the-key")
    error = error_from_answer(settings, LIST, ApiResponse(status, headers, content), now=NOW)
    assert isinstance(error, exceptions.ClockifyApiError)
    assert error.status == status


@pytest.mark.parametrize(
    ("content", "is_error"),
    [
        (b'{"message": "a", "code": 1}', True),
        (b' \n{"code": 1, "message": null}', True),
        (b'{"message": "a"}', False),
        (b'{"message": "a", "code": 1, "id": "x"}', False),
        (b'[{"message": "a", "code": 1}]', False),
        (b'{"message": "a", "code": 1', False),
        (b"", False),
        (b"\xff", False),
        (b'{"message": "' + b"a" * 10_000 + b'", "code": 1}', False),
    ],
)
def test_an_error_object_has_message_and_code_and_nothing_else(content, is_error):
    assert is_error_object(content) is is_error


def test_the_tree_of_errors_is_as_documented():
    e = exceptions
    assert issubclass(e.ClockifyConfigError, ValueError)
    assert issubclass(e.ClockifyWindowError, e.ClockifyConfigError)
    assert issubclass(e.ClockifyWriteUnknownError, e.ClockifyTransportError)
    assert issubclass(e.ClockifyNotFoundError, e.ClockifyBadRequestError)
    for name in ("BadRequest", "Auth", "Forbidden", "RateLimit", "Server"):
        assert issubclass(getattr(e, f"Clockify{name}Error"), e.ClockifyApiError)
    for name in ("Config", "Transport", "Api", "Response", "Incomplete"):
        assert issubclass(getattr(e, f"Clockify{name}Error"), e.ClockifyError)
