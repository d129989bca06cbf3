# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Judge what is assumed about reports of sums and of expenses (pure), as :mod:`.report_checks` does.

Sums are compared with the rows of the detailed report of the same week, in the same zone.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.conformance.answers import (
    HALF,
    OFFSET,
    DoesNotHoldError,
    Found,
    NotTriedError,
    Row,
    day_in_zone,
    odd_currencies,
    refusal,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


def _groups(found: Found, name: str) -> list[Mapping[str, Any]]:
    groups = found.good(name).json.get("groupOne")
    if not isinstance(groups, list):
        raise DoesNotHoldError("The answer has no groupOne.")
    return groups


def _sums(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, set[Decimal]]:
    """Return the seconds by key: with and without breaks."""
    every: dict[Any, Decimal] = defaultdict(Decimal)
    work: dict[Any, Decimal] = defaultdict(Decimal)
    for row in rows:
        every[key(row)] += row.seconds
        work[key(row)] += 0 if row.is_break else row.seconds
    return {name: {every[name], work[name]} for name in every}


def _differing(sums: Mapping[Any, set[Decimal]], given: Mapping[Any, Decimal]) -> int:
    """Count the keys whose seconds are none of those that may be; keys without time count as absent."""
    odd = 0
    for name in {*sums, *given}:
        said = given.get(name, Decimal(0))
        odd += all(abs(said - own) >= HALF for own in sums.get(name, {Decimal(0)}))
    return odd


def long_ranges(found: Found) -> str:
    """Judge how a report of more than 31 days is answered."""
    answer = found.answer("year")
    if not answer.is_refusal:
        return "A summary of 366 days is answered."
    if answer.status != 400 or "doesn't belong to" in answer.error[1]:
        raise DoesNotHoldError(f"A summary of 366 days is refused: {refusal(answer)}.")
    return f"A summary of 366 days is refused: {refusal(answer)}."


def zone_of_groups(found: Found) -> str:
    """Judge whether days of a summary are cut in the zone of the request."""
    rows = found.week_rows()
    given: dict[str, Decimal] = defaultdict(Decimal)
    for group in _groups(found, "summary"):
        for child in group.get("children") or ():
            given[str(child.get("_id"))[:10]] += Decimal(child.get("duration") or 0)
    sums = _sums(rows, lambda row: day_in_zone(row.start))
    if all(day_in_zone(row.start) == row.start.date().isoformat() for row in rows):
        raise NotTriedError(
            "No entry of the week is on another day in another zone. Track time after 10:00 UTC."
        )
    odd = _differing(sums, given)
    if odd:
        raise DoesNotHoldError(
            f"{odd} of {len(sums)} days of the summary have other seconds than the entries of that day."
        )
    return f"{len(sums)} days at +{OFFSET.seconds // 3600}:00 have the seconds of their entries."


def summary_by_user(found: Found) -> str:
    """Judge whether a summary by USER has the seconds of the users' entries."""
    answer = found.answer("summary")
    if answer.status == 400:
        raise DoesNotHoldError(f"Groups by USER are refused: {refusal(answer)}.")
    given = {group.get("_id"): Decimal(group.get("duration") or 0) for group in _groups(found, "summary")}
    sums = _sums(found.week_rows(), lambda row: row.user)
    odd = _differing(sums, given)
    if odd:
        raise DoesNotHoldError(f"{odd} of {len(sums)} users have other seconds than their entries.")
    return f"{len(sums)} groups by USER have the seconds of their entries."


def mixed_currencies(found: Found) -> str:
    """Judge whether a group over several currencies names its amounts one by one."""
    own: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in found.week_rows():
        if row.amount:
            own[row.user][row.currency] += row.amount
    mixed = {user: sums for user, sums in own.items() if len(sums) > 1}
    if not mixed:
        raise NotTriedError(
            "Nobody has billable time in two currencies. Track some for two clients with their own."
        )
    for group in _groups(found, "summary"):
        if (sums := mixed.get(str(group.get("_id")))) is None:
            continue
        named = {
            each["currency"]: Decimal(each["amount"])
            for kind in group.get("amounts") or ()
            for each in kind.get("amountByCurrency") or ()
            if each["amount"]
        }
        if not named:
            raise DoesNotHoldError("A group over two currencies names no amountByCurrency.")
        # Each of its entries may have been rounded.
        tolerance = HALF * (1 + sum(row.user == group["_id"] for row in found.week_rows()))
        if any(
            abs(named.get(code, Decimal(0)) - sums.get(code, Decimal(0))) > tolerance
            for code in {*named, *sums}
        ):
            raise DoesNotHoldError("The amounts by currency of a group are not those of its entries.")
    return f"{len(mixed)} groups over several currencies name their amounts one by one."


def weekly(found: Found) -> str:
    """Judge whether a weekly report has the seconds of each user and day."""
    answer = found.answer("weekly")
    if answer.is_refusal and answer.status in (200, 400):
        raise DoesNotHoldError(f"Seven days are refused: {refusal(answer)}.")
    rows = found.week_rows()
    given = {
        (group.get("_id"), str(day.get("date"))[:10]): Decimal(day.get("duration") or 0)
        for group in _groups(found, "weekly")
        for day in group.get("days") or ()
    }
    sums = _sums(rows, lambda row: (row.user, day_in_zone(row.start)))
    odd = _differing(sums, given)
    if odd:
        raise DoesNotHoldError(f"{odd} of {len(sums)} days of users have other seconds than their entries.")
    return f"{len(sums)} days of users have the seconds of their entries."


def attendance_seconds(found: Found) -> str:
    """Judge whether attendance counts seconds."""
    entities = found.good("attendance").json["entities"]
    rows = found.week_rows()
    if len(entities) >= 200:
        raise NotTriedError("The attendance of the week has more than 200 rows, which are not all read here.")
    sums = _sums(rows, lambda row: (row.user, day_in_zone(row.start)))
    given = {
        (entity["userId"], str(entity["date"])[:10]): Decimal(entity.get("totalDuration") or 0)
        for entity in entities
    }
    compared = given.keys() & sums.keys()
    if not compared:
        raise DoesNotHoldError("No row of the attendance is of a user and day with entries.")
    odd = _differing({key: sums[key] for key in compared}, {key: given[key] for key in compared})
    if odd:
        raise DoesNotHoldError(
            f"{odd} of {len(compared)} rows have other numbers than the seconds of the entries."
        )
    return f"{len(compared)} rows have the seconds of that user's entries of the day."


def expense_hundredths(found: Found) -> str:
    """Judge whether the list and the report of expenses have the same hundredths."""
    listed = {each["id"]: each for each in found.good("expense_list").json["expenses"]["expenses"]}
    reported = {each.get("_id") or each["id"]: each for each in found.good("expenses").json["expenses"]}
    common = listed.keys() & reported.keys()
    if not common:
        raise NotTriedError("No expense is both in the list and in the report. Add an expense.")
    odd = sum(
        abs(Decimal(listed[key].get("total") or 0) - Decimal(reported[key].get("amount") or 0)) > HALF
        for key in common
    )
    if odd:
        raise DoesNotHoldError(
            f"{odd} of {len(common)} expenses have another amount in the report than in the list."
        )
    priced = [each for each in listed.values() if (each.get("category") or {}).get("priceInCents")]
    wrong = sum(
        abs(Decimal(each["total"]) - Decimal(each["quantity"]) * each["category"]["priceInCents"]) > HALF
        for each in priced
    )
    if wrong:
        raise DoesNotHoldError(
            f"{wrong} of {len(priced)} expenses are not their quantity times priceInCents."
        )
    if not priced:
        raise NotTriedError(
            f"{len(common)} amounts are equal, but no expense has a category with a unit price. Add one."
        )
    return f"{len(common)} amounts are equal in both, {len(priced)} are quantity times priceInCents."


def expense_totals(found: Found) -> str:
    """Judge whether totals of the expense report are those of its rows."""
    body = found.good("expenses").json
    rows, totals = body["expenses"], body["totals"]
    if not rows:
        raise NotTriedError("The month has no expenses. Add some, in two currencies.")
    if len(rows) >= 200:
        raise NotTriedError("The month has more than 200 expenses, which are not all read here.")
    if totals["expensesCount"] != len(rows):
        raise DoesNotHoldError(f"The report counts {totals['expensesCount']} expenses and lists {len(rows)}.")
    said = {each["currency"]: Decimal(each["amount"]) for each in totals.get("totalAmountByCurrency") or ()}
    own: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        own[row.get("currency") or ""] += Decimal(row.get("amount") or 0)
    if not said:
        raise DoesNotHoldError("Totals have no amounts per currency.")
    if odd_currencies(own, said, len(rows)):
        raise DoesNotHoldError("The total of a currency is not the sum of its rows.")
    if len(said) < 2:
        raise NotTriedError(
            f"{len(rows)} expenses add up, but all are in one currency. Add one for a client with another."
        )
    return f"{len(rows)} expenses add up in {len(said)} currencies."
