# SPDX-License-Identifier: GPL-2.0-only
"""Runs in the guest: does what the host asks for over a virtio-serial port.

One JSON object per line. Requests carry an id that the answer repeats; each is served by a
thread of its own, so a long command does not hold up others.

  {id, op: "run", cmd, stdin, timeout}  -> {rc, out, err}      a shell command, to its end
  {id, op: "start", cmd, stdin}         -> {job}               the same in the background
  {id, op: "wait", job, timeout}        -> {rc, out, err}
  {id, op: "stop", job, sig}            -> {rc, out, err}

rc is null if the time ran out; the command's whole process group is then killed.
"""
import glob
import json
import os
import signal
import subprocess
import tempfile
import threading

PORT = "org.ignis.agent"


class Job:
    def __init__(self, cmd, stdin):
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

    def wait(self, timeout):
        try:
            rc = self.proc.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill(signal.SIGKILL)
            rc = None
        out = []
        for f in self.files[1:]:
            f.seek(0)
            out.append(f.read().decode(errors="backslashreplace"))
        return {"rc": rc, "out": out[0], "err": out[1]}

    def stop(self, sig):
        self.kill(sig)
        try:
            self.proc.wait(3)
        except subprocess.TimeoutExpired:
            self.kill(signal.SIGKILL)
        return self.wait(5)


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
    return job.stop(req.get("sig", signal.SIGTERM))


def main():
    for sig in (signal.SIGINT, signal.SIGQUIT):     # ignored, as we are a shell's background job
        signal.signal(sig, signal.SIG_DFL)
    port, = [f"/dev/{p.split('/')[-2]}" for p in glob.glob("/sys/class/virtio-ports/*/name")
             if open(p).read().strip() == PORT]
    tx = open(port, "r+b", buffering=0)
    rx = os.fdopen(os.dup(tx.fileno()), "rb")
    lock = threading.Lock()

    def answer(obj):
        data = (json.dumps(obj) + "\n").encode()
        with lock:
            while data:
                data = data[tx.write(data):]

    def handle(req):
        try:
            res = serve(req)
        except Exception as e:      # the host shall know, whatever it is
            res = {"error": repr(e)}
        answer({"id": req["id"], **res})

    answer({"id": 0, "ready": os.uname().release})
    for line in rx:
        threading.Thread(target=handle, args=(json.loads(line),), daemon=True).start()


main()
