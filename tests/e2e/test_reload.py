"""SIGHUP: only what changed is touched, and a broken file changes nothing."""
import copy
import json
import os
import unittest

from harness import Case, Mosquitto, machine, tag, tcp_link, write_config
from peers import ModbusServer, Unit, counting
from receiver import Receiver


class Reload(Case):
    def setUp(self):
        super().setUp()
        self.broker = Mosquitto(self)
        self.receiver = Receiver(self, self.broker.port)
        self.servers = {}
        for name in ("a", "b", "c"):
            unit = Unit(holding={0: 0, 1: 7}, on_read=counting(0))
            self.servers[name] = ModbusServer(self, {1: unit, 2: Unit(holding={0: 3})})
        self.configuration = self.config(
            self.broker.port, [tcp_link(f"l{n}", s.port) for n, s in self.servers.items()],
            [machine(f"m{n}", f"l{n}", [tag("count", "holding:0")], every="100ms")
             for n in self.servers])

    def unit(self, name):
        return self.servers[name].units[1]

    def start(self):
        gateway = self.gateway(self.configuration)
        for name in self.servers:
            self.receiver.wait_reading(machine=f"m{name}")
        return gateway

    def assert_nothing_lost(self, name):
        """Each value that was served before the last received one has arrived."""
        got = {e.values["count"] for e in self.receiver.readings(f"m{name}") if e.values}
        served = [values[0] for _, _, _, values in self.unit(name).served]
        self.assertEqual([v for v in served if v <= max(got) and v not in got], [])

    def more_of(self, name, count=10):
        values = [e.values["count"] for e in self.receiver.readings(f"m{name}") if e.values]
        target = max(values, default=0) + count
        self.receiver.wait_reading(f"more of {name}", 20, f"m{name}",
                                   where=lambda e: e.values.get("count", 0) >= target)

    def test_a_changed_machine_leaves_the_others_alone(self):
        gateway = self.start()
        changed = copy.deepcopy(self.configuration)
        changed["machines"][1]["tags"].append(tag("extra", "holding:1"))
        gateway.reload(changed)
        self.receiver.wait_reading(machine="mb", where=lambda e: e.values.get("extra") == 7)
        self.receiver.wait_message("mb/about", where=lambda m: "extra" in m.text)
        for name in self.servers:
            self.more_of(name)
        self.assertEqual([self.servers[n].connections for n in "ac"], [1, 1])
        for name in "ac":
            self.assert_nothing_lost(name)

    def test_machines_and_links_come_and_go(self):
        gateway = self.start()
        changed = copy.deepcopy(self.configuration)
        del changed["links"][2], changed["machines"][2]
        changed["machines"].append(machine("mnew", "la", [tag("x", "holding:0")], 2, "100ms"))
        gateway.reload(changed)
        self.receiver.wait_latest("mnew", {"x": 3})
        self.more_of("a")
        self.more_of("b")
        asked = len(self.unit("c").served)
        self.more_of("a", 20)
        self.assertLessEqual(len(self.unit("c").served) - asked, 1)
        gateway.reload(self.configuration)
        self.more_of("c")
        self.assertEqual([self.servers[n].connections for n in "abc"], [1, 1, 2])
        self.assert_nothing_lost("a")
        self.assert_nothing_lost("b")
        self.receiver.wait_complete(self.receiver.last_seq())

    def test_a_changed_link_is_opened_anew(self):
        gateway = self.start()
        changed = copy.deepcopy(self.configuration)
        changed["links"][0]["timeout"] = "900ms"
        gateway.reload(changed)
        self.more_of("a", 20)
        self.assertEqual([self.servers[n].connections for n in "abc"], [2, 1, 1])

    def test_an_uplink_that_changes_loses_nothing(self):
        gateway = self.start()
        changed = copy.deepcopy(self.configuration)
        changed["uplinks"][0]["gather"] = "gateway"
        gateway.reload(changed)
        self.receiver.wait_message("gw/readings")
        self.receiver.wait_complete(self.receiver.last_seq())
        for name in self.servers:
            self.more_of(name)
            self.assert_nothing_lost(name)

    def test_an_included_file_belongs_to_it(self):
        parts = os.path.join(self.directory, "machines.d")
        os.mkdir(parts)
        whole = copy.deepcopy(self.configuration)
        whole["include"] = "machines.d/*.yaml"
        self.configuration = whole
        gateway = self.start()
        with open(os.path.join(parts, "more.yaml"), "w", encoding="utf-8") as file:
            json.dump({"machines": [machine("mnew", "la", [tag("x", "holding:0")], 2)]}, file)
        gateway.reload(whole)
        self.receiver.wait_latest("mnew", {"x": 3})
        self.assertEqual(self.servers["a"].connections, 1)

    def test_a_broken_file_leaves_the_old_one_running(self):
        gateway = self.start()
        broken = json.dumps(self.configuration, indent=1).replace('"every": "100ms"',
                                                                  '"every": "100mm"', 1)
        broken = broken.replace('"unit": 1', '"unit": 9999', 1)
        since = gateway.reload(broken)
        gateway.wait_log(r"bindery\.yaml:\d+:\d+: .*100mm", since=since)
        gateway.wait_log(r"bindery\.yaml:\d+:\d+: .*9999", since=since)
        for name in self.servers:
            self.more_of(name, 20)
            self.assertEqual(self.servers[name].connections, 1)
            self.assert_nothing_lost(name)
        write_config(self, self.configuration)

    def test_a_broken_file_at_the_start_starts_nothing(self):
        self.configuration["machines"][0]["link"] = "nowhere"
        gateway = self.gateway(self.configuration, wait=False)
        self.assertEqual(gateway.wait(), 1)
        self.assertRegex(gateway.log(), r"bindery\.yaml:\d+:\d+: .*nowhere")


if __name__ == "__main__":
    unittest.main()
