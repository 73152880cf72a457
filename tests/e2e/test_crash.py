"""The gateway dies, or is told to end: what was taken arrives, each number with one content."""
import time
import unittest

from fleet import Fleet
from harness import machine, tag, tcp_link, wait_for
from peers import ModbusServer, Unit, counting
from receiver import BrokerCase


class Crash(BrokerCase):
    def stop_broker(self):
        self.receiver.subscribed.clear()
        self.broker.stop()

    def start_broker(self):
        self.broker.start()
        self.receiver.wait_subscribed()

    def stored(self, gateway):
        return gateway.status()["store"]["next_seq"] - 1

    def wait_stored(self, gateway, more):
        target = self.stored(gateway) + more
        wait_for(lambda: self.stored(gateway) >= target, 30, f"{more} readings more")
        return target

    def finish(self, gateway):
        """All that is stored by now arrives, and nothing came in two versions."""
        self.receiver.wait_complete(self.stored(gateway), 60)
        self.assertEqual(self.receiver.ledger().differing, [])

    def counter(self):
        """One machine that counts, its configuration, and the values it has served."""
        unit = Unit(holding={0: 0}, on_read=counting(0))
        server = ModbusServer(self, {1: unit})
        return unit, self.config(self.broker.port, [tcp_link("l", server.port)],
                                 [machine("m", "l", [tag("count", "holding:0")], every="50ms")])

    def test_killed_during_and_after_an_outage_at_a_hundred_machines(self):
        fleet = Fleet(self, 100).start()
        config = fleet.config(self.broker.port)
        gateway = self.gateway(config)
        self.wait_stored(gateway, 200)
        self.stop_broker()
        committed = self.wait_stored(gateway, 300)
        gateway.kill()
        gateway = self.gateway(config)
        self.assertGreaterEqual(self.stored(gateway), committed)
        committed = self.wait_stored(gateway, 300)
        self.start_broker()
        self.receiver.wait_reading("live readings", 30, since=committed)
        gateway.kill()
        gateway = self.gateway(config)
        self.wait_stored(gateway, 200)
        self.finish(gateway)
        print(f"\ncrash: {self.stored(gateway)} numbers, {self.receiver.ledger().repeats} repeats")

    def test_killed_again_and_again(self):
        unit, config = self.counter()
        for number in range(8):
            gateway = self.gateway(config)
            self.wait_stored(gateway, 5 + number)
            gateway.kill()
        gateway = self.gateway(config)
        self.wait_stored(gateway, 5)
        self.finish(gateway)

    def test_sigterm_loses_nothing_that_was_read(self):
        unit, config = self.counter()
        gateway = self.gateway(config)
        self.wait_stored(gateway, 20)
        self.stop_broker()
        for _ in range(3):
            self.wait_stored(gateway, 7)
            self.assertEqual(gateway.stop(), 0)
            gateway = self.gateway(config)
        self.wait_stored(gateway, 10)
        self.start_broker()
        self.finish(gateway)
        got = {e.values.get("count") for e in self.receiver.readings("m")}
        served = [values[0] for _, _, _, values in unit.served]
        missing = [value for value in served[:served.index(max(got)) + 1] if value not in got]
        # An answer that was on the wire when the end came was never read.
        self.assertLessEqual(len(missing), 3, missing)
        self.assertEqual(gateway.stop(), 0)

    def test_durability_outage_declares_what_a_kill_cost(self):
        unit, config = self.counter()
        config["store"]["durability"] = "outage"
        gateway = self.gateway(config)
        self.receiver.wait_reading(where=lambda e: e.values.get("count", 0) > 20)
        for _ in range(2):
            gateway.kill()
            gateway = self.gateway(config)
            self.receiver.wait_reading("a reading after the kill", 30,
                                       since=self.receiver.last_seq())
        self.receiver.wait_complete(self.receiver.last_seq(), 30)
        ledger = self.receiver.ledger()
        self.assertEqual(ledger.missing(), [])
        self.assertEqual(ledger.differing, [])
        for gap in ledger.gaps():
            self.assertRegex(gap.content["why"], "unclean|power|kill|stop")
        print(f"\ndurability outage: {len(ledger.entries)} numbers, gaps "
              f"{[gap.content['missing'] for gap in ledger.gaps()]}")

    def test_durability_outage_keeps_what_the_broker_did_not_take(self):
        unit, config = self.counter()
        config["store"]["durability"] = "outage"
        gateway = self.gateway(config)
        self.receiver.wait_reading(where=lambda e: e.values.get("count", 0) > 20)
        self.stop_broker()
        target = len(unit.served) + 60
        wait_for(lambda: len(unit.served) >= target, what="polls without a broker")
        time.sleep(1)  # five times commit_every: by now it is on disk
        on_disk = unit.served[target - 1][3][0]
        gateway.kill()
        gateway = self.gateway(config)
        self.start_broker()
        self.receiver.wait_reading("a reading after the kill", 30,
                                   where=lambda e: e.values.get("count", 0) > on_disk + 20)
        self.receiver.wait_complete(self.receiver.last_seq(), 30)
        got = {e.values.get("count") for e in self.receiver.readings("m")}
        served = [values[0] for _, _, _, values in unit.served]
        self.assertEqual([value for value in served if value <= on_disk and value not in got], [])


if __name__ == "__main__":
    unittest.main()
