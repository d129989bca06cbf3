# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The tutorial, followed from its first command to its last click.

The commands, the DAG and the fields of the form come from the page itself, in its order and in its three terminals.
Every command and every label in italics that the page names must have been used at the end. Three things differ from
what a reader does: the environment of the tests is in place of the one that ``pip`` would make (``make release-check``
installs), the ports are free ones, and the files are below the folder of the test.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests

pages = pytest.importorskip("airflow_pages")
from doc_blocks import ROOT, blocks_of  # noqa: E402
from local_airflow import free_port  # noqa: E402
from markdown_it import MarkdownIt  # noqa: E402
from playwright.sync_api import Page, expect  # noqa: E402

PAGE = ROOT / "docs" / "tutorial.md"
DAG_ID = "example_clockify_daily_export"
PATIENCE = 900  # seconds, of a machine that does much else; everything is waited for by condition

# Instead of these two lines, the folder that they would make is a link to the environment of the tests.
INSTALLED_BY_OTHERS = ["python3 -m venv clockify-tutorial", "pip install 'apache-airflow>=3.3' ."]
LASTING = ("python -m airflow_provider_clockify.testing", "airflow standalone")

# Commands within sentences: those that the test runs, and those that are no step.
RUN_IN_SENTENCES = {"airflow db migrate"}
NO_STEP = {
    "pip install 'apache-airflow>=3.3' airflow-provider-clockify": "instead of the block, once it is published",
    "airflow dags trigger": "the page advises against it",
}
OF_CLOCKIFY = {"Preferences → Advanced → Manage API keys": "a page of Clockify, and not of Airflow"}


def console_blocks() -> list[tuple[str, str]]:
    """Return the console blocks with the terminal that the text before them names last."""
    found, terminal = [], ""
    for token in MarkdownIt("commonmark").parse(PAGE.read_text(encoding="utf-8")):
        if token.type == "inline" and (named := re.findall(r"\bterminal ([ABC])\b", token.content)):
            terminal = named[-1]
        elif token.type == "fence" and token.info == "console":
            found.append((terminal, token.content))
    return found


def inline(kind: str) -> set[str]:
    """Return what the page has in italics (``em``) or as code (``code``)."""
    found = set()
    for token in MarkdownIt("commonmark").enable("table").parse(PAGE.read_text(encoding="utf-8")):
        children = token.children or []
        for number, child in enumerate(children):
            if kind == "em" and child.type == "em_open":
                found.add(children[number + 1].content)
            elif kind == "code" and child.type == "code_inline":
                found.add(child.content)
    return found


class Terminal:
    """A shell that keeps its variables, and its output in a file."""

    def __init__(self, name: str, folder: Path, env: dict[str, str]) -> None:
        self.log = folder.parent / f"terminal-{name}.log"
        self._line = folder.parent / f"terminal-{name}.line"
        self._count = 0
        with self.log.open("wb") as output:
            self._bash = subprocess.Popen(
                ["bash", "--norc"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=env,
                text=True,
                start_new_session=True,
                # A runner in the background may ignore Ctrl-C, and its children would, too.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    def start(self, line: str) -> Callable[[], tuple[int, str] | None]:
        """Type a line; gives what tells its status and output once it has ended."""
        self._count += 1
        mark = f"<{self.log.stem} {self._count} ended "
        begin = self.log.stat().st_size
        # From a file, so that what a command reads is not the next line.
        self._line.write_text(line + "\n", encoding="utf-8")
        assert self._bash.stdin
        self._bash.stdin.write(f". '{self._line}' </dev/null\nprintf '\\n%s%s>\\n' '{mark}' $?\n")
        self._bash.stdin.flush()

        def ended() -> tuple[int, str] | None:
            said = self.log.read_bytes()[begin:].decode(errors="replace")
            assert self._bash.poll() is None, said
            status = re.search(rf"{re.escape(mark)}(\d+)>", said)
            return (int(status[1]), said[: status.start()]) if status else None

        return ended

    def run(self, line: str) -> str:
        """Type a line, and wait for its end, which must be a good one."""
        status, said = wait_for(line, self.start(line))
        assert status == 0, f"{line}\n{said}"
        return said

    def press_ctrl_c(self) -> None:
        """Send what a terminal sends: to the shell and to what runs in it."""
        os.killpg(self._bash.pid, signal.SIGINT)

    def is_idle(self) -> bool:
        """Tell whether the last line has ended, by itself or with the shell."""
        mark = f"<{self.log.stem} {self._count} ended "
        return self._bash.poll() is not None or mark in self.log.read_text(errors="replace")

    def close(self) -> None:
        """End what is left, by the id of the group."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._bash.pid, number)
                self._bash.wait(15)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue
        self._bash.wait()
        assert self._bash.stdin
        self._bash.stdin.close()


def wait_for(what: str, done: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := done():
            return found
        time.sleep(0.3)
    raise AssertionError(f"Waited in vain for {what}.")


class Reader:
    """Somebody who follows the page, and remembers what was done of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "reader"
        self.folder.mkdir()
        (folder / "home").mkdir()
        self.output = folder / "clockify"
        self.emulator_port, self.port = free_port(), free_port()
        self.url = f"http://localhost:{self.port}"
        self.blocks = console_blocks()
        self.pressed: set[str] = set()
        self.commands: set[str] = set()
        dropped = ("AIRFLOW_", "_AIRFLOW_", "PYTHON", "VIRTUAL_ENV")
        env = {name: value for name, value in os.environ.items() if not name.startswith(dropped)} | {
            "HOME": str(folder / "home"),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            # A busy machine takes its time; a file that is read late is no broken file.
            "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "300",
            "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "300",
        }
        self.terminals = {name: Terminal(name, self.folder, env) for name in "ABC"}

    def here(self, text: str) -> str:
        """Put the ports and the folder of the test into a text of the page."""
        text = text.replace("/tmp/clockify", str(self.output)).replace("8088", str(self.emulator_port))
        return re.sub(r"\b808[01]\b", str(self.port), text)

    def block(self, terminal: str, begins: str) -> str:
        """Run the next console block of the page; gives what its commands said."""
        named, text = self.blocks.pop(0)
        assert (named, text.startswith(begins)) == (terminal, True), text
        said = ""
        for line in text.replace("\\\n", " ").splitlines():
            if line in INSTALLED_BY_OTHERS:
                link = self.folder / "clockify-tutorial"
                link.unlink(missing_ok=True)
                link.symlink_to(sys.prefix)
            elif line.startswith(LASTING):
                self.terminals[terminal].start(self.here(line))
            else:
                said += self.terminals[terminal].run(self.here(line))
        return said

    def say(self, command: str) -> str:
        """Run a command that the page has within a sentence, in terminal C."""
        self.commands.add(command)
        return self.terminals["C"].run(command)

    def label(self, *names: str) -> str:
        """Remember the labels of a path that the page has in italics; gives the last of them."""
        path = " → ".join(names)
        assert path in inline("em"), f"the page does not name {path}"
        self.pressed.add(path)
        return names[-1]

    def runs(self, password: str) -> list[dict[str, Any]]:
        """Ask Airflow for the runs of the DAG."""
        login = {"username": "admin", "password": password}
        token = requests.post(f"{self.url}/auth/token", json=login, timeout=60).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        answer = requests.get(f"{self.url}/api/v2/dags/{DAG_ID}/dagRuns", headers=headers, timeout=60)
        found: list[dict[str, Any]] = answer.json()["dag_runs"]
        return found


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path)
    try:
        yield reader
    finally:
        for terminal in reader.terminals.values():
            terminal.close()


def ends_at_ctrl_c(terminal: Terminal) -> bool:
    """Press it, and tell after some seconds whether that was enough: Airflow 3.3.2 may need it again."""
    terminal.press_ctrl_c()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not terminal.is_idle():
        time.sleep(0.3)
    return terminal.is_idle()


def printed(emulator: str, name: str) -> str:
    """Read what the emulator printed after "name="."""
    found = re.search(rf"(?:^| ){name}=(\S+)", emulator)
    assert found, emulator
    return found[1]


def fill_in_the_form(reader: Reader, page: Page, emulator: str) -> None:
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", PAGE.read_text(encoding="utf-8"), re.M))
    values = {
        field: printed(emulator, after[1])
        if (after := re.fullmatch(r"what the emulator printed after `(\w+)=`", value))
        else reader.here(value.strip("`"))
        for field, value in rows.items()
        if field not in ("Terminal", "A", "B", "C", "Field")
    }
    extra = {field: value for field, value in values.items() if ", in the part *Extra Fields*" in field}
    page.get_by_role("button", name="Admin", exact=True).click()
    page.get_by_role("menuitem", name="Connections").click()
    add = reader.label("Admin", "Connections", "Add Connection")
    page.get_by_role("button", name=add).click()
    form = page.get_by_role("dialog")
    kind = form.get_by_role("combobox", name="Connection Type")
    form.get_by_role("textbox", name="Connection ID").fill(values.pop("Connection ID"))
    wanted = values.pop("Connection Type")
    kind.fill(wanted)
    page.get_by_role("option", name=wanted, exact=True).click()
    for field in values.keys() - extra.keys():
        form.get_by_role("textbox", name=field).fill(values[field])
    expect(form.get_by_role("textbox", name=reader.label("Base URL override"))).not_to_have_value("")
    form.get_by_role("button", name=reader.label("Extra Fields"), exact=True).click()
    assert len(extra) == 1
    for field, value in extra.items():
        name = field.partition(",")[0]
        expect(form.get_by_text(name, exact=True)).to_be_visible()
        form.locator(f"[name=element_{name.lower().replace(' ', '_')}]").fill(value)
    form.get_by_role("button", name="Save").click()
    expect(form).to_have_count(0)


def change_the_key(reader: Reader, page: Page, key: str) -> None:
    edit = reader.label("Edit Connection")
    pages.connection_row(page, reader, "clockify_default").get_by_role("button", name=edit).click()
    form = page.get_by_role("dialog")
    form.get_by_role("textbox", name="API key").fill(key)
    form.get_by_role("button", name="Save").click()
    expect(form).to_have_count(0)


def open_dag(reader: Reader, page: Page) -> None:
    page.get_by_role("link", name="Dags", exact=True).first.click()
    page.get_by_role("link", name=DAG_ID).first.click()
    # Only with the last of its parts does the page leave an open dialog alone.
    expect(page.get_by_text("Latest Dag Version")).to_be_visible()
    expect(page.get_by_text("v1", exact=True)).to_be_visible()


def trigger(reader: Reader, page: Page, logical_date: str) -> None:
    """Press the button and set the date to a midnight."""
    open_dag(reader, page)
    page.get_by_role("button", name=reader.label("Trigger")).first.click()
    form = page.get_by_role("dialog").filter(has_text="Trigger Dag")
    field = form.get_by_role("group").filter(has_text=reader.label("Logical Date"))
    field.get_by_test_id("datetime-input").click()
    calendar = page.get_by_role("dialog").last
    for name, value in (("Logical Date", logical_date.replace("-", "/")), ("HH:mm", "00:00")):
        box = calendar.get_by_role("textbox", name=name)
        box.fill(value)
        box.press("Enter")
    form.get_by_role("heading").first.click()
    expect(field).to_contain_text("00:00")
    form.get_by_role("button", name="Trigger").click()
    expect(form).to_have_count(0)


def open_log(reader: Reader, page: Page, run_id: str) -> None:
    """Click the square of the task of a run."""
    open_dag(reader, page)
    page.locator(f'a[href*="/runs/{run_id}/tasks/export_time_entries"]').first.click()


def test_every_command_and_click_of_the_tutorial_works(reader: Reader, page: Page) -> None:
    assert shutil.which("curl")
    page.set_viewport_size({"width": 1280, "height": 800})
    # 1 and 2
    reader.block("C", "python3 -m venv")
    reader.block("A", ". clockify-tutorial")
    log = reader.terminals["A"].log
    wait_for("the emulator", lambda: " connection={" in log.read_text())
    (emulator,) = (line for line in log.read_text().splitlines() if line.startswith("url="))
    assert printed(emulator, "url") == reader.here("http://127.0.0.1:8088")

    # 3
    reader.block("C", "export AIRFLOW_HOME")
    (dag,) = (block for block in blocks_of(PAGE) if block.language == "python")
    (saved_as,) = (code for code in inline("code") if code.endswith(".py"))
    (reader.folder / saved_as).write_text(reader.here(dag.text), encoding="utf-8")

    # 4, first as somebody without a browser
    reader.say("airflow db migrate")
    connection = printed(emulator, "connection")
    test = "airflow connections test clockify_default"
    shell = reader.terminals["C"]
    assert "Connection success!" in shell.run(f"AIRFLOW_CONN_CLOCKIFY_DEFAULT='{connection}' {test}")
    reader.block("B", "export AIRFLOW__API__PORT")
    reader.block("B", ". clockify-tutorial")
    said = re.compile(r"Password for user 'admin': (\S+)")
    password = wait_for("the password", lambda: said.search(reader.terminals["B"].log.read_text()))[1]
    passwords = reader.folder / "airflow-home" / "simple_auth_manager_passwords.json.generated"
    assert str(passwords.relative_to(reader.folder)) in inline("code")
    assert json.loads(passwords.read_text()) == {"admin": password}

    def is_there() -> bool:
        try:
            return requests.get(f"{reader.url}/api/v2/version", timeout=10).ok
        except requests.RequestException:
            return False

    wait_for("Airflow's web page", is_there)
    page.goto(reader.url)
    page.get_by_role("textbox", name="Username").fill("admin")
    page.locator("[type=password]").fill(password)
    page.get_by_role("button", name="Sign in").click()
    fill_in_the_form(reader, page, emulator)
    assert "Connection success!" in reader.block("C", test)
    row = pages.connection_row(page, reader, "clockify_default")
    icon = row.get_by_role("button").first
    expect(icon).to_have_accessible_name(reader.label("Test Connection"))
    icon.click()
    expect(page.get_by_role("region", name="Notifications").get_by_role("status").first).to_contain_text(
        reader.label("Bad Request")
    )

    # 5
    assert "Spent 1 request (0 of them retries)" in reader.block("C", "today=$(")
    day = datetime.now(UTC).date() - timedelta(days=1)
    assert shell.run("echo $yesterday $today").split() == [str(day), str(day + timedelta(days=1))]
    file = reader.output / "time_entries" / f"dt={day}" / "detailed.jsonl"
    first = hashlib.sha256(file.read_bytes()).hexdigest()
    file.unlink()
    page.get_by_role("link", name=reader.label("Dags"), exact=True).first.click()
    expect(page.get_by_role("link", name=DAG_ID)).to_have_count(1)
    switch = page.get_by_role("checkbox")
    expect(switch).not_to_be_checked()
    switch.locator("xpath=..").click()
    expect(switch).to_be_checked()

    def run_of(begin: Any, kind: str) -> Callable[[], dict[str, Any] | None]:
        def ended() -> dict[str, Any] | None:
            for run in reader.runs(password):
                if (run["data_interval_start"][:10], run["run_type"]) == (str(begin), kind):
                    return run if run["state"] in ("success", "failed") else None
            return None

        return ended

    run = wait_for("the run of the scheduler", run_of(day, "scheduled"))
    assert run["state"] == "success"
    assert hashlib.sha256(file.read_bytes()).hexdigest() == first

    open_log(reader, page, run["dag_run_id"])
    expect(page.get_by_text("Spent 1 request").first).to_be_visible()
    tab = reader.label("Storage", "XCom")
    page.get_by_role("link", name="Storage", exact=True).click()
    page.get_by_role("link", name=tab, exact=True).click()
    page.get_by_role("button", name="Expand all extra JSON").click()
    rows = len(file.read_bytes().splitlines())
    expect(page.get_by_role("row").filter(has_text="return_value")).to_contain_text(f'"rows": {rows}')
    page.get_by_role("link", name=reader.label("Details"), exact=True).click()
    expect(page.get_by_role("link", name="Clockify", exact=True)).to_have_attribute(
        "href", re.compile(rf"^https://app\.clockify\.me/reports/detailed\?start={day}T")
    )

    earlier = day - timedelta(days=3)
    trigger(reader, page, str(earlier + timedelta(days=1)))
    assert wait_for("the run of an earlier day", run_of(earlier, "manual"))["state"] == "success"
    assert (reader.output / "time_entries" / f"dt={earlier}" / "detailed.jsonl").stat().st_size

    # 6
    shown = reader.block("C", "ls ").split("\n", 1)
    assert shown[0] == "detailed.jsonl"
    assert json.loads(shown[1])["_id"]
    counted = reader.block("C", "wc -l")
    assert int(counted.split()[0]) == rows
    assert re.search(r'"count": ?(\d+)', counted)[1] == str(rows)  # type: ignore[index]
    reader.block("C", "airflow dags test")
    assert hashlib.sha256(file.read_bytes()).hexdigest() == first

    # 7
    key = printed(emulator, "key")
    change_the_key(reader, page, key[:-1] + ("0" if key[-1] != "0" else "1"))
    refused = earlier - timedelta(days=1)
    trigger(reader, page, str(refused + timedelta(days=1)))
    run = wait_for("the run that is refused", run_of(refused, "manual"))
    assert run["state"] == "failed"
    assert not (reader.output / "time_entries" / f"dt={refused}").exists()
    open_log(reader, page, run["dag_run_id"])
    (message,) = (block.text for block in blocks_of(PAGE) if block.text.startswith("the key was refused"))
    expect(page.get_by_text("Task failed with exception").first).to_be_visible()
    for text in (message.strip().removesuffix("…").strip(), "othing was published"):
        expect(page.get_by_text(text).first).to_be_in_viewport()
    change_the_key(reader, page, key)
    assert "Connection success!" in shell.run(test)
    for name in "AB":
        wait_for(f"the end of terminal {name}", partial(ends_at_ctrl_c, reader.terminals[name]))

    # Nothing of the page is left.
    assert reader.blocks == []
    assert inline("em") == reader.pressed | OF_CLOCKIFY.keys()
    named = {code for code in inline("code") if re.match(r"(airflow|pip|python3?|curl|export|make) ", code)}
    assert named == reader.commands | NO_STEP.keys()
    assert reader.commands == RUN_IN_SENTENCES
