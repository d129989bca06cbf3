# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Kills of real exports to an S3 server that is a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

HARNESS = Path(__file__).parent.parent / "kills" / "harness.py"


def test_killed_exports_to_s3_leave_no_wrong_object_and_the_next_run_makes_good():
    command = [
        sys.executable,
        HARNESS,
        "--s3",
        "--kills",
        "20",
        "--pairs",
        "4",
        "--entries",
        "1500",
        "--json",
    ]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.stdout.strip(), ended.stderr
    summary = json.loads(ended.stdout.splitlines()[-1])
    assert summary["wrong"] == [], summary
    assert ended.returncode == 0, ended.stderr
    assert summary["kills"] == 20
    assert summary["reruns"] == summary["identical"] >= 20
    assert summary["pairs"] == 4
    print({name: value for name, value in summary.items() if name != "wrong"})
