# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Rows on their way into data files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_clockify.tables.iceberg.iceberg_files import gathered

pa = pytest.importorskip("pyarrow")


@given(st.lists(st.integers(0, 25), max_size=8), st.integers(1, 12), st.booleans())
def test_files_are_full_but_for_the_last_and_keep_the_order(
    sizes: list[int], rows: int, is_batch: bool
) -> None:
    numbers = iter(range(1000))
    tables = [pa.table({"n": pa.array([next(numbers) for _ in range(size)], pa.int64())}) for size in sizes]
    given_tables = (
        [each.combine_chunks().to_batches()[0] for each in tables if each.num_rows] if is_batch else tables
    )
    found = list(gathered(given_tables, rows))
    assert [each.num_rows for each in found[:-1]] == [rows] * (len(found) - 1)
    assert all(0 < each.num_rows <= rows for each in found)
    assert [n for each in found for n in each["n"].to_pylist()] == list(range(sum(sizes)))
