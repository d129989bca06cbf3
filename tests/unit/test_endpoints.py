# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import pytest

from airflow_provider_clockify.http.hosts import origin, origins, request_url, service_url
from airflow_provider_clockify.service.messages import ApiRequest, path

GLOBAL = ("https://api.clockify.me/api/v1", "https://reports.api.clockify.me/v1")


@pytest.mark.parametrize(
    ("extra", "core", "reports"),
    [
        ({}, *GLOBAL),
        ({"region": "global"}, *GLOBAL),
        ({"region": "global", "subdomain": "acme"}, *GLOBAL),
        ({"region": "eu"}, "https://euc1.clockify.me/api/v1", "https://euc1.clockify.me/report/v1"),
        ({"region": "us"}, "https://use2.clockify.me/api/v1", "https://use2.clockify.me/report/v1"),
        ({"region": "uk"}, "https://euw2.clockify.me/api/v1", "https://euw2.clockify.me/report/v1"),
        ({"region": "au"}, "https://apse2.clockify.me/api/v1", "https://apse2.clockify.me/report/v1"),
        (
            {"region": "developer"},
            "https://developer.clockify.me/api/v1",
            "https://developer.clockify.me/report/v1",
        ),
        (
            {"region": "eu", "subdomain": "acme"},
            "https://euc1.clockify.me/api/v1",
            "https://acme.clockify.me/report/v1",
        ),
        (
            {"host": "https://proxy.example.com/c", "region": "eu"},
            "https://proxy.example.com/c/api/v1",
            "https://proxy.example.com/c/report/v1",
        ),
        (
            {"core_url": "https://a.example.com/x/", "region": "eu"},
            "https://a.example.com/x",
            "https://euc1.clockify.me/report/v1",
        ),
        (
            {"reports_url": "https://b.example.com", "host": "https://proxy.example.com"},
            "https://proxy.example.com/api/v1",
            "https://b.example.com",
        ),
    ],
)
def test_where_the_services_are(settings, extra, core, reports):
    value = settings(**extra)
    assert (service_url(value, "core"), service_url(value, "reports")) == (core, reports)


def test_the_url_of_a_request_is_base_and_path(settings):
    request = ApiRequest("x", "reports", "POST", path("workspaces", "w", "reports", "detailed"))
    assert (
        request_url(settings(), request) == "https://reports.api.clockify.me/v1/workspaces/w/reports/detailed"
    )


def test_only_the_two_services_may_see_the_key(settings):
    assert origins(settings()) == {
        ("https", "api.clockify.me", None),
        ("https", "reports.api.clockify.me", None),
    }
    assert origins(settings(host="http://localhost:80")) == {("http", "localhost", None)}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.example.com", "https://a.example.com:443/x?y", True),
        ("http://a.example.com:80", "http://A.example.com", True),
        ("https://a.example.com", "http://a.example.com", False),
        ("https://a.example.com", "https://a.example.com:8443", False),
        ("https://a.example.com", "https://a.example.com.evil.com", False),
        ("https://a.example.com", "https://evil.com/a.example.com", False),
        ("https://a.example.com", "https://a.example.com@evil.com", False),
        ("http://a.example.com:443", "https://a.example.com", False),
    ],
)
def test_origins_are_compared_whole(one, other, same):
    assert (origin(one) == origin(other)) is same
