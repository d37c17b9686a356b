// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin for QEMU's TCG: how often each instruction of the kernel ran, and each
 * register of a device was accessed, and how many lines of cache a driver touched,
 * between two markers that the guest executes:
 *
 *	xchg %bx,%bx	forget all counts; the first time, only begin to count
 *	xchg %cx,%cx	write them to the file <out>/<n>, n = 0, 1, 2, ...
 *
 * A line of that file is one of
 *
 *	i ADDRESS COUNT		instruction of the kernel, by virtual address
 *	u COUNT			instructions of user space
 *	r ADDRESS COUNT		register reads by kernel modules, by physical address
 *	w ADDRESS COUNT		register writes
 *	d COUNT COUNT		lines of data: by the driver, by it and what it causes
 *	c COUNT COUNT		lines of code
 *
 * What a driver is, and what it causes, is read from the file <out>/functions when
 * the count begins for the first time: sorted lines "START END d" or "START END c".
 * A line counts once between two halts of the CPU, as if its cache was cold whenever
 * it wakes up.
 *
 * The eight bytes at the start of the file <out>/halted are 1 while all CPUs halt.
 *
 * An instruction with a rep prefix counts as one, or as few, however long it
 * works.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * What is used of QEMU's plugin API, version 4 (QEMU 9.2 to 10.0; later ones still
 * take it).  Debian does not package its header.
 */
#define API_VERSION	4
#define EXPORT		__attribute__((visibility("default")))

struct api_info {
	const char *target;
	struct {
		int min;
		int cur;
	} version;
	bool system;
	struct {
		int cpus;
		int max_cpus;
	} smp;
};

struct api_u64 {
	void *score;
	size_t offset;
};

enum { API_ADD, API_STORE };	/* inline operations */
enum { API_NO_REGS };		/* what callbacks do with registers */
enum { API_READ_WRITE = 3 };	/* accesses to memory that they want */

void qemu_plugin_reset(uint64_t id, void (*cb)(uint64_t id));
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*cb)(uint64_t id, void *tb));
size_t qemu_plugin_tb_n_insns(const void *tb);
void *qemu_plugin_tb_get_insn(const void *tb, size_t n);
uint64_t qemu_plugin_tb_vaddr(const void *tb);
void qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(void *tb, int op, struct api_u64 entry,
							uint64_t imm);
size_t qemu_plugin_insn_data(const void *insn, void *to, size_t len);
uint64_t qemu_plugin_insn_vaddr(const void *insn);
void qemu_plugin_register_vcpu_insn_exec_cb(void *insn, void (*cb)(unsigned int cpu, void *data),
					    int flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(void *insn, int op, struct api_u64 entry,
							 uint64_t imm);
void qemu_plugin_register_vcpu_mem_cb(void *insn, void (*cb)(unsigned int cpu, uint32_t info,
							     uint64_t vaddr, void *data),
				      int flags, int rw, void *data);
bool qemu_plugin_mem_is_store(uint32_t info);
void *qemu_plugin_get_hwaddr(uint32_t info, uint64_t vaddr);
bool qemu_plugin_hwaddr_is_io(const void *hwaddr);
uint64_t qemu_plugin_hwaddr_phys_addr(const void *hwaddr);
void *qemu_plugin_scoreboard_new(size_t size);
void *qemu_plugin_scoreboard_find(void *score, unsigned int cpu);
int qemu_plugin_num_vcpus(void);

EXPORT int qemu_plugin_version = API_VERSION;

/* x86-64 Linux, not randomised */
#define KERNEL		0xffff800000000000ull
#define MODULES		0xffffffffa0000000ull

#define SLOTS		(1u << 20)	/* instructions of the kernel that can be told apart */
#define HASH		(SLOTS * 2)
#define REGS		4096		/* registers, reads and writes apart */
#define FUNCTIONS	16384
#define LINES		(1u << 20)	/* of cache; a power of two, half of it is used */
#define LINE		64

enum { BX = 0xdb8766, CX = 0xc98766, HLT = 0xf4 };

/* Counters of a CPU */
struct counts {
	uint64_t halted;
	uint64_t user;
	uint64_t insn[SLOTS];
};

static struct reg {
	uint64_t addr;
	uint64_t count;
	bool store;
} regs[REGS];

/* Whose instructions */
enum who { DRIVER, CAUSED, OTHERS };

static struct function {
	uint64_t start;
	uint64_t end;
	enum who who;
} functions[FUNCTIONS];

/* A line of cache, by the hash of its address */
static struct line {
	uint64_t addr;
	uint32_t seen[OTHERS];		/* by the driver, by both: in which time awake */
} lines[LINES];

static uint64_t touched[2][OTHERS];	/* lines of data, of code */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t slot_addr[SLOTS];	/* whose count each slot is */
static uint32_t slot_of[HASH];		/* slot + 1, 0: free; by hash of the address */
static unsigned int slots, n_regs, n_functions, n_lines, phase;
static uint32_t awake = 1;		/* the how-manieth time */
static bool counting;			/* not while the guest boots, as that would take long */
static volatile uint64_t *halted;
static const char *out;
static void *score;

static void die(const char *why)
{
	fprintf(stderr, "count: %s\n", why);
	exit(1);
}

static unsigned int find_slot(uint64_t addr)
{
	uint32_t h = (addr * 0x9e3779b97f4a7c15ull) >> 43;	/* 21 bits: HASH */
	unsigned int slot;

	pthread_mutex_lock(&lock);
	while (slot_of[h] && slot_addr[slot_of[h] - 1] != addr)
		h = (h + 1) % HASH;
	if (!slot_of[h]) {
		if (slots == SLOTS)
			die("too many instructions");
		slot_addr[slots++] = addr;
		slot_of[h] = slots;
	}
	slot = slot_of[h] - 1;
	pthread_mutex_unlock(&lock);
	return slot;
}

static struct api_u64 counter(size_t offset)
{
	return (struct api_u64){ score, offset };
}

static void read_functions(void)
{
	char name[PATH_MAX], who;
	struct function *fn = functions;
	FILE *f;

	snprintf(name, sizeof(name), "%s/functions", out);
	f = fopen(name, "r");
	if (!f)
		die("cannot read functions");
	while (fscanf(f, "%" SCNx64 " %" SCNx64 " %c", &fn->start, &fn->end, &who) == 3) {
		fn->who = who == 'd' ? DRIVER : CAUSED;
		if (++fn == functions + FUNCTIONS)
			die("too many functions");
	}
	n_functions = fn - functions;
	fclose(f);
}

static enum who whose(uint64_t addr)
{
	unsigned int low = 0, high = n_functions;

	while (low < high) {
		unsigned int mid = (low + high) / 2;

		if (addr >= functions[mid].end)
			low = mid + 1;
		else
			high = mid;
	}
	return low < n_functions && addr >= functions[low].start ? functions[low].who : OTHERS;
}

static void touch(uint64_t addr, enum who who, bool code)
{
	struct line *l;

	addr &= -(uint64_t)LINE;
	pthread_mutex_lock(&lock);
	l = &lines[(addr * 0x9e3779b97f4a7c15ull) >> 44];	/* 20 bits: LINES */
	while (l->addr && l->addr != addr)
		l = l == lines ? lines + LINES - 1 : l - 1;
	if (!l->addr && n_lines++ == LINES / 2)
		die("too many lines of cache");
	l->addr = addr;
	for (enum who w = who; w < OTHERS; w++) {
		touched[code][w] += l->seen[w] != awake;
		l->seen[w] = awake;
	}
	pthread_mutex_unlock(&lock);
}

static void fetched(unsigned int cpu, void *data)
{
	uintptr_t line = (uintptr_t)data;

	touch(line, line % LINE, true);
}

static void fell_asleep(unsigned int cpu, void *data)
{
	awake++;
}

static void translated(uint64_t id, void *tb);

/* All that has been translated so far is forgotten */
static void begin(uint64_t id)
{
	counting = true;
	read_functions();
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
}

static void start(unsigned int cpu, void *data)
{
	if (!counting) {
		qemu_plugin_reset((uintptr_t)data, begin);
		return;
	}
	for (int i = 0; i < qemu_plugin_num_vcpus(); i++) {
		struct counts *c = qemu_plugin_scoreboard_find(score, i);

		c->user = 0;
		memset(c->insn, 0, slots * sizeof(*c->insn));
	}
	pthread_mutex_lock(&lock);
	n_regs = 0;
	n_lines = 0;
	memset(lines, 0, sizeof(lines));
	memset(touched, 0, sizeof(touched));
	pthread_mutex_unlock(&lock);
}

static void stop(unsigned int cpu, void *data)
{
	char new[PATH_MAX], name[PATH_MAX];
	uint64_t user = 0;
	FILE *f;

	snprintf(name, sizeof(name), "%s/%u", out, phase);
	snprintf(new, sizeof(new), "%s/new", out);
	f = fopen(new, "w");
	if (!f)
		die("cannot write counts");

	pthread_mutex_lock(&lock);
	for (unsigned int s = 0; s < slots; s++) {
		uint64_t n = 0;

		for (int i = 0; i < qemu_plugin_num_vcpus(); i++) {
			struct counts *c = qemu_plugin_scoreboard_find(score, i);

			n += c->insn[s];
			user += s ? 0 : c->user;
		}
		if (n)
			fprintf(f, "i %" PRIx64 " %" PRIu64 "\n", slot_addr[s], n);
	}
	fprintf(f, "u %" PRIu64 "\n", user);
	for (struct reg *r = regs; r < regs + n_regs; r++)
		fprintf(f, "%c %" PRIx64 " %" PRIu64 "\n", r->store ? 'w' : 'r', r->addr, r->count);
	for (int code = 0; code < 2; code++)
		fprintf(f, "%c %" PRIu64 " %" PRIu64 "\n", code ? 'c' : 'd', touched[code][DRIVER], touched[code][CAUSED]);
	phase++;
	pthread_mutex_unlock(&lock);

	if (fclose(f) || rename(new, name))
		die("cannot write counts");
}

static void accessed(unsigned int cpu, uint32_t info, uint64_t vaddr, void *data)
{
	const void *hwaddr = qemu_plugin_get_hwaddr(info, vaddr);
	bool store = qemu_plugin_mem_is_store(info);
	struct reg *r = regs;
	uint64_t addr;

	if (!hwaddr)
		return;
	if (!qemu_plugin_hwaddr_is_io(hwaddr)) {
		if ((uintptr_t)data != OTHERS)
			touch(vaddr, (uintptr_t)data, false);
		return;
	}
	addr = qemu_plugin_hwaddr_phys_addr(hwaddr);

	pthread_mutex_lock(&lock);
	while (r < regs + n_regs && (r->addr != addr || r->store != store))
		r++;
	if (r == regs + n_regs) {
		if (n_regs++ == REGS)
			die("too many registers");
		*r = (struct reg){ .addr = addr, .store = store };
	}
	r->count++;
	pthread_mutex_unlock(&lock);
}

static void translated(uint64_t id, void *tb)
{
	bool kernel = qemu_plugin_tb_vaddr(tb) >= KERNEL;
	size_t n = qemu_plugin_tb_n_insns(tb);
	uint64_t line = 0;

	if (!counting && kernel)
		return;
	qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, API_STORE,
							   counter(offsetof(struct counts, halted)), 0);
	if (!kernel)
		qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, API_ADD,
								   counter(offsetof(struct counts, user)), n);

	for (size_t i = 0; i < n; i++) {
		void *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t addr = qemu_plugin_insn_vaddr(insn);
		enum who who = whose(addr);
		uint32_t code = 0;
		size_t len;

		len = qemu_plugin_insn_data(insn, &code, sizeof(code));
		if (!kernel) {
			if (len == 3 && code == BX)
				qemu_plugin_register_vcpu_insn_exec_cb(insn, start, API_NO_REGS, (void *)(uintptr_t)id);
			else if (len == 3 && code == CX)
				qemu_plugin_register_vcpu_insn_exec_cb(insn, stop, API_NO_REGS, NULL);
			continue;
		}

		/* Not by block: an access to a register ends one early */
		qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, API_ADD,
			counter(offsetof(struct counts, insn[find_slot(addr)])), 1);
		if (len == 1 && code == HLT) {
			qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, API_STORE,
				counter(offsetof(struct counts, halted)), 1);
			qemu_plugin_register_vcpu_insn_exec_cb(insn, fell_asleep, API_NO_REGS, NULL);
		}
		if (who != OTHERS && addr / LINE != line) {
			line = addr / LINE;
			qemu_plugin_register_vcpu_insn_exec_cb(insn, fetched, API_NO_REGS,
							       (void *)(uintptr_t)(line * LINE + who));
		}
		if (who != OTHERS || addr >= MODULES)
			qemu_plugin_register_vcpu_mem_cb(insn, accessed, API_NO_REGS, API_READ_WRITE,
							 (void *)(uintptr_t)who);
	}
}

static void *watch(void *data)
{
	for (;;) {
		int n = qemu_plugin_num_vcpus();
		bool all = n > 0;

		for (int i = 0; i < n; i++)
			all &= ((volatile struct counts *)qemu_plugin_scoreboard_find(score, i))->halted;
		*halted = all;
		usleep(200);
	}
	return NULL;
}

static void map_halted(void)
{
	char name[PATH_MAX];
	int fd;

	snprintf(name, sizeof(name), "%s/halted", out);
	fd = open(name, O_RDWR | O_CREAT, 0666);
	if (fd < 0 || ftruncate(fd, sizeof(*halted)))
		die("cannot make the file \"halted\"");
	halted = mmap(NULL, sizeof(*halted), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (halted == MAP_FAILED)
		die("cannot map the file \"halted\"");
	close(fd);
}

EXPORT int qemu_plugin_install(uint64_t id, const struct api_info *info, int argc, char **argv)
{
	pthread_t thread;

	if (argc != 1 || strncmp(argv[0], "out=", 4) || !info->system ||
	    strcmp(info->target, "x86_64")) {
		fprintf(stderr, "count: a guest of x86_64 and out=DIRECTORY are needed\n");
		return 1;
	}
	out = strdup(argv[0] + 4);
	map_halted();
	score = qemu_plugin_scoreboard_new(sizeof(struct counts));
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return pthread_create(&thread, NULL, watch, NULL);
}
