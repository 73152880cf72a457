"""Brokers that misbehave: slow, deaf, forgetful, rude, gone. Nothing is lost and nothing is
changed, the machines are asked as ever, and the other uplink takes no notice."""
import struct
import time
import unittest

from broker import (CONNACK, DISCONNECT, PINGRESP, PUBACK, PUBLISH, PUBREC, PUBREL, SUBACK,
                    pack_length, pack_properties, pack_text, packet)
from harness import wait_for
from proxy import DOWN, UP
from uplinks import SOON, WINDOW, UplinkCase

QUIET = 0.5  # seconds without readings that only a gateway that holds back can cause
FIRST_PAUSE = 0.7  # what a first pause lasts at least: a second less a quarter, and a little less


def entries(publish):
    """(store, seq) of all that a message tells."""
    return [(store, entry.seq) for store, entry in publish.entries]


class Slow(UplinkCase):
    def test_late_acknowledgements_bound_what_is_in_flight_and_delay_no_poll(self):
        def late(session, publish):
            session.broker.count["late"] += 1
            session.later(session.broker.random.uniform(0.2, 0.6), session.take, publish)

        self.open(on_publish=late)
        self.run_gateway(idle=70)
        since = time.monotonic()
        self.wait_each(lambda broker: broker.count["late"] > 160, "late acknowledgements")
        self.assert_cadence(since)
        for broker in self.brokers:
            self.assertGreater(broker.most_in_flight, WINDOW / 2)
            self.assertLessEqual(broker.most_in_flight, WINDOW)
        self.finish()

    def test_a_broker_that_reads_slowly_delays_no_poll(self):
        self.open(receive_buffer=2048)
        for broker in self.brokers:
            broker.sip = self.random.randint(100, 400), self.random.uniform(0.005, 0.02)
        self.run_gateway(idle=self.random.randint(10, 60))
        since = time.monotonic()
        self.wait_polls(15)
        self.assert_cadence(since)
        for broker in self.brokers:
            self.assertGreater(broker.count["sips"], 20)
            self.assertLessEqual(broker.most_in_flight, WINDOW)
        self.finish()

    def test_a_connection_of_drops_and_delays_is_a_connection(self):
        def drip(passage):
            random = passage.random
            passage.dribble = random.choice([None, (random.randint(1, 9), 0),
                                             (random.randint(60, 300), random.uniform(0, 0.002))])
            passage.delay = random.uniform(0.05, 0.3)

        self.open()
        self.open_proxies(drip)
        self.run_gateway()
        since = time.monotonic()
        self.wait_each(lambda broker: len(broker.seen), "readings")
        self.wait_polls(15)
        self.assert_cadence(since)
        self.finish()
        self.assertEqual([len(proxy.passages) for proxy in self.proxies], [1, 1])


class Cuts(UplinkCase):
    def test_cut_anywhere_in_an_acknowledgement_it_comes_again_the_same(self):
        torn = {}

        def tear(session, publish):
            broker = session.broker
            if not publish.is_readings or broker.count["cuts"] == cuts \
                    or broker.random.random() < 0.7:
                session.take(publish)
                return
            broker.count["cuts"] += 1
            torn.setdefault(broker, []).append(publish)
            long = {"reason_text": "taken"} if broker.random.random() < 0.5 else {}
            data = session.puback_bytes(publish.id, **long)
            session.send(data[:broker.random.randrange(len(data))])
            session.cut(reset=broker.random.random() < 0.5)

        cuts = self.random.choice([1, 1, 1, 2])
        self.open(on_publish=tear)
        self.run_gateway()
        since = time.monotonic()
        self.wait_each(lambda broker: broker.count["cuts"] == cuts, "the cuts")
        self.wait_each(lambda broker: len(broker.sessions) == cuts + 1, "a new connection", 10)
        self.assert_cadence(since)
        self.finish()
        for broker, publishes in torn.items():
            for store, seq in [pair for publish in publishes for pair in entries(publish)]:
                self.assertGreaterEqual(broker.seen[store].order.count(seq), 2, f"number {seq}")

    def test_cut_at_any_byte_either_way(self):
        def plan(passage):
            if passage.number == 0:
                way = passage.random.choice([UP, UP, DOWN])
                passage.cut_at[way] = passage.random.randrange(5000 if way is UP else 100)
                passage.reset = passage.random.random() < 0.5

        self.open()
        self.open_proxies(plan)
        self.run_gateway()
        for proxy in self.proxies:
            wait_for(lambda p=proxy: p.passages and p.passages[0].was_cut, SOON, "the cut")
            wait_for(lambda p=proxy: len(p.passages) > 1, 10, "a new connection")
        self.finish()


class Acknowledgements(UplinkCase):
    presses_count = 4

    def test_wrong_unknown_and_repeated_ids_acknowledge_nothing_and_are_counted(self):
        def confuse(session, publish):
            broker = session.broker
            broker.count["confused"] += 1
            unknown = (publish.id + broker.random.randrange(2000, 60000)) % 65535 + 1
            done = [old.id for old in session.publishes if old.taken]
            kind = broker.random.choice(["unknown", "nought", "repeated", "twice"])
            if kind == "repeated" and done:
                session.puback(broker.random.choice(done))
            else:
                session.puback(0 if kind == "nought" else unknown)
            if publish.is_readings and broker.count["kept"] == 0:
                # the one that only a wrong id has answered
                broker.count["kept"] = 1
                broker.owed = publish
                session.later(broker.random.uniform(0.1, 0.5), session.cut)
            else:
                session.take(publish)
                if kind == "twice":
                    session.puback(publish.id)

        self.open(on_publish=confuse)
        self.run_gateway()
        self.wait_each(lambda broker: len(broker.sessions) == 2, "the cut and a new connection")
        self.wait_each(lambda broker: broker.count["confused"] > 20, "confusion")
        wait_for(lambda: all(uplink["strays"] > 0 for uplink in self.running.status()["uplinks"]),
                 SOON, "their count")
        self.finish()
        for broker in self.brokers:
            for store, seq in entries(broker.owed):
                self.assertGreaterEqual(broker.seen[store].order.count(seq), 2, f"number {seq}")

    def test_an_answer_of_quality_two_acknowledges_nothing(self):
        """PUBREC and PUBREL with the very id of a message in flight. (PUBCOMP, SUBACK and UNSUBACK
        the gateway's library takes for a PUBACK.)"""
        def answer(session, publish):
            broker = session.broker
            if not publish.is_readings or broker.count["kept"]:
                session.take(publish)
                return
            broker.count["kept"] = 1
            broker.owed = publish
            kind, flags = broker.random.choice([(PUBREC, 0), (PUBREL, 2)])
            session.send(packet(kind, struct.pack(">H", publish.id), flags))
            session.later(broker.random.uniform(0.1, 0.4), session.cut)

        self.open(on_publish=answer)
        self.run_gateway()
        self.wait_each(lambda broker: broker.count["kept"] and broker.session, "a new connection")
        self.finish()
        for broker in self.brokers:
            for store, seq in entries(broker.owed):
                self.assertGreaterEqual(broker.seen[store].order.count(seq), 2, f"number {seq}")

    def test_out_of_order_each_acknowledges_its_own_message_alone(self):
        """All but one of some messages in flight are acknowledged, in any order, and then it ends:
        the one comes again."""
        def gather(session, publish):
            broker = session.broker
            if not publish.is_readings or broker.count["rounds"]:
                session.take(publish)
                return
            held = [one for one in session.in_flight.values() if one.is_readings]
            if len(held) < most:
                session.later(0.15, let_go, session, publish)
                return
            broker.count["rounds"] = 1
            broker.random.shuffle(held)
            broker.owed = held.pop()
            for one in held:
                session.take(one)
            session.later(broker.random.uniform(0.02, 0.3), session.cut)

        def let_go(session, publish):
            """Nothing more comes as long as these are held."""
            if session.broker.count["rounds"] == 0:
                session.take(publish)

        most = self.random.randint(2, self.presses_count)
        self.open(on_publish=gather)
        self.run_gateway(gather="machine")
        self.wait_each(lambda broker: broker.count["rounds"], f"{most} in flight")
        self.finish()
        for broker in self.brokers:
            for store, seq in entries(broker.owed):
                self.assertGreaterEqual(broker.seen[store].order.count(seq), 2, f"number {seq}")


class Limits(UplinkCase):
    def test_receive_maximum_is_obeyed(self):
        """3.1.1 has no such word; there the gateway's own window is the bound."""
        def late(session, publish):
            session.later(session.broker.random.uniform(0.005, 0.04), session.take, publish)

        most = self.random.choice([1, 2, 3, 4, self.random.randint(5, 20)])
        self.open(lambda session: session.accept(receive_maximum=most), late)
        self.run_gateway(idle=15)
        since = time.monotonic()
        self.wait_each(lambda broker: len(broker.session.publishes if broker.session else ()) > 40,
                       "messages")
        self.assert_cadence(since)
        self.assertLessEqual(self.new.most_in_flight, most)
        self.assertLessEqual(self.old.most_in_flight, WINDOW)
        if most < 5:  # else not so many may be waiting at once
            self.assertGreater(self.old.most_in_flight, self.new.most_in_flight)
        self.finish()

    def test_maximum_packet_size_splits_messages_and_costs_no_reading(self):
        """A backlog makes messages that are far larger than the packets that the broker takes."""
        def small(session):
            if session.number == 0:
                session.turn_away(3, 0x88)
            else:
                session.accept(maximum_packet=most)

        most = self.random.randint(700, 2000)
        self.open(small)
        self.run_gateway()
        self.wait_each(lambda broker: broker.largest > 400 and len(broker.seen), "readings")
        self.wait_polls(5)
        self.finish()
        self.assertLessEqual(self.new.largest, most)
        self.assertGreater(self.old.largest, self.new.largest)

    def test_a_reading_larger_than_any_packet_is_given_up_and_the_rest_goes_on(self):
        """As of 3.1.1, which has no such word, nothing is given up."""
        self.open(lambda session: session.accept(maximum_packet=most))
        most = self.random.randint(240, 270)  # a gap can just be told, a reading can't
        self.run_gateway(gather="machine")
        self.wait_each(lambda broker: any(ledger.gaps() for ledger in broker.seen.values()), "gaps")
        for broker in self.brokers:
            broker.heal()
        self.new.cut()
        self.finish(whole=False)
        self.assertLessEqual(self.new.sessions[0].largest, most)
        self.assertEqual({gap.content["why"] for ledger in self.new.ledgers.values()
                          for gap in ledger.gaps()}, {"refused by the broker"})


class Refusals(UplinkCase):
    def refuse_until_quiet(self, reason, alarm):
        """Refuses readings until there were none for a while, and then takes them."""
        def refuse(session, publish):
            broker, now = session.broker, time.monotonic()
            if not publish.is_readings or broker.count["quiet"]:
                session.take(publish)
                return
            if broker.count["refused"] and now - broker.refused_at >= QUIET:
                broker.count["quiet"], broker.pause = 1, now - broker.refused_at
                session.take(publish)
                return
            broker.count["refused"] += 1
            broker.refused_at = now
            session.refuse(publish, reason)

        self.open(on_publish=refuse)
        self.run_gateway()
        since = time.monotonic()
        self.wait_each(lambda broker: broker.count["quiet"], "readings after a pause")
        self.assert_cadence(since)
        for broker in self.brokers:
            self.assertGreater(broker.pause, FIRST_PAUSE)
            self.assertLess(broker.count["refused"], 30)
        self.running.wait_log(f"uplink new: alarm {alarm}: .*0x{reason:02X}.* kept")
        self.running.wait_log(f"uplink new: alarm {alarm} is over")
        self.finish()
        self.assertEqual(len(self.new.sessions), 1, "it stays connected")

    def test_over_quota_it_holds_back_and_keeps(self):
        self.refuse_until_quiet(0x97, "quota_exceeded")

    def test_not_authorised_to_publish_it_keeps_and_tries_again(self):
        self.refuse_until_quiet(0x87, "not_authorised")

    def test_refused_for_whatever_may_pass_it_keeps_and_tries_again(self):
        self.refuse_until_quiet(self.random.choice([0x80, 0x83, 0x91, 0x93, 0x96]),
                                "publish_refused")

    def refuse_for_good(self):
        """The broker refuses all that holds certain numbers, as often as it comes; of 3.1.1 it
        hangs up, once, and nothing is given up. How many messages it refused."""
        reason = self.random.choice([0x90, 0x95, 0x99])
        turns = sorted(self.random.sample(range(1, 12), self.random.choice([1, 2])))

        def refuse(session, publish):
            broker = session.broker
            if not publish.is_readings:
                session.take(publish)
                return
            broker.count["turn"] += 1
            again = broker.version == "5" and broker.refused.intersection(entries(publish))
            if again or broker.count["turn"] in turns[:1 if broker.version != "5" else 2]:
                broker.count["refused"] += 1
                broker.refused.update(entries(publish))
                session.refuse(publish, reason)
            else:
                session.take(publish)

        self.open(on_publish=refuse)
        for broker in self.brokers:
            broker.refused = set()
        self.run_gateway()
        since = time.monotonic()
        self.wait_each(lambda broker: broker.count["turn"] > turns[-1] + 2, "the queue goes on")
        self.wait_each(lambda broker: any(ledger.gaps() for ledger in broker.ledgers.values()),
                       "the gap")
        self.assert_cadence(since)
        self.finish(whole=False)
        return len(turns)

    def test_a_message_refused_for_good_is_given_up_declared_and_the_rest_goes_on(self):
        refused = self.refuse_for_good()
        self.assertEqual(self.new.count["refused"], refused)
        self.assertEqual(len(self.new.sessions), 1, "it stays connected")
        self.running.wait_log("uplink new: alarm message_refused")
        (store, ledger), = self.new.ledgers.items()
        declared = set()
        for gap in [gap.content for gap in ledger.gaps()]:
            seqs = range(gap["first_seq"], gap["last_seq"] + 1)
            declared.update((store, seq) for seq in seqs)
            self.assertEqual((gap["missing"], gap["why"]), (len(seqs), "refused by the broker"))
        self.assertEqual(declared, self.new.refused)
        kept = {(store, seq) for seq in self.old.ledgers[store].entries}
        self.assertFalse(self.old.refused - kept, "3.1.1 gave up")

    def test_the_gap_of_a_refused_message_says_from_when_to_when(self):
        self.refuse_for_good()
        for store, ledger in self.new.ledgers.items():
            times = {entry.seq: entry.content["ts"] for entry in self.new.seen[store].readings()}
            for gap in [gap.content for gap in ledger.gaps()]:
                for seq in range(gap["first_seq"], gap["last_seq"] + 1):
                    self.assertTrue(gap["from_ts"] <= times[seq] <= gap["to_ts"],
                                    f"number {seq}, read at {times[seq]}, is not in {gap}")


class Doors(UplinkCase):
    def turned_away(self, codes, reasons, words=None):
        """At the CONNACK, once or twice."""
        def turn_away(session):
            if session.number < times:
                session.broker.count["turned away"] += 1
                session.turn_away(old_code, reason)
            else:
                session.accept()

        times = self.random.choice([1, 1, 1, 2])
        old_code, reason = self.random.choice(codes), self.random.choice(reasons)
        self.open(turn_away)
        self.run_gateway()
        since = time.monotonic()
        self.wait_each(lambda broker: broker.session, "a connection")
        self.assert_cadence(since)
        for broker in self.brokers:
            self.assertEqual(broker.count["turned away"], times)
            self.assertGreater(broker.sessions[1].begun - broker.sessions[0].ended, FIRST_PAUSE)
        self.assert_told("uplink old: ", words)
        self.assert_told("uplink new: ", words)
        self.finish()

    def assert_told(self, uplink, words):
        """It is in the log, why and when it is tried again."""
        self.running.wait_log(f"{uplink}.*{words or ''}.*next try in")

    def thrown_out(self, reasons, words=None, **properties):
        """In the middle of it, with or without its message acknowledged."""
        def throw_out(session, publish):
            broker = session.broker
            broker.count["publishes"] += 1
            taken = broker.random.random() < 0.5
            if taken or broker.count["publishes"] != turn:
                session.take(publish)
            if broker.count["publishes"] == turn:
                session.disconnect(reason, **properties)

        turn, reason = self.random.randint(1, 30), self.random.choice(reasons)
        self.open(on_publish=throw_out)
        self.run_gateway()
        since = time.monotonic()
        self.wait_each(lambda broker: len(broker.sessions) == 2 and broker.session, "a new session")
        self.assert_cadence(since)
        for broker in self.brokers:
            self.assertGreater(broker.sessions[1].begun - broker.sessions[0].ended, FIRST_PAUSE)
        self.assert_told("uplink new: ", words)
        self.assert_told("uplink old: ", "connection lost")
        self.finish()

    def test_not_authorised_at_the_door_it_keeps_and_comes_back(self):
        self.turned_away([5], [0x87], "not authorized")
        for name in ("old", "new"):
            self.running.wait_log(f"uplink {name}: alarm login_refused: .*not authorized")
            self.running.wait_log(f"uplink {name}: alarm login_refused is over")

    def test_turned_away_for_any_reason_it_keeps_and_comes_back(self):
        self.turned_away([1, 2, 3, 4, 5], [0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x88, 0x8A,
                                           0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9F])

    def test_busy_or_elsewhere_at_the_door_it_keeps_and_comes_back(self):
        self.turned_away([3], [0x88, 0x89, 0x9C, 0x9D])

    def test_not_authorised_any_more_it_keeps_and_comes_back(self):
        self.thrown_out([0x87], "not authorized")
        self.running.wait_log("uplink new: alarm not_authorised")

    def test_busy_elsewhere_or_shutting_down_it_keeps_and_comes_back(self):
        self.thrown_out([0x89, 0x8B, 0x9C, 0x9D], server_reference="elsewhere:1883")

    def test_thrown_out_for_any_reason_it_keeps_and_comes_back(self):
        self.thrown_out([0x00, 0x80, 0x81, 0x82, 0x83, 0x8D, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97,
                         0x98, 0x99, 0x9A, 0x9B, 0x9E, 0xA0], reason_text="for a reason")

    def test_taken_over_it_says_that_there_is_another(self):
        self.thrown_out([0x8E], "another client took over")
        self.running.wait_log("uplink new: alarm duplicate_client")


class Pauses(UplinkCase):
    seeds_most = 8

    def test_taken_over_again_and_again_it_waits_longer_each_time_and_never_in_step(self):
        def take_over(session, publish):
            session.take(publish)
            if session.number < 3:
                session.disconnect(0x8E)

        self.open(on_publish=take_over)
        self.run_gateway()
        since = time.monotonic()
        self.wait_each(lambda broker: len(broker.sessions) > 3 and broker.session, "4 sessions")
        self.assert_cadence(since)
        stretch = []
        for broker in self.brokers:
            for i, (one, other) in enumerate(zip(broker.sessions[:3], broker.sessions[1:4])):
                pause = other.begun - one.ended
                stretch.append(pause / 2 ** i)
                self.assertGreater(pause, 2 ** i * 0.75 - 0.05, f"pause {i}")
                self.assertLess(pause, 2 ** i * 1.25 + 1, f"pause {i}")
        self.assertGreater(max(stretch) - min(stretch), 0.06, "all pauses alike")
        for name in ("old", "new"):
            self.running.wait_log(f"uplink {name}: alarm duplicate_client: .*client id")
        self.finish()


class Garbage(UplinkCase):
    def noise(self, session):
        return session.broker.random.randbytes(session.broker.random.randint(1, 60))

    def test_garbage_in_place_of_the_connack(self):
        def babble(session):
            broker = session.broker
            if session.number >= times:
                session.accept()
                return
            broker.count["garbage"] += 1
            session.accepted = True  # some of it may be believed, and that is no fault
            session.send(broker.random.choice([
                self.noise(session), packet(CONNACK), packet(CONNACK, b"\0"),
                packet(CONNACK, b"\0\0\5\x21\0"), packet(CONNACK, b"\0\0" + b"\xff" * 9),
                packet(PINGRESP), packet(PUBACK, b"\0\1"), packet(SUBACK, b"\0\1\0"),
                packet(PUBLISH, pack_text("a") + b"\0b"), b"\x20\xff\xff\xff\xff\x01",
                b"\x20\xff\xff\xff\x7f\0\0", b"HTTP/1.1 400 Bad Request\r\n\r\n",
                b"SSH-2.0-OpenSSH_9.2\r\n"]))
            session.later(broker.random.uniform(0, 0.3), session.cut, broker.random.random() < 0.5)

        times = self.random.choice([1, 1, 1, 2])
        self.open(babble)
        self.run_gateway()
        since = time.monotonic()
        self.wait_each(lambda broker: len(broker.sessions) > times and broker.session,
                       "a connection")
        self.assert_cadence(since)
        self.finish()

    def disturb(self, say, survives=False):
        """say(session, publish) says something in the middle, once or more. What the gateway makes
        of it is its own affair, as long as nothing is lost; what it does not close is closed for
        it after a while, since its patience would be too long for a test."""
        def speak(session, publish):
            broker = session.broker
            broker.count["publishes"] += 1
            if broker.count["publishes"] == turn:
                broker.count["said"] += 1
                say(session, publish)
                if not survives:
                    session.later(broker.random.uniform(0, 0.5), session.cut)
            session.take(publish)

        turn = self.random.randint(1, 25)
        self.open(on_publish=speak)
        self.run_gateway()
        since = time.monotonic()
        if not survives:
            self.wait_each(lambda broker: len(broker.sessions) > 1 and broker.session, "a session")
        self.wait_each(lambda broker: broker.count["publishes"] > turn + 5, "messages after it")
        self.assert_cadence(since)
        self.finish()

    def test_garbage_in_the_middle(self):
        self.disturb(lambda session, publish: session.send(self.noise(session)))

    def test_a_damaged_packet_in_the_middle(self):
        def damage(session, publish):
            random = session.broker.random
            unknown = (publish.id + 30000) % 65535 + 1
            data = bytearray(random.choice([
                session.puback_bytes(unknown), packet(PINGRESP), packet(CONNACK, b"\0\0\0"),
                session.puback_bytes(unknown, reason_text="fine"),
                packet(DISCONNECT, b"\x8b" + pack_properties({"reason_text": "bye"})),
                packet(PUBLISH, pack_text("bindery/x") + b"\0\1" + b"\0y", 2)]))
            for _ in range(random.randint(1, 3)):
                data[random.randrange(1, len(data))] = random.randrange(256)
            session.send(bytes(data))
        self.disturb(damage)

    def test_a_packet_said_to_be_larger_than_memory(self):
        def boast(session, publish):
            length = session.broker.random.choice([b"\xff\xff\xff\x7f", b"\xff\xff\xff\x0f",
                                                   pack_length(1 << 27)])
            kind = session.broker.random.choice([PUBLISH, PUBACK, SUBACK, CONNACK, DISCONNECT])
            session.send(bytes([kind << 4]) + length + self.noise(session))
        self.disturb(boast)
        with open(f"/proc/{self.running.pid}/status", encoding="ascii") as file:
            resident = next(line for line in file if line.startswith("VmRSS")).split()[1]
        self.assertLess(int(resident), 256 * 1024, "kB resident")

    def test_what_it_never_asked_for_is_not_taken_for_anything(self):
        """Messages, answers to subscriptions, answers to pings: the connection goes on."""
        def talk(session, publish):
            random = session.broker.random
            blank = b"\0" if session.version == "5" else b""
            unasked = struct.pack(">H", random.randint(60000, 65535))
            for _ in range(random.randint(1, 4)):
                topic = pack_text(random.choice(["bindery/lab/gw/press-0/command", "x", "x/y"]))
                payload = random.randbytes(random.randrange(200))
                session.send(random.choice([
                    packet(PUBLISH, topic + blank + payload),
                    packet(PUBLISH, topic + blank + payload, 1),
                    packet(PUBLISH, topic + unasked + blank + payload, 2),
                    packet(SUBACK, unasked + blank + bytes([random.choice([0, 1, 0x80])])),
                    packet(PINGRESP)]))
        self.disturb(talk, survives=True)
        for broker in self.brokers:
            self.assertEqual(len(broker.sessions), 1, "the connection did not go on")

    def test_a_refused_subscription_costs_nothing(self):
        """Whatever it asks to be told of is refused, and refused again unasked."""
        def refuse(session, publish):
            blank = b"\0" if session.version == "5" else b""
            unasked = struct.pack(">H", publish.id + 30000)
            session.send(packet(SUBACK, unasked + blank + b"\x80"))
        self.disturb(refuse, survives=True)


if __name__ == "__main__":
    unittest.main()
