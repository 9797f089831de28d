# `make help` lists what there is. Everything runs in .venv, which is made
# here, so a fresh clone needs only Python 3.11 or newer, git and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PINS := third_party/constraints.txt
ARGS ?=

.PHONY: help test lint reproduce bench clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

test: $(VENV)/installed ## Run the tests (ARGS="tests/losses -k dice" for some)
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/installed ## Check style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy jaxseg experiments
	$(BIN)/lint-imports --config setup.cfg

reproduce: $(VENV)/installed ## Repeat the study on the phantom into runs/phantom
	$(BIN)/python -m experiments.reproduce $(ARGS)

bench: $(VENV)/installed ## Measure beside the peers (installs PyTorch)
	$(PIP) install --constraint $(PINS) --editable '.[benchmarks]'
	@set -e; for file in benchmarks/*_bench.py; do \
	  echo "== $$file"; $(BIN)/python -m "benchmarks.$$(basename "$$file" .py)" $(ARGS); done

clean: ## Remove the environment and what tools leave behind
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache \
	  .hypothesis .import_linter_cache

# The stamp is newer than what decides the environment, or it is made again.
$(VENV)/installed: setup.cfg pyproject.toml $(PINS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is older than 3.11 or missing; name a newer one:" \
	    "make PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu:" \
	    "apt install python3-venv"; exit 2; }
	$(PIP) install --constraint $(PINS) --editable '.[test,lint]'
	@touch $@
