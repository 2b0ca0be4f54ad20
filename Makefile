# PYTHON=python3.12 chooses the Python of the virtualenv; ARGS go to pytest: make test ARGS="tests/unit -k goto"
.DEFAULT_GOAL := help
# A file is replaced when its command went well: one that fails must not leave an empty file.
written = .venv/bin/$(2) > $(1).new && mv $(1).new $(1) || { rm -f $(1).new; exit 1; }
.PHONY: help venv demo test chaos bench check contract format clean services-up services-down

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

venv: ## make .venv with Python 3.11 or newer and install everything
	@scripts/venv

demo: venv ## run the demonstration; needs no broker and no database
	@.venv/bin/python -m flowmanager demo

test: venv ## run all tests; they bring their own MySQL and RabbitMQ
	@scripts/test $(ARGS)

chaos: venv ## kill, cut and restart everything while it works, then prove that nothing was lost: make chaos SEED=7 SECONDS=60
	@scripts/chaos $(if $(SEED),--seed $(SEED)) --seconds $(or $(SECONDS),60) $(ARGS)

bench: venv ## measure it on real servers; ARGS="--only next --compare HEAD~1" and the like
	@scripts/bench $(ARGS)

check: venv ## format, style, types, direction of imports, known vulnerabilities of dependencies
	@scripts/check

contract: venv ## write anew what is made from the code: AsyncAPI, the pages of docs/reference, the example of settings
	@$(call written,docs/asyncapi.yaml,flowmanager contract asyncapi)
	@$(call written,docs/reference/messages.md,flowmanager contract page)
	@$(call written,docs/reference/actions.md,flowmanager contract actions)
	@$(call written,docs/reference/commands.md,flowmanager contract commands)
	@$(call written,config/flowmanager.env.example,python -m tests.unit.settings_example)

format: venv ## put the code into its one format, mend what can be mended
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

clean: ## stop the test servers and remove everything that was made
	@scripts/services down --clean
	rm -rf .venv .services build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .audit_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

services-up: ## start MySQL and RabbitMQ for the tests and leave them running
	@scripts/services up

services-down: ## stop them; their data stay
	@scripts/services down
