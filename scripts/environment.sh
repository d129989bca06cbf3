#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
#
# Make an environment below .venvs/ with one Airflow, this package and what its tests need.
#
#   scripts/environment.sh AIRFLOW_VERSION [PYTHON]
#
# Does nothing when it is there and the files that define it have not changed.
set -euo pipefail
cd "$(dirname "$0")/.."

airflow=$1
python=${2:-}
case $airflow in
    2.*) newest=12 ;; # the newest Python that Airflow 2.11 runs on
    *) newest=13 ;;
esac
if [ -z "$python" ]; then
    for candidate in python3 python3.12 python3.11 python3.13 python; do
        if command -v "$candidate" >/dev/null &&
            "$candidate" -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, $newest))" 2>/dev/null; then
            python=$candidate
            break
        fi
    done
fi
if [ -z "$python" ]; then
    echo "Needs Python 3.11 to 3.$newest; none was found. Name one: make PYTHON=/path/to/python3.12 …" >&2
    exit 1
fi

folder=.venvs/airflow-$airflow
requirements=requirements/airflow-$airflow.txt
state=$(cat pyproject.toml "$requirements" requirements/lint.txt <("$python" --version) | cksum)
if [ "$(cat "$folder/state" 2>/dev/null)" = "$state" ]; then
    exit 0
fi

echo "Making $folder with $("$python" --version) and Airflow $airflow …"
rm -rf "$folder"
"$python" -m venv "$folder"
echo "  installing the installer …"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade uv
uv="$folder/bin/uv"
export VIRTUAL_ENV="$PWD/$folder" UV_LINK_MODE=copy
echo "  installing Airflow $airflow and $(wc -l <"$requirements") pinned packages …"
"$uv" pip install --quiet --requirement "$requirements"
if [ "$airflow" = "3.3.2" ]; then
    echo "  installing the static checks …"
    "$uv" pip install --quiet --requirement requirements/lint.txt
fi
echo "  installing this package …"
"$uv" pip install --quiet --no-deps --editable .
"$uv" pip check --quiet
echo "$state" >"$folder/state"
