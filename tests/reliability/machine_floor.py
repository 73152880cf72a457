"""The thread in which all fakes of a test live, so that what they did has an order."""
import collections
import heapq
import itertools
import os
import selectors
import threading
import time
import traceback
import tty

from machine_busy import Busy

LOOK_S = 0.01  # it looks this often even if nothing wakes it: it must know when it was late
ECHO_S = 0.02


class Floor:
    """The thread that all machines live in. Whatever touches them runs in it: by `call` from a
    test, by `at` from a machine. `complaints`: what the gateway must never do, and did."""

    def __init__(self, test, truth, timeout_s):
        self.truth, self.timeout_s, self.directory = truth, timeout_s, test.directory
        self.machines, self.lines, self.complaints = {}, [], []
        self.hasty = []  # (moment, what): requests before the one before was answered or timed out
        self.frozen = False  # from now on nobody answers
        self.unknowable = set()  # answers that came later than anybody promised to notice
        self.looked_before = self.looked = time.monotonic()
        self._selector, self._timers = selectors.DefaultSelector(), []
        self._numbers, self._calls = itertools.count(), collections.deque()
        self._wake = os.pipe()
        self._ending = False
        self._echo, self._echoing = (), collections.deque()
        self.through_before = self.through = 0
        self.busy = Busy(self)
        self.watch(self._wake[0], self._called)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        test.addCleanup(self.close)

    def _run(self):
        try:
            while not self._ending:
                patience_s, began = self._patience(), time.monotonic()
                events = self._selector.select(patience_s)
                self.looked_before, self.looked = self.looked, time.monotonic()
                self.busy.late(began + patience_s, self.looked)
                self.through_before = self.through
                for key, _ in events:
                    key.data()
                self._run_timers()
        except Exception:
            self.complaints.append(traceback.format_exc())

    def _patience(self):
        if not self._timers:
            return LOOK_S
        return min(LOOK_S, max(0, self._timers[0][0] - time.monotonic()))

    def _run_timers(self):
        while self._timers and self._timers[0][0] <= time.monotonic():
            _, _, function, arguments = heapq.heappop(self._timers)
            function(*arguments)

    def _called(self):
        os.read(self._wake[0], 4096)
        while self._calls:
            self._calls.popleft()()

    def call(self, function, *arguments):
        """Runs it in the floor's thread and waits for what it returns."""
        done, results = threading.Event(), []

        def run():
            try:
                results.append(function(*arguments))
            finally:
                done.set()
        self._calls.append(run)
        os.write(self._wake[1], b"!")
        if not done.wait(20) or not results:
            raise AssertionError(f"the machines' thread failed: {self.complaints}")
        return results[0]

    def at(self, moment, function, *arguments):
        heapq.heappush(self._timers, (moment, next(self._numbers), function, arguments))

    def after(self, seconds, function, *arguments):
        self.at(time.monotonic() + seconds, function, *arguments)

    def watch(self, file, callback):
        self._selector.register(file, selectors.EVENT_READ, callback)

    def forget(self, file):
        self._selector.unregister(file)

    # The kernel moves what goes through pseudo-terminals in a thread of its own, which a busy
    # computer may leave waiting for longer than a time-out. A terminal of our own shows that.

    def use_terminals(self):
        if not self._echo:
            self._echo = os.openpty()
            tty.setraw(self._echo[1])
            self.watch(self._echo[1], self._echoed)
            self._beat()

    def echo(self, callback, *arguments):
        """Calls back once what terminals were given before now has come out of them."""
        self._echoing.append((callback, arguments))
        os.write(self._echo[0], b".")

    def _echoed(self):
        for _ in os.read(self._echo[1], 256):
            callback, arguments = self._echoing.popleft()
            callback(*arguments)

    def _beat(self):
        self.echo(self._came_through, time.monotonic())
        self.after(ECHO_S, self._beat)

    def _came_through(self, moment):
        """Who comes to light in the next round has been written after this."""
        self.through = moment

    def freeze(self):
        """No more answers; what was said so far is all there will be."""
        self.frozen = True

    def close(self):
        if self._thread.is_alive():
            self.call(self._shut)
            self._thread.join(10)
            for end in (*self._wake, *self._echo):
                os.close(end)

    def _shut(self):
        self._ending = True
        for line in self.lines:
            line.unplug()
