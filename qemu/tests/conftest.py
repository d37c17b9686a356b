# SPDX-License-Identifier: GPL-2.0-only
"""Fixtures for tests that run in guests.

machine  each kernel with each chip (IGNIS_KERNELS, IGNIS_DEVICES, separated by spaces, limit them)
vm       a guest shared by the tests of a session: NIC 0 on wire "a", NICs 1 and 2 joined.
         @pytest.mark.vm(intel_iommu=True, ...) asks for another one.
pair     the shared guest with NICs 1 and 2 (the latter in namespace "peer") up and addressed
boot     boot(...) starts a guest for one test only
Each chip has its tests on one kernel, the first chip on the newest; on the others it has MODULES_EVERYWHERE.
@pytest.mark.long: takes long, so only with the first chip on the newest kernel, after all others. None of those
begins when MINUTES are over, on a slow host. make test-long and make test-debug leave nothing out.
The kernel's log is checked after each test, lost memory after each module (with a debug kernel).
IGNIS_DRIVER=igb (with IGNIS_DEVICES=igb) runs the tests on the in-tree driver. With pytest-xdist the
tests of one module on one machine stay together.
"""
import os
import re
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from _pytest.runner import runtestprotocol

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import lab  # noqa: E402
from chips import CHIPS  # noqa: E402
from vm import QEMU_BUG, VM, Nic, VMError  # noqa: E402

KERNELS = os.environ.get("IGNIS_KERNELS", "").split() or list(lab.distro()["kernels"])
DEVICES = os.environ.get("IGNIS_DEVICES", "").split() or list(CHIPS)
EVERYTHING = os.environ.get("IGNIS_EVERYTHING")
DRIVER = os.environ.get("IGNIS_DRIVER", "ignis")


class Machine(NamedTuple):
    kernel: str
    device: str

    def __str__(self):
        return f"{Path(self.kernel).name}-{self.device}"

    @property
    def packaged(self):
        """The kernel is the distribution's own, with none of our options."""
        return self.kernel in lab.distro()["kernels"]


MODULES_EVERYWHERE = ("test_smoke", "test_split")

# How long after the start tests of a kind still begin
MINUTES = {} if EVERYTHING else {"guests": 70, "long": 50}
os.environ.setdefault("IGNIS_STARTED", str(time.time()))    # the same for xdist's workers

UNSTEADY = "UNSTEADY"
MAX_UNSTEADY = 3
# No second try: the driver or the lab is broken
FINAL = re.compile(r"kernel log:|objects leaked|LabError|Call Trace:|Kernel panic")

_modules = {}
_shared = {}


def new_vm(machine, nics=None, **kw):
    """nics: models of ports that are joined with all others, or with those of the same number after a
    colon; if not given, NIC 0 is on the wire, 1 and 2 are joined."""
    kernel, device = machine
    kw = {"driver": DRIVER, **kw}
    if nics:
        nics = [nic.partition(":") for nic in nics.split()]
        kw["nics"] = [Nic(model, hub=int(hub or 1)) for model, _, hub in nics]
    else:
        kw["nics"] = [Nic(device, wire="a"), Nic(device, hub=1), Nic(device, hub=1)]
    if kw["driver"] == "ignis":
        if kernel not in _modules:              # one build per session
            _modules[kernel] = lab.built(kernel)[1]
        kw["module"] = _modules[kernel]
    vm = VM(kernel, name=f"test-{machine}", **kw)
    vm.start_qemu()
    return vm


def shared_vm(machine, kw):
    """A guest kept for the next test that wants the same; of those nobody uses, only one is kept."""
    if machine.packaged:
        kw = {k: v for k, v in kw.items() if k != "kmemleak"}
    key = (machine, repr(sorted(kw.items())))
    vm = _shared.get(key)
    if vm and (vm.proc.poll() is not None or vm.agent_gone):
        vm.close()
        vm = None
    if not vm:
        for old in list(_shared.values()):
            if not old.users:
                finish(old)
        vm = _shared[key] = new_vm(machine, **kw)
    return vm


def finish(vm):
    """Drop a guest that shall have lost no memory."""
    try:
        vm.check_leaks()
    finally:
        drop(vm)


@pytest.fixture(scope="module", autouse=True)
def no_leaks():
    yield
    for vm in list(_shared.values()):
        try:
            vm.check_leaks()
        except (VMError, AssertionError):
            drop(vm)
            raise


def drop(vm):
    for key in [k for k, v in _shared.items() if v is vm]:
        del _shared[key]
    vm.close()


@pytest.fixture(scope="session", params=[Machine(k, d) for k in KERNELS for d in DEVICES], ids=str)
def machine(request):
    return request.param


@pytest.fixture
def vm(request, machine):
    marker = request.node.get_closest_marker("vm")
    vm = shared_vm(machine, marker.kwargs if marker else {})
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
def boot(machine):
    started = []

    def start(check=True, **kw):
        vm = new_vm(machine, **kw)
        started.append((vm, check))
        return vm

    try:
        yield start
        for vm, check in started:
            if check:
                vm.check_dmesg()
                vm.check_leaks()
    finally:
        for vm, _ in started:
            vm.close()


def machine_of(item):
    callspec = getattr(item, "callspec", None)
    return callspec and callspec.params.get("machine")


def is_long(item):
    return item.get_closest_marker("long") is not None


def kind(item):
    """In the order they come: what needs no guest takes long to build, and can do so meanwhile."""
    return "long" if is_long(item) else "guests" if machine_of(item) else "alone"


def only_in_test_long(item):
    machine = machine_of(item)
    if EVERYTHING or not machine:
        return False
    if is_long(item):
        return machine != (KERNELS[-1], DEVICES[0])
    home = KERNELS[-1 - DEVICES.index(machine.device) % len(KERNELS)]
    return machine.kernel != home and item.module.__name__ not in MODULES_EVERYWHERE


@pytest.hookimpl(hookwrapper=True, tryfirst=True)       # before xdist looks at the marks
def pytest_collection_modifyitems(config, items):
    kept, left_out = [], []
    for item in items:
        (left_out if only_in_test_long(item) else kept).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left_out)
    for item in items:
        group = f"{item.module.__name__}-{machine_of(item)}"
        item.add_marker(pytest.mark.xdist_group(group + "-long" * (is_long(item) and not EVERYTHING)))
    yield                                               # pytest has put together what shares a machine
    if not EVERYTHING:
        items.sort(key=lambda item: ("alone", "guests", "long").index(kind(item)))


def pytest_runtest_setup(item):
    minutes = MINUTES.get(kind(item))
    if minutes and time.time() > float(os.environ["IGNIS_STARTED"]) + 60 * minutes:
        pytest.skip(f"{minutes} minutes are over (make test-long has no limit)")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    """Run a test that failed again, once and in a fresh guest.

    If QEMU crashed by a known race of its own, that is all. If not, and it passes then, it is unsteady: this is
    shown, and more than MAX_UNSTEADY of them fail the run. What the kernel complains of is never forgiven.
    """
    where = {"nodeid": item.nodeid, "location": item.location}
    item.ihook.pytest_runtest_logstart(**where)
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    said = "\n".join(r.longreprtext for r in reports if r.failed)
    if said and "machine" in item.fixturenames and not FINAL.search(said):
        try:
            item.session._setupstate.teardown_exact(None)   # what the module shares has its guest, too
            for vm in list(_shared.values()):
                finish(vm)
        except (VMError, AssertionError) as e:
            said = f"{said}\nand then: {e}"
        item._initrequest()
        second = runtestprotocol(item, nextitem=nextitem, log=False)
        passed = any(r.when == "call" and r.passed for r in second) and not any(r.failed for r in second)
        if passed and not FINAL.search(said):
            reports = second
            if QEMU_BUG.search(said):
                lab.say(f"QEMU crashed by a bug of its own, so {item.nodeid} was run again")
            else:
                next(r for r in reports if r.when == "call").user_properties.append((UNSTEADY, said))
        for report in (r for r in reports if r.failed):
            report.sections.append(("when run again", "\n".join(r.longreprtext for r in second).strip() or "passed"))
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(**where)
    return True


def pytest_runtest_logreport(report):
    """Tell of a failure at once, not only in the end."""
    if not os.environ.get("PYTEST_XDIST_WORKER"):
        said = [("FAILED", report.longreprtext)] if report.failed else []
        for how, text in [*said, *(p for p in report.user_properties if p[0] == UNSTEADY and report.when == "call")]:
            print(f"\n{how} {report.nodeid}\n{text}", flush=True)


def called(reporter):
    return [r for reports in reporter.stats.values() for r in reports if getattr(r, "when", "") == "call"]


def unsteady(reporter):
    return [r.nodeid for r in called(reporter) if UNSTEADY in dict(r.user_properties)]


def pytest_terminal_summary(terminalreporter):
    """What tests measured, and seeds: record_property(). What passed only when run again."""
    for report in called(terminalreporter):
        told = [f"{k}: {v}" for k, v in report.user_properties if k != UNSTEADY]
        if told:
            print(report.nodeid.rpartition("/")[2], "; ".join(told))
    for nodeid in unsteady(terminalreporter):
        print(UNSTEADY, nodeid)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and len(unsteady(reporter)) > MAX_UNSTEADY:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_configure(config):
    config.addinivalue_line("markers", "vm(**kw): what the shared guest shall be like")
    config.addinivalue_line("markers", "long: takes long; most machines have it in make test-long only")


def pytest_unconfigure(config):
    for vm in _shared.values():
        vm.close()
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter:
        n = {k: len(reporter.stats.get(k, [])) for k in ("passed", "failed", "error")}
        shaky = len(unsteady(reporter))
        shaky *= shaky > MAX_UNSTEADY
        print(f"{n['passed'] - shaky} passed, {n['failed'] + n['error'] + shaky} failed")
