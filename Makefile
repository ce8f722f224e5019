# Three commands: `make run` to talk, `make test` to check, `make install` for what both need. All are quick the second time.
PYTHON ?= python3
PIPELINE ?= default
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: install run test lint wheel clean

install: .venv/.installed

run: install
	@$(BIN)/vaidol serve $(PIPELINE)

test: .venv/.tested-with lint
	@$(BIN)/python -m pytest -n 2 --dist loadfile --max-worker-restart 0 -m "not alone"
	@$(BIN)/python -m pytest -m alone

lint: .venv/.tested-with
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@said=$$(PYTHONPATH=.typing $(BIN)/lint-imports 2>&1) || { echo "$$said"; exit 1; }

wheel: .venv/.tested-with
	@$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf .venv build dist *.egg-info

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "vaidol needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@echo "Making a virtual environment in .venv"
	@$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml setup.py models/catalogue.py | $(BIN)/python
	@echo "Installing vaidol and what it needs"
	@$(BIN)/python -m pip install --quiet --editable .
	@$(BIN)/vaidol models pull
	@touch $@

.venv/.tested-with: .venv/.installed
	@echo "Installing what the tests need"
	@$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $@
