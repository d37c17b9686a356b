# SPDX-License-Identifier: GPL-2.0-only
"""Peek and poke device registers through BAR 0 (the kernel must run with iomem=relaxed).

    regs.py INTERFACE OFFSET [COUNT]    print the register, or COUNT of them, in hex
    regs.py INTERFACE OFFSET AND OR     write (old & AND) | OR
"""
import mmap
import os
import struct
import sys

netdev, offset, *more = sys.argv[1:]
fd = os.open(f"/sys/class/net/{netdev}/device/resource0", os.O_RDWR | os.O_SYNC)
bar = memoryview(mmap.mmap(fd, os.fstat(fd).st_size)).cast("I")
index = int(offset, 0) // 4
if len(more) == 2:
    bar[index] = (bar[index] & int(more[0], 0) | int(more[1], 0)) & 0xffffffff
else:
    print(*[f"{bar[i]:#x}" for i in range(index, index + int(*more or ["1"]))], sep="\n")
