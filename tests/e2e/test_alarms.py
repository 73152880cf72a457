"""Alarms: each is raised by its cause, once, and shown everywhere; it is over when its cause is."""
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import time
import unittest

from certificates import Authority
from harness import Case, Mosquitto, free_port, machine, tag, tcp_link, wait_for
from peers import ModbusServer, PtyPair, ScriptedModbus, TcpServer, Unit, counting, \
    modbus_answer, receive
from receiver import Receiver, entries_of

PUBLISH, PINGREQ, DISCONNECT = 3, 12, 14

# With room for none, as these tests have it otherwise, Debian's mosquitto hangs up instead of
# saying why it refuses a message.
SAYS_WHY = "max_queued_messages 1000"


class Publish:
    """A message as the gateway sent it; like a receiver's, as far as is needed."""

    def __init__(self, topic, identifier, text):
        self.topic, self.identifier, self.text, self.at = topic, identifier, text, time.monotonic()

    def is_readings(self):
        return self.topic.endswith("/readings")

    def seqs(self):
        return [entry.seq for _, entry in entries_of(self)]

    def json(self):
        return json.loads(self.text)


class Session:
    """A gateway's connection to a scripted broker."""

    def __init__(self, client, number):
        self.client, self.number, self.version = client, number, None
        self.began, self.published = time.monotonic(), []

    def packet(self):
        first, = receive(self.client, 1)
        length = shift = 0
        while True:
            byte, = receive(self.client, 1)
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return first, receive(self.client, length)

    def accept(self):
        self.client.sendall(b"\x20\x03\x00\x00\x00" if self.version == 5 else b"\x20\x02\x00\x00")

    def acknowledge(self, identifier, reason=0):
        code = bytes([reason]) if reason else b""
        self.client.sendall(bytes([0x40, 2 + len(code)]) + struct.pack(">H", identifier) + code)

    def publish_of(self, body):
        length, = struct.unpack(">H", body[:2])
        identifier, = struct.unpack(">H", body[2 + length:4 + length])
        rest = body[4 + length:]
        if self.version == 5:
            rest = rest[1 + rest[0]:]
        return Publish(body[2:2 + length].decode(), identifier, rest.decode())


class ScriptedBroker(TcpServer):
    """Takes whatever it is told; `on_publish(session, publish)` says what it answers."""

    def __init__(self, test, on_publish=None, answers_pings=True):
        self.sessions, self.answers_pings = [], answers_pings
        self.on_publish = on_publish or (lambda session, publish:
                                         session.acknowledge(publish.identifier))
        super().__init__(test)

    def serve(self, client):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        session = Session(client, len(self.sessions))
        _, body = session.packet()
        session.version = body[6]
        self.sessions.append(session)
        session.accept()
        while True:
            first, body = session.packet()
            if first >> 4 == PUBLISH:
                session.published.append(session.publish_of(body))
                self.on_publish(session, session.published[-1])
            elif first >> 4 == PINGREQ and self.answers_pings:
                client.sendall(b"\xd0\x00")
            elif first >> 4 == DISCONNECT:
                return

    def readings(self):
        return [publish for session in list(self.sessions) for publish in list(session.published)
                if publish.is_readings()]


class AlarmCase(Case):
    def setUp(self):
        super().setUp()
        self.unit = Unit(holding={0: 0, **{n: n for n in range(1, 100)}}, on_read=counting(0))
        self.server = ModbusServer(self, {1: self.unit})
        self.links = [tcp_link("l", self.server.port)]
        self.machines = [machine("m", "l", [tag("count", "holding:0")], every="200ms")]

    def start(self, port, links=(), machines=(), store=(), environment=None, **uplink):
        return self.gateway(self.config(port, self.links + list(links),
                                        self.machines + list(machines), store, uplink),
                            environment=environment)

    @staticmethod
    def alarm(gateway, name, subject):
        return next((alarm for alarm in gateway.status()["alarms"]
                     if (alarm["name"], alarm["subject"]) == (name, subject)), None)

    def wait_alarm(self, gateway, name, subject="uplink cloud", seconds=20):
        """Until it is raised; then it stands in status, metrics and log, in each once."""
        alarm = wait_for(lambda: self.alarm(gateway, name, subject), seconds,
                         f"the alarm {name} of {subject}")
        self.assertGreater(len(alarm["text"]), 10)
        if alarm["synced"]:
            self.assertAlmostEqual(alarm["since_ms"], time.time() * 1000, delta=60000)
        text = self.bindery("status", "-c", gateway.path)
        self.assertIn(f"alarm {name}, {subject}, for ", text.split("gateway ")[0])
        metrics = self.bindery("metrics", "-c", gateway.path).splitlines()
        self.assertEqual(metrics.count(f'bindery_alarm{{name="{name}",subject="{subject}"}} 1'), 1)
        self.assertEqual(self.logged(gateway, f"{subject}: alarm {name}: "), 1, gateway.log())
        return alarm

    @staticmethod
    def logged(gateway, words):
        return sum(words in line for _, line in list(gateway.lines))

    def wait_over(self, gateway, name, subject="uplink cloud", seconds=20):
        wait_for(lambda: not self.alarm(gateway, name, subject), seconds,
                 f"the end of {name} of {subject}")
        gateway.wait_log(f"{subject}: alarm {name} is over")


class OfMosquitto(AlarmCase):
    def test_a_topic_that_is_not_allowed_is_kept_and_an_alarm_until_it_is(self):
        acl = os.path.join(self.directory, "acl")

        def allow(*topics):
            with open(acl, "w", encoding="utf-8") as file:
                file.write("\n".join(["topic read #", *(f"topic write {t}" for t in topics), ""]))

        allow("bindery/lab/gw/status")
        broker = Mosquitto(self, lines=[f"acl_file {acl}", SAYS_WHY])
        receiver = Receiver(self, broker.port)
        gateway = self.start(broker.port)
        alarm = self.wait_alarm(gateway, "not_authorised")
        self.assertIn("0x87", alarm["text"])
        allow("#")
        broker.process.signal(signal.SIGHUP)
        self.wait_over(gateway, "not_authorised", seconds=60)
        receiver.wait_complete(receiver.last_seq())
        self.assertEqual(receiver.ledger().gaps(), [])

    def test_a_wrong_password_is_an_alarm_until_it_is_right(self):
        passwords = os.path.join(self.directory, "passwords")
        subprocess.run(["mosquitto_passwd", "-c", "-b", passwords, "gw", "right"], check=True)
        broker = Mosquitto(self, lines=["allow_anonymous false", f"password_file {passwords}"])
        secret = os.path.join(self.directory, "secret")
        for version in ("5", "3.1.1"):
            with self.subTest(version):
                self.write(secret, "wrong\n")
                gateway = self.start(broker.port, username="gw", password_file=secret,
                                     mqtt=version)
                self.wait_alarm(gateway, "login_refused")
                self.write(secret, "right\n")
                self.wait_over(gateway, "login_refused", seconds=30)
                gateway.stop()

    @staticmethod
    def write(path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def test_a_second_client_of_the_same_name_is_an_alarm_in_both_versions(self):
        for version in ("5", "3.1.1"):
            with self.subTest(version):
                broker = Mosquitto(self)
                gateway = self.start(broker.port, mqtt=version)
                gateway.wait_log("uplink cloud: connected")
                rival = Receiver(self, broker.port, name="gw")
                alarm = self.wait_alarm(gateway, "duplicate_client", seconds=60)
                self.assertIn("client id gw", alarm["text"])
                rival.close()
                gateway.stop()
                broker.stop()

    def test_a_message_too_large_is_declared_lost_and_holds_up_nobody(self):
        broker = Mosquitto(self, lines=["message_size_limit 600", SAYS_WHY])
        receiver = Receiver(self, broker.port)
        large = machine("large", "l", [tag(f"tag-with-a-long-name-{n}", f"holding:{n}")
                                       for n in range(1, 60)], every="1s")
        gateway = self.start(broker.port, machines=[large])
        alarm = self.wait_alarm(gateway, "message_refused")
        self.assertIn("too large", alarm["text"])
        gap = wait_for(lambda: receiver.ledger().gaps(), what="the gap")[0]
        self.assertEqual(gap.content["why"], "refused by the broker")
        receiver.wait_reading("readings after it", machine="m", since=gap.seq)
        receiver.wait_complete(receiver.last_seq())
        metrics = self.bindery("metrics", "-c", gateway.path)
        self.assertRegex(metrics, r'dropped_total\{reason="refused by the broker"\} [1-9]')

    def test_certificates_that_are_refused_are_an_alarm_until_a_good_one_comes(self):
        authority = Authority(os.path.join(self.directory, "ca"))
        good = authority.sign("broker")
        stranger = Authority(os.path.join(self.directory, "stranger"), "stranger")
        used = [os.path.join(self.directory, name) for name in ("used.crt", "used.key")]

        def use(certificate):
            for source, target in zip(certificate, used):
                shutil.copy(source, target)

        use(good)
        broker = Mosquitto(self, tls=[f"certfile {used[0]}", f"keyfile {used[1]}"])
        for name, bad in (("wrong name", authority.sign("other", "DNS:other.example")),
                          ("expired", authority.sign("expired", until="20210101000000Z")),
                          ("another authority", stranger.sign("broker"))):
            with self.subTest(name):
                broker.stop()
                use(bad)
                broker.start()
                gateway = self.start(broker.port, url=f"mqtts://localhost:{broker.tls_port}",
                                     ca_file=authority.path("ca.crt"))
                alarm = self.wait_alarm(gateway, "certificate_refused")
                self.assertIn("certificate", alarm["text"])
                self.assertNotIn(" as gw (", broker.process.log())
                broker.stop()
                use(good)
                broker.start()
                self.wait_over(gateway, "certificate_refused", seconds=40)
                gateway.stop()


def quota_then_take(times):
    """Refuses the first readings for want of quota, and then no more."""
    left = [times]

    def answer(session, publish):
        refused = publish.is_readings() and left[0] > 0
        left[0] -= refused
        session.acknowledge(publish.identifier, 0x97 if refused else 0)
    return answer


class OfScriptedBrokers(AlarmCase):
    def test_acknowledgements_that_never_come_are_noticed_by_another_connection(self):
        """All of them, and one in the midst of others: a machine that comes and goes is told of
        all the while, and that is acknowledged."""
        def never(session, publish):
            if session.number:
                session.acknowledge(publish.identifier)

        def all_but_one(session, publish):
            if session.number or not publish.is_readings() or publish is not first(session):
                session.acknowledge(publish.identifier)

        def first(session):
            return next(publish for publish in session.published if publish.is_readings())

        def come_and_go(request):
            return [] if int(time.monotonic()) % 2 else [(0, modbus_answer(request, [1]))]

        brokers = {"never": ScriptedBroker(self, never), "one": ScriptedBroker(self, all_but_one)}
        unsteady = ScriptedModbus(self, come_and_go)
        config = self.config(
            links=self.links + [tcp_link("unsteady", unsteady.port, timeout="200ms")],
            machines=self.machines + [machine("u", "unsteady", [tag("a", "holding:0")],
                                              every="300ms")])
        config["uplinks"] = [{"name": name, "url": f"mqtt://127.0.0.1:{broker.port}",
                              "publish_every": "200ms"} for name, broker in brokers.items()]
        gateway = self.gateway(config)
        wait_for(lambda: all(broker.readings() for broker in brokers.values()), what="readings")
        since = time.monotonic()
        for name in brokers:
            # raised, and over at the first acknowledgement on the new connection
            gateway.wait_log(f"uplink {name}: alarm no_acknowledgement: ", 40)
            gateway.wait_log(f"uplink {name}: alarm no_acknowledgement is over", 20)
        self.assertTrue(25 < time.monotonic() - since < 45)
        for name, broker in brokers.items():
            self.assertEqual(len(broker.sessions), 2, name)
            before, after = ({seq for publish in session.published if publish.is_readings()
                              for seq in publish.seqs()} for session in broker.sessions)
            self.assertIn(min(before), after, "what was not acknowledged came again")
        wait_for(lambda: [u["connects"] for u in gateway.status()["uplinks"]] == [2, 2],
                 what="the connections' count")

    def test_acknowledgements_that_are_nobodys_are_ignored_and_counted(self):
        def confused(session, publish):
            session.acknowledge(publish.identifier + 1000)
            session.acknowledge(publish.identifier)
            session.acknowledge(publish.identifier)

        for version in ("5", "3.1.1"):
            with self.subTest(version):
                broker = ScriptedBroker(self, confused)
                gateway = self.start(broker.port, mqtt=version)
                wait_for(lambda b=broker: len(b.readings()) >= 20, 30, "twenty messages")
                uplink = wait_for(lambda g=gateway: next(
                    (u for u in g.status()["uplinks"] if u["acknowledged"] >= 15), None),
                    what="acknowledged readings")
                self.assertGreaterEqual(uplink["strays"], 30)
                self.assertEqual(len(broker.sessions), 1)
                seqs = [seq for publish in broker.readings() for seq in publish.seqs()]
                self.assertEqual(seqs, sorted(set(seqs)), "nothing twice, nothing out of order")
                self.assertRegex(self.bindery("metrics", "-c", gateway.path),
                                 r'stray_acknowledgements_total\{uplink="cloud"\} [3-9]\d')
                gateway.stop()
                os.remove(os.path.join(self.directory, "bindery.db"))

    def test_over_quota_it_backs_off_and_keeps(self):
        broker = ScriptedBroker(self, quota_then_take(4))
        gateway = self.start(broker.port)
        alarm = self.wait_alarm(gateway, "quota_exceeded")
        self.assertIn("quota", alarm["text"])
        self.wait_over(gateway, "quota_exceeded", seconds=60)
        # the same ones again and again, each time later
        attempts = [publish.at for publish in broker.readings() if 1 in publish.seqs()]
        waits = [after - before for before, after in zip(attempts, attempts[1:])]
        self.assertEqual(len(broker.sessions), 1)
        self.assertGreater(waits[-1], 2 * waits[0])
        wait_for(lambda: gateway.status()["uplinks"][0]["pending"] < 5, what="the backlog's end")
        seqs = {seq for publish in broker.readings() for seq in publish.seqs()}
        self.assertEqual(seqs, set(range(1, max(seqs) + 1)))

    def test_a_payload_that_is_refused_is_declared_lost_and_holds_up_nobody(self):
        refused = []

        def answer(session, publish):
            bad = publish.topic.endswith("/bad/readings")
            refused.extend(publish.seqs() if bad else [])
            session.acknowledge(publish.identifier, 0x99 if bad else 0)

        broker = ScriptedBroker(self, answer)
        gateway = self.start(broker.port, machines=[
            machine("bad", "l", [tag("a", "holding:1")], every="1s")])
        self.wait_alarm(gateway, "message_refused")
        gap = wait_for(lambda: next((p.json() for s in broker.sessions for p in s.published
                                     if p.topic.endswith("/gaps")), None), what="the gap")
        self.assertEqual((gap["first_seq"], gap["why"]), (refused[0], "refused by the broker"))
        last = gateway.status()["store"]["next_seq"]
        wait_for(lambda: any(min(p.seqs()) > last for p in broker.readings()
                             if p.topic.endswith("/m/readings")), what="readings after it")
        self.assertEqual(len(refused), len(set(refused)), "none of them a second time")


class OfTheGateway(AlarmCase):
    def test_a_clock_that_is_not_set_and_one_that_steps(self):
        clock = os.path.join(self.directory, "clock")

        def set_clock(synced, off_ms):
            with open(clock + ".new", "w", encoding="utf-8") as file:
                file.write(f"{int(synced)} {off_ms}\n")
            os.replace(clock + ".new", clock)

        set_clock(False, 0)
        gateway = self.start(free_port(), environment={
            "LD_PRELOAD": os.environ["FAKE_CLOCK"], "FAKE_CLOCK_FILE": clock,
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"})
        alarm = self.wait_alarm(gateway, "clock_unsynchronised", "gateway")
        self.assertFalse(alarm["synced"])
        self.assertIsNone(self.alarm(gateway, "clock_stepped", "gateway"))
        set_clock(True, 0)
        self.wait_over(gateway, "clock_unsynchronised", "gateway")
        self.assertIsNone(self.alarm(gateway, "clock_stepped", "gateway"))
        set_clock(True, -5000)
        stepped = self.wait_alarm(gateway, "clock_stepped", "gateway")
        self.assertRegex(stepped["text"], r"set back by (4\.9|5\.0|5\.1) s")

    def test_an_adapter_that_is_pulled_out_and_put_in_again(self):
        pair = PtyPair(self)
        server = ModbusServer(self, {1: Unit(holding={0: 5})}, device=pair.machine)
        line = {"name": "line", "driver": "modbus-rtu", "device": pair.gateway, "baud": 9600,
                "format": "8N1", "timeout": "200ms"}
        gateway = self.start(free_port(), [line], [
            machine("n", "line", [tag("a", "holding:0")], every="200ms")])
        self.metric(gateway, 'bindery_machine_online{machine="n"}', 1)
        self.assertIsNone(self.alarm(gateway, "device_gone", "link line"))
        pair.unplug()
        server.stop()
        alarm = self.wait_alarm(gateway, "device_gone", "link line")
        self.assertIn(pair.gateway, alarm["text"])
        pair.plug()
        server.start()
        self.wait_over(gateway, "device_gone", "link line", 45)

    def test_a_silent_machine_is_counted(self):
        gateway = self.start(free_port())
        self.metric(gateway, 'bindery_machines{state="online"}', 1)
        self.unit.silent = True
        self.metric(gateway, 'bindery_machines{state="offline"}', 1)
        self.metric(gateway, 'bindery_machine_online{machine="m"}', 0)

    def metric(self, gateway, name, value):
        wait_for(lambda: f"{name} {value}" in
                 self.bindery("metrics", "-c", gateway.path).splitlines(), 20, f"{name} {value}")

    def test_a_store_that_was_taken_away_is_told(self):
        gateway = self.start(free_port())
        self.metric(gateway, "bindery_store_writable", 1)
        for end in ("", "-wal", "-shm"):
            os.remove(os.path.join(self.directory, "bindery.db" + end))
        alarm = self.wait_alarm(gateway, "store_replaced", "store")
        self.assertIn(gateway.status()["store"]["id"], alarm["text"])

    @unittest.skipUnless(os.geteuid() == 0, "mounting wants root")
    def test_a_full_disk_until_there_is_room(self):
        disk = os.path.join(self.directory, "disk")
        os.mkdir(disk)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", disk], check=True)
        gateway = self.start(free_port(), store={"path": os.path.join(disk, "bindery.db")},
                             machines=[machine("n", "l", [tag(f"t{n}", f"holding:{n}",
                                                              heartbeat="100ms")
                                                          for n in range(1, 90)], every="100ms")])
        self.metric(gateway, "bindery_store_writable", 1)
        filler = os.path.join(disk, "filler")

        def fill():
            """All there is, and what the store lets go of its reserve."""
            try:
                with open(filler, "ab", buffering=0) as file:
                    while True:
                        file.write(b"x" * 4096)
            except OSError:
                return self.alarm(gateway, "disk_full", "store")
        wait_for(fill, 60, "the full disk's alarm")
        self.wait_alarm(gateway, "disk_full", "store")
        self.metric(gateway, "bindery_store_writable", 0)
        os.remove(filler)
        self.wait_over(gateway, "disk_full", "store")
        self.metric(gateway, "bindery_store_writable", 1)
        self.assertEqual(gateway.stop(), 0)


if __name__ == "__main__":
    unittest.main()
