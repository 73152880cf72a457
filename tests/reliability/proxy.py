"""A TCP proxy that does harm to order: it delays, dribbles, cuts at any byte, and lets connections
stand that are dead. It never changes a byte, nor the order of them."""
import random
import socket
import struct
import threading
import time

from peers import Proxy

UP, DOWN = "up", "down"  # from the gateway, to the gateway


class Passage:
    """One connection through the proxy, and what becomes of it. `cut_at`: {way: how many bytes may
    pass before it is cut}; `dribble`: (bytes, seconds)."""

    def __init__(self, number, client, server, seed):
        self.number, self.client, self.server = number, client, server
        self.random = random.Random(f"{seed}/{number}")
        self.passed = {UP: 0, DOWN: 0}
        self.cut_at, self.reset, self.was_cut = {}, False, False
        self.delay, self.dribble, self.swallowing, self.swallowed = 0, None, False, 0
        self._lock = threading.Lock()

    def cut(self):
        """Both ends, at once."""
        with self._lock:
            self.was_cut = True
            for end in (self.client, self.server):
                try:
                    if self.reset:
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                       struct.pack("ii", 1, 0))
                        end.shutdown(socket.SHUT_RD)
                    else:
                        end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def _pieces(self, data):
        """What is sent in one go, each after a pause; healed at any moment."""
        while data:
            size, pause = self.dribble or (len(data), self.delay)
            if pause:
                time.sleep(pause)
            yield data[:size]
            data = data[size:]

    def heal(self):
        self.delay, self.dribble = 0, None
        self.cut_at.clear()

    def carry(self, way, data, sink):
        """Passes it on as far as it may go; False when that was the end."""
        for piece in self._pieces(data):
            if self.swallowing:
                self.swallowed += len(piece)
                continue
            most = self.cut_at.get(way)
            if most is not None:
                piece = piece[:max(0, most - self.passed[way])]
            sink.sendall(piece)
            self.passed[way] += len(piece)
            if most is not None and self.passed[way] >= most:
                self.cut()
                return False
        return True


class FaultyProxy(Proxy):
    """on_passage(passage) decides what becomes of each new connection."""

    def __init__(self, test, target, seed, on_passage=lambda passage: None):
        self.seed, self.on_passage, self.passages = seed, on_passage, []
        super().__init__(test, target)

    def serve(self, client):
        with socket.create_connection(("127.0.0.1", self.target)) as server:
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets.append(server)
            passage = Passage(len(self.passages), client, server, self.seed)
            self.on_passage(passage)
            self.passages.append(passage)
            back = threading.Thread(target=self._pump, args=(passage, DOWN, server, client),
                                    daemon=True)
            back.start()
            self._pump(passage, UP, client, server)
            back.join()

    @staticmethod
    def _pump(passage, way, source, sink):
        try:
            while True:
                data = source.recv(65536)
                if not data or not passage.carry(way, data, sink):
                    break
        except OSError:
            pass
        if not passage.swallowing and not passage.was_cut:
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def swallow(self):
        """From here on nothing passes on the connections that stand, and nobody is told."""
        for passage in self.passages:
            passage.swallowing = True
