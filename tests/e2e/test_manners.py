"""Devices that are alive but have bad manners, and what must not come of it."""
import socket
import struct
import threading
import time
import unittest

from harness import Mosquitto, machine, tag, tcp_link, wait_for
from peers import ScriptedModbus, modbus_answer, receive
from receiver import BrokerCase, Receiver


class ClosingModbus(ScriptedModbus):
    """Answers one request a connection, then closes it."""

    def serve(self, client):
        request = receive(client, 12)
        self.requests.append((time.monotonic(), request))
        for _, data in self.answer(request):
            client.sendall(data)
        client.shutdown(socket.SHUT_RDWR)


class HalfClosingModbus(ClosingModbus):
    """Sends the end of the connection along with the answer, and notes how long the other side
    takes to close its own."""

    def serve(self, client):
        request = receive(client, 12)
        self.requests.append((time.monotonic(), request))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        for _, data in self.answer(request):
            client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        closed = time.monotonic()
        while client.recv(1000):
            pass
        self.waited.append(time.monotonic() - closed)


class ShutModbus(ScriptedModbus):
    """Accepts connections and closes them."""

    def serve(self, client):
        client.shutdown(socket.SHUT_RDWR)


class Manners(BrokerCase):
    def test_frames_nobody_asked_for_are_thrown_away(self):
        """Also those that bear the next transaction id, the one a guess would hit."""
        def answer(request):
            late = struct.pack(">H", (int.from_bytes(request[:2], "big") + 1) & 0xFFFF)
            unasked = late + modbus_answer(request, [57005])[2:]
            return [(0, modbus_answer(request, [7])), (0.05, unasked)]

        server = ScriptedModbus(self, answer)
        self.run_gateway([tcp_link("l", server.port)],
                         [machine("m", "l", [tag("a", "holding:0", heartbeat="100ms")],
                                  every="200ms")])
        wait_for(lambda: len(self.receiver.readings("m")) > 10, what="ten readings")
        self.assertEqual({tuple(e.values.items()) for e in self.receiver.readings("m")},
                         {(("a", 7),)})

    def test_a_device_that_closes_after_each_answer_is_read_whole(self):
        count = [0]

        def answer(request):
            count[0] += 1
            return [(0, modbus_answer(request, [count[0]]))]

        server = ClosingModbus(self, answer)
        gateway = self.run_gateway(
            [tcp_link("l", server.port, gap=0)],
            [machine("m", "l", [tag("a", "holding:1"), tag("b", "holding:2000")],
                     every="300ms")])
        self.receiver.wait_reading("twenty answers", 30,
                                   where=lambda e: e.values.get("b", 0) > 20)
        self.assertEqual([e.bad for e in self.receiver.readings("m") if e.bad], [])
        self.assertIsNone(gateway.find("link l: .*next try"))

    def test_a_close_that_comes_with_the_answer_is_noticed_at_once(self):
        """Not at the next poll, which would be sent into a connection that is dead."""
        server = HalfClosingModbus(self, lambda request: [(0, modbus_answer(request, [7]))])
        server.waited = []
        self.run_gateway([tcp_link("l", server.port)],
                         [machine("m", "l", [tag("a", "holding:0", heartbeat="2s")], every="2s")])
        wait_for(lambda: len(server.waited) >= 3, 20, "three connections")
        self.assertLess(max(server.waited), 1)

    def test_a_device_that_only_accepts_and_closes_is_said_once(self):
        server = ShutModbus(self, None)
        gateway = self.run_gateway([tcp_link("l", server.port)],
                                   [machine("m", "l", [tag("a", "holding:0")], every="200ms")])
        self.receiver.wait_reading("the link's failure", where=lambda e: e.bad == {"a": "link"})
        wait_for(lambda: server.accepted >= 5, 30, "five attempts")
        told = [line for _, line in gateway.lines if "link l" in line]
        self.assertEqual(len(told), 1, told)

    def test_silent_units_do_not_cost_the_one_that_answers_its_connection(self):
        def answer(request):
            return [(0, modbus_answer(request, [1]))] if request[6] == 1 else []

        server = ScriptedModbus(self, answer)
        self.run_gateway(
            [tcp_link("l", server.port, timeout="100ms")],
            [machine(f"m{unit}", "l", [tag("a", "holding:0")], unit=unit, every="500ms")
             for unit in range(1, 9)])
        wait_for(lambda: sum(r[1][6] == 1 for r in server.requests) > 10, 30, "ten polls")
        self.assertEqual(server.accepted, 1)

    def test_values_answered_before_a_time_out_bear_the_time_of_their_answer(self):
        answered_ms = []

        def answer(request):
            if request[8:10] == b"\x00\x00":
                answered_ms.append(time.time() * 1000)
                return [(0, modbus_answer(request, [len(answered_ms)]))]
            return []

        server = ScriptedModbus(self, answer)
        self.run_gateway([tcp_link("l", server.port, gap=0, timeout="1s")],
                         [machine("m", "l", [tag("near", "holding:0"), tag("far", "holding:900")],
                                  every="1500ms")])
        reading = self.receiver.wait_reading(where=lambda e: e.bad.get("far") == "timeout")
        self.assertLess(abs(reading.content["ts"] - answered_ms[reading.values["near"] - 1]), 300)

    def test_many_links_that_hang_up_in_a_pause_do_not_hold_up_the_loop(self):
        server = ClosingModbus(self, lambda request: [(0, modbus_answer(request, [1]))])
        links = [tcp_link(f"l{n}", server.port, pause="2s", gap=0) for n in range(300)]
        gateway = self.run_gateway(
            links, [machine(f"m{n}", f"l{n}", [tag("a", "holding:0"), tag("b", "holding:900")],
                            every="1s") for n in range(300)])
        wait_for(lambda: server.accepted >= 300, 30, "every link's connection")
        started = time.monotonic()
        self.assertTrue(gateway.status()["machines"])
        self.assertLess(time.monotonic() - started, 5)
        self.assertEqual(gateway.stop(), 0)

    def test_a_backlog_drains_through_a_broker_with_a_small_window(self):
        """Debian's mosquitto takes twenty messages in flight unless it is told otherwise."""
        narrow = Mosquitto(self, lines=["max_inflight_messages 20"])
        port = narrow.port
        narrow.stop()
        count = [0]
        lock = threading.Lock()

        def answer(request):
            with lock:
                count[0] += 1
                return [(0, modbus_answer(request, [count[0] & 0xFFFF]))]

        server = ScriptedModbus(self, answer)
        self.gateway(self.config(
            port, [tcp_link(f"l{n}", server.port) for n in range(30)],
            [machine(f"m{n}", f"l{n}", [tag("a", "holding:0")], every="200ms")
             for n in range(30)]))
        wait_for(lambda: count[0] > 900, 30, "a backlog")
        narrow.start()
        receiver = Receiver(self, port, name="narrow")
        wait_for(lambda: receiver.last_seq() > 1500, 30, "live readings")
        receiver.wait_complete(1000)


if __name__ == "__main__":
    unittest.main()
