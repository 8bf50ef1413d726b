# Everything is installed into this checkout (.venv, .uv); delete the two folders to start afresh.
.DEFAULT_GOAL := help
PY := .venv/bin/python

.PHONY: help run worker smoke test torture mutants bench growth screenshots check format requirements clean

help: ## List the targets; how long each takes is said of two slow cores
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1\t/'

run: .venv/.run ## Install, migrate and serve on http://127.0.0.1:8000 (PORT=… for another), codes on the console
	@DEBUG=$${DEBUG:-1} exec $(PY) -m otp_project

worker: .venv/.run ## Deliver what is queued, and sweep: for OTP_QUEUE=otp_app.queues.celery.CeleryQueue
	@DEBUG=$${DEBUG:-1} exec $(PY) -m celery -A otp_project worker --beat

smoke: .venv/.dev ## The API, the services and the pages by Django's test client on SQLite: three minutes
	@$(PY) -m pytest -q tests/api tests/web tests/test_services.py

test: .venv/.dev ## The whole suite, with a PostgreSQL and a Valkey of its own (or TEST_DATABASE_URL, TEST_REDIS_URL): forty minutes on two slow cores
	@$(PY) -m tests

torture: .venv/.dev ## Kill processes at named places and at random: make torture ROUNDS=500 SEED=1
	@$(PY) -m tests.torture

mutants: .venv/.dev ## Whether tests notice each change of the functions in PostgreSQL: make mutants ONLY=close
	@$(PY) -m tests.mutation

bench: .venv/.dev ## What a sign-in costs beside views that do nothing; PEERS=1 beside alternatives, too; needs wrk
	@$(PY) -m benchmarks

growth: .venv/.dev ## What it costs when the tables hold ten million rows
	@$(PY) -m benchmarks.growth

screenshots: .venv/.dev ## Pictures of the pages, for docs/screenshots
	@$(PY) -m tests.browser.screenshots

check: .venv/.dev ## Format, lint, types, import rules, migrations, schema, reference, translations, production settings
	@$(PY) -m tools.check

format: .venv/.dev ## Put the code in shape
	@$(PY) -m ruff check --fix --quiet . ; $(PY) -m ruff format .

requirements: .venv/.dev ## Write requirements.txt anew from uv.lock
	@sh tools/install export

clean: ## Delete what was installed; the database and the secret key stay
	rm -rf .venv .uv

.venv/.run: uv.lock tools/install
	@sh tools/install run

.venv/.dev: uv.lock tools/install
	@sh tools/install dev
