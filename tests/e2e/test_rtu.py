"""Modbus RTU against pymodbus: pseudo-terminals, three units on a line, RTU over TCP."""
import unittest

from harness import free_port, machine, tag
from image import Image
from peers import ModbusServer, PtyPair, Unit, counting
from units import ThreeUnits


class Rtu(ThreeUnits):
    def serial_link(self, pair, baud, form, **options):
        return {"name": "line", "driver": "modbus-rtu", "device": pair.gateway, "baud": baud,
                "format": form, **options}

    def test_three_units_one_silent_at_9600_8n1(self):
        pair, units = PtyPair(self), self.three_units()
        ModbusServer(self, units, device=pair.machine, baud=9600)
        self.run_gateway([self.serial_link(pair, 9600, "8N1", timeout="200ms")], self.machines())
        self.check_three_units(units)

    def test_three_units_one_silent_at_19200_8e1(self):
        pair, units = PtyPair(self), self.three_units()
        ModbusServer(self, units, device=pair.machine, baud=19200)
        self.run_gateway([self.serial_link(pair, 19200, "8E1", timeout="200ms")],
                         self.machines())
        self.check_three_units(units)

    def test_every_type_in_every_order_over_a_line(self):
        pair, image = PtyPair(self), Image()
        ModbusServer(self, {1: Unit(**image.areas)}, device=pair.machine, baud=115200)
        self.run_gateway([self.serial_link(pair, 115200, "8N1")],
                         [machine("m", "line", image.tags)])
        self.receiver.wait_latest("m", image.expected)

    def test_a_hole_costs_only_the_tags_in_it(self):
        pair, there = PtyPair(self), [100, 101, 103, 104]
        ModbusServer(self, {1: Unit(holding={a: a for a in there})}, device=pair.machine)
        self.run_gateway([self.serial_link(pair, 9600, "8N1")],
                         [machine("m", "line", [tag(f"at{a}", f"holding:{a}")
                                                for a in there + [102]], every="500ms")])
        self.receiver.wait_latest("m", {f"at{a}": a for a in there}, {"at102": "exception:2"})

    def test_rtu_through_a_serial_server_over_tcp(self):
        pair, units, port = PtyPair(self), self.three_units(), free_port()
        ModbusServer(self, units, device=pair.machine)
        # Its word is waited for, not its port: a connection to try it would open the line too.
        socat = self.run_process(
            ["socat", "-d", "-d", f"tcp-listen:{port},bind=127.0.0.1,reuseaddr,fork",
             f"open:{pair.gateway},raw,echo=0"], "socat tcp")
        socat.wait_log("listening on")
        self.run_gateway([{"name": "line", "driver": "modbus-rtu-tcp",
                           "address": f"127.0.0.1:{port}", "timeout": "300ms"}], self.machines())
        self.check_three_units(units)

    def test_a_line_that_was_unplugged_comes_back(self):
        pair, unit = PtyPair(self), Unit(holding={0: 0}, on_read=counting(0))
        server = ModbusServer(self, {1: unit}, device=pair.machine)
        self.run_gateway([self.serial_link(pair, 9600, "8N1", timeout="200ms")],
                         [machine("m", "line", [tag("count", "holding:0")], every="200ms")])
        self.receiver.wait_reading(where=lambda e: e.values)
        pair.unplug()
        server.stop()
        gone = self.receiver.wait_reading("the line's end", where=lambda e: e.bad)
        self.assertIn(gone.bad["count"], ("link", "timeout"))
        pair.plug()
        server.start()
        self.receiver.wait_reading("a value again", 45, since=gone.seq,
                                   where=lambda e: "count" in e.values)


if __name__ == "__main__":
    unittest.main()
