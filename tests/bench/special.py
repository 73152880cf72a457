"""Scenarios of their own shape: a serial line, a backlog, a reload."""
import os
import signal

import plant
from programs import (FIRST_PORT, Gateway, Meter, Stage, free_port, pause, resident_mb,
                      wait_for)

SETTLED_MINUTES = 12  # by then the replay window is full and acknowledged batches go again


def line(times, say):
    """32 units on a line of 19,200 baud, asked as often as it allows."""
    with Stage() as stage:
        device = os.path.join(stage.directory, "tty")
        wire = stage.worker("bench_line", "--link", device, "--baud", 19200, "--units", 32)
        broker = stage.broker()
        url = f"mqtt://localhost:{broker.port}"
        gateway = stage.keep(Gateway(plant.line_config(stage, url, device)))
        gateway.wait_online(32)
        say("line: binderyd")
        wire.mark()
        meter = Meter(gateway.pid)
        pause(times.seconds)
        figures = meter.read() | wire.report()
        stage.end(gateway)
    return {"figures": figures}


def reload(times, say):
    """One machine of 501 is changed; nobody else may notice."""
    count = 500
    with Stage() as stage:
        others = stage.worker("bench_machines", "--port", FIRST_PORT, "--count", count)
        changed = stage.worker("bench_machines", "--port", FIRST_PORT + count, "--count", 1)
        broker = stage.broker()
        url = f"mqtt://localhost:{broker.port}"
        gateway = stage.keep(Gateway(plant.tcp_config(stage, url, count + 1)))
        gateway.wait_online(count + 1)
        pause(3)
        say("reload: before")
        others.mark()
        pause(times.seconds)
        before = others.report()
        say("reload: across SIGHUP")
        others.mark()
        pause(times.seconds / 4)
        _change_last_machine(gateway.path)
        gateway.signal(signal.SIGHUP)
        gateway.wait_log("reload|configuration", 30)
        pause(times.seconds * 3 / 4)
        across = others.report()
        changed.mark()
        pause(2)
        figures = {
            "before_lateness_p99_ms": before["lateness"]["p99_ms"],
            "lateness_p99_ms": across["lateness"]["p99_ms"],
            "lateness_max_ms": across["lateness"]["max_ms"],
            "skipped": across["skipped"], "new_connections": across["connections"],
            "changed_machine_asked": changed.report()["requests"],
        }
        stage.end(gateway)
    return {"figures": figures}


def _change_last_machine(path):
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    head = lines[-1].split(" tags: ", 1)[0]
    lines[-1] = head + " tags: [" + ", ".join(plant.tags(20, "1s")) + "]}"
    plant.write(os.path.dirname(path), os.path.basename(path), lines)


def drain(times, say, values=10_000_000):
    """So many values wait while the broker is away; it comes back, and the machines go on."""
    count, registers = 500, 40
    with Stage() as stage:
        stage.worker("bench_machines", "--port", FIRST_PORT, "--count", count,
                     "--period-ms", 100)
        port = free_port()
        config = plant.tcp_config(stage, f"mqtt://localhost:{port}", count, every="100ms")
        gateway = stage.keep(Gateway(config))
        gateway.wait_online(count)
        wanted = values // registers
        say(f"drain: storing {values:,} values")
        wait_for(lambda: gateway.status()["store"]["next_seq"] > wanted, 600, "the backlog")
        stage.end(gateway)
        broker = stage.broker()
        url = f"mqtt://localhost:{broker.port}"
        config = plant.tcp_config(stage, url, count)
        receiver = stage.worker("bench_receiver", "--port", broker.port)
        say("drain: the broker is there again")
        receiver.mark()
        gateway = stage.keep(Gateway(config))
        meter = Meter(gateway.pid)
        wait_for(lambda: _drained(gateway, wanted), 600, "the end of the backlog")
        used, drained = meter.read(), receiver.report()
        pause(2)
        receiver.mark()
        pause(times.seconds)
        usual = receiver.report()
        stage.end(gateway)
    seconds = (drained["backlog_last_ms"] - drained["backlog_first_ms"]) / 1000
    return {"figures": {
        "values": drained["backlog_values"], "seconds": seconds,
        "values_per_s": drained["backlog_values"] / seconds,
        "cpu_percent": used["cpu_percent"], "resident_mb": used["resident_mb"],
        "latency_p99_ms": drained["latency"]["p99_ms"],
        "usual_latency_p99_ms": usual["latency"]["p99_ms"],
        "latency_ratio": drained["latency"]["p99_ms"] / usual["latency"]["p99_ms"],
        "missing": _missing(drained),
    }, "rounds": {"drained": drained, "usual": usual}}


def _missing(received):
    return received["last_seq"] + 1 - received["first_seq"] - \
        (received["seqs"] - received["repeats"])


def _drained(gateway, wanted):
    status = gateway.status()
    uplink = status["uplinks"][0] if status else None
    return uplink and uplink["acknowledged"] >= wanted and uplink["pending"] < 2000


def soak(times, say):
    """Whether memory stays as it is: W500 for as long as --minutes says."""
    count = 500
    with Stage() as stage:
        stage.worker("bench_machines", "--port", FIRST_PORT, "--count", count)
        broker = stage.broker()
        receiver = stage.worker("bench_receiver", "--port", broker.port)
        gateway = stage.keep(Gateway(plant.tcp_config(stage, f"mqtt://localhost:{broker.port}",
                                                      count)))
        gateway.wait_online(count)
        receiver.mark()
        sizes, store = [], []
        for minute in range(times.minutes):
            say(f"soak: minute {minute + 1} of {times.minutes}")
            pause(60)
            sizes.append(resident_mb(gateway.pid))
            store.append(gateway.status()["store"]["bytes"])
        received = receiver.report()
        stage.end(gateway)
    settled = sizes[min(len(sizes) - 1, SETTLED_MINUTES):]
    return {"figures": {
        "minutes": times.minutes, "settled_mb": settled[0], "resident_mb": sizes[-1],
        "growth_percent": 100 * (max(settled) / settled[0] - 1),
        "store_mb": store[-1] / 2**20, "values_delivered": received["values"],
        "latency_p99_ms": received["latency"]["p99_ms"],
        "missing": _missing(received),
    }, "rounds": {"resident_mb": sizes, "store_bytes": store}}
