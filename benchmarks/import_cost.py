# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
What importing this package costs on top of ``import airflow.sdk``, and what parsing each example DAG costs.

Every run is a fresh interpreter. Airflow reads the metadata of installed providers while it is itself imported; this
package is hidden from it then, so that all of its own cost is measured. Processor time is shown beside the clock's:
much more of the latter means a busy machine, and a figure that says little.

    python benchmarks/import_cost.py [--runs 7] [--contributors 12]
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from functools import partial
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "airflow_provider_clockify"
TARGET_MILLISECONDS = 60
TARGET_MODULES = 80
FOLDER_OF_EXAMPLES = ROOT / "dags_examples"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument(
        "--runs", type=int, default=7, help="fresh interpreters per figure; medians are shown"
    )
    parser.add_argument("--contributors", type=int, default=12, help="most expensive imports to list")
    options = parser.parse_args()

    airflow, python = metadata.version("apache-airflow"), sys.version.split()[0]
    print(f"Airflow {airflow}, Python {python}, medians of {options.runs} runs\n")
    reached = show_modules(options.runs)
    show_contributors(options.contributors)
    show_examples(options.runs)
    return 0 if reached else 1


def show_modules(runs: int) -> bool:
    results = [fresh("modules") for _ in range(runs)]
    heading = f"{'added by, in this order':<52}{'ms':>8}{'CPU ms':>8}{'modules':>9}{'ours':>6}"
    print(heading)
    for number, step in enumerate(results[0]["steps"]):
        steps = [result["steps"][number] for result in results]
        print(
            f"{step['name']:<52}{median(steps, 'clock'):>8.1f}{median(steps, 'cpu'):>8.1f}"
            f"{len(step['modules']):>9}{sum(map(ours, step['modules'])):>6}"
        )
    totals = [
        {key: sum(step[key] for step in result["steps"]) for key in ("clock", "cpu")} for result in results
    ]
    modules = [name for step in results[0]["steps"] for name in step["modules"]]
    clock, cpu = median(totals, "clock"), median(totals, "cpu")
    print(f"{'together':<52}{clock:>8.1f}{cpu:>8.1f}{len(modules):>9}{sum(map(ours, modules)):>6}")
    base = median(results, "base_clock"), median(results, "base_cpu")
    print(f"{'import airflow.sdk itself, for comparison':<52}{base[0]:>8.1f}{base[1]:>8.1f}")
    print("not ours: " + ", ".join(name for name in modules if not ours(name)))
    reached = clock < TARGET_MILLISECONDS and len(modules) < TARGET_MODULES
    print(
        f"Target: less than {TARGET_MILLISECONDS} ms of the clock, on a quiet machine, and {TARGET_MODULES} modules: "
        f"{'reached' if reached else 'MISSED'}.\n"
    )
    return reached


def show_contributors(count: int) -> None:
    """List the imports that take longest by themselves, from the interpreter's own clock."""
    done = start("modules", "-X", "importtime")
    seen: list[tuple[int, str]] = []
    lines = done.stderr.splitlines()
    after = lines[lines.index("measured from here") + 1 :]
    for line in after:
        if found := re.match(r"import time:\s+(\d+) \|\s+\d+ \|\s*(\S+)", line):
            seen.append((int(found[1]), found[2]))
    print("most expensive by themselves (the interpreter's import clock, one run)")
    for microseconds, name in sorted(seen, reverse=True)[:count]:
        print(f"  {name:<60}{microseconds / 1000:>8.1f} ms")
    print()


def show_examples(runs: int) -> None:
    print(
        f"{'parsing an example, CPU ms':<48}{'Airflow':>9}{'the rest':>9}{'modules':>9}{'ours':>6}{'again':>7}"
    )
    for path in sorted(FOLDER_OF_EXAMPLES.glob("*.py")):
        results = [fresh("example", path.name) for _ in range(runs)]
        modules = results[0]["modules"]
        print(
            f"{path.name:<48}{median(results, 'others'):>9.1f}{median(results, 'rest'):>9.1f}{len(modules):>9}"
            f"{sum(map(ours, modules)):>6}{median(results, 'again'):>7.1f}"
        )
    print(
        "Airflow: what the file imports of it, airflow.sdk aside. The rest: this package, and building the DAG,"
    )
    print(
        "for which Airflow loads more of its own. Modules: of the rest. Again: once more in the same process."
    )


def median(rows: list[dict[str, Any]], key: str) -> float:
    return 1000 * statistics.median(row[key] for row in rows)


def ours(module: str) -> bool:
    return module.split(".")[0] == PACKAGE


def fresh(*arguments: str) -> dict[str, Any]:
    return json.loads(start(*arguments).stdout.splitlines()[-1])


def start(what: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run this file's other half in a new interpreter; options of the interpreter begin with a dash."""
    options = list(arguments) if what == "modules" else []
    names = [] if what == "modules" else list(arguments)
    with tempfile.TemporaryDirectory(prefix="clockify-benchmark-") as home:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        environment = {
            **kept,
            "AIRFLOW_HOME": home,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(FOLDER_OF_EXAMPLES),
            "MEASURE": json.dumps([what, *names]),
        }
        command = [sys.executable, *options, __file__]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True)


def measure(what: str, *names: str) -> None:
    readers = [metadata]
    with suppress(ImportError):  # what Airflow takes before Python 3.12
        readers.append(import_module("importlib_metadata"))
    found = {reader: reader.distributions for reader in readers}
    for reader, distributions in found.items():
        reader.distributions = partial(others, distributions)
    base = Stopwatch()
    import airflow.sdk

    airflow.sdk.DAG  # noqa: B018 - what a DAG file uses first; loaded when asked for
    base.stop()
    for reader, distributions in found.items():
        reader.distributions = distributions
    assert not any(map(ours, sys.modules)), "Airflow has imported this package already"
    result = measure_modules() if what == "modules" else measure_example(*names)
    print(json.dumps({"base_clock": base.clock, "base_cpu": base.cpu, **result}))


def others(distributions: Callable[..., Any], **given: Any) -> Iterator[Any]:
    return (each for each in distributions(**given) if each.name != "airflow-provider-clockify")


def measure_modules() -> dict[str, Any]:
    print("measured from here", file=sys.stderr, flush=True)
    steps = []
    for name in public_modules():
        before = set(sys.modules)
        watch = Stopwatch()
        __import__(name)
        watch.stop()
        steps.append(
            {
                "name": name,
                "clock": watch.clock,
                "cpu": watch.cpu,
                "modules": sorted(set(sys.modules) - before),
            }
        )
    return {"steps": steps}


def public_modules() -> list[str]:
    """Return what DAG files may import: what the metadata names, and the errors. Read without importing it here."""
    reader = f"import json; from {PACKAGE} import get_provider_info as it; print(json.dumps(it.get_provider_info()))"
    command = [sys.executable, "-c", reader]
    info = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    kinds = ("hooks", "operators", "sensors", "triggers", "transfers")
    named = [module for kind in kinds for entry in info.get(kind, []) for module in entry["python-modules"]]
    return [f"{PACKAGE}.exceptions", f"{PACKAGE}.get_provider_info", *named]


def measure_example(name: str) -> dict[str, Any]:
    tree = ast.parse((FOLDER_OF_EXAMPLES / name).read_text(encoding="utf-8"))
    imports = [
        node
        for node in tree.body
        if isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom) and not ours(str(node.module)))
    ]
    parts = {
        "others": compile(ast.Module(imports, []), name, "exec"),
        "rest": compile(tree, name, "exec"),
        "again": compile(tree, name, "exec"),
    }
    result: dict[str, Any] = {}
    for part, code in parts.items():
        before = set(sys.modules)
        watch = Stopwatch()
        exec(code, {"__name__": "example", "__file__": str(FOLDER_OF_EXAMPLES / name)})
        watch.stop()
        result[part] = watch.cpu
        if part == "rest":
            result["modules"] = sorted(set(sys.modules) - before)
    return result


class Stopwatch:
    """Seconds of the clock and of the processor."""

    def __init__(self) -> None:
        self._began = time.perf_counter(), time.process_time()

    def stop(self) -> None:
        self.clock = time.perf_counter() - self._began[0]
        self.cpu = time.process_time() - self._began[1]


if __name__ == "__main__":
    if "MEASURE" in os.environ:
        measure(*json.loads(os.environ["MEASURE"]))
    else:
        sys.exit(main())
