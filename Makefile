# make demo   the quickstart in a real kernel that is killed half way (demo-output/)
# make test   everything CI runs           make check   what to run before each commit (< 1 min)
# make lab    JupyterLab with the notebooks make bench  the figures we promise
# make soak   the long forms of the tests   make faults the fault matrix as a table
# make clean  away with caches and demo-output
.DEFAULT_GOAL := check
.PHONY: peers demo test static front script check lab bench soak faults clean
SHELL := /bin/bash

# The first Python on the PATH that is new enough and can make environments.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys, sqlite3, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO_STAMP := $(VENV)/.installed-demo
# Byte code is written when a module is first used: that halves the time of a first installation. It must be
# written then, whatever the surroundings say: hundreds of processes would compile the same libraries again.
unexport PYTHONDONTWRITEBYTECODE
INSTALL := $(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check -c constraints.txt -e

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer found; set PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(STAMP): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing into $(VENV) …"
	@$(INSTALL) '.[dev]'
	@touch $@

$(DEMO_STAMP): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing into $(VENV) …"
	@$(INSTALL) '.[demo]'
	@touch $@

# Most tests wait for processes more than they compute: four at a time on two cores. Those of `check` compute:
# each further process would import and collect everything once more, for 10 s of CPU.
BESIDE := -n 4 --dist worksteal
COMPUTING := -n 2 --dist worksteal

# The JupyterLab extension's own checks: types (tsc --strict), eslint, unit tests (vitest).
FRONT := $(BIN)/python labextension/build.py --run

# The demo needs less than the tests do: on a fresh machine it waits only for that.
demo: $(if $(wildcard $(STAMP)),$(STAMP),$(DEMO_STAMP))
	@$(BIN)/python notebooks/demo.py

# Browsers apart: their driver runs an event loop of its own. Two at a time: one keeps a core busy.
test: $(STAMP)
	@$(MAKE) --no-print-directory -j 2 static front
	@$(BIN)/python -m pytest -q -m "not soak and not alone" --ignore=tests/browser $(BESIDE)
	@$(BIN)/python -m pytest -q -m "alone and not soak" --ignore=tests/browser
	@$(BIN)/python -m pytest -q -m "not soak and not alone" tests/browser -n 2 --dist worksteal
	@$(BIN)/python -m pytest -q -m "alone and not soak" tests/browser

static: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/mypy

front: $(STAMP)
	@$(BIN)/python labextension/build.py --link
	@$(MAKE) --no-print-directory script

script: $(STAMP)
	@$(FRONT) types lint test

check: $(STAMP)
	@$(MAKE) --no-print-directory -j 2 static script
	@$(BIN)/python -m pytest -q -m "not soak and not alone" tests/unit tests/laws tests/house $(COMPUTING)

lab: $(STAMP)
	@$(BIN)/python labextension/build.py --link
	@$(BIN)/jupyter lab notebooks

bench: $(STAMP)
	@$(BIN)/python benchmarks/bench.py

peers: $(STAMP)
	@$(BIN)/python benchmarks/peers.py

soak: $(STAMP)
	@$(BIN)/python -m pytest -q --timeout=3600

# Every row of tests/faults/matrix.py: what is done to a lab, whether it held, how long that took.
faults: $(STAMP)
	@$(BIN)/python -m pytest -q -p faults.table -m "row and not soak" --ignore=tests/browser $(BESIDE)

clean:
	@rm -rf demo-output build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
