# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""A month in Parquet, added up, multiplied and divided by what people read it with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator
from airflow_provider_clockify.testing import EmulatedWorkspace, generate_workspace

NOVEMBER = {"start": "2026-11-01T00:00:00Z", "end": "2026-12-01T00:00:00Z"}
RATE = Decimal("1.083456")
CENT, MILLIONTH = Decimal("1e-8"), Decimal("1e-6")

# Only the newest Airflow's environment has them: constraints of older ones hold pandas back.
pa = pytest.importorskip("pyarrow")


def rounded(exact: Fraction, step: Decimal) -> Decimal:
    """Half to even, as Python rounds fractions."""
    return (round(exact / Fraction(step)) * step).quantize(step, ROUND_HALF_EVEN)


@dataclass(frozen=True)
class Month:
    """
    The truth of a month.

    :param path: Its file.
    :param amounts: Earned money by currency and entry, as the column holds it.
    :param hours: Hours of all entries, as the column holds them.
    :param costs: What they cost, exactly.
    """

    path: Path
    amounts: Mapping[str, Mapping[str, Decimal]]
    hours: Decimal
    costs: Fraction

    @property
    def sums(self) -> dict[str, Decimal]:
        return {code: sum(of.values(), Decimal(0)) for code, of in self.amounts.items()}

    @property
    def each(self) -> dict[str, Decimal]:
        return {key: amount for of in self.amounts.values() for key, amount in of.items()}


@pytest.fixture(scope="module")
def workspace() -> EmulatedWorkspace:
    return generate_workspace(entries=900, users=12, projects=9)


@pytest.fixture
def month(workspace, start_emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Month:
    emulator = start_emulator(workspace)
    connection = emulator.connection_json(requests_per_second=1000, max_retries=0)
    monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_DEFAULT", connection)
    path = tmp_path / "month.parquet"
    task = ClockifyDetailedReportOperator(
        task_id="t", output_path=str(path), file_format="parquet", **NOVEMBER
    )
    result = task.execute({})
    amounts: dict[str, dict[str, Decimal]] = {}
    exact: dict[str, Fraction] = {}
    hours, costs = Decimal(0), Fraction(0)
    for key in workspace.truth_ids(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)):
        entry = workspace.entries[key]
        earned = Fraction(entry.seconds * entry.hourly_rate * entry.billable, 360_000)
        amounts.setdefault(entry.currency, {})[key] = rounded(earned, CENT)
        exact[entry.currency] = exact.get(entry.currency, Fraction(0)) + earned
        hours += rounded(Fraction(entry.seconds, 3600), MILLIONTH)
        costs += Fraction(entry.seconds * entry.cost_rate, 360_000)
    assert len(amounts) > 1
    assert len({amount for of in amounts.values() for amount in of.values()}) > 100
    # The totals add up what was sent, in double precision, and not what was rounded.
    found = result["totals"]["amounts"]
    assert {code: float(text) for code, text in found.items()} == pytest.approx(
        {code: float(amount) for code, amount in exact.items() if amount}, rel=1e-12
    )
    return Month(path, amounts, hours, costs)


def check_sums(month: Month, sums: Iterable[tuple[str, Any]], hours: Any) -> None:
    assert {code: exactly(amount) for code, amount in sums} == month.sums
    assert exactly(hours) == month.hours


def check_each(
    month: Month, found: Iterable[tuple[str, Any]], of: Callable[[Decimal], Decimal | Fraction]
) -> None:
    """What is made of each amount is right to the last digit of the column, whatever the library rounds to."""
    values = dict(found)
    assert values.keys() == month.each.keys()
    for key, amount in month.each.items():
        off = abs(Fraction(str(values[key])) - Fraction(of(amount)))
        assert off <= Fraction(CENT) / 2, (key, values[key], amount)


def check_costs(month: Month, worth: Any) -> None:
    """Hours times rates: hours have six digits, so that each row may be off by half a millionth of its rate."""
    assert month.costs > 1000
    assert abs(Fraction(exactly(worth)) - month.costs) < Fraction(MILLIONTH) / 2 * 100 * len(month.each)


def exactly(number: Any) -> Decimal:
    assert isinstance(number, Decimal), f"{number!r} is no decimal"
    return number


def times_rate(amount: Decimal) -> Fraction:
    return Fraction(amount) * Fraction(RATE)


def by_100(amount: Decimal) -> Fraction:
    return Fraction(amount) / 100


@pytest.mark.parametrize("backend", [None, "numpy_nullable", "pyarrow"])
def test_pandas(month, backend):
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_parquet(month.path, **({} if backend is None else {"dtype_backend": backend}))
    check_sums(month, frame.groupby("currency")["amount"].sum().items(), frame["duration_hours"].sum())
    check_each(month, zip(frame["id"], frame["amount"] * RATE, strict=True), times_rate)
    check_each(month, zip(frame["id"], frame["amount"] / 100, strict=True), by_100)
    check_costs(month, (frame["duration_hours"] * frame["cost_rate"]).sum())


def test_polars(month):
    polars = pytest.importorskip("polars")
    frame = polars.read_parquet(month.path)
    sums = frame.group_by("currency").agg(polars.col("amount").sum())
    check_sums(month, sums.iter_rows(), frame["duration_hours"].sum())
    check_each(month, zip(frame["id"], frame["amount"] * RATE, strict=True), times_rate)
    check_each(month, zip(frame["id"], frame["amount"] / 100, strict=True), by_100)
    check_costs(month, (frame["duration_hours"] * frame["cost_rate"]).sum())


def test_duckdb(month):
    duckdb = pytest.importorskip("duckdb")

    def ask(what: str) -> list[Any]:
        return duckdb.sql(f"SELECT {what} FROM read_parquet('{month.path}')").fetchall()

    def per_currency(what: str) -> list[Any]:
        return duckdb.sql(
            f"SELECT currency, {what} FROM read_parquet('{month.path}') GROUP BY currency"
        ).fetchall()

    check_sums(month, per_currency("sum(amount)"), ask("sum(duration_hours)")[0][0])
    check_each(month, ask(f"id, amount * {RATE}"), times_rate)
    check_each(month, ask("id, amount / 100"), by_100)
    check_costs(month, ask("sum(duration_hours * cost_rate)")[0][0])
    assert {code: exactly(amount) for code, amount in per_currency(f"sum(amount) * {RATE}")} == {
        code: amount * RATE for code, amount in month.sums.items()
    }
    # What the page of units says; should it be untrue one day, the page need not say it.
    large = Decimal("160123.456789")
    with pytest.raises(duckdb.OutOfRangeException):
        ask(f"amount * {large}")
    wide = ask(f"id, amount::DECIMAL(38, 8) * {large}")
    assert {key: exactly(amount) for key, amount in wide} == {k: a * large for k, a in month.each.items()}


def test_arrow(month):
    import pyarrow.compute as pc
    from pyarrow import parquet

    table = parquet.read_table(month.path)
    sums = table.group_by("currency").aggregate([("amount", "sum")]).to_pylist()
    hours = pc.sum(table["duration_hours"]).as_py()
    check_sums(month, [(each["currency"], each["amount_sum"]) for each in sums], hours)
    ids = table["id"].to_pylist()
    for operation, other, of in ((pc.multiply, RATE, times_rate), (pc.divide, Decimal(100), by_100)):
        found = operation(table["amount"], pa.scalar(other))
        check_each(month, zip(ids, found.to_pylist(), strict=True), of)
    check_costs(month, pc.sum(pc.multiply(table["duration_hours"], table["cost_rate"])).as_py())
