# SPDX-License-Identifier: GPL-2.0-only
# Front door of ignis. "make help" lists what it can do.

KDIR	?= /lib/modules/$(shell uname -r)/build
KERNEL	?= backports
CPUS	?= 4
DEVICE	?= igb
DRIVER	?= ignis
T	?=
MARK	= not long

DIR	:= $(CURDIR)/drivers/net/ethernet/intel/ignis
PYTHON	:= /usr/bin/python3
VERSION	= $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
RELEASE	= $$(cat $(KDIR)/include/config/kernel.release)
KBUILD	:= $(MAKE) -C $(KDIR) M=$(DIR) CONFIG_IGNIS=m

export PYTHONDONTWRITEBYTECODE = 1

.PHONY: test-long all install uninstall clean dkms dkms-remove setup module run shell test check docs help

all: ## build ignis.ko for KDIR (default: the running kernel)
	$(KBUILD) modules

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

test: ## static checks, documentation, tests in guests; KERNEL= limits them to one kernel, T="-k name -x" is for pytest
	@qemu/setup kernel $(if $(filter command line environment,$(origin KERNEL)),$(KERNEL))
	@IGNIS_KERNELS="$(if $(filter command line environment,$(origin KERNEL)),$(KERNEL))" \
		$(PYTHON) -m pytest -p no:cacheprovider -q qemu/tests -m "$(MARK)" $(T)

test-long: MARK = long
test-long: test ## back-pressure, load and unload, hot-unplug, shutdown: longer, not yet in "make test"

check: ## static checks only: checkpatch, kernel-doc, sparse, W=1
	@tools/check

docs: ## build Documentation/ into Documentation/_build
	@tools/docs

help: ## list these
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12
