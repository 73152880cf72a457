"""Other gateways on the work of W500: installed, configured, measured beside the floor."""
import json
import os
import shutil
import subprocess
import sys
import time

import steady
from programs import FIRST_PORT, Meter, pause, wait_for

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
MACHINES, REGISTERS = 500, 40
START_S = 60    # until every machine was asked; whoever needs longer is measured all the same
WARM_UP_S = 10  # connections, caches, a just-in-time compiler

# With 5 threads, the default, it misses some polls; with 10, 20 or 50 none. Whatever their number,
# on two cores it delivers six values in ten at QoS 1, and the others pile up in its memory. At
# QoS 0 it delivers whatever it polls, which then is less than nine in ten.
COLLECTD_READ_THREADS = 20

NODE_RED = os.path.join(ROOT, "build/peers/node-red")
# Later ones of the Modbus nodes cost as much, but depend on a package that is in no registry.
NODE_RED_PACKAGES = {"node-red": "4.1.8", "node-red-contrib-modbus": "5.23.3"}
NODE_RED_SETTINGS = """module.exports = {
    flowFile: "flows.json",
    httpAdminRoot: false, httpNodeRoot: false, uiHost: "127.0.0.1",
    telemetry: {enabled: false, updateNotification: false},
    logging: {console: {level: "info", metrics: false, audit: false}},
}
"""


def _install_packages(group):
    subprocess.run([os.path.join(ROOT, "tests/install-packages"), group], check=True)


def _write(stage, name, text):
    path = os.path.join(stage.directory, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def _install_collectd():
    _install_packages("collectd")


def _collectd_config(stage, broker):
    """Its plugin asks for every register by itself; nothing makes it do otherwise."""
    lines = [f'BaseDir "{stage.directory}"', f'PIDFile "{stage.directory}/collectd.pid"',
             "Hostname bench", "FQDNLookup false", "Interval 1",
             f"ReadThreads {COLLECTD_READ_THREADS}", "LoadPlugin modbus", "LoadPlugin mqtt",
             "<Plugin mqtt>", "<Publish bench>", "Host \"127.0.0.1\"", f"Port {broker.port}",
             "ClientId bench", "Prefix bindery", "QoS 1", "</Publish>", "</Plugin>",
             "<Plugin modbus>"]
    for register in range(REGISTERS):
        lines += [f"<Data r{register}>", f"RegisterBase {register}", "RegisterType Uint16",
                  "RegisterCmd ReadHolding", "Type gauge", f"Instance r{register}", "</Data>"]
    for number in range(MACHINES):
        lines += [f"<Host m{number}>", "Address \"127.0.0.1\"", f"Port {FIRST_PORT + number}",
                  "Interval 1", "<Slave 1>", f"Instance m{number}",
                  *(f"Collect r{register}" for register in range(REGISTERS)), "</Slave>", "</Host>"]
    return _write(stage, "collectd.conf", "\n".join(lines + ["</Plugin>", ""]))


def _start_collectd(stage, broker):
    config = _collectd_config(stage, broker)
    return stage.run_process(["collectd", "-f", "-C", config], "collectd")


def _npm_version(name):
    """Of a package as it is installed for the bench; None without."""
    try:
        with open(os.path.join(NODE_RED, "node_modules", name, "package.json"),
                  encoding="utf-8") as file:
            return json.load(file)["version"]
    except FileNotFoundError:
        return None


def _install_node_red():
    if not shutil.which("npm"):
        _install_packages("nodejs")
    wanted = [f"{name}@{version}" for name, version in NODE_RED_PACKAGES.items()]
    if all(_npm_version(name) == version for name, version in NODE_RED_PACKAGES.items()):
        return
    os.makedirs(NODE_RED, exist_ok=True)
    subprocess.run(["npm", "install", "--prefix", NODE_RED, "--omit=optional", "--ignore-scripts",
                    "--no-audit", "--no-fund", "--loglevel=error", *wanted],
                   check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=600)


def _machine_nodes(number):
    """What someone lays out in the editor for a machine, with the defaults that it offers."""
    client = {"id": f"client{number}", "type": "modbus-client", "name": f"m{number}",
              "clienttype": "tcp", "tcpHost": "127.0.0.1", "tcpPort": FIRST_PORT + number,
              "tcpType": "DEFAULT", "unit_id": 1, "bufferCommands": True, "commandDelay": 1,
              "clientTimeout": 1000, "reconnectOnTimeout": True, "reconnectTimeout": 2000,
              "parallelUnitIdsAllowed": True}
    read = {"id": f"read{number}", "type": "modbus-read", "z": "flow", "name": f"m{number}",
            "topic": f"bindery/m{number}", "server": client["id"], "unitid": 1,
            "dataType": "HoldingRegister", "adr": 0, "quantity": REGISTERS, "rate": 1,
            "rateUnit": "s", "wires": [["out"], []]}
    return [client, read]


def _start_node_red(stage, broker):
    flow = [{"id": "flow", "type": "tab", "label": "bench"},
            {"id": "broker", "type": "mqtt-broker", "broker": "127.0.0.1", "port": broker.port,
             "clientid": "bench", "protocolVersion": "4", "keepalive": 60, "cleansession": True,
             "autoConnect": True},
            {"id": "out", "type": "mqtt out", "z": "flow", "topic": "", "qos": "1",
             "retain": "false", "broker": "broker", "wires": []}]
    for number in range(MACHINES):
        flow += _machine_nodes(number)
    _write(stage, "flows.json", json.dumps(flow))
    settings = _write(stage, "settings.js", NODE_RED_SETTINGS)
    return stage.run_process(["node", os.path.join(NODE_RED, "node_modules/node-red/red.js"),
                              "--userDir", stage.directory, "--settings", settings], "node-red")


# How it is installed and started, and what of its messages the receiver is to read.
PEERS = {"collectd": (_install_collectd, _start_collectd, "plain"),
         "node-red": (_install_node_red, _start_node_red, "array")}


def _all_asked(process, machines):
    if not process.running:
        raise AssertionError(f"{process.name} ended:\n{process.log()}")
    return machines.report()["machines_asked"] == MACHINES


def _peer_round(stage, scenario, machines, broker, times):
    _, start, form = PEERS[scenario.name]
    receiver = stage.worker("bench_receiver", "--port", broker.port, "--format", form)
    machines.mark()
    process = start(stage, broker)
    until = time.monotonic() + START_S
    wait_for(lambda: _all_asked(process, machines) or time.monotonic() > until, 2 * START_S)
    pause(WARM_UP_S)
    first_all_ms = machines.report()["first_all_ms"]
    machines.mark()
    receiver.mark()
    meter = Meter(process.pid)
    pause(times.seconds)
    figures = meter.read() | machines.report()
    received = receiver.report()
    process.kill()
    stage.end(process)
    receiver.child.stdin.close()
    stage.end(receiver)
    readings = figures["registers_read"] / REGISTERS
    if figures["requests"] > 2 * readings:
        del figures["lateness"]  # which is a request's, and they ask many for a reading
    return figures | {"first_all_ms": first_all_ms, "received": received,
                      "latency": received["latency"],
                      "us_a_poll": steady.us_a_poll(figures, readings)}


def run(peer, times, say):
    """Like steady.run; without figures where the peer can't be had here."""
    install, _, _ = PEERS[peer]
    try:
        say(f"{peer}: installing")
        install()
        return steady.run(steady.Steady(peer, MACHINES), times, say, _peer_round, peer)
    except (OSError, subprocess.SubprocessError, AssertionError) as error:
        print(f"\n{peer} is left out: {error}", file=sys.stderr)
        return {"figures": {}, "rounds": {}}
