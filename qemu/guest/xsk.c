// SPDX-License-Identifier: GPL-2.0-only
/*
 * An AF_XDP program for tests and bench, on the bare system calls.
 *
 *	xsk DEVICE MODE [name=value ...]
 *
 * rx	count what comes in
 * echo	send it back as it is
 * tx	send count= frames of size= bytes to dst=, and wait for their completion
 * idle	be bound
 *
 * queue=0,1	a socket on each, with one UMEM
 * map=ID	XSKMAP to put them into, at their queue
 * copy sg unaligned nowakeup busy starve	(=1) as they say; zero copy is demanded else
 * chunk= headroom= frames= ring=	of the UMEM and its rings
 * few=	buffers to receive into at first, the rest 200 ms after a frame; no system calls meanwhile
 * meta=START:OFFSET	checksums to be filled in
 * stamp=1	times of sending to be told; the first MAX_STAMPS are printed
 * piece=	most bytes of a buffer to send
 * same=1	all frames to be sent are the first one, written to all buffers beforehand
 * go=FIFO	count= frames are sent for each byte that comes from there
 * wait=	milliseconds to sleep at most when there is nothing to do, 1 if not given
 * ready=FILE	to be made when all is bound
 * progress=FILE	to hold the number of frames that came in
 *
 * Ends after count= frames, with SIGTERM, or without traffic for idle= milliseconds;
 * prints what it saw as JSON.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAX_SOCKETS	8
#define BATCH		64
#define MAX_STAMPS	16
#define SO_PREFER_BUSY_POLL	69
#define SO_BUSY_POLL_BUDGET	70
/* As of Linux 6.8; headers may be older */
#define TX_METADATA	2
#define TXMD_TIMESTAMP	1
#define TXMD_CHECKSUM	2
#define META		24	/* bytes: flags, then START and OFFSET or the answer */
#define UMEM_TX_METADATA_LEN	4

struct umem_reg {
	uint64_t addr, len;
	uint32_t chunk_size, headroom, flags, tx_metadata_len;
};

struct ring {
	uint32_t *producer, *consumer, *flags, mask;
	void *desc;
	/* How far we are, on our side */
	uint32_t mine;
};

struct socket_of {
	int fd, queue;
	struct ring rx, tx, fill, done;
};

static struct socket_of socks[MAX_SOCKETS];
static int n_socks, unaligned, same;
static uint64_t chunk_size;
static uint8_t *umem;
static uint64_t umem_size, *spare;
static unsigned int n_spare;
static volatile sig_atomic_t stopped;
static struct {
	unsigned long rx, rx_descs, rx_bytes, tx, tx_descs, done, wakeups, stamps;
	uint64_t stamp[MAX_STAMPS];
} seen;

static char **args;

static void die(const char *format, ...)
{
	int error = errno;
	va_list list;

	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fprintf(stderr, ": %s\n", strerror(error));
	exit(1);
}

static const char *option(const char *name, const char *otherwise)
{
	size_t n = strlen(name);
	char **arg;

	for (arg = args; *arg; arg++)
		if (!strncmp(*arg, name, n) && (*arg)[n] == '=')
			return *arg + n + 1;
	return otherwise;
}

static long number(const char *name, long otherwise)
{
	const char *text = option(name, NULL);

	return text ? strtol(text, NULL, 0) : otherwise;
}

static int wants_meta(void)
{
	return option("meta", NULL) || number("stamp", 0);
}

static void stop(int sig)
{
	stopped = 1;
}

static void map_ring(struct ring *r, int fd, const struct xdp_ring_offset *off,
		     unsigned int entries, size_t size, off_t page)
{
	char *at = mmap(NULL, off->desc + entries * size, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_POPULATE, fd, page);

	if (at == MAP_FAILED)
		die("mmap of a ring");
	r->producer = (void *)(at + off->producer);
	r->consumer = (void *)(at + off->consumer);
	r->flags = (void *)(at + off->flags);
	r->desc = at + off->desc;
	r->mask = entries - 1;
}

static void set(int fd, int name, const void *value, socklen_t len)
{
	if (setsockopt(fd, SOL_XDP, name, value, len))
		die("setsockopt %d", name);
}

static void open_socket(struct socket_of *s, const char *dev, int owner)
{
	int entries = number("ring", 512);
	struct sockaddr_xdp addr = {
		.sxdp_family = AF_XDP,
		.sxdp_ifindex = if_nametoindex(dev),
		.sxdp_queue_id = s->queue,
	};
	struct xdp_mmap_offsets off;
	socklen_t len = sizeof(off);
	int tries;

	s->fd = socket(AF_XDP, SOCK_RAW, 0);
	if (s->fd < 0)
		die("socket");
	if (owner < 0) {
		struct umem_reg reg = {
			.addr = (uintptr_t)umem,
			.len = umem_size,
			.chunk_size = chunk_size,
			.headroom = number("headroom", 0),
		};

		if (unaligned)
			reg.flags |= XDP_UMEM_UNALIGNED_CHUNK_FLAG;
		if (wants_meta()) {
			reg.flags |= UMEM_TX_METADATA_LEN;
			reg.tx_metadata_len = META;
		}
		set(s->fd, XDP_UMEM_REG, &reg, sizeof(reg));
	}
	set(s->fd, XDP_UMEM_FILL_RING, &entries, sizeof(entries));
	set(s->fd, XDP_UMEM_COMPLETION_RING, &entries, sizeof(entries));
	set(s->fd, XDP_RX_RING, &entries, sizeof(entries));
	set(s->fd, XDP_TX_RING, &entries, sizeof(entries));
	if (getsockopt(s->fd, SOL_XDP, XDP_MMAP_OFFSETS, &off, &len))
		die("getsockopt");
	map_ring(&s->rx, s->fd, &off.rx, entries, sizeof(struct xdp_desc), XDP_PGOFF_RX_RING);
	map_ring(&s->tx, s->fd, &off.tx, entries, sizeof(struct xdp_desc), XDP_PGOFF_TX_RING);
	map_ring(&s->fill, s->fd, &off.fr, entries, 8, XDP_UMEM_PGOFF_FILL_RING);
	map_ring(&s->done, s->fd, &off.cr, entries, 8, XDP_UMEM_PGOFF_COMPLETION_RING);

	if (number("busy", 0)) {
		int on = 1, usecs = 20, budget = 64;

		if (setsockopt(s->fd, SOL_SOCKET, SO_PREFER_BUSY_POLL, &on, sizeof(on)) ||
		    setsockopt(s->fd, SOL_SOCKET, SO_BUSY_POLL, &usecs, sizeof(usecs)) ||
		    setsockopt(s->fd, SOL_SOCKET, SO_BUSY_POLL_BUDGET, &budget, sizeof(budget)))
			die("busy polling");
	}

	if (owner < 0) {
		addr.sxdp_flags = number("copy", 0) ? XDP_COPY : XDP_ZEROCOPY;
		if (!number("nowakeup", 0))
			addr.sxdp_flags |= XDP_USE_NEED_WAKEUP;
		if (number("sg", 0))
			addr.sxdp_flags |= XDP_USE_SG;
	} else {
		addr.sxdp_flags = XDP_SHARED_UMEM;
		addr.sxdp_shared_umem_fd = owner;
	}
	/* Whoever had it before is leaving, perhaps */
	for (tries = 50; bind(s->fd, (void *)&addr, sizeof(addr)); tries--) {
		if (errno != EBUSY || !tries)
			die("bind to queue %d", s->queue);
		usleep(20000);
	}
}

static void put_into_map(unsigned int id, const struct socket_of *s)
{
	union bpf_attr attr = { .map_id = id };
	int fd = syscall(SYS_bpf, BPF_MAP_GET_FD_BY_ID, &attr, sizeof(attr));

	if (fd < 0)
		die("map %u", id);
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = fd;
	attr.key = (uintptr_t)&s->queue;
	attr.value = (uintptr_t)&s->fd;
	if (syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)))
		die("map %u, queue %d", id, s->queue);
	close(fd);
}

static uint32_t room(struct ring *r)
{
	return r->mask + 1 - (r->mine - __atomic_load_n(r->consumer, __ATOMIC_ACQUIRE));
}

static uint32_t waiting(struct ring *r)
{
	return __atomic_load_n(r->producer, __ATOMIC_ACQUIRE) - r->mine;
}

static void submit(struct ring *r)
{
	__atomic_store_n(r->producer, r->mine, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void release(struct ring *r)
{
	__atomic_store_n(r->consumer, r->mine, __ATOMIC_RELEASE);
}

static int asks(const struct ring *r)
{
	return *(volatile uint32_t *)r->flags & XDP_RING_NEED_WAKEUP;
}

/* Where its chunk begins, whatever was received into it or sent from it */
static uint64_t chunk_of(uint64_t addr)
{
	return addr & (unaligned ? XSK_UNALIGNED_BUF_ADDR_MASK : ~(chunk_size - 1));
}

static void fill(struct socket_of *s)
{
	uint32_t n = room(&s->fill), few = number("few", 0);
	static uint32_t filled;

	if (number("starve", 0) || !n || !n_spare)
		return;
	if (few && !seen.rx)
		n = few - filled;
	else if (few && filled == few)
		usleep(200000);
	filled += n;
	/* The others want some as well */
	while (n-- && n_spare > 8)
		((uint64_t *)s->fill.desc)[s->fill.mine++ & s->fill.mask] = spare[--n_spare];
	submit(&s->fill);
}

static void reap(struct socket_of *s)
{
	uint32_t n = waiting(&s->done);

	if (!n)
		return;
	seen.done += n;
	while (n--) {
		uint64_t addr = ((uint64_t *)s->done.desc)[s->done.mine++ & s->done.mask];

		if (number("stamp", 0) && seen.stamps < MAX_STAMPS)
			memcpy(&seen.stamp[seen.stamps++], umem + addr - META + 8, 8);
		spare[n_spare++] = chunk_of(addr);
	}
	release(&s->done);
}

static void wake(struct socket_of *s)
{
	if (number("busy", 0)) {
		recvfrom(s->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
		sendto(s->fd, NULL, 0, MSG_DONTWAIT, NULL, 0);
		return;
	}
	if (seen.tx_descs != seen.done && asks(&s->tx)) {
		seen.wakeups++;
		if (sendto(s->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 &&
		    errno != EAGAIN && errno != EBUSY && errno != ENOBUFS && errno != ENETDOWN)
			die("sendto");
	}
	if (asks(&s->fill)) {
		seen.wakeups++;
		recvfrom(s->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
	}
}

/* Whole frames that have come in; to be sent back or dropped */
static unsigned int receive(struct socket_of *s, int back)
{
	uint32_t n = waiting(&s->rx), first = s->rx.mine, i, frame = 0, frames = 0;
	struct xdp_desc *in = s->rx.desc, *out = s->tx.desc;

	for (i = 0; i < n; i++) {
		uint32_t more = in[(first + i) & s->rx.mask].options & XDP_PKT_CONTD;

		frame++;
		if (more)
			continue;
		if (back && room(&s->tx) < frame)
			break;
		while (frame--) {
			struct xdp_desc *d = &in[s->rx.mine++ & s->rx.mask];

			seen.rx_descs++;
			seen.rx_bytes += d->len;
			if (back) {
				struct xdp_desc *to = &out[s->tx.mine++ & s->tx.mask];

				*to = *d;
				to->options &= XDP_PKT_CONTD;
				seen.tx_descs++;
			} else {
				spare[n_spare++] = chunk_of(d->addr);
			}
		}
		frame = 0;
		frames++;
	}
	seen.rx += frames;
	release(&s->rx);
	if (back && frames) {
		seen.tx += frames;
		submit(&s->tx);
	}
	return frames;
}

static void make_frame(uint8_t *at, long size, unsigned long n)
{
	static const uint8_t head[] = { 2, 0, 0, 0, 0x77, 0x77, 0x88, 0xb5 };
	unsigned int mac[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	uint8_t whole[1 << 16] = {};
	long i;

	sscanf(option("dst", ""), "%x:%x:%x:%x:%x:%x", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5);
	for (i = 0; i < 6; i++)
		whole[i] = mac[i];
	memcpy(whole + 6, head, sizeof(head));
	memcpy(whole + 14, &n, 4);
	for (i = 18; i < size; i++)
		whole[i] = n + i;
	memcpy(at, whole, size);
}

/* A frame given as hexadecimal digits, or one of our own */
static void compose(uint8_t *at, long size, unsigned long n)
{
	const char *hex = option("frame", NULL);
	long i;

	if (!hex) {
		make_frame(at, size, n);
		return;
	}
	for (i = 0; i < size; i++)
		sscanf(hex + 2 * i, "%2hhx", at + i);
}

static void ask(uint8_t *data)
{
	uint8_t *meta = data - META;
	unsigned int start, offset;

	memset(meta, 0, META);
	if (number("stamp", 0))
		meta[0] |= TXMD_TIMESTAMP;
	if (sscanf(option("meta", ""), "%u:%u", &start, &offset) != 2)
		return;
	meta[0] |= TXMD_CHECKSUM;
	memcpy(meta + 8, &(uint16_t){ start }, 2);
	memcpy(meta + 10, &(uint16_t){ offset }, 2);
}

static long frame_size(void)
{
	const char *hex = option("frame", NULL);

	return hex ? (long)strlen(hex) / 2 : number("size", 60);
}

static unsigned int transmit(struct socket_of *s, unsigned long count)
{
	long size = frame_size(), piece = same ? size : number("piece", chunk_size - 256);
	int meta = wants_meta();
	unsigned int pieces = (size + piece - 1) / piece, sent = 0;
	struct xdp_desc *out = s->tx.desc;
	static uint8_t whole[1 << 16];

	while (seen.tx < count && sent < BATCH && room(&s->tx) >= pieces && n_spare >= pieces) {
		long at = 0;

		if (!same)
			compose(whole, size, seen.tx);
		while (at < size) {
			long len = size - at < piece ? size - at : piece;
			uint64_t chunk = spare[--n_spare];
			struct xdp_desc *d = &out[s->tx.mine++ & s->tx.mask];

			/* Not where a frame would be received */
			d->addr = chunk + (meta ? 64 : 0);
			d->len = len;
			d->options = at + len < size ? XDP_PKT_CONTD : 0;
			if (!same)
				memcpy(umem + d->addr, whole + at, len);
			if (meta && !at) {
				ask(umem + d->addr);
				d->options |= TX_METADATA;
			}
			at += len;
			seen.tx_descs++;
		}
		seen.tx++;
		sent++;
	}
	if (sent)
		submit(&s->tx);
	return sent;
}

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void run(const char *mode)
{
	const char *fifo = option("go", NULL);
	unsigned long each = number("count", 0), count = fifo ? 0 : each;
	long quiet = number("idle", 0), last = now(), wait = number("wait", 1);
	int i, back = !strcmp(mode, "echo"), send = !strcmp(mode, "tx");
	struct pollfd fds[MAX_SOCKETS];
	int progress = -1, go = -1;
	char byte;

	if (fifo) {
		go = open(fifo, O_RDWR);
		if (go < 0)
			die("%s", fifo);
	}
	if (option("progress", NULL))
		progress = open(option("progress", ""), O_CREAT | O_WRONLY | O_TRUNC, 0600);
	while (!stopped) {
		unsigned int busy = 0;

		for (i = 0; i < n_socks; i++) {
			struct socket_of *s = &socks[i];
			unsigned long done = seen.done;

			reap(s);
			busy += seen.done != done;
			if (send)
				busy += transmit(s, count);
			else if (strcmp(mode, "idle"))
				busy += receive(s, back);
			fill(s);
			wake(s);
			fds[i] = (struct pollfd){ .fd = s->fd, .events = POLLIN };
		}
		if (busy) {
			last = now();
			if (progress >= 0 && pwrite(progress, &seen.rx, sizeof(seen.rx), 0) < 0)
				die("progress");
		}
		if (each && (send ? seen.tx : seen.rx) >= count && seen.done == seen.tx_descs) {
			if (go < 0 || read(go, &byte, 1) != 1)
				break;
			count += each;
		}
		if (quiet && now() - last > quiet)
			break;
		if (!busy && !number("busy", 0))
			number("few", 0) ? usleep(1000) : poll(fds, n_socks, wait);
	}

	/* Frames are on the wire before their completions are here */
	for (last = now(); seen.done != seen.tx_descs && now() - last < 2000; poll(NULL, 0, 1)) {
		for (i = 0; i < n_socks; i++) {
			reap(&socks[i]);
			wake(&socks[i]);
		}
	}
}

static void report(void)
{
	struct xdp_statistics st, sum = {};
	struct xdp_options opt = {};
	socklen_t len = sizeof(opt);
	int i;

	getsockopt(socks[0].fd, SOL_XDP, XDP_OPTIONS, &opt, &len);
	for (i = 0; i < n_socks; i++) {
		len = sizeof(st);
		getsockopt(socks[i].fd, SOL_XDP, XDP_STATISTICS, &st, &len);
		sum.rx_dropped += st.rx_dropped;
		sum.rx_ring_full += st.rx_ring_full;
		sum.rx_invalid_descs += st.rx_invalid_descs;
		sum.tx_invalid_descs += st.tx_invalid_descs;
	}
	printf("{\"zerocopy\": %d, \"rx\": %lu, \"rx_descs\": %lu, \"rx_bytes\": %lu, \"tx\": %lu, \"tx_descs\": %lu, \"done\": %lu, \"wakeups\": %lu, \"dropped\": %llu, \"full\": %llu, \"invalid\": %llu, \"stamps\": [",
	       !!(opt.flags & XDP_OPTIONS_ZEROCOPY), seen.rx, seen.rx_descs, seen.rx_bytes, seen.tx,
	       seen.tx_descs, seen.done, seen.wakeups, (unsigned long long)sum.rx_dropped,
	       (unsigned long long)sum.rx_ring_full,
	       (unsigned long long)(sum.rx_invalid_descs + sum.tx_invalid_descs));
	for (i = 0; i < (int)seen.stamps; i++)
		printf("%s%llu", i ? ", " : "", (unsigned long long)seen.stamp[i]);
	printf("]}\n");
}

int main(int argc, char **argv)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct sigaction stopping = { .sa_handler = stop };
	const char *queues, *at;
	long frames, i;

	args = argv + (argc < 3 ? argc : 3);
	if (argc < 3)
		die("usage: xsk DEVICE MODE [name=value ...]");
	sigaction(SIGTERM, &stopping, NULL);
	sigaction(SIGINT, &stopping, NULL);
	setrlimit(RLIMIT_MEMLOCK, &unlimited);

	chunk_size = number("chunk", 2048);
	unaligned = number("unaligned", 0);
	same = number("same", 0);
	frames = number("frames", 2048);
	umem_size = frames * (unaligned ? 4096 : chunk_size);
	umem = mmap(NULL, umem_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	spare = calloc(2 * frames, sizeof(*spare));
	if (umem == MAP_FAILED || !spare)
		die("memory");
	/* At odd places in unaligned mode, but for those across the end of a page */
	for (i = 0; i < frames; i++) {
		uint64_t addr = i * chunk_size;

		if (unaligned)
			addr = i * 4096 + (i * 37) % (4096 - chunk_size);
		if (same)
			compose(umem + addr, frame_size(), 0);
		spare[n_spare++] = addr;
	}

	queues = option("queue", "0");
	for (at = queues; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
		socks[n_socks].queue = atoi(at);
		open_socket(&socks[n_socks], argv[1], n_socks ? socks[0].fd : -1);
		n_socks++;
	}
	for (i = 0; i < n_socks; i++) {
		if (option("map", NULL))
			put_into_map(number("map", 0), &socks[i]);
		if (strcmp(argv[2], "tx"))
			fill(&socks[i]);
		wake(&socks[i]);
	}
	if (option("ready", NULL))
		close(open(option("ready", ""), O_CREAT | O_WRONLY, 0600));
	run(argv[2]);
	report();
	return 0;
}
