"""Running totals held against the machine's own count, whatever ends the gateway and resets the
machine."""
import signal

from harness import Mosquitto, machine, tag, tcp_link, wait_for
from peers import ModbusServer, Unit
from receiver import Receiver
from seeded import SeededCase

WRAP = 65536
LONGEST_STEP = 900


class Totals(SeededCase):
    seeds_most = 40
    kind = "rollover"

    def setUp(self):
        super().setUp()
        self.broker = Mosquitto(self)
        self.receiver = Receiver(self, self.broker.port)
        self.made, self.begun, self.resets = 0, False, 0
        self.unit = Unit(holding={0: self.random.randrange(WRAP)}, on_read=self.work)
        self.server = ModbusServer(self, {1: self.unit})
        self.durability = "always"

    def work(self, unit, area, address, count):
        """The machine goes on from each time that it is asked, once counting has begun."""
        if self.begun:
            self.make(self.random.randrange(LONGEST_STEP))

    def begin(self):
        """Where counting begins is told before anything else happens."""
        gateway = self.gateway(self.plant())
        self.receiver.wait_reading(where=lambda e: e.values.get("good") == 0)
        self.begun = True
        self.polled(2)
        gateway.kill()

    def make(self, copies):
        self.made += copies
        self.unit.areas["holding"][0] = (self.unit.areas["holding"][0] + copies) % WRAP

    def plant(self):
        counter = {"counts": "good", "kind": self.kind, "max_rate": "20000/s"}
        tags = [tag("good", "holding:0", counter=counter)]
        if self.random.random() < 0.5:
            tags.append(tag("more", "holding:0"))
        return self.config(
            self.broker.port, [tcp_link("l", self.server.port)],
            [machine("m", "l", tags, every="20ms")],
            store={"durability": self.durability, "commit_every": "20ms", "replay_window": "0s"},
            uplink={"publish_every": "20ms"})

    def polled(self, times):
        target = len(self.unit.served) + times
        wait_for(lambda: len(self.unit.served) >= target, what="polls")

    def live(self):
        """One life of the gateway, with reloads in it, and perhaps without the broker."""
        away = self.random.random() < 0.3
        if away:
            self.broker.stop()
        gateway = self.gateway(self.plant())
        for _ in range(self.random.randrange(4)):
            self.polled(self.random.randrange(1, 25))
            self.disturb(gateway)
        if self.random.random() < 0.5:
            gateway.kill()
        else:
            gateway.signal(signal.SIGTERM)
            self.assertEqual(gateway.wait(), 0, gateway.log()[-2000:])
        if away:
            self.broker.start()
            self.receiver.wait_subscribed()

    def disturb(self, gateway):
        if self.random.random() < 0.5:
            gateway.reload(self.plant())

    def totals(self):
        """Each total that was told, behind its epoch."""
        epoch, totals = 0, []
        for entry in self.receiver.readings("m"):
            epoch = entry.values.get("good.epoch", epoch)
            if "good" in entry.values:
                totals.append((epoch, entry.values["good"]))
        return totals

    def settle(self):
        """A last gateway tells all there is, and the machine stands still; returns what it told."""
        gateway = self.gateway(self.plant())
        self.polled(3)
        self.unit.on_read = None
        self.polled(5)
        gateway.signal(signal.SIGTERM)
        self.assertEqual(gateway.wait(), 0, gateway.log()[-2000:])
        gateway = self.gateway({**self.plant(), "links": [], "machines": []})
        wait_for(lambda: gateway.status()["uplinks"][0]["pending"] == 0, 20, "delivery of it all")
        gateway.stop()
        self.assertEqual(self.receiver.ledger().missing(), [])
        told = self.totals()
        self.assertEqual(told, sorted(told), "a total fell, and no epoch was raised")
        if self.durability == "always":
            totals = [total for _, total in told]
            self.assertEqual(totals, sorted(totals), "a total fell")
        return self.receiver.latest("m")[0]

    def test_a_total_is_what_the_machine_counted_whatever_ends_the_gateway(self):
        self.begin()
        for _ in range(self.random.randrange(2, 5)):
            self.live()
            self.make(self.random.randrange(LONGEST_STEP))
        latest = self.settle()
        self.assertEqual((latest["good"], latest["good.epoch"]), (self.made, 0))

    def test_in_outage_mode_a_total_is_right_or_marked(self):
        self.durability = "outage"
        self.begin()
        for _ in range(self.random.randrange(2, 5)):
            self.live()
            self.make(self.random.randrange(LONGEST_STEP))
        latest = self.settle()
        if latest["good.epoch"] == 0:
            self.assertEqual(latest["good"], self.made)


class Resets(Totals):
    kind = "reset"

    def disturb(self, gateway):
        """The counter is set back, which costs nothing as long as somebody looks."""
        super().disturb(gateway)
        if self.random.random() < 0.6:
            self.unit.areas["holding"][0] = 0
            self.resets += 1

    def setUp(self):
        super().setUp()
        self.unit.areas["holding"][0] = self.random.randrange(1000)

    def test_a_total_is_what_the_machine_counted_whatever_ends_the_gateway(self):
        """Each reset that was seen has raised the epoch, and none has cost a copy that was seen."""
        self.begin()
        for _ in range(3):
            self.live()
        latest = self.settle()
        self.assertLessEqual(latest["good"], self.made)
        self.assertLessEqual(latest["good.epoch"], 2 * self.resets + 3)
        if self.resets == 0:
            self.assertEqual((latest["good"], latest["good.epoch"]), (self.made, 0))

    test_in_outage_mode_a_total_is_right_or_marked = None
