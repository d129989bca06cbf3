# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
#
# The first two are all that a newcomer needs. PYTHON=… names an interpreter (3.11 to 3.13).

AIRFLOW_3 := 3.3.2
AIRFLOW_2 := 2.11.2
ENV_3 := .venvs/airflow-$(AIRFLOW_3)
ENV_2 := .venvs/airflow-$(AIRFLOW_2)
ENV_BENCH := .venvs/bench
ENV_REPOSITORY := .venvs/repository
ENV_DBT := .venvs/dbt
ENV_CLIENTS := .venvs/clients
PYTHON ?=
# Processes that the tests run in. Much of their time is waiting, so there are more than cores of a small machine.
WORKERS ?= 4
# The tests of this repository, rewritten by pytest, are compiled once, whatever the machine says.
PARALLEL := --numprocesses $(WORKERS) --dist worksteal
PYTEST := env PYTHONDONTWRITEBYTECODE= $(ENV_3)/bin/python -m pytest

# Certificates that the machine trusts count for uv, too: behind a proxy that signs anew, no others do.
export UV_SYSTEM_CERTS ?= true

.DEFAULT_GOAL := help
.PHONY: help demo ui test test-airflow-2 test-kit test-stack test-s3 test-tables test-iceberg test-recipes test-dbt test-browser matrix faults kills bench bench-import bench-tables bench-iceberg bench-sensors bench-celery \
	check check-repository sbom docs docs-look screenshots format tables requirements build release-check clean

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 20

demo: ## Export three days through a real Airflow, and keep them in a DuckDB table, from the emulator or (with CLOCKIFY_API_KEY) from Clockify
	@scripts/environment.sh airflow-$(AIRFLOW_3) $(PYTHON)
	@$(ENV_3)/bin/python scripts/demo.py

ui: ## Show the example DAGs, an emulated workspace and a connection in Airflow's web page; Ctrl-C ends it
	@scripts/environment.sh airflow-$(AIRFLOW_3) $(PYTHON)
	@exec $(ENV_3)/bin/python scripts/ui.py

test: ## Run the tests, on Airflow 3.3; COVERAGE=1 measures which branches of the package they reach
	@scripts/environment.sh airflow-$(AIRFLOW_3) $(PYTHON)
	$(PYTEST) $(PARALLEL) $(if $(COVERAGE),--cov --cov-report term)

test-airflow-2: ## Run the tests on Airflow 2.11; TESTS="tests/unit tests/wire" chooses folders
	@scripts/environment.sh airflow-$(AIRFLOW_2) $(PYTHON)
	env PYTHONDONTWRITEBYTECODE= $(ENV_2)/bin/python -m pytest $(PARALLEL) $(TESTS)

test-kit: ## Run the tests of what the tests use
	@scripts/environment.sh airflow-$(AIRFLOW_3) $(PYTHON)
	$(PYTEST) $(PARALLEL) -m kit tests/kit

test-stack: ## Run the tests of a whole Airflow as processes, with PostgreSQL's server; takes minutes
	@scripts/environment.sh airflow-$(AIRFLOW_3) $(PYTHON)
	@$(ENV_3)/bin/uv pip install --quiet --python $(ENV_3)/bin/python --requirement requirements/stack.txt
	$(ENV_3)/bin/python -m pytest -m stack tests/stack

test-s3: ## Run the tests of object storage against an S3 server on this machine, in an environment of their own
	@scripts/environment.sh airflow-$(AIRFLOW_3)-s3 $(PYTHON)
	$(ENV_3)-s3/bin/python -m pytest -m s3 tests/s3
	$(ENV_3)-s3/bin/python -m pytest tests/airflow/test_assets.py

.PHONY: test-clients
test-clients: ## Run other people's clients of Clockify against the emulator, and print what each gets wrong; ONLY=… chooses one
	@scripts/environment.sh airflow-$(AIRFLOW_3) $(PYTHON)
	@$(ENV_3)/bin/uv venv --quiet --allow-existing --python $(ENV_3)/bin/python $(ENV_CLIENTS)
	@$(ENV_3)/bin/uv pip sync --quiet --python $(ENV_CLIENTS)/bin/python requirements/clients.txt
	@$(ENV_3)/bin/uv pip install --quiet --python $(ENV_CLIENTS)/bin/python --target $(ENV_CLIENTS)/mcp --no-deps --requirement requirements/clients-mcp.txt
	@mkdir -p $(ENV_CLIENTS)/node && cp tests/clients/package.json $(ENV_CLIENTS)/node/
	@cd $(ENV_CLIENTS)/node && npm install --silent --no-audit --no-fund --no-package-lock || echo "npm installed nothing." >&2
	@$(ENV_3)/bin/python tests/clients/harness.py --python $(ENV_CLIENTS)/bin/python --mcp $(ENV_CLIENTS)/mcp --node $(ENV_CLIENTS)/node \
		$(if $(ONLY),--only $(ONLY))

KILLS ?= 200
kills: ## Kill KILLS=200 exports at random points, and compare what is left and what the next run makes
	@scripts/environment.sh airflow-$(AIRFLOW_3) $(PYTHON)
	@$(ENV_3)/bin/python tests/kills/harness.py --kills $(KILLS)

faults: ## Print what every fault does to every kind of task: right, or refused and nothing published
	@scripts/environment.sh airflow-$(AIRFLOW_3) $(PYTHON)
	@$(ENV_3)/bin/python -m pytest -qq --no-header -r N --tb=no -W ignore tests/faults

test-tables: ## Run the long tests of tables: thirty nights, kills, pgbouncer, the demo; needs PostgreSQL's server, takes ten minutes
	@scripts/environment.sh airflow-$(AIRFLOW_3) $(PYTHON)
	$(ENV_3)/bin/python -m pytest -s -m tables tests/tables

test-recipes: ## Parse the recipes of warehouses for their dialects, and run those that an engine here understands
	@scripts/environment.sh airflow-$(AIRFLOW_3) $(PYTHON)
	@$(ENV_3)/bin/uv pip install --quiet --python $(ENV_3)/bin/python --requirement requirements/recipes.txt
	$(ENV_3)/bin/python -m pytest -m recipes tests/recipes

test-dbt: ## Load tables, run dbt on them with DuckDB and PostgreSQL (skipped without its server), compare with the reports
	@scripts/environment.sh airflow-$(AIRFLOW_3) $(PYTHON)
	@$(ENV_3)/bin/uv venv --quiet --allow-existing --python $(ENV_3)/bin/python $(ENV_DBT)
	@$(ENV_3)/bin/uv pip sync --quiet --python $(ENV_DBT)/bin/python requirements/dbt.txt
	CLOCKIFY_DBT=$(CURDIR)/$(ENV_DBT)/bin/dbt $(ENV_3)/bin/python -m pytest -m dbt tests/airflow/test_example_finance_mart.py

test-iceberg: iceberg-tools ## Run the long tests of Iceberg tables, with a REST catalog and DuckDB's own reader; takes minutes
	$(ENV_3)/bin/python -m pytest -s -m tables $(wildcard tests/tables/test_iceberg_*.py)

.PHONY: iceberg-tools
iceberg-tools:
	@scripts/environment.sh airflow-$(AIRFLOW_3) $(PYTHON)
	@$(ENV_3)/bin/uv venv --quiet --allow-existing --python $(ENV_3)/bin/python .venvs/iceberg-tools
	@$(ENV_3)/bin/uv pip sync --quiet --python .venvs/iceberg-tools/bin/python requirements/iceberg-tools.txt

test-browser: browser ## Look at the form, the Test button and runs in Chromium, on Airflow 3.3 and 2.11; takes minutes
	PYTHON_OF_AIRFLOW_2=$(ENV_2)/bin/python $(ENV_3)/bin/python -m pytest -m browser tests/browser

screenshots: browser ## Write the pictures of the documentation, with Chromium
	$(ENV_3)/bin/python scripts/screenshots.py $(ENV_2)/bin/python

.PHONY: browser
browser:
	@scripts/environment.sh airflow-$(AIRFLOW_3) $(PYTHON)
	@scripts/environment.sh airflow-$(AIRFLOW_2) $(PYTHON)
	@$(ENV_3)/bin/uv pip install --quiet --python $(ENV_3)/bin/python --requirement requirements/browser.txt

.PHONY: live
live: ## Settle with your own account what is assumed about the service: 28 reads; needs CLOCKIFY_API_KEY
	@scripts/environment.sh airflow-$(AIRFLOW_3) $(PYTHON)
	@$(ENV_3)/bin/python -m airflow_provider_clockify.conformance --key-from-env; status=$$?; \
		test $$status -le 1 && $(ENV_3)/bin/python -m pytest -m live tests/live && exit $$status

matrix: ## Test on every supported Airflow and Python; LINES="3.1.8:3.12 lowest" chooses
	@WORKERS=$(WORKERS) python3 scripts/matrix.py $(LINES)

bench-import: ## Measure what importing this package and parsing the examples costs
	@scripts/environment.sh airflow-$(AIRFLOW_3) $(PYTHON)
	@$(ENV_3)/bin/python benchmarks/import_cost.py

bench: ## Measure exports against their limits and dlt; FULL=1 adds a million entries, PROFILE=1 profiles, PLOT=file.png a plot
	@scripts/environment.sh airflow-$(AIRFLOW_3) $(PYTHON)
	@$(ENV_3)/bin/uv venv --quiet --allow-existing --python $(ENV_3)/bin/python $(ENV_BENCH)
	@$(ENV_3)/bin/uv pip sync --quiet --python $(ENV_BENCH)/bin/python requirements/bench.txt
	@$(ENV_3)/bin/python benchmarks/pipeline --tools $(ENV_BENCH)/bin/python \
		$(if $(FULL),--full) $(if $(PROFILE),--profile) $(if $(PLOT),--plot $(PLOT))

ROWS ?= 200000
bench-tables: ## Measure loads of ROWS=200000 rows into PostgreSQL beside insert_rows and dlt, and which are exact; needs its server
	@scripts/environment.sh airflow-$(AIRFLOW_3) $(PYTHON)
	@$(ENV_3)/bin/uv venv --quiet --allow-existing --python $(ENV_3)/bin/python $(ENV_BENCH)
	@$(ENV_3)/bin/uv pip sync --quiet --python $(ENV_BENCH)/bin/python requirements/bench.txt
	@$(ENV_3)/bin/python benchmarks/tables.py --rows $(ROWS) --tools $(ENV_BENCH)/bin/python \
		$(if $(ONLY),--only $(ONLY)) $(if $(TURNS),--turns $(TURNS)) $(if $(PROFILE),--profile)

bench-iceberg: ## Measure loads of ROWS=200000 rows into an Iceberg table, and what they hold in memory
	@scripts/environment.sh airflow-$(AIRFLOW_3) $(PYTHON)
	@$(ENV_3)/bin/python benchmarks/iceberg.py --rows $(ROWS) $(if $(TURNS),--turns $(TURNS)) $(if $(PROFILE),--profile)

bench-sensors: ## Measure a thousand deferred sensors in one triggerer
	@scripts/environment.sh airflow-$(AIRFLOW_3) $(PYTHON)
	@$(ENV_3)/bin/python benchmarks/thousand_sensors.py 2>/dev/null

bench-celery: ## Measure a year's backfill on one and two Celery workers; needs PostgreSQL's and Redis' servers, takes ten minutes
	@scripts/environment.sh airflow-$(AIRFLOW_3)-celery $(PYTHON)
	@$(ENV_3)-celery/bin/python benchmarks/celery_backfill.py

check: ## Static checks: style, types, import direction, names, and the language of the documentation
	@scripts/environment.sh airflow-$(AIRFLOW_3) $(PYTHON)
	$(ENV_3)/bin/ruff check .
	$(ENV_3)/bin/ruff format --check .
	$(ENV_3)/bin/mypy
	$(ENV_3)/bin/lint-imports
	$(ENV_3)/bin/codespell
	$(PYTEST) --quiet tests/unit/test_tree.py tests/unit/test_docs_style.py

check-repository: ## Check the workflows and what else code hosts read, without the network
	@scripts/environment.sh airflow-$(AIRFLOW_3) $(PYTHON)
	@$(ENV_3)/bin/uv venv --quiet --allow-existing --python $(ENV_3)/bin/python $(ENV_REPOSITORY)
	@$(ENV_3)/bin/uv pip sync --quiet --python $(ENV_REPOSITORY)/bin/python requirements/repository.txt
	$(ENV_REPOSITORY)/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(ENV_REPOSITORY)/bin/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(ENV_REPOSITORY)/bin/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(ENV_REPOSITORY)/bin/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/idea.yml
	$(ENV_REPOSITORY)/bin/check-jsonschema --builtin-schema vendor.readthedocs .readthedocs.yaml
	$(ENV_REPOSITORY)/bin/zizmor --offline --quiet --persona pedantic .github

sbom: build ## List what the wheel brings with it, as CycloneDX, into build/sbom.cdx.json
	@$(ENV_3)/bin/uv venv --quiet --allow-existing --python $(ENV_3)/bin/python $(ENV_REPOSITORY)
	@$(ENV_3)/bin/uv pip sync --quiet --python $(ENV_REPOSITORY)/bin/python requirements/repository.txt
	@rm -rf build/venv && mkdir -p build
	@$(ENV_3)/bin/uv venv --quiet build/venv --python $(ENV_3)/bin/python
	@$(ENV_3)/bin/uv pip install --quiet --python build/venv/bin/python --constraint requirements/airflow-$(AIRFLOW_3).txt dist/*.whl
	@$(ENV_REPOSITORY)/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --output-file build/sbom.cdx.json build/venv
	@rm -rf build/venv && echo "The list is in build/sbom.cdx.json."

docs: ## Build the documentation into docs/_build/html, warnings as errors
	@scripts/environment.sh airflow-$(AIRFLOW_3) $(PYTHON)
	@$(ENV_3)/bin/uv pip install --quiet --python $(ENV_3)/bin/python --requirement requirements/docs.txt
	@$(ENV_3)/bin/python -m sphinx --builder html --fresh-env --nitpicky --fail-on-warning --keep-going --quiet --jobs auto docs docs/_build/html
	@echo "The documentation is in docs/_build/html; begin with docs/_build/html/index.html."

docs-look: docs ## Take pictures of every page of the documentation, 400 and 1280 pixels wide, and name those that scroll sideways
	@$(ENV_3)/bin/uv pip install --quiet --python $(ENV_3)/bin/python --requirement requirements/browser.txt
	@$(ENV_3)/bin/python scripts/docs_widths.py

format: ## Format the code
	@scripts/environment.sh airflow-$(AIRFLOW_3) $(PYTHON)
	$(ENV_3)/bin/ruff check --fix .
	$(ENV_3)/bin/ruff format .

tables: ## Write column tables, example code, assumptions, diagrams and recipes of the documentation from the code
	@scripts/environment.sh airflow-$(AIRFLOW_3) $(PYTHON)
	$(ENV_3)/bin/python scripts/column_tables.py
	$(ENV_3)/bin/python scripts/example_code.py
	$(ENV_3)/bin/python scripts/assumption_table.py
	$(ENV_3)/bin/python scripts/diagrams.py
	$(ENV_3)/bin/python scripts/recipe_pages.py

requirements: ## Pin what the environments install, as requirements/versions.txt says
	@scripts/environment.sh airflow-$(AIRFLOW_3) $(PYTHON)
	scripts/pin.sh $(ENV_3)/bin/uv

build: ## Build wheel and sdist into dist/
	@scripts/environment.sh airflow-$(AIRFLOW_3) $(PYTHON)
	@rm -rf dist
	$(ENV_3)/bin/uv build --quiet --out-dir dist

release-check: build ## Check what is in dist/, install it into a bare Airflow and run a DAG with it
	@$(ENV_3)/bin/uv pip install --quiet --python $(ENV_3)/bin/python --requirement requirements/release.txt
	@$(ENV_3)/bin/python scripts/release_check.py

clean: ## Remove the environments and everything built
	rm -rf .venvs .ui dist build demo-output .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage .coverage.*
