# Everything sets itself up: only Python 3.11+, git and make are needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help demo test lint format conformance record clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, $(PYTHON) is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev --editable .
	@touch $@

demo: $(STAMP)  ## stream a recorded chat completion and a large file, offline
	@$(BIN)/python -m examples.demo

test: $(STAMP)  ## the tests, and the conformance suite on fasthttp
	$(BIN)/python -m pytest tests -q
	$(BIN)/python -m pytest conformance -q

conformance: $(STAMP)  ## judge a session: make conformance SESSION=module:attribute
	$(BIN)/python -m pytest conformance $(if $(SESSION),--session $(SESSION))

lint: $(STAMP)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP)  ## let ruff rewrite what it can
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

record: .venv-record/.installed  ## record the cassettes anew from real servers on loopback
	.venv-record/bin/python -m conformance.record

.venv-record/.installed: pyproject.toml
	$(PYTHON) -m venv .venv-record
	.venv-record/bin/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	.venv-record/bin/python -m pip install --quiet --disable-pip-version-check --group record --editable .
	@touch $@

clean:  ## remove the environments and caches
	rm -rf $(VENV) .venv-record .mypy_cache .pytest_cache .ruff_cache .hypothesis dist site
