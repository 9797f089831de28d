# `make help` lists what there is. Everything runs in .venv, which is made
# here, so a fresh clone needs only Python 3.11 or newer, git and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PINS := third_party/constraints.txt
BENCH_PINS := third_party/constraints-benchmarks.txt
# Processes that share the tests, by file; JOBS=0 is this process alone.
JOBS ?= auto
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist loadfile \
  --no-loadscope-reorder
ARGS ?=

.PHONY: help test test-all test-slow durations lint reproduce bench wheel clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

test: $(VENV)/installed ## Run the quick tests (ARGS="tests/losses -k dice" for some)
	$(PYTEST) -m "not slow" $(ARGS)

test-all: $(VENV)/installed ## Run every test, the slow ones too
	$(PYTEST) $(ARGS)

test-slow: $(VENV)/installed ## Run only what `make test` leaves out
	$(PYTEST) -m slow $(ARGS)

durations: $(VENV)/installed ## Name the 40 slowest of the quick tests
	$(PYTEST) -m "not slow" --durations=40 --durations-min=0.5 $(ARGS)

lint: $(VENV)/installed ## Check style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy jaxseg experiments
	$(BIN)/lint-imports --config setup.cfg

reproduce: $(VENV)/installed ## Repeat the study on the phantom into runs/phantom
	$(BIN)/python -m experiments.reproduce $(ARGS)

bench: $(VENV)/installed ## Measure beside the peers (installs PyTorch)
	$(PIP) install --constraint $(PINS) --constraint $(BENCH_PINS) \
	  --editable '.[benchmarks]'
	@set -e; for file in benchmarks/*_bench.py; do \
	  echo "== $$file"; $(BIN)/python -m "benchmarks.$$(basename "$$file" .py)" $(ARGS); done

wheel: $(VENV)/installed ## Build the source distribution and the wheel into dist/
	$(BIN)/python -m build

clean: ## Remove the environment and what tools leave behind
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache \
	  .hypothesis .import_linter_cache

# The stamp is newer than what decides the environment, or it is made again.
$(VENV)/installed: setup.cfg setup.py pyproject.toml $(PINS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is older than 3.11 or missing; name a newer one:" \
	    "make PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu:" \
	    "apt install python3-venv"; exit 2; }
	$(PIP) install --constraint $(PINS) --editable '.[all,test,lint]'
	@touch $@
