# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The summary of an export, for XCom."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.service.money import in_units, text_in_units
from airflow_provider_clockify.window import zone_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_clockify.export.storage import HashingFile
    from airflow_provider_clockify.reading.reader import ReadResult
    from airflow_provider_clockify.types import ExportSummary, ExportTotals
    from airflow_provider_clockify.window import Window

log = logging.getLogger(__name__)

# Files whose hashes the summary has one by one: with more, it would grow too large for XCom.
MAX_HASHES = 100


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """
    A file that an export published.

    :param path: Its final path or URL.
    :param rows: Rows in it.
    :param bytes: Its size.
    :param sha256: Its hash.
    :param window: Time that it covers; ``None`` for a snapshot that is not a partition.
    :param is_partition: Whether it is the whole of a partition.
    """

    path: str
    rows: int
    bytes: int
    sha256: str
    window: Window | None = None
    is_partition: bool = False


@dataclass(slots=True)
class ExportResult:
    """
    What an export read and published.

    :param window: Time they cover; ``None`` for a snapshot.
    :param report: Name of the report.
    :param workspace_id: Workspace.
    :param requests: Requests spent, retries and those of interrupted attempts included.
    :param requests_before: Those of interrupted attempts that this one goes on after.
    :param format: File format.
    :param output_path: Where it went: the file, or the folder with the partitions.
    :param files: Published files, in the order of time.
    :param seconds: Duration of all rows, in seconds.
    :param money: Amounts per currency, as the service gives them.
    :param running: Timers that ran when the window was read; not among the rows.
    :param snapshot_at: When a list was read, UTC.
    :param deleted: Ids in the tombstones, where some were asked for.
    :param users: Ids of a few users whose rows were read.
    :param money_hidden: Whether the service showed no amounts although there were rows.
    :param rounded: By how much amounts differ from the service's sums, per currency, through rounding.
    :param warnings: What people should know of it.
    """

    window: Window | None
    report: str
    workspace_id: str
    format: str
    output_path: str
    files: list[PublishedFile] = field(default_factory=list)
    requests: int = 0
    requests_before: int = 0
    seconds: Decimal = Decimal(0)
    money: dict[str, Decimal] = field(default_factory=dict)
    running: int = 0
    snapshot_at: str | None = None
    deleted: int | None = None
    users: set[str] = field(default_factory=set)
    money_hidden: bool = False
    rounded: dict[str, Decimal] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        """Paths of the published files."""
        return [file.path for file in self.files]

    @property
    def rows(self) -> int:
        """Rows in them."""
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        """Their size."""
        return sum(file.bytes for file in self.files)

    @property
    def sha256(self) -> dict[str, str]:
        """
        Hash of each file by path; of more than :data:`MAX_HASHES` files, one hash by ``output_path``.

        That one is the hash of the lines which ``sha256sum`` prints for the files, in their order.
        """
        if len(self.files) <= MAX_HASHES:
            return {file.path: file.sha256 for file in self.files}
        lines = "".join(f"{file.sha256}  {file.path}\n" for file in self.files)
        return {self.output_path: hashlib.sha256(lines.encode()).hexdigest()}

    def add(self, read: ReadResult) -> None:
        """Count a chunk in."""
        self.seconds += read.seconds
        self.running += read.running
        self.users |= read.users
        self.money_hidden = self.money_hidden or read.money_hidden
        for currency, amount in read.money.items():
            self.money[currency] = self.money.get(currency, Decimal(0)) + amount
        for currency, amount in read.rounded.items():
            self.rounded[currency] = self.rounded.get(currency, Decimal(0)) + amount

    def published(
        self, path: str, file: HashingFile, *, rows: int, window: Window | None, is_partition: bool = False
    ) -> None:
        """Count a published file in."""
        self.files.append(PublishedFile(path, rows, file.size, file.sha256(), window, is_partition))
        log.debug("Published %s: %d rows, %d bytes, SHA-256 %s.", path, rows, file.size, file.sha256())

    def check_sight(self, filters: Mapping[str, Any]) -> None:
        """
        Warn of sums that differ by rounding, and of what the answers tell of a key that may not see everything.

        The service leaves out what a key may not see, without an error.

        :param filters: Filters of the report; what they leave out is no surprise.
        """
        found = self.warnings
        if self.rounded:
            differences = ", ".join(
                f"{in_units(amount):+f} {currency}" for currency, amount in sorted(self.rounded.items())
            )
            found.append(
                f"The amounts of the rows and the service's own sums differ by {differences}: no more than "
                "half a hundredth per row, as rounding does. Count and time agree, so that no row is missing."
            )
        narrowed = {"users", "userGroups"} & set(filters)
        if len(self.users) == 1 and not narrowed:
            found.append(
                f"All rows are of one user ({next(iter(self.users))}). If others track time in this workspace, the key "
                "sees only its owner's: use the key of an owner or admin; require_admin=True refuses any other."
            )
        if self.money_hidden and filters.get("amountShown") != "HIDE_AMOUNT":
            found.append(
                "The service shows no amounts to this key: money is missing from the rows. Use the key of an owner or "
                'admin, or set filters={"amountShown": "HIDE_AMOUNT"} if it is not wanted.'
            )
        if not self.rows and narrowed:
            found.append(
                f"No rows with filters {sorted(narrowed)}. The service is known to answer empty where this filter "
                "fails: compare with an export without it."
            )

    def summary(self) -> str:
        """Say in a sentence what was published."""
        what = f"{self.rows:,} rows of {self.report}" + (f" {self.window}" if self.window else "")
        where = self.paths[0] if len(self.paths) == 1 else f"{len(self.paths)} files"
        running = f" Running timers left out: {self.running}." if self.running else ""
        return f"Exported {what} to {where}, {self.bytes:,} bytes.{running}"

    @property
    def totals(self) -> ExportTotals:
        """Sums of all rows, JSON values; money in units of the currency, as text, so that no digit is lost."""
        return {
            "seconds": int(self.seconds) if self.seconds == int(self.seconds) else float(self.seconds),
            "amounts": {currency: text_in_units(amount) for currency, amount in sorted(self.money.items())},
            "running_timers": self.running,
        }

    def to_xcom(self) -> ExportSummary:
        """Return the summary as JSON values."""
        summary: ExportSummary = {
            "paths": self.paths,
            "rows": self.rows,
            "bytes": self.bytes,
            "sha256": self.sha256,
            "window_start": self.window.start_iso if self.window else None,
            "window_end": self.window.end_iso if self.window else None,
            "timezone": zone_name(self.window.zone) if self.window else None,
            "report": self.report,
            "workspace_id": self.workspace_id,
            "requests": self.requests,
            "format": self.format,
            "totals": self.totals,
        }
        if self.snapshot_at is not None:
            summary["snapshot_at"] = self.snapshot_at
        if self.deleted is not None:
            summary["deleted"] = self.deleted
        return summary
