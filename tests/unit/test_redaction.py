# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import json
import pickle
from dataclasses import replace
from http.client import BadStatusLine
from urllib.parse import quote

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from secret_scan import Scanner
from urllib3.exceptions import ProtocolError

from airflow_provider_clockify.connection import ClockifySettings, Secret
from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.http.redaction import hide_secret, without_secret

KEYS = {"hexadecimal": "66b0c1a2d3e4f5a6b7c8d9e0", "awkward": "aB+/=%&\"\\<k3y>'#:@e", "short": "k3/y"}
SPELLINGS = {
    "plain": lambda key: key,
    "URL": lambda key: quote(key, safe=""),
    "path": quote,
    "JSON": lambda key: json.dumps(key),
    "repr": repr,
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_a_key_is_hidden_however_it_is_spelt(key, spell):
    hidden = without_secret(f"no such key: {spell(key)}!", key)
    assert hidden.startswith("no such key: ")
    assert hidden.endswith("!")
    assert "***" in hidden
    assert spell(key) not in hidden


def test_without_a_key_nothing_is_hidden():
    assert without_secret("a text", "") == "a text"


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=8, max_size=40), st.data())
def test_a_key_of_any_characters_is_hidden(key, data):
    text = f"no such key: {data.draw(st.sampled_from(list(SPELLINGS.values())))(key)}!"
    assert Scanner([key]).text("before", text)
    assert Scanner([key]).text("after", without_secret(text, key)) == []


@given(st.text("abcXYZ019-_.", min_size=8, max_size=48))
def test_keys_of_the_service_look_the_same_in_all_spellings(key):
    assert {spell(key).strip("'\"") for spell in SPELLINGS.values()} == {key}


def nested(key: str) -> BaseException:
    """An error as the libraries nest it."""
    try:
        try:
            try:
                raise BadStatusLine(f"HTTP/9 {key}")
            except BadStatusLine as error:
                raise ProtocolError("Connection aborted.", error) from error
        except ProtocolError as error:
            raise requests.ConnectionError(error, b"bytes " + key.encode()) from error
    except requests.ConnectionError as error:
        return error


def test_a_key_is_hidden_in_an_error_and_all_its_causes():
    key = KEYS["awkward"]
    error = nested(key)
    scanner = Scanner([key])
    chain = [error, error.__cause__, error.__cause__.__cause__, error.args[0].args[1]]
    assert all(scanner.text("before", repr(each) + str(each)) for each in chain)
    hide_secret(error, key)
    assert [scanner.text("after", repr(each) + str(each)) for each in chain] == [[]] * 4
    assert "HTTP/9 ***" in str(error)
    assert error.args[1] == b"bytes ***"


def test_an_error_without_the_key_stays_as_it_is():
    error = nested("something else")
    args = error.args
    hide_secret(error, KEYS["awkward"])
    assert error.args is args


def test_an_error_that_is_its_own_context_ends():
    error = ValueError(KEYS["awkward"])
    error.__context__ = other = KeyError(KEYS["awkward"])
    other.__context__ = error
    hide_secret(error, KEYS["awkward"])
    assert (str(error), other.args) == ("***", ("***",))


# --- values -------------------------------------------------------------------------------------------------------


def test_both_secrets_of_a_connection_show_themselves_nowhere():
    settings = ClockifySettings.from_fields(
        "c", password="the-secret-key", extra={"hash_salt": "the-secret-salt"}
    )
    made = ClockifySettings("c", "the-secret-key", hash_salt="the-secret-salt")
    for each in (settings, made, replace(settings, region="euc1")):
        assert (each.api_key, each.hash_salt) == ("the-secret-key", "the-secret-salt")
        shown = f"{each!r} {each} {[each.api_key]} { ({'X-Api-Key': each.api_key}) } {each.hash_salt!r}"
        assert "the-secret" not in shown
        assert "'***'" in shown


def test_a_secret_is_text_for_everybody_else():
    secret = Secret("the-secret-key")
    assert (str(secret), f"{secret}", secret.encode()) == ("the-secret-key",) * 2 + (b"the-secret-key",)
    assert hash(secret) == hash("the-secret-key")
    assert pickle.loads(pickle.dumps(secret)) == secret


def test_a_salt_that_is_no_text_is_refused_without_showing_it():
    with pytest.raises(ClockifyConfigError, match=r"extra\.hash_salt is not text") as caught:
        ClockifySettings.from_fields("c", password="k", extra={"hash_salt": 8273645})
    assert "8273645" not in str(caught.value)
