"""A plant that lives through jobs, stops, faults and restarts at speed, the real gateway and broker
beside it, and what a subscriber receives of it: written down, to be held against the simulator's
own ledger by truth.py."""
import json
import os
import threading
import time

from compat import mqtt_client
from harness import BINDERY, Case, Mosquitto, free_ports, port_open, tcp_link, wait_for, write_config
from receiver import entries_of

# Each machine's profile, its fastest speed (cycles an hour), copies a cycle, what is told with a
# job, and where the number of the job lies.
KINDS = {"binder": ("perfect-binder", 12000, 1, "block_width", 140),
         "folder": ("folder", 15000, 1, "sheet_width", 40),
         "stitcher": ("saddle-stitcher", 14000, 2, "product_width", 40)}
TIMEOUT_MS, OFFLINE_AFTER_MS = 200, 400
MICRO_STOP_S, TALLY_MODULUS = 60, 1000


class Pace:
    """How fast they live, and how often they are asked."""

    def __init__(self, speed, poll_ms, shift_minutes):
        self.speed, self.poll_ms, self.shift_minutes = speed, poll_ms, shift_minutes
        self.micro_stop_ms = MICRO_STOP_S * 1000 // speed

    def most_per_s(self, machine):
        """Copies a second of our time, at the fastest."""
        _, per_h, copies, _, _ = KINDS[machine]
        return per_h * copies * self.speed / 3600


class Recorder:
    """Subscribed to the whole of a gateway; writes every numbered thing to a file as it comes."""

    def __init__(self, test, port, path):
        self.file = open(path, "w", encoding="utf-8")
        self.lock, self.subscribed = threading.Lock(), threading.Event()
        self.latest_ms = {}  # of readings, by machine
        self.client = mqtt_client("recorder", "3.1.1", self._connected, self.subscribed.clear,
                                  self._message, clean=False)
        self.client.on_subscribe = lambda *_: self.subscribed.set()
        self.client.reconnect_delay_set(0.1, 0.1)
        self.client.connect("127.0.0.1", port, keepalive=30)
        self.client.loop_start()
        test.addCleanup(self.close)
        wait_for(self.subscribed.is_set, what="the recorder's subscription")

    def _connected(self, fine):
        if fine:
            self.client.subscribe("bindery/#", qos=1)

    def _message(self, raw):
        message = _Message(raw)
        with self.lock:
            for store, entry in entries_of(message):
                self.file.write(json.dumps([store, entry.seq, entry.machine, entry.content]) + "\n")
                if "values" in entry.content:
                    at_ms = entry.content["ts"]
                    self.latest_ms[entry.machine] = max(self.latest_ms.get(entry.machine, 0), at_ms)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()
        with self.lock:
            self.file.flush()


class _Message:
    def __init__(self, raw):
        self.topic, self.text = raw.topic, raw.payload.decode("utf-8")

    def json(self):
        return json.loads(self.text)


def counter(pace, counts, **keys):
    return {"counts": counts, "kind": "rollover", "max_rate": f"{18400 * pace.speed}/h", **keys}


def shifts(minutes):
    """A calendar of short shifts, from a little before now on for some hours."""
    first = int(time.time() / 60) // minutes * minutes % 1440
    begins = [(first + i * minutes) % 1440 for i in range(64)]
    return [{"name": f"s{at}", "days": "mon-sun", "from": clock(at), "to": clock(at + minutes)}
            for at in sorted(begins) if at + minutes <= 1440]


def clock(minute):
    return f"{minute // 60:02d}:{minute % 60:02d}"


class StoryCase(Case):
    """`live` leaves behind, in self.directory: truth.jsonl and received.jsonl."""

    def setUp(self):
        super().setUp()
        os.environ["BINDERY_PROFILES_DIR"] = os.path.join(os.environ["BINDERY_SOURCE"],
                                                          "config/profiles")
        self.addCleanup(os.environ.pop, "BINDERY_PROFILES_DIR")
        self.ledger_path = os.path.join(self.directory, "truth.jsonl")
        self.received_path = os.path.join(self.directory, "received.jsonl")
        self.broker = Mosquitto(self)
        self.recorder = Recorder(self, self.broker.port, self.received_path)
        self.away = []  # [from, to] that the gateway was killed and not running again

    def plant(self, pace, ports):
        common = {"max_rate": f"{18400 * pace.speed}/h", "offline_after": f"{OFFLINE_AFTER_MS}ms",
                  "micro_stop": f"{pace.micro_stop_ms}ms"}
        # One that wraps every few seconds.
        tally = {"name": "tally", "at": "holding:20",
                 "counter": counter(pace, "gross", modulus=TALLY_MODULUS, raw=True)}
        machines = []
        for name, (profile, per_h, copies, width, job) in KINDS.items():
            tags = [{"name": "job_no", "at": f"holding:{job}", "type": "u32", "order": "CDAB"}]
            more = {"up": copies} if copies > 1 else {}
            machines.append({
                "name": name, "link": name, "profile": profile, "every": f"{pace.poll_ms}ms",
                "calendar": "hall", "job": {"id": "job_no", "format": [width]},
                "parameters": {**common, **more},
                "tags": tags + ([tally] if name == "folder" else [])})
        links = [tcp_link(name, port, timeout=f"{TIMEOUT_MS}ms") for name, port in zip(KINDS, ports)]
        return self.config(self.broker.port, links, machines, timezone="UTC",
                           calendars=[{"name": "hall", "shifts": shifts(pace.shift_minutes)}])

    def begin(self, pace, begin):
        ports = free_ports(len(KINDS))
        self.plan = self.plant(pace, ports)
        self.simulator = self.run_process(
            [BINDERY, "simulate", "-q", "-c", write_config(self, self.plan), "--speed",
             str(pace.speed), "--begin", begin, "--ledger", self.ledger_path], "bindery simulate")
        for port in ports:
            wait_for(lambda p=port: port_open(p), 30, f"the simulator on port {port}")
        self.run_gateway()

    def run_gateway(self):
        self.running = self.gateway(self.plan)

    def kill_gateway(self, seconds):
        """And leaves it dead for so long."""
        begun_ms = time.time() * 1000
        self.running.kill()
        time.sleep(seconds)
        self.run_gateway()
        self.away.append([begun_ms, time.time() * 1000])

    def truth_lines(self):
        with open(self.ledger_path, encoding="utf-8") as file:
            whole = file.read()
        return [json.loads(line) for line in whole[:whole.rfind("\n") + 1].splitlines()]

    def end(self, seconds=60):
        """Once the gateway has told of the time after the last line, and all of it was received."""
        last_ms = max(line["t_ms"] for line in self.truth_lines())
        wait_for(lambda: min(self.recorder.latest_ms.get(name, 0) for name in KINDS) > last_ms,
                 seconds, "readings of later")
        self.assertEqual(self.simulator.stop(), 0)
        wait_for(lambda: self.running.status()["uplinks"][0]["pending"] == 0, seconds,
                 "the backlog's end")
        self.assertEqual(self.running.stop(), 0)
        self.recorder.close()
