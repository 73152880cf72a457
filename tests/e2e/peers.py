"""Machines to ask: pymodbus servers over TCP and on pseudo-terminals, scripted servers that
misbehave to order, and a TCP proxy that can be cut."""
import asyncio
import os
import socket
import struct
import threading
import time

from compat import open_serial_server, open_tcp_server
from harness import free_port, port_open, wait_for

AREAS = {1: "coil", 2: "discrete", 3: "holding", 4: "input",
         5: "coil", 6: "holding", 15: "coil", 16: "holding"}


class Unit:
    """Registers as {address: word} an area; what is not there answers exception 2.

    `on_read(unit, area, address, count)` may change values before they are served; `served` keeps
    (moment, area, address, values) of every answer."""

    def __init__(self, holding=(), input=(), coil=(), discrete=(), on_read=None):
        self.areas = {"holding": dict(holding), "input": dict(input), "coil": dict(coil),
                      "discrete": dict(discrete)}
        self.silent, self.on_read, self.served = False, on_read, []

    def set(self, area, address, *values):
        for offset, value in enumerate(values):
            self.areas[area][address + offset] = value

    def validate(self, function, address, count=1):
        words = self.areas[AREAS[int(function)]]
        return all(address + i in words for i in range(count))

    def getValues(self, function, address, count=1):
        area = AREAS[int(function)]
        if self.on_read:
            self.on_read(self, area, address, count)
        values = [self.areas[area][address + i] for i in range(count)]
        self.served.append((time.monotonic(), area, address, values))
        return values

    async def async_getValues(self, function, address, count=1):
        return self.getValues(function, address, count)

    def setValues(self, function, address, values):
        self.set(AREAS[int(function)], address, *values)

    async def async_setValues(self, function, address, values):
        self.setValues(function, address, values)

    def reset(self):
        pass


def words(data):
    """Bytes as the registers they lie in."""
    return list(struct.unpack(f">{len(data) // 2}H", data))


def counting(*addresses):
    """An on_read that counts a holding register up whenever it is read."""
    def count_up(unit, area, address, count):
        for at in addresses:
            if area == "holding" and address <= at < address + count:
                unit.areas["holding"][at] = (unit.areas["holding"][at] + 1) & 0xFFFF
    return count_up


class ModbusServer:
    """pymodbus in a thread of its own: over TCP, or on a serial device (there in RTU frames)."""

    def __init__(self, test, units, host="127.0.0.1", port=None, device=None, baud=9600,
                 framing=None):
        self.framing = framing or ("rtu" if device else "tcp")
        self.units, self.host, self.device = units, host, device
        self.port = port or (None if device else free_port(host))
        self.baud = baud
        self.connections, self._transports = 0, []
        self._loop = self._thread = self._server = None
        test.addCleanup(self.stop)
        self.start()

    def start(self):
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        if not ready.wait(10):
            raise AssertionError("pymodbus did not start")
        if self.device is None:
            wait_for(lambda: port_open(self.port, self.host), what="pymodbus")
            wait_for(lambda: self.connections > 0, what="our own connection")
        self.connections = 0

    def _run(self, ready):
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._open())
        self._loop.call_soon(ready.set)
        self._loop.run_forever()
        self._loop.run_until_complete(self._close())
        self._loop.close()

    async def _open(self):
        if self.device:
            self._server = await open_serial_server(self.units, self.device, self.baud,
                                                    self.framing)
        else:
            self._server = await open_tcp_server(self.units, self.host, self.port,
                                                 self._connection, self.framing)

    def _connection(self, transport):
        self.connections += 1
        self._transports.append(transport)

    async def _close(self):
        for transport in filter(None, self._transports):
            transport.abort()
        self._transports.clear()
        await asyncio.wait([asyncio.ensure_future(self._server.shutdown())], timeout=2)
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    def stop(self):
        if self._thread and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)


class TcpServer:
    """Accepts on loopback and gives each connection to serve(socket) in a thread of its own."""

    def __init__(self, test, port=None):
        self.port, self.accepted = port or free_port(), 0
        self._sockets, self._listener = [], None
        test.addCleanup(self.close)
        self.listen()

    def listen(self):
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.accepted += 1
            self._sockets.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            self.serve(client)
        except OSError:
            pass
        finally:
            client.close()

    def serve(self, client):
        raise NotImplementedError

    def close(self):
        """No more connections, and none of the old ones."""
        if self._listener:
            # shutdown wakes the thread in accept, which close alone would not
            try:
                self._listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self._listener.close()
        for client in self._sockets:
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._sockets.clear()


def receive(client, length):
    data = b""
    while len(data) < length:
        more = client.recv(length - len(data))
        if not more:
            raise OSError("closed")
        data += more
    return data


class ScriptedModbus(TcpServer):
    """answer(request) gives [(seconds to wait, bytes)…] for a Modbus TCP request."""

    def __init__(self, test, answer):
        self.answer, self.requests = answer, []
        super().__init__(test)

    def serve(self, client):
        while True:
            header = receive(client, 7)
            request = header + receive(client, int.from_bytes(header[4:6], "big") - 1)
            self.requests.append((time.monotonic(), request))
            for delay, data in self.answer(request):
                if delay:
                    threading.Timer(delay, send_quietly, (client, data)).start()
                else:
                    client.sendall(data)


def send_quietly(client, data):
    try:
        client.sendall(data)
    except OSError:
        pass


def modbus_answer(request, registers):
    """The answer to a request that reads registers."""
    body = bytes([request[6], request[7], 2 * len(registers)]) + \
        struct.pack(f">{len(registers)}H", *registers)
    return request[:4] + struct.pack(">H", len(body)) + body


class Proxy(TcpServer):
    """Passes loopback connections on, and counts them; close cuts, listen opens again."""

    def __init__(self, test, target):
        self.target = target
        super().__init__(test)

    def serve(self, client):
        with socket.create_connection(("127.0.0.1", self.target)) as server:
            self._sockets.append(server)
            back = threading.Thread(target=pump, args=(server, client), daemon=True)
            back.start()
            pump(client, server)
            back.join()


def pump(source, sink):
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            sink.sendall(data)
    except OSError:
        pass
    finally:
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class PtyPair:
    """Two pseudo-terminals joined by socat: the gateway's side and the machine's."""

    def __init__(self, test, name="line"):
        self.test = test
        self.gateway = os.path.join(test.directory, f"{name}-gateway")
        self.machine = os.path.join(test.directory, f"{name}-machine")
        self.process = None
        self.plug()

    def plug(self):
        self.process = self.test.run_process(
            ["socat", f"pty,raw,echo=0,link={self.gateway}",
             f"pty,raw,echo=0,link={self.machine}"], "socat")
        wait_for(lambda: os.path.exists(self.gateway) and os.path.exists(self.machine),
                 what="socat's pseudo-terminals")

    def unplug(self):
        self.process.stop()

    def say(self, data):
        """To the gateway, whatever the machine does."""
        end = os.open(self.machine, os.O_WRONLY | os.O_NOCTTY)
        os.write(end, data)
        os.close(end)
