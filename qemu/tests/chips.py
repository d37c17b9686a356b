# SPDX-License-Identifier: GPL-2.0-only
"""What differs by chip, for tests; the names are those of QEMU's devices.

intree     the driver of the kernel for it
ring, mtu  smallest and largest
table      entries of the indirection table;  key: bytes of the hash key
longest    keeps out what is longer than the MTU allows (else only what 1522 bytes do not hold)
udp_ports  can hash the ports of UDP
rules      n-tuple rules: (by EtherType, by 5-tuple), or None
status, tctl, eitr, eerd   registers: offsets
eitr_unit  nanoseconds for each 1 in EITR
mask       register and value that mask the interrupts of all queues
nvm        bytes;  nvm_write: QEMU's can be written
loops      self-tests that loop back
ptp_rate   speed of the hardware clock (QEMU's e1000e has the 82576's period of 16 ns, not 40)
ptp_all    can time stamp all frames;  ptp_latch: QEMU's model takes timestamps at all
"""
from types import SimpleNamespace

_both = dict(ring=(64, 4096), table=128, key=40, usecs=8000, status=0x8, tctl=0x400, eerd=0x14)
CHIPS = {
    "igb": SimpleNamespace(**_both, intree="igb", queues=8, mtu=(68, 9216), longest=True, eitr=0x1680,
                           eitr_unit=250, mask=(0x1528, 0x1fe), nvm=512, nvm_write=False, loops=2,
                           ptp_rate=1, ptp_all=False, ptp_latch=True, udp_ports=True, rules=(7, 7)),
    "e1000e": SimpleNamespace(**_both, intree="e1000e", queues=2, mtu=(68, 9212), longest=False,
                              eitr=0xe8, eitr_unit=256, mask=(0xd8, 0xf00000), nvm=128, nvm_write=True,
                              loops=1, ptp_rate=2.5, ptp_all=True, ptp_latch=False,
                              udp_ports=False, rules=None),
}
