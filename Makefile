# `make repro` and `make test` are all that a fresh machine needs (Python 3.11 to 3.13, git, make).
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: repro test test-slow check docs format environment lock bench
.DEFAULT_GOAL := repro

repro: .venv/.synced environment      ## validated data, competing models, a winner, its Bento and a page that explains it
	dvc repro
	python -m headrace sync
	python -m headrace show

test: .venv/.synced                   ## the fast tests
	pytest -n auto -m "not slow"

test-slow: .venv/.synced              ## the tests that take longer: whole pipelines, killed stages, real servers
	pytest -n 2 -m slow --timeout 900

check: .venv/.synced                  ## all that has to pass before a commit
	ruff check
	ruff format --check
	mypy
	lint-imports
	pytest -n auto -m "not slow"

docs: .venv/.synced                   ## the site, in build/site; a broken link or anchor ends it
	NO_MKDOCS_2_WARNING=1 mkdocs build

format: .venv/.synced
	ruff check --fix
	ruff format

bench: .venv/.synced                  ## every figure in the README, side by side with what it is compared with
	python -m benchmarks.simulator
	python -m benchmarks.features
	python -m benchmarks.handbook
	python benchmarks/overhead.py
	python -m benchmarks.commands
	python -m benchmarks.init

bench-serving: .venv/.synced           ## the service beside others of the same model (wrk; an environment of its own for mlserver)
	python -m benchmarks.serving

environment: .venv/.synced            ## tell DVC which versions are installed
	python -m headrace.environment

lock:                                 ## after a change of the dependencies in pyproject.toml
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
		--extra dev pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
		-c requirements.lock pyproject.toml -o requirements.serve.lock
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
		-c requirements.lock --extra pipeline pyproject.toml -o requirements.project.lock

.venv/.synced: requirements.lock
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	command -v uv >/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	uv pip sync --quiet --compile-bytecode --python $(BIN)/python requirements.lock
	uv pip install --quiet --no-deps --python $(BIN)/python --editable .
	touch $@
