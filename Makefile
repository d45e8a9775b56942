# Throughline's verbs. Python 3.11+ and make are all they ask for; `make setup` fetches the rest.
.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
SAM := SAM_CLI_TELEMETRY=0 .venvs/sam/bin/sam
HUB := $(BIN)/python -m infrastructure.local

.PHONY: help setup run story clock preview costs parked replay restore test check bench build deploy clean

help: ## Say what each verb does
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

setup: ## Install the pinned tools into .venv and .venvs (PYTHON=... names an interpreter)
	@sh infrastructure/setup.sh $(PYTHON)

run: setup ## Run the whole hub on this machine and play the story (FRESH=1 starts anew, PORT=4566)
	@$(HUB) run $(if $(PORT),--port $(PORT)) $(if $(filter-out 0 no,$(FRESH)),--fresh)

story: ## Play the story once more on the running hub
	@$(HUB) story

clock: ## Shift the running hub's clock, to watch timers (OFFSET=+8h; OFFSET= is the real time)
	@$(HUB) clock "$(OFFSET)"

preview: setup ## Show every message we send by ourselves, on all channels (TEMPLATE=agent-answered)
	@$(BIN)/python -m infrastructure.preview $(TEMPLATE)

costs: ## Show what a month has cost (MONTH=2026-11, CSV=file, BILLED=12.34 books AWS's bill; STACK)
	@$(BIN)/python -m infrastructure.costs $(MONTH) $(if $(BILLED),--billed $(BILLED)) \
		$(if $(STACK),--stack $(STACK)) $(if $(CSV),--csv $(CSV))

parked: ## List what could not be processed (ID=... shows one; STACK=throughline for AWS)
	@$(BIN)/python -m infrastructure.parked $(ID) $(if $(STACK),--stack $(STACK))

replay: ## Bring what was parked the ordinary way again (ID=... or ALL=1; STACK=throughline)
	@$(BIN)/python -m infrastructure.parked --replay $(ID) $(if $(filter-out 0 no,$(ALL)),--all) \
		$(if $(STACK),--stack $(STACK))

restore: ## Put back what a table restored from a backup has beyond the hub's (FROM=...; STACK=...)
	@$(BIN)/python -m infrastructure.restore $(FROM) $(if $(STACK),--stack $(STACK))

test: check ## Run check, then every test: unit, integration, end to end
	@$(BIN)/python -m pytest -p tests.kinds -n auto --dist worksteal tests/unit tests/integration
	@$(BIN)/python -m pytest -p tests.kinds tests/e2e

check: setup ## Run the linters, the type checker and the template's validation
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy shared functions infrastructure tests
	@$(BIN)/python -m infrastructure.lint_templates
	@$(SAM) validate --lint --region us-east-1
	@.venvs/checkov/bin/checkov --config-file infrastructure/checkov.yaml

bench: setup ## Measure speed, cost and scale; write docs/benchmarks.md, costs.md, scale.md (FULL=1)
	@FULL="$(FULL)" $(BIN)/python -m tests.benchmarks

build: setup ## Build the functions and their layer for AWS
	@$(SAM) build

deploy: build ## Deploy to your AWS account, asking what it needs to know
	@$(SAM) deploy --guided

clean: setup ## Delete builds, caches and the local hub's data (the environments stay)
	@if [ -d .local ]; then $(HUB) clean; fi
	@rm -rf .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
	@find functions shared infrastructure tests -name __pycache__ -type d -prune -exec rm -rf {} +

include infrastructure/build.mk
