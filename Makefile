# `make` alone prints this help. Everything runs in .venv, made from the locked requirements.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SPARK := $(VENV)/spark
SAMPLE := stores/sample
STATE := stores/state
RUN ?= params/runs/sample.yml
SEED ?= 21
MUTANTS ?= 160

.PHONY: advisories checks fuzz mutation sample-store state-store kills help setup reports test lint lab clear-notebooks notebooks state bench bench-compare bench-spark coverage verdicts policy-lab spark lock clean mutants pdf attack test-spark

help: ## print this help
	@echo "Maryland Total Cost of Care notebooks"
	@echo
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'
	@echo
	@echo "  RUN=params/runs/NAME.yml chooses the run file of 'make reports'."

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, found " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python tools/kernel.py > /dev/null
	@touch $@

setup: $(READY) ## make the virtual environment from the locked requirements
	@$(BIN)/python tools/system_packages.py

# made again whenever the generator or its parameters have changed; two at once make it once
sample-store: | $(READY)
	@$(BIN)/python tools/sample_store.py $(SAMPLE) 100000 2018

state-store: | $(READY)
	@$(BIN)/python tools/sample_store.py $(STATE) 850000 2018

reports: $(READY) sample-store ## the main job: reports on the synthetic sample (or RUN=...)
	$(BIN)/tcoc run $(RUN)

pdf: $(READY) ## one PDF of a run's reports (RUN=...), where chromium is installed
	$(BIN)/python tools/print_pdf.py outputs/$(notdir $(basename $(RUN)))

test: setup sample-store ## all tests: unit, cases, notebooks, pages
	$(BIN)/python -m pytest -n 2 --dist loadscope --nbval

# in a folder of its own, so that `make test` is the same with and without
$(SPARK): requirements-spark.txt | $(READY)
	@rm -rf $(SPARK)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --target $(SPARK) -r $<
	@touch $(SPARK)

test-spark: $(SPARK) ## the tests on Apache Spark (needs a Java runtime, 17 or newer; about three minutes)
	TCOC_SPARK=1 PYTHONPATH=$(SPARK) $(BIN)/python -m pytest -n 0 tests/store/test_spark.py

lint: $(READY) ## style, imports between modules, types
	$(BIN)/ruff check lib tests benchmarks tools
	$(BIN)/ruff format --check lib tests benchmarks tools
	$(BIN)/lint-imports
	$(BIN)/mypy

advisories: $(READY) ## hold the locked packages against the list of known vulnerabilities
	$(BIN)/python tools/advisories.py

lab: $(READY) sample-store ## open JupyterLab at the project's root (start with notebooks/scratch)
	@echo "First what-if: notebooks/scratch/first_what_if.ipynb; docs/analyst.md explains it."
	@echo "A notebook that is run and saved shows in git status; make notebooks puts the sample's outputs back."
	$(BIN)/jupyter lab --ServerApp.ip=127.0.0.1

clear-notebooks: $(READY) ## take outputs out of the reports' notebooks (make notebooks puts the sample's back)
	$(BIN)/jupyter nbconvert --clear-output --inplace notebooks/*.ipynb notebooks/scratch/first_what_if.ipynb
	@git status --short -- notebooks

notebooks: $(READY) sample-store ## execute the notebooks in place: accepts changed numbers
	$(BIN)/python tools/execute_notebooks.py
	@git diff --stat -- notebooks

state: state-store ## make the state-size store (a few minutes, 2 GB of memory)

bench: $(READY) state-store ## measure at 1, 10, 100 and 300 per cent of a state (half an hour)
	$(BIN)/python -m benchmarks.bench params/runs/cy2018.yml --whole --out benchmarks/results/new.json

bench-compare: $(READY) ## hold the last measurement against the kept one
	$(BIN)/python -m benchmarks.bench --compare benchmarks/results/state.json benchmarks/results/new.json

coverage: $(READY) ## count what intervals hold over synthetic states (about ten minutes)
	$(BIN)/python -m benchmarks.coverage --states 12

verdicts: $(READY) ## measure how often verdicts are wrong, right and steady (about ten minutes)
	$(BIN)/python -m benchmarks.verdicts --states 24

policy-lab: $(READY) ## score designs of the MPA in synthetic worlds (resumable)
	$(BIN)/tcoc lab --states 60

bench-spark: spark ## hold Spark's tables of a tenth of a state against DuckDB's (15 minutes)
	$(BIN)/python -m benchmarks.spark_parity params/runs/cy2018.yml --percent 10 --out benchmarks/results/new.spark.json
	$(BIN)/python -m benchmarks.spark_parity params/runs/cy2018.yml --percent 10 --workers 2 --out benchmarks/results/new.spark.json

spark: $(READY) ## add Apache Spark to the environment (also needs a Java runtime, 17 or newer)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-spark.txt
	@$(BIN)/python tools/system_packages.py java

lock: ## renew requirements.txt from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --no-header --no-strip-extras --quiet -o requirements.txt

mutants: $(READY) ## plant every bug of tests/mutants/bugs.yml; each must turn a test red (half an hour)
	$(BIN)/python -m tests.mutants.run --jobs 2

mutation: $(READY) ## draw mutants of rules, gate and runner with cosmic-ray and judge them (half an hour)
	$(PYTHON) -m venv $(VENV)-mutation
	$(VENV)-mutation/bin/python -m pip install --quiet --disable-pip-version-check cosmic-ray==8.7.0
	$(VENV)-mutation/bin/python tests/mutants/draw.py $(MUTANTS) $(SEED) > $(VENV)-mutation/drawn.json
	$(BIN)/python -m tests.mutants.automatic $(VENV)-mutation/drawn.json

checks: $(READY) ## move a run's numbers: every check that a notebook asserts must notice (three minutes)
	$(BIN)/python -m tests.house.moved

fuzz: $(READY) ## change valid inputs at random; keep those that are refused in a sentence of their own (two minutes)
	$(BIN)/python -m tests.run.fuzz --seed $(SEED) --add

kills: $(READY) ## kill runs at random moments, 200 times: outputs stay whole, the next command works
	$(BIN)/python -m tests.run.kills 200

attack: $(READY) sample-store ## attack the sample and ten variants of it together, as a reader of all could (ten minutes beside its tables)
	$(BIN)/python -m tests.disclosure.acceptance

clean: ## remove what make made: environment, synthetic stores, cache; never another store or a run
	rm -rf $(VENV) $(VENV)-mutation $(SAMPLE) $(STATE) stores/.sample.* stores/.state.* outputs/.cache outputs/.failed
