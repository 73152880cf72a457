"""Machines that live through jobs, stops, faults and restarts, with a broker that goes away and a
gateway that is killed: what is told of them is what happened, by the simulator's own ledger. An
hour of it: tests/story.sh."""
import time
import unittest

import truth
from story import Pace, StoryCase

# In the time from here on, each machine ends a job, two controllers start anew, and the folder has
# a fault.
BEGIN, SECONDS = "74940s", 25


class Story(StoryCase):
    def live(self, pace):
        self.begin(pace, BEGIN)
        time.sleep(SECONDS)
        self.broker.kill()
        self.kill_gateway(1)
        self.broker.start()
        time.sleep(5)
        self.end()

    def test_what_the_gateway_tells_is_what_happened(self):
        pace = Pace(speed=60, poll_ms=100, shift_minutes=1)
        self.live(pace)
        lines = self.truth_lines()
        figures = truth.hold(self.ledger_path, self.received_path, self.away, pace)
        print("\n" + truth.text_of(figures))
        self.assertGreaterEqual(sum("restart" in line for line in lines), 2)
        for name, found in figures.items():
            self.assertGreaterEqual(found["states"], 4, name)
            self.assertGreaterEqual(found["jobs"], 1, name)
            for tag in found["totals"]:
                self.assertGreaterEqual(found["totals"][tag]["compared"], 2, (name, tag))
        self.assertGreaterEqual(figures["folder"]["wraps"], 3)
        self.assertTrue(any(found["resets"] for found in figures.values()))
        self.assertTrue(any(found["faults"] for found in figures.values()))


if __name__ == "__main__":
    unittest.main()
