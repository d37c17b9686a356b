# SPDX-License-Identifier: GPL-2.0-only
"""Peek and poke device registers through BAR 0 (the kernel must run with iomem=relaxed).

    regs.py INTERFACE OFFSET            print the register in hex
    regs.py INTERFACE OFFSET AND OR     write (old & AND) | OR, print what was there
"""
import mmap
import os
import struct
import sys

netdev, offset, *masks = sys.argv[1:]
fd = os.open(f"/sys/class/net/{netdev}/device/resource0", os.O_RDWR | os.O_SYNC)
bar = memoryview(mmap.mmap(fd, os.fstat(fd).st_size)).cast("I")
index = int(offset, 0) // 4
old = bar[index]
print(f"{old:#x}")
if masks:
    bar[index] = (old & int(masks[0], 0) | int(masks[1], 0)) & 0xffffffff
