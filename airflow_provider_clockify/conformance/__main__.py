# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Settle with a real account what this package assumes about the service.

``python -m airflow_provider_clockify.conformance``: at most 25 requests, all of them reads; see docs/conformance.md.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_clockify import __version__
from airflow_provider_clockify.conformance.answers import Found, NotTriedError
from airflow_provider_clockify.conformance.assumptions import ASSUMPTIONS, BY_NUMBER, Assumption
from airflow_provider_clockify.conformance.judging import Verdict, judge
from airflow_provider_clockify.conformance.recording import read_recording, write_recording
from airflow_provider_clockify.conformance.replay import read_all
from airflow_provider_clockify.conformance.running import run
from airflow_provider_clockify.connection import DEFAULT_CONN_ID, ClockifySettings
from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_clockify.conformance.replay import ReplayedRead

ALL_HOLD, SOMETHING_DOES_NOT, COULD_NOT_RUN = 0, 1, 2

_EPILOG = """
environment variables for --key-from-env:
  CLOCKIFY_API_KEY       the key
  CLOCKIFY_REGION        global (default), euc1, use2, euw2, apse2, developer
  CLOCKIFY_WORKSPACE_ID  the workspace; without it, the key's active one
  CLOCKIFY_BASE_URL      base URL instead of Clockify's hosts, for an emulator or a proxy

exit status: 0 if nothing was found that does not hold, 1 if something does not, 2 if it could not run.
"""


def _numbers(text: str) -> list[Assumption]:
    try:
        return [BY_NUMBER[int(number)] for number in text.split(",")]
    except (KeyError, ValueError):
        raise argparse.ArgumentTypeError(
            f"{text!r} has a number that no assumption has; use some of 1 to {len(ASSUMPTIONS)}, for example 3,7"
        ) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_clockify.conformance",
        description="Settle with a real account what this package assumes about Clockify. Sends at most 25 requests, "
        "all of them reads.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--conn-id", default=DEFAULT_CONN_ID, help=f"Airflow connection (default: {DEFAULT_CONN_ID})"
    )
    source.add_argument(
        "--key-from-env",
        action="store_true",
        help="take the key from the environment, without Airflow's database",
    )
    source.add_argument(
        "--replay", type=Path, metavar="DIR", help="judge a recording and read it, without network"
    )
    parser.add_argument(
        "--record", type=Path, metavar="DIR", help="write an anonymous recording into a new folder"
    )
    parser.add_argument(
        "--only", type=_numbers, default=list(ASSUMPTIONS), metavar="3,7", help="only these assumptions"
    )
    parser.add_argument("--json", action="store_true", help="print verdicts as JSON")
    return parser


def settings_of(options: argparse.Namespace) -> ClockifySettings:
    """
    Return the connection that the command line names.

    :param options: What the parser found.
    :raises ClockifyConfigError: there is none, or it is wrong.
    """
    if not options.key_from_env:
        # Airflow takes seconds to import, and is not needed otherwise.
        from airflow_provider_clockify.hooks.clockify import ClockifyHook

        return ClockifyHook(options.conn_id).settings
    key = os.environ.get("CLOCKIFY_API_KEY")
    if not key:
        raise ClockifyConfigError(
            "CLOCKIFY_API_KEY is not set; export the key, or name a connection with --conn-id."
        )
    names = {"region": "CLOCKIFY_REGION", "workspace_id": "CLOCKIFY_WORKSPACE_ID"}
    return ClockifySettings.from_fields(
        "environment",
        password=key,
        host=os.environ.get("CLOCKIFY_BASE_URL"),
        extra={field: os.environ[name] for field, name in names.items() if os.environ.get(name)},
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command.

    :param arguments: Of the command line; by default those of the process.
    :return: Exit status.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.record is not None and options.replay is not None:
        parser.error("--record needs a connection; a recording need not be recorded again")
    try:
        if options.replay is not None:
            return _replay(options)
        if options.record is not None and options.record.exists() and any(options.record.iterdir()):
            raise ClockifyConfigError(f"--record {options.record}: the folder is not empty; name a new one.")
        found = run(settings_of(options), options.only, now=datetime.now(UTC), say=_say)
        verdicts = judge(found, options.only)
        if options.record is not None:
            write_recording(options.record, found, verdicts)
            _say(f"The recording is in {options.record}. Look through it before you give it away.")
    except (ClockifyError, NotTriedError, OSError) as error:
        _say(f"Could not run: {error}")
        return COULD_NOT_RUN
    status = _show(options, verdicts, found, [])
    return status if found.answers or status == SOMETHING_DOES_NOT else COULD_NOT_RUN


def _replay(options: argparse.Namespace) -> int:
    found = read_recording(options.replay)
    return _show(options, judge(found, options.only), found, read_all(found))


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _show(
    options: argparse.Namespace, verdicts: Sequence[Verdict], found: Found, reads: Sequence[ReplayedRead]
) -> int:
    text = as_json(verdicts, found, reads) if options.json else as_text(verdicts, found, reads)
    sys.stdout.write(f"{text}\n")
    odd = any(verdict.outcome == "does not hold" for verdict in verdicts) or any(
        not read.is_good for read in reads
    )
    return SOMETHING_DOES_NOT if odd else ALL_HOLD


def as_text(verdicts: Sequence[Verdict], found: Found, reads: Sequence[ReplayedRead]) -> str:
    """
    Return one line per assumption and per read of a recording, and the counts.

    :param verdicts: What became of the assumptions.
    :param found: What they were judged from.
    :param reads: Reads of a recording.
    """
    lines = []
    for each in verdicts:
        line = f"{each.assumption.number:2}  {each.outcome:18}  {each.assumption.claim} [{each.evidence}]"
        lines.append(line if each.outcome == "holds" else f"{line} Otherwise: {each.assumption.otherwise}")
    lines += [f"    {'read' if each.is_good else 'refused':18}  {each.name}: {each.what}" for each in reads]
    counts = Counter(each.outcome for each in verdicts)
    told = ", ".join(
        f"{counts[outcome]} {outcome}" for outcome in ("holds", "does not hold", "could not be tried")
    )
    return "\n".join([*lines, "", f"{told}; {len(found.answers)} answers."])


def as_json(verdicts: Sequence[Verdict], found: Found, reads: Sequence[ReplayedRead]) -> str:
    """
    Return the same as JSON.

    :param verdicts: What became of the assumptions.
    :param found: What they were judged from.
    :param reads: Reads of a recording.
    """
    shown: dict[str, Any] = {
        "version": __version__,
        "answers": len(found.answers),
        "assumptions": [each.shown() for each in verdicts],
        "reads": [{"name": each.name, "good": each.is_good, "what": each.what} for each in reads],
    }
    return msgspec.json.format(msgspec.json.encode(shown)).decode()


if __name__ == "__main__":
    sys.exit(main())
