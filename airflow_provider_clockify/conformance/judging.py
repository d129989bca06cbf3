# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""From answers to verdicts (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from airflow_provider_clockify.conformance import group_checks, list_checks, report_checks
from airflow_provider_clockify.conformance.answers import DoesNotHoldError, Found, NotTriedError
from airflow_provider_clockify.exceptions import ClockifyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from airflow_provider_clockify.conformance.assumptions import Assumption

Outcome = Literal["holds", "does not hold", "could not be tried"]

CHECKS: Mapping[str, Callable[[Found], str]] = {
    "sorted-by-id": report_checks.sorted_by_id,
    "stable-pages": report_checks.stable_pages,
    "entries-count": report_checks.entries_count,
    "total-time": report_checks.total_time,
    "total-amounts": report_checks.total_amounts,
    "breaks": report_checks.breaks,
    "running-timers": report_checks.running_timers,
    "pages-of-1000": report_checks.pages_of_1000,
    "page-too-large": report_checks.page_too_large,
    "empty-report": report_checks.empty_report,
    "zone-of-bounds": report_checks.zone_of_bounds,
    "zone-of-groups": group_checks.zone_of_groups,
    "inclusive-bounds": report_checks.inclusive_bounds,
    "milliseconds": report_checks.milliseconds,
    "offsets": report_checks.offsets,
    "unrounded-durations": report_checks.unrounded_durations,
    "amount-of-a-row": report_checks.amount_of_a_row,
    "hundredths": report_checks.hundredths,
    "hundredths-of-yen": report_checks.hundredths_of_yen,
    "users-filter": report_checks.users_filter,
    "people-who-left": report_checks.people_who_left,
    "custom-fields": report_checks.custom_fields,
    "all-users": list_checks.all_users,
    "lists-by-id": list_checks.lists_by_id,
    "last-page": list_checks.last_page,
    "pages-of-5000": list_checks.pages_of_5000,
    "hydrated": list_checks.hydrated,
    "entries-of-a-user": list_checks.entries_of_a_user,
    "summary-by-user": group_checks.summary_by_user,
    "mixed-currencies": group_checks.mixed_currencies,
    "weekly": group_checks.weekly,
    "attendance-seconds": group_checks.attendance_seconds,
    "expense-hundredths": group_checks.expense_hundredths,
    "expense-totals": group_checks.expense_totals,
    "csv-pages": report_checks.csv_pages,
    "feed-pages": list_checks.feed_pages,
    "feed-bounds": list_checks.feed_bounds,
    "deleted-rows": list_checks.deleted_rows,
    "missing-project": list_checks.missing_project,
    "foreign-workspace": list_checks.foreign_workspace,
    "long-ranges": group_checks.long_ranges,
    "hosts": list_checks.hosts,
    "too-many-requests": list_checks.too_many_requests,
    "ids-of-creation": report_checks.ids_of_creation,
    "rates-of-lists": list_checks.rates_of_lists,
    "selected-by-start": report_checks.selected_by_start,
}

# What a judgement raises where an answer has a shape that nobody has seen.
SHAPE = (
    AttributeError,
    ClockifyError,
    LookupError,
    TypeError,
    ValueError,
    ArithmeticError,
    msgspec.DecodeError,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What became of one assumption.

    :param assumption: The assumption.
    :param outcome: Whether it holds.
    :param evidence: What was seen, or why nothing was; without names, texts and amounts.
    """

    assumption: Assumption
    outcome: Outcome
    evidence: str

    def shown(self) -> dict[str, str | int]:
        """Return it as JSON values."""
        return {
            "number": self.assumption.number,
            "name": self.assumption.name,
            "claim": self.assumption.claim,
            "standing": self.assumption.standing,
            "outcome": self.outcome,
            "evidence": self.evidence,
            "otherwise": self.assumption.otherwise,
        }


def judge(found: Found, assumptions: Iterable[Assumption]) -> list[Verdict]:
    """
    Judge assumptions from the answers that there are.

    :param found: All that is known.
    :param assumptions: Which.
    """
    return [Verdict(assumption, *_judged(found, assumption)) for assumption in assumptions]


def _judged(found: Found, assumption: Assumption) -> tuple[Outcome, str]:
    try:
        return "holds", CHECKS[assumption.name](found)
    except DoesNotHoldError as error:
        return "does not hold", str(error)
    except NotTriedError as error:
        return "could not be tried", str(error)
    except SHAPE as error:
        # Its text may quote the answer.
        return "does not hold", f"An answer has a shape that is not known ({type(error).__name__})."
