# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from airflow_provider_clockify.exceptions import ClockifyResponseError
from airflow_provider_clockify.service.report_kinds import NOTHING, Totals, read_detailed

ROW = b'{"_id" : "a","amount":14250.0 , "new":[1, 2]}'
TOTALS = (
    b'{"_id":"","totalTime":5400,"totalBillableTime":5400.0,"entriesCount":1,"totalAmount":null,"numOfCurrencies":1,'
    b'"totalAmountByCurrency":[{"currency":"EUR","amount":14250.55}],"amounts":[{"type":"EARNED"}]}'
)


@pytest.mark.parametrize("name", [b"timeentries", b"timeEntries"])
def test_both_spellings_of_the_list_are_read(name):
    page = read_detailed(b'{"totals":[' + TOTALS + b'],"' + name + b'":[' + ROW + b"]}")
    assert [bytes(row) for row in page.rows] == [ROW]
    assert page.totals.entries_count == 1


def test_the_lower_case_spelling_wins():
    page = read_detailed(b'{"totals":[' + TOTALS + b'],"timeEntries":[],"timeentries":[' + ROW + b"]}")
    assert len(page.rows) == 1


def test_totals_are_exact():
    totals = read_detailed(b'{"totals":[' + TOTALS + b'],"timeentries":[]}').totals
    assert (totals.entries_count, totals.total_time, totals.total_billable_time) == (1, 5400, 5400)
    assert totals.money() == {"EUR": Decimal("14250.55")}


@pytest.mark.parametrize("totals", [b'"totals":[null],', b'"totals":[],', b'"totals":null,', b""])
def test_every_way_of_saying_nothing_means_zero(totals):
    page = read_detailed(b"{" + totals + b'"timeentries":[]}')
    assert page.totals == NOTHING
    assert page.totals.entries_count == 0
    assert page.rows == []


@pytest.mark.parametrize("totals", [b'"totals":[null],', b'"totals":[],', b""])
def test_rows_without_totals_are_not_taken_for_zero(totals):
    page = read_detailed(b"{" + totals + b'"timeentries":[' + ROW + b"]}")
    assert page.totals is None
    assert len(page.rows) == 1


@pytest.mark.parametrize("body", [b"{}", b'{"totals":[null]}', b'{"timeentries":null}', b'{"entries":[]}'])
def test_an_answer_without_list_is_an_error_and_not_no_data(body):
    with pytest.raises(ClockifyResponseError, match="no timeentries"):
        read_detailed(body)


@pytest.mark.parametrize(
    ("amounts", "money"),
    [
        (b"{}", None),
        (b"null", None),
        (b"[]", {}),
        (b'[{"currency":"EUR","amount":0.0}]', {}),
        (b'[{"currency":"EUR","amount":null}]', {}),
        (b'[{"amount":5}]', {"": 5}),
        (b'[{"currency":null,"amount":5}]', {"": 5}),
        (
            b'[{"currency":"EUR","amount":1},{"currency":"USD","amount":0.1}]',
            {"EUR": 1, "USD": Decimal("0.1")},
        ),
        (b'[{"currency":"EUR","amount":-0.10}]', {"EUR": Decimal("-0.1")}),
    ],
)
def test_money_of_totals_in_all_its_forms(amounts, money):
    page = read_detailed(
        b'{"totals":[{"entriesCount":0,"totalAmountByCurrency":' + amounts + b'}],"timeentries":[]}'
    )
    assert page.totals.money() == money


def test_money_that_is_not_there_is_not_zero():
    assert Totals(entries_count=1).money() is None


@pytest.mark.parametrize("body", [b"", b"{", b'{"timeentries":[}', b"<html>"])
def test_broken_json_is_left_to_the_transport(body):
    with pytest.raises(msgspec.DecodeError):
        read_detailed(body)


@pytest.mark.parametrize("body", [b"[]", b'{"timeentries":{}}', b'{"totals":{},"timeentries":[]}'])
def test_other_shapes_are_left_to_the_transport(body):
    with pytest.raises(msgspec.ValidationError):
        read_detailed(body)
