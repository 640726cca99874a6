# Two commands for everybody: `make demo` and `make test`. The others serve those who change the code.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
# What is compiled once serves every process that a test starts
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-slice check bench fuzz docs screenshots mutants assets release system clean

demo: .venv/.demo
	@PORT=$(PORT) $(BIN)/python -m demo $(RESET)

test: system .venv/.dev
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

# One room, on SQLite alone: what a change in app/folders is first proven by is `make test-slice S=folders`
test-slice: system .venv/.dev
	@[ -n "$(S)" ] && [ -d "tests/$(S)" ] || { echo "Dites quel dossier de tests/ : make test-slice S=folders"; exit 1; }
	$(BIN)/python -m pytest -q -n 3 --dist loadfile --database sqlite tests/$(S)

check: .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/reuse lint --quiet
	$(BIN)/djlint --check --lint app demo --quiet
	$(BIN)/python -m tests.longest
	$(BIN)/python -m tests.schema_check

bench: system .venv/.bench
	$(BIN)/python -m bench

# Strangers attack a served installation for three minutes on each database; what others saw is printed (docs/measures.md)
fuzz: system .venv/.dev
	$(BIN)/python -m bench.flood 180 sqlite
	$(BIN)/python -m bench.flood 180 postgresql

# The documentation as a site, in var/site; a link or an anchor that leads nowhere, or a page outside of the menu, fails it
docs: .venv/docs/.ready
	@NO_MKDOCS_2_WARNING=1 .venv/docs/bin/mkdocs build --strict
	@echo "Ouvrez var/site/index.html, ou, pour la recherche aussi : $(BIN)/python -m http.server -b 127.0.0.1 -d var/site 8090"

# The pictures of README and of docs/using.md, from the demonstration; look at each before you keep it
screenshots: system .venv/.dev
	$(BIN)/python -m tests.screenshots

# Lines of a slice made wrong one at a time, in a copy; those that no test sees are printed: make mutants S=workflows N=20 SEED=1
mutants: system .venv/.dev .venv/mutants/.ready
	S=$(S) T="$(T)" N=$(N) SEED=$(SEED) KNOWN=$(KNOWN) .venv/mutants/bin/python tests/mutants.py

assets:
	npm ci --no-audit --no-fund
	node app/static/build.mjs

# Twice: closes the changelog, then fills dist/ from the commit that does; tags and pushes nothing (docs/releasing.md).
release: .venv/.dev
	@$(BIN)/python -m tests.release

# Debian packages that the tests drive: a browser, a database, independent verifiers of what we sign.
system:
	@sh tests/system-packages.sh

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Paraphe demande Python 3.11 ou plus récent : relancez avec PYTHON=python3.11 (ou plus)."; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "Le module venv manque. Tapez : apt-get install python3-venv"; exit 1; }

.venv/.demo: .venv/bin/python requirements.txt requirements-demo.txt
	@echo "Installation des bibliothèques : quelques minutes la première fois."
	@$(BIN)/python -m pip install --disable-pip-version-check -r requirements-demo.txt
	@touch $@

.venv/.dev: .venv/.demo requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

.venv/.bench: .venv/.dev requirements-bench.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@

# An environment of its own for what nothing of ours imports
.venv/%/.ready: requirements-%.txt .venv/bin/python
	@$(BIN)/python -m venv .venv/$*
	.venv/$*/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

clean:
	rm -rf .venv var dist node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis
