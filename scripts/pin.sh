#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
#
# Pin everything that the environments of requirements/versions.txt install, for every supported Python.
#
#   scripts/pin.sh UV
#
# The days there make it reproducible. The files carry no index: which one serves the packages is the machine's business.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=$1
newest=
newest_day=
pin() {
    rm -f "${@: -1}" # else uv keeps what is pinned there
    "$uv" pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header "${@:1:$#-1}" --output-file "${@: -1}"
}
while read -r name airflow day _; do
    newest=${newest:-$name} newest_day=${newest_day:-$day}
    echo "Pinning $name, packages until $day …"
    case $name in
        lowest) resolution=lowest-direct ;;
        *) resolution=highest ;;
    esac
    more=() limits="apache-airflow==$airflow" extras=(--extra parquet --extra xlsx --extra zstd)
    case $name in # the providers of the databases are younger than the other environments
        airflow-3.3.2 | airflow-2.11.2) extras=(--all-extras) more=(--group tables) ;;
    esac
    case $airflow in
        # Its answers to mapped tasks fail with newer ones, on Python 3.12.
        3.0.*) more=(--group forms) limits+=$'\nfastapi<0.117' ;;
    esac
    case $name in
        *-s3) more+=(--group s3) extras+=(--extra iceberg) ;;
        *-celery) more+=(--group celery) ;;
        "$newest") more+=(--group readers) ;;
    esac
    pin pyproject.toml "${extras[@]}" ${more[@]+"${more[@]}"} --group test --resolution "$resolution" --exclude-newer "$day" \
        --constraint <(echo "$limits") "requirements/$name.txt"
done < <(grep -v '^#' requirements/versions.txt)
for group in stack lint release docs browser recipes; do # these come into the newest environment
    echo "Pinning $group …"
    pin --group "$group" --exclude-newer "$newest_day" --constraint "requirements/$newest.txt" "requirements/$group.txt"
done
for group in bench repository clients; do # in environments without Airflow
    echo "Pinning $group …"
    pin --group "$group" --exclude-newer "$newest_day" "requirements/$group.txt"
done
echo "Pinning dbt …"
# The same DuckDB, whose files both have; newer ones of dbt-core fetch a parser from elsewhere while they are installed.
pin --group dbt --exclude-newer "$newest_day" \
    --constraint <(grep '^duckdb==' "requirements/$newest.txt" && echo "dbt-core<1.12") requirements/dbt.txt
echo "Pinning clients-mcp …"
pin --group clients-mcp --no-deps --exclude-newer "$newest_day" requirements/clients-mcp.txt # what it needs is in clients
echo "Pinning iceberg-tools …"
# The extensions fit the version of DuckDB that has their number.
pin --group iceberg-tools --exclude-newer "$newest_day" --constraint <(echo "duckdb<2") requirements/iceberg-tools.txt
