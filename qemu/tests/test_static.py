# SPDX-License-Identifier: GPL-2.0-only
"""What needs no guest: static checks of the sources, documentation that builds without a warning, and
whether a kernel's complaint is taken for one."""
import subprocess

import pytest

import lab
from vm import BAD, LEAKED


def run(tool):
    done = subprocess.run([lab.PROJECT / "tools" / tool], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    assert done.returncode == 0, "\n" + done.stdout


def test_check():
    run("check")


def test_docs():
    run("docs")


@pytest.mark.parametrize("line", """\
WARNING: CPU: 1 PID: 77 at net/core/dev.c:1 netif_napi_add+0x1/0x2
BUG: KASAN: slab-use-after-free in ignis_poll+0x1/0x2 [ignis]
BUG kmalloc-64 (Tainted: G    B): Right Redzone overwritten
UBSAN: array-index-out-of-bounds in drivers/net/rx.c:1:2
WARNING: possible circular locking dependency detected
WARNING: possible recursive locking detected
WARNING: inconsistent lock state
WARNING: bad unlock balance detected!
INFO: trying to register non-static key.
turning off the locking correctness validator.
BUG: MAX_LOCKDEP_CHAINS too low!
WARNING: suspicious RCU usage
BUG: sleeping function called from invalid context at mm/slab.h:1
BUG: scheduling while atomic: ip/77/0x00000002
BUG: workqueue leaked atomic, lock or RCU: kworker/0:1[7]
DMA-API: ignis 0000:01:00.0: device driver has pending DMA allocations while released from device
DMA-API: ignis 0000:01:00.0: device driver failed to check map error
ODEBUG: free active (active state 0) object: 00000000 object type: timer_list hint: x
kmemleak: Kernel memory leak detector disabled
list_del corruption, 00000000->next is LIST_POISON1
page_pool_release_retry() stalled pool shutdown: id 1, 2 inflight 60 sec
ref_tracker: leaked reference.
unregister_netdevice: waiting for eth0 to become free. Usage count = 2
refcount_t: underflow; use-after-free.
INFO: task ip:77 blocked for more than 120 seconds.
rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:
watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [ip:77]
DMAR: [DMA Write NO_PASID] Request device [01:00.0] fault addr 0x0
NETDEV WATCHDOG: eth0 (ignis): transmit queue 0 timed out 5000 ms
irq 11: nobody cared (try booting with the "irqpoll" option)
ip: page allocation failure: order:0, mode:0x820(GFP_ATOMIC)""".splitlines())
def test_complaint(line):
    assert BAD.search(f"[   12.345678] {line}")


def test_no_complaint():
    assert not BAD.search("[   12.345678] DMA-API: dma_debug_entry pool grown to 131072 (200%)")
    assert not BAD.search("[   12.345678] kmemleak: 1 new suspected memory leaks (see /sys/kernel/debug/kmemleak)")


def test_leak_of_ours():
    trace = """ 0xffff888001 (size 64):\n  comm "ip", pid 7, jiffies 42\n  backtrace (crc 0):\n    kmalloc+0x1/0x2\n"""
    assert LEAKED.search(trace + "    ignis_open+0x1/0x2 [ignis]\n")
    assert LEAKED.search(trace + "    0xffffffffc0001234\n")
    assert not LEAKED.search(trace + "    igb_open+0x1/0x2 [igb]\n")
