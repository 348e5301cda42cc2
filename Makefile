# `make` alone lists what can be done. Twelve targets at most.
PYTHON ?= python3
BIN := .venv/bin
# Compiled modules are kept, whatever the environment says: the tests start Parvis many times.
export PYTHONDONTWRITEBYTECODE =

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/.demo  ## Serve a demonstration alliance at http://127.0.0.1:8000 (PORT=8080; FRESH=1 starts over)
	@$(BIN)/parvis demo $(if $(FRESH),--fresh) $(if $(PORT),--port $(PORT))

install: .venv/.demo  ## Install Parvis in .venv, and serve nothing
	@echo "Parvis is installed: $(BIN)/parvis --help"

test: .venv/.dev  ## Run every test that needs nothing but Python
	@$(BIN)/pytest -n 2 --dist worksteal

check: .venv/.dev  ## Format, lint, types, layers, translations, migrations
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy parvis tests bench tools conftest.py
	$(BIN)/lint-imports
	$(BIN)/python -m tools.translations check
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python -m django makemigrations --check --dry-run

fix: .venv/.dev  ## Format, mend what the linter can, bring the French catalogue up to date
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python -m tools.translations update

postgres: .venv/.dev  ## Run the same tests on a PostgreSQL made for the occasion
	@$(BIN)/python -m tools.postgres $(BIN)/pytest -n 2 --dist worksteal

browser: .venv/.browser  ## Run the tests that drive Chromium
	@$(BIN)/pytest --override-ini addopts=-q tests/browser

bench: .venv/.bench  ## Measure, and print each figure beside its target
	@$(BIN)/python -m bench

bench-gateway: .venv/.bench  ## Measure the data plane beside nginx, LiteLLM and the provider asked directly
	@$(BIN)/python -m bench.gateway

lock: .venv/.dev  ## Pin every dependency by hash, without addresses
	$(BIN)/python -m tools.lock

isolation: .venv/.bench  ## Attack isolation in full: 100,000 requests, and 1,000,000 statements on PostgreSQL
	@$(BIN)/python -m tools.postgres $(BIN)/python -m bench isolation

INSTALL = PYTHONUTF8=1 $(BIN)/python -m tools.install

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Parvis needs Python 3.11 or newer."; exit 2; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "Install Debian's python3-venv first."; exit 2; }

.venv/.demo: requirements.lock pyproject.toml | .venv/bin/python
	@echo "Installing Parvis (about a minute, once)…"
	@$(INSTALL) requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.demo
	@$(INSTALL) requirements-dev.lock
	@touch $@

.venv/.browser: requirements-browser.lock .venv/.dev
	@$(INSTALL) requirements-browser.lock
	@touch $@

.venv/.bench: requirements-bench.lock .venv/.dev
	@$(INSTALL) requirements-bench.lock
	@touch $@

.PHONY: help demo install test check fix postgres browser bench bench-gateway lock isolation
