# Every target works in a bare clone: Python 3.11 or newer, git and make are all it takes. The
# environments are made once; `make PYTHON=python3.14 test` makes them anew for that Python.
PYTHON ?= python3
VENV := .venv
RECORD := .venv-record
DOCS := .venv-docs
FUZZ := .venv-fuzz
AXE := 4.14.1
BIN := $(VENV)/bin

.PHONY: help demo test conformance peers lint format record bench bench-quick clean outdated
.PHONY: docs docs-serve docs-test kill-matrix drift fuzz matrix
.DEFAULT_GOAL := help

help:  ## this list
	@sed -nE 's/^([a-z-]+):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name text; \
	do printf '  make %-12s %s\n' "$$name" "$$text"; done

demo: $(VENV)/.installed  ## stream a recorded chat completion and a large file, offline
	@$(BIN)/python -m examples.demo

test: $(VENV)/.installed  ## the tests, and the conformance suite on fasthttp
	$(BIN)/python -m pytest tests -n 4
	$(BIN)/python -m pytest conformance -n auto

conformance: $(VENV)/.installed  ## judge a session: make conformance SESSION=module:attribute
	$(BIN)/python -m pytest conformance $(if $(SESSION),--session $(SESSION))

# A fixed seed: what only some searches find must not be news every other day. Lifecycle is left to
# a run by hand: it depends on how busy the machine is.
peers: $(VENV)/.installed  ## judge other people's clients, by their baselines
	$(BIN)/python -m pytest conformance -q --hypothesis-seed=0 \
		-k "not lifecycle and not zstd and not bytes-coding-list" \
		--session conformance.peers.httpx.session:Session \
		--baseline conformance/peers/httpx/baseline.toml
	$(BIN)/python -m pytest conformance -q --hypothesis-seed=0 --claims documented \
		--session tests.second_session:SecondSession

matrix: $(VENV)/.installed  ## judge other people's clients, each in its own environment; keep the results
	$(BIN)/python -m conformance.peers $(CLIENTS)

kill-matrix: $(VENV)/.installed  ## try every saboteur against every requirement
	$(BIN)/python -m tests.kill_matrix $(if $(OUT),--out $(OUT))

fuzz: $(FUZZ)/.installed  ## search for what breaks a property: make fuzz SECONDS=600
	$(FUZZ)/bin/python -m tests.fuzz $(or $(SECONDS),600)

lint: $(VENV)/.installed  ## ruff and mypy
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

format: $(VENV)/.installed  ## let ruff rewrite what it can
	$(BIN)/python -m ruff check --fix-only --quiet .
	$(BIN)/python -m ruff format .

record: $(RECORD)/.installed  ## record the cassettes anew, from real servers on loopback
	$(RECORD)/bin/python -m conformance.record

drift: $(RECORD)/.installed  ## compare the cassettes with what the servers say today
	$(RECORD)/bin/python -m conformance.record --check
	$(RECORD)/bin/python -m pytest conformance --live -q -k live-server

bench: $(VENV)/.installed  ## fasthttp and its peers on the same work, in one run
	$(BIN)/python -m benchmarks

bench-quick: $(VENV)/.installed  ## the same with a tenth of the work
	$(BIN)/python -m benchmarks --quick

docs: $(DOCS)/.installed  ## build the site into site/, strictly
	$(DOCS)/bin/python -m docs.generate
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --strict --quiet

docs-serve: $(DOCS)/.installed  ## show the site on loopback while you write
	$(DOCS)/bin/python -m docs.generate
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs serve

docs-test: docs $(DOCS)/node_modules/axe-core/axe.min.js  ## look at the site with Chromium and axe-core
	$(DOCS)/bin/python -m pytest tests/site

$(DOCS)/node_modules/axe-core/axe.min.js: $(DOCS)/.installed
	npm install --silent --no-save --no-package-lock --prefix $(DOCS) axe-core@$(AXE)

clean:  ## remove the environments and the caches
	rm -rf $(VENV) $(RECORD) $(DOCS) $(FUZZ) .venv-bench .venv-peers .mypy_cache .pytest_cache .ruff_cache .hypothesis dist site
	rm -rf docs/generated docs/conformance/clients docs/assets/plots docs/llms.txt docs/llms-full.txt

# The environments. A stamp that names another checkout, a Python that is gone, or another PYTHON
# than the one asked for: each makes an environment outdated, as a newer pyproject.toml does.
chosen := $(if $(filter-out file,$(origin PYTHON)),$(shell \
	$(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null))
state = $(shell test "$$(cat $(1)/.installed 2>/dev/null)" = "$(CURDIR)" && test -x $(1)/bin/python \
	$(if $(chosen),&& test -d $(1)/lib/python$(chosen)) || echo outdated)

define environment
	@command -v "$(PYTHON)" >/dev/null || { \
		echo "There is no $(PYTHON) here. Python 3.11 or newer is needed: make PYTHON=..." >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; v = sys.version.split()[0]; sys.exit(sys.version_info < (3, 11) and \
		"Python 3.11 or newer is needed; $(PYTHON) is " + v + ": make PYTHON=...")'
	@"$(PYTHON)" .ci/environment.py $(1) $(2)
endef

$(VENV)/.installed: pyproject.toml $(call state,$(VENV))
	$(call environment,$(VENV),dev)

$(RECORD)/.installed: pyproject.toml $(call state,$(RECORD))
	$(call environment,$(RECORD),record)

$(FUZZ)/.installed: pyproject.toml $(call state,$(FUZZ))
	$(call environment,$(FUZZ),fuzz)

$(DOCS)/.installed: pyproject.toml $(call state,$(DOCS))
	$(call environment,$(DOCS),docs)
