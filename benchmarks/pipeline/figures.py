# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
From measurements to tables, with the targets beside them, and to a plot.

    python benchmarks/pipeline/figures.py benchmarks/results/pipeline.json plot.png
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


class Figures:
    """All that one run found."""

    def __init__(self, machine: dict[str, Any]) -> None:
        self.found: dict[str, Any] = {"machine": machine}

    def markdown(self) -> str:
        machine = self.found["machine"]
        load = f"load at the start {machine['load_at_start']}"
        lines = [f"{machine['at']}, {machine['cores']} cores, Python {machine['python']}, {load}."]
        titles = {"grid": "Export", "grid_million": "Export of a million", "rival": "Against dlt"}
        for name, title in titles.items():
            if name in self.found:
                lines += ["", f"### {title}", "", *_grid(self.found[name])]
        for name, make in (("year", _year), ("cpu", _cpu), ("memory", _memory), ("profiles", _profiles)):
            if name in self.found:
                lines += ["", f"### {name.capitalize()}", "", *make(self.found[name])]
        return "\n".join(lines) + "\n"


def _table(head: list[str], rows: list[list[Any]]) -> list[str]:
    bars = ["|".join(["", *("---" if not number else "---:" for number in range(len(head))), ""])]
    return (
        ["| " + " | ".join(map(str, row)) + " |" for row in [head]]
        + bars
        + ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    )


def _verdict(value: float, bound: float) -> str:
    return f"{value:.2f} (≤ {bound:g}{'' if value <= bound else ', **missed**'})"


def _grid(cells: list[dict[str, Any]]) -> list[str]:
    bounds = {1: 1.25, 3: 1.25, 8: 1.5}
    head = ["latency", "concurrency", "limit", "bare loop", "export", "export / limit", "bare loop / limit"]
    head += ["rows/s", "requests", "emulator busy"]
    with_rival = any("rival" in cell for cell in cells)
    if with_rival:
        head += ["dlt extracts", "dlt to the file", "dlt / export"]
    rows = []
    for cell in cells:
        limit, bare, export = cell["limit"], cell["bare"], cell["export"]
        ratio = export["wall"] / limit["wall"]
        row = [
            f"{cell['latency']} ms",
            cell["concurrency"],
            f"{limit['wall']:.2f} s",
            f"{bare['wall']:.2f} s",
            f"{export['wall']:.2f} s",
            _verdict(ratio, bounds[cell["concurrency"]]) if cell["latency"] else f"{ratio:.2f}",
            f"{bare['wall'] / limit['wall']:.2f}",
            f"{export['rows'] / export['wall']:,.0f}",
            export["served"]["requests"],
            f"{export['served']['cpu'] / export['wall']:.0%}",
        ]
        if with_rival:
            rival = cell["rival"]
            row += [
                f"{rival['extracted']['wall']:.1f} s",
                f"{rival['wall']:.1f} s",
                f"{rival['wall'] / export['wall']:.1f} ({rival['extracted']['wall'] / export['wall']:.1f})",
            ]
        rows.append(row)
    lines = [f"{cells[0]['entries']:,} entries of a month, `jsonl`.", "", *_table(head, rows), ""]
    by = {(cell["latency"], cell["concurrency"]): cell for cell in cells}
    speedup = by[100, 1]["export"]["wall"] / by[100, 8]["export"]["wall"]
    missed = "" if speedup >= 4.5 else ", **missed**"
    lines.append(f"- At 100 ms, concurrency 8 is {speedup:.1f} times as fast as 1 (≥ 4.5{missed}).")
    headroom = by[0, 8]["limit"]
    pages = headroom["requests"]
    lines.append(
        f"- The emulator serves up to {pages / headroom['wall']:.0f} pages a second ({headroom['wall']:.2f} s for "
        f"{pages}, {headroom['served']['cpu']:.2f} s of CPU); the fastest export takes "
        f"{pages / by[0, 8]['export']['wall']:.0f}."
    )
    starts = [cell["export"]["imports"]["wall"] for cell in cells]
    lines.append(f"- Start-up, not in the times above: export {min(starts):.1f} s (Airflow and this package)")
    if with_rival:
        lines[-1] += f", dlt {min(cell['rival']['imports']['wall'] for cell in cells):.1f} s"
        slower = [cell for cell in cells if cell["rival"]["extracted"]["wall"] <= cell["export"]["wall"]]
        lines.append(f"- Cells where dlt extracts faster than we export: {len(slower)} of {len(cells)}.")
    lines[-1] += "" if lines[-1].endswith(".") else "."
    return lines


def _year(found: dict[str, Any]) -> list[str]:
    limit, export = found["limit"], found["export"]
    ratio = _verdict(export["wall"] / limit["wall"], 1.25)
    rows = [[f"{limit['wall']:.2f} s", f"{export['wall']:.2f} s", ratio, export["requests"]]]
    return [
        f"{export['rows']:,} entries of 365 days in chunks of at most 31, 100 ms, concurrency 8.",
        "",
        *_table(["limit", "export", "ratio", "requests"], rows),
    ]


def _cpu(found: dict[str, Any]) -> list[str]:
    bounds = {"jsonl": 2.0, "parquet": 3.0}
    per = 100_000 / found["entries"]
    bare = found["bare"]
    rows = [
        ["bare loop", f"{bare['cpu'] * per:.2f} s", "1", "", f"{bare['peak_mb']:.0f} MB"],
        ["bare loop without the wire", f"{bare['decode_and_write'] * per:.2f} s", "", "", ""],
    ]
    for kind, export in found.items():
        if kind in ("bare", "entries"):
            continue
        ratio = export["cpu"] / bare["cpu"]
        rows.append(
            [
                f"`{kind}`",
                f"{export['cpu'] * per:.2f} s",
                _verdict(ratio, bounds[kind]) if kind in bounds else f"{ratio:.2f}",
                f"{export['cpu'] / bare['decode_and_write']:.2f}",
                f"{export['peak_mb']:.0f} MB",
            ]
        )
    head = ["", "CPU per 100,000 rows", "of the bare loop", "of it without the wire", "peak memory"]
    return _table(head, rows)


def _memory(found: dict[str, Any]) -> list[str]:
    idle = found["idle"]["peak_mb"]
    rows = []
    for kind, export in found.items():
        if kind == "idle":
            continue
        small, large = export["100k"]["peak_mb"], export["1M"]["peak_mb"]
        above = large - idle
        rows.append(
            [
                f"`{kind}`",
                f"{small:.0f} MB",
                f"{large:.0f} MB",
                _verdict(large / small, 1.1),
                f"{above:.0f} MB" + ("" if above <= 80 else " (> 80, **missed**)"),
                f"{export['1M']['imported_mb'] - idle:.0f} MB",
                f"{export['1M']['cpu']:.1f} s",
            ]
        )
    head = [
        "",
        "100,000 rows",
        "1,000,000 rows",
        "ratio",
        "above idle",
        "of that imports",
        "CPU of 1,000,000",
    ]
    return [f"Peak of the process; an idle Airflow task has {idle:.0f} MB.", "", *_table(head, rows)]


def _profiles(found: dict[str, Any]) -> list[str]:
    lines = ["Share of the samples in which a function held the interpreter, by innermost function."]
    for kind, functions in found.items():
        rows = [[f"`{name}`", f"{share:.0%}"] for name, share in functions if share >= 0.01]
        lines += ["", f"`{kind}`:", "", *_table(["function", "share"], rows)]
    return lines


def plot(found: dict[str, Any], path: Path) -> None:
    """Draw the wall times of the grid."""
    from matplotlib import pyplot

    cells = found["rival"] if "rival" in found else found["grid"]
    latencies = sorted({cell["latency"] for cell in cells})
    figure, axes = pyplot.subplots(1, len(latencies), figsize=(4 * len(latencies), 4), layout="constrained")
    for axis, latency in zip(axes, latencies, strict=True):
        shown = [cell for cell in cells if cell["latency"] == latency]
        for name, label in (("limit", "limit"), ("export", "export"), ("rival", "dlt")):
            if name in shown[0]:
                axis.plot(
                    [str(cell["concurrency"]) for cell in shown],
                    [cell[name]["wall"] for cell in shown],
                    marker="o",
                    label=label,
                )
        axis.set_yscale("log")
        axis.set_title(f"{latency} ms latency")
        axis.set_xlabel("concurrency")
        axis.grid(visible=True, which="both", alpha=0.3)
    axes[0].set_ylabel(f"seconds for {cells[0]['entries']:,} entries")
    axes[0].legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    plot(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
