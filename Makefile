# Needs Python 3.11 or newer and make; everything else is installed into .venv, as requirements.lock and requirements-dev.lock
# pin it. `make lock` makes them anew.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOOLS := $(VENV)/tools
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile
# test_register.py scans, with kernels that need compiled code
UNCOMPILED := tests/compute $(filter-out tests/indicators/test_register.py,$(wildcard tests/indicators/test_*.py)) tests/trading/test_fills.py tests/trading/test_accounts.py
LOCK := $(TOOLS)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	--no-emit-index-url --no-emit-find-links pyproject.toml

.PHONY: demo test lint fuzz mutants coverage audit lock bench clean

demo: $(VENV)/installed
	$(BIN)/barsweep archive demo --archive parquet_data/demo
	$(BIN)/barsweep run session_configs/demo.json

test: $(VENV)/installed-dev
	$(PYTEST)

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fuzz: $(VENV)/installed-dev  # 100,000 cases and more, all real minutes against TA-Lib; `make test` has a part of each kind
	$(PYTEST) tests/fuzz tests/indicators/test_talib_minutes.py --hypothesis-profile=nightly

mutants: $(VENV)/installed-dev  # nightly, an hour or two: do the tests that mirror a file notice small faults in it?
	nice -n 10 $(BIN)/python -m tests.mutants $(MUTANTS)

coverage: $(VENV)/installed-dev  # compiled kernels have no lines: their tests, and the broker's, run once more uncompiled
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n auto --dist loadfile -k 'not disk and not system_refuses'  # without room it fails itself
	NUMBA_DISABLE_JIT=1 $(BIN)/coverage run -m pytest -n auto --dist loadfile -W ignore $(UNCOMPILED)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

bench: $(VENV)/installed-dev
	$(BIN)/python -m bench.kernels
	$(BIN)/barsweep bench --against duckdb,polars
	$(BIN)/barsweep bench --goals || true  # exit status 1: a goal is missed
	$(BIN)/python -m bench.trading

audit: $(TOOLS)/installed  # asks the advisory service of the package index; tests/test_lock.py holds what needs none
	$(TOOLS)/bin/pip-audit --strict --require-hashes --disable-pip -r requirements-dev.lock

lock: $(TOOLS)/installed  # the newest versions that pyproject.toml allows; run the tests before you commit them
	$(LOCK) --extra dev --upgrade --output-file requirements-dev.lock
	$(LOCK) --constraint requirements-dev.lock --upgrade --output-file requirements.lock

clean:
	rm -rf $(VENV) runs parquet_data/demo

$(VENV)/installed: pyproject.toml requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.lock
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-dev.lock
	$(BIN)/python -m pip check
	touch $@

$(TOOLS)/installed:
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet uv pip-audit
	touch $@
