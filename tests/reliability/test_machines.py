"""The machine side of the catalogue: one machine over Modbus TCP, one over RTU and one over
RTU-over-TCP misbehave at the same time, and each has a healthy neighbour, on its own link or on
another."""
import math
import time

import machine_faults as faults
from harness import wait_for
from machine_case import BACKOFF_LEAST_S, KINDS, MachineCase
from machine_registers import Registers
from machines import MARGIN_S
from oracle import PROOFS


class Machines(MachineCase):
    def test_a_silent_machine_times_out_and_costs_its_neighbours_little(self):
        self.build()
        self.start()
        self.wait_fair()
        begin = self.behave(faults.silent)
        for name in self.faulty:
            self.gw.wait_log(rf"machine {name}: no valid answer \(timeout\)")
            self.wait_bad(name, ["timeout"])
        end = self.pass_time(2.2, self.near["tcp"])
        for near in self.near.values():
            self.assert_cadence(near, begin, end)
        for silent in self.faulty.values():
            asked = len(silent.asked_between(begin, end))
            pause_s = BACKOFF_LEAST_S if self.shared else self.timeout_ms / 1000
            self.assertLessEqual(asked, 2 + (end - begin) / pause_s, silent.name)
        self.heal()
        self.wait_fair()
        for name, link in self.links().items():
            self.assertGreaterEqual(link["timeouts"], 0 if name.endswith("-near") else 1, name)
        self.finish()

    def test_a_byte_every_100_ms_meets_a_deadline_of_the_whole(self):
        self.build()
        self.spoil_some([faults.dribble], rounds=1 if self.shared else 2)
        self.finish()
        for name, dribbling in self.faulty.items():
            for request in dribbling.spoilt:
                told_ms = request.answer.wall_ms + self.timeout_ms
                busy_s = self.floor.busy.between(request.earliest, request.at + 1)
                if busy_s > 0.2:  # enough for a time-out to come after the whole answer
                    continue
                self.assertTrue([e for e in self.bad_since(name, told_ms - 50)
                                 if e.content["ts"] < told_ms + 400 + 1000 * busy_s], name)

    def test_the_answer_to_another_question_is_discarded_and_counted(self):
        self.build()
        begin, end = self.spoil_some([faults.other_unit, faults.other_transaction,
                                      faults.other_function, faults.other_length])
        links = self.links()
        self.finish()
        for name, liar in self.faulty.items():
            self.wait_bad(name, ["timeout", "frame"])
            self.assertGreaterEqual(links[name]["discarded"], len(liar.spoilt), name)
            self.assert_cadence(self.near[name], begin, end)

    def test_garbage_and_what_is_too_short_or_too_long_is_got_over(self):
        self.build()
        begin, end = self.spoil_some([faults.garbage, faults.truncated, faults.oversized],
                                     rounds=3 if not self.shared else 2)
        for name, damaged in self.faulty.items():
            self.assertLessEqual(self.lines[name].opened, 1 + len(damaged.spoilt), name)
            if not self.shared:  # a connection that is closed is closed to all behind it
                self.assert_cadence(self.near[name], begin, end)
        self.finish()

    def test_an_exception_is_a_quality_and_never_a_storm(self):
        self.build()
        odd = [0] + self.random.sample(range(12, 256), 3)
        codes = [code for code in range(1, 12) if code != 2] + odd
        self.random.shuffle(codes)

        def refuse(request):
            """Each code once, and at last that there is no such address, for ever."""
            number = len(request.machine.spoilt)
            faults.exception(request, codes[number] if number < len(codes) else 2)

        self.start()
        self.wait_fair()
        begin = self.behave(refuse)
        self.wait_spoilt(len(codes))
        end = time.monotonic()
        self.pass_time(0.5, self.near["tcp"])
        for name, refusing in self.faulty.items():
            self.wait_bad(name, ["exception:2"])
            last = refusing.spoilt[len(codes) - 1].at
            asked = len(refusing.asked_between(begin, last))
            self.assertLessEqual(asked, (last - begin) * 1000 / self.every_ms * 1.25 + 3, name)
            self.assert_cadence(self.near[name], begin, end)
            asked = len(refusing.asked_between(last, time.monotonic()))
            polls = (time.monotonic() - last) * 1000 / self.every_ms + 2
            self.assertLessEqual(asked, 2 * PROOFS + polls * (PROOFS + 1), name)
        self.finish()
        for name, refusing in self.faulty.items():
            told = {why for entry in self.bad_since(name) for why in entry.bad.values()}
            for code, request in zip(codes, refusing.spoilt):
                self.assertTrue((f"exception:{code}" if code else "frame") in told or
                                self.floor.busy.near(request.at, 1), f"{name}: {code}")

    def test_a_connection_reset_in_a_frame_is_made_again_with_backoff(self):
        self.build()
        self.start()
        self.wait_fair()
        begin, wall_ms = self.behave(faults.reset), time.time() * 1000
        self.wait_spoilt(1)
        for name in self.faulty:
            self.wait_bad(name, ["link"], int(wall_ms))
            self.gw.wait_log(rf"link {name}: .*, next try in \d+ ms")
        end = self.pass_time(1.5, self.near["tcp"]) if not self.shared else time.monotonic()
        for name, cut in self.faulty.items():
            self.assertLessEqual(len(cut.asked_between(begin, end)),
                                 2 + (end - begin) / BACKOFF_LEAST_S, name)
            if not self.shared:
                self.assert_cadence(self.near[name], begin, end)
        self.heal()
        self.wait_fair(seconds=10)
        self.finish()

    def test_an_unplugged_adapter_is_opened_again_at_the_same_path(self):
        self.build()
        self.start()
        self.wait_fair()
        time.sleep(self.random.uniform(0, 0.1))  # anywhere in a poll
        wall_ms = time.time() * 1000
        for name in self.random.sample(KINDS, 3):
            self.floor.call(self.lines[name].unplug)
        for name in KINDS:
            self.wait_bad(name, ["link"], int(wall_ms))
            self.gw.wait_log(rf"link {name}: .*, next try in \d+ ms")
        time.sleep(self.random.uniform(0, 0.8))
        for name in self.random.sample(KINDS, 3):
            self.floor.call(self.lines[name].plug)
        self.wait_fair(seconds=10)
        before, after = self.lines["rtu"].terminals
        self.assertNotEqual(before, after)
        for name, link in self.links().items():
            self.assertTrue(link["up"], name)
        self.finish()

    def test_a_device_that_accepts_and_closes_is_not_stormed(self):
        self.build(shared=False)
        self.start()
        self.wait_fair()
        hard = self.random.random() < 0.5

        def turn_away():
            for name in ("tcp", "over"):
                self.lines[name].on_accept = lambda wire: wire.cut(hard)
                for wire in list(self.lines[name].wires):
                    wire.cut(hard)
            self.lines["rtu"].unplug()  # the nearest to it: a path that leads nowhere
            return {name: self.lines[name].opened for name in KINDS}

        begin, before = time.monotonic(), self.floor.call(turn_away)
        end = self.pass_time(1.8, self.near["tcp"])
        for name in ("tcp", "over"):
            tried = self.lines[name].opened - before[name]
            self.assertGreaterEqual(tried, 1, name)
            self.assertLessEqual(tried, 2 + (end - begin) / BACKOFF_LEAST_S, name)
        for near in self.near.values():
            self.assert_cadence(near, begin, end)

        def let_in():
            for name in ("tcp", "over"):
                self.lines[name].on_accept = None
            self.lines["rtu"].plug()
            return True

        self.floor.call(let_in)
        self.wait_fair(seconds=10)
        self.finish()

    def test_a_device_that_closes_after_each_answer_is_read_all_the_same(self):
        self.build(shared=False)
        self.start()
        begin = self.behave(faults.parting)
        self.wait_spoilt(3)
        self.wait_fair(1)
        end = time.monotonic()
        self.assert_cadence(self.faulty["tcp"], begin, end)
        for near in self.near.values():
            self.assert_cadence(near, begin, end)
        self.finish()
        self.assertNotIn("link", self.whys("tcp"))


class SlowAnswers(MachineCase):
    timeout_ms = 500

    def test_slow_answers_are_taken(self):
        self.build(shared=False)
        self.spoil_some([faults.slow], 0.8, legal=KINDS)
        self.finish()


class CrowdedAnswers(MachineCase):
    timeout_ms = 400  # what is read after a time-out could pass for the next request's

    def test_frames_before_and_behind_the_answer_are_never_taken(self):
        self.build()
        self.spoil_some([faults.crowd, faults.crowd_with_the_next],
                        rounds=2 if self.shared else 3, legal=["tcp"])
        self.finish()


class Answers(MachineCase):
    def test_answers_in_pieces_are_put_together(self):
        self.build()
        self.spoil_some([faults.pieces], 0.8, 6, legal=KINDS)
        self.finish()

    def test_noise_on_a_line_is_dropped_and_its_rate_seen(self):
        self.build(shared=False)
        self.spoil_some([faults.noise], self.random.uniform(0.01, 0.3), 1)
        self.behave(faults.now_and_then(self.random.uniform(0.01, 0.3), [faults.noise], 0))
        self.pass_time(1.5, self.near["tcp"])
        self.heal()
        self.wait_fair()
        asked = {name: len(each.requests) for name, each in self.faulty.items()}
        links = self.links()
        self.finish()
        for name in ("rtu", "over"):
            noises, link = len(self.faulty[name].spoilt), links[name]
            self.assertGreaterEqual(link["discarded"], noises, name)
            # a frame, and its rest
            self.assertLessEqual(link["discarded"], 2 * noises + link["timeouts"], name)
            self.assertGreaterEqual(link["requests"], asked[name] - 1, name)
            beside = links[f"{name}-near"]
            self.assertLessEqual(beside["discarded"], beside["timeouts"], name)

    def mix_up(self, request):
        """Two answers, each on the other's connection or line, while both are waited for."""
        kind = request.line.name.split("-")[0]
        other = self.held.pop(kind, None)
        if not other or other.wire is request.wire or other.age > self.floor.timeout_s - MARGIN_S:
            self.held[kind] = request
            return
        for one, two in ((request, other), (other, request)):
            one.spoil()
            faults.happened(one, self.mix_up)
            one.wire.say([(0, two.frame())])

    def test_answers_that_a_server_mixes_up_between_connections_are_not_taken(self):
        """Two links to one server; two serial lines with their wires crossed."""
        self.build(shared=False)
        links = []
        for kind in KINDS:
            line, beside = self.lines[kind], self.near[kind].line
            links.append(line.link(timeout="200ms"))
            links.append({**(line if kind != "rtu" else beside).link(timeout="200ms"),
                          "name": beside.name})
            line.units.update(beside.units)
        self.start(links)
        self.wait_fair()
        self.held = {}
        self.behave(self.mix_up, self.floor.machines.values())
        self.wait_spoilt(3)
        self.heal(self.floor.machines.values())
        self.wait_fair()
        self.finish()

    def test_connections_to_one_unit_have_transactions_of_their_own(self):
        """What a server mixes up between them can be told by nothing else."""
        line, unit = self.line("tcp", "tcp"), self.random.randint(1, 247)
        self.faulty = {name: self.machine(name, line, unit, start=start)
                       for name, start in (("one", 0), ("two", 100))}
        links = [{**line.link(timeout="200ms"), "name": name} for name in self.faulty]
        for name, each in self.faulty.items():
            each.link = name
        self.start(links)
        self.wait_fair()
        self.held = {}
        self.behave(self.mix_up)
        self.wait_spoilt(4)
        self.heal()
        self.wait_fair()
        self.finish()


class LateAnswers(MachineCase):
    timeout_ms = 300

    def test_a_late_answer_is_never_taken_for_the_next(self):
        self.build(shared=self.random.random() < 0.3)
        self.start()
        rows = {}

        def behave(request):
            """Several in a row, and then some in time."""
            rows.setdefault(request.machine.name, [])
            row = rows[request.machine.name]
            if not row:
                chance = request.machine.random
                row += [faults.late] * chance.randint(1, 1 if self.shared else 4)
                row += [lambda r: r.tell()] * chance.randint(1, 3)
            row.pop(0)(request)

        self.behave(behave)
        self.wait_spoilt(self.rounds())
        for name in self.faulty:
            self.wait_bad(name, ["timeout"])
        self.heal()
        self.wait_fair()
        self.finish()


class Plans(MachineCase):
    """What is asked for, by machines whose every register changes from request to request."""

    def build_registers(self, illegal):
        tags, options = {}, {"max_registers": self.random.randint(4, 20),
                             "gap": self.random.randint(0, 8)}
        for kind in KINDS:
            line, units = self.line(kind, kind), self.random.sample(range(1, 248), 2)
            registers = Registers(kind, self.random, illegal)
            self.oracle.registers[kind] = registers
            self.faulty[kind] = self.machine(kind, line, units[0], image=registers.answer)
            self.near[kind] = self.machine(f"{kind}-near", line, units[1])
            tags[kind] = registers.tags
        self.shared = True
        self.start(None, tags, **options)

    def wait_polled(self, times):
        wait_for(lambda: all(self.oracle.registers[kind].polled() >= times for kind in KINDS), 20,
                 "polls of each register")

    def test_a_value_of_several_words_is_read_in_one_request(self):
        self.build_registers(illegal=0)
        self.wait_polled(8)
        for kind in KINDS:
            registers = self.oracle.registers[kind]
            self.assertEqual(registers.split, [], kind)
            wait_for(lambda r=registers, k=kind: set(self.receiver.latest(k)[0]) == r.names(), 15,
                     f"values of all registers of {kind}")
        self.finish()

    def test_an_address_that_is_not_there_costs_only_its_register(self):
        self.build_registers(illegal=self.random.randint(1, 3))
        for kind in KINDS:
            there, missing = (self.oracle.registers[kind].names(gone) for gone in (False, True))

            def told(k=kind, there=there, missing=missing):
                values, bad = self.receiver.latest(k)
                return set(values) == there and bad == dict.fromkeys(missing, "exception:2")
            wait_for(told, 20, f"{kind}: {missing} bad and the others good")
        began, asked = time.monotonic(), {k: len(m.requests) for k, m in self.faulty.items()}
        self.wait_polled(4)
        end = self.pass_time(0.5, self.near["tcp"])
        polls = math.ceil((end - began) * 1000 / self.every_ms) + 2
        for kind, machine_asked in self.faulty.items():
            registers = self.oracle.registers[kind]
            self.assertLessEqual(len(machine_asked.requests) - asked[kind],
                                 polls * len(registers.tags), kind)
            self.assertEqual(registers.split, [], kind)
        self.finish()


class Fuzz(MachineCase):
    def test_any_fault_at_random_in_any_answer(self):
        self.every_ms = self.random.choice([50, 100])
        self.build()
        self.start()
        rate = self.random.uniform(0.2, 0.8)
        self.behave(faults.now_and_then(rate, faults.ALL, self.random.randint(1, 4)))
        wait_for(lambda: sum(len(m.spoilt) for m in self.faulty.values()) >=
                 (8 if self.shared else 20), 40, "faults")
        self.heal()
        self.wait_fair()
        self.finish()
