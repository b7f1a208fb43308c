# Every target sets up what it needs, from the lock file, and is quick the second time.
PYTHON ?= python3
UV_VERSION := 0.13.9
SCALE ?= usual
SEEDS ?= 22
N ?= 200
SEED ?= 16
BIN := .venv/bin
UV := $(BIN)/uv
# Compiled once here, or every command compiles its imports anew where Python may not write beside them.
SYNC := $(UV) sync --quiet --frozen --inexact --compile-bytecode

.PHONY: run test test-slow test-browser study mutants check bench clean

run: .venv/.run
	$(BIN)/trackrecord nightly
	$(BIN)/trackrecord digest --plain

test: .venv/.dev
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

# SCALE=whole repeats every slow test as often as it can; CONTRIBUTING.md lists what `usual` leaves out.
test-slow: .venv/.dev
	TEST_SCALE=$(SCALE) $(BIN)/python -m pytest -m slow --timeout 3600 --numprocesses 2 --dist worksteal --durations 25

# Simulated panels through the product's own scoring: minutes; writes the tables of docs/methodology.md.
study: .venv/.dev
	$(BIN)/python -m tests.study --seeds $(SEEDS)

# A Chromium of the system's is taken as it is; else Playwright fetches its own.
test-browser: .venv/.browser
	$(BIN)/python -m pytest -m browser

check: .venv/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/sqlfluff lint sql flows/devserver/sql

# N random faults in the models and the scoring: hours; how many do the tests notice?
mutants: .venv/.dev
	$(BIN)/python -m tests.mutants --number $(N) --seed $(SEED) --processes 2

bench: .venv/.bench
	$(BIN)/python -m benchmarks.run

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis benchmarks/work

.venv/.uv:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "trackrecord needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	touch $@

.venv/.run: .venv/.uv uv.lock pyproject.toml
	$(SYNC)
	touch $@

.venv/.dev: .venv/.run
	$(SYNC) --group dev
	touch $@

.venv/.browser: .venv/.run
	$(SYNC) --group dev --group browser
	command -v chromium || command -v chromium-browser || command -v google-chrome \
		|| $(BIN)/playwright install --with-deps chromium \
		|| { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes chromium; }
	touch $@

.venv/.bench: .venv/.run
	$(SYNC) --group dev --group bench
	touch $@
