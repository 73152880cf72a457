"""What differs between Debian 12's and Debian 13's pymodbus (3.0, 3.8) and paho-mqtt (1.6, 2.1)."""
import asyncio
import logging

import paho.mqtt.client as mqtt
from pymodbus.datastore import ModbusServerContext
from pymodbus.device import ModbusControlBlock
from pymodbus.exceptions import NoSuchSlaveException

try:
    from pymodbus.framer import FramerType
    from pymodbus.server import ModbusSerialServer, ModbusTcpServer
    OLD_PYMODBUS = False
except ImportError:
    from pymodbus.server.async_io import (ModbusConnectedRequestHandler, ModbusSerialServer,
                                          ModbusTcpServer)
    from pymodbus.transaction import ModbusAsciiFramer, ModbusRtuFramer, ModbusSocketFramer
    OLD_PYMODBUS = True

# A client that goes is an error to it.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)


def mqtt_client(client_id, protocol, on_connect, on_disconnect, on_message, **options):
    """A paho client; on_connect(ok), on_disconnect(), on_message(message)."""
    version = {"5": mqtt.MQTTv5, "3.1.1": mqtt.MQTTv311}[protocol]
    if protocol != "5":
        options["clean_session"] = options.pop("clean", True)
    else:
        options.pop("clean", None)
    if hasattr(mqtt, "CallbackAPIVersion"):
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id, protocol=version,
                             **options)
        client.on_connect = lambda c, u, flags, reason, p=None: on_connect(not reason.is_failure)
        client.on_disconnect = lambda *_: on_disconnect()
    else:
        client = mqtt.Client(client_id, protocol=version, **options)
        client.on_connect = lambda c, u, flags, reason, p=None: on_connect(reason == 0)
        client.on_disconnect = lambda *_: on_disconnect()
    client.on_message = lambda c, u, message: on_message(message)
    return client


class Units(ModbusServerContext):
    """The units behind a server: {number: unit}; a silent one takes the request and says nothing.

    The server must be told to ignore missing slaves."""

    def __init__(self, units):
        super().__init__(slaves=dict(units), single=False)

    def __getitem__(self, number):
        unit = super().__getitem__(number)
        if unit.silent:
            raise NoSuchSlaveException("silent")
        return unit


def framer(name):
    """Of "tcp", "rtu" or "ascii"."""
    if OLD_PYMODBUS:
        return {"tcp": ModbusSocketFramer, "rtu": ModbusRtuFramer, "ascii": ModbusAsciiFramer}[name]
    return {"tcp": FramerType.SOCKET, "rtu": FramerType.RTU, "ascii": FramerType.ASCII}[name]


async def open_tcp_server(units, host, port, on_connection, framing):
    """A listening server; on_connection(transport) is called for each client."""
    if not OLD_PYMODBUS:
        class Server(ModbusTcpServer):
            def callback_new_connection(self):
                on_connection(None)
                return super().callback_new_connection()

        server = Server(Units(units), framer=framer(framing), address=(host, port),
                        ignore_missing_slaves=True)
        asyncio.ensure_future(server.serve_forever())
        return server

    class Handler(ModbusConnectedRequestHandler):
        def connection_made(self, transport):
            on_connection(transport)
            super().connection_made(transport)

    server = ModbusTcpServer(Units(units), framer(framing), None, (host, port),
                             handler=Handler, allow_reuse_address=True,
                             ignore_missing_slaves=True)
    asyncio.ensure_future(server.serve_forever())
    await server.serving
    return server


async def open_serial_server(units, device, baud, framing):
    """On a pseudo-terminal, which has no parity bit to send: glibc refuses to set what has no
    effect, so that this side never asks for one."""
    options = dict(port=device, baudrate=baud, parity="N", bytesize=8, stopbits=1,
                   ignore_missing_slaves=True)
    if not OLD_PYMODBUS:
        server = ModbusSerialServer(Units(units), framer=framer(framing), **options)
        asyncio.ensure_future(server.serve_forever())
        return server
    server = ModbusSerialServer(Units(units), framer(framing), **options)
    await server.start()
    return server


def set_identity(vendor, product, revision):
    """What all servers of this process say of themselves by function 43/14."""
    identity = ModbusControlBlock().Identity
    identity.VendorName, identity.ProductCode = vendor, product
    identity.MajorMinorRevision = revision
