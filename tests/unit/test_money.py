# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_clockify.service.money import (
    by_currency,
    currencies_of,
    currency_of,
    for_column,
    in_units,
    is_mixed,
    sums_of,
    text_for_column,
    text_in_units,
)
from airflow_provider_clockify.service.values import hours, hours_text

ANY = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**40), max_value=10**40)


@given(ANY)
@example(Decimal("1234567890123456789012345678901234567890.123456789"))
def test_units_are_hundredths_without_the_loss_of_a_digit(amount):
    assert Fraction(in_units(amount)) * 100 == Fraction(amount)
    assert Fraction(text_in_units(amount)) * 100 == Fraction(amount)
    assert "E" not in text_in_units(amount)


@given(ANY | st.decimals(-100, 100, places=7))
@example(Decimal("-0.0"))
@example(Decimal("0.0000005"))
@example(Decimal("0.0000015"))
def test_columns_hold_the_nearest_number_of_eight_digits_the_even_one_of_two(amount):
    found = for_column(amount)
    exact = Fraction(amount) / 100
    assert found.as_tuple().exponent == -8
    assert round(exact * 10**8) == Fraction(found) * 10**8  # Python rounds fractions half to even.
    assert Fraction(text_for_column(str(amount))) == Fraction(found)


@given(st.integers(-(2**63), 2**63 - 1))
@example(1)
@example(-1)
@example(-1800)
def test_hours_are_the_nearest_number_of_six_digits(seconds):
    assert round(Fraction(seconds, 3600) * 10**6) == Fraction(hours(seconds)) * 10**6
    assert Decimal(hours_text(seconds)) == hours(seconds)
    assert not hours_text(seconds).endswith((".", "-0"))


def amounts(kind: str = "EARNED", /, **pairs: Any) -> list[dict[str, Any]]:
    named = [{"currency": code, "amount": amount} for code, amount in pairs.items()]
    return [{"type": kind, "value": sum(a or 0 for a in pairs.values()), "amountByCurrency": named}]


def child(currency: Any, amount: Any = 1, **more: Any) -> dict[str, Any]:
    return {"currency": currency, "amount": amount, **more}


@pytest.mark.parametrize(
    ("group", "currency"),
    [
        ({"currency": "EUR"}, "EUR"),
        ({"workspaceCurrencyCode": "EUR"}, "EUR"),
        ({"currency": None, "workspaceCurrencyCode": "EUR"}, None),
        ({"currency": "", "workspaceCurrencyCode": "EUR"}, None),
        ({}, None),
        ({"currency": 5}, None),
        ({"amounts": amounts(USD=1, EUR=2)}, None),
        ({"currency": "USD", "amounts": amounts(USD=1, EUR=2)}, None),
        ({"currency": "USD", "workspaceCurrencyCode": "USD", "amounts": amounts(USD=1, EUR=-1)}, None),
        ({"currency": None, "amounts": amounts(EUR=2)}, "EUR"),
        ({"currency": "USD", "amounts": amounts(EUR=2)}, "EUR"),
        ({"currency": None, "amounts": amounts(EUR=2, USD=0)}, "EUR"),
        ({"currency": "EUR", "amounts": amounts(EUR=2, USD=None)}, "EUR"),
        ({"currency": "EUR", "amounts": amounts(EUR=0, USD=0)}, None),
        ({"currency": "EUR", "amounts": amounts(EUR=0)}, "EUR"),
        ({"currency": "EUR", "amounts": [*amounts(EUR=1), *amounts("COST", USD=1)]}, None),
        ({"currency": "EUR", "amounts": [{"type": "EARNED", "value": 1}]}, "EUR"),
        ({"currency": "EUR", "amounts": {}}, "EUR"),
        ({"currency": "EUR", "amounts": [None, 5, {"amountByCurrency": 7}]}, "EUR"),
        ({"amounts": [{"amountByCurrency": [{"currency": None, "amount": 1}]}]}, None),
        ({"currency": "USD", "children": [child("USD"), child("EUR")]}, None),
        ({"currency": "USD", "children": [child("USD"), child("EUR", 0)]}, "USD"),
        ({"currency": None, "children": [child("USD"), child("USD")]}, "USD"),
        ({"currency": "USD", "children": [child("USD", 0), child("EUR", None)]}, "USD"),
        ({"currency": "USD", "children": [child("USD", amounts=amounts(CHF=1, EUR=1))]}, None),
        ({"currency": "USD", "children": [child(None, children=[child("A"), child("B")])]}, None),
        ({"currency": "USD", "amounts": amounts(USD=3), "children": [child("EUR")]}, "USD"),
    ],
)
def test_the_currency_of_a_group_is_what_its_amounts_name(group, currency):
    assert currency_of(group) == currency


CODES = st.sampled_from(["EUR", "USD", "CHF"])
NUMBERS = st.integers(-1000, 1000).map(lambda n: n / 4) | st.none()


@given(st.dictionaries(CODES, NUMBERS, max_size=3), CODES | st.none(), CODES)
def test_a_group_of_several_currencies_is_never_called_by_one(pairs, own, workspace):
    group = {"currency": own, "workspaceCurrencyCode": workspace, "amount": 1, "amounts": amounts(**pairs)}
    with_money = {code for code, amount in pairs.items() if amount}
    if len(with_money) > 1:
        assert is_mixed(group)
        assert currency_of(group) is None
    elif with_money:
        assert currencies_of(group) == with_money
        assert currency_of(group) in with_money
    assert sums_of(group, "EARNED") == by_currency(group, "EARNED") or not pairs


@given(st.lists(st.tuples(CODES, st.integers(-100, 100)), max_size=6))
def test_sums_are_put_together_from_children_where_a_group_does_not_say_them(pairs):
    children = [child(code, amount) for code, amount in pairs]
    sums: dict[str, Decimal] = {}
    for code, amount in pairs:
        sums[code] = sums.get(code, Decimal(0)) + amount
    nested = {
        "currency": None,
        "amount": 5,
        "children": [{"currency": None, "amount": 5, "children": children}],
    }
    expected = {code: amount for code, amount in sums.items() if amount}
    if len({code for code, amount in pairs if amount}) > 1:
        assert sums_of(nested, "EARNED") == expected


def test_sums_are_of_the_kind_that_is_asked_for():
    group = {"amounts": [*amounts(EUR=1.5, USD=0), *amounts("COST", EUR=7)]}
    assert by_currency(group, "EARNED") == {"EUR": Decimal("1.5")}
    assert by_currency(group, "COST") == {"EUR": Decimal(7)}
    assert by_currency(group, "PROFIT") is None
    assert by_currency({"amounts": [{"type": "EARNED", "value": 3}]}, "EARNED") is None
    assert by_currency({}, "EARNED") is None


def test_the_money_of_a_group_of_one_currency_is_its_own():
    assert sums_of({"currency": "EUR", "amount": 2.5}, "EARNED") == {"EUR": Decimal("2.5")}
    assert sums_of({"currency": "EUR", "amount": None}, "EARNED") == {}
    assert sums_of({"currency": None, "amount": 2.5}, "EARNED") == {}
