# What a person runs. `make` alone lists it. Every command prepares what it needs and may be run twice.
.DEFAULT_GOAL := help
.PHONY: help install demo sandbox test unit lint style types imports template format build scan simulator bench pictures soak sabotage mutation lock clean

ENVIRONMENTS := dev sam local-aws
SOAKED := model orders aws_lags crash_everywhere
MAKEFLAGS += --jobs=3 --no-print-directory # what waits for nothing goes side by side
export SAM_CLI_TELEMETRY := 0
# Whatever the shell says, Python keeps its byte code: dozens of its processes start in one `make test`.
export PYTHONDONTWRITEBYTECODE :=

help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-11s %s\n", $$1, $$2 }'

demo: install ## The main job, told as it happens: a local AWS, a schedule, a certificate rotated (a minute)
	@.venv/dev/bin/python -m dev.demo

sandbox: install ## Keep a local AWS with the stack deployed up to try every command in, until Ctrl-C
	@.venv/dev/bin/python -m dev.sandbox

test: lint build ## Everything CI checks: lint, types, template, unit, integration and deployed tests
	@# Four on two cores: two of them mostly wait for deployed functions (tests/support/scheduling.py).
	@.venv/dev/bin/pytest -n 4 --cov --cov-report=term --cov-report=xml:build/coverage.xml

unit: install ## The unit tests alone: seconds
	@.venv/dev/bin/pytest -q tests/unit

lint: style types imports template ## Style, types, who imports whom, template

style: install
	@.venv/dev/bin/ruff check .
	@.venv/dev/bin/ruff format --check --quiet .

types: install
	@.venv/dev/bin/mypy

imports: install
	@PYTHONPATH=functions:. .venv/dev/bin/lint-imports --no-logo --no-cache

template: install
	@.venv/sam/bin/sam validate --lint --region us-east-1
	@.venv/sam/bin/cfn-lint template.yaml fleet/tenant.yaml docs/examples/restart/template.yaml

format: install ## Bring the code into its format
	@.venv/dev/bin/ruff check --fix-only --quiet .
	@.venv/dev/bin/ruff format --quiet .

build: install ## Build the function and its layer with the SAM CLI, for this processor or ARCHITECTURE=arm64
	@.venv/dev/bin/python -m dev.build $(ARCHITECTURE)

scan: .venv/scan/.installed ## Run what security teams run over template and roles: cfn-lint, checkov, parliament
	@.venv/scan/bin/python -m tests.scan

simulator: install ## Serve the local Third-Party Device-ID service, and print what to try
	@.venv/dev/bin/python -m simulator serve --admin-port 0

pictures: install ## Run the demo, record its console, and draw the pictures of README and docs (a minute)
	@.venv/dev/bin/python -m dev.pictures

soak: build ## Let the model hunt ten times as long, or SOAK=n times; and play every order, stale read and triple of crashes
	@SOAK=$${SOAK:-10} .venv/dev/bin/pytest -n 2 $(SOAKED:%=tests/reliability/test_%.py) tests/deployed/test_native_rotation.py

sabotage: install ## Break a copy of the code in one way after the other, and see the table of the tests turn red
	@.venv/dev/bin/python -m tests.sabotage

mutation: install ## Change decision, ledger and rotation one thing at a time, and see a test fail (twenty minutes)
	@.venv/dev/bin/python -m dev.mutation

bench: install ## Measure speed, calls, memory and a fleet against simple scripts, and what a month costs; write the pages
	@.venv/dev/bin/python -m dev.bench

lock: install ## Resolve the pins anew: every version, every hash
	@sh dev/lock

clean: ## Remove what was built and the environments
	rm -rf .aws-sam .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

install: $(ENVIRONMENTS:%=.venv/%/.installed) ## Prepare the environments, and the operator's command .venv/dev/bin/device-id

# One environment per set of pins: the SAM CLI, the local AWS and the function want different botocores. The first one made
# is uv's, which makes the others.
.venv/%/.installed: requirements/%.txt layers/dependencies/requirements.txt dev/install | .venv/uv/.installed
	@dev/install $* && touch $@

.venv/uv/.installed: requirements/uv.txt
	@dev/install uv && touch $@
