"""The whole way once: machine, store, broker, an outage, the end."""
import unittest

from harness import Case, Mosquitto, machine, tag, tcp_link
from peers import ModbusServer, Unit, counting
from receiver import Receiver


class Smoke(Case):
    def test_readings_arrive_through_a_short_outage_and_the_end_is_clean(self):
        broker = Mosquitto(self)
        receiver = Receiver(self, broker.port)
        unit = Unit(holding={0: 0, 1: 7}, on_read=counting(0))
        server = ModbusServer(self, {1: unit})
        gateway = self.gateway(self.config(
            broker.port, [tcp_link("press", server.port)],
            [machine("m1", "press", [tag("count", "holding:0"), tag("fixed", "holding:1")],
                     every="200ms")]))
        self.assertEqual(receiver.wait_reading().values["fixed"], 7)
        receiver.wait_reading("five counts", where=lambda e: e.values.get("count", 0) >= 5)
        receiver.subscribed.clear()
        broker.stop()
        stopped_at = len(unit.served)
        while len(unit.served) < stopped_at + 10:
            receiver.subscribed.wait(0.05)
        broker.start()
        receiver.wait_subscribed()
        receiver.wait_reading("a reading after the outage", 30,
                              where=lambda e: e.values.get("count", 0) > stopped_at + 10)
        receiver.wait_complete(receiver.last_seq())
        self.assertEqual(gateway.stop(), 0)
        self.assertEqual(receiver.ledger().differing, [])


if __name__ == "__main__":
    unittest.main()
