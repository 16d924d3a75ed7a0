# make demo   the quickstart in a real kernel that is killed half way (demo-output/)
# make test   everything CI runs           make check   what to run before each commit (< 1 min)
# make lab    JupyterLab with the notebooks make bench  the figures we promise
# make soak   the long forms of the tests   make clean  away with caches and demo-output
.DEFAULT_GOAL := check
.PHONY: demo test check lab bench soak clean
SHELL := /bin/bash

# The first Python on the PATH that is new enough and can make environments.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys, sqlite3, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer found; set PYTHON=/path/to/python3"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(STAMP)
	@$(BIN)/python notebooks/demo.py

test: $(STAMP)
	@$(BIN)/python -m pytest -q -m "not soak" --ignore=tests/browser
	@$(BIN)/python -m pytest -q tests/browser        # apart: the browser's driver runs an event loop of its own

check: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q -m "not soak" tests/unit tests/laws tests/house

lab: $(STAMP)
	@$(BIN)/jupyter lab notebooks

bench: $(STAMP)
	@$(BIN)/python benchmarks/bench.py

soak: $(STAMP)
	@$(BIN)/python -m pytest -q --timeout=3600

clean:
	@rm -rf demo-output build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
