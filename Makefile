# Every target makes the environment first; `make setup` alone does only that.
.DEFAULT_GOAL := help
.PHONY: help setup browser demo run test thorough check format texts bench chaos lock clean

PYTEST_ARGS ?=

help: ## show this
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.ready $(patsubst %.po,%.mo,$(wildcard webapp/translations/*/LC_MESSAGES/messages.po)) ## make .venv from uv.lock

# The stamp is older than the lock exactly when the environment has to be brought up to date.
.venv/.ready: uv.lock pyproject.toml .ci/uv.txt .ci/setup
	@.ci/setup
	@touch $@

# What an installation has compiled of itself falls behind a checkout.
%.mo: %.po .venv/.ready
	@.venv/bin/python -m webapp.catalogues --compile

browser: .node/.ready ## fetch what the console's browser tests need; where that cannot be had, they skip

# It never fails: a machine with only Python, make and git runs everything else.
.node/.ready: .ci/browser .ci/axe/package-lock.json
	@.ci/browser

demo: setup ## a shop, Crossdock and a real ERP; ends with the proof (EXIT=1: and ends)
	@.venv/bin/crossdock demo $(if $(EXIT),--exit)

run: setup ## Crossdock itself: web, workers, scheduler and queue
	@.venv/bin/crossdock run

# Four at a time keep two cores busy: of a heavy test half is waiting. What takes long begins first, and those of one
# group share a server (tests/conftest.py). What pytest rewrites is kept for next time, also where bytecode is not wanted.
test: export PYTHONDONTWRITEBYTECODE =
test: setup browser ## every test; PYTEST_ARGS="-k name" for some
	@.venv/bin/pytest -n 4 --dist loadgroup $(PYTEST_ARGS)

# Every boundary instead of one for each kind, every case on both databases: more than an hour.
thorough: export THOROUGH = 1
thorough: test ## the same, leaving nothing out where one case stands for several

check: setup ## lint, format, types, layers, lock file
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/uv lock --check --offline

format: setup ## repair what the linter can repair
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

texts: setup ## bring the catalogue of each language up to what the code says, and list what is to be translated
	@.venv/bin/python -m webapp.catalogues

bench: setup ## the figures of this machine
	@.venv/bin/python -m tests.benchmarks

# Each says its seed, so that a red one can be had again.
chaos: setup ## everything fails at once, and nothing is lost or doubled: two fixed seeds, five random ones
	@for run in "--seed 7" "--seed 8 --database postgresql --workers 4" \
		$$(.venv/bin/python -c "import random; print(*(f'--seed={random.randrange(10**6)}' for _ in range(5)))"); do \
		.venv/bin/python -m tests.chaos --seconds 90 $$run || exit $$?; \
	done

lock: setup ## renew uv.lock after a change of dependencies
	.venv/bin/uv lock
	@$(MAKE) --no-print-directory setup

clean: ## remove everything that was made here, the embedded state too
	rm -rf .venv .node .tryton var build *.egg-info .*_cache .hypothesis
