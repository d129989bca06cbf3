# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""A few kills of real exports; ``make kills`` does two hundred."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

HARNESS = Path(__file__).parent / "harness.py"


def test_killed_exports_leave_no_wrong_file_and_the_next_run_makes_good():
    command = [sys.executable, HARNESS, "--kills", "8", "--pairs", "2", "--entries", "1500", "--json"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.stdout.strip(), ended.stderr
    summary = json.loads(ended.stdout.splitlines()[-1])
    assert summary["wrong"] == [], summary
    assert ended.returncode == 0, ended.stderr
    assert summary["kills"] == 8
    assert summary["reruns"] == summary["identical"] >= 8
    assert summary["pairs"] == 2
