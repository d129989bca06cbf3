# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Judge what is assumed about the detailed report (pure).

Each function takes what was found and returns the evidence; it raises :class:`.answers.DoesNotHoldError` or
:class:`.answers.NotTriedError`. Evidence has counts, never names, texts or amounts: it is pasted into bug reports.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from airflow_provider_clockify.conformance.answers import (
    HALF,
    OFFSET,
    PAGE,
    WITHOUT_DECIMALS,
    DoesNotHoldError,
    Found,
    NotTriedError,
    Report,
    Row,
    anchor_of,
    month_of,
    odd_currencies,
    reaches_into,
    refusal,
    shows_zone,
    week_of,
)
from airflow_provider_clockify.conformance.tries import half

# Smaller amounts are too rounded in a file to tell their factor.
_ENOUGH = Decimal(10)
_AMOUNT_COLUMN = re.compile(r"amount", re.IGNORECASE)
_DURATION_COLUMN = re.compile(r"duration.*decimal", re.IGNORECASE)
_ROUNDED = Decimal("0.01")


def sorted_by_id(found: Found) -> str:
    """Judge whether rows are sorted by id."""
    rows = found.known_rows()
    ids = [row.id for row in rows]
    starts = [row.start for row in rows]
    if len(rows) < 3:
        raise NotTriedError("The fullest month has fewer than three entries. Track some time.")
    if ids != sorted(ids):
        raise DoesNotHoldError(f"{_descents(ids)} of {len(ids)} rows come after one with a larger id.")
    if starts == sorted(starts):
        raise NotTriedError(
            "Entries were created in the order of their starts. Add one for an earlier day by hand."
        )
    return f"{len(ids)} rows by ascending id, and not by start."


def _descents(ids: Sequence[str]) -> int:
    return sum(one > other for one, other in itertools.pairwise(ids))


def stable_pages(found: Found) -> str:
    """Judge whether page 2 of half the size holds the second half of page 1."""
    rows, size = found.known_rows(), half(found)
    wanted = [row.id for row in rows[size : 2 * size]]
    given = [row.id for row in found.report("second_page").rows]
    if given != wanted:
        common = len(set(given) & set(wanted))
        raise DoesNotHoldError(
            f"Page 2 of {size} rows has {common} of the {len(wanted)} rows that it should, in order."
        )
    return f"Page 2 of {size} rows holds rows {size + 1} to {2 * size} of a page of {PAGE}."


def entries_count(found: Found) -> str:
    """Judge whether the count is that of all rows."""
    month, second = found.report("month"), found.report("second_page")
    if month.count is None:
        raise DoesNotHoldError("There is no entriesCount beside rows.")
    if month.count != second.count:
        raise DoesNotHoldError(f"Page 1 counts {month.count} entries, page 2 of another size {second.count}.")
    if month.count < len(month.rows):
        raise DoesNotHoldError(f"It counts {month.count} entries and gives {len(month.rows)}.")
    if len(month.rows) < min(month.count, PAGE) and len(month.rows) not in _CUTS:
        raise DoesNotHoldError(f"It counts {month.count} entries and gives {len(month.rows)}.")
    return f"It counts {month.count} entries on every page."


# Sizes that pages may be cut to, which is another assumption.
_CUTS = (50, 100, 200, 250, 500)


def total_time(found: Found) -> str:
    """Judge whether the seconds are those of all rows."""
    month, second = found.report("month"), found.report("second_page")
    first, other = (Decimal(report.totals["totalTime"]) for report in (month, second))
    timers = any(row.end is None for row in month.rows)
    if abs(first - other) >= HALF and not timers:
        raise DoesNotHoldError("Page 2 of another size has another totalTime than page 1.")
    for report in found.complete_reports("month", "week"):
        total = Decimal(report.totals["totalTime"])
        if not timers and all(abs(total - own) >= HALF for own in _seconds(report)):
            share = total / max(_seconds(report)[0], Decimal(1))
            raise DoesNotHoldError(f"totalTime is {share:.3f} times the seconds of the rows.")
    return f"totalTime is the seconds of {month.count} entries, on every page."


def _seconds(report: Report) -> tuple[Decimal, Decimal]:
    """Return the seconds of a report with and without breaks."""
    every = sum((row.seconds for row in report.rows), Decimal(0))
    return every, every - sum((row.seconds for row in report.rows if row.is_break), Decimal(0))


def total_amounts(found: Found) -> str:
    """Judge whether the amounts per currency are those of all rows."""
    month, second = found.report("month"), found.report("second_page")
    first, other = month.money(), second.money()
    if first is None or other is None:
        raise NotTriedError("The key sees no amounts. Use the key of an owner or admin.")
    if not first:
        raise NotTriedError("No entry of the fullest month has an amount. Track billable time at a rate.")
    if any(
        abs(first.get(code, Decimal(0)) - other.get(code, Decimal(0))) >= HALF for code in {*first, *other}
    ):
        raise DoesNotHoldError("Page 2 of another size has other amounts in its totals than page 1.")
    for report in found.complete_reports("month", "week"):
        _compare_money(report)
    return f"Amounts of {len(first)} currencies add up, on every page."


def _compare_money(report: Report) -> None:
    own: dict[str, Decimal] = {}
    for row in report.rows:
        own[row.currency] = own.get(row.currency, Decimal(0)) + (row.amount or Decimal(0))
    odd = odd_currencies(own, report.money() or {}, len(report.rows))
    if odd:
        raise DoesNotHoldError(f"Totals in {len(odd)} currencies are not the sums of their rows' amounts.")


def breaks(found: Found) -> str:
    """Judge how breaks count in the total."""
    reports = [
        report
        for report in found.complete_reports("month", "week")
        if any(row.is_break for row in report.rows)
    ]
    if not reports:
        raise NotTriedError(
            "No complete window has a break. Switch breaks on in the workspace settings and track one."
        )
    ways = set()
    for report in reports:
        total = Decimal(report.totals["totalTime"])
        with_breaks, without = _seconds(report)
        if with_breaks == without:
            continue
        if abs(total - with_breaks) < HALF:
            ways.add("with all of their seconds")
        elif abs(total - without) < HALF:
            ways.add("not at all")
        else:
            raise DoesNotHoldError("totalTime is neither the sum with breaks nor the sum without them.")
    if len(ways) != 1:
        raise DoesNotHoldError("Breaks count in one window and not in another.")
    return f"Breaks count {ways.pop()}."


def running_timers(found: Found) -> str:
    """Judge whether running timers are left out, or listed without an end, and counted as they are listed."""
    timers = {timer["id"] for timer in found.good("running").json}
    if not timers:
        raise NotTriedError("No timer is running. Start one and run again.")
    report = found.report("running_report")
    listed = [row for row in report.rows if row.id in timers]
    if any(row.end is not None for row in listed):
        raise DoesNotHoldError("A running timer is listed with an end.")
    if report.count != len(report.rows):
        raise DoesNotHoldError(f"The report counts {report.count} entries and lists {len(report.rows)}.")
    return "It is listed without an end, and counted." if listed else "It is neither listed nor counted."


def pages_of_1000(found: Found) -> str:
    """Judge whether a page holds up to 1,000 rows."""
    answer = found.answer("month")
    if answer.is_refusal:
        raise DoesNotHoldError(f"The page was refused: {refusal(answer)}.")
    report = answer.report
    wanted = min(PAGE, report.count or 0)
    if len(report.rows) < wanted:
        raise DoesNotHoldError(f"It holds {len(report.rows)} of {report.count} rows.")
    if wanted < PAGE:
        raise NotTriedError(
            f"The fullest month has {report.count} entries, all on one page. A month with more than 1,000 is needed; "
            "import some from CSV into a workspace for trials."
        )
    return f"It holds {len(report.rows)} of {report.count} rows."


def page_too_large(found: Found) -> str:
    """Judge how a page size above the maximum is answered."""
    answer = found.answer("too_large")
    if answer.is_refusal:
        if answer.status != 400 or _is_missing(answer.error[1]):
            raise DoesNotHoldError(f"It was refused otherwise: {refusal(answer)}.")
        return f"It is refused: {refusal(answer)}."
    return f"It is answered with {len(answer.report.rows)} rows."


def _is_missing(message: str) -> bool:
    return "doesn't belong to" in message


def empty_report(found: Found) -> str:
    """Judge the shape of a report without rows."""
    answer = found.good("empty")
    if answer.report.rows:
        raise NotTriedError("The second without entries has some.")
    totals = answer.json.get("totals")
    if totals in (None, [], [None]):
        return f"timeentries is [], totals is {totals}."
    if len(totals) == 1 and totals[0].get("entriesCount") == 0:
        return "timeentries is [], totals has zeros."
    raise DoesNotHoldError("totals says something else than zero.")


def zone_of_bounds(found: Found) -> str:
    """Judge whether bounds are read in the zone of the request."""
    month, week = found.report("month"), found.report("week")
    window = week_of(found)
    for report, asked, zone in ((month, month_of(found), "UTC"), (week, window, "another zone")):
        foreign = sum(row.start not in asked and not reaches_into(row, asked) for row in report.rows)
        if foreign:
            raise DoesNotHoldError(
                f"{foreign} of {len(report.rows)} rows start outside of the window, in {zone}."
            )
    if not shows_zone(window, month.rows):
        raise NotTriedError(
            "No entry starts where zones differ. Track some time at different hours of the day."
        )
    if week.is_complete:
        missing = _missing((row for row in month.rows if row.start in window), week.rows)
        if missing:
            raise DoesNotHoldError(
                f"{missing} entries that start in the window, in another zone, are not in the report."
            )
    return f"{len(week.rows)} rows are those of a week at +14:00, and no known one is missing."


def selected_by_start(found: Found) -> str:
    """Judge whether entries that only reach into a window are in its report."""
    window, rows = week_of(found), found.report("week").rows
    if any(reaches_into(row, window) for row in rows):
        raise DoesNotHoldError("Entries that start before the window and end in it are in the report.")
    reaching = sum(reaches_into(row, window) for row in found.known_rows())
    if not reaching:
        raise NotTriedError(
            "No entry runs over 10:00 UTC of the day on which the week begins. Track one that does."
        )
    return f"{reaching} entries that start before the window and end in it are not in the report."


def _missing(known: Iterable[Row], given: Iterable[Row]) -> int:
    """Count the finished rows that are known and were not given."""
    ids = {row.id for row in given}
    return sum(row.id not in ids and row.end is not None for row in known)


def inclusive_bounds(found: Found) -> str:
    """Judge whether entries that start exactly at a bound are in the report."""
    first, last = anchor_of(found)
    ids = {row.id for row in found.report("users_filter").rows}
    if not ids:
        raise NotTriedError("The report of one user's entries is empty, which is another matter.")
    if first.id not in ids:
        raise DoesNotHoldError("An entry that starts exactly at the start is not in the report.")
    if last.id not in ids:
        raise DoesNotHoldError(
            "An entry that starts exactly at the end is not in the report: the end is exclusive."
        )
    return "Entries that start exactly at the start and at the end are in the report."


def milliseconds(found: Found) -> str:
    """Judge whether bounds count to the millisecond."""
    rows = found.report("empty").rows
    if rows:
        raise DoesNotHoldError(
            f"{len(rows)} entries that start a millisecond before the start are in the report."
        )
    return "An entry that starts a millisecond before the start is not in the report."


def offsets(found: Found) -> str:
    """Judge whether times name the same instants in every zone of the request."""
    instants: dict[str, datetime] = {}
    both = 0
    for name, offset in (("month", timedelta(0)), ("week", OFFSET)):
        for raw in found.good(name).json["timeentries"]:
            text = raw["timeInterval"]["start"]
            moment = datetime.fromisoformat(text)
            if moment.utcoffset() != offset:
                raise DoesNotHoldError(
                    f"A time of the request {name} has the offset {moment.strftime('%z') or 'none'}."
                )
            both += raw["_id"] in instants
            if instants.setdefault(raw["_id"], moment) != moment:
                raise DoesNotHoldError("An entry starts at another instant when another zone is asked for.")
    return f"{both} entries start at the same instants in two zones."


def unrounded_durations(found: Found) -> str:
    """Judge whether durations are exact."""
    rows = [row for row in found.known_rows() if row.end is not None]
    if not rows:
        raise NotTriedError("The fullest month has no finished entry.")
    odd = sum(
        row.seconds != Decimal(str((row.end - row.start).total_seconds()))
        for row in rows
        if row.end is not None
    )
    if odd:
        raise DoesNotHoldError(f"{odd} of {len(rows)} durations are not the end minus the start.")
    minutes = sum(row.seconds % 60 != 0 for row in rows)
    return f"{len(rows)} durations are exact; {minutes} are not whole minutes."


def amount_of_a_row(found: Found) -> str:
    """Judge whether the amount of a row is time times rate."""
    rows = [row for row in found.known_rows() if row.billable and row.rate and row.amount is not None]
    if not rows:
        raise NotTriedError(
            "No entry of the fullest month is billable at a rate. Track billable time, with an admin's key."
        )
    odd = sum(abs((row.amount or 0) - row.seconds * (row.rate or 0) / 3600) > HALF for row in rows)
    if odd:
        raise DoesNotHoldError(f"{odd} of {len(rows)} amounts are not the rate times the hours.")
    parts = sum((row.amount or Decimal(0)) % 1 != 0 for row in rows)
    return f"{len(rows)} amounts are the rate times the hours; {parts} have parts of a hundredth."


def _csv_table(found: Found) -> list[dict[str, str]]:
    text = found.good("csv").body.decode("utf-8-sig", "replace")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def csv_pages(found: Found) -> str:
    """Judge where a CSV file ends."""
    answer = found.good("csv")
    if answer.body.lstrip()[:1] in (b"{", b"["):
        raise DoesNotHoldError("The answer is not a CSV file.")
    rows, size, month = len(_csv_table(found)), half(found), found.report("month")
    if rows == month.count:
        return f"It holds all {rows} rows."
    if rows == size:
        return f"It ends with the page, of {size} rows."
    raise DoesNotHoldError(f"It holds {rows} rows, for a page of {size} and {month.count} entries.")


def hundredths(found: Found) -> str:
    """Judge whether a CSV file shows a hundredth of the report's amounts."""
    return _compare_with_csv(
        found, lambda code: code not in WITHOUT_DECIMALS, "with decimals, such as EUR or USD"
    )


def hundredths_of_yen(found: Found) -> str:
    """Judge the same of currencies without decimals."""
    return _compare_with_csv(found, lambda code: code in WITHOUT_DECIMALS, "without decimals, such as JPY")


def _compare_with_csv(found: Found, chosen: Any, which: str) -> str:
    rows = found.known_rows()
    wanted = [row for row in rows if row.amount and chosen(row.currency)]
    lack = f"No entry has an amount in a currency {which}. Track billable time for a client with such a currency."
    if not wanted:
        raise NotTriedError(lack)
    table = _csv_table(found)
    if not table:
        raise NotTriedError("The CSV file has no rows.")
    names = [name for name in table[0] if name and _AMOUNT_COLUMN.search(name)]
    if not names:
        raise NotTriedError(
            "The CSV file has no column of amounts. Show it in the settings of the detailed report."
        )
    lines = list(zip(rows, table, strict=False))
    if not _are_aligned(lines):
        raise NotTriedError("Rows of the CSV file do not come in the order of the report.")
    pairs = [
        (row.amount, shown)
        for row, line in lines
        if row.amount and chosen(row.currency) and (shown := _money(line[names[0]])) and shown >= _ENOUGH
    ]
    if not pairs:
        raise NotTriedError(lack)
    factors = Counter(_factor(amount, shown) for amount, shown in pairs)
    factor, times = factors.most_common(1)[0]
    if factor != 100 or times < len(pairs) * 9 // 10:
        raise DoesNotHoldError(
            f"Amounts are {factor} times what the CSV file shows, in {times} of {len(pairs)} rows."
        )
    return f"Amounts are 100 times what the CSV file shows, in {times} of {len(pairs)} rows."


def _factor(amount: Decimal, shown: Decimal) -> int:
    """Return the power of ten between two amounts; 0 where they do not differ by one."""
    found = [
        power for power in (1, 10, 100, 1000, 10_000) if abs(amount - shown * power) <= power * HALF + HALF
    ]
    return min(found, key=lambda power: abs(amount - shown * power)) if found else 0


def _are_aligned(lines: Sequence[tuple[Row, Mapping[str, str]]]) -> bool:
    """Tell whether lines have the durations of their rows, as far as the file has decimal durations."""
    names = [name for name in lines[0][1] if name and _DURATION_COLUMN.search(name)]
    if not names:
        return True
    hours = [(row.seconds / 3600, _money(line[names[0]]) or Decimal(0)) for row, line in lines]
    return sum(abs(own - shown) <= _ROUNDED for own, shown in hours) * 10 >= len(hours) * 9


def _money(text: str) -> Decimal | None:
    """Read a number as any locale writes it: the last separator begins the decimals, unless three digits follow."""
    digits = re.sub(r"[^\d.,-]", "", text or "")
    whole, separator, decimals = re.fullmatch(r"(.*?)(?:([.,])(\d*))?", digits).groups()  # type: ignore[union-attr]
    if separator and len(decimals) == 3:
        whole, decimals = whole + decimals, ""
    try:
        return Decimal(f"{re.sub('[.,]', '', whole)}.{decimals or 0}") or None
    except InvalidOperation:
        return None


def users_filter(found: Found) -> str:
    """Judge whether the filter of users gives the rows of these users only, and all of them."""
    first, last = anchor_of(found)
    rows = found.report("users_filter").rows
    others = sum(row.user != first.user for row in rows)
    if others:
        raise DoesNotHoldError(f"{others} of {len(rows)} rows are of other users.")
    between = [
        row for row in found.known_rows() if row.user == first.user and first.start < row.start < last.start
    ]
    missing = _missing(between, rows)
    if missing or not rows:
        raise DoesNotHoldError(
            f"{missing} of {len(between)} entries of the user are not in the report of {len(rows)}."
        )
    return f"It gives {len(rows)} rows, of that user only."


def people_who_left(found: Found) -> str:
    """Judge whether the report holds entries of deactivated members."""
    gone = {
        each["userId"]
        for each in found.good("workspace").json.get("memberships") or ()
        if each.get("membershipStatus") == "INACTIVE"
    }
    if not gone:
        raise NotTriedError("No member is deactivated. Deactivate one who has tracked time.")
    window = month_of(found)
    listed = [
        entry
        for entry in found.good("user_entries").json
        if entry["userId"] in gone and entry["timeInterval"]["end"]
        if datetime.fromisoformat(entry["timeInterval"]["start"]) in window
    ]
    if not listed:
        raise NotTriedError(
            "The deactivated member has no time in the fullest month. Deactivate one who has."
        )
    known = {row.id for row in found.report("month").rows}
    there = sum(entry["id"] in known for entry in listed)
    if not there:
        raise DoesNotHoldError(f"None of {len(listed)} entries of a deactivated member is in the report.")
    return f"{there} of {len(listed)} entries of a deactivated member are in the report."


def custom_fields(found: Found) -> str:
    """Judge the shape of custom fields of a row."""
    values = [value for row in found.known_rows() for value in row.raw.get("customFields") or ()]
    if not values:
        raise NotTriedError(
            "No entry of the fullest month has a custom field. Fill one in, on a plan that has them."
        )
    odd = sum(
        not (isinstance(value, Mapping) and {"customFieldId", "value"} <= value.keys()) for value in values
    )
    if odd:
        raise DoesNotHoldError(f"{odd} of {len(values)} values lack customFieldId or value.")
    named = sum("name" in value for value in values)
    return f"{len(values)} values have customFieldId and value; {named} have their field's name."


def ids_of_creation(found: Found) -> str:
    """Judge whether an id begins with the second of its creation."""
    rows = found.feed("created")
    for row in rows:
        said = datetime.fromisoformat(row["auditMetadata"]["createdAt"])
        apart = abs(said - datetime.fromtimestamp(int(row["id"][:8], 16), said.tzinfo))
        if apart > timedelta(minutes=1):
            raise DoesNotHoldError(f"An id begins with a time {apart} away from createdAt.")
    return f"The ids of {len(rows)} rows of a feed begin with their createdAt."
