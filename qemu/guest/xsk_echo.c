// SPDX-License-Identifier: GPL-2.0-only
/*
 * An AF_XDP program as users write it, on libxdp: its program, its rings, its wake-ups.
 *
 *	xsk_echo DEVICE QUEUE
 *
 * Sends what comes in on the queue back as it is, until SIGTERM. Demands zero copy.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <linux/if_link.h>
#include <xdp/xsk.h>

#define BUFFERS	XSK_RING_PROD__DEFAULT_NUM_DESCS
#define BATCH	64

static struct xsk_ring_prod fill, tx;
static struct xsk_ring_cons rx, done;
static volatile sig_atomic_t stopped;

static void stop(int sig)
{
	stopped = 1;
}

static void must(int error, const char *what)
{
	if (!error)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(error < 0 ? -error : errno));
	exit(1);
}

/* Room for n, which there will be: each ring holds all buffers */
static __u32 reserve(struct xsk_ring_prod *ring, __u32 n)
{
	__u32 at;

	must(xsk_ring_prod__reserve(ring, n, &at) != n, "no room in a ring");
	return at;
}

static __u32 echo(void)
{
	__u32 i, from, to, n = xsk_ring_cons__peek(&rx, BATCH, &from);

	if (!n)
		return 0;
	to = reserve(&tx, n);
	for (i = 0; i < n; i++)
		*xsk_ring_prod__tx_desc(&tx, to + i) = *xsk_ring_cons__rx_desc(&rx, from + i);
	xsk_ring_prod__submit(&tx, n);
	xsk_ring_cons__release(&rx, n);
	return n;
}

static __u32 recycle(void)
{
	__u32 i, from, to, n = xsk_ring_cons__peek(&done, BATCH, &from);

	if (!n)
		return 0;
	to = reserve(&fill, n);
	for (i = 0; i < n; i++) {
		__u64 addr = *xsk_ring_cons__comp_addr(&done, from + i);

		/* Without the headroom */
		*xsk_ring_prod__fill_addr(&fill, to + i) = addr & ~(XSK_UMEM__DEFAULT_FRAME_SIZE - 1ULL);
	}
	xsk_ring_prod__submit(&fill, n);
	xsk_ring_cons__release(&done, n);
	return n;
}

int main(int argc, char **argv)
{
	struct xsk_socket_config config = {
		.rx_size = BUFFERS, .tx_size = BUFFERS,
		.xdp_flags = XDP_FLAGS_DRV_MODE,
		.bind_flags = XDP_ZEROCOPY | XDP_USE_NEED_WAKEUP,
	};
	size_t size = (size_t)BUFFERS * XSK_UMEM__DEFAULT_FRAME_SIZE;
	struct xdp_options options = {};
	socklen_t len = sizeof(options);
	unsigned long echoed = 0, returned = 0, wakeups = 0;
	struct xsk_socket *xsk;
	struct xsk_umem *umem;
	struct pollfd fd;
	void *area;
	__u32 i, at;

	if (argc != 3) {
		fprintf(stderr, "xsk_echo DEVICE QUEUE\n");
		return 1;
	}
	signal(SIGTERM, stop);
	area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(area == MAP_FAILED, "mmap");
	must(xsk_umem__create(&umem, area, size, &fill, &done, NULL), "xsk_umem__create");
	must(xsk_socket__create(&xsk, argv[1], atoi(argv[2]), umem, &rx, &tx, &config),
	     "xsk_socket__create");
	fd = (struct pollfd){ .fd = xsk_socket__fd(xsk), .events = POLLIN };
	must(getsockopt(fd.fd, SOL_XDP, XDP_OPTIONS, &options, &len), "XDP_OPTIONS");

	at = reserve(&fill, BUFFERS);
	for (i = 0; i < BUFFERS; i++)
		*xsk_ring_prod__fill_addr(&fill, at + i) = (__u64)i * XSK_UMEM__DEFAULT_FRAME_SIZE;
	xsk_ring_prod__submit(&fill, BUFFERS);
	puts("bound");
	fflush(stdout);

	while (!stopped) {
		__u32 n = echo(), m = recycle();

		echoed += n;
		returned += m;
		if (n && xsk_ring_prod__needs_wakeup(&tx)) {
			sendto(fd.fd, NULL, 0, MSG_DONTWAIT, NULL, 0);
			wakeups++;
		}
		/* It wakes the driver up as well, if that is out of buffers */
		if (!n && !m)
			poll(&fd, 1, 10);
	}
	printf("{\"zerocopy\": %d, \"echoed\": %lu, \"returned\": %lu, \"wakeups\": %lu}\n",
	       !!(options.flags & XDP_OPTIONS_ZEROCOPY), echoed, returned, wakeups);
	xsk_socket__delete(xsk);
	xsk_umem__delete(umem);
	return 0;
}
