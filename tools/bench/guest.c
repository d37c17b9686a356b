// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the bench runs in the guest.
 *
 *	guest mark NAME PID	does what comes in, a byte each, over the virtio-serial
 *				port NAME, and answers with the same byte:
 *				s  stop process PID, begin to count
 *				e  end counting, let the process go on
 *				a  let the process go on
 *				p  run pktgen as it is set up
 *				g  let the program go on that reads the FIFO /tmp/go
 *				x  run the program /tmp/run to its end
 *	guest udp-echo PORT	send each datagram back
 *	guest udp-sink PORT	read datagrams
 *	guest tcp-sink PORT	accept connections, read from them
 *	guest tcp-source PORT	accept connections, write to them
 */
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char buf[1 << 16];

static void die(const char *why)
{
	perror(why);
	exit(1);
}

/* tools/bench/count.c looks for these two instructions */
static void count_begin(void)
{
	__asm__ volatile("xchg %%bx, %%bx" ::: "memory");
}

static void count_end(void)
{
	__asm__ volatile("xchg %%cx, %%cx" ::: "memory");
}

static void tell(const char *path, const char *what)
{
	int fd = open(path, O_WRONLY);
	ssize_t n = strlen(what);

	if (fd < 0 || write(fd, what, n) != n)
		die(path);
	close(fd);
}

static int open_port(const char *name)
{
	char path[300], is[64] = "";
	struct dirent *d;
	DIR *ports = opendir("/sys/class/virtio-ports");

	while (ports && (d = readdir(ports))) {
		FILE *f;

		snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", d->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fscanf(f, "%63s", is) == 1 && !strcmp(is, name)) {
			snprintf(path, sizeof(path), "/dev/%s", d->d_name);
			return open(path, O_RDWR);
		}
		fclose(f);
	}
	return -1;
}

static void mark(const char *name, pid_t other)
{
	int fd = open_port(name);
	ssize_t n;
	char c;

	if (fd < 0)
		die(name);
	while ((n = read(fd, &c, 1)) >= 0) {
		if (!n) {		/* QEMU has not let the bench in yet */
			usleep(10000);
			continue;
		}
		switch (c) {
		case 's':
			kill(other, SIGSTOP);
			count_begin();
			break;
		case 'e':
			count_end();
			kill(other, SIGCONT);
			break;
		case 'a':
			kill(other, SIGCONT);
			break;
		case 'p':
			tell("/proc/net/pktgen/pgctrl", "start");
			break;
		case 'g':
			tell("/tmp/go", "g");
			break;
		case 'x':
			if (system("/tmp/run"))
				die("/tmp/run");
			break;
		}
		if (write(fd, &c, 1) != 1)
			break;
	}
	die(name);
}

static int listen_on(int type, int port)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, type, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) || (type == SOCK_STREAM && listen(fd, 8)))
		die("listen");
	return fd;
}

static void udp(int port, int echo)
{
	int fd = listen_on(SOCK_DGRAM, port);
	struct sockaddr_in from;

	for (;;) {
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &size);

		if (n >= 0 && echo && sendto(fd, buf, n, 0, (struct sockaddr *)&from, size) != n)
			die("sendto");
	}
}

static void tcp(int port, int source)
{
	int fd = listen_on(SOCK_STREAM, port);

	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int conn = accept(fd, NULL, NULL);

		while (conn >= 0 && (source ? write(conn, buf, sizeof(buf)) : read(conn, buf, sizeof(buf))) > 0)
			;
		close(conn);
	}
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "mark"))
		mark(argv[2], atoi(argv[3]));
	else if (argc == 3 && !strncmp(argv[1], "udp-", 4))
		udp(atoi(argv[2]), !strcmp(argv[1], "udp-echo"));
	else if (argc == 3 && !strncmp(argv[1], "tcp-", 4))
		tcp(atoi(argv[2]), !strcmp(argv[1], "tcp-source"));
	return 1;
}
