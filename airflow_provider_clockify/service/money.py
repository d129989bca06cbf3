# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Money: units of the currency from what the service gives, and which currencies a group's money is in (pure).

The service gives hundredths of the currency's unit, whatever the currency: 14250 is 142.50 EUR. That it does so for
currencies without decimals too (yen) is assumption 19; no recording shows one. Proofs compare what the service gives;
everything that people read goes through :func:`in_units` or :func:`for_column`.

A group over projects of several currencies has one number, ``amount``, which adds up all of them, and beside it
``amounts[].amountByCurrency[]`` (assumption 30). What its own ``currency`` says then was never recorded, so it does
not count where the group, or the groups in it, name the currencies themselves.
"""

from __future__ import annotations

from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.service.values import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Pair = tuple[str, Decimal]

# Digits that a column of money has in all, and after the point.
MONEY_PRECISION = 18
MONEY_SCALE = 8

# Digits by which the point moves, from what the service gives to units of the currency.
HUNDREDTHS = -2
_STEP = Decimal(1).scaleb(-MONEY_SCALE)
# Python's own context keeps 28 digits, and would round without a word.
_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)


def in_units(amount: Decimal) -> Decimal:
    """
    Return an amount in units of its currency, exactly.

    :param amount: As the service gives it.
    """
    return amount.scaleb(HUNDREDTHS, _EXACT)


def text_in_units(amount: Decimal) -> str:
    """
    Return an amount in units of its currency as text, exactly.

    :param amount: As the service gives it.
    """
    return plain(in_units(amount))


def for_column(amount: Decimal, shift: int = HUNDREDTHS) -> Decimal:
    """
    Return an amount in units of its currency as columns hold it: rounded half to even at the 8th digit after the point.

    What the service gives are binary fractions with some 16 digits (``40055.555555555555``), most of them not meant.

    :param amount: As the service gives it; finite.
    :param shift: Digits by which the point moves.
    """
    return amount.scaleb(shift, _EXACT).quantize(_STEP, ROUND_HALF_EVEN, _EXACT)


# Rates, and amounts that are given twice, come again and again.
@lru_cache(maxsize=4096)
def text_for_column(text: str) -> str:
    """
    Do the same as :func:`for_column` and :func:`plain` with text.

    :param text: A JSON number.
    """
    return plain(for_column(Decimal(text)))


def currency_of(group: Mapping[str, Any]) -> str | None:
    """
    Return the currency of a group's amount.

    :param group: A group of any level, or a day of one, as the service sent it.
    :return: ``None`` where there are several, or none is named.
    """
    named = currencies_of(group)
    if named:
        return (next(iter(named)) or None) if len(named) == 1 else None
    return _own_currency(group)


def is_mixed(group: Mapping[str, Any]) -> bool:
    """
    Tell whether a group's amount adds up several currencies, so that it means nothing.

    :param group: A group of any level, or a day of one, as the service sent it.
    """
    return len(currencies_of(group)) > 1


def currencies_of(group: Mapping[str, Any]) -> set[str]:
    """
    Return the currencies that a group names for its amounts, or that the groups in it are in.

    A currency without money counts only where none has any: unbilled time in a second currency leaves an amount in
    one.

    :param group: A group of any level, or a day of one, as the service sent it.
    :return: Codes; empty text stands for money that is given without one.
    """
    named = pairs_of(group.get("amounts"))
    if named:
        return {code for code, amount in named if amount} or {code for code, _ in named}
    found: set[str] = set()
    for child in _objects(group.get("children")):
        if child.get("amount"):
            alone = _own_currency(child)
            found |= currencies_of(child) or ({alone} if alone else set())
    return found


def by_currency(holder: Mapping[str, Any], shown: str) -> dict[str, Decimal] | None:
    """
    Return the sums per currency that a group, or the totals of a report, give for one kind of amount.

    :param holder: A group, or the totals, as the service sent them.
    :param shown: ``EARNED``, ``COST``, …
    :return: ``None`` where they are not given.
    """
    kinds = [kind for kind in _objects(holder.get("amounts")) if kind.get("type") == shown]
    pairs = pairs_of(kinds)
    return added_up(pairs) if pairs else None


def sums_of(group: Mapping[str, Any], shown: str) -> dict[str, Decimal]:
    """
    Return the sums per currency of a group, from what it or the groups in it say; those that are zero left out.

    :param group: A group of any level, as the service sent it.
    :param shown: ``EARNED``, ``COST``, …
    """
    given = by_currency(group, shown)
    if given is not None:
        return given
    if code := currency_of(group):
        return added_up([(code, _number(group.get("amount")))])
    below = _objects(group.get("children"))
    return added_up(pair for child in below for pair in sums_of(child, shown).items())


def pairs_of(amounts: Any) -> list[Pair]:
    """
    Return the currencies and amounts of a list of amounts.

    :param amounts: As a group has them: one object for each kind of amount, perhaps with ``amountByCurrency``.
    """
    return [
        (str(each.get("currency") or ""), _number(each.get("amount")))
        for kind in _objects(amounts)
        for each in _objects(kind.get("amountByCurrency"))
    ]


def added_up(pairs: Iterable[Pair]) -> dict[str, Decimal]:
    """Return sums per currency, those that are zero left out."""
    sums: dict[str, Decimal] = {}
    for code, amount in pairs:
        sums[code] = sums.get(code, Decimal(0)) + amount
    return {code: amount for code, amount in sums.items() if amount}


def _own_currency(group: Mapping[str, Any]) -> str | None:
    # Where it is null, and not only left out, the service knows of no single one.
    found = group.get("currency") if "currency" in group else group.get("workspaceCurrencyCode")
    return found if isinstance(found, str) and found else None


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _number(value: Any) -> Decimal:
    is_number = isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
    return Decimal(str(value)) if is_number else Decimal(0)
