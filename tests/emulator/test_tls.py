# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The emulator over HTTPS, with a certificate of its own."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urlsplit

import pytest
import requests

from airflow_provider_clockify.testing import ClockifyEmulator, faults, generate_workspace


@pytest.fixture
def secure():
    with ClockifyEmulator(generate_workspace(entries=5), tls=True) as emulator:
        yield emulator


def user(emulator, **options):
    with requests.Session() as session:
        session.trust_env = False
        headers = {"X-Api-Key": emulator.api_key}
        return session.get(f"{emulator.url}/api/v1/user", headers=headers, timeout=10, **options)


def test_who_trusts_its_file_can_talk_to_it(secure):
    assert secure.url.startswith("https://127.0.0.1:")
    assert user(secure, verify=str(secure.ca_file)).json()["id"] == secure.workspace.owner.id
    context = ssl.create_default_context(cafile=str(secure.ca_file))
    where = urlsplit(secure.url)
    with (
        socket.create_connection((where.hostname, where.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        assert connection.version() in ("TLSv1.2", "TLSv1.3")
    assert '"host":"https://' in secure.connection_json()


def test_nobody_else_trusts_it(secure):
    with pytest.raises(requests.exceptions.SSLError):
        user(secure)
    assert secure.requests == []


def test_who_never_greets_does_not_keep_others_waiting(secure):
    where = urlsplit(secure.url)
    with socket.create_connection((where.hostname, where.port), timeout=10):
        assert user(secure, verify=str(secure.ca_file)).status_code == 200


def test_faults_of_the_wire_work(secure):
    secure.inject(faults.reset_mid_body())
    with pytest.raises(requests.exceptions.RequestException):
        user(secure, verify=str(secure.ca_file))
    assert user(secure, verify=str(secure.ca_file)).status_code == 200


def test_each_start_has_another_certificate_and_leaves_no_file():
    texts, files = set(), []
    for _ in range(2):
        with ClockifyEmulator(generate_workspace(entries=0), tls=True) as emulator:
            files.append(emulator.ca_file)
            texts.add(emulator.ca_file.read_bytes())
        assert emulator.ca_file is None
    assert len(texts) == 2
    assert [file for file in files if file.parent.exists()] == []


def test_without_tls_there_is_nothing_to_trust(clockify_emulator):
    assert clockify_emulator.ca_file is None
