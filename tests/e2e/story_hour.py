"""An hour of a plant that lives at speed, with an outage of the broker and kills of the gateway in
the middle: what was received is what happened. See tests/story.sh."""
import argparse
import json
import os
import shutil
import sys
import time
import unittest

import truth
from story import Pace, StoryCase

options = None


class Hour(StoryCase):
    def run_until(self, share):
        until = self.began + options.minutes * 60 * share
        while time.monotonic() < until:
            self.assertTrue(self.running.running, "the gateway ended")
            self.assertTrue(self.simulator.running, "the simulator ended")
            time.sleep(min(1, max(0, until - time.monotonic())))

    def live(self, pace):
        """The broker is away for a fifteenth of the time, and the gateway killed in the middle of
        that; and killed again later."""
        self.began = time.monotonic()
        self.begin(pace, options.begin)
        self.run_until(5 / 15)
        self.broker.kill()
        self.run_until(5.5 / 15)
        self.kill_gateway(2)
        self.run_until(6 / 15)
        self.broker.start()
        self.run_until(10 / 15)
        self.kill_gateway(2)
        self.run_until(1)
        self.end()

    def test_what_is_received_is_what_happened(self):
        pace = Pace(options.speed, options.poll, options.shift)
        try:
            self.live(pace)
        finally:
            if options.keep:
                with open(os.path.join(self.directory, "away.json"), "w", encoding="utf-8") as file:
                    json.dump(self.away, file)
                shutil.copytree(self.directory, options.keep, dirs_exist_ok=True)
        print(truth.text_of(truth.hold(self.ledger_path, self.received_path, self.away, pace)))


def main():
    global options
    parser = argparse.ArgumentParser(prog="story.sh", description=__doc__)
    add = parser.add_argument
    add("--minutes", type=float, default=60, help="of our time (60)")
    add("--speed", type=int, default=20, help="machines live so much faster (20)")
    add("--poll", type=int, default=50, help="a machine is asked every so many ms (50)")
    add("--shift", type=int, default=5, help="length of a shift in minutes (5)")
    add("--begin", default="74940s", help="where in their story they begin")
    add("--keep", metavar="DIR", help="leaves what was received and the truth there")
    options = parser.parse_args()
    unittest.main(argv=[sys.argv[0]])


if __name__ == "__main__":
    main()
