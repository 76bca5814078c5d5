# Everything a developer runs. `make` alone prints this list; Python 3.11 and make are all it needs.
.DEFAULT_GOAL := help
.PHONY: help demo test check format bench dev migrate migration tour drill openapi soak clean

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/ready
FLASK := $(BIN)/flask --app wsgi

help: ## Print this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-10s %s\n", $$1, $$2}'

$(READY): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Setting up .venv (once; a minute or so) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --disable-pip-version-check -r requirements-dev.txt
	@touch $@

demo: $(READY) ## The mall on a local port with its sandbox WeChat, seeded, its tour told
	@$(BIN)/python -m demo

tour: $(READY) ## The story of one trade over HTTP, then every balance proven
	@$(BIN)/python -m demo.tour

drill: $(READY) ## Lose the database, restore it to a point in time, find the rest at WeChat
	@$(BIN)/python -m demo.drill

test: $(READY) check ## Every check and every test, with branch coverage
	@$(BIN)/python -m pytest -n 2 -q -m "not soak" --hypothesis-profile=steady --cov --cov-report= --ignore=tests/journeys
	@$(BIN)/python -m pytest -q -m "not soak" tests/journeys
	@$(BIN)/python -m coverage report --fail-under=95
	@$(BIN)/python -m coverage report --fail-under=100 --include='promotions/*,distribution/*,app/core/*'

soak: $(READY) ## The long runs: races, fuzzing and random histories in full size
	@$(BIN)/python -m pytest -n 2 -q -m soak --ignore=tests/journeys
	@$(BIN)/python -m pytest -q -m soak tests/journeys

check: $(READY) ## Format, lint, types and the layers of the house
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: $(READY) ## Put the code into the house's format
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix -q .

bench: $(READY) ## Every figure beside its limit, as JSON lines
	@$(BIN)/python -m bench

dev: $(READY) ## The mall with its sandbox, reloading on every change
	@$(BIN)/python -m demo --dev

migrate: $(READY) ## Bring the database to the newest schema
	@$(FLASK) db upgrade

migration: $(READY) ## Draft the migration of what the models changed: make migration m="what"
	@$(FLASK) db migrate -m "$(m)"

openapi: $(READY) ## Write docs/openapi.json
	@$(FLASK) openapi > docs/openapi.json

clean: ## Remove what was made here: .venv, .data, caches
	@rm -rf .venv .data .coverage* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
