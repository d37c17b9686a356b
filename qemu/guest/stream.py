# SPDX-License-Identifier: GPL-2.0-only
"""One long TCP connection with data both ways, every byte checked.

    stream.py server :: PORT                echo, until killed
    stream.py client ADDRESS PORT FILE      send, compare the echo, keep the byte count in FILE

The client ends with a non-zero status when the connection breaks or a byte is wrong.
"""
import contextlib
import os
import socket
import sys

BLOCK = 32 << 10
mode, address, port, *rest = sys.argv[1:]
end = (address, int(port))

if mode == "server":
    listener = socket.create_server(end, family=socket.AF_INET6, dualstack_ipv6=True)
    while True:
        peer = listener.accept()[0]
        if os.fork() == 0:
            listener.close()
            with contextlib.suppress(OSError):
                while data := peer.recv(BLOCK):
                    peer.sendall(data)
            os._exit(0)
        peer.close()

sock = socket.create_connection(end, timeout=60)
sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
count = os.open(rest[0], os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
pattern, total = os.urandom(BLOCK + 4096), 0
back = memoryview(bytearray(BLOCK))
while True:
    block = pattern[total // BLOCK % 4096:][:BLOCK]     # another alignment each time
    sock.sendall(block)
    got = 0
    while got < BLOCK:
        n = sock.recv_into(back[got:])
        if not n:
            sys.exit(f"connection closed after {total + got} bytes")
        got += n
    if back != block:
        sys.exit(f"wrong data within bytes {total}..{total + BLOCK}")
    total += BLOCK
    os.pwrite(count, b"%d\n" % total, 0)
