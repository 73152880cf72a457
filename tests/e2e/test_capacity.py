"""Free capacity: told where it is switched on, without a word of jobs."""
import unittest

from harness import Case, Mosquitto, machine, tag, tcp_link, wait_for
from peers import ModbusServer, Unit
from receiver import Receiver

CODES = {1: "production", 3: "idle"}
JOB = [0x5345, 0x4352, 0x4554, 0x3432]  # SECRET42
FORMATS = [{"name": "block_width", "range": [100, 320], "unit": "mm"},
           {"name": "thickness", "range": [2.5, 60], "unit": "mm"}]


class Capacity(Case):
    def setUp(self):
        super().setUp()
        self.broker = Mosquitto(self)
        self.receiver = Receiver(self, self.broker.port)
        self.unit = Unit(holding={n: 0 for n in range(20)})
        self.server = ModbusServer(self, {1: self.unit})

    def plant(self, publish="on"):
        def one(name, **options):
            return machine(name, "l", [
                tag("code", "holding:0", states=CODES),
                tag("good", "holding:1", counter={"counts": "good", "kind": "reset"}),
                tag("job_no", "holding:10", "string:8")], every="100ms", job={"id": "job_no"},
                state={"offline_after": "1s"}, **options)
        return self.config(
            self.broker.port, [tcp_link("l", self.server.port, timeout="200ms")],
            [one("binder", formats=FORMATS, ideal_rate="7200/h"),
             one("trimmer", formats=[{"name": "block_width", "range": [80, 300], "unit": "mm"}])],
            timezone="UTC", lines=[{"name": "line", "machines": ["binder", "trimmer"]}],
            capacity={"publish": publish, "every": "10s"},
            calendars=[{"name": "hall", "shifts": [
                {"name": "all", "days": "mon-sun", "from": "00:00", "to": "24:00"}]}])

    def record(self, name, **wanted):
        """The latest retained one, once it says so."""
        def look():
            messages = self.receiver.of_topic(f"/{name}/capacity")
            latest = messages[-1].json() if messages and messages[-1].text else {}
            return wanted.items() <= latest.items() and latest
        return wait_for(look, 40, f"capacity of {name}: {wanted}")

    def test_capacity_tells_what_a_machine_can_do_and_nothing_of_its_job(self):
        self.unit.set("holding", 10, *JOB)
        self.unit.set("holding", 0, 1)
        gateway = self.gateway(self.plant())
        wait_for(lambda: self.receiver.latest("binder")[0].get("job_no") == "SECRET42", what="job")
        self.unit.set("holding", 1, 3)
        record = self.record("binder", free=False, machine="binder")
        self.assertEqual(record["formats"], [
            {"name": "block_width", "low": 100, "high": 320, "unit": "mm"},
            {"name": "thickness", "low": 2.5, "high": 60, "unit": "mm"}])
        self.assertEqual((record["rated_per_h"], record["load"]["day"]["share"]), (7200, 1))
        self.assertEqual(record["load"]["week"]["planned_share"], 1)
        self.assertGreater(record["achieved_per_h"], 0)
        self.assertEqual([day["planned_h"] for day in record["days"][1:]], [24] * 6)
        record = self.record("line", free=False, line="line")
        self.assertEqual(record["formats"][0],
                         {"name": "block_width", "low": 100, "high": 300, "unit": "mm"})
        self.assertIsNone(record["rated_per_h"])

        gateway.kill()
        self.unit.set("holding", 0, 3)
        self.unit.set("holding", 10, 0, 0, 0, 0)
        gateway = self.gateway(self.plant())
        share = self.record("binder", free=True)["load"]["day"]["share"]
        self.assertTrue(0 < share < 1, share)
        self.record("line", free=True)
        told = [message.text for name in ("binder", "trimmer", "line")
                for message in self.receiver.of_topic(f"/{name}/capacity")]
        self.assertGreater(len(told), 5)
        for text in told:
            self.assertNotIn("SECRET", text)
            self.assertNotIn("job", text)

        gateway.reload(self.plant("off"))
        for name in ("binder", "trimmer", "line"):
            wait_for(lambda n=name: self.receiver.of_topic(f"/{n}/capacity")[-1].text == "",
                     what=f"no capacity of {name} any more")

    def test_capacity_stays_at_home_unless_it_is_switched_on(self):
        self.unit.set("holding", 0, 1)
        config = self.plant()
        del config["capacity"]
        self.gateway(config)
        wait_for(lambda: self.receiver.latest("binder")[0].get("state") == "production", what="it")
        self.unit.set("holding", 0, 3)
        wait_for(lambda: self.receiver.latest("binder")[0].get("state") == "idle", what="it")
        self.assertEqual(self.receiver.of_topic("/capacity"), [])


if __name__ == "__main__":
    unittest.main()
