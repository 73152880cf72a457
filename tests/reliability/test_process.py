"""What happens to the process: it is killed, ended, stopped, starved, and sent signals."""
import ctypes
import fcntl
import json
import os
import signal
import subprocess
import time

from harness import BINDERYD, wait_for, write_config
from killing import KillCase
from stage import CHANGING_UNIT, GENTLE_ENDS, Stage

libc = ctypes.CDLL(None, use_errno=True)


class Killed(KillCase):
    def test_a_kill_at_any_moment_loses_only_what_was_not_committed(self):
        for _ in range(6):
            self.live_and_be_killed()
        self.settle()

    def test_durability_outage_declares_what_a_kill_cost(self):
        self.set_durability("outage")
        for _ in range(6):
            self.live_and_be_killed()
        self.settle()

    def test_a_kill_soon_after_the_start_leaves_the_backlog_as_it_was(self):
        self.broker.close()
        daemon = self.start(wait=True)
        self.wait_asked(10)
        self.kill(daemon)
        before = self.book.before
        for _ in range(4):
            daemon = self.start(self.idle())
            self.pause(0, 0.12)
            self.kill(daemon)
        for first, batch in before.batches.items():
            self.assertEqual(self.book.before.batches.get(first), batch, first)
        self.settle()


class Ended(Stage):
    def setUp(self):
        super().setUp()
        self.commit_every_ms = self.random.choice([10, 50, 200, 1000])
        if self.random.random() < 0.7:
            self.broker.open()

    def test_sigterm_at_any_moment_commits_all_that_was_read(self):
        """Also while it starts, and with more signals on their way."""
        for _ in range(2):
            daemon = self.start()
            daemon.wait_ready_for(signal.SIGTERM)
            self.pause(0, 0.6)
            for _ in range(self.random.randrange(3)):
                daemon.signal(self.random.choice([signal.SIGHUP, signal.SIGTERM]))
            asked_ms = time.monotonic()
            self.end(daemon)
            self.assertLess(time.monotonic() - asked_ms, 10)
        self.settle()

    def test_sigint_ends_it_as_sigterm_does(self):
        daemon = self.start()
        daemon.wait_ready_for(signal.SIGINT)
        self.pause(0.1, 0.6)
        self.end(daemon, signal.SIGINT)
        self.settle()

    def test_sigterm_does_not_wait_for_a_broker_that_acknowledges_nothing(self):
        self.broker.acks = False
        self.broker.open()
        daemon = self.start()
        wait_for(lambda: self.broker.heard, what="a message at the broker")
        self.pause(0, 0.3)
        asked = time.monotonic()
        self.end(daemon)
        self.assertLess(time.monotonic() - asked, 8)
        self.assertEqual(self.broker.ledgers, {}, "something was acknowledged")
        self.settle()

    def test_a_second_gateway_on_the_same_store_ends_and_harms_nothing(self):
        daemon = self.start(wait=True)
        for _ in range(2):
            self.pause(0, 0.2)
            second = self.start()
            self.assertEqual(second.wait(), 71)
            self.assertRegex(second.log(), "another process has it")
        self.wait_asked(5)
        self.end(daemon)
        self.settle()


class Reloaded(Stage):
    """Machines that come and go may lose what was on its way; the others may not."""

    def setUp(self):
        super().setUp()
        for number, link in enumerate(self.links):
            link.doubtful.add(link.units[CHANGING_UNIT])
        self.broker.open()

    def variant(self):
        """A configuration that is right, and different in one thing or another."""
        chance = self.random
        config = self.plant(publish_every=chance.choice(["10ms", "20ms", "50ms"]),
                            gather=chance.choice(["machine", "gateway"]))
        for number, link in enumerate(config["links"]):
            if chance.random() < 0.5:
                config["machines"].append(self.machine(number, CHANGING_UNIT, every=chance.choice(
                    ["50ms", "80ms"])))
            if chance.random() < 0.3:
                link["timeout"] = "6s"
        if chance.random() < 0.3:
            config["uplinks"].append({**config["uplinks"][0], "name": "extra",
                                      "topic": "extra", "client_id": "extra"})
        if chance.random() < 0.3:
            chance.shuffle(config["machines"])
        return config

    def broken(self):
        """The text of a configuration that is not right."""
        text = json.dumps(self.plant())
        kind = self.random.randrange(6)
        if kind == 0:
            return text[:self.random.randrange(1, len(text))]
        if kind == 1:
            return text.replace('"every": "50ms"', '"every": "50mm"', 1)
        if kind == 2:
            return text.replace('"link": "l1"', '"link": "nowhere"', 1)
        if kind == 3:
            return text.replace('"unit"', '"\\u0000nit"', 1)
        if kind == 4:
            return ""
        at = self.random.randrange(len(text))
        return text[:at] + self.random.choice(["{", "}", "[", '"', "\x01", "&a *a"]) + text[at:]

    def storm(self, daemon, seconds, next_config):
        """SIGHUP every few milliseconds; says how often."""
        until, count = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            write_config(self, next_config())
            daemon.signal(signal.SIGHUP)
            count += 1
            self.pause(0.001, 0.02)
        return count

    def wait_in_force(self, daemon, config):
        """Until the last configuration works: it alone has this machine."""
        link = self.links[0]
        link.units[77] = "last"
        write_config(self, {**config, "machines": config["machines"] + [self.machine(0, 77)]})
        daemon.signal(signal.SIGHUP)
        self.wait_arrived("last")

    def test_a_storm_of_good_configurations_loses_nothing_and_the_last_one_holds(self):
        daemon = self.start(wait=True)
        self.wait_arrived(self.steady()[0])
        sent = self.storm(daemon, 0.7, self.variant)
        self.wait_in_force(daemon, self.variant())
        self.assertGreater(sent, 10)
        self.assertIsNotNone(daemon.find("reloaded"))
        for name in self.steady():
            self.wait_arrived(name, 2)
        self.end(daemon)
        self.settle()

    def test_a_storm_of_broken_configurations_changes_nothing(self):
        daemon = self.start(wait=True)
        for name in self.steady():
            self.wait_arrived(name)
        before = [set(link.connections) for link in self.links]
        # a cut text may be whole by chance, and a mark within a name harmless
        self.storm(daemon, 0.5, lambda: self.random.choice([self.broken(), self.plant()]))
        write_config(self, "{")
        since = len(daemon.lines)
        daemon.signal(signal.SIGHUP)
        daemon.wait_log("the configuration before stays in force", since=since)
        if not daemon.find("link l.: (connecting|its machines)|reloaded, (?!2 links, 6 machines)"):
            self.assertEqual([set(link.connections) for link in self.links], before)
        for name in self.steady():
            self.wait_arrived(name, 2)
        self.end(daemon)
        self.settle()

    def test_a_configuration_that_is_not_there_changes_nothing(self):
        daemon = self.start(wait=True)
        since = len(daemon.lines)
        os.unlink(daemon.child.args[-1])
        daemon.signal(signal.SIGHUP)
        daemon.wait_log("the configuration before stays in force", since=since)
        for name in self.steady():
            self.wait_arrived(name, 2)
        self.end(daemon)
        self.settle()

    def test_a_storm_ends_in_a_kill_and_nothing_is_lost(self):
        daemon = self.start(wait=True)
        self.storm(daemon, self.random.uniform(0.05, 0.4), lambda: self.random.choice(
            [self.broken(), self.variant()]))
        self.kill(daemon)
        self.settle()


class Signalled(Stage):
    def setUp(self):
        super().setUp()
        self.broker.open()

    def threads(self, daemon):
        return [int(name) for name in os.listdir(f"/proc/{daemon.pid}/task")]

    def storm(self, daemon, numbers, seconds=0.6):
        """Signals at threads by chance; says how many of each were sent."""
        until, sent = time.monotonic() + seconds, dict.fromkeys(numbers, 0)
        while time.monotonic() < until and daemon.running:
            number = self.random.choice(numbers)
            thread = self.random.choice(self.threads(daemon))
            if libc.tgkill(daemon.pid, thread, number) == 0:
                sent[number] += 1
            self.pause(0, 0.004)
        return sent

    def assert_no_effect(self, numbers):
        daemon = self.start(wait=True)
        for name in self.steady():
            self.wait_arrived(name)
        polls = [link.connections for link in self.links]
        accepted = [set(connections) for connections in polls]
        sent = self.storm(daemon, numbers)
        self.assertTrue(daemon.running, f"it ended by {daemon.child.poll()}")
        self.assertTrue(all(sent.values()), sent)
        for name in self.steady():
            self.wait_arrived(name, 2)
        self.assertEqual([set(connections) for connections in polls], accepted)
        self.end(daemon)
        self.settle()

    def test_signals_nobody_asked_for_have_no_effect_on_any_thread(self):
        self.assert_no_effect([signal.SIGPIPE, signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH,
                               signal.SIGCONT])

    def test_sigusr1_and_sigusr2_have_no_effect_on_any_thread(self):
        self.assert_no_effect([signal.SIGUSR1, signal.SIGUSR2])


class Stopped(Stage):
    every = "200ms"  # leaves a link room for a storm

    def test_stopped_and_continued_it_asks_once_and_goes_on(self):
        self.broker.open()
        daemon = self.start(wait=True)
        for name in self.steady():
            self.wait_arrived(name)
        stopped = time.monotonic()
        daemon.signal(signal.SIGSTOP)
        self.pause(1, 1.8)
        daemon.signal(signal.SIGCONT)
        on = time.monotonic()
        self.oracle.stale_ms += 1000 * (on - stopped)
        self.wait_each_asked(on, 5)
        length = time.monotonic() - on
        for name in self.steady():
            asked = [at - on for at, who in self.asked() if who == name and at > on]
            # what fell due by now, the one that makes up for all, and one for a tick's rounding
            self.assertLessEqual(len(asked), length / 0.2 + 2, f"{name} was asked at {asked}")
        self.end(daemon)
        self.settle()

    def asked(self):
        return [one for link in self.links for one in list(link.asked)]

    def wait_each_asked(self, since, count):
        def look():
            times = [who for at, who in self.asked() if at > since]
            return all(times.count(name) >= count for name in self.steady())
        wait_for(look, what="polls of each machine")


class Starved(Stage):
    def setUp(self):
        super().setUp()
        self.broker.open()

    def start_unread(self):
        """With its log going into a pipe that nobody reads, filled to the brim before the start or
        while it works."""
        reader, writer = os.pipe()
        for end in (reader, writer):
            self.addCleanup(os.close, end)
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        early = self.random.random() < 0.5
        if early:
            self.fill(writer)
        child = subprocess.Popen([BINDERYD, "-c", write_config(self, self.plant())],
                                 stdin=subprocess.DEVNULL, stdout=writer, stderr=writer)
        self.addCleanup(lambda: (child.kill(), child.wait()))
        if not early:
            wait_for(lambda: self.broker.ledgers, 20, "the first messages")
            self.fill(writer)
        return child

    def fill(self, writer):
        """The flag that keeps us from waiting is the pipe's, and so has to go again."""
        os.set_blocking(writer, False)
        try:
            while True:
                os.write(writer, b"x")
        except BlockingIOError:
            pass
        os.set_blocking(writer, True)

    def test_a_log_that_nobody_reads_does_not_hold_it_up(self):
        child = self.start_unread()
        for link in self.links:
            link.cut()
        self.broker.cut()
        for name in self.steady():
            self.wait_arrived(name, 2, 8)
        child.terminate()
        try:
            self.assertEqual(child.wait(10), 0)
        except subprocess.TimeoutExpired:
            self.fail("it did not end within 10 s of SIGTERM")
        self.rest()
        self.book.check(self.snapshot())
        self.settle()


class Short(Stage):
    """Of descriptors: eight links, a broker and a store want about thirty of them."""

    link_count, every = 8, "100ms"

    def test_descriptors_used_up_end_it_with_a_word_or_are_a_state(self):
        self.broker.open()
        most = self.random.randrange(5, 36)
        daemon = self.start(prefix=["prlimit", f"--nofile={most}:{most}"])
        time.sleep(0.8)  # the length of a life: nothing certain is to be waited for
        daemon.signal(signal.SIGTERM)
        status, log = daemon.wait(15), daemon.log()
        self.assertIn(status, GENTLE_ENDS, f"{most} descriptors:\n{log}")
        if status != 0:
            self.assertRegex(log, "error: |error while loading", f"{most} descriptors, no word")
        self.retire(daemon)
        self.settle()
