"""Modbus TCP against pymodbus, libmodbus and scripted servers."""
import os
import socket
import time
import unittest

from harness import free_port, machine, tag, tcp_link
from image import Image
from peers import ModbusServer, ScriptedModbus, Unit, counting, modbus_answer
from receiver import BrokerCase


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


class ModbusTcp(BrokerCase):
    def test_every_type_in_every_order_in_all_areas_from_pymodbus(self):
        image = Image()
        server = ModbusServer(self, {1: Unit(**image.areas)})
        self.run_gateway([tcp_link("l", server.port)], [machine("m", "l", image.tags)])
        self.receiver.wait_latest("m", image.expected)

    def test_every_type_in_every_order_in_all_areas_from_libmodbus(self):
        image, port = Image(), free_port()
        path = os.path.join(self.directory, "image")
        with open(path, "w", encoding="utf-8") as file:
            file.write(image.lines())
        with open(path, encoding="utf-8") as file:
            server = self.run_process([os.environ["LIBMODBUS_SERVER"], str(port)],
                                      "libmodbus_server", standard_input=file)
        server.wait_log("ready")
        beyond = tag("beyond", "holding:1500")
        self.run_gateway([tcp_link("l", port)], [machine("m", "l", image.tags + [beyond])])
        self.receiver.wait_latest("m", image.expected, {"beyond": "exception:2"})

    def test_a_hole_costs_only_the_tags_in_it(self):
        there = [100, 101, 103, 104, 120]
        server = ModbusServer(self, {1: Unit(holding={a: a for a in there})})
        tags = [tag(f"at{a}", f"holding:{a}") for a in there + [102]]
        self.run_gateway([tcp_link("l", server.port)],
                         [machine("m", "l", tags, every="200ms")])
        self.receiver.wait_latest("m", {f"at{a}": a for a in there}, {"at102": "exception:2"})

    def test_a_hole_between_tags_that_was_to_be_bridged_costs_nothing(self):
        there = [100, 110, 126]
        server = ModbusServer(self, {1: Unit(holding={a: a for a in there})})
        tags = [tag(f"at{a}", f"holding:{a}") for a in there]
        self.run_gateway([tcp_link("l", server.port, gap=16)],
                         [machine("m", "l", tags, every="200ms")])
        self.receiver.wait_latest("m", {f"at{a}": a for a in there})

    def test_requests_honour_max_registers_and_split_no_value(self):
        unit = Unit(holding={a: 0 for a in range(60)})
        server = ModbusServer(self, {1: unit})
        tags = [tag(f"t{a}", f"holding:{a}", "u64") for a in range(1, 50, 4)]
        self.run_gateway([tcp_link("l", server.port, max_registers=10)],
                         [machine("m", "l", tags)])
        self.receiver.wait_latest("m", {t["name"]: 0 for t in tags})
        for _, _, start, words in unit.served:
            self.assertLessEqual(len(words), 10)
            self.assertEqual((start - 1) % 4, 0)
            self.assertEqual(len(words) % 4, 0)

    def test_a_silent_unit_costs_the_others_neither_cadence_nor_connection(self):
        units = {n: Unit(holding={0: 0}, on_read=counting(0)) for n in (1, 2, 3)}
        units[2].silent = True
        server = ModbusServer(self, units)
        self.run_gateway([tcp_link("l", server.port, timeout="150ms")],
                         [machine(f"m{n}", "l", [tag("count", "holding:0")], n, "200ms")
                          for n in units])
        self.receiver.wait_reading(machine="m2", where=lambda e: e.bad == {"count": "timeout"})
        for name in ("m1", "m3"):
            self.receiver.wait_reading(machine=name, where=lambda e: e.values["count"] >= 40)
            self.assert_cadence(name, 200)
        self.assertEqual(server.connections, 1)
        units[2].silent = False
        self.receiver.wait_reading("unit 2 again", 40, "m2", where=lambda e: e.values)
        self.assertEqual(server.connections, 1)

    def assert_cadence(self, name, period_ms):
        """On time over all, and no poll lost to a neighbour's time-out but for the first ones."""
        times = [entry.content["ts"] for entry in self.receiver.readings(name)]
        expected = (times[-1] - times[0]) / period_ms + 1
        self.assertGreaterEqual(len(times), 0.9 * expected, name)

    def test_a_late_reply_is_never_taken(self):
        poison, count = 57005, [0]

        def answer(request):
            count[0] += 1
            if count[0] % 4 == 0:
                # comes when the request after the next one is out, or between the two
                return [(0.25 + 0.05 * (count[0] % 3), modbus_answer(request, [poison]))]
            return [(0, modbus_answer(request, [count[0]]))]

        server = ScriptedModbus(self, answer)
        self.run_gateway([tcp_link("l", server.port, timeout="150ms")],
                         [machine("m", "l", [tag("count", "holding:0")], every="200ms")])
        self.receiver.wait_reading("a good value after late replies", 40,
                                   where=lambda e: e.values.get("count", 0) > 30)
        bad = [e for e in self.receiver.readings("m") if e.bad]
        self.assertGreater(len(bad), 3)
        self.assertNotIn(poison, [e.values.get("count") for e in self.receiver.readings("m")])

    def test_an_answer_that_is_none_is_not_taken(self):
        """A wrong unit, another function, too few bytes, another transaction: each is bad."""
        count = [0]

        def answer(request):
            count[0] += 1
            good = modbus_answer(request, [count[0]])
            spoiled = {
                2: good[:6] + b"\x09" + good[7:], 4: good[:7] + b"\x04" + good[8:],
                6: good[:4] + b"\x00\x04" + good[6:8] + b"\x01\x07",
                8: b"\xff\xff" + good[2:], 10: b"\x00" * 20, 12: os.urandom(300),
            }
            return [(0, spoiled.get(count[0], good))]

        server = ScriptedModbus(self, answer)
        self.run_gateway([tcp_link("l", server.port, timeout="150ms")],
                         [machine("m", "l", [tag("count", "holding:0")], every="200ms")])
        self.receiver.wait_reading("a good value after all of them", 40,
                                   where=lambda e: e.values.get("count", 0) > 15)
        taken = {e.values["count"] for e in self.receiver.readings("m") if e.values}
        self.assertEqual(taken & {2, 4, 6, 8, 10, 12}, set())

    def test_a_dribbled_answer_is_bounded_by_the_deadline(self):
        def answer(request):
            reply = modbus_answer(request, [1])
            return [(0.1 * i, bytes([byte])) for i, byte in enumerate(reply)]

        server = ScriptedModbus(self, answer)
        self.run_gateway([tcp_link("l", server.port, timeout="300ms")],
                         [machine("m", "l", [tag("a", "holding:0")], every="500ms")])
        self.receiver.wait_reading(where=lambda e: e.bad == {"a": "timeout"})

    def test_it_goes_on_after_the_server_was_away(self):
        unit = Unit(holding={0: 0}, on_read=counting(0))
        server = ModbusServer(self, {1: unit})
        gateway = self.run_gateway([tcp_link("l", server.port)],
                                   [machine("m", "l", [tag("count", "holding:0")], every="200ms")])
        self.receiver.wait_reading()
        stopping_ms = time.time() * 1000
        server.stop()
        down = self.receiver.wait_reading("a bad quality", where=lambda e: e.bad)
        self.assertIn(down.bad["count"], ("link", "timeout"))
        self.assertGreaterEqual(down.content["ts"], int(stopping_ms))
        since = len(gateway.lines)
        server.start()
        self.receiver.wait_reading("a value again", 30, since=down.seq,
                                   where=lambda e: "count" in e.values)
        gateway.wait_log("link l: connected", since=since)

    def deaf_port(self):
        """A port whose queue of connections is full: the kernel leaves further ones unanswered."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        waiting = [socket.create_connection(listener.getsockname(), timeout=5)]
        for end in [listener] + waiting:
            self.addCleanup(end.close)
        return listener.getsockname()[1]

    def test_a_dead_machine_costs_others_nothing(self):
        unit = Unit(holding={0: 0}, on_read=counting(0))
        server, refused = ModbusServer(self, {1: unit}), free_port()
        links = [tcp_link("alive", server.port), tcp_link("refused", refused),
                 tcp_link("nowhere", self.deaf_port())]
        self.run_gateway(links, [machine(link["name"], link["name"],
                                         [tag("count", "holding:0")], every="200ms")
                                 for link in links])
        self.receiver.wait_reading(machine="alive", where=lambda e: e.values["count"] >= 30)
        self.assert_cadence("alive", 200)
        for name in ("refused", "nowhere"):
            self.receiver.wait_reading(machine=name, where=lambda e: "count" in e.bad)

    def test_a_host_name_and_ipv6(self):
        hosts = {"localhost": "127.0.0.1", **({"::1": "::1"} if has_ipv6() else {})}
        links, machines = [], []
        for number, (host, listen) in enumerate(hosts.items()):
            server = ModbusServer(self, {1: Unit(holding={0: number + 5})}, host=listen)
            links.append(tcp_link(f"l{number}", server.port, host))
            machines.append(machine(f"m{number}", f"l{number}", [tag("a", "holding:0")]))
        self.run_gateway(links, machines)
        for number in range(len(hosts)):
            self.receiver.wait_latest(f"m{number}", {"a": number + 5})


if __name__ == "__main__":
    unittest.main()
