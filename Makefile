# SPDX-License-Identifier: GPL-2.0-only
# Front door of ignis. "make help" lists what it can do.

RUNNING	:= $(shell uname -r)
KDIR	?= /lib/modules/$(RUNNING)/build
KERNEL	?= backports
CPUS	?= 4
DEVICE	?= igb
DRIVER	?= ignis
JOBS	?= $(shell n=$$(nproc); echo $$((n < 4 ? n : 4)))
T	?=
B	?=

DIR	:= $(CURDIR)/drivers/net/ethernet/intel/ignis
PYTHON	:= /usr/bin/python3
VERSION	= $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
RELEASE	= $$(cat $(KDIR)/include/config/kernel.release)
KBUILD	:= $(MAKE) -C $(KDIR) M=$(DIR) CONFIG_IGNIS=m

# What the user said, "" if only the default is there
given	= $(if $(filter command line environment,$(origin $(1))),$($(1)))

export PYTHONDONTWRITEBYTECODE = 1

.PHONY: all install uninstall clean dkms dkms-remove setup module run shell test test-long test-debug kunit mutants coverage speed conformance bench bench-check check docs help

all: | $(KDIR)/Makefile ## build ignis.ko for KDIR (default: the running kernel, whose headers it installs)
	$(KBUILD) modules

/lib/modules/$(RUNNING)/build/Makefile:
	@qemu/setup headers $(RUNNING) || { echo "ignis: install the headers of kernel $(RUNNING), or KDIR=<kernel tree>"; exit 1; } >&2

install: all ## install it there and run depmod
	$(KBUILD) modules_install
	depmod $(RELEASE)

uninstall: ## undo "make install"
	rm -f /lib/modules/$(RELEASE)/updates/ignis.ko*
	depmod $(RELEASE)

clean: ## remove what "make" built
	$(KBUILD) clean

dkms: ## hand the sources to DKMS, which builds and installs ignis.ko for each kernel
	dkms install .

dkms-remove: ## undo "make dkms"
	dkms remove ignis/$(VERSION) --all
	rm -rf /usr/src/ignis-$(VERSION)

setup: ## prepare the lab (host packages, guest root, kernels); other verbs do so when needed
	@qemu/setup

module: ## build ignis.ko for a guest kernel, KERNEL=stable|backports|<kernel tree>
	@qemu/setup build $(KERNEL)

run: ## boot a guest with two NICs, show the driver at work, give a shell; KERNEL= CPUS= DEVICE=
	@qemu/run.py --kernel $(KERNEL) --cpus $(CPUS) --device $(DEVICE) --driver $(DRIVER)

shell: ## the same without the show
	@qemu/run.py --kernel $(KERNEL) --cpus $(CPUS) --device $(DEVICE) --driver $(DRIVER) --no-demo

PYTEST = $(PYTHON) -m pytest -p no:cacheprovider -q -n $(JOBS) --dist loadgroup --durations=30 --durations-min=20

test: ## static checks, documentation, KUnit, tests in guests; KERNEL= DEVICE= limit them, JOBS= guests at a time, T="-k name -x" is for pytest
	@qemu/setup kernel $(call given,KERNEL)
	@IGNIS_KERNELS="$(call given,KERNEL)" IGNIS_DEVICES="$(call given,DEVICE)" $(PYTEST) qemu/tests $(T)

test-long: ## the same, all of it on each kernel with each chip
	@IGNIS_EVERYTHING=1 $(MAKE) --no-print-directory test

test-debug: ## the tests in guests on a kernel that looks for faults (KASAN, lockdep, kmemleak ...); DEVICE= JOBS= T= as above
	@qemu/setup kernel debug
	@IGNIS_EVERYTHING=1 IGNIS_KERNELS=debug IGNIS_DEVICES="$(call given,DEVICE)" $(PYTEST) --ignore=qemu/tests/test_static.py qemu/tests $(T)

kunit: ## the driver on a modelled NIC in User Mode Linux, T="suite suite.case" limits it
	@qemu/kunit.py $(T)

mutants: ## put each bug of kunit/mutants into the driver: a test must find it; T= names them
	@qemu/kunit.py --mutants $(T)

coverage: ## which lines of the driver KUnit, and "make test-debug" before it, have run
	@qemu/coverage.py

speed: ## how long a packet takes on that NIC, ignis beside the in-tree drivers
	@qemu/kunit.py --speed

conformance: ## upstream's own driver tests, in a table; DEVICE= limits it, DRIVER="ignis igb e1000e" compares, T= names tests
	@qemu/conformance.py $(if $(call given,DEVICE),--devices "$(DEVICE)") --drivers "$(DRIVER)" $(T)

bench: ## count what a packet costs, ignis beside the in-tree drivers; B= arguments, see tools/bench/bench.py
	@tools/bench/bench.py --kernel $(KERNEL) $(B)

bench-check: ## the cheap part of it, with ignis alone; fails where it is 3 % above the committed figures
	@tools/bench/bench.py check --kernel $(KERNEL) $(B)

check: ## static checks only: checkpatch, kernel-doc, sparse, W=1
	@tools/check

docs: ## build Documentation/ into Documentation/_build
	@tools/docs

help: ## list these
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12
