# make demo        set everything up and do the main job: a recording becomes keyframes, a .blend and pictures
# make test        set everything up and run the checks and tests
# make dist        build the extension zip into dist/, and the index that makes dist/ a repository for Blender
# make test-blender  use the zip in a real Blender with a window: BLENDER=/path/to/blender, see tools/test_blender.sh
# make lint        format check, lint, types
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3.13 || command -v python3)
BIN := .venv/bin

.PHONY: demo test test-blender lint dist setup format clean

demo: setup
	$(BIN)/artalk demo

test: lint
	$(BIN)/python -m pytest -n 2 --dist loadscope

test-blender: setup
	tools/test_blender.sh $(CHECKS)

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	PYTHONPATH=$(CURDIR)/.venv/typing $(BIN)/mypy core artalk_addon

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

dist: setup
	$(BIN)/python tools/repository_index.py "$$($(BIN)/python tools/build_extension.py dist)"

setup: .venv/ready

.venv/ready: pyproject.toml tools/setup.sh
	@tools/setup.sh "$(PYTHON)"

clean:
	rm -rf .venv .cache build dist demo/output
