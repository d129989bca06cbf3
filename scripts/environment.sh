#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
#
# Make an environment below .venvs/ with one Airflow, this package and what its tests need.
#
#   scripts/environment.sh NAME [PYTHON [FOLDER]]
#
# NAME is one of requirements/versions.txt, FOLDER otherwise .venvs/NAME.
# Does nothing when it is there and the files that define it have not changed.
set -euo pipefail
cd "$(dirname "$0")/.."

name=$1
python=${2:-}
folder=${3:-.venvs/$name}
requirements=requirements/$name.txt
read -r _ airflow _ minors < <(grep "^$name " requirements/versions.txt) ||
    { echo "requirements/versions.txt has no $name." >&2 && exit 1; }
if [ -z "$python" ]; then
    for candidate in python3 python3.12 python3.11 python3.13 python; do
        if command -v "$candidate" >/dev/null &&
            "$candidate" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] not in '$minors'.split())" 2>/dev/null; then
            python=$candidate
            break
        fi
    done
fi
if [ -z "$python" ]; then
    echo "Needs Python ${minors// / or }; none was found. Name one: make PYTHON=/path/to/python3.12 …" >&2
    exit 1
fi

state=$(cat pyproject.toml "$requirements" requirements/lint.txt <("$python" --version) | cksum)
if [ "$(cat "$folder/state" 2>/dev/null)" = "$state" ]; then
    exit 0
fi

# Certificates that the machine trusts count here, too: behind a proxy that signs anew, no others do.
export UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-true}
certificates=$("$python" -c "import ssl; print(ssl.get_default_verify_paths().cafile or '')")
if [ -n "$certificates" ] && [ -z "${PIP_CERT:-}" ] && ! "$python" -m pip config list 2>/dev/null | grep -q "cert="; then
    export PIP_CERT=$certificates
fi

echo "Making $folder with $("$python" --version) and Airflow $airflow …"
rm -rf "$folder"
"$python" -m venv "$folder"
echo "  installing the installer …"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade uv
uv="$folder/bin/uv"
export VIRTUAL_ENV="$PWD/$folder" UV_LINK_MODE=copy
echo "  installing Airflow $airflow and $(wc -l <"$requirements") pinned packages …"
# Compiled at once: tests start Airflow again and again, some machines never keep what Python compiles.
"$uv" pip install --quiet --compile-bytecode --requirement "$requirements"
if [ "$folder" = "$(awk '!/^#/ { print ".venvs/" $1; exit }' requirements/versions.txt)" ]; then
    echo "  installing the static checks …"
    "$uv" pip install --quiet --requirement requirements/lint.txt
fi
echo "  installing this package …"
"$uv" pip install --quiet --no-deps --editable .
"$uv" pip check --quiet
echo "$state" >"$folder/state"
