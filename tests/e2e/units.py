"""Three units on a line, one of which is silent for a while."""
from harness import machine, tag
from peers import Unit, counting
from receiver import BrokerCase


class ThreeUnits(BrokerCase):
    def three_units(self):
        units = {n: Unit(holding={0: 0, 1: n}, on_read=counting(0)) for n in (1, 2, 3)}
        units[2].silent = True
        return units

    def machines(self, every="500ms"):
        return [machine(f"m{n}", "line", [tag("count", "holding:0"), tag("unit", "holding:1")],
                        n, every) for n in (1, 2, 3)]

    def check_three_units(self, units, counts=8):
        silent = self.receiver.wait_reading(machine="m2", where=lambda e: e.bad)
        self.assertEqual(silent.bad, {"count": "timeout", "unit": "timeout"})
        for number in (1, 3):
            entry = self.receiver.wait_reading(f"unit {number}", 30, f"m{number}",
                                               where=lambda e: e.values.get("count", 0) >= counts)
            self.assertGreater(entry.values["count"], 0)
            self.assertEqual(self.receiver.latest(f"m{number}")[0]["unit"], number)
        units[2].silent = False
        self.receiver.wait_reading("unit 2 at last", 45, "m2",
                                   where=lambda e: e.values.get("unit") == 2)
