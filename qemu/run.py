#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""make run: boot a guest with two joined NICs, show the driver at work, then give a shell."""
import argparse
import json
import os
import re
import select
import shutil
import signal
import socket
import sys
import termios
import time
import tty

import lab
from vm import VM, CommandError, Nic, VMError

BOLD, PLAIN = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")


def heading(text):
    print(f"\n{BOLD}== {text}{PLAIN}", flush=True)


def show(text, keep=None):
    for line in text.rstrip().splitlines():
        if keep is None or re.search(keep, line):
            print("  " + line.rstrip())
    sys.stdout.flush()


def queue_counts(vm, dev):
    """{queue: frames received} of the queues in use."""
    ifindex = int(vm.run(f"cat /sys/class/net/{dev}/ifindex").out)
    rows = json.loads(vm.run("python3 /ignis/qemu/guest/genl.py qstats-queue").out)
    return {row["id"]: row["rx-packets"] for row in rows if row["ifindex"] == ifindex and "rx-packets" in row}


def bars(counts, width=40):
    top = max(counts.values(), default=0) or 1
    for q, n in sorted(counts.items()):
        print(f"  rx queue {q}  {'█' * max(round(n / top * width), n > 0):<{width}} {n}")


def demo(vm):
    heading(f"Two NICs, joined; the second one in the network namespace \"peer\"   [{vm.kernel}]")
    dev, peer = vm.join(0, 1)
    show(vm.run(f"lspci -k -s {vm.pci(0)}; ip -br link show {dev}; ip -n peer -br link show {peer}").out)
    show(vm.run(f"ethtool {dev}").out, "Speed|Duplex|Link detected")
    heading(f"ethtool -i {dev}")
    show(vm.run(f"ethtool -i {dev}").out, "driver|^version|firmware|bus-info")

    heading("ping")
    for cmd in ("ping -c 3 -i 0.2 10.0.0.2", "ping -6 -c 3 -i 0.2 fd00::2"):
        show(vm.run(cmd).out, "bytes from|packets|rtt")

    heading("iperf3, 8 connections, 1 s each way")
    server = vm.start("iperf3 -s", netns="peer")
    vm.run("for t in $(seq 50); do ip netns exec peer ss -Hltn sport = 5201 | grep -q . && exit; "
           "sleep 0.1; done; exit 1")
    before = None
    for text, arg in (("out", ""), ("in ", "-R")):
        before = queue_counts(vm, dev)
        out = vm.run(f"iperf3 -c 10.0.0.2 -f m -P 8 -t 1 {arg}").out
        show("\n".join(f"{text}  {ln}" for ln in out.splitlines()
                       if re.match(r"\[SUM\].*(sender|receiver)", ln)))
    after = queue_counts(vm, dev)
    server.stop()
    if after:
        heading("frames received per queue while the connections ran in (RSS)")
        bars({q: n - before.get(q, 0) for q, n in after.items()})
    heading(f"ethtool -k {dev}   (on, and not fixed)")
    on = re.findall(r"^\s*([\w-]+): on$", vm.run(f"ethtool -k {dev}").out, re.M)
    show("\n".join(" ".join(f"{f:<36}" for f in on[i:i + 2]) for i in range(0, len(on), 2)))
    heading(f"ethtool -S {dev}   (not zero)")
    stats = re.findall(r"^\s*([\w.-]+): ([1-9]\d*)$", vm.run(f"ethtool -S {dev}").out, re.M)
    show("\n".join(f"{k}: {v}" for k, v in stats))
    heading("kernel log")
    show(vm.run("dmesg").out, rf"{vm.driver}[: ]|{dev}\b")
    vm.check_dmesg()


def shell(vm):
    """The guest's serial console on our terminal, until the shell there ends or Ctrl-A X."""
    cols, rows = shutil.get_terminal_size()
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(str(vm.dir / "console"))
    print(f"\n{BOLD}A shell in the guest. Leave it with `exit`, or Ctrl-A X.{PLAIN}  "
          f"(/ignis is the project, /out is {vm.dir}/out)", flush=True)
    term = re.sub(r"[^\w.+-]", "", os.environ.get("TERM", "vt100"))
    job = vm.start(f"stty -F /dev/ttyS0 sane rows {rows} cols {cols}; export TERM={term}; cd /root; "
                   "setsid -c -w bash -l <>/dev/ttyS0 >&0 2>&0; printf '\\0' > /dev/ttyS0")
    del job                                     # its end shows as a NUL on the console
    saved = termios.tcgetattr(0)
    tty.setraw(0)
    prefix = False
    try:
        while True:
            ready = select.select([0, sock], [], [])[0]
            if sock in ready:
                data = sock.recv(65536)
                os.write(1, data.replace(b"\0", b""))
                if not data or b"\0" in data:
                    break
            if 0 in ready:
                out = b""
                data = os.read(0, 4096)
                if not data:
                    break
                for c in data:
                    if prefix and c in b"xX":
                        return
                    if c == 1 and not prefix:
                        prefix = True
                        continue
                    prefix = False
                    out += bytes([c])
                sock.sendall(out)
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, saved)
        sock.close()
        print()


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--kernel", default="backports", help="stable, backports, or a built kernel tree")
    p.add_argument("--cpus", type=int, default=4)
    p.add_argument("--device", default="igb", help="QEMU's NIC model")
    p.add_argument("--driver", default="ignis")
    p.add_argument("--no-demo", action="store_true", help="only boot, load the driver, give the shell")
    a = p.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    start = time.monotonic()
    try:
        with VM(a.kernel, nics=[Nic(a.device, hub=0), Nic(a.device, hub=0)], cpus=a.cpus,
                driver=a.driver, name="run") as vm:
            lab.say(f"{vm.kernel} is up under {vm.accel} after {time.monotonic() - start:.0f} s")
            if not a.no_demo:
                demo(vm)
                print(f"\nAll of it worked ({time.monotonic() - start:.0f} s).")
            if sys.stdin.isatty() and sys.stdout.isatty():
                shell(vm)
    except (lab.LabError, VMError, CommandError, AssertionError) as e:
        sys.exit(f"\nignis: {e}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
