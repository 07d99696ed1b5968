# riskadj sets itself up: with Python 3.11 or newer and make, `make demo` and `make test` are all there is to type.
# Everything is installed into .venv; another interpreter: `make test PYTHON=python3.12`.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV   ?= .venv
BIN    := $(VENV)/bin
DEMO   ?= build/demo
# What a change is tested with; `make test EXTRAS=dev,spark` also runs the tests that need Spark (and Java).
EXTRAS ?= dev

# The first interpreter that is new enough and can make a virtual environment; looked for only when .venv is missing.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3 python; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& echo $$python && break; done)

# Two stamps: what a run needs, and what a change needs. Both are renewed when pyproject.toml changes.
RUN := $(VENV)/.installed
DEV := $(VENV)/.installed-dev

.PHONY: help demo test lint format types maps-check notebooks docs stress fuzz installs bench bench-smoke accuracy wheel clean distclean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## */\1|/p' Makefile | while IFS='|' read -r target text; do \
		printf '  make %-12s %s\n' "$$target" "$$text"; done

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "no Python 3.11 or newer with venv was found; install one (on Debian also its" \
		"python3-venv package) or name it: make PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(RUN): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(DEV): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(EXTRAS)]'
	@touch $(RUN) $@

demo: $(RUN)  ## score the bundled synthetic extract and show the results
	$(BIN)/riskadj demo --output $(DEMO) --overwrite

# pytest comes last: its closing line says how many tests passed.
test: $(DEV)  ## everything that has to pass: lint, types, tables, benchmark smoke run, tests, notebooks
	@$(MAKE) lint
	@$(MAKE) types
	@$(MAKE) maps-check
	@$(MAKE) bench-smoke
	$(BIN)/python -m pytest

lint: $(DEV)  ## formatting, lint rules and import floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo

format: $(DEV)  ## put the code into the house format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: $(DEV)  ## type check
	$(BIN)/mypy

maps-check: $(DEV)  ## every model table: seals, sources and the laws across tables
	$(BIN)/riskadj maps check

notebooks: $(DEV)  ## run every notebook from top to bottom
	$(BIN)/python -m pytest tests/notebooks

stress: $(DEV)  ## a thousand runs killed at random moments, three thousand damaged files of every kind
	$(BIN)/python -m tests.stress.hurt --kills 1000
	$(BIN)/python -m tests.stress.damage --times 3000

fuzz: $(DEV)  ## a minute of fuzzing for every kind of file, led by the code it reaches (Linux on x86)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,fuzz]'
	$(BIN)/python -m tests.stress.fuzz --seconds 60

installs: $(DEV)  ## wheel and sdist in clean environments: each Python there is, oldest and newest dependencies
	$(BIN)/python -m tests.stress.installs

docs: $(DEV)  ## the documentation site, into build/site
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet
	@echo "open build/site/index.html"

bench: $(DEV)  ## the benchmarks, with the peers they compare with
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,bench]'
	$(BIN)/python -m benchmarks

bench-smoke: $(DEV)  ## the benchmarks on a small extract: do they run, and do the peers agree
	$(BIN)/python -m benchmarks --smoke

accuracy: $(DEV)  ## score all cases and random members with everybody; explain every difference
	$(BIN)/python -m benchmarks.accuracy --write

wheel: $(DEV)  ## build dist/*.whl and dist/*.tar.gz
	$(BIN)/python -m build --quiet --outdir dist .

clean:  ## remove what runs leave behind
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean  ## clean, and remove the virtual environment
	rm -rf $(VENV)
