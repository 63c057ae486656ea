# The habits of this repository. Only python3 (3.11+), pip, make and git are assumed; everything else is a wheel.
# Another interpreter: make PYTHON=python3.12 setup

PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
STAMP := .venv/.installed
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help setup demo check test test-all faults bench docs examples real-model

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP) ## make .venv and install Coursewright with its development tools into it
	@$(if $(filter setup,$(MAKECMDGOALS)),echo "Ready. Next: make demo makes a course from the example handbook; . .venv/bin/activate puts coursewright on the PATH.")

$(STAMP): pyproject.toml scripts/make_venv.sh
	@scripts/make_venv.sh $(PYTHON)
	@touch $@

demo: setup ## make a course from the example handbook: no key, no network, no server
	$(BIN)/coursewright demo --out out/demo --author extractive

check: setup ## lint, formatting, types, layers, and the snippets and links of the documentation
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST) -q tests/test_docs.py

test: setup ## everything but the slow tests, ten minutes on two cores
	scripts/test_dependencies.sh
	$(PYTEST) -n $(WORKERS) --dist loadgroup -m "not slow"

test-all: setup ## all tests, the slow ones too, on real documents that are fetched once
	scripts/test_dependencies.sh
	-@scripts/fetch_documents.sh
	$(PYTEST) -n $(WORKERS) --dist loadgroup

faults: setup ## kill, stop and restart real workers and a real Postgres
	$(PYTEST) -m faults

bench: setup ## measure, print the tables and keep them in docs/benchmarks.md
	-@scripts/fetch_documents.sh
	$(BIN)/python -m bench

docs: setup ## write the generated pages of docs/reference
	$(BIN)/python scripts/build_docs.py
	$(BIN)/python scripts/write_course_schema.py

real-model: setup ## make a small course with a real model on the CPU (fetches 140 MB, takes ten minutes)
	scripts/real_model.sh

examples: setup ## build the DOCX and the PDF of the example handbook, and the course made from it
	$(BIN)/python scripts/build_examples.py
	$(BIN)/coursewright generate examples/knowledge-base --title "Keeping Honey Bees" --author extractive \
		--out examples/course --format json,markdown,quality
