#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
#
# Pin the newest versions of everything the environments install, for every supported Python.
#
#   scripts/pin.sh UV AIRFLOW_VERSION …
#
# The files carry no index: which one serves the packages is the machine's business.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=$1
shift
pin() {
    "$uv" pip compile --quiet --upgrade --universal --python-version 3.11 --no-annotate --no-header "$@"
}
for airflow in "$@"; do
    pin pyproject.toml --all-extras --group test \
        --constraint <(echo "apache-airflow==$airflow") --output-file "requirements/airflow-$airflow.txt"
done
pin --group stack --output-file requirements/stack.txt
pin --group bench --output-file requirements/bench.txt
pin --group lint --constraint "requirements/airflow-$1.txt" --output-file requirements/lint.txt
