# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import dataclasses
import logging
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_clockify.connection import EXTRAS, ClockifySettings, doubts_of_extra, reading_connection
from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.get_provider_info import FIELDS


def from_fields(**fields):
    return ClockifySettings.from_fields("clockify_test", **{"password": "the-key", **fields})


def test_the_core_is_importable_without_airflow():
    code = (
        "import sys, airflow_provider_clockify.reading.client, airflow_provider_clockify.columns.detailed_columns, "
        "airflow_provider_clockify.export.formats, airflow_provider_clockify.testing; "
        "print([m for m in sys.modules if m == 'airflow' or m.startswith('airflow.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_defaults_are_safe(settings, key):
    assert dataclasses.asdict(settings()) == {
        "conn_id": "clockify_test",
        "api_key": key,
        "auth_type": "api_key",
        "region": "global",
        "subdomain": None,
        "base_url": None,
        "core_url": None,
        "reports_url": None,
        "workspace_id": None,
        "requests_per_second": 10.0,
        "requests_per_hour": None,
        "max_concurrency": 3,
        "timeout": 60.0,
        "max_retries": 5,
        "max_wait": 300.0,
        "hash_salt": None,
        "doubts": (),
    }


def test_the_key_is_not_in_repr_or_str(settings, key):
    value = settings()
    assert key not in repr(value)
    assert key not in str(value)
    assert key not in f"{value}"


def test_settings_cannot_be_changed(settings):
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings().region = "euc1"


def test_text_numbers_of_a_uri_are_read(settings):
    value = settings(
        requests_per_second="2.5",
        requests_per_hour="30",
        max_concurrency="1",
        timeout="90",
        max_retries="0",
    )
    assert (value.requests_per_second, value.requests_per_hour, value.max_concurrency) == (2.5, 30, 1)
    assert (value.timeout, value.max_retries) == (90.0, 0)


def test_whole_floats_of_a_json_form_are_read(settings):
    assert settings(max_retries=2.0, requests_per_hour=30.0).max_retries == 2


@pytest.mark.parametrize("empty", [None, "", "   "])
def test_empty_fields_of_the_form_mean_the_default(settings, empty):
    assert settings(region=empty, auth_type=empty, subdomain=empty, workspace_id=empty) == settings()


@pytest.mark.parametrize("empty", [None, ""])
def test_empty_numbers_of_the_form_mean_the_default(settings, empty):
    names = ("requests_per_second", "requests_per_hour", "max_concurrency", "timeout", "max_retries")
    assert settings(**dict.fromkeys(names, empty)) == settings()


def test_unknown_extras_are_ignored(settings):
    assert settings(color="blue") == settings()


@pytest.mark.parametrize(
    ("spelling", "region"),
    [
        ("eu", "euc1"),
        ("us", "use2"),
        ("uk", "euw2"),
        ("au", "apse2"),
        ("EUC1", "euc1"),
        (" Global ", "global"),
    ]
    + [(name, name) for name in ("global", "euc1", "use2", "euw2", "apse2", "developer")],
)
def test_regions_and_their_spellings(settings, spelling, region):
    assert settings(region=spelling).region == region


def test_the_key_is_trimmed():
    assert from_fields(password="  the-key\n").api_key == "the-key"


@pytest.mark.parametrize(
    ("given_label", "label"), [("acme", "acme"), ("Acme.clockify.me", "acme"), ("a-1", "a-1")]
)
def test_subdomains(settings, given_label, label):
    assert settings(subdomain=given_label).subdomain == label


REFUSALS = [
    (
        {"region": "mars"},
        "extra.region is 'mars'; use one of global, euc1, use2, euw2, apse2, developer (or eu,",
    ),
    ({"region": 7}, "extra.region is 7; it must be text"),
    ({"auth_type": "bearer"}, "extra.auth_type is 'bearer'; use one of api_key, addon_token"),
    ({"workspace_id": 12}, "extra.workspace_id is 12; it must be text"),
    ({"subdomain": "a.b"}, "extra.subdomain is 'a.b'; give only the first part"),
    ({"subdomain": "-acme"}, "extra.subdomain"),
    ({"subdomain": "acme-"}, "extra.subdomain"),
    ({"subdomain": "ac/me"}, "extra.subdomain"),
    ({"subdomain": "a" * 64}, "extra.subdomain"),
    ({"subdomain": "evil.com#"}, "extra.subdomain"),
    ({"requests_per_second": 0}, "extra.requests_per_second is 0; it must be a number above 0"),
    ({"requests_per_second": -1}, "extra.requests_per_second"),
    ({"requests_per_second": "fast"}, "extra.requests_per_second"),
    ({"requests_per_second": True}, "extra.requests_per_second"),
    ({"requests_per_second": float("nan")}, "extra.requests_per_second"),
    ({"requests_per_second": "inf"}, "extra.requests_per_second"),
    ({"requests_per_second": [5]}, "extra.requests_per_second"),
    ({"timeout": 0}, "extra.timeout is 0; it must be a number above 0"),
    ({"timeout": "-3"}, "extra.timeout"),
    ({"requests_per_hour": 0}, "extra.requests_per_hour is 0; it must be a whole number of at least 1"),
    ({"requests_per_hour": 1.5}, "extra.requests_per_hour"),
    ({"max_concurrency": 0}, "extra.max_concurrency is 0; it must be a whole number of at least 1"),
    ({"max_concurrency": "two"}, "extra.max_concurrency"),
    ({"max_retries": -1}, "extra.max_retries is -1; it must be a whole number of at least 0"),
    ({"max_retries": True}, "extra.max_retries"),
    ({"max_retries": float("inf")}, "extra.max_retries"),
    ({"max_retries": []}, "extra.max_retries"),
    ({"allow_insecure_http": "maybe"}, "extra.allow_insecure_http is 'maybe'; use true or false"),
    ({"core_url": "api.example.com"}, "extra.core_url is not a base URL such as https://"),
    ({"core_url": "ftp://example.com"}, "extra.core_url is not a base URL"),
    ({"core_url": "https://"}, "extra.core_url is not a base URL"),
    ({"core_url": "https://example.com:99999"}, "extra.core_url is not a base URL"),
    ({"core_url": "https://[::1"}, "extra.core_url is not a base URL"),
    ({"reports_url": "https://u:p@example.com"}, "extra.reports_url must be a plain base URL"),
    ({"reports_url": "https://example.com/?a=1"}, "extra.reports_url must be a plain base URL"),
    ({"reports_url": "https://example.com/#x"}, "extra.reports_url must be a plain base URL"),
    ({"core_url": "http://example.com"}, "extra.core_url would send the key unencrypted to example.com"),
    ({"core_url": "http://127.0.0.1.evil.com"}, "unencrypted"),
    ({"core_url": "http://localhost.evil.com"}, "unencrypted"),
]


@pytest.mark.parametrize(("extra", "text"), REFUSALS, ids=str)
def test_refusals_name_connection_field_and_cure_and_not_the_key(settings, key, extra, text):
    with pytest.raises(ClockifyConfigError) as caught:
        settings(**extra)
    message = str(caught.value)
    assert "'clockify_test'" in message
    assert text in message
    assert key not in message


@pytest.mark.parametrize("password", [None, "", "   ", "\n"])
def test_a_missing_key_names_where_to_get_one(settings, password):
    with pytest.raises(ClockifyConfigError, match="'clockify_test' has no API key: paste one") as caught:
        settings(password=password)
    assert "Manage API keys" in str(caught.value)


@pytest.mark.parametrize("password", ["two words", "schlüssel", "line\nbreak", "tab\tbed", "nul\0"])
def test_a_key_that_cannot_be_one_is_refused_without_showing_it(password):
    with pytest.raises(ClockifyConfigError, match="paste it again") as caught:
        from_fields(password=password)
    assert password not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({"host": None}, None),
        ({"host": "  "}, None),
        ({"host": "proxy.example.com"}, "https://proxy.example.com"),
        ({"host": "proxy.example.com", "port": 8443}, "https://proxy.example.com:8443"),
        ({"host": "https://proxy.example.com:444", "port": 8443}, "https://proxy.example.com:444"),
        ({"host": "https://proxy.example.com/clockify/"}, "https://proxy.example.com/clockify"),
        ({"host": "https://proxy.example.com/clockify", "port": 1}, "https://proxy.example.com:1/clockify"),
        ({"host": "localhost", "schema": "HTTP", "port": 8080}, "http://localhost:8080"),
        ({"host": "http://127.0.0.1:5"}, "http://127.0.0.1:5"),
        ({"host": "http://127.9.9.9"}, "http://127.9.9.9"),
        ({"host": "http://[::1]", "port": 80}, "http://[::1]:80"),
        ({"host": "http://[::1]:81", "port": 80}, "http://[::1]:81"),
        ({"host": "https://euc1.clockify.me/api/v1"}, "https://euc1.clockify.me"),
        ({"host": "https://euc1.clockify.me/report/v1/"}, "https://euc1.clockify.me"),
    ],
)
def test_the_host_field_becomes_a_base_url(fields, url):
    assert from_fields(**fields).base_url == url


@pytest.mark.parametrize(
    "fields",
    [
        {"host": "proxy.example.com", "schema": "http"},
        {"host": "http://proxy.example.com"},
        {"host": "http://10.0.0.1"},
    ],
)
def test_plain_http_needs_a_word(fields):
    with pytest.raises(ClockifyConfigError, match=r"use https, or set extra\.allow_insecure_http"):
        from_fields(**fields)
    for word in (True, "true", "1", "Yes", "on"):
        assert from_fields(**fields, extra={"allow_insecure_http": word}).base_url.startswith("http://")
    for word in (False, "false", "0", "no", "off", ""):
        with pytest.raises(ClockifyConfigError):
            from_fields(**fields, extra={"allow_insecure_http": word})


@pytest.mark.parametrize(
    "host", ["ftp://example.com", "https://key@example.com", "https://example.com?x=1", "https://"]
)
def test_a_host_that_is_no_base_url_is_refused(host):
    with pytest.raises(ClockifyConfigError, match="Connection 'clockify_test': host"):
        from_fields(host=host)


@given(
    st.dictionaries(
        st.sampled_from(
            ["region", "auth_type", "subdomain", "workspace_id", "core_url", "reports_url", "timeout"]
            + [
                "requests_per_second",
                "requests_per_hour",
                "max_concurrency",
                "max_retries",
                "allow_insecure_http",
            ]
        ),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=12)
        | st.lists(st.text(max_size=2)),
    ),
    st.none() | st.text(max_size=20),
)
def test_any_extra_and_host_give_settings_or_a_configuration_error(extra, host):
    try:
        value = from_fields(password="S3cret-Key", host=host, extra=extra)
    except ClockifyConfigError as error:
        assert "clockify_test" in str(error)
        assert "S3cret-Key" not in str(error)
    else:
        assert value.requests_per_second > 0
        assert value.timeout > 0
        assert value.max_concurrency >= 1
        assert value.max_retries >= 0


# --- the type, and names in the extra -----------------------------------------------------------------------


@pytest.mark.parametrize("conn_type", ["http", "generic", "postgres", "Clockify", "aws"])
def test_a_connection_of_another_type_is_refused_with_the_cure(conn_type):
    with pytest.raises(ClockifyConfigError) as caught:
        from_fields(conn_type=conn_type)
    for text in (
        "'clockify_test'",
        repr(conn_type),
        "not 'clockify'",
        "conn_type 'clockify'",
        "clockify_conn_id",
    ):
        assert text in str(caught.value)
    assert "the-key" not in str(caught.value)


@pytest.mark.parametrize("conn_type", ["clockify", "", None])
def test_a_connection_of_our_type_or_of_none_is_read(conn_type):
    assert from_fields(conn_type=conn_type).api_key == "the-key"


def test_the_names_in_the_extra_are_those_that_are_read():
    class Recording(dict):
        def get(self, name, default=None):
            read.add(name)
            return default

        def __bool__(self):
            return True

    read: set[str] = set()
    from_fields(extra=Recording())
    assert read == set(EXTRAS)
    assert {field.name for field in FIELDS} <= set(EXTRAS)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("requests_per_hours", "requests_per_hour"),
        ("request_per_second", "requests_per_second"),
        ("extra__clockify__region", "region"),
        ("extra__clockify__workspace_id", "workspace_id"),
        ("clockify_region", "region"),
        ("extra.timeout", "timeout"),
        ("Region", "region"),
        ("REGION", "region"),
        ("workspaceId", "workspace_id"),
        ("workspace-id", "workspace_id"),
        ("worksapce_id", "workspace_id"),
        ("maxRetries", "max_retries"),
        ("report_url", "reports_url"),
        ("hashSalt", "hash_salt"),
    ],
)
def test_a_misspelt_or_prefixed_name_is_named_with_the_one_that_is_meant(name, meant):
    (doubt,) = doubts_of_extra({"region": "euc1", name: "S3cret"})
    assert f"has {name!r}, which is not read; rename it to {meant!r}" in doubt
    assert "S3cret" not in doubt


@pytest.mark.parametrize("field", sorted(EXTRAS))
def test_a_field_that_a_form_sends_under_two_names_is_named_only_if_the_values_differ(field):
    both = {f"extra__clockify__{field}": "a long value", field: "a long value"}
    assert doubts_of_extra(both) == ()
    assert doubts_of_extra(dict(reversed(both.items()))) == ()
    (doubt,) = doubts_of_extra({**both, field: "another long value"})
    assert f"has 'extra__clockify__{field}', which is not read" in doubt


@pytest.mark.parametrize(
    "name",
    [
        "team",
        "owner",
        "env",
        "endpoint_url",
        "timezone",
        "verify",
        "proxies",
        "aws_access_key_id",
        "extra",
        "",
        "__",
    ],
)
def test_an_unrelated_name_is_ignored(name):
    assert doubts_of_extra({name: "x"}) == ()


@pytest.mark.parametrize("value", [None, ""])
def test_a_name_without_a_value_is_ignored(value):
    assert doubts_of_extra({"Region": value}) == ()


@given(st.dictionaries(st.text(max_size=20) | st.sampled_from(EXTRAS), st.text(min_size=1)))
def test_names_that_are_read_are_never_doubted(extra):
    doubts = doubts_of_extra({**extra, "hash_salt": "long enough"})
    assert len(doubts) <= len(set(extra) - set(EXTRAS))
    assert not any(f"has {name!r}" in doubt for name in EXTRAS for doubt in doubts)


def test_a_salt_that_airflow_would_not_mask_is_doubted_without_being_shown():
    (doubt,) = doubts_of_extra({"hash_salt": "s4lt"})
    assert "fewer than 5 characters" in doubt
    assert "s4lt" not in doubt
    assert doubts_of_extra({"hash_salt": "s4lts"}) == ()


def test_a_short_value_of_the_extra_makes_no_warning_about_secrets_while_a_connection_is_read(caplog):
    warned = "Skipping masking for a secret as it's too short (<5 chars)"
    logger = logging.getLogger("airflow.sdk._shared.secrets_masker.secrets_masker")
    with reading_connection("clockify_default"):
        logger.warning(warned)
        logger.warning("Something else.")
    assert [each.message for each in caplog.records] == ["Something else."]
    logger.warning(warned)
    assert [each.message for each in caplog.records] == ["Something else.", warned]
