"""Says how much of each parser the corpora reach: coverage.py EXPORT, by llvm-cov export.

A file counts whole, or by those of its functions that see bytes from outside. A function that is
compiled several times, as a harness that includes its file does, counts once, with what any of the
copies reached.
"""
import json
import os
import sys

WHOLE = None
FORWARD, CLI = "daemon/forward/", "daemon/cli/"

PARSERS = {
    "config/words.c": WHOLE,
    "config/phrase.c": WHOLE,
    "config/yaml_tree.c": WHOLE,
    "config/include.c": WHOLE,
    "config/load.c": WHOLE,
    "config/load_fields.c": WHOLE,
    "config/load_link.c": WHOLE,
    "config/load_machine.c": WHOLE,
    "config/load_section.c": WHOLE,
    "config/load_tag.c": WHOLE,
    "config/load_tags.c": WHOLE,
    "config/load_text.c": WHOLE,
    "config/load_uplink.c": WHOLE,
    "config/profile.c": WHOLE,
    "config/profile_parameters.c": WHOLE,
    "config/profile_tags.c": WHOLE,
    "drivers/decode.c": WHOLE,
    "drivers/modbus_frame.c": WHOLE,
    "drivers/modbus_pdu.c": WHOLE,
    "drivers/modbus_plan.c": WHOLE,
    "drivers/modbus_tcp.c": ("receive", "drop", "search", "await", "modbus_tcp_answer",
                             "modbus_tcp_answer_pdu", "modbus_tcp_discard"),
    "drivers/modbus_line.c": ("modbus_line_read", "distrust", "quiet_at", "count_strays", "settle",
                              "ask", "ended", "exchange", "mark_sample", "add_samples",
                              "modbus_line_poll"),
    "drivers/modbus_rtu.c": ("frame_length", "hear_length", "rtu_hear"),
    "drivers/modbus_ascii.c": ("drop", "drop_noise", "read_more", "take_answer", "ascii_hear"),
    "drivers/text_frame.c": WHOLE,
    "drivers/text_reader.c": WHOLE,
    "drivers/text_value.c": WHOLE,
    "drivers/serial_text.c": ("read_chunk", "hear", "settle", "answer_line", "exchange",
                              "poll_asked", "hear_now", "poll_heard", "text_poll"),
    "daemon/base/pattern.c": WHOLE,
    "daemon/base/decimal.c": WHOLE,
    "daemon/base/hex.c": WHOLE,
    "daemon/base/record.c": WHOLE,
    "daemon/base/record_reader.c": WHOLE,
    "daemon/control.c": ("read_line", "answer", "answer_status", "answer_values", "answer_metrics",
                         "write_all", "serve_client", "control_serve"),
    "daemon/transact.c": ("parse", "transact_begin", "transact_finish", "answer"),
    CLI + "guess_keep.c": WHOLE,
    CLI + "scan_units.c": WHOLE,
    FORWARD + "body.c": ("body_unpack",),
    FORWARD + "mqtt_client.c": ("on_trace", "on_tls_error", "put_refused", "on_refused",
                                "on_refused5", "put_connected", "on_connected", "property",
                                "on_connected5", "on_acknowledgement", "put_taken",
                                "on_not_taken5", "on_not_subscribed", "on_not_subscribed5",
                                "on_arrived"),
    FORWARD + "mqtt_words.c": WHOLE,
    FORWARD + "payload_json.c": ("payload_json_reading", "payload_json_gap", "add_values",
                                 "add_bad", "add_reading_time", "add_name", "add_key",
                                 "is_told"),
    FORWARD + "ranges.c": WHOLE,
    FORWARD + "round.c": WHOLE,
    FORWARD + "secret.c": WHOLE,
    FORWARD + "store_mark.c": ("take_number", "store_mark_parse"),
    FORWARD + "tls_words.c": WHOLE,
    FORWARD + "window.c": WHOLE,
    FORWARD + "wreck.c": WHOLE,
    FORWARD + "wreck_page.c": WHOLE,
    FORWARD + "wreck_rows.c": WHOLE,
    CLI + "node.c": WHOLE,
    CLI + "sim_plant.c": ("sim_bus_answer", "find_unit", "has_addresses", "first_point",
                          "fill_point", "fill_words"),
    CLI + "sim_server.c": ("parse", "answer", "answer_all"),
    CLI + "status_view.c": WHOLE,
    CLI + "verify_book.c": WHOLE,
    CLI + "verify_ledger.c": WHOLE,
    CLI + "verify_report.c": WHOLE,
    CLI + "watch_view.c": WHOLE,
}


def parser_of(function):
    """The parser's path if the function belongs to one, else None."""
    path = os.path.relpath(function["filenames"][0])
    name = function["name"].rsplit(":", 1)[-1]
    functions = PARSERS.get(path, ())
    return path if functions is WHOLE or name in functions else None


def gather(functions):
    """For each parser: line -> count and branch's place -> counts, the highest of all copies."""
    lines = {path: {} for path in PARSERS}
    branches = {path: {} for path in PARSERS}
    for function in functions:
        path = parser_of(function)
        if not path:
            continue
        # A smaller region comes after the one it lies in, and says more exactly.
        own = {}
        for start, _, end, _, count, file, _, kind in function["regions"]:
            if file == 0 and kind == 0:
                own.update(dict.fromkeys(range(start, end + 1), count))
        for line, count in own.items():
            lines[path][line] = max(count, lines[path].get(line, 0))
        for branch in function["branches"]:
            place, counts = tuple(branch[:4]), branch[4:6]
            if branch[6] == 0:
                before = branches[path].get(place, (0, 0))
                branches[path][place] = tuple(map(max, counts, before))
    return lines, branches


def percent(reached, count):
    return f"{100 * reached / count:6.1f} %" if count else "     - %"


def print_row(name, lines, branches):
    reached = sum(count > 0 for count in lines)
    outcomes = [count for branch in branches for count in branch]
    taken = sum(count > 0 for count in outcomes)
    print(f"{name:32} {reached:5}/{len(lines):<5} {percent(reached, len(lines))}"
          f" {taken:6}/{len(outcomes):<5} {percent(taken, len(outcomes))}")


def main():
    with open(sys.argv[1], encoding="utf-8") as export:
        lines, branches = gather(json.load(export)["data"][0]["functions"])
    print(f"{'parser':32} {'lines':>11} {'':8} {'branches':>12}")
    for path in PARSERS:
        if lines[path]:
            print_row(path, lines[path].values(), branches[path].values())
    print_row("all", [count for each in lines.values() for count in each.values()],
              [counts for each in branches.values() for counts in each.values()])
    print("\nnever taken (file:line:column, which way):")
    for path in PARSERS:
        for place, counts in sorted(branches[path].items()):
            for way, count in zip(("true", "false"), counts):
                if count == 0:
                    print(f"  {path}:{place[0]}:{place[1]} {way}")


if __name__ == "__main__":
    main()
