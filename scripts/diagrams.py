# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Draw the diagrams of the documentation, docs/images/*.svg; a test says when that is due.

Each has a light ground of its own, so that it can be read on a light and on a dark page, and is narrow, so that its
text can be read on a telephone. What the diagram of windows shows is computed by the package itself.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path

from airflow_provider_clockify.window.cutting import partitions
from airflow_provider_clockify.window.interval import Window
from airflow_provider_clockify.window.run_windows import RunTimes, resolve_window
from airflow_provider_clockify.window.units import expand_to_units
from airflow_provider_clockify.window.zones import parse_zone

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
WIDTH = 520
FONT = "ui-sans-serif, system-ui, 'Segoe UI', Helvetica, Arial, sans-serif"
INK, SOFT, LINE, GROUND = "#1b2733", "#52606d", "#9aa5b1", "#f7f9fb"
BLUE, BLUE_INK = "#d6e6f7", "#1f5f9e"
GREEN, GREEN_INK = "#d9f0e1", "#21764a"
AMBER, AMBER_INK = "#fbe9cc", "#8a5a0b"


class Drawing:
    """An SVG that grows, element by element."""

    def __init__(self, height: int, title: str) -> None:
        self.height = height
        self.title = title
        self.parts: list[str] = []

    def box(
        self, x: float, y: float, width: float, height: float, fill: str, line: str, dash: str = ""
    ) -> None:
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="8" '
            f'fill="{fill}" stroke="{line}" stroke-width="1.5"{dashes}/>'
        )

    def text(
        self, x: float, y: float, text: str, *, size: int = 16, color: str = INK, anchor: str = "middle",
        bold: bool = False, halo: bool = False,
    ) -> None:  # fmt: skip
        weight = ' font-weight="600"' if bold else ""
        self.parts.append(
            f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{color}" text-anchor="{anchor}" '
            f'stroke="{GROUND}" stroke-width="{4 if halo else 0}" paint-order="stroke"{weight}>'
            f"{escape(text)}</text>"
        )

    def line(
        self, x1: float, y1: float, x2: float, y2: float, *, arrow: bool = False, dash: str = ""
    ) -> None:
        more = ' marker-end="url(#arrow)"' if arrow else ""
        more += f' stroke-dasharray="{dash}"' if dash else ""
        color = SOFT if arrow else LINE
        self.parts.append(
            f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{color}" stroke-width="1.5"{more}/>'
        )

    def svg(self) -> str:
        """Return the whole file."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" '
            f'width="{WIDTH}" height="{self.height}" role="img" font-family="{FONT}">'
        )
        marker = (
            '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
            f'orient="auto-start-reverse"><path d="M 0 0 L 10 5 L 0 10 z" fill="{SOFT}"/></marker></defs>'
        )
        ground = (
            f'<rect width="{WIDTH}" height="{self.height}" rx="12" fill="{GROUND}" stroke="{LINE}" '
            'stroke-width="0.5"/>'
        )
        lines = [head, f"<title>{escape(self.title)}</title>", marker, ground, *self.parts, "</svg>"]
        return "\n".join(lines) + "\n"


def architecture() -> str:
    """Return what stands between Clockify and the files and tables."""
    d = Drawing(610, "Clockify, the provider inside Airflow, and the files, tables and DAGs behind it")
    d.box(28, 20, 464, 84, AMBER, AMBER_INK)
    d.text(260, 50, "Clockify", size=20, bold=True)
    d.text(260, 82, "reports, lists and change feeds", color=SOFT)

    d.line(260, 162, 260, 108, arrow=True)
    d.text(250, 141, "one key, over HTTPS,", size=15, color=SOFT, anchor="end")
    d.text(270, 141, "within the request budget", size=15, color=SOFT, anchor="start")

    d.box(12, 166, 496, 254, "#ffffff", LINE, dash="6 4")
    d.text(28, 192, "Airflow", size=18, bold=True, anchor="start")
    d.text(492, 192, "blue: this provider", size=15, color=BLUE_INK, anchor="end")
    d.box(28, 206, 464, 76, BLUE, BLUE_INK)
    d.text(260, 236, "Connection and ClockifyHook", size=18, bold=True)
    d.text(260, 264, "keep the pace, retry, read all pages, prove them", color=SOFT)
    for x, title, first, second in (
        (28, "Operators", "export reports", "and load tables"),
        (187, "Sensors", "wait for time", "and for approval"),
        (346, "Event trigger", "starts DAGs on", "tracked time"),
    ):
        d.line(x + 73, 284, x + 73, 306, arrow=True)
        d.box(x, 310, 146, 94, BLUE, BLUE_INK)
        d.text(x + 73, 338, title, size=18, bold=True)
        d.text(x + 73, 366, first, color=SOFT)
        d.text(x + 73, 389, second, color=SOFT)

    for x, title, lines in (
        (12, "Files", ("disk, S3,", "GCS, Azure")),
        (181, "Tables", ("PostgreSQL,", "DuckDB, SQLite")),
        (350, "Other DAGs", ("of yours run for", "what is new")),
    ):
        d.box(x, 494, 158, 98, GREEN, GREEN_INK)
        d.text(x + 79, 522, title, size=17, bold=True)
        for number, line in enumerate(lines):
            d.text(x + 79, 550 + 22 * number, line, size=15, color=SOFT)
    d.line(70, 406, 70, 490, arrow=True)
    d.line(110, 406, 240, 490, arrow=True)
    d.line(150, 406, 384, 490, arrow=True)
    d.line(440, 406, 440, 490, arrow=True)
    d.text(276, 442, "asset events", size=15, color=SOFT, anchor="start", halo=True)
    return d.svg()


FIRST, LAST = datetime(2026, 11, 1, 18, tzinfo=UTC), datetime(2026, 11, 5, 6, tzinfo=UTC)
LEFT, RIGHT = 16, 504


def _x(instant: datetime) -> float:
    return round(LEFT + (instant - FIRST) / (LAST - FIRST) * (RIGHT - LEFT), 1)


def windows() -> str:
    """Return what each parameter does to the window of one run, as the package computes it."""
    interval = RunTimes(
        data_interval_start=datetime(2026, 11, 4, tzinfo=UTC),
        data_interval_end=datetime(2026, 11, 5, tzinfo=UTC),
    )
    at_two = RunTimes(logical_date=datetime(2026, 11, 5, 2, tzinfo=UTC))
    six = datetime(2026, 11, 4, 6, tzinfo=UTC)
    berlin = parse_zone("Europe/Berlin")
    day = resolve_window(window="day", times=at_two)
    back = resolve_window(lookback="P2D", times=interval)
    rows: list[tuple[str, str, Window, Window | None]] = [
        ("data interval", "the run's own interval, at midnight UTC", resolve_window(times=interval), None),
        ('window="day"', "the last complete day before the run at 02:00", day, None),
        ('timezone="Europe/Berlin"', "the last complete day of Berlin, one hour earlier in winter",
         resolve_window(window="day", times=at_two, zone=berlin), None),
        ('lookback="P2D"', "the interval, and two days before it", back, resolve_window(times=interval)),
    ]  # fmt: skip
    top, step = 76, 92
    d = Drawing(top + step * 6 + 8, "What data interval, window, timezone, lookback and partition_by do")
    d.text(LEFT, 28, "Days in UTC", size=15, color=SOFT, anchor="start")
    for number in range(2, 6):
        midnight = datetime(2026, 11, number, tzinfo=UTC)
        d.line(_x(midnight), 60, _x(midnight), d.height - 12, dash="3 4")
        if number < 5:
            d.text(_x(midnight + timedelta(hours=12)), 54, f"{number} November", bold=True)

    def label(y: float, name: str, does: str) -> None:
        d.text(LEFT, y + 14, name, bold=True, anchor="start", halo=True)
        d.text(LEFT, y + 34, does, size=15, color=SOFT, anchor="start", halo=True)

    def bar(y: float, window: Window, fill: str, line: str, text: str = "", dash: str = "") -> None:
        d.box(_x(window.start), y + 42, _x(window.end) - _x(window.start), 30, fill, line, dash)
        if text:
            d.text((_x(window.start) + _x(window.end)) / 2, y + 62, text, size=15, color=line)

    y = top
    for name, does, window, kept in rows:
        label(y, name, does)
        if kept is None:
            bar(y, window, BLUE, BLUE_INK, f"{window.start:%H:%M} to {window.end:%H:%M}")
        else:
            bar(y, Window(window.start, kept.start), AMBER, AMBER_INK, "read again, for late edits")
            bar(y, kept, BLUE, BLUE_INK, "the interval")
        y += step
    label(y, 'partition_by="day"', "one file per day of that window, each replaced whole")
    for each in partitions(back, "day"):
        bar(y, each.window, GREEN, GREEN_INK, each.name)
    y += step
    label(
        y,
        'partition_by="day" in an hourly run',
        "its interval, 06:00 to 07:00, grows to the whole day of the file",
    )
    hour = Window(six, six + timedelta(hours=1))
    bar(y, expand_to_units(hour, "day"), GREEN, GREEN_INK, dash="5 4")
    bar(y, hour, BLUE, BLUE_INK)
    return d.svg()


DIAGRAMS = {"architecture.svg": architecture, "windows.svg": windows}


def main() -> None:
    for name, draw in DIAGRAMS.items():
        (IMAGES / name).write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main()
