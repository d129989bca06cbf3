# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
#
# The first two are all that a newcomer needs. PYTHON=… names an interpreter (3.11 to 3.13).

AIRFLOW_3 := 3.3.2
AIRFLOW_2 := 2.11.2
ENV_3 := .venvs/airflow-$(AIRFLOW_3)
ENV_2 := .venvs/airflow-$(AIRFLOW_2)
ENV_BENCH := .venvs/bench
PYTHON ?=

.DEFAULT_GOAL := help
.PHONY: help demo test test-airflow-2 test-stack bench bench-sensors check format tables requirements build clean

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 20

demo: ## Export three days through a real Airflow, from the emulator or (with CLOCKIFY_API_KEY) from Clockify
	@scripts/environment.sh $(AIRFLOW_3) $(PYTHON)
	@$(ENV_3)/bin/python scripts/demo.py

test: ## Run the tests, on Airflow 3.3
	@scripts/environment.sh $(AIRFLOW_3) $(PYTHON)
	$(ENV_3)/bin/python -m pytest

test-airflow-2: ## Run the tests on Airflow 2.11
	@scripts/environment.sh $(AIRFLOW_2) $(PYTHON)
	$(ENV_2)/bin/python -m pytest

test-stack: ## Run the tests of a whole Airflow as processes, with PostgreSQL's server; takes minutes
	@scripts/environment.sh $(AIRFLOW_3) $(PYTHON)
	@$(ENV_3)/bin/uv pip install --quiet --python $(ENV_3)/bin/python --requirement requirements/stack.txt
	$(ENV_3)/bin/python -m pytest -m stack tests/stack

bench: ## Measure exports against their limits and dlt; FULL=1 adds a million entries, PROFILE=1 profiles, PLOT=file.png a plot
	@scripts/environment.sh $(AIRFLOW_3) $(PYTHON)
	@$(ENV_3)/bin/uv venv --quiet --allow-existing --python $(ENV_3)/bin/python $(ENV_BENCH)
	@$(ENV_3)/bin/uv pip sync --quiet --python $(ENV_BENCH)/bin/python requirements/bench.txt
	@$(ENV_3)/bin/python benchmarks/pipeline --tools $(ENV_BENCH)/bin/python \
		$(if $(FULL),--full) $(if $(PROFILE),--profile) $(if $(PLOT),--plot $(PLOT))

bench-sensors: ## Measure a thousand deferred sensors in one triggerer
	@scripts/environment.sh $(AIRFLOW_3) $(PYTHON)
	@$(ENV_3)/bin/python benchmarks/thousand_sensors.py 2>/dev/null

check: ## Static checks: style, types, import direction
	@scripts/environment.sh $(AIRFLOW_3) $(PYTHON)
	$(ENV_3)/bin/ruff check .
	$(ENV_3)/bin/ruff format --check .
	$(ENV_3)/bin/mypy
	$(ENV_3)/bin/lint-imports

format: ## Format the code
	@scripts/environment.sh $(AIRFLOW_3) $(PYTHON)
	$(ENV_3)/bin/ruff check --fix .
	$(ENV_3)/bin/ruff format .

tables: ## Write the column tables of the documentation from the code
	@scripts/environment.sh $(AIRFLOW_3) $(PYTHON)
	$(ENV_3)/bin/python scripts/column_tables.py

requirements: ## Pin the newest versions that the environments install
	@scripts/environment.sh $(AIRFLOW_3) $(PYTHON)
	scripts/pin.sh $(ENV_3)/bin/uv $(AIRFLOW_3) $(AIRFLOW_2)

build: ## Build wheel and sdist into dist/
	@scripts/environment.sh $(AIRFLOW_3) $(PYTHON)
	$(ENV_3)/bin/uv build --quiet --out-dir dist

clean: ## Remove the environments and everything built
	rm -rf .venvs dist build demo-output .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
