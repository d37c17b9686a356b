# SPDX-License-Identifier: GPL-2.0-only
"""One TCP SYN for each source port, to a closed port: exactly one received packet a flow.

    flows.py SOURCE DESTINATION PORT FIRST COUNT
"""
import socket
import sys

source, destination, port, first, count = sys.argv[1:]
for sport in range(int(first), int(first) + int(count)):
    with socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((source, sport))
        sock.connect_ex((destination, int(port)))
