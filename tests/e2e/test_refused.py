"""Registers that a machine does not have: found, set aside, remembered, tried again."""
import os
import unittest

from harness import machine, tag, tcp_link, wait_for
from peers import AREAS, ModbusServer, PtyPair, Unit
from receiver import BrokerCase

THERE = [*range(100, 110), *range(111, 120)]
HOLE = 110


class AskedUnit(Unit):
    """Keeps what it is asked for, refused or not: (address, count)."""

    def __init__(self, **areas):
        super().__init__(**areas)
        self.asked = []

    def validate(self, function, address, count=1):
        if AREAS[int(function)] == "holding":
            self.asked.append((address, count))
        return super().validate(function, address, count)

    def asked_for(self, address, since=0):
        return [(start, count) for start, count in self.asked[since:]
                if start <= address < start + count]


class Refused(BrokerCase):
    def setUp(self):
        super().setUp()
        self.unit = AskedUnit(holding={a: a for a in THERE})

    def start_tcp(self):
        self.server = server = ModbusServer(self, {1: self.unit})
        self.configuration = self.config(self.broker.port, [tcp_link("l", server.port)],
                                         [self.machine()])
        return self.gateway(self.configuration)

    def machine(self, every="200ms"):
        return machine("m", "l", [tag(f"at{a}", f"holding:{a}") for a in range(100, 120)],
                       every=every)

    def wait_polls(self, count):
        """So many further ones, each of which asks for the first register."""
        since = len(self.unit.asked)
        wait_for(lambda: len(self.unit.asked_for(100, since)) >= count, 30, f"{count} polls")
        return since

    def wait_set_aside(self):
        self.receiver.wait_latest("m", {f"at{a}": a for a in THERE}, {f"at{HOLE}": "exception:2"})
        wait_for(lambda: len([a for a in self.unit.asked_for(HOLE) if a[1] == 1]) >= 3,
                 30, "the hole alone, three times")
        since = self.wait_polls(5)
        self.assertEqual(self.unit.asked_for(HOLE, since), [])

    def test_a_refused_register_is_asked_for_no_more_and_shown(self):
        gateway = self.start_tcp()
        self.wait_set_aside()
        self.assertEqual(gateway.status()["machines"][0]["refused"], [f"at{HOLE} holding:{HOLE}"])
        self.assertIn(f"machine m: has no register for at{HOLE} holding:{HOLE} (exception 2)",
                      self.bindery("status", "-c", gateway.path))

    def test_on_a_line_too(self):
        pair = PtyPair(self)
        ModbusServer(self, {1: self.unit}, device=pair.machine, baud=38400)
        self.run_gateway([{"name": "l", "driver": "modbus-rtu", "device": pair.gateway,
                           "baud": 38400}], [self.machine()])
        self.wait_set_aside()

    def test_it_stays_refused_when_the_machine_has_been_away(self):
        gateway = self.start_tcp()
        self.wait_set_aside()
        self.server.stop()
        self.receiver.wait_latest("m", {}, {f"at{a}": "link" for a in range(100, 120)})
        self.server.start()
        self.receiver.wait_latest("m", {f"at{a}": a for a in THERE}, {f"at{HOLE}": "exception:2"})
        self.assertEqual(gateway.status()["machines"][0]["refused"], [f"at{HOLE} holding:{HOLE}"])

    def test_it_is_remembered_over_a_restart(self):
        gateway = self.start_tcp()
        self.wait_set_aside()
        self.assertEqual(gateway.stop(), 0)
        since = len(self.unit.asked)
        gateway = self.gateway(self.configuration)
        self.wait_polls(3)
        self.assertEqual(set(self.unit.asked_for(HOLE, since)), {(HOLE, 1)})
        self.assertEqual(gateway.status()["machines"][0]["refused"], [f"at{HOLE} holding:{HOLE}"])

    def test_a_reload_asks_for_it_again(self):
        gateway = self.start_tcp()
        self.wait_set_aside()
        self.unit.set("holding", HOLE, 4711)
        gateway.wait_log("reloaded", since=gateway.reload(self.configuration))
        self.receiver.wait_latest("m", {**{f"at{a}": a for a in THERE}, f"at{HOLE}": 4711})
        self.assertNotIn("refused", gateway.status()["machines"][0])
        since = self.wait_polls(2)
        self.assertIn((100, 20), self.unit.asked[since:])
        self.assertEqual(gateway.stop(), 0)
        self.assertFalse(os.path.exists(os.path.join(self.directory, "bindery.db.refused")))


if __name__ == "__main__":
    unittest.main()
