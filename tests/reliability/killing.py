"""Lives that end by SIGKILL at a moment nobody chose, under load and outage."""
import os
import signal
import subprocess
import time

from harness import write_config
from stage import Stage


class KillCase(Stage):
    """`live_and_be_killed` is one cycle: a broker that is there, away, slow, mute or cut off, a
    life of some milliseconds, perhaps a reload in it, and the end."""

    every, commit_every_ms = "20ms", 10

    def set_durability(self, durability):
        self.durability = self.book.durability = durability

    def set_broker(self):
        """Half of the time it is away."""
        chance = self.random
        self.broker.acks = chance.choice([True, True, True, False, 0.002, 0.03])
        self.broker.cut_at = chance.randrange(40) if chance.random() < 0.3 else None
        if chance.random() < 0.5:
            self.broker.close()
        else:
            self.broker.open()

    def life_s(self):
        """Short of the start, in the midst of it, and at work; some 100 ms in the mean."""
        chance = self.random
        return chance.choice([chance.uniform(0, 0.03), chance.uniform(0, 0.1),
                              chance.uniform(0.05, 0.2), chance.uniform(0.1, 0.3)])

    def disturb(self, daemon):
        """A reload, or the broker's going or coming."""
        kind = self.random.randrange(4)
        if kind == 0 and daemon.blocks(signal.SIGHUP):
            uplink = {"publish_every": self.random.choice(["20ms", "40ms"])}
            write_config(self, self.plant(**uplink))
            daemon.signal(signal.SIGHUP)
        elif kind == 1:
            self.broker.cut()
        elif kind == 2:
            self.set_broker()

    def live_and_be_killed(self):
        self.set_broker()
        daemon = self.start()
        if self.broker.is_open and self.random.random() < 0.5:
            self.live_until_told(daemon)
        elif self.random.random() < 0.5:
            self.live_until_asked()
        else:
            self.live_for_a_while(daemon)
        self.kill(daemon)

    def live_for_a_while(self, daemon):
        until = time.monotonic() + self.life_s()
        if self.random.random() < 0.4:
            self.pause(0, max(0, until - time.monotonic()))
            self.disturb(daemon)
        time.sleep(max(0, until - time.monotonic()))

    def live_until_asked(self):
        """So many polls, however slow the computer is."""
        link, until = self.links[0], time.monotonic() + 1
        target = len(link.asked) + self.random.randrange(1, 30)
        while len(link.asked) < target and time.monotonic() < until:
            self.pause(0.001, 0.01)

    def live_until_told(self, daemon):
        """The very moment some message arrives, by which its readings must be on disk."""
        left = self.random.randrange(1, 16)

        def count_down():
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(daemon.pid, signal.SIGKILL)
        self.broker.on_heard = count_down
        try:
            daemon.child.wait(0.5)
        except subprocess.TimeoutExpired:
            pass  # a mute broker, perhaps
        self.loop.call(lambda: setattr(self.broker, "on_heard", None))
