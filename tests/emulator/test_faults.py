# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Faults that a plain client sees as they were meant."""

from __future__ import annotations

import gzip
import socket

import pytest
import requests
import urllib3

from airflow_provider_clockify.testing import faults
from airflow_provider_clockify.testing.workspace.generate import DEFAULT_END, DEFAULT_START


def raw_answer(emulator) -> bytes:
    """Ask for the owner over a bare socket, and read until the connection ends."""
    host, port = emulator.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        head = f"GET /api/v1/user HTTP/1.1\r\nHost: x\r\nX-Api-Key: {emulator.api_key}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        received = b""
        while piece := connection.recv(65536):
            received += piece
        return received


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_gateway_answers_with_a_page_for_people(clockify_emulator, client, status):
    clockify_emulator.inject(faults.html_error(status))
    page = client.get("/user")
    assert (page.status_code, page.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert page.text.startswith("<html>")
    assert client.get("/user").status_code == 200


def test_a_key_is_revoked_from_a_request_on(clockify_emulator, client):
    clockify_emulator.inject(faults.key_revoked(), times=None, match=faults.from_request(3))
    answers = [client.get("/user") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 401, 401]
    client.session.headers["X-Api-Key"] = "unknown"
    clockify_emulator.clear_faults()
    assert client.get("/user").json() == answers[-1].json()


def test_a_compressed_answer_without_its_end(clockify_emulator, client):
    clockify_emulator.inject(faults.cut_gzip())
    url = f"{clockify_emulator.url}/api/v1/user"
    with client.session.get(url, stream=True, timeout=5) as answer:
        content = answer.raw.read(decode_content=False)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert int(answer.headers["Content-Length"]) == len(content)
    with pytest.raises(EOFError):
        gzip.decompress(content)
    clockify_emulator.compress = True
    clockify_emulator.inject(faults.cut_gzip())
    with client.session.get(url, stream=True, timeout=5) as answer:
        assert answer.raw.read(decode_content=False) == content


def test_an_answer_that_only_says_that_it_is_compressed(clockify_emulator, client):
    clockify_emulator.inject(faults.false_gzip())
    with pytest.raises(requests.exceptions.ContentDecodingError):
        client.get("/user")


def test_chunks(clockify_emulator, client):
    clockify_emulator.inject(faults.chunked())
    whole = client.get("/user")
    assert whole.headers["Transfer-Encoding"] == "chunked"
    assert "Content-Length" not in whole.headers
    assert whole.json() == client.get("/user").json()
    clockify_emulator.inject(faults.chunked(cut=True))
    with pytest.raises((requests.exceptions.ChunkedEncodingError, urllib3.exceptions.ProtocolError)):
        client.get("/user")
    clockify_emulator.inject(faults.chunked(cut=True))
    received = raw_answer(clockify_emulator)
    assert b"0\r\n\r\n" not in received


def test_a_page_with_a_row_too_many(clockify_emulator, client):
    plain = client.detailed().json()
    clockify_emulator.inject(faults.extra_row())
    twice = client.detailed().json()
    assert twice["timeentries"] == [*plain["timeentries"], plain["timeentries"][-1]]
    assert twice["totals"] == plain["totals"]
    users = client.list("users").json()
    clockify_emulator.inject(faults.extra_row({"id": "nobody"}))
    assert client.list("users").json() == [*users, {**users[-1], "id": "nobody"}]


def test_totals_of_null_beside_rows(clockify_emulator, client):
    plain = client.detailed().json()
    clockify_emulator.inject(faults.null_totals())
    assert client.detailed().json() == {**plain, "totals": [None]}
    users = client.list("users").json()
    clockify_emulator.inject(faults.null_totals())
    assert client.list("users").json() == users


def test_faults_of_pages_leave_refusals_and_files_alone(clockify_emulator, client):
    csv = client.detailed({"exportType": "CSV"}).content
    clockify_emulator.inject(faults.extra_row(), times=None)
    assert client.detailed({"exportType": "CSV"}).content == csv
    assert client.list("nothing").status_code == 404


def test_something_happens_once_at_a_request(clockify_emulator, client):
    workspace = clockify_emulator.workspace
    clockify_emulator.at_request(2, lambda: workspace.add_entry(start=DEFAULT_START, end=DEFAULT_END))
    counts = [client.detailed().json()["totals"][0]["entriesCount"] for _ in range(3)]
    assert counts == [100, 101, 101]
    clockify_emulator.reset_log()
    assert [client.detailed().json()["totals"][0]["entriesCount"] for _ in range(2)] == [101, 101]


def test_a_second_emulator_is_the_other_host_of_a_redirect(clockify_emulator, make_clockify_emulator, client):
    elsewhere = make_clockify_emulator(entries=1)
    clockify_emulator.inject(faults.redirect(f"{elsewhere.url}/api/v1/user"), times=2)
    client.get("/user")
    # A client that follows and takes its headers along gives the key away, and the other host knows it.
    assert [request.headers.get("x-api-key") for request in elsewhere.requests] == [client.emulator.api_key]
    url = f"{clockify_emulator.url}/api/v1/user"
    client.session.get(url, allow_redirects=False, timeout=5)
    assert elsewhere.count() == 1
