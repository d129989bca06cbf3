# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Check the wheel and sdist in ``dist/``: contents, metadata, the same bytes again, a DAG run by a bare Airflow.

``make release-check`` builds them first. The release is rehearsed: both files are uploaded to an index of packages on
this machine, and pip installs from there. What was built of which commit is written to ``build/provenance.json``, and
what pip got is compared with it. Every check is made; all that is wrong is listed at the end.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
import zipfile
from contextlib import contextmanager
from email.parser import HeaderParser
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from email.message import Message

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
UV = Path(sys.executable).with_name("uv")
PACKAGE = "airflow_provider_clockify"
EXAMPLE = "example_clockify_daily_export"
ENTRIES = 3000

WHEEL_ALLOWED = [f"{PACKAGE}/*.py", f"{PACKAGE}/py.typed", f"{PACKAGE}-*.dist-info/*"]
WHEEL_REQUIRED = [
    f"{PACKAGE}/py.typed",
    f"{PACKAGE}/get_provider_info.py",
    f"{PACKAGE}/testing/__main__.py",
    f"{PACKAGE}-*.dist-info/METADATA",
    f"{PACKAGE}-*.dist-info/RECORD",
    f"{PACKAGE}-*.dist-info/WHEEL",
    f"{PACKAGE}-*.dist-info/entry_points.txt",
    f"{PACKAGE}-*.dist-info/licenses/LICENSE",
]
SDIST_ALLOWED = [
    f"{PACKAGE}/*.py",
    f"{PACKAGE}/py.typed",
    "dags_examples/*.py",
    "dags_examples/dbt_clockify/*.sql",
    "dags_examples/dbt_clockify/*.yml",
    "docs/*.md",
    "docs/conf.py",
    "docs/_static/*.css",
    "docs/images/*.png",
    "docs/images/*.svg",
    "docs/reference/*.rst",
    "tests/*.py",
    "tests/*.json",
    "tests/clients/clockify_ts.cjs",
    "*.md",
    "LICENSE",
    "PKG-INFO",
    "pyproject.toml",
    ".gitignore",
]
SDIST_REQUIRED = [
    f"{PACKAGE}/py.typed",
    f"{PACKAGE}/get_provider_info.py",
    "tests/conftest.py",
    f"dags_examples/{EXAMPLE}.py",
    "dags_examples/dbt_clockify/dbt_project.yml",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "PKG-INFO",
    "pyproject.toml",
]
FORBIDDEN = ["*__pycache__*", "*.pyc", "*/.*", "*.log", "*.db", "*NOTICE*"]


def main() -> int:
    wheel, sdist = one("*.whl"), one("*.tar.gz")
    wrong: list[str] = []
    for title, problems in (
        ("description", description(wheel, sdist)),
        ("contents", [*wheel_contents(wheel), *sdist_contents(sdist)]),
        ("metadata", metadata(wheel)),
        ("the same bytes again from the commit", rebuilt(wheel, sdist)),
        ("uploaded to an index, installed from there into a bare Airflow", installed(wheel, sdist)),
    ):
        found = list(problems)
        print(f"{title}: {'; '.join(found) if found else 'as it should be'}", flush=True)
        wrong += found
    print(f"{wheel.name}, {sdist.name}: {f'{len(wrong)} things to put right' if wrong else 'ready'}")
    return int(bool(wrong))


def one(pattern: str) -> Path:
    found = list(DIST.glob(pattern))
    if len(found) != 1:
        raise SystemExit(f"dist/ has {len(found)} files {pattern}; run make release-check, which builds one.")
    return found[0]


def description(*files: Path) -> Iterator[str]:
    done = run([sys.executable, "-m", "twine", "check", "--strict", *map(str, files)])
    if done.returncode:
        yield done.stdout


def wheel_contents(wheel: Path) -> Iterator[str]:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    # Every module of the repository, and nothing that is not one.
    committed = run(["git", "ls-files", PACKAGE], cwd=ROOT).stdout.split()
    yield from compared(wheel.name, names, WHEEL_ALLOWED, [*WHEEL_REQUIRED, *committed])


def sdist_contents(sdist: Path) -> Iterator[str]:
    with tarfile.open(sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    yield from compared(sdist.name, names, SDIST_ALLOWED, SDIST_REQUIRED)


def compared(
    file: str, names: Sequence[str], allowed: Iterable[str], required: Iterable[str]
) -> Iterator[str]:
    for name in names:
        fits = any(fnmatch.fnmatchcase(name, pattern) for pattern in allowed)
        if not fits or any(fnmatch.fnmatchcase(name, pattern) for pattern in FORBIDDEN):
            yield f"{file} should not have {name}"
    for pattern in required:
        if not fnmatch.filter(names, pattern):
            yield f"{file} lacks {pattern}"


def metadata(wheel: Path) -> Iterator[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    with zipfile.ZipFile(wheel) as archive:
        (folder,) = {name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name}
        found: Message = HeaderParser().parsestr(archive.read(f"{folder}/METADATA").decode())
        points = archive.read(f"{folder}/entry_points.txt").decode()
    code = (ROOT / PACKAGE / "__init__.py").read_text(encoding="utf-8")
    version = re.search(r'^__version__ = "(.+)"$', code, re.M)[1]  # type: ignore[index]
    heading = re.search(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    expected = {
        "Version": [version],
        "Name": [project["name"]],
        "Requires-Python": [project["requires-python"]],
        "License-Expression": [project["license"]],
        "License-File": project["license-files"],
        "Provides-Extra": sorted(project["optional-dependencies"]),
        "Classifier": sorted(project["classifiers"]),
        "Requires-Dist": sorted(
            [
                *project["dependencies"],
                *(
                    f"{each}; extra == '{extra}'"
                    for extra, members in project["optional-dependencies"].items()
                    for each in members
                ),
            ]
        ),
    }
    for name, values in expected.items():
        if sorted(found.get_all(name, [])) != sorted(values):
            yield f"{name} is {found.get_all(name, [])}, not {values}"
    if not heading or heading[1].split()[0] not in (version, "Unreleased"):
        yield f"CHANGELOG.md begins with {heading and heading[1]!r}, the version is {version}"
    for each in project["dependencies"]:
        if re.search(r"[<~=!]=?", re.sub(">=", "", each)):
            yield f"{each} is more than a lower bound"
    ((group, targets),) = project["entry-points"].items()
    for name, target in targets.items():
        if f"[{group}]\n{name} = {target}" not in points:
            yield f"entry_points.txt lacks {name} = {target} in {group}"


def rebuilt(*files: Path) -> Iterator[str]:
    """Build again from a clean copy of the commit: what is released must be what is committed."""
    with tempfile.TemporaryDirectory() as scratch:
        copy, out = Path(scratch) / "copy", Path(scratch) / "out"
        checked(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(copy)])
        checked(
            ["git", "checkout", "--quiet", run(["git", "rev-parse", "HEAD"], cwd=ROOT).stdout.strip()],
            cwd=copy,
        )
        checked([str(UV), "build", "--quiet", "--out-dir", str(out)], cwd=copy)
        for file in files:
            if not (out / file.name).is_file() or (out / file.name).read_bytes() != file.read_bytes():
                yield f"{file.name} differs from what HEAD builds; commit changes, remove untracked files"


def provenance(*files: Path) -> dict[str, str]:
    """Write which files came of which commit, as an in-toto statement; return the hash of each file."""
    digests = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    commit = run(["git", "rev-parse", "HEAD"], cwd=ROOT).stdout.strip()
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in digests.items()],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "make build",
                "externalParameters": {},
                "resolvedDependencies": [{"name": PACKAGE, "digest": {"gitCommit": commit}}],
            },
            "runDetails": {"builder": {"id": "scripts/release_check.py"}},
        },
    }
    place = ROOT / "build" / "provenance.json"
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps(statement, indent=2) + "\n", encoding="utf-8")
    return digests


@contextmanager
def index(folder: Path) -> Iterator[str]:
    """Serve an index of packages that anybody on this machine may upload to."""
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "pypiserver", "run", "--interface", "127.0.0.1", "--port", str(port)]
    command += ["--passwords", ".", "--authenticate", ".", "--disable-fallback", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(300):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                if process.poll() is not None:
                    raise SystemExit(f"{shlex.join(command)} ended with {process.returncode}")
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def from_index(python: Path, files: Sequence[Path], folder: Path) -> Iterator[str]:
    """Upload what was built, and install it with pip from where it was uploaded to."""
    digests, wheel = provenance(*files), files[0]
    name, version = wheel.name.split("-")[:2]
    own = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "TWINE_"))}
    with index(folder / "index") as url:
        upload = ["twine", "upload", "--disable-progress-bar", "--repository-url", url]
        checked(
            [sys.executable, "-m", *upload, "--username", "-", "--password", "-", *map(str, files)], env=own
        )
        report = folder / "report.json"
        install = [
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-cache-dir",
            "--report",
            str(report),
        ]
        # Only what was uploaded counts: the page of all its files, and nothing else, such as the settings of this user.
        source = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": f"{url}/packages/", "PIP_CONFIG_FILE": os.devnull}
        checked([str(python), "-m", *install, f"{name}=={version}"], env={**own, **source})
    (got,) = json.loads(report.read_text(encoding="utf-8"))["install"]
    digest = got["download_info"]["archive_info"]["hashes"]["sha256"]
    if digest != digests[wheel.name]:
        yield f"pip got a file of hash {digest}; {wheel.name} has {digests[wheel.name]}"


def installed(*files: Path) -> Iterator[str]:
    """Install the wheel with what it needs into an empty environment, and use it there as a stranger would."""
    wheel = files[0]
    pins = max(ROOT.glob("requirements/airflow-3.*.txt"), key=numbers)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        python = folder / "venv" / "bin" / "python"
        checked([str(UV), "venv", "--quiet", "--seed", "--python", sys.executable, str(folder / "venv")])
        checked(
            [
                str(UV),
                "pip",
                "install",
                "--quiet",
                "--python",
                str(python),
                "--constraint",
                str(pins),
                str(wheel),
            ]
        )
        # What it needs stays; the package itself comes from the index.
        checked([str(UV), "pip", "uninstall", "--quiet", "--python", str(python), PACKAGE])
        yield from from_index(python, files, folder)
        checked([str(UV), "pip", "check", "--quiet", "--python", str(python)])
        (folder / "dags").mkdir()
        (folder / "dags" / f"{EXAMPLE}.py").write_bytes(
            (ROOT / "dags_examples" / f"{EXAMPLE}.py").read_bytes()
        )
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AIRFLOW", "PYTHON", "VIRTUAL_ENV", "CLOCKIFY"))
        }
        environment = {
            **inherited,
            "AIRFLOW_HOME": str(folder / "home"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW_VAR_CLOCKIFY_OUTPUT": str(folder / "out"),
        }
        yield from in_it(python, environment, LOOK, ROOT, folder)
        with emulator(python, environment, folder) as connection:
            environment["AIRFLOW_CONN_CLOCKIFY_DEFAULT"] = connection
            for command in (["db", "migrate"], ["dags", "test", EXAMPLE, "2026-11-05"]):
                done = run([str(python), "-m", "airflow", *command], env=environment, cwd=folder)
                if done.returncode:
                    yield f"airflow {' '.join(command)} failed:\n{done.stdout}"
                    return
        yield from in_it(python, environment, COMPARE, folder)


def in_it(python: Path, environment: dict[str, str], code: str, *arguments: Path) -> Iterator[str]:
    cwd = arguments[-1]
    done = run([str(python), "-c", code, *map(str, arguments)], env=environment, cwd=cwd)
    if done.returncode:
        yield done.stdout


# Run by the other environment. ProvidersManager is what Airflow's own pages and commands ask.
LOOK = """
import sys
from importlib import import_module
from pathlib import Path
from airflow.providers_manager import ProvidersManager
import airflow_provider_clockify as package

root, folder = map(Path, sys.argv[1:])
assert folder in Path(package.__file__).parents, package.__file__
assert not any(root in [Path(each), *Path(each).parents] for each in sys.path), sys.path
manager = ProvidersManager()
provider = manager.providers["airflow-provider-clockify"]
assert provider.version == package.__version__, provider
(connection,) = provider.data["connection-types"]
assert set(connection["conn-fields"]) >= {"region", "workspace_id", "auth_type"}, connection
assert connection["ui-field-behaviour"]["relabeling"]["password"] == "API key", connection
hook = manager.hooks["clockify"]
assert hook.hook_name == "Clockify" and hook.package_name == "airflow-provider-clockify", hook
for kind in ("hooks", "operators", "sensors", "triggers", "transfers"):
    for entry in provider.data[kind]:
        for module in entry.get("python-modules") or [entry["python-module"]]:
            import_module(module)
"""

COMPARE = f"""
import json, sys
from datetime import datetime, timedelta, UTC
from pathlib import Path
from airflow_provider_clockify.testing import generate_workspace

day = datetime(2026, 11, 4, tzinfo=UTC)
month = (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
workspace = generate_workspace(entries={ENTRIES}, start=month[0], end=month[1])
truth = workspace.truth_ids(day, day + timedelta(days=1))
found = [path for path in (Path(sys.argv[1]) / "out").rglob("*") if path.is_file()]
(path,) = found
rows = [json.loads(line)["_id"] for line in path.read_bytes().splitlines()]
assert truth and sorted(rows) == sorted(truth), (len(rows), len(truth))
"""


@contextmanager
def emulator(python: Path, environment: dict[str, str], cwd: Path) -> Iterator[str]:
    """Start the emulator of the installed package, and give Airflow's connection to it."""
    window = ["--entries", str(ENTRIES), "--start", "2026-11-01", "--end", "2026-12-01"]
    command = [str(python), "-m", f"{PACKAGE}.testing", "--port", "0", *window]
    with subprocess.Popen(command, env=environment, cwd=cwd, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()  # type: ignore[union-attr]
            if "connection=" not in line:
                raise SystemExit(f"{shlex.join(command)} does not start: {line!r}")
            yield line.partition("connection=")[2].strip()
        finally:
            process.terminate()


def numbers(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path.stem)]


def run(command: Sequence[str], **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)  # type: ignore[call-overload, no-any-return]


def checked(command: Sequence[str], **options: object) -> None:
    done = run(command, **options)
    if done.returncode:
        raise SystemExit(f"{shlex.join(command)} failed:\n{done.stdout}")


if __name__ == "__main__":
    sys.exit(main())
