"""Machines that live through jobs, stops, faults and restarts: what the gateway tells of them is
what happened, by the simulator's own ledger."""
import json
import os
import time
import unittest

from harness import BINDERY, Case, Mosquitto, free_ports, port_open, tcp_link, wait_for, write_config
from receiver import Receiver

SPEED, POLL_MS, TIMEOUT_MS, OFFLINE_AFTER_MS = 60, 100, 200, 400
# In the time from here on, each machine ends a job, two controllers start anew, and the folder has
# a fault.
BEGIN, SECONDS = "74940s", 25
# An answer's time is that of the tick which took it, and both programs share a busy computer.
ALLOWANCE_MS = POLL_MS + 100


def counter(counts, **keys):
    return {"counts": counts, "kind": "rollover", "max_rate": "1100000/h", **keys}


class Story(Case):
    def setUp(self):
        super().setUp()
        os.environ["BINDERY_PROFILES_DIR"] = os.path.join(os.environ["BINDERY_SOURCE"],
                                                          "config/profiles")
        self.addCleanup(os.environ.pop, "BINDERY_PROFILES_DIR")
        self.broker = Mosquitto(self)
        self.receiver = Receiver(self, self.broker.port)
        self.ledger_path = os.path.join(self.directory, "ledger.jsonl")

    def plant(self, ports):
        parameters = {"max_rate": "1100000/h", "offline_after": f"{OFFLINE_AFTER_MS}ms",
                      "micro_stop": "1s"}
        kinds = {"binder": ("perfect-binder", {}, []),
                 # One that wraps every few seconds.
                 "folder": ("folder", {}, [{"name": "tally", "at": "holding:20",
                                            "counter": counter("gross", modulus=1000, raw=True)}]),
                 "stitcher": ("saddle-stitcher", {"up": 2}, [])}
        return self.config(
            self.broker.port,
            [tcp_link(name, port, timeout=f"{TIMEOUT_MS}ms") for name, port in zip(kinds, ports)],
            [{"name": name, "link": name, "profile": profile, "every": f"{POLL_MS}ms",
              "parameters": {**parameters, **more}, "tags": tags}
             for name, (profile, more, tags) in kinds.items()])

    def live(self):
        """The machines' lives for a while, and the gateway beside them: the ledger's lines."""
        ports = free_ports(3)
        config = self.plant(ports)
        simulator = self.run_process(
            [BINDERY, "simulate", "-q", "-c", write_config(self, config), "--speed", str(SPEED),
             "--begin", BEGIN, "--ledger", self.ledger_path], "bindery simulate")
        for port in ports:
            wait_for(lambda p=port: port_open(p), 30, f"the simulator on port {port}")
        gateway = self.gateway(config)
        time.sleep(SECONDS)
        lines = self.lines()
        self.settle(lines)
        self.assertEqual(gateway.stop(), 0)
        self.assertEqual(simulator.stop(), 0)
        return lines

    def settle(self, lines):
        """Until the gateway has told of the time after the last line."""
        last = max(line["t_ms"] for line in lines)
        wait_for(lambda: self.receiver.ledger().readings()
                 and min(max(entry.content["ts"] for entry in self.receiver.readings(name))
                         for name in self.machines(lines)) > last, what="readings of later")

    def lines(self):
        with open(self.ledger_path, encoding="utf-8") as file:
            whole = file.read()
        return [json.loads(line) for line in whole[:whole.rfind("\n") + 1].splitlines()]

    @staticmethod
    def machines(lines):
        return sorted({line["machine"] for line in lines})

    def told(self, machine, tag, at_ms):
        """What was the latest of a value at a time."""
        values = [entry.values[tag] for entry in self.receiver.readings(machine)
                  if tag in entry.values and entry.content["ts"] <= at_ms]
        return values[-1] if values else None

    # --- totals ---

    def check_totals(self, lines, machine, tag):
        """How often: whenever the machine stands still for some polls, the gateway's total is the
        true one, less what was counted before its first reading. Only with a raised epoch may it
        lack what no poll saw before a restart."""
        own = [line for line in lines if line["machine"] == machine]
        changes = [line["t_ms"] for line in own if "state" in line]
        restarts = [line["t_ms"] for line in own if "restart" in line]
        compared, difference, epoch = 0, None, None
        for line in own:
            at = line["t_ms"]
            if line.get("counter") != tag or line["at"] == "exit" or at in restarts:
                continue
            if any(at < change <= at + 4 * POLL_MS for change in changes):
                continue
            total = self.told(machine, tag, at + 3 * POLL_MS)
            epoch_now = self.told(machine, tag + ".epoch", at + 3 * POLL_MS)
            if total is None:
                continue
            missing = line["total"] - total
            if difference is not None and epoch_now == epoch:
                self.assertEqual(missing, difference, (machine, tag, line, total))
            elif difference is not None:
                self.assertGreaterEqual(missing, difference, (machine, tag, line, total))
                self.assertLess(missing - difference, 400, (machine, tag, line, total))
            difference, epoch = missing, epoch_now
            compared += 1
        return compared

    # --- states ---

    @staticmethod
    def intervals(lines, machine):
        """[state, reason, from, to]; the last one is still open and left out."""
        own = [line for line in lines if line["machine"] == machine and "state" in line]
        return [[line["state"], line["reason"], line["t_ms"], after["t_ms"]]
                for line, after in zip(own, own[1:])]

    def state_events(self, machine):
        return [entry.content for entry in self.receiver.ledger().events(machine)
                if entry.content["event"] == "state"]

    def as_seen(self, intervals, events):
        """What is too short for every poll, and was not seen by one, is not there; neither is a
        silence that was passed over."""
        seen = []
        for state, reason, start, end in intervals:
            found = any(e["state"] == state and e["reason"] == reason
                        and e["from"] <= end + POLL_MS and e["to"] >= start for e in events)
            silence = state == "offline" and end - start <= OFFLINE_AFTER_MS + 2 * POLL_MS
            if not found and (end - start < 2 * POLL_MS or silence):
                continue
            if seen and seen[-1][:2] == [state, reason]:
                seen[-1][3] = end
            else:
                seen.append([state, reason, start, end])
        return seen

    def check_states(self, lines, machine):
        """How many intervals were found, and how far off their ends were at most."""
        intervals = self.intervals(lines, machine)
        events = self.state_events(machine)
        for before, after in zip(events, events[1:]):
            self.assertEqual(before["to"], after["from"], (machine, before, after))
        found, worst = 0, 0
        for state, reason, start, end in self.as_seen(intervals, events):
            if end - start <= 3 * POLL_MS or start < events[0]["from"] + POLL_MS or \
                    end > events[-1]["to"]:
                continue
            near = [e for e in events if (e["state"], e["reason"]) == (state, reason)
                    and off_by(e, "from", start) <= ALLOWANCE_MS
                    and off_by(e, "to", end) <= ALLOWANCE_MS]
            self.assertEqual(len(near), 1, f"{machine}: {state}, {reason} from {start} to {end} in "
                             + "\n".join(map(str, events)))
            found += 1
            worst = max(worst, off_by(near[0], "from", start), off_by(near[0], "to", end))
        return found, worst

    # --- jobs ---

    def check_jobs(self, machine):
        """How many ended: each was told to have begun, and is followed by the next."""
        events = [entry.content for entry in self.receiver.ledger().events(machine)]
        begun = [e for e in events if e["event"] == "job_begin"]
        ended = [e for e in events if e["event"] == "job"]
        self.assertEqual(len(begun), len(ended) + 1, (machine, begun, ended))
        for job, first, after in zip(ended, begun, begun[1:]):
            self.assertEqual((job["job"], job["next"]), (first["job"], after["job"]))
            self.assertEqual((job["from"], job["to"]), (first["ts"], after["ts"]))
            self.assertGreater(job["good"], 0, job)
        self.assertFalse([e for e in events if e["event"] == "format"], machine)
        return len(ended)

    def test_what_the_gateway_tells_is_what_happened(self):
        lines = self.live()
        ledger = self.receiver.ledger()
        self.assertEqual((ledger.missing(), ledger.differing), ([], []))
        self.assertGreaterEqual(sum("restart" in line for line in lines), 2)
        figures, jobs = [], []
        for name in self.machines(lines):
            tags = sorted({line["counter"] for line in lines
                           if line["machine"] == name and "counter" in line})
            compared = {tag: self.check_totals(lines, name, tag) for tag in tags}
            found, worst = self.check_states(lines, name)
            jobs.append(self.check_jobs(name))
            figures.append(f"{name}: totals compared {compared}; {found} intervals, "
                           f"ends off by at most {worst} ms; {jobs[-1]} jobs")
            self.assertGreaterEqual(min(compared.values()), 2, (name, compared))
            self.assertGreaterEqual(found, 4, name)
        print("\n" + "\n".join(figures))
        self.assertGreaterEqual(sum(jobs), 1)
        raws = [e.values["tally.raw"] for e in self.receiver.readings("folder")
                if "tally.raw" in e.values]
        self.assertGreaterEqual(sum(b < a for a, b in zip(raws, raws[1:])), 3, "wraps")
        resets = [e.content for e in ledger.events() if e.content["event"] == "counter"]
        self.assertTrue(any(e["what"] == "reset" for e in resets), resets)
        self.assertTrue(any(e.content["event"] == "fault" for e in ledger.events()))


def off_by(event, end, true_ms):
    """How far a true time lies beyond where the event says that it can be."""
    latest, earliest = event[end], event[end] - event[end + "_uncertain_ms"]
    return max(true_ms - latest, earliest - true_ms, 0)


if __name__ == "__main__":
    unittest.main()
