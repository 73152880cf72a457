"""The broker goes away and comes back: every number arrives, live ones first."""
import time
import unittest

from fleet import Fleet
from harness import Case, Mosquitto, machine, tag, tcp_link, wait_for
from peers import ModbusServer, Proxy, Unit, counting
from receiver import Receiver


class Outage(Case):
    def test_thirty_seconds_at_a_hundred_machines(self):
        fleet = Fleet(self, 100).start()
        broker = Mosquitto(self)
        receiver = Receiver(self, broker.port)
        gateway = self.gateway(fleet.config(broker.port, uplink={"publish_every": "500ms"}))
        for name in (fleet.names[0], fleet.names[-1]):
            receiver.wait_reading(machine=name, seconds=30)
        receiver.subscribed.clear()
        broker.stop()
        stopped_ms = time.time() * 1000
        before = gateway.status()["store"]["next_seq"]
        time.sleep(30)  # the claim's own length
        during = gateway.status()["store"]["next_seq"] - before
        self.assertGreater(during, 30 * 100 * 0.9)
        back_ms = time.time() * 1000
        broker.start()
        receiver.wait_subscribed()

        def is_live(entry):
            return entry.content["ts"] > back_ms
        live = receiver.wait_reading("a live reading", 30, where=is_live)
        self.assertLess(live.message.wall_ms - back_ms, 2000, "live readings came late")
        last = gateway.status()["store"]["next_seq"] - 1
        receiver.wait_complete(last, 30)
        self.assertEqual(receiver.ledger().differing, [])
        backlog = [e for e in receiver.readings() if stopped_ms < e.content["ts"] < back_ms - 1000]
        self.assertGreater(len(backlog), 2500)
        self.assertLess(live.message.at, max(e.message.at for e in backlog))
        print(f"\noutage: {during} readings stored in 30 s, live after "
              f"{live.message.wall_ms - back_ms:.0f} ms, {receiver.ledger().repeats} repeats")

    def test_a_broker_that_forgot_everything_is_a_broker_again(self):
        unit = Unit(holding={0: 0}, on_read=counting(0))
        server = ModbusServer(self, {1: unit})
        broker = Mosquitto(self)
        proxy = Proxy(self, broker.port)
        receiver = Receiver(self, broker.port)
        gateway = self.gateway(self.config(
            proxy.port, [tcp_link("l", server.port)],
            [machine("m", "l", [tag("count", "holding:0")], every="100ms")]))
        receiver.wait_reading(where=lambda e: e.values["count"] > 10)
        proxy.close()
        gateway.wait_log("uplink cloud: .*next try")
        # What it acknowledged it has passed on: from here on it may forget.
        acknowledged = gateway.status()["store"]["next_seq"] - 1 - self.pending(gateway)
        receiver.wait_complete(acknowledged)
        receiver.subscribed.clear()
        broker.kill()
        broker.empty()
        target = len(unit.served) + 20
        wait_for(lambda: len(unit.served) > target, what="polls without a broker")
        broker.start()
        receiver.wait_subscribed()
        back = time.monotonic()
        proxy.listen()
        receiver.wait_message("gw/status", 30, lambda m: m.json()["online"], since=back)
        receiver.wait_message("m/about", since=back)
        receiver.wait_complete(gateway.status()["store"]["next_seq"] - 1, 30)
        self.assertEqual(receiver.ledger().differing, [])
        self.assert_every_value_arrived(unit, receiver)

    def pending(self, gateway):
        return gateway.status()["uplinks"][0]["pending"]

    def assert_every_value_arrived(self, unit, receiver):
        got = {e.values.get("count") for e in receiver.readings("m")}
        served = [values[0] for _, _, _, values in unit.served]
        # the last ones may be on their way still
        self.assertEqual([value for value in served[:-20] if value not in got], [])

    def test_a_full_store_declares_what_it_drops(self):
        fleet = Fleet(self, 60, registers=60, every="100ms").start()
        broker = Mosquitto(self)
        receiver = Receiver(self, broker.port)
        broker_port = broker.port
        receiver.subscribed.clear()
        broker.stop()
        gateway = self.gateway(fleet.config(broker_port, store={"max_size": "1MiB",
                                                                "replay_window": "0s"}))
        wait_for(lambda: gateway.status()["queue"]["lost"] > 500, 60, "a full store")
        broker.start()
        receiver.wait_subscribed()
        # No more polls, so that the last number stands still.
        fleet.simulator.stop()
        wait_for(lambda: not any(m["online"] for m in gateway.status()["machines"]), 20)
        wait_for(lambda: self.pending(gateway) == 0, 60, "the backlog's end")
        last = gateway.status()["store"]["next_seq"] - 1
        receiver.wait_complete(last, 30)
        ledger = receiver.ledger()
        gaps = ledger.gaps()
        self.assertTrue(gaps)
        for gap in gaps:
            self.assertEqual(gap.content["why"], "store full")
            self.assertLessEqual(gap.content["from_ts"], gap.content["to_ts"])
        self.assertEqual(sum(gap.content["missing"] for gap in gaps) + len(ledger.entries), last)
        self.assertEqual(ledger.differing, [])


if __name__ == "__main__":
    unittest.main()
