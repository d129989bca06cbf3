# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Whole columns of Arrow against the same values one after the other."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_provider_clockify.columns import arrow_columns
from airflow_provider_clockify.service.money import HUNDREDTHS, for_column
from airflow_provider_clockify.service.values import hours, instant

pa = pytest.importorskip("pyarrow")
pytest.importorskip("pyarrow.compute")

USUAL = "2026-11-02T08:00:00Z"
DIGITS = "0123456789"


def text_of(*fields: st.SearchStrategy[int]) -> st.SearchStrategy[str]:
    return st.tuples(*fields).map(lambda given: "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z".format(*given))


# Each field up to what two digits hold, and now and then all of them as they should be.
ANY = text_of(st.integers(0, 9999), *(st.integers(0, 99) for _ in range(5)))
NEAR = text_of(
    *(st.integers(0, 9999), st.integers(0, 13), st.integers(0, 32)),
    *(st.integers(0, 24), st.integers(0, 60), st.integers(0, 60)),
)
SPOILT = st.tuples(NEAR, st.integers(0, 20), st.sampled_from("0Z:-T. +٣é\0"), st.booleans()).map(
    lambda given: given[0][: given[1]] + given[2] + given[0][given[1] + given[3] :]
)


@settings(max_examples=500)
@given(st.lists(st.none() | ANY | NEAR | SPOILT, min_size=1, max_size=3))
@example([USUAL, "2026-11-02T08:00:00Z2", "026-11-02T08:00:00Z"])
@example(["02026-11-02T08:00:0Z"])
@example(["2026-11-02T08:00:00.5Z"])
@example(["2026-11-02T08:00:00z"])
@example(["2026-11-02 08:00:00Z"])
@example(["2026-11-02T24:00:00Z"])
@example(["2026-11-02T08:00:60Z"])
@example(["2026-02-29T08:00:00Z"])
@example(["0000-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
@example(["9999-12-31T23:59:59Z", None])
@example([None])
@example([])
def test_instants_are_those_that_are_read_one_by_one(texts):
    found = arrow_columns.instants(pa, texts)
    if found is not None:
        assert found.type == pa.timestamp("us", tz="UTC")
        assert found.to_pylist() == [None if text is None else instant(text, "id") for text in texts]


def test_usual_instants_are_read_at_once():
    assert (
        arrow_columns.instants(pa, [USUAL, None, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]) is not None
    )


@given(st.lists(st.none() | st.integers(-(10**16), 10**16) | st.integers(-(2**63), 2**63 - 1), max_size=4))
@example([0, -1, 1, 10**15 - 1, 1 - 10**15])
@example([10**15])
@example([-(2**63), 2**63 - 1])
def test_hours_are_rounded_as_one_by_one(seconds):
    found = arrow_columns.hours(pa, seconds)
    if any(each is not None and abs(each) >= 10**15 for each in seconds):
        assert found is None
        return
    assert found.type == pa.decimal128(18, 6)
    assert found.to_pylist() == [None if each is None else hours(each) for each in seconds]


def test_hours_of_every_second_of_three_hours():
    seconds = list(range(-10_800, 10_801))
    assert arrow_columns.hours(pa, seconds).to_pylist() == list(map(hours, seconds))


NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?", fullmatch=True)
TIES = st.from_regex(r"-?[0-9]{1,3}\.[0-9]{6}50{0,3}1?", fullmatch=True)
ODD = st.text(alphabet=DIGITS + ".-eE+_ nul", min_size=1, max_size=24) | st.sampled_from(
    ["1e3", "1.0E7", '"1"', "true", "NaN", "-", ".", "1.2.3", "1-2", "--1", ".5", "5.", "-.5", "01", "\ud83d"]
)


def money(texts: list[str]) -> Any:
    return arrow_columns.money(pa, "\n".join(texts).encode("utf-8", "surrogatepass"), HUNDREDTHS)


@settings(max_examples=500)
@given(st.lists(NUMBERS | TIES | st.just("null") | ODD, min_size=1, max_size=4))
@example(["0.0000005", "0.0000015", "-0.0000025", "1.0000004999"])
@example(["999999999999.9999994", "-999999999999"])
@example(["999999999999.9999995"])
@example(["1000000000000"])
@example(["9" * 20, "1"])
@example(["-" + "9" * 19])
@example(["9" * 21])
@example(["0." + "0" * 17 + "5"])
@example(["-0", "0", "-0.0", "00"])
@example(["null", "null"])
@example(["nulnull"])
@example(["nullnull"])
@example(["nu", "ll"])
@example(["1", "", "2"])
def test_money_is_that_of_exact_numbers(texts):
    found = money(texts)
    if found is None:
        return
    assert found.type == pa.decimal128(18, 8)
    expected = [None if text == "null" else for_column(Decimal(text)) for text in texts]
    assert found.to_pylist() == expected
    assert all(each is None or each.adjusted() < 10 for each in expected)


@given(
    st.lists(
        st.just("null") | st.from_regex(r"-?(0|[1-9][0-9]{0,8})(\.[0-9]{1,8})?", fullmatch=True), min_size=1
    )
)
def test_usual_money_is_read_at_once(texts):
    assert money(texts) is not None


@pytest.mark.parametrize("text", ["1.2.3", "1-2", "--1", "-", ".", "1e3", '"1"', "nul", "l1null", ""])
def test_what_is_no_plain_number_is_left_alone(text):
    assert money(["1", text, "2"]) is None


@pytest.mark.parametrize("bad", [b"\xff", b"\xed\xa0\x80"])
def test_bytes_that_are_no_text_are_an_error(bad):
    with pytest.raises(pa.ArrowInvalid):
        arrow_columns.pairs(pa, b"[]\n" + bad, b"null\nnull")


def test_each_pair_is_there_once():
    some, places = arrow_columns.pairs(pa, b"a\nb\na\na", b"1\n1\n2\n1")
    assert [some[place] for place in places.to_pylist()] == [["a", "1"], ["b", "1"], ["a", "2"], ["a", "1"]]
    assert len(some) == 3
