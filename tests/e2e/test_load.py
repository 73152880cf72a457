"""500 machines of 40 registers, once a second for a minute: nobody late, nothing missing."""
import collections
import os
import signal
import sys
import time
import unittest

from fleet import Fleet
from harness import BINDERY, Case, Mosquitto, wait_for
from receiver import Receiver

MACHINES, REGISTERS, SECONDS, PERIOD_MS, TICK_MS = 500, 40, 60, 1000, 20


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024


class Load(Case):
    def test_five_hundred_machines_for_a_minute(self):
        fleet = Fleet(self, MACHINES, REGISTERS).start()
        broker = Mosquitto(self)
        readings = Receiver(self, broker.port)
        verify = self.run_process([BINDERY, "verify", "--url", f"mqtt://127.0.0.1:{broker.port}",
                                   "--topic", "bindery/lab/gw", "--expect-from", "1"],
                                  "bindery verify")
        verify.wait_log("connected")
        gateway = self.gateway(fleet.config(broker.port, uplink={"publish_every": "1s"}))
        wait_for(lambda: self.online(gateway) == MACHINES, 30, "all machines online")
        cpu, started = cpu_seconds(gateway.pid), time.monotonic()
        wait_for(lambda: time.monotonic() - started > SECONDS, SECONDS + 5)
        cpu = cpu_seconds(gateway.pid) - cpu
        poll = gateway.status()["poll"]
        verify.signal(signal.SIGINT)
        self.assertEqual(verify.wait(60), 0, verify.log())
        last = gateway.status()["store"]["next_seq"] - 1
        readings.wait_complete(last, 30)
        late, worst = self.check_cadence(readings)
        taken = len(readings.readings())
        print(f"\nload: {MACHINES} machines × {REGISTERS} registers, {SECONDS} s: {taken} readings, "
              f"CPU {100 * cpu / SECONDS:.1f} % of a core, {1e6 * cpu / (MACHINES * SECONDS):.0f} "
              f"µs a poll; RSS {rss_mb(gateway.pid):.1f} MB\n"
              f"load: lateness p99 {poll['lateness_p99_ms']} ms, max {poll['lateness_max_ms']} ms; "
              f"by the readings' own times p99 {late:.0f} ms, max {worst:.0f} ms\n"
              f"load: verify says: {verify.log().strip().splitlines()[-1]}")
        sys.stdout.flush()
        self.assertLessEqual(poll["lateness_p99_ms"], 2 * TICK_MS)
        self.assertLessEqual(late, 2 * TICK_MS)
        self.assertEqual(gateway.stop(), 0)

    def online(self, gateway):
        return sum(m["online"] for m in gateway.status()["machines"])

    def check_cadence(self, readings):
        """Each machine's readings come once a second. How far their times stray from the even
        grid of their machine: (p99, most) in ms."""
        times = collections.defaultdict(list)
        for entry in readings.readings():
            times[entry.machine].append(entry.content["ts"])
        self.assertEqual(len(times), MACHINES)
        strays = []
        for name, moments in times.items():
            moments = moments[2:]  # the first ones belong to the start
            self.assertGreaterEqual(len(moments), SECONDS - 4, name)
            # On-time answers are the rule and late ones the exception: the grid is the earliest.
            phases = [(t - moments[0] + PERIOD_MS // 2) % PERIOD_MS for t in moments]
            earliest = sorted(phases)[len(phases) // 20]
            strays += [max(0, phase - earliest) for phase in phases]
        strays.sort()
        return strays[len(strays) * 99 // 100], strays[-1]


if __name__ == "__main__":
    unittest.main()
