"""Configurations of binderyd for the bench's machines."""
import os

from programs import FIRST_PORT


def tags(registers, every):
    return [f"{{name: r{n}, at: \"holding:{n}\", type: u16, every: {every}}}"
            for n in range(registers)]


def machine_lines(places, registers, every):
    """A machine at each place (its link, and its unit where they share one). One list of tags for
    all: the machines are of one model."""
    lines = ["machines:"]
    for n, place in enumerate(places):
        model = "*model" if n else "&model [" + ", ".join(tags(registers, every)) + "]"
        lines.append(f"  - {{name: m{n}, {place}, tags: {model}}}")
    return lines


def link_lines(count):
    return ["links:"] + [f"  - {{name: l{n}, driver: modbus-tcp, address: \"127.0.0.1:"
                         f"{FIRST_PORT + n}\"}}" for n in range(count)]


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
               uplink=()):
    lines = head_lines(stage.directory, url, gather, dict(store), dict(uplink))
    places = [f"link: l{n}" for n in range(count)]
    return write(stage.directory, "bench.yaml",
                 lines + link_lines(count) + machine_lines(places, registers, every))


def line_config(stage, url, device, *, units=32, registers=40, every="100ms"):
    lines = head_lines(stage.directory, url, "gateway", {}, {})
    lines += ["links:", f"  - {{name: line, driver: modbus-rtu, device: {device}, baud: 19200}}"]
    places = [f"link: line, unit: {n + 1}" for n in range(units)]
    return write(stage.directory, "line.yaml", lines + machine_lines(places, registers, every))
