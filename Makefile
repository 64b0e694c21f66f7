# Each target sets up what it needs: a virtual environment in .venv with the tried versions.
PYTHON ?= python3
BIN = .venv/bin

.PHONY: train test test-long fuzz test-ray check bench growth results

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[test]"
	touch $@

train: .venv/installed  ## train on the embedded data
	$(BIN)/python train.py

test: .venv/installed  ## all tests but the longer ones (test-long), those that need Ray (test-ray) and fuzz
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-long: .venv/installed  ## the tests that take longer
	$(BIN)/python -m pytest -m slow

fuzz: .venv/installed  ## damaged files for the readers, for FUZZ_SECONDS (600)
	$(BIN)/python -m pytest -m fuzz tests/corpus/test_readers.py

# Ray's launcher and joblib ask for different versions of cloudpickle: an environment of its own.
.venv-ray/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-ray
	.venv-ray/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[ray]" pytest
	touch $@

test-ray: .venv-ray/installed  ## the tests that need Ray
	.venv-ray/bin/python -m pytest -m ray tests/test_sweeps.py tests/test_many_machines.py

check: .venv/installed  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/installed  ## speed, as ratios measured side by side
	$(BIN)/python benchmarks/all.py

growth: .venv/installed  ## time and memory against rows and people, for an hour and a half: docs/images/growth.png
	$(BIN)/python benchmarks/growth.py --out docs/images/growth.png

results: .venv/installed  ## docs/results.md, from two feature folders: make results REAL=DIR TURNED=DIR
	$(BIN)/python benchmarks/results.py --real "$(REAL)" --turned "$(TURNED)"
