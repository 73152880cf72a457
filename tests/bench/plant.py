"""Configurations of binderyd for the bench's machines."""
import os

from programs import FIRST_PORT


def tags(registers, every):
    return [f"{{name: r{n}, at: \"holding:{n}\", type: u16, every: {every}}}"
            for n in range(registers)]


def machine_lines(count, registers, every):
    """One list of tags for all: the machines are of one model."""
    lines = ["machines:"]
    for n in range(count):
        model = "*model" if n else "&model [" + ", ".join(tags(registers, every)) + "]"
        lines.append(f"  - {{name: m{n}, link: l{n}, tags: {model}}}")
    return lines


def link_lines(count, first_port):
    return ["links:"] + [f"  - {{name: l{n}, driver: modbus-tcp, address: \"127.0.0.1:"
                         f"{first_port + n}\"}}" for n in range(count)]


def line_lines(device, units, registers, every):
    lines = ["links:", f"  - {{name: line, driver: modbus-rtu, device: {device}, baud: 19200}}",
             "machines:"]
    for n in range(units):
        model = "*model" if n else "&model [" + ", ".join(tags(registers, every)) + "]"
        lines.append(f"  - {{name: m{n}, link: line, unit: {n + 1}, tags: {model}}}")
    return lines


def head_lines(directory, url, gather, store, uplink):
    store = {"path": os.path.join(directory, "bindery.db"), "max_size": "4GiB", **store}
    uplink = {"name": "cloud", "url": url, "gather": gather, "publish_every": "200ms", **uplink}
    flow = ", ".join
    return ["gateway: bench", "site: lab",
            "store: {" + flow(f"{key}: {value}" for key, value in store.items()) + "}",
            "uplinks:",
            "  - {" + flow(f"{key}: \"{value}\"" for key, value in uplink.items()) + "}"]


def write(directory, name, lines):
    path = os.path.join(directory, name)
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    os.replace(path + ".new", path)
    return path


def tcp_config(stage, url, count, *, gather="gateway", registers=40, every="1s", store=(),
               uplink=(), first_port=FIRST_PORT, name="bench.yaml"):
    lines = head_lines(stage.directory, url, gather, dict(store), dict(uplink))
    return write(stage.directory, name, lines + link_lines(count, first_port) +
                 machine_lines(count, registers, every))


def line_config(stage, url, device, *, units=32, registers=40, every="100ms"):
    lines = head_lines(stage.directory, url, "gateway", {}, {})
    return write(stage.directory, "line.yaml", lines + line_lines(device, units, registers, every))
