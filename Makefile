# Each target calls one thing. `make help` lists them.
PYTHON      ?= python3.11
UV_VERSION  := 0.13.9
CDK_VERSION := 2.1148.1

VENV       := .venv
BIN        := $(VENV)/bin
READY      := $(VENV)/.ready
DEMO_SCENE := .farm/demo/demo.blend
KILLED     := $(wildcard tests/e2e/test_killed_*.py)

# What may be said of a demo render: make demo BLEND=path FRAMES=1-4 SAMPLES=8 RESOLUTION_PERCENTAGE=25
export BLEND FRAMES SAMPLES RESOLUTION_PERCENTAGE
# Node and python3 of the environment come first, for the CDK command line and for npm.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export CDK_DISABLE_CLI_TELEMETRY := true

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test chaos fuzz check bench pictures synth lock .venv

help: ## this list
	@sed -n 's/^\([.a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

demo: $(READY) $(if $(BLEND),,$(DEMO_SCENE)) ## render a scene through the laptop farm (BLEND, FRAMES, SAMPLES, RESOLUTION_PERCENTAGE)
	@exec $(BIN)/farm local render --then-down $${FRAMES:+--frames "$$FRAMES"} $${SAMPLES:+--samples "$$SAMPLES"} \
	  $${RESOLUTION_PERCENTAGE:+--resolution-percentage "$$RESOLUTION_PERCENTAGE"} -- "$${BLEND:-$(DEMO_SCENE)}"

test: $(READY) ## every test
	@$(BIN)/python -m pytest -n auto --dist loadfile

chaos: $(READY) ## what `make test` holds a share of: 5,000 frames and an adversary (SEED), agents killed, 200 workers
	@$(BIN)/python -m tests.faults.chaos --frames 5000 --jobs 20 --agents 8 --seed "$${SEED:-1}"
	@FARM_TEST_KILLS=20 FARM_TEST_WORKERS=200 $(BIN)/python -m pytest $(KILLED) tests/faults/test_many_workers.py

fuzz: $(READY) ## 100,000 generated uploads, messages, archives and settings each (INPUTS, SEED)
	@$(BIN)/python -m tests.fuzz --inputs "$${INPUTS:-100000}" --seed "$${SEED:-1}"

check: $(READY) synth ## style, types, who imports whom, templates
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/cfn-lint 'cdk.out/*.template.json'

bench: $(READY) ## the farm beside raw Blender and a peer; several Blenders on one worker; what it asks of AWS; how soon a first frame comes and everything starts; how quick `farm simulate` and `farm jobs` are; what previews, checks of frames and the cage cost
	@$(BIN)/python -m bench.render
	@$(BIN)/python -m bench.latency
	@$(BIN)/python -m bench.start_up
	@$(BIN)/python -m bench.sessions
	@$(BIN)/python -m bench.scale --quick
	@$(BIN)/python -m bench.simulate
	@$(BIN)/python -m bench.jobs_listing
	@$(BIN)/python -m bench.preview
	@$(BIN)/python -m bench.frame_checks
	@$(BIN)/python -m bench.cage

pictures: $(READY) $(DEMO_SCENE) ## the README's pictures, in docs/images
	@$(BIN)/python -m docs.pictures $(DEMO_SCENE)

synth: $(READY) ## the CloudFormation templates, in cdk.out
	@rm -rf cdk.out
	@$(VENV)/cdk/node_modules/.bin/cdk synth --all --quiet --no-notices

lock: $(READY) ## pin every package that requirements.in needs
	@$(BIN)/uv pip compile --quiet --universal --no-header --python-version 3.11 requirements.in -o requirements.txt
	@$(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-annotate --only-binary :all: --python-version 3.11 \
	  --python-platform x86_64-manylinux_2_34 --constraint requirements.txt worker_agent/boot/packages.in \
	  -o worker_agent/boot/packages.txt

.venv: $(READY) ## the environment: Python packages, Node, the CDK command line, `farm`

# What bpy loads is compiled once: in a cage, or wherever it may not write, each of its starts would do it anew.
$(READY): requirements.txt Makefile
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 11, 4) <= v < (3, 12) else f"$(PYTHON) is Python {v[0]}.{v[1]}.{v[2]}: 3.11.4 or a later 3.11 is needed, as in make PYTHON=/path/to/python3.11")'
	@echo "making $(VENV)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements.txt
	@$(BIN)/python -I -B worker_agent/runtimes/compile_loaded.py $(abspath $(VENV)) >/dev/null || true
	@$(BIN)/npm install --prefix $(VENV)/cdk --silent --no-audit --no-fund --no-update-notifier aws-cdk@$(CDK_VERSION)
	@ln -sf ../cdk/node_modules/aws-cdk/bin/cdk $(BIN)/cdk
	@printf '#!/bin/sh\nPYTHONPATH="%s" exec "%s/python" -P -m farm "$$@"\n' "$(CURDIR)" "$(CURDIR)/$(BIN)" > $(BIN)/farm
	@chmod +x $(BIN)/farm
	@touch $@

$(DEMO_SCENE): farm/demo_scene.py $(READY)
	@mkdir -p $(@D)
	@echo "making the demo scene"
	@$(BIN)/python -m farm.demo_scene $@
