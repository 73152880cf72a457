"""What stands on the broker: topics, retained messages, the will, versions, passwords, uplinks."""
import os
import subprocess
import time
import unittest

from harness import Case, Mosquitto, free_port, machine, tag, tcp_link, wait_for
from peers import ModbusServer, Unit, counting
from receiver import Receiver


class Mqtt(Case):
    def setUp(self):
        super().setUp()
        self.unit = Unit(holding={0: 0, 1: 7}, on_read=counting(0))
        self.server = ModbusServer(self, {1: self.unit})
        self.links = [tcp_link("l", self.server.port)]
        self.machines = [machine("m", "l", [tag("count", "holding:0"),
                                            tag("temp", "holding:1", "s16", unit="°C", scale=0.1)],
                                 every="200ms")]

    def config_to(self, port, **uplink):
        return self.config(port, self.links, self.machines, uplink=uplink)

    def test_topics_and_what_is_retained(self):
        broker = Mosquitto(self)
        live = Receiver(self, broker.port, name="live")
        self.gateway(self.config_to(broker.port))
        live.wait_message("lab/gw/m/readings")
        live.wait_message("lab/gw/m/status")
        late = Receiver(self, broker.port, name="late")
        status = late.wait_message("bindery/lab/gw/status", where=lambda m: m.retained).json()
        self.assertEqual(status["online"], True)
        self.assertTrue(status["version"] and status["boot"])
        self.assertAlmostEqual(status["ts"], time.time() * 1000, delta=60000)
        about = late.wait_message("bindery/lab/gw/m/about", where=lambda m: m.retained).json()
        self.assertEqual([(t["name"], t["type"], t.get("unit")) for t in about["tags"]],
                         [("count", "u16", None), ("temp", "s16", "°C")])
        self.assertEqual(about["synthetic"], False)
        state = late.wait_message("bindery/lab/gw/m/status", where=lambda m: m.retained).json()
        self.assertEqual(state["online"], True)
        reading = live.of_topic("m/readings")[0]
        self.assertEqual((reading.qos, reading.retained), (1, False))
        body = reading.json()
        self.assertEqual((body["gateway"], body["machine"]), ("gw", "m"))
        self.assertEqual(body["store"], status["store"])
        self.assertEqual(body["readings"][0]["seq"], 1)
        self.assertAlmostEqual(body["readings"][0]["ts"], time.time() * 1000, delta=60000)
        self.assertEqual([m for m in late.messages if m.retained and
                          m.topic.endswith("readings")], [])

    def test_a_machine_that_falls_silent_is_told_offline(self):
        broker = Mosquitto(self)
        receiver = Receiver(self, broker.port)
        self.gateway(self.config_to(broker.port))
        receiver.wait_message("/m/status", where=lambda m: m.json()["online"])
        self.unit.silent = True
        gone = receiver.wait_message("/m/status", where=lambda m: not m.json()["online"])
        self.assertEqual(gone.json()["state"], "offline")
        self.unit.silent = False
        receiver.wait_message("/m/status", 40, lambda m: m.json()["online"], since=gone.at)

    def test_the_will_says_offline_after_a_kill(self):
        broker = Mosquitto(self)
        receiver = Receiver(self, broker.port)
        gateway = self.gateway(self.config_to(broker.port))
        receiver.wait_message("gw/status", where=lambda m: m.json()["online"])
        gateway.kill()
        will = receiver.wait_message("gw/status", where=lambda m: not m.json()["online"])
        self.assertEqual(will.topic, "bindery/lab/gw/status")
        self.assertTrue(will.json()["store"])
        late = Receiver(self, broker.port, name="late")
        retained = late.wait_message("gw/status", where=lambda m: m.retained)
        self.assertEqual(retained.json()["online"], False)

    def test_an_orderly_end_says_offline_too(self):
        broker = Mosquitto(self)
        receiver = Receiver(self, broker.port)
        gateway = self.gateway(self.config_to(broker.port))
        receiver.wait_message("gw/status", where=lambda m: m.json()["online"])
        self.assertEqual(gateway.stop(), 0)
        receiver.wait_message("gw/status", where=lambda m: not m.json()["online"])

    def test_gathered_by_gateway(self):
        broker = Mosquitto(self)
        receiver = Receiver(self, broker.port)
        self.machines += [machine("n", "l", [tag("count", "holding:0")], every="200ms")]
        self.gateway(self.config_to(broker.port, gather="gateway"))
        receiver.wait_reading(machine="n")
        receiver.wait_reading(machine="m", where=lambda e: e.values.get("count", 0) > 10)
        receiver.wait_complete(receiver.last_seq())
        self.assertEqual({m.topic for m in receiver.of_topic("/readings")},
                         {"bindery/lab/gw/readings"})

    def test_both_versions_of_the_protocol(self):
        for version, shown in (("5", "p5"), ("3.1.1", "p2")):
            with self.subTest(version):
                broker = Mosquitto(self)
                receiver = Receiver(self, broker.port)
                gateway = self.gateway(self.config_to(broker.port, mqtt=version))
                receiver.wait_reading(since=0)
                self.assertRegex(broker.process.log(), rf"as gw \({shown}, ")
                gateway.stop()
                os.remove(os.path.join(self.directory, "bindery.db"))

    def test_a_password_is_demanded_and_given(self):
        passwords = os.path.join(self.directory, "passwords")
        with open(passwords, "w", encoding="utf-8"):
            pass
        subprocess.run(["mosquitto_passwd", "-b", passwords, "gw", "right"], check=True)
        broker = Mosquitto(self, lines=[
            "per_listener_settings true", "allow_anonymous false", f"password_file {passwords}",
            f"listener {free_port()} 127.0.0.1", "allow_anonymous true"])
        open_port = int(broker.lines[3].split()[1])
        receiver = Receiver(self, open_port)
        secret = os.path.join(self.directory, "secret")
        for password, pattern in (("wrong", r"uplink cloud: .*(not authori|password)"),
                                  ("right", r"uplink cloud: connected")):
            with open(secret, "w", encoding="utf-8") as file:
                file.write(password + "\n")
            gateway = self.gateway(self.config_to(broker.port, username="gw",
                                                  password_file=secret))
            gateway.wait_log(pattern)
            if password == "wrong":
                self.assertEqual(receiver.readings(), [])
                self.assertNotIn("wrong\n", gateway.log())
                gateway.stop()
        receiver.wait_reading()

    def test_an_uplink_that_is_down_does_not_hold_up_the_other(self):
        here, there_port = Mosquitto(self), free_port()
        receiver = Receiver(self, here.port)
        config = self.config_to(here.port)
        config["uplinks"].append({"name": "second", "url": f"mqtt://127.0.0.1:{there_port}",
                                  "publish_every": "200ms"})
        gateway = self.gateway(config)
        receiver.wait_reading(where=lambda e: e.values.get("count", 0) > 20)
        gateway.wait_log("uplink second: .*refused")
        there = Mosquitto(self, port=there_port)
        second = Receiver(self, there.port, name="second")
        last = receiver.last_seq()
        second.wait_complete(last, 60)
        # Both were told the same.
        for seq in range(1, last + 1):
            self.assertEqual(second.ledger().entries[seq].content,
                             receiver.ledger().entries[seq].content)

    def test_a_second_client_of_the_same_name_is_noticed(self):
        broker = Mosquitto(self)
        receiver = Receiver(self, broker.port)
        gateway = self.gateway(self.config_to(broker.port))
        receiver.wait_reading()
        since = len(gateway.lines)
        rival = Receiver(self, broker.port, name="gw")
        gateway.wait_log("uplink cloud: .*(took over|closed|lost|disconnect)", since=since)
        rival.close()
        last = receiver.last_seq()
        receiver.wait_reading("readings again", 40, since=last)
        receiver.wait_complete(last)


if __name__ == "__main__":
    unittest.main()
