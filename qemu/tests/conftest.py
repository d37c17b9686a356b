# SPDX-License-Identifier: GPL-2.0-only
"""Fixtures for tests that run in guests.

kernel   each kernel in turn (IGNIS_KERNELS, separated by spaces, limits them)
vm       a guest shared by the tests of a session: NIC 0 on wire "a", NICs 1 and 2 joined.
         @pytest.mark.vm(intel_iommu=True, nics=[...], ...) asks for another one.
pair     the shared guest with NICs 1 and 2 (the latter in namespace "peer") up and addressed
boot     boot(...) starts a guest for one test only
The kernel's log is checked after each test. IGNIS_DRIVER=igb runs the tests on the in-tree driver.
"""
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from _pytest.runner import runtestprotocol

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import lab  # noqa: E402
from vm import QEMU_BUG, VM, Nic, VMError  # noqa: E402

KERNELS = os.environ.get("IGNIS_KERNELS", "").split() or list(lab.distro()["kernels"])
DRIVER = os.environ.get("IGNIS_DRIVER", "ignis")

_modules = {}
_shared = {}


def new_vm(kernel, **kw):
    kw = {"nics": lambda: [Nic(wire="a"), Nic(hub=1), Nic(hub=1)], "driver": DRIVER, **kw}
    if callable(kw["nics"]):
        kw["nics"] = kw["nics"]()
    if kw["driver"] == "ignis":
        if kernel not in _modules:              # one build per session
            _modules[kernel] = lab.built(kernel)[1]
        kw["module"] = _modules[kernel]
    vm = VM(kernel, name=f"test-{Path(kernel).name}", **kw)
    vm.start_qemu()
    return vm


def shared_vm(kernel, kw):
    """A guest kept for the next test that wants the same; only one at a time is kept."""
    key = (kernel, repr(sorted(kw.items())))
    vm = _shared.get(key)
    if vm and (vm.proc.poll() is not None or vm.agent_gone):
        vm.close()
        vm = None
    if not vm:
        for old in _shared.values():
            old.close()
        _shared.clear()
        vm = _shared[key] = new_vm(kernel, **kw)
    return vm


def drop(vm):
    for key in [k for k, v in _shared.items() if v is vm]:
        del _shared[key]
    vm.close()


@pytest.fixture(scope="session", params=KERNELS)
def kernel(request):
    return request.param


@pytest.fixture
def vm(request, kernel):
    marker = request.node.get_closest_marker("vm")
    vm = shared_vm(kernel, marker.kwargs if marker else {})
    for wire in vm.wires.values():
        wire.clear()
    vm.mark_dmesg()
    yield vm
    try:
        vm.check_dmesg()
    except (VMError, AssertionError):
        drop(vm)                                # the next test gets a sound one
        raise


@pytest.fixture
def pair(vm):
    if not hasattr(vm, "pair"):
        dev, peer = vm.join(1, 2)
        vm.pair = SimpleNamespace(vm=vm, dev=dev, peer=peer, ns="peer", ip="10.0.0.1", peer_ip="10.0.0.2",
                                  ip6="fd00::1", peer_ip6="fd00::2")
    return vm.pair


@pytest.fixture
def boot(kernel):
    started = []

    def start(check=True, **kw):
        vm = new_vm(kernel, **kw)
        started.append((vm, check))
        return vm

    try:
        yield start
        for vm, check in started:
            if check:
                vm.check_dmesg()
    finally:
        for vm, _ in started:
            vm.close()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    """Run a test again, once, if QEMU crashed by a known race of its own."""
    where = {"nodeid": item.nodeid, "location": item.location}
    item.ihook.pytest_runtest_logstart(**where)
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    if any(r.failed and QEMU_BUG.search(r.longreprtext) for r in reports):
        lab.say(f"QEMU crashed by a bug of its own: {item.nodeid} again")
        item._initrequest()
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(**where)
    return True


def pytest_configure(config):
    config.addinivalue_line("markers", "long: not part of \"make test\", but of \"make test-long\"")
    config.addinivalue_line("markers", "vm(**kw): what the shared guest shall be like")


def pytest_unconfigure(config):
    for vm in _shared.values():
        vm.close()
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter:
        n = {k: len(reporter.stats.get(k, [])) for k in ("passed", "failed", "error", "skipped")}
        skipped = f", {n['skipped']} skipped" if n["skipped"] else ""
        print(f"{n['passed']} passed, {n['failed'] + n['error']} failed{skipped}")
