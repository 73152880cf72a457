"""Modbus ASCII against pymodbus: pseudo-terminals, three units on a line, noise, over TCP, and
against the simulator."""
import os
import unittest

from harness import free_port, machine, tag, write_config
from image import Image
from peers import ModbusServer, PtyPair, Unit, counting
from units import ThreeUnits


class Ascii(ThreeUnits):
    def serial_link(self, pair, form="7E1", **options):
        return {"name": "line", "driver": "modbus-ascii", "device": pair.gateway, "baud": 9600,
                "format": form, "timeout": "200ms", **options}

    def test_three_units_one_silent_at_7e1(self):
        pair, units = PtyPair(self), self.three_units()
        ModbusServer(self, units, device=pair.machine, framing="ascii")
        self.run_gateway([self.serial_link(pair)], self.machines())
        self.check_three_units(units)

    def test_three_units_one_silent_over_tcp(self):
        units = self.three_units()
        server = ModbusServer(self, units, framing="ascii")
        self.run_gateway([{"name": "line", "driver": "modbus-ascii-tcp", "timeout": "300ms",
                           "address": f"127.0.0.1:{server.port}"}], self.machines())
        self.check_three_units(units)

    def check_every_type(self, form):
        pair, image = PtyPair(self), Image()
        ModbusServer(self, {1: Unit(**image.areas)}, device=pair.machine, framing="ascii")
        self.run_gateway([self.serial_link(pair, form, baud=115200)],
                         [machine("m", "line", image.tags)])
        self.receiver.wait_latest("m", image.expected)

    def test_every_type_in_every_order_at_7n2(self):
        self.check_every_type("7N2")

    def test_every_type_in_every_order_at_8n1(self):
        self.check_every_type("8N1")

    def test_noise_between_frames_costs_no_value(self):
        pair, unit = PtyPair(self), Unit(holding={0: 0}, on_read=counting(0))
        ModbusServer(self, {1: unit}, device=pair.machine, framing="ascii")
        self.run_gateway([self.serial_link(pair)],
                         [machine("m", "line", [tag("count", "holding:0")], every="100ms")])
        noise = (b"\xff\x00hum", b":01", b":010302", b"\r\n", b":0103020007F3\r", b":::")
        for count in range(1, 40):
            entry = self.receiver.wait_reading(f"count {count}", where=lambda e:
                                               e.values.get("count", 0) >= count)
            self.assertLessEqual(entry.values["count"], unit.areas["holding"][0])
            pair.say(noise[count % len(noise)])
        served = [values[0] for _, _, _, values in unit.served]
        for entry in self.receiver.readings("m"):
            self.assertIn(entry.values.get("count", served[0]), served)

    def test_the_simulator_speaks_it_and_read_understands_it(self):
        port, device = free_port(), os.path.join(self.directory, "tty")
        links = [{"name": "serial", "driver": "modbus-ascii", "device": device, "format": "7E1"},
                 {"name": "server", "driver": "modbus-ascii-tcp", "address": f"127.0.0.1:{port}"}]
        path = write_config(self, self.config(0, links, [
            machine(f"m{link['name']}", link["name"], [tag("constant", "holding:4096")], 7)
            for link in links]))
        self.simulate(path, [port])
        for place in (["serial", "-c", path], ["server", "-c", path],
                      [device, "--ascii", "--format", "7E1"], [f"127.0.0.1:{port}", "--ascii"]):
            with self.subTest(place[0]):
                self.assertRegex(self.bindery("read", *place, "--unit", "7", "holding:4096"),
                                 r"holding:4096 +0x[0-9A-F]{4}  \d+")
                self.assertIn("exception 2", self.bindery("read", *place, "--unit", "7",
                                                          "holding:9", status=1))
                self.assertIn("did not answer", self.bindery("read", *place, "--unit", "8",
                                                             "holding:9", status=1))


if __name__ == "__main__":
    unittest.main()
