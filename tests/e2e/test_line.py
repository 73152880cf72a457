"""A line as what its machines share: silent units, one owner, an adapter under another name."""
import os
import time
import unittest

from harness import machine, tag, wait_for
from peers import ModbusServer, PtyPair, Unit, counting
from receiver import BrokerCase


def serial_link(device, **options):
    return {"name": "line", "driver": "modbus-rtu", "device": device, "baud": 115200,
            "timeout": "100ms", **options}


class Line(BrokerCase):
    def test_31_machines_keep_their_rate_beside_silent_ones(self):
        pair, silent, seconds = PtyPair(self), (8, 16, 24), 20
        units = {n: Unit(holding={0: 0}, on_read=counting(0)) for n in range(1, 35)}
        for number in silent:
            units[number].silent = True
        ModbusServer(self, units, device=pair.machine, baud=115200)
        gateway = self.run_gateway([serial_link(pair.gateway, timeout="300ms")],
                                   [machine(f"m{n}", "line", [tag("count", "holding:0")], n)
                                    for n in units])
        wait_for(lambda: gateway.status()["links"][0]["timeouts"] >= 2 * len(silent), 60,
                 "every silent unit's second chance")
        before, began = {n: len(units[n].served) for n in units}, time.monotonic()
        wait_for(lambda: time.monotonic() > began + seconds, seconds + 5)
        polls = {n: len(units[n].served) - before[n] for n in units if n not in silent}
        self.assertEqual(len(polls), 31)
        self.assertGreaterEqual(min(polls.values()), 0.95 * seconds, polls)

    def test_a_port_has_one_owner(self):
        pair = PtyPair(self)
        unit = Unit(holding={0: 5})
        ModbusServer(self, {1: unit}, device=pair.machine, baud=115200)
        machines = [machine("m", "line", [tag("word", "holding:0")], every="200ms")]
        self.run_gateway([serial_link(pair.gateway)], machines)
        self.receiver.wait_latest("m", {"word": 5})
        self.assertIn("another program has the port",
                      self.bindery("read", pair.gateway, "--baud", "115200", "holding:0", status=1))
        second = self.gateway(self.config(self.broker.port, [serial_link(pair.gateway)], machines,
                                          {"path": os.path.join(self.directory, "second.db")},
                                          gateway="gw2"))
        second.wait_log("link line: another program has the port, next try in")
        served = len(unit.served)
        wait_for(lambda: len(unit.served) > served + 2, what="more polls of the first")

    def test_an_adapter_comes_back_under_another_name(self):
        first, second = PtyPair(self, "first"), PtyPair(self, "second")
        by_id = os.path.join(self.directory, "usb-adapter")
        os.symlink(os.path.realpath(first.gateway), by_id)
        server = ModbusServer(self, {1: Unit(holding={0: 1})}, device=first.machine)
        ModbusServer(self, {1: Unit(holding={0: 2})}, device=second.machine)
        gateway = self.run_gateway([serial_link(by_id, baud=9600, rs485="on")],
                                   [machine("m", "line", [tag("word", "holding:0")],
                                            every="200ms")])
        self.receiver.wait_latest("m", {"word": 1})
        gateway.wait_log("link line: rs485: on is refused by the adapter")
        first.unplug()
        server.stop()
        os.unlink(by_id)
        gateway.wait_log("link line: .*next try")
        os.symlink(os.path.realpath(second.gateway), by_id)
        self.receiver.wait_latest("m", {"word": 2}, seconds=45)


if __name__ == "__main__":
    unittest.main()
