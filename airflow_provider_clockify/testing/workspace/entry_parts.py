# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""See rates and custom field values of time entries as things of their own, as the change feeds do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

from airflow_provider_clockify.testing.workspace.kinds import Audit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from airflow_provider_clockify.testing.workspace.kinds import TimeEntry


@dataclass(slots=True, kw_only=True)
class EntryRate(Audit):
    """The rates of one time entry, in minor units per hour."""

    id: str
    entry_id: str
    user_id: str
    hourly_rate: int
    cost_rate: int
    currency: str


@dataclass(slots=True, kw_only=True)
class FieldValue(Audit):
    """The value that one time entry has in one custom field."""

    id: str
    entry_id: str
    user_id: str
    field_id: str
    value: Any


class PartChanges:
    """
    Remember which parts changed after their entries were created.

    Parts are made when somebody asks for them, since most entries are never changed and never asked for.
    """

    def __init__(self) -> None:
        self._audits: dict[str, tuple[int, int]] = {}

    def rates(self, entries: Iterable[TimeEntry]) -> Mapping[str, EntryRate]:
        """Return the rates of entries by their ids."""
        return {rate.id: rate for entry in entries for rate in self._rates(entry)}

    def values(self, entries: Iterable[TimeEntry]) -> Mapping[str, FieldValue]:
        """Return the custom field values of entries by their ids."""
        return {value.id: value for entry in entries for value in self._values(entry)}

    def note(self, old: TimeEntry, new: TimeEntry, instant: int) -> list[FieldValue]:
        """Take notice of an edit at an instant (epoch seconds), and return the values that it removed."""
        if (old.hourly_rate, old.cost_rate) != (new.hourly_rate, new.cost_rate):
            for rate in self._rates(old):
                self._audits[rate.id] = (rate.created_at, instant)
        if old.custom_values == new.custom_values:
            return []
        before, after = dict(old.custom_values), dict(new.custom_values)
        removed = [value for value in self._values(old) if value.field_id not in after]
        for value in self._values(new):
            known = before.get(value.field_id)
            if value.field_id not in before:
                self._audits[value.id] = (instant, instant)
            elif known != value.value:
                self._audits[value.id] = (value.created_at, instant)
        return removed

    def _rates(self, entry: TimeEntry) -> Iterator[EntryRate]:
        part_id = _part_id(entry, "rate")
        created, updated = self._audits.get(part_id, (entry.created_at, entry.created_at))
        yield EntryRate(
            id=part_id,
            entry_id=entry.id,
            user_id=entry.user_id,
            hourly_rate=entry.hourly_rate,
            cost_rate=entry.cost_rate,
            currency=entry.currency,
            created_at=created,
            updated_at=updated,
        )

    def _values(self, entry: TimeEntry) -> Iterator[FieldValue]:
        for field_id, value in entry.custom_values:
            part_id = _part_id(entry, field_id)
            created, updated = self._audits.get(part_id, (entry.created_at, entry.created_at))
            yield FieldValue(
                id=part_id,
                entry_id=entry.id,
                user_id=entry.user_id,
                field_id=field_id,
                value=value,
                created_at=created,
                updated_at=updated,
            )


def _part_id(entry: TimeEntry, name: str) -> str:
    # Time and counter of the entry's own id make it unique; the middle tells its parts apart.
    return f"{entry.id[:8]}{crc32(name.encode()):08x}{entry.id[16:]}"
