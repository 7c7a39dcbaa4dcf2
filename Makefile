# The few words a newcomer needs. Everything happens in .venv; nothing is installed elsewhere.
#   make run                     the whole path on this machine, with a sample pull request
#   make run ARGS=--once         the same, then exit
SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# The first of these that is Python 3.11 or later and can make a virtual environment.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$python && break; done)

.PHONY: help setup run test proofs-php proofs-mariadb proofs-pgbouncer check audit fuzz chaos bench lock clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.runtime  ## Install Cliffguard and its pinned dependencies into .venv
	@:

run: $(VENV)/.runtime  ## Review the sample pull request on this machine (ARGS=--once: then exit)
	@$(BIN)/cliffguard run $(ARGS)

test: $(VENV)/.development  ## Run the tests, with coverage (ARGS: for pytest)
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal --cov --cov-report=term $(ARGS)

proofs-php: $(VENV)/.development  ## Measure the N+1 rule's PHP examples, into its page (see CONTRIBUTING.md for what it needs)
	@$(BIN)/python -m tests.proofs php

proofs-mariadb: $(VENV)/.development  ## Measure what the rules say of MariaDB, into their pages (needs Debian's mariadb-server)
	@$(BIN)/python -m tests.proofs mariadb

proofs-pgbouncer: $(VENV)/.development  ## Measure what the connections rule says of PgBouncer, into its page (needs Debian's pgbouncer)
	@$(BIN)/python -m tests.proofs pgbouncer

check: $(VENV)/.development  ## Lint, check types and the architecture's contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

audit: $(BIN)/python  ## Look for known vulnerabilities of what is pinned (asks the registry)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet uv
	$(BIN)/uv tool run --python $(BIN)/python pip-audit --disable-pip --require-hashes \
		--requirement requirements-image.lock --requirement requirements-dev.lock

fuzz: $(VENV)/.development  ## Feed every frontend with what nobody wrote (EXAMPLES of each; the suite tries 25)
	@CLIFFGUARD_FUZZ=$(or $(EXAMPLES),2000) $(BIN)/python -m pytest -q tests/analyzers/frontends/test_fuzz.py $(ARGS)

chaos: $(VENV)/.development  ## Kill processes and spoil answers over 200 reviews, and count what is left (REVIEWS, SEED, MINUTES)
	@$(BIN)/python -m tests.chaos --reviews $(or $(REVIEWS),200) --seed $(or $(SEED),1) --minutes $(or $(MINUTES),10)

bench: $(VENV)/.development  ## Measure, on this machine (ARGS: extraction audit review receiver burst throughput; MIRRORS: folder of bare repositories)
	@$(BIN)/python -m bench $(ARGS)

lock: $(BIN)/python  ## Resolve the dependencies anew, into the three requirements*.lock
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet uv
	echo 'setuptools>=77' | $(COMPILE) pyproject.toml - -o requirements.lock
	echo 'setuptools>=77' | $(COMPILE) pyproject.toml - --all-extras -c requirements.lock -o requirements-image.lock
	echo 'setuptools>=77' | $(COMPILE) pyproject.toml - --all-extras --group dev -c requirements-image.lock -o requirements-dev.lock
COMPILE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
	--python-version 3.11 $(if $(UPGRADE),--upgrade)

clean:  ## Remove the environment and the local state
	rm -rf $(VENV) .cliffguard

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Cliffguard needs Python 3.11 or later, with its venv module, on the PATH." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# A second call finds the stamp and does nothing. The locks are complete: pip has nothing to resolve (--no-deps).
$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.development: requirements-dev.lock $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements-dev.lock
	@touch $@
