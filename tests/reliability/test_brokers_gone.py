"""Brokers that are gone: dead, deaf, half open, back again; and all their misdeeds mixed."""
import time
import unittest

from harness import wait_for
from proxy import DOWN, UP
from uplinks import SOON, UplinkCase


class Dead:
    """Ways of a broker to be dead for the whole time."""

    @staticmethod
    def closed(broker):
        broker.close()

    @staticmethod
    def silent(broker):
        broker.on_connect = lambda session: None

    @staticmethod
    def deaf(broker):
        broker.reading.clear()

    @staticmethod
    def hostile(broker):
        broker.on_connect = lambda session: session.turn_away(5, 0x87)

    @staticmethod
    def greedy(broker):
        broker.on_publish = lambda session, publish: None

    @staticmethod
    def abrupt(broker):
        broker.on_connect = lambda session: session.cut(reset=True)

    WAYS = (closed, silent, deaf, hostile, greedy, abrupt)


class Outages(UplinkCase):
    def test_a_port_closed_for_a_while(self):
        self.open()
        self.run_gateway()
        self.wait_each(lambda broker: broker.ledgers, "readings")
        since = time.monotonic()
        for broker in self.brokers:
            broker.close()
        self.wait_polls(self.random.randint(2, 25))
        self.assert_cadence(since)
        for broker in self.brokers:
            broker.listen()
        self.wait_each(lambda broker: broker.session, "a connection", 10)
        self.finish()

    def test_a_broker_that_starts_later_gets_all_from_the_beginning(self):
        self.open()
        for broker in self.brokers:
            broker.close()
        self.run_gateway()
        since = time.monotonic()
        self.wait_polls(self.random.randint(10, 30))
        self.assert_cadence(since)
        for broker in self.brokers:
            broker.listen()
        self.wait_each(lambda broker: broker.session, "a connection", 10)
        self.finish()

    def test_a_broker_that_restarts_and_has_forgotten_what_it_retained_is_told_again(self):
        self.open()
        self.run_gateway()
        self.wait_each(lambda broker: len(broker.retained) >= 5, "what is retained")
        topics = [set(broker.retained) for broker in self.brokers]
        for broker in self.brokers:
            broker.close()
            wait_for(lambda b=broker: all(session.ended for session in b.sessions), SOON)
            broker.retained.clear()
            broker.listen()
        self.wait_each(lambda broker: broker.session, "a connection", 10)
        for broker, before in zip(self.brokers, topics):
            wait_for(lambda b=broker, t=before: set(b.retained) == t, 10, "what is retained")
            self.assertTrue(broker.status()["online"])
        self.finish()

    def test_one_uplink_dead_all_the_time_is_owed_everything_and_holds_up_nothing(self):
        self.open()
        dead, alive = self.random.sample(self.brokers, 2)
        self.random.choice(Dead.WAYS)(dead)
        config = self.config_of(store={"replay_window": "0s", "durability": "always"})
        self.running = self.gateway(config)
        wait_for(lambda: alive.ledgers, SOON, "readings")
        since = time.monotonic()
        self.wait_polls(20)
        self.assert_cadence(since)
        self.assert_prompt(alive, since)
        # A gateway that starts throws away at once what nobody is owed any more.
        killed = self.random.random() < 0.5
        self.stop_gateway(killed)
        since = len(alive.sessions)
        self.running = self.gateway(config)
        wait_for(lambda: len(alive.sessions) > since and alive.session, SOON, "a connection")
        self.gateway_is_back()
        self.wait_polls(5)
        self.assertEqual(dead.ledgers, {}, "dead, and took something")
        dead.heal()
        if not dead.listening:
            dead.listen()
        dead.cut()
        self.finish(whole=not killed)

    def stop_gateway(self, killed):
        """Killed, what it had not committed by then may be gone; else what was on its way to it."""
        grace = self.commit_ms / 1000 + 0.5 if killed else 0.1
        self.excused = [(time.monotonic() - grace, None)]
        if killed:
            self.running.kill()
        else:
            self.assertEqual(self.running.stop(), 0)

    def gateway_is_back(self):
        self.excused = [(begin, time.monotonic()) for begin, _ in self.excused]

    def assert_prompt(self, broker, since):
        """Everything came as soon as it was to be published."""
        with broker.lock:
            entries_now = [entry for ledger in broker.ledgers.values()
                           for entry in ledger.readings()]
        late = [entry.message.wall_ms - entry.content["ts"] for entry in entries_now
                if entry.message.at > since]
        self.assertGreater(len(late), 5)
        self.assertLess(max(late), self.commit_ms + self.publish_ms + 1000, "ms from read to told")

    def test_the_will_says_offline_after_a_kill_and_the_truth_after_a_start(self):
        self.open()
        config = self.config_of()
        self.running = self.gateway(config)
        self.wait_each(lambda broker: broker.status() and broker.ledgers, "a status")
        for broker in self.brokers:
            self.assertTrue(broker.status()["online"])
            will = broker.session.will
            self.assertEqual((will.topic, will.qos, will.retained),
                             ("bindery/lab/gw/status", 1, True))
        store = self.new.status()["store"]
        self.wait_polls(self.random.randint(1, 10))
        killed = self.random.random() < 0.7
        self.stop_gateway(killed)
        self.wait_each(lambda broker: not broker.status()["online"], "offline")
        for broker in self.brokers:
            self.assertEqual((broker.status()["store"], broker.wills), (store, int(killed)))
        self.running = self.gateway(config)
        self.wait_each(lambda broker: broker.status()["online"], "online again")
        self.gateway_is_back()
        self.finish(whole=not killed)


class GoneAndBack(UplinkCase):
    def gone_and_back(self, times):
        """Cut, or cut and closed for a while; each broker in its own way, both at once."""
        self.open()
        self.run_gateway(idle=self.random.choice([0, 30]))
        since = time.monotonic()
        for _ in range(times):
            self.wait_polls(self.random.randint(1, 12))
            for broker in self.brokers:
                broker.cut(reset=self.random.random() < 0.5)
                if self.random.random() < 0.5:
                    broker.close()
            self.wait_polls(self.random.randint(1, 12))
            for broker in self.brokers:
                if not broker.listening:
                    broker.listen()
            self.wait_each(lambda broker: broker.session, "a connection")
        self.assert_cadence(since)
        self.finish()


class GoneAndBackTwice(GoneAndBack):
    def test_gone_and_back_with_random_timing_under_load(self):
        self.gone_and_back(2)


class GoneAndBackOften(GoneAndBack):
    seeds_most = 5  # each time it waits twice as long

    def test_gone_and_back_many_times_with_random_timing_under_load(self):
        self.gone_and_back(4)


class Patience(UplinkCase):
    """What takes as long as the gateway's own patience, which no broker can shorten."""

    seeds_most = 2
    every_ms = 200

    def noticed(self, since, low, high, words):
        """Both come again within so many seconds."""
        marks = {broker: len(broker.sessions) for broker in self.brokers}
        moments = {}

        def look():
            for broker in self.brokers:
                if broker not in moments and len(broker.sessions) > marks[broker]:
                    moments[broker] = time.monotonic() - since
            return len(moments) == 2
        wait_for(look, high + 5, "both to come again")
        for broker, seconds in moments.items():
            self.assertTrue(low <= seconds <= high, f"{broker.version}: {seconds:.1f} s")
        for name in ("old", "new"):
            self.running.wait_log(f"uplink {name}: .*{words}")
        self.assert_cadence(since)

    def test_half_open_is_noticed_within_thirty_seconds(self):
        self.open()
        self.open_proxies()
        self.run_gateway()
        self.wait_each(lambda broker: broker.ledgers, "readings")
        since = time.monotonic()
        for proxy in self.proxies:
            proxy.swallow()
        self.noticed(since, 5, 34, "")
        for proxy in self.proxies:
            self.assertGreater(proxy.passages[0].swallowed, 0)
        self.finish()

    def test_no_acknowledgement_ever_is_noticed_and_told(self):
        self.open(on_publish=lambda session, publish: session.number and session.take(publish))
        self.run_gateway()
        self.wait_each(lambda broker: broker.session, "a connection")
        self.noticed(time.monotonic(), 25, 35, "alarm no_acknowledgement")
        for broker in self.brokers:
            self.assertGreater(broker.most_in_flight, 0)
        self.finish()

    def test_messages_too_large_for_a_slow_connection_come_in_smaller_ones(self):
        """What outlasts the patience for acknowledgements would else be sent for ever."""
        def slowly(session, publish):
            if len(publish.payload) <= 20000:
                session.take(publish)

        self.every_ms = 20
        self.open(on_publish=slowly)
        for broker in self.brokers:
            broker.close()
        self.run_gateway(gather="gateway")
        self.wait_polls(250)
        backlog = {press.name: len(self.truth.fair(press.name)) for press in self.presses}
        for broker in self.brokers:
            broker.listen()
        self.wait_each(lambda broker: broker.largest > 20000, "a large message")
        self.wait_each(lambda broker: self.has_backlog(broker, backlog), "the backlog", 60)
        self.finish()

    def has_backlog(self, broker, backlog):
        """All of these machines' first answers have been acknowledged."""
        with broker.lock:
            told = {(entry.machine, entry.values.get("serial"))
                    for ledger in broker.ledgers.values() for entry in ledger.readings()}
        return all((name, serial) in told for name, count in backlog.items()
                   for serial in range(1, count + 1))

    def test_a_broker_that_stops_reading_is_noticed(self):
        self.open(receive_buffer=2048)
        self.run_gateway()
        self.wait_each(lambda broker: broker.ledgers, "readings")
        since = time.monotonic()
        for broker in self.brokers:
            broker.reading.clear()
        wait_for(lambda: all(broker.accepted > 1 for broker in self.brokers), 60,
                 "another connection")
        self.assertLess(time.monotonic() - since, 35)
        self.assert_cadence(since)
        self.finish()

    def test_a_connack_that_never_comes_is_not_waited_for_for_ever(self):
        self.open(lambda session: session.number and session.accept())
        self.run_gateway()
        self.wait_each(lambda broker: broker.sessions, "a connection")
        self.noticed(time.monotonic(), 5, 14, "no answer within")
        self.finish()

    def test_a_broker_that_accepts_and_never_reads_is_not_waited_for_for_ever(self):
        self.open()
        for broker in self.brokers:
            broker.reading.clear()
        self.run_gateway()
        since = time.monotonic()
        wait_for(lambda: all(broker.accepted > 1 for broker in self.brokers), 30,
                 "another connection")
        self.assertLess(time.monotonic() - since, 14)
        self.assert_cadence(since)
        self.finish()

    def test_a_packet_that_never_ends_is_not_waited_for_for_ever(self):
        def boast(session, publish):
            session.take(publish)
            if session.number == 0 and publish.is_readings and not session.broker.count["said"]:
                session.broker.count["said"] = 1
                session.send(b"\x30\xff\xff\xff\x7f")

        self.open(on_publish=boast)
        self.run_gateway()
        self.wait_each(lambda broker: broker.count["said"], "the packet's beginning")
        self.noticed(time.monotonic(), 5, 35, "")
        self.finish()

    def test_the_servers_keep_alive_is_obeyed(self):
        """A broker of 5 may demand a shorter one, and throws out who does not ping in time."""
        def watch(session):
            quiet = time.monotonic() - session.heard
            if session.open and quiet > 1.5 * keep_alive:
                session.broker.count["thrown out"] += 1
                session.disconnect(0x8D)
            elif session.open:
                session.later(0.1, watch, session)

        def accept(session):
            session.accept(server_keep_alive=keep_alive)
            if session.version == "5":
                session.later(0.1, watch, session)

        keep_alive = self.random.randint(1, 2)
        self.open(accept)
        self.run_gateway()
        self.wait_each(lambda broker: broker.ledgers, "readings")
        for press in self.presses:
            press.fall_silent()
        time.sleep(5 * keep_alive)  # the claim's own length
        self.assertEqual(self.new.count["thrown out"], 0)
        self.assertGreater(self.new.session.pings, 0)


class Mixture(UplinkCase):
    presses_count = 3

    def test_all_of_it_at_random(self):
        """Whatever a broker may do, in any order."""
        self.open(self.chance_at_the_door, self.chance_with_a_message)
        for broker in self.brokers:
            broker.ends = self.random.choice([1, 1, 2])
        self.open_proxies(self.chance_on_the_way)
        self.run_gateway(idle=self.random.choice([0, 0, 20]))
        since = time.monotonic()
        self.wait_each(lambda broker: broker.count["messages"] > 60 and broker.session,
                       "messages and a connection")
        self.assert_cadence(since)
        self.finish(whole=not self.new.count["for good"])

    @staticmethod
    def chance_on_the_way(passage):
        random = passage.random
        passage.delay = random.choice([0, 0, 0.02, 0.1])
        passage.dribble = random.choice([None, None, (random.randint(60, 300), 0.001)])
        if passage.number == 0 and random.random() < 0.3:
            passage.cut_at[random.choice([UP, DOWN])] = random.randrange(5000)
            passage.reset = random.random() < 0.5

    @staticmethod
    def may_end(broker):
        """Counts an end, as long as there may be one more; each makes it wait longer."""
        if broker.count["ends"] >= broker.ends:
            return False
        broker.count["ends"] += 1
        return True

    def chance_at_the_door(self, session):
        broker = session.broker
        limits = {}
        if broker.random.random() < 0.5:
            limits["receive_maximum"] = broker.random.choice([1, 2, 5, 10, 50])
        if broker.random.random() < 0.3:
            limits["maximum_packet"] = broker.random.randint(800, 5000)
        if broker.random.random() < 0.25 and self.may_end(broker):
            broker.random.choice([
                lambda: session.turn_away(3, 0x88), lambda: session.cut(True), session.cut,
                lambda: (session.send(broker.random.randbytes(9)), session.cut())])()
        else:
            session.accept(**limits)

    def chance_with_a_message(self, session, publish):
        broker = session.broker
        broker.count["messages"] += 1
        chance = broker.random.random()
        if chance < 0.5:
            session.take(publish)
        elif chance < 0.8:
            session.later(broker.random.uniform(0, 0.3), session.take, publish)
        elif chance < 0.86:
            session.puback(broker.random.randint(50000, 65535))
            session.later(0.05, session.take, publish)
        elif chance < 0.9 and publish.is_readings and broker.version == "5" \
                and broker.count["refused"] < 2:
            broker.count["refused"] += 1
            reason = broker.random.choice([0x80, 0x87, 0x97, 0x90, 0x95, 0x99])
            broker.count["for good"] += reason in (0x90, 0x95, 0x99)
            session.refuse(publish, reason)
        elif chance < 0.95 and self.may_end(broker):
            self.end(session, publish)
        else:
            session.take(publish)

    def end(self, session, publish):
        random = session.broker.random
        way = random.randrange(4)
        if way == 0:
            session.take(publish)
        elif way == 1:
            session.send(session.puback_bytes(publish.id)[:random.randrange(4)])
        elif way == 2:
            session.send(random.randbytes(random.randrange(1, 20)))
        if random.random() < 0.5:
            session.disconnect(random.choice([0x87, 0x89, 0x8B, 0x8E, 0x97, 0x98]))
        else:
            session.cut(random.random() < 0.5)


if __name__ == "__main__":
    unittest.main()
