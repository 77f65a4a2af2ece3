#!/usr/bin/env python3
"""Nothing is lost: the programs, killed and failing at any moment.

    tests/faults.py [--programs FOLDER] [--kills N] [--seed S] [--short] [--only NAME,...]

Each program that writes something is
- killed by SIGINT, SIGTERM and SIGKILL, N times each at random moments, and once between any two of
  its calls that change files (which a small library counts that is preloaded, faults_shim.c);
- refused one such call after the other: opening, writing, storing, renaming, removing;
- run on a full disk, in folders and on disks where it must not write, and with a standard output
  that nobody reads or that is full;
- run with too little memory.

Afterwards what it was to write is as before or as it is to be, and whole; a program that failed has
said why, in a line that names a file if it was one; and the same command, run again, succeeds and
leaves nothing but its output. Prints a table of what was tried and what came of it. Needs Python
alone, a C compiler for the counted calls, and root for disks and for users without rights: what is
not there is left out, and said so.
"""

import argparse
import collections
import errno
import hashlib
import http.server
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
NOBODY = 65534
INTERRUPTED = 130
DIMENSIONS = 4
ITEMS = 24
BATCH = 2


class Server(http.server.ThreadingHTTPServer):
    """Knows POST /v1/embeddings, and counts the texts that it has answered."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.texts = collections.Counter()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # a client that was killed

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        texts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
        vectors = []
        for text in texts:
            digits = hashlib.sha256(text.encode()).digest()
            vectors.append([byte / 256 for byte in digits[:DIMENSIONS]])
        answer = json.dumps({"model": "m", "data": [
            {"index": i, "embedding": vector} for i, vector in enumerate(vectors)]}).encode()
        self.server.texts.update(texts)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def digest(path):
    """Of a file, or of all that is in a folder but for locks; None if there is nothing."""
    if path.is_dir():
        parts = [(each.relative_to(path).as_posix(), digest(each))
                 for each in sorted(path.rglob("*"))
                 if not each.is_dir() and ".lock-" not in each.name]
        return hashlib.sha256(repr(parts).encode()).hexdigest()
    if not path.exists():
        return None
    text = path.read_bytes()
    if path.suffix == ".json":
        text = re.sub(rb'(seconds|fit_bytes)": [-+.e0-9]+', b"", text)
        text = re.sub(rb'"/[^"]*/', b'"', text)  # the folder may be another
    if path.name == "report.md":  # a whole one names pictures that could not be drawn
        text = re.sub(rb"^\[(.*)\]\((.*)\.tsv\) \(not drawn: .*\)$", rb"![\1](\2.png)", text,
                      flags=re.MULTILINE)
    if path.name == "report.html":
        text = re.sub(rb'<figure>.*?<figcaption>(.*?)</figcaption></figure>', rb"\1", text)
        text = re.sub(rb'<p><a href="[^"]*\.tsv">(.*?)</a> \(not drawn: .*?\)</p>', rb"\1", text)
    return hashlib.sha256(text).hexdigest()


class Task:
    """A program at work in a folder of its own.

    `before` makes the folder as it is before the run; `outputs` are what the run writes, each as a
    whole, but none before those that stand before it. One that is `lacking` may be missing after a
    kill, until the next run.
    """

    def __init__(self, name, command, outputs, before, lacking=(), kept=(), most_texts=None,
                 excuse=lambda folder: False, is_slow=False):
        self.name = name
        self.command = command          # of the folder
        self.outputs = outputs          # names in the folder
        self.before = before            # of the folder
        self.lacking = lacking
        self.kept = kept                # patterns of files that a stopped run goes on from
        self.most_texts = most_texts    # that a server is asked for by a stopped run and the next
        self.excuse = excuse            # whether it says that something could not be done
        self.is_slow = is_slow
        self.calls = {}                 # how many of each kind a run makes

    def learn(self, scratch):
        """What is there before and after a run, and how long one takes."""
        folder = scratch / "reference"
        self.fresh(folder)
        self.old = {name: digest(folder / name) for name in self.outputs}
        seconds = []
        for _ in range(3):
            self.fresh(folder)
            start = time.monotonic()
            done = run(self.command(folder))
            seconds.append(time.monotonic() - start)
            if done.code != 0:
                sys.exit(f"{self.name}: does not work at all: {done.err}")
            new = {name: digest(folder / name) for name in self.outputs}
        self.seconds = sorted(seconds)[1]
        self.new = new
        self.files = {path.relative_to(folder) for path in folder.rglob("*")}
        shutil.rmtree(folder)

    def fresh(self, folder):
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        self.before(folder)
        server.texts.clear()

    def state(self, folder):
        """'old', 'new', 'begun' (some files are new, the others old), or what is wrong."""
        states = []
        lacking = False
        for name in self.outputs:
            now = digest(folder / name)
            if now is None and name in self.lacking and self.old[name] is not None:
                lacking = True
            elif self.old[name] == self.new[name] == now:
                pass
            elif now in (self.old[name], self.new[name]):
                states.append("new" if now == self.new[name] else "old")
            else:
                return f"{name} is neither old nor new"
        if "old" not in states:
            return "lacking" if lacking else "new"
        if "new" not in states:
            return "lacking" if lacking else "old"
        return "a mixture" if lacking else "begun"

    def leftovers(self, folder):
        """What neither was there before nor belongs to the output."""
        known = self.files
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")
                      if path.relative_to(folder) not in known
                      and not any(path.match(pattern) for pattern in self.kept))


Ending = collections.namedtuple("Ending", "code err")


server = Server()
KILLED = ("old", "new", "begun", "lacking")


def run(command, prepare=None, extra=None, stdout=subprocess.DEVNULL):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=stdout,
                          stderr=subprocess.PIPE, preexec_fn=prepare,
                          env=environment(**(extra or {})), timeout=600, check=False)
    return Ending(done.returncode, done.stderr.decode(errors="replace").strip())


def environment(**more):
    settings = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    return {**settings, "OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "passive", **more}


class Report:
    def __init__(self):
        self.rows = []
        self.failures = []
        self.remarks = []

    def row(self, task, what, tried, outcomes):
        text = ", ".join(f"{count} {name}" for name, count in sorted(outcomes.items()))
        self.rows.append((task.name, what, tried, text))
        print(f"{task.name:<24} {what:<30} {tried:>6}   {text}", flush=True)

    def failure(self, task, what, problem):
        self.failures.append(f"{task.name}, {what}: {problem}")
        print(f"FAILED  {self.failures[-1]}", flush=True)


class Faults:
    def __init__(self, tasks, scratch, arguments, report):
        self.tasks = tasks
        self.folder = scratch / "work"
        self.scratch = scratch
        self.kills = arguments.kills
        self.short = arguments.short
        self.random = random.Random(arguments.seed)
        self.report = report
        self.shim = self.build_shim()
        self.has_root = os.geteuid() == 0

    def build_shim(self):
        library = self.scratch / "faults_shim.so"
        compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            self.report.remarks.append("no C compiler: calls were not counted")
            return None
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library,
                        ROOT / "tests" / "faults_shim.c", "-ldl"], check=True)
        return library

    def all(self):
        for task in self.tasks:
            self.random_kills(task)
            if self.shim is not None:
                self.kills_between_calls(task)
                self.failing_calls(task)
            self.full_disk(task)
            self.unwritable(task)
            self.closed_output(task)
            self.little_memory(task)

    # What must be true

    def check_state(self, task, what, allowed=("old", "new", "begun")):
        state = task.state(self.folder)
        if state not in allowed:
            self.report.failure(task, what, f"afterwards {state}, expected {' or '.join(allowed)}")
        return state

    def check_refusal(self, task, what, done, names_file=True):
        """Of a run without a signal: what it says, and that what it says is true."""
        if done.code < 0 or done.code >= 128 or "terminate called" in done.err:
            self.report.failure(task, what, f"ended by {done.code}: {done.err}")
        if done.code == 0:
            if task.excuse(self.folder):
                self.check_state(task, what, ("new", "begun"))
                return "done in part"
            self.check_state(task, what, ("new",))
            return "done"
        self.check_state(task, what)
        if not done.err:
            self.report.failure(task, what, f"exit code {done.code} without a word")
        elif names_file and str(self.folder) not in done.err:
            self.report.failure(task, what, f"names no file: {done.err}")
        return "refused"

    def check_next_run(self, task, what, may_leave=()):
        done = run(task.command(self.folder))
        # A first run may have finished: there is nothing left to do then.
        if done.code != 0 and "exists already" not in done.err:
            self.report.failure(task, what, f"the next run ends by {done.code}: {done.err}")
        texts = sum(server.texts.values())
        if task.most_texts is not None and texts > task.most_texts:
            self.report.failure(task, what, f"{texts} texts were paid for")
        self.check_state(task, what + ", next run", ("new",))
        left = [name for name in task.leftovers(self.folder)
                if not any(part in name for part in may_leave)]
        if left:
            self.report.failure(task, what, f"after the next run is left: {' '.join(left)}")

    # What happens

    def random_kills(self, task):
        kills = max(1, self.kills // 3) if task.is_slow and self.short else self.kills
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            outcomes = collections.Counter()
            for _ in range(kills):
                task.fresh(self.folder)
                moment = self.random.uniform(0, 1.1 * task.seconds)
                what = f"{number.name} after {moment * 1000:.1f} ms"
                with subprocess.Popen(task.command(self.folder), stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                      env=environment()) as process:
                    time.sleep(moment)
                    process.send_signal(number)
                    err = process.communicate(timeout=600)[1].decode(errors="replace").strip()
                if process.returncode not in (0, INTERRUPTED, -number):
                    self.report.failure(task, what, f"ended by {process.returncode}: {err}")
                outcomes[self.check_state(task, what, KILLED)] += 1
                self.check_next_run(task, what)
            self.report.row(task, number.name, kills, outcomes)

    def counted(self, task, call, number, error):
        """A run whose call of that number fails; None if it has not so many."""
        mark = self.scratch / "mark"
        mark.unlink(missing_ok=True)
        task.fresh(self.folder)
        done = run(task.command(self.folder), extra={
            "LD_PRELOAD": str(self.shim), "FAULT_FOLDER": str(self.folder), "FAULT_CALL": call,
            "FAULT_NUMBER": str(number), "FAULT_ERROR": str(error), "FAULT_MARK": str(mark)})
        return done if mark.exists() else None

    def numbers(self, task, call):
        """All numbers of a call, or some of them."""
        if not task.calls:
            counts = self.scratch / "counts"
            task.fresh(self.folder)
            run(task.command(self.folder), extra={
                "LD_PRELOAD": str(self.shim), "FAULT_FOLDER": str(self.folder),
                "FAULT_COUNTS": str(counts)})
            for line in counts.read_text().splitlines():
                task.calls[line.split()[0]] = int(line.split()[1])
        numbers = range(1, task.calls[call] + 1)
        if self.short:
            numbers = sorted(self.random.sample(numbers, min(len(numbers), self.most[call])))
        return numbers

    most = {"any": 8, "write": 2, "open": 1, "fsync": 1, "rename": 2, "exchange": 1, "link": 1,
            "mkdir": 1, "chmod": 1, "remove": 1}

    def kills_between_calls(self, task):
        outcomes = collections.Counter()
        tried = 0
        for number in self.numbers(task, "any"):
            what = f"killed at call {number}"
            done = self.counted(task, "any", number, 0)
            if done is None:
                continue  # threads do not always make as many calls
            tried += 1
            if done.code != -signal.SIGKILL:
                self.report.failure(task, what, f"ended by {done.code}: {done.err}")
            outcomes[self.check_state(task, what, KILLED)] += 1
            self.check_next_run(task, what)
        self.report.row(task, "SIGKILL at each call", tried, outcomes)

    def failing_calls(self, task):
        reasons = {"open": errno.ENFILE, "write": errno.ENOSPC, "fsync": errno.EIO,
                   "rename": errno.EIO, "exchange": errno.EINVAL, "link": errno.EPERM,
                   "mkdir": errno.ENOSPC, "chmod": errno.EPERM, "remove": errno.EIO}
        for call, reason in reasons.items():
            outcomes = collections.Counter()
            tried = 0
            for number in self.numbers(task, call):
                what = f"{call} {number} fails"
                done = self.counted(task, call, number, reason)
                if done is None:
                    continue
                tried += 1
                outcomes[self.check_refusal(task, what, done)] += 1
                left = task.leftovers(self.folder)
                if left and call != "remove":
                    self.report.failure(task, what, f"is left: {' '.join(left)}")
                # What could not be removed keeps its lock until the same file is written again.
                self.check_next_run(task, what,
                                    (".lock-", ".partial-") if call == "remove" else ())
            if tried > 0:
                self.report.row(task, f"{call}: {errno.errorcode[reason]}", tried, outcomes)

    def full_disk(self, task):
        outcomes = collections.Counter()
        if not self.mount("size=64m"):
            return self.small_files(task)
        try:
            task.fresh(self.folder)
            used = usage(self.folder)
            run(task.command(self.folder))
            most = usage(self.folder) - used + 40
            tried = 0
            count = 3 if self.short else 24
            for pages in sorted({round(i * most / count) for i in range(count)}):
                remount(self.folder.parent, "size=64m")
                task.fresh(self.folder)
                remount(self.folder.parent, f"size={max(usage(self.folder) + pages, 1) * 4096}")
                what = f"a disk with {pages} pages left"
                done = run(task.command(self.folder))
                outcomes[self.check_refusal(task, what, done)] += 1
                left = task.leftovers(self.folder)
                if left:
                    self.report.failure(task, what, f"is left: {' '.join(left)}")
                remount(self.folder.parent, "size=64m")
                self.check_next_run(task, what)
                tried += 1
            self.report.row(task, "a full disk", tried, outcomes)
            outcomes.clear()
            task.fresh(self.folder)
            remount(self.folder.parent, "ro")
            done = run(task.command(self.folder))
            outcomes[self.check_refusal(task, "a disk to be read alone", done)] += 1
            remount(self.folder.parent, "rw")
            self.check_next_run(task, "a disk to be read alone")
            self.report.row(task, "a disk to be read alone", 1, outcomes)
        finally:
            remount(self.folder.parent, "rw")
            subprocess.run(["umount", self.folder.parent], check=True)
            self.folder = self.scratch / "work"

    def mount(self, options):
        if not self.has_root:
            return False
        disk = self.scratch / "disk"
        disk.mkdir(exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", disk],
                              capture_output=True, check=False)
        if done.returncode != 0:
            return False
        self.folder = disk / "work"
        return True

    def small_files(self, task):
        outcomes = collections.Counter()
        sizes = (0, 64, 1024) if self.short else (0, 1, 64, 128, 256, 512, 1024, 4096, 16384)
        for size in sizes:
            def limit(bytes_=size):
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_))
            task.fresh(self.folder)
            done = run(task.command(self.folder), limit)
            what = f"files of {size} bytes"
            outcomes[self.check_refusal(task, what, done)] += 1
            self.check_next_run(task, what)
        self.report.row(task, "small files", len(sizes), outcomes)

    def unwritable(self, task):
        if not self.has_root:
            def forget():
                pass
        else:
            def forget():
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
        outcomes = collections.Counter()
        task.fresh(self.folder)
        try:
            if run([task.command(self.folder)[0], "--help"], forget).code != 0:
                raise PermissionError
        except (PermissionError, subprocess.SubprocessError):
            self.report.remarks.append(f"{task.name} cannot be run without rights from here")
            return
        os.chmod(self.scratch, 0o755)
        folders = [self.folder, *(each for each in self.folder.rglob("*") if each.is_dir())]
        for each in folders:
            each.chmod(0o555)
        done = run(task.command(self.folder), forget)
        for each in folders:
            each.chmod(0o755)
        if done.code == 0:
            self.report.failure(task, "a folder to be read alone", "is written to")
        outcomes[self.check_refusal(task, "a folder to be read alone", done)] += 1
        self.check_next_run(task, "a folder to be read alone")
        self.report.row(task, "a folder to be read alone", 1, outcomes)

    def closed_output(self, task):
        outcomes = collections.Counter()
        def default():
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        for name in ("closed", "full"):
            what = f"standard output {name}"
            task.fresh(self.folder)
            if name == "closed":
                reader, writer = os.pipe()
                os.close(reader)
            else:
                writer = os.open("/dev/full", os.O_WRONLY)
            done = run(task.command(self.folder), default, stdout=writer)
            os.close(writer)
            if done.code == 0 or "standard output" not in done.err:
                self.report.failure(task, what, f"exit code {done.code}: {done.err}")
            if done.code < 0:
                self.report.failure(task, what, f"ended by {done.code}: {done.err}")
            self.check_state(task, what)
            left = task.leftovers(self.folder)
            if left:
                self.report.failure(task, what, f"is left: {' '.join(left)}")
            outcomes["refused"] += 1
            self.check_next_run(task, what)
        self.report.row(task, "no standard output", 2, outcomes)

    def little_memory(self, task):
        outcomes = collections.Counter()

        def limited(megabytes, *more):
            def limit():
                resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
                resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            task.fresh(self.folder)
            return run([*task.command(self.folder), *more], limit)

        low, high = 4, 16  # enough to start, and to finish
        while limited(high).code != 0:
            high *= 2
        while limited(low, "--help").code != 0:
            low += 1
        count = 3 if self.short else 60
        sizes = sorted({round(low + i * (high - low) / count) for i in range(count + 1)})
        for megabytes in sizes:
            what = f"{megabytes} MB of memory"
            done = limited(megabytes)
            outcomes[self.check_refusal(task, what, done, names_file=False)] += 1
            if done.code not in (0, 1, 127):
                self.report.failure(task, what, f"ended by {done.code}: {done.err}")
            if done.code != 0:
                self.check_next_run(task, what)
        self.report.row(task, f"memory, {low} ... {high} MB", len(sizes), outcomes)


def usage(folder):
    """Pages that its disk has in use."""
    disk = os.statvfs(folder)
    return (disk.f_blocks - disk.f_bfree) * disk.f_frsize // 4096


def remount(disk, option):
    done = subprocess.run(["mount", "-o", f"remount,{option}", disk], capture_output=True,
                          check=False)
    if done.returncode != 0:
        raise RuntimeError(f"remount,{option} {disk}: {done.stderr.decode()}")


# The programs

def write_reviews(path, users=60):
    with open(path, "w", encoding="utf-8") as file:
        file.write("user_id,parent_asin,rating,timestamp\n")
        for user in range(users):
            for item in range(ITEMS):
                if (user * 7 + item * 5) % 11 < 5:
                    file.write(f"u{user},i{item},5.0,{1000 + item}\n")


def write_items(path):
    with open(path, "w", encoding="utf-8") as file:
        for item in range(ITEMS):
            words = " ".join(f"w{(item * k) % 7}" for k in range(1, 6))
            file.write(json.dumps({"parent_asin": f"i{item}", "title": f"Item {item} {words}",
                                   "categories": [f"C{item % 3}"]}) + "\n")


def make_tasks(programs, scratch, short):
    program = {name: str(programs / name) for name in (
        "prepare_amazon", "encode_items", "compare_models", "recommend", "paper_tables")}
    inputs = scratch / "inputs"
    inputs.mkdir()
    write_reviews(inputs / "log.csv")
    write_items(inputs / "meta.jsonl")

    def prepare(folder, *more):
        return [program["prepare_amazon"], "--reviews", str(inputs / "log.csv"), "--items",
                str(inputs / "meta.jsonl"), "--k-core", "2", "--tag-items", "2", "--output",
                str(folder / "data"), "--name", "made-up", *more]

    def encode(folder, *more):
        return [program["encode_items"], "--data", str(folder / "data"), *more]

    def by_server(folder):
        return encode(folder, "--endpoint", server.url, "--model", "m", "--batch", str(BATCH),
                      "--backoff", "0")

    def must(command):
        done = run(command)
        if done.code != 0:
            sys.exit(f"{' '.join(command)}: {done.err}")

    # Folders to begin with are made once and copied.
    plain, encoded, paid = (scratch / "made" / name for name in ("plain", "encoded", "paid"))
    plain.mkdir(parents=True)
    must(prepare(plain))
    shutil.copytree(plain, encoded)
    must(encode(encoded, "--built-in", "--dimensions", "3"))
    shutil.copytree(plain, paid)
    must(by_server(paid))
    tabled = scratch / "made" / "tabled"

    def copy_of(made):
        return lambda folder: shutil.copytree(made, folder, dirs_exist_ok=True)

    def with_old(made, *names):
        def before(folder):
            shutil.copytree(made, folder, dirs_exist_ok=True)
            for name in names:
                (folder / name).write_text("old\n")
        return before

    def tables(folder):
        return [program["paper_tables"], "--data", str(folder / "data"), "--scalar", "float",
                "--output", str(folder / "tables")]

    shutil.copytree(encoded, tabled)
    must(tables(tabled))
    report_files = sorted(
        path.relative_to(tabled).as_posix() for path in (tabled / "tables").rglob("*")
        if path.is_file() and "steps" not in path.parts)

    def old_tables(folder):
        shutil.copytree(tabled, folder, dirs_exist_ok=True)
        for name in report_files:
            (folder / name).write_text("old\n")

    pair = ["data/embeddings.npy", "data/embeddings.json"]
    journal = ("data/embeddings.journal",)
    steps = sorted(path.relative_to(tabled).as_posix()
                   for path in (tabled / "tables" / "steps").rglob("*") if path.is_file())
    # Those of four requests under way may be lost, and one is sent to compare.
    most_texts = ITEMS + 4 * BATCH + 1
    tasks = [
        Task("prepare", prepare, ["data"], lambda folder: None),
        Task("prepare --replace", lambda folder: prepare(folder, "--replace", "--seed", "2"),
             ["data"], copy_of(paid)),
        Task("encode_items", by_server, pair, copy_of(plain), kept=journal,
             most_texts=most_texts),
        Task("encode_items over", by_server, pair, copy_of(encoded), pair[1:],
             kept=journal, most_texts=most_texts),
        Task("encode_items --built-in",
             lambda folder: encode(folder, "--built-in", "--dimensions", "2"),
             pair, copy_of(encoded), pair[1:]),
        Task("recommend --save",
             lambda folder: [program["recommend"], "--data", str(folder / "data"), "--model",
                             "l3ae", "--save", str(folder / "model"), "--all", "-o",
                             str(folder / "lists.csv")],
             ["model", "lists.csv"], with_old(encoded, "model", "lists.csv")),
        Task("compare_models --json",
             lambda folder: [program["compare_models"], "--data", str(folder / "data"), "--models",
                             "ease,cease", "--json", str(folder / "outcome.json")],
             ["outcome.json"], with_old(encoded, "outcome.json")),
        Task("paper_tables", tables, report_files, old_tables,
             excuse=lambda folder: "not drawn" in (folder / "tables/report.md").read_text("utf-8"),
             is_slow=True),
    ]
    if not short:
        tasks.append(Task("paper_tables steps", tables, steps, copy_of(encoded), is_slow=True,
                          excuse=tasks[-1].excuse))
    return tasks


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, metavar="FOLDER",
                        default=ROOT / "build" / "tests" / "examples" / "apps")
    parser.add_argument("--kills", type=int, metavar="N", help="default: 200, or 10")
    parser.add_argument("--seed", type=int, metavar="S", default=random.randrange(1 << 30))
    parser.add_argument("--short", action="store_true", help="a sample of it, in half a minute")
    parser.add_argument("--only", metavar="NAME,...", help="these tasks")
    arguments = parser.parse_args()
    if arguments.kills is None:
        arguments.kills = 10 if arguments.short else 200
    # Ended from outside, it still unmounts and removes what it made.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    print(f"seed {arguments.seed}", flush=True)
    report = Report()
    start = time.monotonic()
    in_memory = "/dev/shm" if arguments.short and os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="lae-faults-", dir=in_memory) as scratch:
        scratch = pathlib.Path(scratch).resolve()
        tasks = make_tasks(arguments.programs, scratch, arguments.short)
        if arguments.only:
            tasks = [task for task in tasks if task.name in arguments.only.split(",")]
        for task in tasks:
            task.learn(scratch)
        Faults(tasks, scratch, arguments, report).all()
    for remark in dict.fromkeys(report.remarks):
        print(f"left out: {remark}")
    tried = sum(row[2] for row in report.rows)
    print(f"{tried} runs disturbed in {time.monotonic() - start:.0f} s, "
          f"{len(report.failures)} failures")
    sys.exit(1 if report.failures else 0)


if __name__ == "__main__":
    main()
