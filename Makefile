# make demo   run the digits demo and serve it     (ARGS="--no-serve": run it only)
# make test   everything that must hold before a change lands
# make help   the rest

SHELL := /bin/sh
PYTHON ?=
CHROMIUM ?=
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
GENERATED := ui/src/api/schema.gen.ts ui/src/api/vocabulary.gen.ts
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check
export CHROMIUM
# Hundreds of processes are started by the tests: none compiles the package again.
unexport PYTHONDONTWRITEBYTECODE

.NOTPARALLEL:
.PHONY: help install ui loops demo docs test lint format types page generated browser database proxies slurm mutation audit clean

help: ## say what can be made
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

install: $(READY) ## make .venv with all that the demo and the tests need

# The page is left out here because `ui` builds it with the Node that this installs.
$(READY): pyproject.toml requirements/constraints.txt scripts/make-venv
	@PYTHON="$(PYTHON)" scripts/make-venv $(VENV)
	$(PIP) install --quiet --upgrade --constraint requirements/constraints.txt pip
	COMPRESS_COMPARE_SKIP_UI=1 $(PIP) install --progress-bar off --constraint requirements/constraints.txt \
	  --group dev --editable '.[demo]'
	@touch $@

ui: install ## build the page into the package, if its sources changed
	@$(BIN)/python hatch_build.py

loops: install ## compile the loops of the statistics of weights
	@scripts/need-compiler
	@$(BIN)/python hatch_build.py loops || [ "$$CI" != true ]

demo: ui ## run the digits demo and serve it
	$(BIN)/compress-compare demo digits $(ARGS)

docs: install ## build the documentation as a site, in site/; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

test: ui loops browser database proxies slurm ## lint, types, page, then every Python and browser test
	@$(MAKE) lint generated
	@$(MAKE_COMMAND) types page > $(VENV)/checks 2>&1 & checks=$$!; scripts/run-tests $(ARGS); tests=$$?; \
	  wait $$checks || { cat $(VENV)/checks >&2; exit 1; }; exit $$tests

lint: install ## style and formatting of the Python code
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: install ## fix style and formatting, the page's too
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/python hatch_build.py npm run format

types: install ## strict type check of the Python code
	$(BIN)/mypy

page: install ## formatting, lint, types and unit tests of the page
	$(BIN)/python hatch_build.py npm run check
	$(BIN)/python hatch_build.py npm test
	$(BIN)/python hatch_build.py npm run renames

generated: install ## what the page knows of the server is up to date
	@cat $(GENERATED) > $(VENV)/generated.committed
	@PYTHON= $(BIN)/python hatch_build.py npm run types
	@cat $(GENERATED) | cmp -s - $(VENV)/generated.committed || \
	  { echo "$(GENERATED) did not match the server; they have been written anew: commit them." >&2; exit 1; }

mutation: install ## change the code at random places and see whether tests notice (long)
	$(BIN)/python scripts/mutate $(ARGS)

audit: install ## look for known vulnerabilities of the pinned packages, of Python and of the page (needs the network)
	$(PIP) install --quiet --constraint requirements/constraints.txt --group audit
	$(BIN)/pip-audit --requirement requirements/constraints.txt --disable-pip --no-deps
	$(BIN)/python hatch_build.py npm audit --audit-level=high

browser: ## make sure that the browser tests have a browser
	@scripts/need-chromium

database: ## make sure that the tests of projects on a database server have PostgreSQL
	@scripts/need-postgres

proxies: install ## make sure that the tests of what stands before a server have nginx and Caddy
	@scripts/need-proxies $(VENV)/proxies

slurm: install ## make sure that the tests of the engine for SLURM have a SLURM
	@scripts/need-slurm $(VENV)/slurm

clean: ## remove what was built (not runs/)
	rm -rf $(VENV) ui/node_modules src/compress_compare/server/static dist build site .mypy_cache .ruff_cache .pytest_cache test-results
