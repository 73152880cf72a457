/* bindery scan: which units answer on a line or at an address. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "clock.h"
#include "memory.h"
#include "modbus_ask.h"
#include "modbus_pdu.h"
#include "progress.h"
#include "scan_port.h"
#include "scan_units.h"

struct scan_options {
    struct modbus_place place;
    const char *units;
    bool all, json;
};

enum {
    DEVICE_TIMEOUT_MS = 200,
    ADDRESS_TIMEOUT_MS = 500,
    LIKELY_UNIT = 10, /* up to here settings are tried; most machines have a low number */
    HIGHEST_UNIT = 247,
    MOST_IDENTITY_ANSWERS = 3,
    GATEWAY_PATH =
        10, /* exceptions that a gateway gives in the place of a unit that is not there */
    GATEWAY_TARGET = 11,
};

struct found {
    struct link link; /* with the settings of the moment */
    struct modbus_identity identity;
    int64_t took_ms;
    int result; /* 0, or the exception's code */
    uint8_t unit;
};

struct scan {
    const struct scan_options *options;
    struct modbus_ask *ask;
    bool units[SCAN_UNITS];
    struct found *found;
    size_t found_count;
    unsigned damaged; /* answers that were none */
    unsigned closed;  /* connections, in the place of an answer */
    uint64_t done, whole;
    struct progress progress;
};

static size_t count_units(const bool units[SCAN_UNITS], int last)
{
    size_t count = 0;
    for (int unit = 0; unit <= last; unit++)
        count += units[unit];
    return count;
}

static void add_settings(const struct link *link, struct text *out)
{
    text_addf(out, "%s, ", link_driver_name(link->driver));
    cli_add_place(out, link);
}

static void tell_progress(struct scan *scan, int unit)
{
    struct text what = {0};
    add_settings(modbus_ask_link(scan->ask), &what);
    text_addf(&what, ", unit %d", unit);
    progress_tell(&scan->progress, what.data, scan->done, scan->whole);
    text_free(&what);
}

/* Many have none, and some are silent at such a question. */
static void ask_identity(struct modbus_ask *ask, struct found *found)
{
    uint8_t request[MODBUS_IDENTITY_PDU], pdu[MODBUS_MAX_PDU];
    int next = 0;
    for (int i = 0; i < MOST_IDENTITY_ANSWERS && (i == 0 || next > 0); i++) {
        size_t length = modbus_build_identity((uint8_t)next, request);
        int result = modbus_ask_transact(ask, found->unit, request, length, pdu);
        next = result > 0 ? modbus_take_identity(pdu, (size_t)result, &found->identity) : -1;
    }
}

/* One register is read: that changes nothing, and a refusal is an answer as well. */
static int probe(struct scan *scan, uint8_t unit)
{
    const struct span span = {.function = 3, .start = 0, .count = 1};
    uint16_t word;
    int64_t began_ns = clock_mono_ns();
    int result = modbus_ask_read(scan->ask, unit, &span, &word);
    bool closed = result == -ECONNRESET || result == -EPIPE;
    scan->damaged += result == -EBADMSG;
    scan->closed += closed;
    if (result < 0)
        return closed || result == -ETIMEDOUT || result == -EBADMSG ? 0 : result;
    if (result == GATEWAY_PATH || result == GATEWAY_TARGET)
        return 0;
    scan->found = mem_resize(scan->found, (scan->found_count + 1) * sizeof(*scan->found));
    struct found *found = &scan->found[scan->found_count++];
    *found = (struct found){.link = *modbus_ask_link(scan->ask),
                            .took_ms = (clock_mono_ns() - began_ns) / NS_PER_MS,
                            .result = result,
                            .unit = unit};
    ask_identity(scan->ask, found);
    return 0;
}

/* 0, or negative errno where the place itself fails. */
static int probe_units(struct scan *scan, int first, int last)
{
    for (int unit = first; unit <= last; unit++) {
        if (!scan->units[unit])
            continue;
        tell_progress(scan, unit);
        int error = probe(scan, (uint8_t)unit);
        if (error < 0)
            return error;
        scan->done++;
    }
    return 0;
}

static void complain(const struct scan *scan, int error)
{
    struct text trouble = {0};
    modbus_ask_explain(scan->ask, 0, error, &trouble);
    cli_error("%s", trouble.data);
    text_free(&trouble);
}

/* Tries settings until something answers; with these the rest of the units is asked. */
static int search(struct scan *scan)
{
    size_t ports = scan_port_count(&scan->options->place);
    int likely = scan->options->units == NULL && ports > 1 ? LIKELY_UNIT : UINT8_MAX;
    scan->whole = ports * count_units(scan->units, likely);
    for (size_t i = 0; i < ports; i++) {
        struct link link = *modbus_ask_link(scan->ask);
        size_t before = scan->found_count;
        scan_port_use(&scan->options->place, i, &link);
        modbus_ask_use(scan->ask, &link);
        int error = probe_units(scan, 0, likely);
        if (error == -EINVAL && ports > 1) /* an adapter that has no such rate */
            continue;
        if (error < 0)
            return error;
        if (scan->found_count == before)
            continue;
        scan->whole =
            scan->done + count_units(scan->units, UINT8_MAX) - count_units(scan->units, likely);
        error = likely < UINT8_MAX ? probe_units(scan, likely + 1, UINT8_MAX) : 0;
        if (error < 0 || !scan->options->all)
            return error;
        scan->whole = scan->done + (ports - i - 1) * count_units(scan->units, likely);
    }
    return 0;
}

static int probe_all(struct scan *scan)
{
    const struct link *link = modbus_ask_link(scan->ask);
    if (link->device != NULL && !modbus_ask_is_configured(scan->ask))
        return search(scan);
    scan->whole = count_units(scan->units, UINT8_MAX);
    return probe_units(scan, 0, UINT8_MAX);
}

static void print_json(const struct scan *scan)
{
    struct text out = {0};
    text_add(&out, "{\"units\":[");
    for (size_t i = 0; i < scan->found_count; i++) {
        const struct found *found = &scan->found[i];
        const struct modbus_identity *identity = &found->identity;
        const char *const fields[][2] = {{"vendor", identity->vendor},
                                         {"product", identity->product},
                                         {"revision", identity->revision}};
        text_addf(&out, "%s{\"unit\":%u,\"driver\":\"%s\",", i ? "," : "", found->unit,
                  link_driver_name(found->link.driver));
        if (found->link.device)
            text_addf(&out, "\"baud\":%u,\"format\":\"%u%c%u\",", found->link.baud,
                      found->link.data_bits, found->link.parity, found->link.stop_bits);
        text_addf(&out, "\"exception\":%d,\"took_ms\":%" PRId64, found->result, found->took_ms);
        for (size_t j = 0; j < sizeof(fields) / sizeof(fields[0]); j++) {
            text_addf(&out, ",\"%s\":", fields[j][0]);
            if (fields[j][1][0] != '\0')
                text_add_json(&out, fields[j][1], strlen(fields[j][1]));
            else
                text_add(&out, "null");
        }
        text_add(&out, "}");
    }
    text_add(&out, "]}\n");
    fputs(out.data, stdout);
    text_free(&out);
}

static void print_found(const struct found *found)
{
    const struct modbus_identity *identity = &found->identity;
    char answer[24] = "a value";
    if (found->result > 0)
        snprintf(answer, sizeof(answer), "exception %d", found->result);
    printf("%4u  %-14s %4" PRId64 " ms  %s%s%s%s%s\n", found->unit, answer, found->took_ms,
           identity->vendor, identity->product[0] ? " " : "", identity->product,
           identity->revision[0] ? " " : "", identity->revision);
}

static void print_table(const struct scan *scan)
{
    struct text settings = {0}, before = {0};
    for (size_t i = 0; i < scan->found_count; i++) {
        text_clear(&settings);
        add_settings(&scan->found[i].link, &settings);
        if (i == 0 || strcmp(settings.data, before.data) != 0)
            printf("%s\nunit  %-14s %7s  identity\n", settings.data, "answers with", "after");
        text_clear(&before);
        text_add(&before, settings.data);
        print_found(&scan->found[i]);
    }
    if (scan->found_count == 0)
        puts("no unit answers");
    text_free(&settings);
    text_free(&before);
}

/* What may have kept units out of the list. */
static void warn(const struct scan *scan)
{
    if (scan->damaged > 0)
        cli_warn("%u answers were damaged or answered something else: other settings may be "
                 "right, or two units have one number",
                 scan->damaged);
    else if (modbus_ask_late(scan->ask) > 0)
        cli_warn("%u answers came too late, and who gave them is not listed: a longer --timeout "
                 "shows them",
                 modbus_ask_late(scan->ask));
    if (scan->closed > 0)
        cli_warn("%u times the connection was closed in the place of an answer: is it Modbus?",
                 scan->closed);
}

/* A number of 0 speaks to all on a line, and none answers. */
static int choose_units(struct scan *scan)
{
    bool tcp = modbus_ask_link(scan->ask)->driver == DRIVER_MODBUS_TCP;
    const char *units = scan->options->units;
    if (units == NULL)
        units = tcp ? "0-247,255" : "1-247";
    if (scan_units_parse(units, tcp ? 0 : 1, tcp ? UINT8_MAX : HIGHEST_UNIT, scan->units) == 0)
        return CLI_OK;
    return cli_usage(&command_scan, "--units: \"%s\" where a list as 1-32,40 is expected, %s",
                     units, tcp ? "0 to 255" : "1 to 247");
}

/* There are many to wait for. */
static void choose_timeout(struct scan *scan)
{
    struct link link = *modbus_ask_link(scan->ask);
    if (scan->options->place.timeout_ms != 0 || modbus_ask_is_configured(scan->ask))
        return;
    link.timeout_ms = link.device != NULL ? DEVICE_TIMEOUT_MS : ADDRESS_TIMEOUT_MS;
    modbus_ask_use(scan->ask, &link);
}

static int probe_and_print(struct scan *scan)
{
    choose_timeout(scan);
    progress_begin(&scan->progress);
    int error = probe_all(scan);
    progress_clear(&scan->progress);
    if (error < 0)
        complain(scan, error);
    /* Who answered before that is known all the same. */
    if (error == 0 || scan->found_count > 0)
        (scan->options->json ? print_json : print_table)(scan);
    warn(scan);
    return error == 0 && scan->found_count > 0 ? CLI_OK : CLI_FAULT;
}

static int run(const void *block, int argc, char **argv)
{
    const struct scan_options *options = block;
    struct scan scan = {.options = options};
    if (argc < 1)
        return cli_usage(&command_scan, "where: %s", command_scan.arguments);
    int status = modbus_ask_new(&command_scan, &options->place, argv[0], &scan.ask);
    if (status == CLI_OK)
        status = choose_units(&scan);
    if (status == CLI_OK)
        status = probe_and_print(&scan);
    modbus_ask_free(scan.ask);
    free(scan.found);
    return status;
}

static const struct option_row rows[] = {
    {"units", 0, OPTION_TEXT, offsetof(struct scan_options, units), "LIST",
     "as 1-32,40; by default all there may be"},
    {"all", 0, OPTION_FLAG, offsetof(struct scan_options, all), NULL,
     "on a serial port: try all settings, also after some answered"},
    {"json", 0, OPTION_FLAG, offsetof(struct scan_options, json), NULL, "the result as JSON"},
    MODBUS_PLACE_ROWS(struct scan_options),
    {0},
};

const struct command command_scan = {
    .name = "scan",
    .arguments = "LINK|HOST[:PORT]|DEVICE",
    .summary = "Finds which units answer on a line or at an address",
    .details =
        "Reads one holding register of each unit, which changes nothing; a refusal is an answer\n"
        "too. A DEVICE is tried with one setting of baud, format and framing after the other,\n"
        "the likeliest first, until one brings an answer; --baud, --format, --rtu and --ascii\n"
        "narrow that down. A LINK that the running daemon has is asked through it, where its\n"
        "polls leave room.\n"
        "By default an answer has 200 ms on a DEVICE and 500 ms at a HOST; behind a gateway that\n"
        "waits longer itself for a unit that is not there, --timeout should be longer than that.\n"
        "Exit status 1: no unit answers.\n"
        "\nExamples:\n"
        "  bindery scan /dev/ttyUSB0\n"
        "  bindery scan /dev/ttyUSB0 --baud 9600 --units 1-32 --all\n"
        "  bindery scan 192.168.1.10 --units 0-10,255\n"
        "  bindery scan press-bus --json\n",
    .options = rows,
    .options_size = sizeof(struct scan_options),
    .most_arguments = 1,
    .run = run,
};
