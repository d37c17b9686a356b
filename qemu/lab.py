# SPDX-License-Identifier: GPL-2.0-only
"""Everything the lab needs on disk: host packages, root file system, kernels, module builds.

Each step is idempotent, keeps its result under ${XDG_CACHE_HOME:-~/.cache}/ignis and its
full output under logs/ there. Nothing of the host's apt configuration is changed.

There is one Debian root, used twice: as a chroot in which modules are built (the kernel
headers want the compiler of their own release) and, as a disk image, as the guest's root.
"""
import contextlib
import fcntl
import functools
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ignis"
LOGS = CACHE / "logs"
DRIVER_DIR = "drivers/net/ethernet/intel/ignis"
SUDO = [] if os.geteuid() == 0 else ["sudo"]

BASE = """bash mount gcc make libc6-dev libelf-dev bc bison flex pahole xz-utils zstd kmod busybox-static ethtool iproute2
    iperf3 iputils-ping python3 pciutils procps psmisc tcpdump xdp-tools bpftool linuxptp""".split()
CHECK = """clang cscope git libssl-dev perl python3-sphinx python3-yaml python3-ply
    python3-git rsync sparse codespell shellcheck""".split()
CONFORMANCE = """bpftrace clang iputils-arping jq libcap-dev libmnl-dev libssl-dev libteam-utils
    liburing-dev llvm netsniff-ng openssl perl python3-jsonschema python3-yaml rsync socat traceroute""".split()
DPDK = "dpdk-dev libxdp-dev".split()
# What upstream's tests want newer than the stable release has it
NEWER = "bpftool ethtool iproute2 liburing-dev".split()
# Guest roots: packages, those of them from the distribution's next release, size of the disk image
ROOTS = {"base": (BASE, (), "2G"), "check": (BASE + CHECK, (), None),
         "conformance": (BASE + CONFORMANCE, NEWER, "5G"), "dpdk": (BASE + DPDK, (), "2G")}
HOST = """mmdebstrap qemu-system-x86 e2fsprogs cpio python3-pytest python3-pytest-xdist
    python3-scapy""".split()

# What each distribution calls things. "kernels" maps our name to (suite suffix, image, headers).
DISTROS = {
    "debian": dict(
        suite="trixie", pockets=["", "-updates", "-backports"], components="main",
        keyring="/usr/share/keyrings/debian-archive-keyring.gpg",
        kernels={"stable": ("", "linux-image-amd64", "linux-headers-amd64"),
                 "backports": ("-backports", "linux-image-amd64", "linux-headers-amd64")},
        source="-backports", next="forky", host_backports=["bookworm"], drop=[]),
    "ubuntu": dict(                     # by analogy, not tried
        suite="noble", pockets=["", "-updates"], components="main universe",
        keyring="/usr/share/keyrings/ubuntu-archive-keyring.gpg",
        kernels={"stable": ("-updates", "linux-image-generic", "linux-headers-generic"),
                 "backports": ("-updates", "linux-image-generic-hwe-24.04",
                               "linux-headers-generic-hwe-24.04")},
        source="-updates", next="devel", host_backports=[], drop=["bpftool", "pahole"]),
}


class LabError(Exception):
    """Something a user can act on: one line."""


def say(msg):
    print(f"ignis: {msg}", file=sys.stderr, flush=True)


def sh(cmd, log, what, root=False, **kw):
    """Run cmd with its output in logs/<log>.log, or shown if log is None; LabError naming `what` if it fails."""
    if log is None:
        if subprocess.run((SUDO if root else []) + [str(c) for c in cmd], stdin=subprocess.DEVNULL, **kw).returncode:
            raise LabError(f"{what} failed")
        return
    LOGS.mkdir(parents=True, exist_ok=True)
    path = LOGS / f"{log}.log"
    with open(path, "a") as f:
        f.write(f"\n$ {shlex.join(map(str, cmd))}\n")
        f.flush()
        if subprocess.run((SUDO if root else []) + [str(c) for c in cmd], stdout=f,
                          stderr=subprocess.STDOUT, stdin=kw.pop("stdin", subprocess.DEVNULL),
                          **kw).returncode:
            f.flush()
            said = path.read_text(errors="replace").rpartition("\n$ ")[2].splitlines()[1:]
            said = [ln for ln in said if ln.strip()]
            why = [ln for ln in said if re.search(r"\berror\b|^E: ", ln)][:1] or said[-1:] or ["no output"]
            raise LabError(f"{what} failed: {why[0]} (see {path})")


@contextlib.contextmanager
def locked(what="tools"):
    """Keep concurrent runs from doing the same thing at once."""
    (CACHE / "locks").mkdir(parents=True, exist_ok=True)
    with open(CACHE / "locks" / what, "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


@functools.cache
def hold(path):
    """Until this process ends, no other one removes this directory."""
    fcntl.flock(os.open(path, os.O_RDONLY), fcntl.LOCK_SH)


def remove_old(parent, name, log):
    """Remove what other options or packages were made into under this name, unless in use."""
    for old in [p for p in parent.glob(f"{name}-*") if p.is_dir()]:
        owner = os.open(old, os.O_RDONLY)
        try:
            fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
            sh(["rm", "-rf", "--one-file-system", old, f"{old}.ext4"], log, f"removing {old}", root=True)
        except BlockingIOError:
            say(f"{old.name} is in use: it stays")
        finally:
            os.close(owner)


# --- apt -------------------------------------------------------------------------------------

def host_release():
    info = dict(ln.rstrip().split("=", 1) for ln in open("/etc/os-release") if "=" in ln)
    return info["ID"].strip('"'), info.get("VERSION_CODENAME", "").strip('"')


def distro():
    name = host_release()[0]
    if name not in DISTROS:
        raise LabError(f"this needs Debian or Ubuntu, not {name}")
    d = dict(DISTROS[name])
    d["suite"] = os.environ.get("IGNIS_SUITE") or d["suite"]
    return d


@functools.cache
def mirrors():
    """(uri, pocket) pairs of the host's own release, from its own apt configuration."""
    if os.environ.get("IGNIS_MIRROR"):
        return [(os.environ["IGNIS_MIRROR"], "")]
    code = host_release()[1]
    for attempt in range(2):
        out = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)",
                              "Created-By: Packages"], capture_output=True, text=True).stdout
        found = []
        for line in out.splitlines():
            uri, _, release = line.partition(" ")
            if release.startswith(code) and (uri, release[len(code):]) not in found:
                found.append((uri, release[len(code):]))
        if any(p == "" for _, p in found):
            return found
        if attempt == 0:
            say("apt lists are empty: apt-get update")
            subprocess.run(SUDO + ["apt-get", "update"], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
    raise LabError(f"apt knows no mirror for {code}; set IGNIS_MIRROR=<uri>")


class Apt:
    """apt with a sources list and lists of its own, for some release."""

    def __init__(self, name, suite, pockets, status):
        d = distro()
        self.dir = CACHE / "apt" / f"{name}-{suite}"
        self.suite = suite
        self.lines = []
        known = mirrors()
        self.uri = main = next(uri for uri, pocket in known if pocket == "")
        for pocket in dict.fromkeys(["", *[p for _, p in known], *pockets]):
            if pocket not in pockets and pocket != "-security":
                continue
            uri = dict((p, u) for u, p in known).get(pocket, main)
            self.lines.append(f"deb [signed-by={d['keyring']}] {uri} {suite}{pocket} {d['components']}")
        self.opts = [f"-o{k}={v}" for k, v in {
            "Dir::Etc::SourceList": self.dir / "sources.list", "Dir::Etc::SourceParts": "/dev/null",
            "Dir::State::Lists": self.dir / "lists", "Dir::State::Status": status,
            "Dir::Cache::pkgcache": "", "Dir::Cache::srcpkgcache": "",
            "Acquire::Languages": "none", "APT::Sandbox::User": "root"}.items()]

    def update(self, max_age=86400):
        stamp = self.dir / "sources.list"
        text = "\n".join(self.lines) + "\n"
        if (stamp.exists() and stamp.read_text() == text
                and time.time() - stamp.stat().st_mtime < max_age):
            return
        say(f"apt lists of {self.suite}")
        had_lists = stamp.exists()
        (self.dir / "lists/partial").mkdir(parents=True, exist_ok=True)
        stamp.write_text(text)
        try:
            sh(["apt-get", *self.opts, "-oDebug::NoLocking=1", "update"], "apt",
               f"apt-get update for {self.suite}")
        except LabError as e:
            if not had_lists:
                stamp.unlink()
                raise
            say(f"{e}; using the old lists for another day")

    def show(self, pkg, release):
        """Fields of the candidate version of pkg, preferring `release`."""
        out = subprocess.run(["apt-cache", *self.opts, "-t", release, "show", "--no-all-versions",
                              pkg], capture_output=True, text=True).stdout
        if not out:
            raise LabError(f"no package {pkg} in {release}")
        return dict(ln.split(": ", 1) for ln in out.splitlines() if re.match(r"[A-Z][\w-]*: ", ln))

    def kernel_packages(self, roots, release):
        """{package: version}: roots and everything named linux-* they depend on."""
        todo, found = list(roots), {}
        while todo:
            pkg = todo.pop()
            if pkg in found or pkg == "linux-base":
                continue
            fields = self.show(pkg, release)
            found[pkg] = fields["Version"]
            deps = fields.get("Depends", "").split(", ")
            todo += [m[0] for m in (re.match(r"linux-[^ |(]+", dep) for dep in deps) if m
                     and not m[0].startswith("linux-firmware") and not m[0].startswith("linux-initramfs")]
        return found

    def download(self, packages, into):
        into.mkdir(parents=True, exist_ok=True)
        sh(["apt-get", *self.opts, "-oDebug::NoLocking=1", "download",
            *[f"{p}={v}" for p, v in packages.items()]], "apt", "package download", cwd=into)
        return sorted(into.glob("*.deb"))


def guest_apt():
    d = distro()
    (CACHE / "apt").mkdir(parents=True, exist_ok=True)
    empty = CACHE / "apt" / "status"
    empty.touch()
    apt = Apt("guest", d["suite"], d["pockets"], empty)
    with locked("apt"):
        apt.update()
    return apt


# --- steps -----------------------------------------------------------------------------------

def installed(packages):
    out = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status} ${Version}\n",
                          *packages], capture_output=True, text=True).stdout
    return {f[0]: f[2] for f in (ln.split() for ln in out.splitlines())
            if len(f) == 3 and f[1] == "installed"}


def host_packages(wanted=HOST):
    with locked("host-packages"):
        install_missing(wanted)


def install_missing(wanted):
    code = host_release()[1]
    backports = code in distro()["host_backports"]
    have = installed(wanted)
    missing = [p for p in wanted if p not in have]
    qemu = re.match(r"(?:\d+:)?(\d+)", have.get("qemu-system-x86", ""))
    if qemu and int(qemu[1]) < 8 and "qemu-system-x86" not in missing:
        missing.append("qemu-system-x86")       # igb came with QEMU 8.0
    if not missing:
        return
    say("host packages: " + " ".join(missing))
    # A running kernel may be of backports, too
    more = backports or any(pocket == "-backports" for _, pocket in mirrors())
    apt = Apt("host", code, ["", "-updates"] + (["-backports"] if more else []), "/var/lib/dpkg/status")
    apt.update()
    env = ["env", "DEBIAN_FRONTEND=noninteractive"]
    install = [*env, "apt-get", *apt.opts, "install", "-y", "--no-install-recommends"]
    plain = [p for p in missing if p != "qemu-system-x86"]
    if plain:
        sh([*install, *plain], "host-packages", "installing host packages", root=True)
    if len(plain) != len(missing):
        sh([*install, *(["-t", f"{code}-backports"] if backports else []), "qemu-system-x86"],
           "host-packages", "installing QEMU", root=True)


def root(name="base"):
    """One of ROOTS as a tree: `base` is build chroot and guest, the others have more packages."""
    d = distro()
    apt = guest_apt()
    packages, newer, _ = ROOTS[name]
    packages = [f"{p}/{d['next']}" if p in newer else p for p in packages if p not in d["drop"]]
    key = hashlib.sha256(json.dumps([d["suite"], packages]).encode()).hexdigest()[:10]
    tree = CACHE / "roots" / f"{name}-{key}"
    with locked(f"root-{name}"):        # guests, checks and tests that run side by side all want it
        if not tree.exists():
            make_root(name, tree, packages, apt)
        hold(tree)
    return tree


def make_root(name, tree, packages, apt):
    host_packages(["mmdebstrap"])
    d, newer = distro(), ROOTS[name][1]
    say(f"root file system {name} ({d['suite']}, about half a minute)")
    tree.parent.mkdir(parents=True, exist_ok=True)
    remove_old(tree.parent, name, "root")
    new = tree.with_name(f"{tree.name}.new")
    dpkg = [f"--dpkgopt={o}" for o in ["force-unsafe-io", *[
        f"path-exclude=/usr/share/{x}/*" for x in ("man", "doc", "info", "locale")]]]
    more = []
    if newer:       # all else remains what it is in the other roots
        more = [f"deb [signed-by={d['keyring']}] {apt.uri} {d['next']} {d['components']}"]
        dpkg.append(f'--aptopt=APT::Default-Release "/^{d["suite"]}(|-security|-updates)$/"')
        # A mirror may lag behind the next release: the host's apt says how old is too old
        valid = subprocess.run(["apt-config", "dump", "--format", "%v%n", "Acquire::Check-Valid-Until"],
                               capture_output=True, text=True).stdout.strip()
        dpkg += [f'--aptopt=Acquire::Check-Valid-Until "{valid}"'] if valid else []
    with open(apt.dir / "sources.list") as sources:
        sh(["mmdebstrap", "--variant=apt", "--format=directory", *dpkg,
            '--aptopt=APT::Install-Recommends "false"', '--aptopt=Acquire::Languages "none"',
            f"--include={','.join(packages)}", d["suite"], new, "-", *more],
           "root", f"building the {name} root", root=True, stdin=sources)
    for p in ("build", "ignis", "out", "kernel", "usr/lib/modules", "usr/src"):
        sh(["mkdir", "-p", new / p], "root", "mkdir", root=True)
    sh(["mv", new, tree], "root", "mv", root=True)


def image(name="base"):
    """A root as an ext4 image; guests write to a snapshot of it."""
    tree = root(name)
    img = CACHE / "roots" / f"{tree.name}.ext4"
    if not img.exists():
        say(f"guest disk image {name}")
        new = img.with_suffix(".new")
        new.unlink(missing_ok=True)
        sh(["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-E", "root_owner=0:0", "-m0",
            "-d", tree, new, ROOTS[name][2]], "root", "making the guest image", root=True)
        if SUDO:
            sh(["chown", f"{os.getuid()}:{os.getgid()}", new], "root", "chown", root=True)
        new.rename(img)
    return img


class Kernel:
    """A kernel to boot and to build for: Debian's, or a build tree given by its path."""

    def __init__(self, name):
        self.name, self.debug = name, False
        if "/" in name:
            self.dir = Path(name).resolve()
            self.bzimage = self.dir / "arch/x86/boot/bzImage"
            release = self.dir / "include/config/kernel.release"
            if not self.bzimage.exists() or not release.exists():
                raise LabError(f"{name} is not a built kernel tree (no arch/x86/boot/bzImage)")
            self.version = release.read_text().strip()
            self.debug = "\nCONFIG_KASAN=y\n" in (self.dir / ".config").read_text()
            self.id = "tree-" + hashlib.sha256(str(self.dir).encode()).hexdigest()[:10]
            self.cache = CACHE / "kernels" / self.id
            self.modules = self.cache / "modules"
            self.kdir = "/kernel"
            self.binds = [(self.dir, "/kernel")]
            self._install_tree()
        else:
            self.dir = self.cache = debian_kernel(name)
            self.id = self.dir.name
            self.modules = self.dir / "usr/lib/modules"
            self.version = next(self.modules.glob("*/kernel")).parent.name
            self.bzimage = self.dir / f"boot/vmlinuz-{self.version}"
            if not self.bzimage.exists():       # newer packages keep it with the modules
                self.bzimage = self.modules / self.version / "vmlinuz"
            self.kdir = f"/lib/modules/{self.version}/build"
            self.binds = [(self.dir / "usr/src", "/usr/src"), (self.modules, "/usr/lib/modules")]
            self.binds += [(p, f"/usr/lib/{p.name}") for p in self.dir.glob("usr/lib/linux-*")]

    def _install_tree(self):
        dest = self.modules / self.version
        if dest.exists() and dest.stat().st_mtime > self.bzimage.stat().st_mtime:
            return
        say(f"modules of {self.name}")
        shutil.rmtree(self.cache, ignore_errors=True)
        dest.mkdir(parents=True)
        if (self.dir / "modules.order").exists():
            sh(["make", "-C", self.dir, f"INSTALL_MOD_PATH={self.cache}/inst", "modules_install"],
               "kernel", "modules_install")
            dest.rmdir()
            (self.cache / "inst/lib/modules" / self.version).rename(dest)

    def __str__(self):
        return f"{self.name} ({self.version})"


def debian_kernel(name):
    """Unpacked image, modules and headers packages of a Debian kernel."""
    d = distro()
    if name not in d["kernels"]:
        raise LabError(f"no kernel {name!r}: use {', '.join([*d['kernels'], *TREES])} or a path")
    pocket, img, headers = d["kernels"][name]
    apt = guest_apt()
    release = d["suite"] + pocket
    memo = apt.dir / f"kernel-{name}.json"      # resolving is slow: once per apt update
    if not memo.exists() or memo.stat().st_mtime < (apt.dir / "sources.list").stat().st_mtime:
        memo.write_text(json.dumps(apt.kernel_packages([img, headers], release)))
    packages = json.loads(memo.read_text())
    tree = CACHE / "kernels" / f"{name}-{packages[img].replace('~', '_')}"
    if tree.exists():
        return tree
    say(f"kernel {name} {packages[img]}")
    tree.parent.mkdir(parents=True, exist_ok=True)
    for old in tree.parent.glob(f"{name}-*"):
        shutil.rmtree(old)
    new = tree.with_name(tree.name + ".new")
    for deb in apt.download(packages, new / "debs"):
        sh(["dpkg", "-x", deb, new], "kernel", f"unpacking {deb.name}")
    shutil.rmtree(new / "debs")
    if (new / "lib").is_dir() and not (new / "lib").is_symlink():
        shutil.copytree(new / "lib", new / "usr/lib", symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(new / "lib")
    new.rename(tree)
    return tree


def source():
    """The newest kernel source package, unpacked, for reading and for static checks."""
    d = distro()
    apt = guest_apt()
    names = subprocess.run(["apt-cache", *apt.opts, "pkgnames", "linux-source-"],
                           capture_output=True, text=True).stdout.split()
    names = [n for n in names if re.fullmatch(r"linux-source-\d+\.\d+(\.\d+)?", n)]
    pkg = max(names, key=lambda n: [int(x) for x in n.split("-")[2].split(".")])
    tree = CACHE / "source" / pkg
    if tree.exists():
        return tree
    say(f"{pkg} (download and unpack)")
    new = tree.with_name(pkg + ".new")
    shutil.rmtree(new, ignore_errors=True)
    version = apt.show(pkg, d["suite"] + d["source"])["Version"]
    for deb in apt.download({pkg: version}, new):
        sh(["dpkg", "-x", deb, new], "source", f"unpacking {deb.name}")
    tar = next(new.glob("usr/src/**/linux-source-*.tar.*"))
    sh(["tar", "-xf", tar, "-C", new], "source", f"unpacking {tar.name}")
    (new / pkg).rename(tree)
    shutil.rmtree(new)
    return tree


# --- building in the chroot --------------------------------------------------------------------

def chroot(cmd, log, what, kernel=None, binds=(), name="base"):
    """Run a shell command in a root tree, with the kernel's headers and `binds` mounted.

    The mounts live in a mount namespace of their own and vanish with it.
    """
    tree = root(name)
    mounts = [*(kernel.binds if kernel else []), *binds]
    script = ["set -e"]
    for src, dst in mounts:
        script += [f"mkdir -p {shlex.quote(f'{tree}{dst}')}",
                   f"mount --bind {shlex.quote(str(src))} {shlex.quote(f'{tree}{dst}')}"]
    script += [f"mount -t proc proc {tree}/proc", f"mount -t tmpfs tmp {tree}/tmp",
               f"exec chroot {tree} /bin/sh -c {shlex.quote(cmd)}"]
    sh(["unshare", "-m", "--propagation=private", "/bin/sh", "-c", "\n".join(script)],
       log, what, root=True, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                                  "HOME": "/tmp"})


def key(path):
    """What keeps the builds of several copies of the project apart."""
    return hashlib.sha256(str(path).encode()).hexdigest()[:6]


def sync(src, dst):
    """Copy what differs, remove what is gone; build products in dst stay."""
    keep = set()
    for f in src.rglob("*"):
        if f.is_file() and f.suffix in (".c", ".h", ".S") or f.name in ("Makefile", "Kbuild", "Kconfig"):
            to = dst / f.relative_to(src)
            keep.add(to)
            if not to.exists() or to.read_bytes() != f.read_bytes():
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(f, to)
    for f in dst.rglob("*"):
        if f.suffix in (".c", ".h") and f not in keep and not f.name.endswith(".mod.c"):
            f.unlink()


def build(kernel, make="", out=None):
    """Build ignis.ko for a kernel; returns its path. Compiler output goes to stderr."""
    work = CACHE / "build" / key(PROJECT) / kernel.id
    for part in (DRIVER_DIR, "include/ignis"):
        (work / part).mkdir(parents=True, exist_ok=True)
        sync(PROJECT / part, work / part)
    make += " GCOV_PROFILE=y" if kernel.debug else ""
    log = f"build-{kernel.id}"
    (LOGS / f"{log}.log").unlink(missing_ok=True)
    say(f"ignis.ko for {kernel}")
    try:
        chroot(f"make -C {kernel.kdir} M=/build/{DRIVER_DIR} CONFIG_IGNIS=m {make} "
               f"-j{os.cpu_count()} modules", log, "building ignis.ko", kernel, [(work, "/build")])
    finally:
        for line in (LOGS / f"{log}.log").read_text(errors="replace").splitlines():
            if re.search(r"warning|error|note:|\|", line, re.I) and not line.startswith("$"):
                print(line, file=sys.stderr)
    return work / DRIVER_DIR / "ignis.ko"


SELFTESTS = "tools/testing/selftests/"
# Kernels we build from the newest packaged source: allnoconfig and these fragments, the last word
# wins. A name is a file in qemu/config, a path is one of the source.
UPSTREAM = ["guest", SELFTESTS + "drivers/net/config", SELFTESTS + "drivers/net/hw/config"]
TREES = {"conformance": UPSTREAM, "debug": [*UPSTREAM, "debug"]}


def tree(name):
    """TREES[name] built: a path that Kernel() takes."""
    with locked():
        src = source()
    fragments = [src / f if "/" in f else PROJECT / f"qemu/config/{f}.config" for f in TREES[name]]
    config = "".join(f.read_text() for f in fragments)
    key = hashlib.sha256(config.encode()).hexdigest()[:10]
    done = CACHE / "trees" / f"{name}-{src.name.split('-')[-1]}-{key}"
    with locked(f"tree-{name}"):
        if done.exists():
            hold(done)
            return done
        say(f"kernel {name} ({src.name}; some minutes, once)")
        done.parent.mkdir(parents=True, exist_ok=True)
        remove_old(done.parent, name, "tree")
        new = done.with_name(f"{done.name}.new")
        with locked():          # tools/export writes there
            # Links, as the build replaces files and changes none
            sh(["cp", "-al", src, new], "tree", f"copying {src}", root=True)
            # What tools/export left there would be found before our own
            sh(["rm", "-rf", new / "include/ignis"], "tree", "rm", root=True)
        (CACHE / "build/config").mkdir(parents=True, exist_ok=True)
        (CACHE / "build/config/all").write_text(config)
        make = f"nice make -C /kernel -j{os.cpu_count()}"
        chroot(f"set -e; {make} KCONFIG_ALLCONFIG=/build/all allnoconfig; {make} bzImage modules",
               "tree", f"building the {name} kernel", name="conformance",
               binds=[(new, "/kernel"), (CACHE / "build/config", "/build")])
        sh(["mv", new, done], "tree", "mv", root=True)
        hold(done)
    return done


# --- initramfs ---------------------------------------------------------------------------------

EARLY = ["crc32c_generic", "virtio_pci", "virtio_blk", "ext4", "9pnet_virtio", "9p", "virtio_console"]


def module_files(kernel, wanted):
    """Paths of modules and their dependencies, in the order to load them."""
    base = kernel.modules / kernel.version
    deps = {}
    for line in (base / "modules.dep").read_text().splitlines():
        mod, _, needs = line.partition(":")
        deps[mod] = needs.split()
    by_name = {Path(m).name.split(".")[0].replace("-", "_"): m for m in deps}
    order = []
    for name in wanted:
        if name in by_name:                     # else built in
            mod = by_name[name]
            order += [m for m in [*reversed(deps[mod]), mod] if m not in order]
    return [base / m for m in order]


def initramfs(kernel):
    """Busybox and the few modules needed to mount the root; the rest comes over 9p."""
    init = PROJECT / "qemu/guest/initramfs-init"
    key = hashlib.sha256(init.read_bytes() + str(EARLY).encode()).hexdigest()[:10]
    out = kernel.cache / f"initramfs-{key}.cpio"
    if out.exists():
        return out
    say(f"initramfs for {kernel}")
    base = kernel.modules / kernel.version
    if not (base / "modules.dep").exists():
        base.mkdir(parents=True, exist_ok=True)
        chroot(f"depmod {kernel.version}", "kernel", "depmod",
               binds=[(kernel.modules, "/usr/lib/modules")])
        if SUDO:
            sh(["chown", "-R", str(os.getuid()), base], "kernel", "chown", root=True)
    tree = kernel.cache / "initramfs"
    shutil.rmtree(tree, ignore_errors=True)
    for d in ("bin", "dev", "proc", "sys", "root", "m"):
        (tree / d).mkdir(parents=True)
    shutil.copy(root() / "usr/bin/busybox", tree / "bin/busybox")
    shutil.copy(init, tree / "init")
    (tree / "init").chmod(0o755)
    names = []
    unpack = {".xz": "xz", ".zst": "zstd", ".gz": "gzip"}
    for f in module_files(kernel, EARLY):
        name = f.name.split(".ko")[0] + ".ko"
        names.append(name)
        if f.suffix in unpack:
            with open(tree / "m" / name, "wb") as o:
                subprocess.run([unpack[f.suffix], "-dc", f], stdout=o, check=True)
        else:
            shutil.copy(f, tree / "m" / name)
    (tree / "m/order").write_text("".join(f"{n}\n" for n in names))
    new = out.with_suffix(".new")
    sh(["sh", "-c", f"cd {tree} && find . | cpio -o -H newc -R 0:0 > {new}"], "kernel", "cpio")
    shutil.rmtree(tree)
    new.rename(out)
    return out


def modules_image(kernel):
    """The kernel's modules as a disk: over 9p, loading one has been seen to hang. After initramfs()."""
    img = kernel.cache / "modules.ext4"
    if not img.exists():
        new = img.with_suffix(".new")
        new.unlink(missing_ok=True)
        size = sum(f.lstat().st_size for f in kernel.modules.rglob("*"))
        sh(["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-m0", "-d", kernel.modules, new,
            f"{size * 5 // 4 // 1024 + 16384}k"], "root", "making the disk of modules")
        new.rename(img)
    return img


# --- front ends --------------------------------------------------------------------------------

def prepare(*names):
    """Everything needed to boot the named kernels; returns them."""
    names = [str(tree(n)) if n in TREES else n for n in names]
    with locked("setup"):
        host_packages()
        guest_apt()
        with ThreadPoolExecutor(1) as pool:     # download kernels while the root is made
            kernels = pool.submit(lambda: [Kernel(n) for n in names])
            image()
            kernels = kernels.result()
        for k in kernels:
            initramfs(k)        # runs depmod
            modules_image(k)
    return kernels


def built(name, into=None):
    """(kernel, ignis.ko) ready to use; the module copied into a directory if given."""
    kernel, = prepare(name)
    with locked(f"build-{kernel.id}"):
        module = build(kernel)
        return kernel, Path(shutil.copy(module, into)) if into else module


def coverage():
    """Where guests leave which lines of the driver have run, as long as the driver is what it is now."""
    sources = b"".join(f.read_bytes() for f in sorted((PROJECT / DRIVER_DIR).glob("*.[ch]")))
    return CACHE / "coverage" / hashlib.sha256(sources).hexdigest()[:10]
