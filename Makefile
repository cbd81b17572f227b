# Everything runs in .venv, which is made when it is missing and brought up to date when pyproject.toml changes.
# Any Python from 3.11: `make test PYTHON=python3.12`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest --timeout 300
SOURCES := harness tests fixtures conftest.py

.PHONY: help demo test lint check bench docs clean

help:
	@echo "make demo    leavers against the embedded sandbox and a connector that forgets things; makes a report"
	@echo "make test    the test suite (ARGS='-k scim' is handed to pytest)"
	@echo "make check   all that CI asks: lint, format, strict types, tests, docs"
	@echo "make bench   how fast collection and the engine are on this machine"
	@echo "make docs    writes the generated pages again"

demo: $(VENV)/.sandbox
	@$(BIN)/exitproof demo $(ARGS)

# Real software is waited for more than worked with: several files of such tests go on at once.
test: $(VENV)/.dev
ifdef ARGS
	$(PYTEST) $(ARGS)
else
	$(PYTEST) -m "not real"
	$(PYTEST) -m real -n 4 --dist loadfile
endif

lint: $(VENV)/.dev
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy

check: lint test

bench: $(VENV)/.dev
	$(BIN)/python -m tests.bench

docs: $(VENV)/.dev
	$(BIN)/python -m tests.cli.page
	$(BIN)/python -m tests.library.page
	$(BIN)/python -m tests.library.detection
	$(BIN)/python -m tests.report.sample
	$(BIN)/python -m tests.report.lineage
	$(BIN)/python -m tests.real.page

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

# --- what has to be installed -------------------------------------------------------------------

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is missing or older than 3.11: name another one with 'make PYTHON=python3.12'" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "$(PYTHON) cannot make virtual environments: install its venv package (Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.sandbox: pyproject.toml | $(VENV)/.python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[sandbox]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/.python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.sandbox
