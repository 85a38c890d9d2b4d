# make demo | test | test-all | bench | verdicts | lab | course | solutions | clean
#   PYTHON=python3.12      the interpreter for .venv (3.11 or newer)
#   TORCH='...'            what to install PyTorch from; see the README for CPU builds
#   VARIANT=2027           make course: release another set of the sheets
#   SHEET=1 STUDENT=id     make lab: which sheet, and whose (some exercises differ between students)

PYTHON ?= python3
TORCH ?= torch~=2.13.0
SHEET ?= 1

BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: help demo test test-all lint bench verdicts lab course solutions clean

help:
	@sed -n 's/^# *//p' Makefile | head -6

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "gradsheet needs Python 3.11 or newer, this is " \
	  + sys.version.split()[0] + "; name another with: make PYTHON=python3.12 ...")'
	@mkdir -p assignments
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing PyTorch into .venv (this can take some minutes) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt $(TORCH)
	@echo "Installing gradsheet, JupyterLab and nbgrader into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(INSTALLED)
	@$(BIN)/gradsheet demo

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict autodiff grading/verify
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --nbval --nbval-current-env -m "not sweep" tests solutions

test-all: test
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile -m sweep tests

bench: $(INSTALLED)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'
	@$(BIN)/python -m benchmarks.autodiff

verdicts: $(INSTALLED)
	@PYTHONPATH=tests/verify $(BIN)/python -W ignore::RuntimeWarning -m corpus

lab: $(INSTALLED)
	@$(BIN)/gradsheet start $(SHEET) --to work --if-missing --lab $(if $(STUDENT),--student $(STUDENT))

course: $(INSTALLED)
	@$(BIN)/gradsheet build $(if $(VARIANT),--variant $(VARIANT))

solutions: $(INSTALLED)
	@$(BIN)/gradsheet solutions

clean:
	rm -rf .venv demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
