"""What a subscriber received of a gateway, held against the ledger of a simulation that ran at
speed (story.py): no count off by one, no second unaccounted for. Times are ms of our own clock.

What may differ, and by how much:
- a change of state lies between the poll that saw it first and the one before, or up to LATE_MS
  earlier: so old an answer may be when the gateway takes it, for it would be none after its
  time-out;
- a state shorter than two polls may have been seen by none, and is not there then;
- a silence up to offline_after is passed over, a longer one begins with the last answer;
- what a controller's restart resets before the next poll is lost, and the epoch raised;
- while the gateway is killed nothing is known, from what it kept last to its first poll."""
import bisect
import json

from story import KINDS, OFFLINE_AFTER_MS, TALLY_MODULUS, TIMEOUT_MS

LATE_MS = TIMEOUT_MS + 20  # a tick
COMMIT_MS = 200  # what was read later than this before a kill may be lost
TIMES = {"production": "run_ms", "setup": "setup_ms", "idle": "idle_ms", "stopped": "down_ms",
         "fault": "down_ms", "offline": "unknown_ms", "unknown": "unknown_ms"}
ALL_TIMES = set(TIMES.values()) | {"cleanup_ms", "maintenance_ms"}
COUNTERS = {"good": ["good_count"], "waste": ["waste_count"], "gross": ["gross_count", "tally"]}
PLANNED = ("production", "setup")
DARK = ("offline", "unknown")


class Wrong(AssertionError):
    pass


def check(condition, *what):
    if not condition:
        raise Wrong(" ".join(map(str, what)))


class Told:
    """What was received of one machine, in the order of its numbers."""

    def __init__(self, name):
        self.name, self.reading_ms, self.totals, self.events = name, [], {}, {}

    def add(self, content):
        if "event" in content:
            self.events.setdefault(content["event"], []).append(content)
            return
        self.reading_ms.append(content["ts"])
        for tag, value in content["values"].items():
            self.totals.setdefault(tag, ([], []))
            self.totals[tag][0].append(content["ts"])
            self.totals[tag][1].append(value)

    def at(self, tag, at_ms):
        """What was told of a value at that time or last before; None: nothing."""
        times, values = self.totals.get(tag, ([], []))
        place = bisect.bisect_right(times, at_ms)
        return values[place - 1] if place else None

    def of(self, event):
        return self.events.get(event, [])


def load(path):
    """{machine: Told}; each number is there, and came with the same content if again."""
    entries, stores = {}, set()
    with open(path, encoding="utf-8") as file:
        for line in file:
            store, seq, machine, content = json.loads(line)
            stores.add(store)
            before = entries.setdefault(seq, (machine, content))
            check(before == (machine, content), "number", seq, "came again differently:", before,
                  content)
    check(len(stores) == 1, len(stores), "stores")
    missing = set(range(1, max(entries) + 1)) - set(entries)
    check(not missing, len(missing), "numbers never came:", sorted(missing)[:10])
    machines = {name: Told(name) for name in KINDS}
    for seq in sorted(entries):
        machine, content = entries[seq]
        check(machine in machines, "number", seq, "is of no machine:", content)
        machines[machine].add(content)
    return machines


class Truth:
    """The ledger's lines of one machine."""

    def __init__(self, lines, name):
        own = [line for line in lines if line["machine"] == name]
        states = [line for line in own if "state" in line]
        self.intervals = [[line["state"], line["reason"], line["t_ms"], after["t_ms"]]
                          for line, after in zip(states, states[1:])]
        self.restarts = [line["t_ms"] for line in own if "restart" in line]
        self.jobs = [(line["t_ms"], line["job"]) for line in own if "job" in line]
        self.totals = [line for line in own if "counter" in line and line["at"] != "exit"]


class Comparison:
    """Of one machine."""

    def __init__(self, told, truth, away, pace):
        self.told, self.truth, self.pace = told, truth, pace
        self.poll_ms, self.states = pace.poll_ms, told.of("state")
        self.away = [self.unknown_at_most(begin, end) for begin, end in away]
        self.figures = {"unseen": 0, "totals": {}, "faults": len(told.of("fault"))}

    def unknown_at_most(self, killed_ms, running_ms):
        """A state is kept with each reading, of which there are none while nothing changes."""
        place = bisect.bisect_right(self.told.reading_ms, killed_ms)
        kept_ms = min([killed_ms - COMMIT_MS] + self.told.reading_ms[place - 1:place])
        return (kept_ms - self.poll_ms - LATE_MS, running_ms + TIMEOUT_MS + self.poll_ms + LATE_MS)

    def is_away(self, from_ms, to_ms):
        return any(begin < to_ms and from_ms < end for begin, end in self.away)

    def fail(self, *what):
        raise Wrong(" ".join(map(str, (self.told.name + ":",) + what)))

    # --- states ---

    def check_chain(self):
        for before, after in zip(self.states, self.states[1:]):
            if before["to"] != after["from"] or \
                    before["to_uncertain_ms"] != after["from_uncertain_ms"]:
                self.fail("not one after the other:", before, after)
            if (before["state"], before["reason"]) == (after["state"], after["reason"]):
                self.fail("follows itself:", before, after)
            if after["to"] - after["from"] != after["duration_ms"]:
                self.fail("is not as long as it was:", after)

    def seen(self):
        """The true intervals as polls could see them, those that were not told and need not be
        left out, and what is the same on both sides of such a one together."""
        found = []
        for state, reason, begin, end in self.truth.intervals:
            most_ms = 2 * self.poll_ms + LATE_MS
            if state == "offline":
                most_ms += OFFLINE_AFTER_MS + TIMEOUT_MS
            told = any((e["state"], e["reason"]) == (state, reason)
                       for e in self.around(begin - self.poll_ms, end + self.poll_ms))
            if not told and end - begin < most_ms:
                self.figures["unseen"] += 1
                continue
            if found and found[-1][:2] == [state, reason]:
                found[-1][3] = end
            else:
                found.append([state, reason, begin, end])
        return found

    def around(self, begin, end):
        first = bisect.bisect_left(self.states, begin, key=lambda e: e["to"])
        last = bisect.bisect_right(self.states, end, key=lambda e: e["from"])
        return self.states[first:last]

    def off_by(self, event, end, true_ms, dark):
        """How far a true time lies beyond where the event says that it can be, the poll that a
        silence may begin later aside."""
        latest = event[end] + (self.poll_ms if dark else 0)
        earliest = event[end] - event[end + "_uncertain_ms"]
        return max(true_ms - latest, earliest - true_ms, 0)

    def check_states(self):
        """Each true interval is told once, and its ends lie where it is said that they can."""
        self.check_chain()
        first, last = self.states[0]["from"] + self.poll_ms, self.states[-1]["to"]
        found, worst, skipped = 0, 0, 0
        for state, reason, begin, end in self.seen():
            if begin < first or end > last:
                continue
            if self.is_away(begin - self.poll_ms, end + self.poll_ms):
                skipped += 1
                continue
            near = []
            for event in self.around(begin - 1000, end + 1000):
                if (event["state"], event["reason"]) != (state, reason):
                    continue
                after = self.around(event["to"], event["to"] + 1)[-1]
                off = max(self.off_by(event, "from", begin, state in DARK),
                          self.off_by(event, "to", end, after["state"] in DARK))
                near += [off] if off <= LATE_MS else []
            if len(near) != 1:
                self.fail(state, reason, "from", begin, "to", end, "was told", len(near), "times in",
                          *self.around(begin - 1000, end + 1000))
            found += 1
            worst = max(worst, near[0])
        self.figures.update(states=found, off_ms=worst, beside_kills=skipped,
                            seconds=(self.states[-1]["to"] - self.states[0]["from"]) / 1000)

    def check_away(self):
        """What is unknown is where the gateway was killed, and no more than that."""
        unknown = [e for e in self.states if e["state"] == "unknown"]
        for event in unknown:
            if not any(begin <= event["from"] and event["to"] <= end for begin, end in self.away):
                self.fail("nobody was away:", event)
        self.figures["unknown_ms"] = sum(e["duration_ms"] for e in unknown)

    def check_stops(self):
        """By the intervals: from the end of production to the next work."""
        expected, since, seen, produced = [], None, False, False
        for event in self.states:
            if event["state"] in PLANNED:
                if since is not None and seen:
                    expected.append((since, event["from"]))
                since, seen = None, False
                produced = produced or event["state"] == "production"
            elif produced:
                since = event["from"] if since is None else since
                seen = seen or event["state"] not in DARK
        stops = self.told.of("stop")
        told = [(e["from"], e["to"]) for e in stops]
        if told[:len(expected)] != expected or len(told) > len(expected) + 1:
            self.fail("stops", set(expected) ^ set(told))
        for stop in stops:
            if stop["micro"] != (stop["duration_ms"] < self.pace.micro_stop_ms):
                self.fail("micro or not:", stop)
        self.figures.update(stops=len(stops), micro_stops=sum(e["micro"] for e in stops))

    # --- counts ---

    def counters(self):
        return sorted({line["counter"] for line in self.truth.totals})

    def check_totals(self, tag):
        """Whenever the machine stands still for some polls, the total is the true one less what was
        before the first reading. Where the epoch was raised it may lack what was counted between
        the last poll before a reset and that, or whole turns of what wraps every few seconds."""
        changes = [begin for _, _, begin, _ in self.truth.intervals]
        compared = lost = epochs = 0
        difference = epoch = last_ms = None
        for line in self.truth.totals:
            at_ms = line["t_ms"]
            still_ms = at_ms + 2 * self.poll_ms + LATE_MS
            place = bisect.bisect_right(changes, at_ms)
            ends = changes[place] if place < len(changes) else 0
            if line["counter"] != tag or ends <= still_ms or at_ms in self.truth.restarts or \
                    self.is_away(at_ms, still_ms) or self.told.at(tag, still_ms) is None:
                continue
            missing = line["total"] - self.told.at(tag, still_ms)
            before, now = epoch, self.told.at(tag + ".epoch", still_ms)
            if difference is not None and missing != difference:
                most = self.most_lost(tag, last_ms, still_ms)
                if now == before or not 0 < missing - difference <= most:
                    self.fail(tag, "lacks", missing - difference, "at", at_ms, "epoch", before, now,
                              "at most", most)
                lost += missing - difference
            epochs += now != before and before is not None
            difference, epoch, last_ms = missing, now, still_ms
            compared += 1
        self.figures["totals"][tag] = {"compared": compared, "epochs": epochs, "lost": lost}

    def most_lost(self, tag, from_ms, to_ms):
        """By the resets and unseen turns that were told of in a time."""
        most = 0
        for event in self.told.of("counter"):
            if event["tag"] != tag or not from_ms < event["ts"] <= to_ms:
                continue
            place = bisect.bisect_left(self.told.reading_ms, event["ts"])
            blind_ms = event["ts"] - self.told.reading_ms[place - 1]
            if self.is_away(event["ts"], event["ts"]):
                blind_ms += 5000
            most += self.pace.most_per_s(self.told.name) * (blind_ms + LATE_MS) / 1000 * \
                (1 if self.is_away(event["ts"], event["ts"]) else 0.05) + 1
            most += TALLY_MODULUS if event["what"] == "unseen turn" else 0
        return most

    # --- shifts and jobs ---

    def expected_times(self, begin, end):
        times = dict.fromkeys(ALL_TIMES, 0)
        known = 0
        for event in self.around(begin, end):
            ms = max(0, min(event["to"], end) - max(event["from"], begin))
            times[TIMES[event["state"]]] += ms
            known += ms
        times["unknown_ms"] += end - begin - known
        return times

    def check_period(self, event, from_ms, to_ms):
        """Its times and stops are those that were told of, its counts those of the totals."""
        begin, end = event["from"], event["to"]
        times = {name: event[name] for name in ALL_TIMES}
        if sum(times.values()) != event["duration_ms"] or end - begin != event["duration_ms"]:
            self.fail("its times are not its length:", event)
        expected = self.expected_times(begin, end)
        if times != expected:
            self.fail("times", {n: (times[n], expected[n]) for n in times
                                if times[n] != expected[n]}, "in", event)
        stops = [e for e in self.told.of("stop") if begin < e["to"] <= end]
        micro = sum(e["micro"] for e in stops)
        if (event["stops"], event["micro_stops"]) != (len(stops) - micro, micro):
            self.fail("stops", len(stops) - micro, micro, "in", event)
        for counts, tags in COUNTERS.items():
            sums = sum((self.told.at(tag, to_ms) or 0) - (self.told.at(tag, from_ms) or 0)
                       for tag in tags)
            if event[counts] != sums:
                self.fail(counts, "by the totals", sums, "in", event)

    def check_shifts(self):
        """None is missing, and each was told once, or once more as another revision."""
        latest = {}
        for event in self.told.of("shift"):
            before = latest.get(event["shift"], {"revision": 0})
            if event["revision"] != before["revision"] + 1:
                self.fail("a shift was told again:", before, event)
            latest[event["shift"]] = event
        shifts = sorted(latest.values(), key=lambda event: event["to"])
        length_ms = self.pace.shift_minutes * 60000
        for before, after in zip(shifts, shifts[1:]):
            if before["to"] != after["from"]:
                self.fail("a shift is missing between", before, after)
        for event in shifts:
            if event["duration_ms"] != length_ms or event["to"] % length_ms:
                self.fail("not its length:", event)
            if event["to"] <= self.states[-1]["to"]:
                self.check_period(event, event["from"] - 1, event["to"] - 1)
        self.figures["shifts"] = len(shifts)

    def check_jobs(self):
        """Each job of the truth but the last is told once; it ends at the second poll after at the
        latest, with the true counts, where nobody was away."""
        jobs = self.told.of("job")
        most_ms = self.poll_ms + LATE_MS
        truth = [(begin, job, after) for (begin, job), (after, _)
                 in zip(self.truth.jobs, self.truth.jobs[1:])]
        truth = [entry for entry in truth if entry[2] + 3 * most_ms < self.states[-1]["to"]]
        if len(truth) != len(jobs):
            self.fail(len(jobs), "jobs were told of", len(truth), [e["job"] for e in jobs],
                      [job for _, job, _ in truth])
        for before, after in zip(jobs, jobs[1:]):
            if before["to"] != after["from"] or \
                    (after["job"] and before["next"] != after["job"]):
                self.fail("a job is missing between", before, after)
        if self.told.of("format"):
            self.fail("a format that is no job's:", self.told.of("format"))
        exact = 0
        for event, (begin, job, end) in zip(jobs, truth):
            beside = self.is_away(end - most_ms, end + 3 * most_ms)
            if event["job"] != job and not (beside and event["job"] is None):
                self.fail("job", job, "was told as", event)
            if not beside and not 0 <= event["to"] - end <= most_ms:
                self.fail("job", job, "ended at", end, "and was told as", event)
            self.check_period(event, event["from"], event["to"])
            exact += self.check_made(event, begin, end)
        self.figures.update(jobs=len(jobs), jobs_exact=exact)

    def check_made(self, event, begin, end):
        """Good and gross of a whole job are what was truly made; waste is reset now and then."""
        for counts in ("good", "gross"):
            made = 0
            for tag in COUNTERS[counts]:
                totals = [(line["t_ms"], line["total"]) for line in self.truth.totals
                          if line["counter"] == tag and line["at"] == "job end"]
                before = [total for at_ms, total in totals if at_ms <= begin]
                if totals and not before:
                    return 0
                made += [total for at_ms, total in totals if at_ms <= end][-1] - before[-1] \
                    if totals else 0
            if event[counts] != made:
                self.fail("made", made, counts, "in", event)
        return 1

    def hold(self):
        self.check_states()
        self.check_away()
        self.check_stops()
        for tag in self.counters():
            self.check_totals(tag)
        self.check_shifts()
        self.check_jobs()
        raws = self.told.totals.get("tally.raw", ([], []))[1]
        self.figures["wraps"] = sum(after < before for before, after in zip(raws, raws[1:]))
        self.figures["resets"] = sum(e["what"] == "reset" for e in self.told.of("counter"))
        return self.figures


def hold(ledger_path, received_path, away, pace):
    """Raises Wrong where something differs; else figures by machine."""
    with open(ledger_path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    machines = load(received_path)
    return {name: Comparison(told, Truth(lines, name), away, pace).hold()
            for name, told in sorted(machines.items())}


def text_of(figures):
    return "\n".join(f"{name}: {found}" for name, found in figures.items())
