# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest
import requests

from airflow_provider_clockify.testing import ClockifyEmulator, faults, generate_workspace
from airflow_provider_clockify.testing.__main__ import main
from airflow_provider_clockify.testing.workspace.generate import DEFAULT_END, DEFAULT_START


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


# --- life --------------------------------------------------------------------------------------------------


def test_connection_json_is_an_airflow_connection(clockify_emulator):
    connection = json.loads(clockify_emulator.connection_json(region="euc1", workspace_id=None, timeout=5))
    assert connection == {
        "conn_type": "clockify",
        "host": clockify_emulator.url,
        "password": clockify_emulator.api_key,
        "extra": {"region": "euc1", "timeout": 5},
    }
    plain = json.loads(clockify_emulator.connection_json(api_key="other"))
    assert plain["password"] == "other"
    assert plain["extra"] == {"workspace_id": clockify_emulator.workspace.id}


def test_it_listens_on_loopback_and_stops_for_good(clockify_emulator, client):
    assert clockify_emulator.url.startswith("http://127.0.0.1:")
    assert client.get("/user").status_code == 200
    with pytest.raises(RuntimeError):
        clockify_emulator.start()
    clockify_emulator.stop()
    clockify_emulator.stop()
    with pytest.raises(RuntimeError):
        _ = clockify_emulator.url
    clockify_emulator.start()
    assert type(client)(clockify_emulator).get("/user").status_code == 200


def test_stopping_ends_open_connections_and_sleeping_answers(clockify_emulator, client):
    clockify_emulator.inject(faults.hang(60))
    address = clockify_emulator.url.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=5) as idle:
        began = time.monotonic()
        seen = []

        def ask():
            try:
                seen.append(client.get("/user"))
            except requests.ConnectionError as error:
                seen.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        while not clockify_emulator.requests:
            time.sleep(0.01)
        clockify_emulator.stop()
        assert idle.recv(10) == b""
        thread.join(5)
        assert isinstance(seen[0], requests.ConnectionError)
        assert time.monotonic() - began < 5


def test_connections_are_kept_alive(clockify_emulator):
    host, port = clockify_emulator.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=5)
    connection.connect()
    used = connection.sock
    for _ in range(3):
        connection.request("GET", "/api/v1/user", headers={"X-Api-Key": clockify_emulator.api_key})
        response = connection.getresponse()
        assert (response.status, response.version) == (200, 11)
        assert len(response.read()) == int(response.headers["Content-Length"])
    assert connection.sock is used
    connection.close()


def test_gzip_only_when_switched_on(make_clockify_emulator, clockify_emulator, client):
    assert "Content-Encoding" not in client.detailed().headers
    emulator = make_clockify_emulator(entries=100, server={"compress": True})
    other = type(client)(emulator)
    response = other.detailed()
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.json() == client.detailed().json()
    other.session.headers["Accept-Encoding"] = "identity"
    assert "Content-Encoding" not in other.detailed().headers


def test_latency(make_clockify_emulator, client):
    other = type(client)(make_clockify_emulator(entries=1, server={"latency": 0.2}))
    assert other.get("/user").elapsed.total_seconds() >= 0.2


@pytest.mark.parametrize(
    "options", [{"workspaces": []}, {"oversize": "shrink"}, {"max_page_size": 0}, {"retry_after": "soon"}]
)
def test_bad_options(options):
    with pytest.raises(ValueError):
        ClockifyEmulator(**options)


def test_body_without_a_length_is_refused(clockify_emulator, client):
    url = f"{clockify_emulator.url}/api/v1{client.workspace}/time-entries"
    assert client.session.post(url, data=iter([b"{}"]), timeout=5).status_code == 411


# --- log ---------------------------------------------------------------------------------------------------


def test_requests_are_recorded(clockify_emulator, client):
    client.get(f"{client.workspace}/users", page=2)
    client.detailed({"kioskIds": []})
    client.get("/nothing")
    users, report, nothing = clockify_emulator.requests
    assert (users.sequence, users.service, users.method, users.status) == (1, "core", "GET", 200)
    assert users.path == f"/api/v1{client.workspace}/users"
    assert users.query == {"page": ["2"]}
    assert users.user_id == clockify_emulator.workspace.owner.id
    assert users.headers["x-api-key"] == clockify_emulator.api_key
    assert (report.service, report.json["timeZone"]) == ("reports", "UTC")
    assert report.started <= report.finished
    assert report.sent > 1000
    assert (nothing.status, nothing.json) == (404, None)
    assert clockify_emulator.count() == 3
    assert clockify_emulator.count("core") == 2
    assert clockify_emulator.count("core", "users") == 1
    clockify_emulator.reset_log()
    assert (clockify_emulator.count(), clockify_emulator.unknown_parameters) == (0, {})


def test_concurrency_and_rate_are_measured(make_clockify_emulator, client):
    emulator = make_clockify_emulator(entries=1, server={"latency": 0.2})
    other = type(client)(emulator)
    other.get("/user")
    other.get("/user")
    assert emulator.max_concurrency == 1
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: type(client)(emulator).get("/user"), range(4)))
    assert emulator.max_concurrency == 4
    assert 4 <= emulator.peak_requests_per_second <= 6


# --- hooks -------------------------------------------------------------------------------------------------


def test_hooks_run_before_the_request_is_handled(clockify_emulator, client):
    @clockify_emulator.before_request
    def insert(record):
        if record.sequence == 2:
            clockify_emulator.workspace.add_entry(start=DEFAULT_START, end=DEFAULT_END)

    counts = [client.detailed().json()["totals"][0]["entriesCount"] for _ in range(3)]
    assert counts == [100, 101, 101]


def test_errors_of_hooks_surface():
    def broken(record):
        raise LookupError("in the hook")

    emulator = ClockifyEmulator().start()
    emulator.before_request(broken)
    assert requests.get(f"{emulator.url}/api/v1/user", timeout=5).status_code == 500
    with pytest.raises(LookupError, match="in the hook"):
        emulator.__exit__(None, None, None)


def test_each_answer_is_of_one_moment(clockify_emulator, client):
    workspace = clockify_emulator.workspace
    with ThreadPoolExecutor(1) as pool:
        with workspace.lock:
            workspace.add_entry(start=DEFAULT_START, end=DEFAULT_END)
            answer = pool.submit(client.detailed)
            with pytest.raises(TimeoutError):
                answer.result(0.2)
            workspace.add_entry(start=DEFAULT_START, end=DEFAULT_END)
        assert answer.result(5).json()["totals"][0]["entriesCount"] == 102


# --- limits ------------------------------------------------------------------------------------------------


def test_free_workspace_has_thirty_requests_an_hour_together(make_clockify_emulator, client):
    clock = Clock()
    emulator = make_clockify_emulator(entries=10, plan="FREE", server={"clock": clock})
    owner = type(client)(emulator)
    admin = owner.as_user(list(emulator.workspace.users.values())[1])
    for number in range(30):
        clock.now = float(number)
        assert (owner if number % 2 else admin).get("/user").status_code == 200
    refused = owner.detailed()
    assert refused.status_code == 429
    assert refused.json()["message"] == "Too many requests"
    assert "Retry-After" not in refused.headers
    clock.now = 3_599.9
    assert admin.get("/user").status_code == 429
    clock.now = 3_600.0
    assert admin.get("/user").status_code == 200
    assert owner.get("/user").status_code == 429
    emulator.reset_limits()
    assert owner.get("/user").status_code == 200


def test_paid_workspace_has_no_hourly_limit(client):
    assert {client.get("/user").status_code for _ in range(40)} == {200}


def test_token_bucket_and_retry_after_seconds(make_clockify_emulator, client):
    clock = Clock()
    options = {"clock": clock, "requests_per_second": 5, "retry_after": "seconds"}
    other = type(client)(make_clockify_emulator(entries=1, server=options))
    assert [other.get("/user").status_code for _ in range(6)] == [200] * 5 + [429]
    assert other.get("/user").headers["Retry-After"] == "1"
    clock.now = 0.2
    assert [other.get("/user").status_code for _ in range(2)] == [200, 429]


def test_retry_after_as_date(make_clockify_emulator, client):
    options = {"free_requests_per_hour": 1, "retry_after": "http-date"}
    other = type(client)(make_clockify_emulator(entries=1, plan="FREE", server=options))
    other.get("/user")
    moment = parsedate_to_datetime(other.get("/user").headers["Retry-After"])
    assert 3_590 < (moment - datetime.now(UTC)).total_seconds() < 3_602


# --- faults ------------------------------------------------------------------------------------------------


def test_statuses_strike_as_often_as_told(clockify_emulator, client):
    rule = clockify_emulator.fail(503, times=2, headers={"Retry-After": "7"})
    first = client.get("/user")
    assert (first.status_code, first.headers["Retry-After"]) == (503, "7")
    assert [client.get("/user").status_code for _ in range(2)] == [503, 200]
    assert rule.used == 2


def test_faults_choose_their_requests_and_queue_up(clockify_emulator, client):
    clockify_emulator.fail(500, match=lambda record: record.service == "reports")
    clockify_emulator.fail(429, body={"message": "Too many requests"})
    clockify_emulator.fail(502, body=b"<html>", times=None, match=lambda record: "users" in record.path)
    assert client.get("/user").json() == {"message": "Too many requests"}
    assert client.get("/user").status_code == 200
    assert [client.detailed().status_code for _ in range(2)] == [500, 200]
    assert {client.get(f"{client.workspace}/users").text for _ in range(3)} == {"<html>"}
    clockify_emulator.clear_faults()
    assert client.get(f"{client.workspace}/users").status_code == 200


def test_a_lost_answer_may_have_had_its_effect(clockify_emulator, client):
    entries = clockify_emulator.workspace.entries
    path, body = f"{client.workspace}/time-entries", {"start": "2026-11-05T08:00:00Z"}
    before = len(entries)
    clockify_emulator.fail(500)
    assert client.post(path, body).status_code == 500
    clockify_emulator.inject(faults.reset_before())
    with pytest.raises(requests.ConnectionError):
        client.post(path, body)
    assert len(entries) == before
    clockify_emulator.fail(500, execute=True)
    assert client.post(path, body).status_code == 500
    clockify_emulator.inject(faults.reset_after())
    with pytest.raises(requests.ConnectionError):
        client.post(path, body)
    assert len(entries) == before + 2


@pytest.mark.parametrize("fault", [faults.reset_mid_body(), faults.truncate_body()])
def test_bodies_that_break_off(clockify_emulator, client, fault):
    clockify_emulator.inject(fault)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        client.detailed()
    assert client.detailed().status_code == 200


def test_reset_is_a_real_reset(clockify_emulator):
    host, port = clockify_emulator.url.removeprefix("http://").split(":")
    clockify_emulator.inject(faults.reset_before())
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"GET /api/v1/user HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            connection.recv(100)


def test_hanging_and_trickling(clockify_emulator, client):
    clockify_emulator.inject(faults.hang(0.3))
    assert client.get("/user").elapsed.total_seconds() >= 0.3
    clockify_emulator.inject(faults.slow_body(2_000))
    began = time.monotonic()
    response = client.get("/user")
    assert time.monotonic() - began >= len(response.content) / 2_000 * 0.9
    assert response.json()["id"]


def test_nonsense_answers(clockify_emulator, client):
    clockify_emulator.inject(faults.invalid_json())
    with pytest.raises(requests.JSONDecodeError):
        client.get("/user").json()
    clockify_emulator.inject(faults.empty_200())
    empty = client.get("/user")
    assert (empty.status_code, empty.content) == (200, b"")
    clockify_emulator.inject(faults.error_object_200())
    assert set(client.detailed().json()) == {"code", "message"}
    clockify_emulator.inject(faults.wrong_content_type())
    html = client.get("/user")
    assert html.headers["Content-Type"].startswith("text/html")
    assert html.json()["id"]
    clockify_emulator.inject(faults.redirect("http://127.0.0.1:9/elsewhere"))
    url = f"{clockify_emulator.url}/api/v1/user"
    redirect = client.session.get(url, allow_redirects=False, timeout=5)
    assert (redirect.status_code, redirect.headers["Location"]) == (302, "http://127.0.0.1:9/elsewhere")


# --- control -----------------------------------------------------------------------------------------------


@pytest.fixture
def control(clockify_emulator):
    def call(method, path, **options):
        url = f"{clockify_emulator.url}/__emulator__/{path}"
        return requests.request(method, url, timeout=5, **options)

    return call


def test_control_changes_and_tells_the_truth(clockify_emulator, control):
    window = {"start": "2027-01-01T00:00:00Z", "end": "2027-01-02T00:00:00Z"}
    made = control("POST", "entries", json={"count": 4, **window})
    assert made.status_code == 201
    truth = control("GET", "truth", params=window).json()
    assert truth["ids"] == made.json()["ids"]
    assert (truth["count"], truth["seconds"]) == (4, 4 * 900)
    first, second = truth["ids"][:2]
    assert control("DELETE", f"entries/{first}").status_code == 204
    edited = control("PATCH", f"entries/{second}", json={"description": "x", "end": None})
    assert edited.json()["timeInterval"]["end"] is None
    assert control("GET", "truth", params=window).json()["ids"] == truth["ids"][2:]
    user = list(clockify_emulator.workspace.users)[1]
    given = {"userId": user, "start": "2027-01-01T05:00:00Z", "end": "2027-01-01T06:00:00Z", "billable": True}
    (added,) = control("POST", "entries", json={"entries": [given]}).json()["ids"]
    entry = clockify_emulator.workspace.entries[added]
    assert (entry.user_id, entry.billable, entry.seconds) == (user, True, 3600)


def test_control_takes_the_spelling_of_the_service_and_of_python(clockify_emulator, control):
    workspace = clockify_emulator.workspace
    user, project, tag = (list(table)[1] for table in (workspace.users, workspace.projects, workspace.tags))
    (field, *_) = workspace.custom_fields
    hour = {"start": "2027-01-01T05:00:00Z", "end": "2027-01-01T06:00:00Z"}
    theirs = {
        "userId": user,
        "projectId": project,
        "tagIds": [tag],
        "timeInterval": {**hour, "duration": "PT1H"},
        "hourlyRate": {"amount": 700, "currency": "EUR"},
        "customFields": [{"customFieldId": field, "value": "x"}],
        "isLocked": True,
    }
    ours = {
        "user_id": user,
        "project_id": project,
        "tag_ids": [tag],
        **hour,
        "hourly_rate": 700,
        "custom_values": {field: "x"},
        "locked": True,
    }
    made = control("POST", "entries", json={"entries": [theirs, ours]}).json()
    assert made["count"] == 2
    first, second = (workspace.entries[key] for key in made["ids"])
    assert replace(first, id="", created_at=0, updated_at=0) == replace(
        second, id="", created_at=0, updated_at=0
    )
    assert (first.seconds, first.hourly_rate, first.custom_values) == (3600, 700, ((field, "x"),))
    control("PATCH", f"entries/{first.id}", json={"task_id": None, "projectId": None, "type": "BREAK"})
    assert workspace.entries[first.id].project_id is None


def test_control_prints_counts_before_ids(control):
    window = {"start": "2026-11-01T00:00:00Z", "end": "2026-12-01T00:00:00Z"}
    assert list(control("GET", "truth", params=window).json()) == ["count", "seconds", "amounts", "ids"]
    assert list(control("POST", "entries", json={"count": 1, **window}).json()) == ["count", "ids"]


def test_control_is_not_counted(clockify_emulator, client, control):
    client.get("/user")
    client.detailed()
    stats = control("GET", "stats").json()
    assert (stats["requests"], stats["by_service"]) == (2, {"core": 1, "reports": 1})
    assert stats["by_path"]["GET /api/v1/user"] == 1
    assert stats["max_concurrency"] == 1
    assert control("POST", "reset").status_code == 204
    assert control("GET", "stats").json()["requests"] == 0


def test_control_refuses_what_it_does_not_know(control):
    assert control("GET", "weather").status_code == 404
    assert control("DELETE", f"entries/{'f' * 24}").status_code == 400
    assert control("GET", "truth").status_code == 400
    assert control("GET", "truth", params={"workspace": "x"}).status_code == 400
    assert control("POST", "entries", data="[").status_code == 400
    bad = {"start": "2027-01-01T05:00:00Z", "colour": "red"}
    assert control("POST", "entries", json={"entries": [bad]}).status_code == 400


# --- command line ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command_line(number):
    command = [sys.executable, "-m", "airflow_provider_clockify.testing", "--port", "0", "--entries", "30"]
    command += ["--start", "2026-11-01", "--end", "2026-12-01", "--plan", "FREE", "--users", "3"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            line = process.stdout.readline()
            facts, connection = line.split(" connection=")
            known = dict(pair.split("=", 1) for pair in facts.split())
            assert json.loads(connection)["password"] == known["key"]
            headers = {"X-Api-Key": known["key"]}
            codes = [
                requests.get(f"{known['url']}/api/v1/user", headers=headers, timeout=5).status_code
                for _ in range(31)
            ]
            assert codes == [200] * 30 + [429]
        finally:
            process.send_signal(number)
        assert process.wait(10) == 0


def test_command_line_options_of_lists_and_feeds():
    command = [sys.executable, "-m", "airflow_provider_clockify.testing", "--port", "0", "--entries", "3"]
    command += ["--size", "tags=60", "--size", "holidays=0", "--extra-fields", '{"somethingNew": 1}']
    command += ["--entities-shape", "envelope", "--entities-type-key", "documentCode"]
    command += ["--entities-page-base", "1", "--deletion-delay", "0", "--now", "2026-12-05"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            known = dict(pair.split("=", 1) for pair in process.stdout.readline().split()[:3])
            base = f"{known['url']}/api/v1/workspaces/{known['workspace_id']}"

            def get(path):
                return requests.get(f"{base}/{path}", headers={"X-Api-Key": known["key"]}, timeout=5).json()

            assert len(get("tags?page-size=100")) == 65
            assert get("holidays") == []
            rows = get("entities/created?type=TIME_ENTRY&page=1")["response"]
            assert rows
            assert all((row["documentCode"], row["somethingNew"]) == ("TIME_ENTRY", 1) for row in rows)
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@pytest.mark.parametrize("option", [("--size", "unicorns=1"), ("--size", "tags"), ("--extra-fields", "[]")])
def test_command_line_refuses_nonsense(option, capsys):
    with pytest.raises(SystemExit):
        main(option)
    assert option[0] in capsys.readouterr().err


def test_generated_workspaces_serve_several_at_once(serve):
    first = generate_workspace(entries=5)
    second = generate_workspace(entries=7, seed=8, workspace_id="66b0c1a2d3e4f5a6b7c8d002")
    client = serve([first, second])
    client.session.headers["X-Api-Key"] = second.api_key
    client.workspace = f"/workspaces/{second.id}"
    assert len(client.ids()) == 7
