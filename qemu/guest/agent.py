# SPDX-License-Identifier: GPL-2.0-only
"""Runs in the guest: does what the host asks for over a virtio-serial port.

One JSON object per line. Requests carry an id that the answer repeats; each is served by a
thread of its own, so a long command does not hold up others.

  {id, op: "run", cmd, stdin, timeout}  -> {rc, out, err}      a shell command, to its end
  {id, op: "start", cmd, stdin}         -> {job}               the same in the background
  {id, op: "wait", job, timeout}        -> {rc, out, err}
  {id, op: "stop", job, sig, timeout}   -> {rc, out, err}
  {id, op: "output", job}               -> {out, err}          so far

rc is null if the time ran out; the command's whole process group is then killed, and err ends
with what each of its processes was waiting for.
"""
import glob
import json
import os
import select
import signal
import subprocess
import tempfile
import threading
import time

PORT = "org.ignis.agent"


class Job:
    def __init__(self, cmd, stdin):
        self.said = None            # the last, when it has ended
        self.files = [tempfile.TemporaryFile() for _ in range(3)]
        self.files[0].write((stdin or "").encode())
        self.files[0].seek(0)
        self.proc = subprocess.Popen(["/bin/bash", "-c", cmd], stdin=self.files[0],
                                     stdout=self.files[1], stderr=self.files[2],
                                     start_new_session=True)

    def kill(self, sig):
        try:
            os.killpg(self.proc.pid, sig)
        except ProcessLookupError:
            pass

    def waiting(self):
        """Where in the kernel the processes of the session, and all that cannot be killed, are."""
        text = ""
        for stat in glob.glob("/proc/[0-9]*/stat"):
            try:
                state, *rest = open(stat).read().rpartition(")")[2].split()
                if int(rest[2]) == self.proc.pid or state == "D":
                    where = os.path.dirname(stat)
                    cmdline = open(f"{where}/cmdline").read().replace("\0", " ")
                    text += f"\n{where} {state} {cmdline[:200] or open(f'{where}/comm').read()}\n"
                    text += open(f"{where}/stack").read()
            except OSError:         # it has ended
                pass
        return text

    def ended(self, timeout):
        """Its exit status, None if it is still running then. Popen.wait(timeout) would look every 50 ms only."""
        if self.proc.poll() is None:
            fd = os.pidfd_open(self.proc.pid)
            try:
                if not select.select([fd], [], [], timeout)[0]:
                    return None
            finally:
                os.close(fd)
        return self.proc.wait()

    def wait(self, timeout):
        stuck = ""
        rc = self.ended(timeout)
        if rc is None:
            stuck = self.waiting()
            self.kill(signal.SIGKILL)
        res = self.said = self.output()
        for file in self.files:     # a test may have many jobs, and look at what the kernel holds
            file.close()
        return {"rc": rc, "out": res["out"], "err": res["err"] + stuck}

    def output(self):
        if self.said:
            return self.said
        # Not read(), as the process writes where the file's position is
        out, err = (os.pread(f.fileno(), os.fstat(f.fileno()).st_size, 0) for f in self.files[1:])
        return {"out": out.decode(errors="backslashreplace"), "err": err.decode(errors="backslashreplace")}

    def stop(self, sig, timeout):
        self.kill(sig)
        if self.ended(3) is None:
            self.kill(signal.SIGKILL)
        return self.wait(timeout)


jobs = {}


def serve(req):
    op = req["op"]
    if op in ("run", "start"):
        job = Job(req["cmd"], req.get("stdin"))
        if op == "run":
            return job.wait(req.get("timeout"))
        jobs[job.proc.pid] = job
        return {"job": job.proc.pid}
    job = jobs[req["job"]]
    if op == "wait":
        return job.wait(req.get("timeout"))
    if op == "output":
        return job.output()
    return job.stop(req["sig"], req["timeout"])


def poke():
    """QEMU loses an interrupt of 9p now and then: any later request brings what was waited for."""
    while True:
        time.sleep(3)
        for line in open("/proc/mounts"):
            if line.split()[2] == "9p":     # in a thread, as it may be the next to be lost
                threading.Thread(target=os.statvfs, args=(line.split()[1],), daemon=True).start()


def main():
    for sig in (signal.SIGINT, signal.SIGQUIT):     # ignored, as we are a shell's background job
        signal.signal(sig, signal.SIG_DFL)
    lock = threading.Lock()
    tx = None

    def answer(obj):
        line = data = (json.dumps(obj) + "\n").encode()
        with lock:
            while data:
                try:
                    data = data[tx.write(data):]
                except (OSError, ValueError):       # the port has gone: to the next one
                    data = line
                    time.sleep(.1)

    def handle(req):
        try:
            res = serve(req)
        except Exception as e:      # the host shall know, whatever it is
            res = {"error": repr(e)}
        answer({"id": req["id"], **res})

    threading.Thread(target=poke, daemon=True).start()
    while True:                     # a test that sleeps binds the port's driver anew
        for path in glob.glob("/sys/class/virtio-ports/*/name"):
            try:
                if open(path).read().strip() != PORT:
                    continue
                tx = open(f"/dev/{path.split('/')[-2]}", "r+b", buffering=0)
                rx = os.fdopen(os.dup(tx.fileno()), "rb")
                answer({"id": 0, "ready": os.uname().release})
                for line in rx:
                    threading.Thread(target=handle, args=(json.loads(line),), daemon=True).start()
                tx.close()
            except OSError:
                pass
        time.sleep(.1)


main()
