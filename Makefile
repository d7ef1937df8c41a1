# `make demo` and `make test` need Python 3.11, gcc and make, and see to everything else.

BIN := .venv/bin
READY := .venv/.ready
READY_DEV := .venv/.ready-dev

.PHONY: help demo compare real test lint bench faults streaks campaign man dist clean
.DELETE_ON_ERROR:

help:
	@echo 'make demo      walk a running server through its releases, under load'
	@echo 'make compare   compare two versions of a real program and show the report'
	@echo 'make real      take redis and memcached through a security fix each, under load; minutes'
	@echo 'make test      lint, types, import contracts, tests'
	@echo 'make lint      the first three of them'
	@echo 'make bench     the programs in corpora/bench, one after the other, and a page of all figures'
	@echo 'make faults    1,000 updates of running servers, each with a fault; minutes'
	@echo 'make streaks   every server through all of its versions and back under load, 20 times; minutes'
	@echo 'make campaign  these two, then real programs and long property tests; minutes to hours'
	@echo 'make man       man pages in build/man'
	@echo 'make dist      wheel and source distribution in dist/'
	@echo 'make clean     remove everything that was made here'

demo: $(READY)
	@$(BIN)/python -m corpora.demo.walk

compare: $(READY)
	@.ci/debian-packages compare
	@$(BIN)/python -m corpora.demo.compare

real: $(READY)
	@.ci/debian-packages real
	@$(BIN)/python -m corpora.real.walk --short

test: lint
	@.ci/debian-packages test
	$(BIN)/pytest -n auto --dist worksteal

lint: $(READY_DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(READY)
	@.ci/debian-packages bench
	@.ci/debian-packages real
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --editable '.[bench]'
	@for program in diff curve author steady served pause migrate; do echo "== $$program"; $(BIN)/python -m corpora.bench.$$program || exit 1; done
	@$(BIN)/python -m corpora.bench.page

faults: $(READY_DEV)
	@.ci/debian-packages test
	$(BIN)/python -m corpora.bench.faults

streaks: $(READY_DEV)
	@.ci/debian-packages test
	$(BIN)/python -m corpora.bench.streaks

campaign: faults streaks
	@.ci/debian-packages campaign
	-$(BIN)/python -m corpora.real.walk
	$(BIN)/python -m corpora.real.table
	$(BIN)/pytest -m campaign
	$(BIN)/pytest -m hypothesis --hypothesis-profile=campaign

man: $(READY_DEV)
	@$(BIN)/python -m patchkit.cli.manual build/man

dist: man
	$(BIN)/python -c 'from setuptools import build_meta as b; print(b.build_sdist("dist")); print(b.build_wheel("dist"))'

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	rm -rf corpora/.fetched
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml
	@.ci/virtualenv
	@echo 'installing patchkit into .venv'
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --editable .
	@touch $@

$(READY_DEV): pyproject.toml
	@.ci/virtualenv
	@echo 'installing patchkit and the tools of its tests into .venv'
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --editable '.[dev]'
	@touch $(READY) $@
