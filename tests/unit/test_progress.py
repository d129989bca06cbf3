# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import pytest

from airflow_provider_clockify.reading.progress import EVERY, Progress


class Clock:
    now = 50.0

    def __call__(self) -> float:
        return self.now


def test_a_short_read_says_nothing():
    said: list[str] = []
    clock = Clock()
    progress = Progress("November", 3, 3000, say=said.append, clock=clock)
    for page in range(1, 4):
        clock.now += EVERY / 4
        progress.at(page, page * 1000)
    assert said == []


@pytest.mark.parametrize(
    ("rows", "left"),
    [(10_000, "about 45 s"), (2_000, "about 4 min"), (100, "about 83 min"), (50, "about 2.8 h")],
)
def test_a_long_read_says_where_it_is_how_fast_and_how_long(rows, left):
    said: list[str] = []
    clock = Clock()
    progress = Progress("November", 100, 100_000, say=said.append, clock=clock)
    clock.now += EVERY
    progress.at(rows // 1000, rows)
    (line,) = said
    assert line.startswith(
        f"November: page {rows // 1000} of 100, {rows:,} of 100,000 rows, {rows / EVERY:,.0f} rows/s"
    )
    assert left in line


def test_it_speaks_once_in_a_while_and_not_for_every_page():
    said: list[str] = []
    clock = Clock()
    progress = Progress("November", 1000, 1_000_000, say=said.append, clock=clock)
    for page in range(1, 1001):
        clock.now += 0.1
        progress.at(page, page * 1000)
    assert 100 / EVERY - 2 <= len(said) <= 100 / EVERY


def test_more_rows_than_there_were_at_first_leave_nothing_to_go():
    said: list[str] = []
    clock = Clock()
    progress = Progress("November", 1, 10, say=said.append, clock=clock)
    clock.now += EVERY
    progress.at(2, 20)
    assert "about 0 s to go" in said[0]
