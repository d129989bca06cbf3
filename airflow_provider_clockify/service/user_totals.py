# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""One user's time and money, chosen from a summary of all users (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.service.money import currency_of, sums_of

if TYPE_CHECKING:
    from collections.abc import Mapping

Item = dict[str, Any]


def user_totals(summary: Mapping[str, Any], user_id: str) -> Item:
    """
    Choose a user's group of a summary by user and project.

    :param summary: The answer to ``generateSummaryReport`` with the groups USER and PROJECT.
    :param user_id: User; nothing is found of one who has no time there.
    :return: As the hook's ``get_user_totals``.
    """
    group: Item = next((each for each in summary["groupOne"] if each.get("_id") == user_id), {})
    projects = [{"id": child.get("_id"), **_totals(child)} for child in group.get("children") or ()]
    return {"user_id": user_id, **_totals(group), "projects": projects}


def _totals(group: Item) -> Item:
    currency = currency_of(group)
    return {
        "name": group.get("name"),
        "seconds": group.get("duration") or 0,
        # Sums over several currencies mean nothing.
        "amount": group.get("amount") if currency else None,
        "currency": currency,
        "amounts": {code: float(amount) for code, amount in sums_of(group, "EARNED").items()},
    }
