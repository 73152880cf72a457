"""Every system call that touches the store fails once, or from then on, or the process is killed
at it: for every call of a short life that has commits, an outage, a trim and checkpoints in it."""
import collections
import math
import os
import re
import shutil
import signal
import tempfile

import seeded
from stage import Stage

# What a disk, a file system or a quota may say; whatever else is called gets EIO. Not here: EINTR
# for ever, which nothing that is interrupted can tell from being unlucky; success without effect,
# which is a disk that lies; and EACCES, which speaks of rights.
ERRORS = {
    "openat": ["EIO", "ENOSPC", "EMFILE", "EROFS", "EINTR"],
    "pwrite64": ["EIO", "ENOSPC", "EDQUOT", "EFBIG", "EINTR"],
    "write": ["EIO", "ENOSPC"],
    "pread64": ["EIO", "EINTR"],
    "read": ["EIO"],
    "fdatasync": ["EIO", "ENOSPC"],
    "fsync": ["EIO", "ENOSPC"],
    "ftruncate": ["EIO", "ENOSPC", "EINTR"],
    "fallocate": ["EIO", "ENOSPC", "EOPNOTSUPP", "EINTR"],
    "unlink": ["EIO", "EROFS", "EBUSY"],
    "rename": ["EIO", "ENOSPC", "EROFS"],
    "fcntl": ["EIO", "ENOLCK", "EINTR"],
    "flock": ["ENOLCK", "EINTR"],
    "mmap": ["ENOMEM"],
    "newfstatat": ["EIO", "ENOMEM"],
    "fstat": ["EIO", "ENOMEM"],
    "close": ["EIO", "EINTR"],
}
KILLED = "KILL"  # in place of an error
# An unlock that fails, as it may on a network file system only, leaves SQLite waiting for itself
# some ten seconds at each transaction. Not for the sample, whose time that would eat.
SLOW, SLOW_S = ("fcntl",), 120
SUFFIXES = ("", "-wal", "-shm", ".lock", ".reserve", ".suspect")
# SQLite takes a read that fails for a damaged file, and so does the gateway: it sets it aside.
READS = ("pread64", "read")
KINDS = ("old", "new")  # the store that a life finds
# Lives differ: of the calls that the counted one had, a sample leaves out the last, and all of
# them are some more.
MARGIN, SAFE = 1.3, 0.7


class SyscallCase(Stage):
    """One fault: its seed is CALL:ERROR:WHEN:KIND, and `3+` means from the third on."""

    every, commit_every_ms = "20ms", 10

    def tracer(self, *options):
        paths = [self.store + suffix for suffix in SUFFIXES] + [self.directory]
        return ["strace", "-D", "-f", "-qq", "-o", os.path.join(self.directory, "trace"), *options,
                *[word for path in paths for word in ("-P", path)]]

    def trace(self):
        with open(os.path.join(self.directory, "trace"), encoding="utf-8",
                  errors="replace") as file:
            return file.read()

    def live_before(self, kind):
        """A life in an outage, so that the next one finds a WAL and a backlog; or none at all."""
        if kind == "new":
            os.unlink(self.store + ".reserve")
            return
        daemon = self.start()
        daemon.wait_log("gateway .*: running", 20)
        self.wait_asked(12)
        self.kill(daemon)

    def live(self, prefix):
        """The life that meets the fault: deliveries, an outage, the end. It may end by itself."""
        self.broker.open()
        # a leak can't be looked for while somebody else traces
        options = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        daemon = self.start(prefix=prefix, environment={"ASAN_OPTIONS": options})
        self.wait_polls(daemon, 15)
        self.broker.close()
        self.wait_polls(daemon, 9)
        daemon.signal(signal.SIGTERM)
        return daemon

    def test_fault(self):
        call, error, when, kind = self.seed.split(":")
        self.book.may_be_replaced = call in READS
        self.live_before(kind)
        # the filter makes the other calls cheap, but then strace 6.1 sends no signals
        how = ["signal=KILL"] if error == KILLED else [f"error={error}", "--seccomp-bpf"]
        daemon = self.live(self.tracer("-e", f"trace={call}", *how[1:],
                                       "-e", f"inject={call}:{how[0]}:when={when}"))
        if error == KILLED:
            reached = self.end_killed(daemon)
        else:
            status = self.ended_gently(daemon, SLOW_S if call in SLOW else 15)
            reached = "INJECTED" in self.trace()
        ending = "not reached"
        if reached:
            ending = "killed" if error == KILLED else self.ending_of(status, daemon)
        self.settle()
        Stage.ending = {ending: 1}

    def ending_of(self, status, daemon):
        """Once it runs, a fault of the disk is a state, unless the store itself is gone."""
        if status == 0:
            return "went on"
        if not daemon.find("gateway .*: running"):
            return "did not start"
        self.assertRegex(daemon.log(), "a restart is needed, ending")
        return "ended with a word"

    def end_killed(self, daemon):
        status = daemon.wait(20)
        self.assertIn(status, (0, -signal.SIGKILL), daemon.log()[-2000:])
        if status != 0:
            self.excuse(daemon.started)
        self.retire(daemon)
        return status != 0

    def test_count(self):
        """No fault: which calls there are. They go into the file that the seed, KIND:FILE,
        names."""
        kind, path = self.seed.split(":")
        self.live_before(kind)
        self.ended_gently(self.live(self.tracer("--seccomp-bpf")))
        shutil.copyfile(os.path.join(self.directory, "trace"), path)
        self.settle()


def count_calls(kind):
    """{call: how often the busiest thread made it}, for that is how faults are counted."""
    with tempfile.TemporaryDirectory(prefix="syscalls-") as directory:
        path = os.path.join(directory, "trace")
        outcome = seeded.run_one((SyscallCase, "test_count", f"{kind}:{path}"))
        if outcome.failure:
            raise SystemExit(f"a life without any fault failed:\n{outcome.failure}")
        calls = collections.Counter()
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                found = re.match(r"(\d+)\s+(\w+)\(", line)
                if found:
                    calls[found[1], found[2]] += 1
    most = {}
    for (_, call), count in calls.items():
        most[call] = max(most.get(call, 0), count)
    return most


def faults_of(call, count, kind, every):
    """Every way in which this call can fail, at every one of its times."""
    errors = ERRORS.get(call, ["EIO"]) if every or call not in SLOW else []
    for error in errors + [KILLED]:
        for when in range(1, count + 1):
            yield f"{call}:{error}:{when}:{kind}"
            if error not in ("EINTR", KILLED):
                yield f"{call}:{error}:{when}+:{kind}"


def all_jobs(chance, every):
    """Shuffled: a part of them is a sample, and of each call and error alike."""
    lanes = collections.defaultdict(list)
    for kind in KINDS:
        for call, count in sorted(count_calls(kind).items()):
            count = math.ceil(count * (MARGIN if every else SAFE))
            for fault in faults_of(call, count, kind, every):
                lanes[tuple(fault.split(":")[:2])].append(fault)
    for lane in lanes.values():
        chance.shuffle(lane)
    order = [(number, chance.random(), fault) for lane in lanes.values()
             for number, fault in enumerate(lane)]
    return [(SyscallCase, "test_fault", fault) for _, _, fault in sorted(order)]
