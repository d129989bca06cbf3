# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Run the emulator from the command line: ``python -m airflow_provider_clockify.testing``."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_clockify import __version__
from airflow_provider_clockify.testing.exchange import OVERSIZE, EntityFeeds
from airflow_provider_clockify.testing.limits import RETRY_AFTER_FORMS
from airflow_provider_clockify.testing.server import ClockifyEmulator
from airflow_provider_clockify.testing.switches import SWITCHES
from airflow_provider_clockify.testing.workspace.data import PLANS
from airflow_provider_clockify.testing.workspace.generate import (
    DEFAULT_WORKSPACE_ID,
    generate_workspace,
    recent_window,
)
from airflow_provider_clockify.testing.workspace.generate_business import Sizes

if TYPE_CHECKING:
    from collections.abc import Sequence


def _moment(text: str) -> datetime:
    """Read a date or a date and time; UTC unless it has an offset."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _size(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if name not in Sizes.__slots__:
        raise ValueError(f"unknown size {name!r}")
    return name, int(number)


def _fields(text: str) -> dict[str, Any]:
    return msgspec.json.decode(text, type=dict[str, Any])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_clockify.testing",
        description="Serve a generated Clockify workspace on this machine.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8088, help="0 picks a free one")
    parser.add_argument("--entries", type=int, default=1000, help="finished time entries of the window")
    parser.add_argument("--users", type=int, default=5)
    parser.add_argument("--projects", type=int, default=8)
    parser.add_argument("--running-timers", type=int, help="2, or 1 if there is but one user")
    parser.add_argument(
        "--start",
        type=_moment,
        help="start of the window, UTC; without it and --end these are the last thirty days and today until now, "
        "without one of them thirty days from the other",
    )
    parser.add_argument("--end", type=_moment, help="end of the window, UTC, exclusive")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--owner-time-zone", default="Europe/Belgrade", help="profile zone of the key's owner"
    )
    parser.add_argument("--workspace-id", default=DEFAULT_WORKSPACE_ID)
    parser.add_argument("--plan", choices=PLANS, default="PRO")
    parser.add_argument(
        "--size",
        type=_size,
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help=f"how many of {', '.join(sorted(Sizes.__slots__))} to generate; may be repeated",
    )
    parser.add_argument("--now", type=_moment, help="what the services take for now; the clock by default")
    parser.add_argument("--entities-shape", choices=("array", "envelope", "json_string"), default="array")
    parser.add_argument("--entities-page-base", type=int, choices=(0, 1), default=0)
    parser.add_argument(
        "--entities-type-key", choices=("documentType", "documentCode"), default="documentType"
    )
    parser.add_argument(
        "--deletion-delay", type=float, default=60.0, help="seconds until the change feeds show a deletion"
    )
    parser.add_argument(
        "--extra-fields", type=_fields, metavar="JSON", help="unknown fields for every object in a list"
    )
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that each answer takes longer")
    parser.add_argument(
        "--requests-per-second", type=float, default=50.0, help="limit of the workspace, 0 is none"
    )
    parser.add_argument(
        "--free-requests-per-hour", type=int, default=30, help="limit on the Free plan, 0 is none"
    )
    parser.add_argument(
        "--retry-after",
        choices=[form for form in RETRY_AFTER_FORMS if form],
        help="form of that header in a 429; absent by default",
    )
    parser.add_argument("--compress", action="store_true", help="gzip answers when the client accepts it")
    parser.add_argument("--detailed-max-page-size", type=int, default=1000)
    parser.add_argument("--max-page-size", type=int, help="of every list, report, feed and file with pages")
    parser.add_argument("--oversize", choices=OVERSIZE, default="refuse", help="what happens to larger pages")
    parser.add_argument("--report-running", action="store_true", help="show running timers in reports")
    parser.add_argument("--weekly-refusal-status", type=int, choices=(400, 200), default=400)
    parser.add_argument(
        "--summary-levels",
        type=int,
        choices=(1, 2, 3),
        default=3,
        help="levels of groups that a summary has at most",
    )
    parser.add_argument("--whole-files", action="store_true", help="no pages in CSV and XLSX")
    parser.add_argument("--no-report-last-page-header", action="store_true", help="of reports")
    parser.add_argument("--no-last-page-header", action="store_true", help="of lists")
    parser.add_argument(
        "--tls", action="store_true", help="HTTPS; the line at the start has the file to trust"
    )
    parser.add_argument(
        "--switch",
        choices=sorted(SWITCHES),
        action="append",
        default=[],
        metavar="NAME",
        help="an assumption of docs/conformance.md, by its name, that does not hold here; may be repeated",
    )
    return parser


def _window(options: argparse.Namespace) -> tuple[datetime, datetime, datetime | None]:
    """Return start and end of the data, and now, if they shall not reach beyond it."""
    span = timedelta(days=30)
    if options.start or options.end:
        return options.start or options.end - span, options.end or options.start + span, None
    start, end = recent_window(options.now or datetime.now(UTC))
    return start, end, end


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; print one line that says where and with which key."""
    options = _parser().parse_args(arguments)
    start, end, now = _window(options)
    workspace = generate_workspace(
        users=options.users,
        projects=options.projects,
        entries=options.entries,
        start=start,
        end=end,
        now=now,
        seed=options.seed,
        owner_time_zone=options.owner_time_zone,
        plan=options.plan,
        workspace_id=options.workspace_id,
        running_timers=options.running_timers,
        **dict(options.size),
    )
    emulator = ClockifyEmulator(
        workspace,
        host=options.host,
        port=options.port,
        now=options.now,
        extra_fields=options.extra_fields,
        entities=EntityFeeds(
            shape=options.entities_shape,
            page_base=options.entities_page_base,
            type_key=options.entities_type_key,
            deletion_delay=options.deletion_delay,
        ),
        latency=options.latency,
        requests_per_second=options.requests_per_second or None,
        free_requests_per_hour=options.free_requests_per_hour or None,
        retry_after=options.retry_after,
        compress=options.compress,
        detailed_max_page_size=options.detailed_max_page_size,
        max_page_size=options.max_page_size,
        oversize=options.oversize,
        report_running=options.report_running,
        weekly_refusal_status=options.weekly_refusal_status,
        summary_levels=options.summary_levels,
        csv_paged=not options.whole_files,
        report_last_page_header=not options.no_report_last_page_header,
        last_page_header=not options.no_last_page_header,
        switches=options.switch,
        tls=options.tls,
    )
    finish = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: finish.set())
    with emulator:
        trust = f"ca_file={emulator.ca_file} " if emulator.ca_file else ""
        sys.stdout.write(
            f"url={emulator.url} key={emulator.api_key} workspace_id={workspace.id} {trust}"
            f"connection={emulator.connection_json()}\n"
        )
        sys.stdout.flush()
        finish.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
