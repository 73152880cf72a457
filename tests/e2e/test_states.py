"""What a machine is doing: states from codes and rules, and each of their intervals told once."""
import unittest

from harness import Case, Mosquitto, machine, tag, tcp_link, wait_for
from peers import ModbusServer, Unit
from receiver import Receiver

CODES = {1: "production", 2: "stopped", 3: {"state": "fault", "reason": "paper jam"}, 4: "setup"}


class States(Case):
    def setUp(self):
        super().setUp()
        self.broker = Mosquitto(self)
        self.receiver = Receiver(self, self.broker.port)
        self.unit = Unit(holding={n: 0 for n in range(20)})
        self.server = ModbusServer(self, {1: self.unit})

    def plant(self, *tags, **state):
        settings = {"state": {"offline_after": "1s", "micro_stop": "3s", **state}}
        return self.config(self.broker.port, [tcp_link("l", self.server.port, timeout="200ms")],
                           [machine("m", "l", [tag("code", "holding:0", states=CODES), *tags],
                                    every="100ms", **settings)])

    def be(self, code, state, reason=None):
        """The machine says so; waits until it is told."""
        self.unit.set("holding", 0, code)
        self.expect(state, reason)

    def expect(self, state, reason=None):
        wait_for(lambda: self.state() == (state, reason), what=f"{state}, {reason}")

    def state(self):
        values = self.receiver.latest("m")[0]
        return values.get("state"), values.get("state.reason")

    def events(self, name=None):
        return [entry.content for entry in self.receiver.ledger().events("m")
                if name in (None, entry.content["event"])]

    def wait_event(self, name, **wanted):
        def look():
            return next((event for event in self.events(name)
                         if wanted.items() <= event.items()), None)
        return wait_for(look, what=f"{name} {wanted}")

    def assert_contiguous(self):
        intervals = self.events("state")
        for before, after in zip(intervals, intervals[1:]):
            self.assertEqual(before["to"], after["from"], (before, after))
        self.assertEqual(self.receiver.ledger().missing(), [])

    def test_codes_become_states_with_reasons_and_each_interval_is_told_once(self):
        self.unit.set("holding", 0, 1)
        self.gateway(self.plant())
        for code, state, reason in ((1, "production", None), (3, "fault", "paper jam"),
                                    (2, "stopped", None), (4, "setup", None),
                                    (1, "production", None), (9, "unknown", None)):
            self.be(code, state, reason)
        self.wait_event("state", state="setup")
        told = [(e["state"], e["reason"], e["code"]) for e in self.events("state")]
        self.assertEqual(told[:4], [("production", None, 1), ("fault", "paper jam", 3),
                                    ("stopped", None, 2), ("setup", None, 4)])
        self.assert_contiguous()
        for event in self.events("state"):
            self.assertEqual(event["to"] - event["from"], event["duration_ms"])
            self.assertLessEqual(event["to_uncertain_ms"], 400)

    def test_a_stop_is_told_at_its_end_with_its_reason_and_a_short_one_is_a_micro_stop(self):
        self.unit.set("holding", 0, 1)
        self.gateway(self.plant(micro_stop="1s"))
        self.be(1, "production")
        self.be(3, "fault", "paper jam")
        self.wait_event("fault", reason="paper jam", code=3)
        self.be(1, "production")
        self.wait_event("stop", reason="paper jam", micro=True)
        self.be(2, "stopped")
        wait_for(lambda: len(self.unit.served) > 0)
        polls = len(self.unit.served)
        wait_for(lambda: len(self.unit.served) > polls + 12, what="more than a second")
        self.be(1, "production")
        stop = self.wait_event("stop", reason=None, micro=False)
        self.assertGreaterEqual(stop["duration_ms"], 1000)
        self.assertEqual(len(self.events("start")), 3)

    def test_rules_of_several_tags_decide_before_codes(self):
        self.unit.set("holding", 0, 1, 0, 0)
        rules = [{"state": "fault", "when": ["alarm != 0"], "reason": "drive"},
                 {"state": "production", "when": ["speed >= 50.5"]}]
        self.gateway(self.plant(tag("speed", "holding:1", scale=0.1), tag("alarm", "holding:2"),
                                rules=rules))
        self.be(4, "setup")
        self.unit.set("holding", 1, 505)
        self.expect("production")
        self.unit.set("holding", 2, 1)
        self.expect("fault", "drive")

    def test_a_silent_machine_is_offline_from_the_last_good_read(self):
        self.unit.set("holding", 0, 1)
        self.gateway(self.plant())
        self.be(1, "production")
        self.unit.silent = True
        self.expect("offline")
        produced = self.wait_event("state", state="production")
        self.assertEqual(produced["to_uncertain_ms"], 0)
        good = self.receiver.readings("m")
        self.unit.silent = False
        self.expect("production")
        offline = self.wait_event("state", state="offline")
        self.assertEqual(offline["from"], produced["to"])
        self.assertLessEqual(offline["from"],
                             min(e.content["ts"] for e in good if e.bad) + 1)
        self.assert_contiguous()

    def test_the_retained_status_tells_the_state_and_since_when(self):
        self.unit.set("holding", 0, 1)
        gateway = self.gateway(self.plant())
        self.be(1, "production")
        self.be(3, "fault", "paper jam")
        message = self.receiver.wait_message(
            "m/status", where=lambda m: m.json()["state"] == "fault").json()
        self.assertEqual((message["online"], message["reason"]), (True, "paper jam"))
        interval = self.wait_event("state", state="production")
        self.assertEqual(message["since"], interval["to"])
        told = gateway.status()["machines"][0]["state"]
        self.assertEqual((told["name"], told["reason"], told["since_ms"]),
                         ("fault", "paper jam", interval["to"]))

    def test_a_value_that_leaves_its_window_is_an_event_once(self):
        self.unit.set("holding", 0, 1, 1700)
        self.gateway(self.plant(tag("glue", "holding:1", "s16", scale=0.1,
                                    limits={"low": 160, "high": 180, "hysteresis": 2})))
        self.be(1, "production")
        for raw in (1805, 1790, 1700, 1590):
            self.unit.set("holding", 1, raw)
            wait_for(lambda value=raw / 10: self.receiver.latest("m")[0].get("glue") == value)
        self.wait_event("limit", what="low")
        self.assertEqual([(e["tag"], e["what"], e["value"], e["limit"])
                          for e in self.events("limit")],
                         [("glue", "high", 180.5, 180), ("glue", "within", 170, 180),
                          ("glue", "low", 159, 160)])

    def test_a_restart_within_moments_does_not_cut_an_interval(self):
        self.unit.set("holding", 0, 1)
        gateway = self.gateway(self.plant(offline_after="20s"))
        self.be(1, "production")
        started = self.wait_event("start")["ts"]
        gateway.stop()
        self.gateway(self.plant(offline_after="20s"))
        self.be(2, "stopped")
        intervals = [e for e in self.events("state") if e["state"] == "production"]
        self.assertEqual([e["from"] for e in intervals], [started])
        self.assertEqual(len(self.events("start")), 1)
        self.assert_contiguous()

    def test_the_time_after_a_kill_is_unknown_and_nothing_is_told_twice(self):
        self.unit.set("holding", 0, 1)
        gateway = self.gateway(self.plant(offline_after="100ms"))
        self.be(1, "production")
        self.be(2, "stopped")
        self.wait_event("state", state="production")
        gateway.kill()
        self.gateway(self.plant(offline_after="100ms"))
        self.be(1, "production")
        self.wait_event("state", state="unknown")
        self.be(4, "setup")
        told = [e["state"] for e in self.events("state")]
        self.assertEqual(told[-4:], ["production", "stopped", "unknown", "production"])
        self.assert_contiguous()


if __name__ == "__main__":
    unittest.main()
