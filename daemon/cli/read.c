/* bindery read: one transaction with one machine, raw words and values. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "decode.h"
#include "read_words.h"
#include "words.h"

struct read_options {
    const char *config;
    int64_t unit, count, timeout_ms, baud;
    const char *type, *order, *scale, *format;
    bool rtu;
};

static const struct read_options defaults = {.unit = 1, .count = 1, .baud = 9600, .format = "8N1"};

/* What is asked: the first value's tag, and where. */
struct question {
    struct tag tag;
    struct link link;
    char *host; /* the link's, where it was given as an address */
    const struct plant *plant;
};

/* The first parser that refuses its word is told of. */
static int parse_tag(const struct read_options *options, const char *at, struct tag *ret_tag)
{
    const char *expected = NULL;
    struct tag *tag = ret_tag;
    *tag = (struct tag){.name = "value", .scale = {.mantissa = 1}, .every_ms = 1000};
    if (parse_at(at, &tag->area, &tag->address, &tag->bit, &expected) < 0)
        return cli_usage(&command_read, "\"%s\" where %s is expected", at, expected);
    bool bit = tag->bit >= 0 || tag->area == AREA_COIL || tag->area == AREA_DISCRETE;
    const char *type = options->type ? options->type : bit ? "bool" : "u16";
    if (parse_type(type, &tag->type, &tag->string_bytes, &expected) < 0)
        return cli_usage(&command_read, "--type: \"%s\" where %s is expected", type, expected);
    if (bit && tag->type != TYPE_BOOL)
        return cli_usage(&command_read, "--type: a bit is a bool, not \"%s\"", type);
    if (options->order && parse_order(options->order, &tag->order, &expected) < 0)
        return cli_usage(&command_read, "--order: \"%s\" where %s is expected", options->order,
                         expected);
    if (options->scale && decimal_parse(options->scale, &tag->scale) < 0)
        return cli_usage(&command_read, "--scale: \"%s\" where a number as 0.1 is expected",
                         options->scale);
    return CLI_OK;
}

static int parse_span(const struct tag *tag, int64_t count, struct span *ret_span)
{
    static const uint8_t functions[] = {
        [AREA_COIL] = 1, [AREA_DISCRETE] = 2, [AREA_INPUT] = 4, [AREA_HOLDING] = 3};
    bool bits = tag->area == AREA_COIL || tag->area == AREA_DISCRETE;
    int64_t most = bits ? MODBUS_MAX_BITS : MODBUS_MAX_WORDS;
    if (count < 1 || count > most || count * tag_width(tag) > most)
        return cli_usage(&command_read, "--count: one transaction reads 1 to %lld %s",
                         (long long)(most / tag_width(tag)), bits ? "bits" : "values of this type");
    if (tag->address + count * tag_width(tag) > 65536)
        return cli_usage(&command_read, "addresses end at 65535");
    *ret_span = (struct span){.function = functions[tag->area],
                              .start = tag->address,
                              .count = (uint16_t)(count * tag_width(tag)),
                              .tag_count = (uint16_t)count,
                              .every_ms = 1000};
    return CLI_OK;
}

static int take_format(const char *text, struct link *link)
{
    if (parse_format(text, &link->data_bits, &link->parity, &link->stop_bits) != 0)
        return cli_usage(&command_read, "--format: \"%s\" where one as 8N1 or 7E1 is expected",
                         text);
    return CLI_OK;
}

static int find_link(const struct read_options *options, const char *name,
                     struct question *question)
{
    int status = cli_load(options->config, &question->plant);
    if (status != CLI_OK)
        return status;
    const struct link *link = plant_link(question->plant, name);
    if (!link) {
        cli_error("no link \"%s\" in the configuration; an address is HOST:PORT, a serial port "
                  "begins with /",
                  name);
        return CLI_FAULT;
    }
    if (link_driver_is_text(link->driver)) {
        cli_error("link %s is of %s: there are no registers to read; its machines' values are in "
                  "bindery watch",
                  name, link_driver_name(link->driver));
        return CLI_FAULT;
    }
    question->link = *link;
    return CLI_OK;
}

/* A name of the configuration has neither slash nor colon. */
static int find_place(const struct read_options *options, const char *place,
                      struct question *question)
{
    struct link *link = &question->link;
    const char *expected = NULL;
    int status = CLI_OK;
    *link = (struct link){.name = place,
                          .driver = options->rtu ? DRIVER_MODBUS_RTU_TCP : DRIVER_MODBUS_TCP,
                          .baud = (uint32_t)options->baud,
                          .timeout_ms = 1000};
    if (place[0] == '/') {
        link->driver = DRIVER_MODBUS_RTU;
        link->device = place;
        status = take_format(options->format, link);
    } else if (strchr(place, ':')) {
        if (parse_host_port(place, 502, &question->host, &link->port, &expected) < 0)
            status = cli_usage(&command_read, "\"%s\" where %s is expected", place, expected);
        link->host = question->host;
    } else {
        status = find_link(options, place, question);
    }
    if (options->timeout_ms)
        link->timeout_ms = options->timeout_ms;
    link->pause_ms = 0;
    link->max_registers = MODBUS_MAX_WORDS;
    return status;
}

static void print_value(struct tag tag, unsigned index, const uint16_t *words)
{
    char text[DECODE_TEXT_BYTES];
    struct sample sample = {0};
    struct text out = {0};
    unsigned width = tag_width(&tag);
    tag.address = (uint16_t)(tag.address + index * width);
    words += (size_t)index * width;

    text_addf(&out, "%s:%u", area_name(tag.area), tag.address);
    if (tag.bit >= 0)
        text_addf(&out, ".%d", tag.bit);
    printf("%-16s", out.data);
    for (unsigned i = 0; i < width; i++)
        printf(" 0x%04X", words[i]);

    text_clear(&out);
    decode_tag(&tag, words, text, &sample);
    if (sample.quality == QUALITY_GOOD)
        value_to_json(&sample.value, &out);
    else
        text_addf(&out, "no value of type %s", tag_type_name(tag.type));
    printf("  %s\n", out.data);
    text_free(&out);
}

static int ask(const struct question *question, const struct read_options *options)
{
    uint16_t words[MODBUS_MAX_BITS] = {0};
    struct span span;
    struct text trouble = {0};
    int status = parse_span(&question->tag, options->count, &span);
    if (status != CLI_OK)
        return status;
    if (read_words(&question->link, (uint8_t)options->unit, &span, words, &trouble) < 0) {
        cli_error("%s", trouble.data);
        status = CLI_FAULT;
    }
    for (unsigned i = 0; status == CLI_OK && i < options->count; i++)
        print_value(question->tag, i, words);
    text_free(&trouble);
    return status;
}

static int run(const void *block, int argc, char **argv)
{
    const struct read_options *options = block;
    if (argc < 2)
        return cli_usage(&command_read, "where and what: %s", command_read.arguments);
    if (options->unit > 255)
        return cli_usage(&command_read, "--unit: 0 to 255");
    struct question question = {0};
    int status = parse_tag(options, argv[1], &question.tag);
    if (status == CLI_OK)
        status = find_place(options, argv[0], &question);
    if (status == CLI_OK)
        status = ask(&question, options);
    free(question.host);
    plant_release(question.plant);
    return status;
}

#define READ_OPTION(field) offsetof(struct read_options, field)

static const struct option_row rows[] = {
    OPTION_CONFIG(struct read_options),
    {"unit", 'u', OPTION_NUMBER, READ_OPTION(unit), "N", "the machine's unit, by default 1"},
    {"type", 't', OPTION_TEXT, READ_OPTION(type), "TYPE",
     "bool u16 s16 u32 s32 u64 s64 f32 f64 bcd16 bcd32 string:N"},
    {"order", 'o', OPTION_TEXT, READ_OPTION(order), "ORDER",
     "ABCD CDAB BADC DCBA, by default ABCD"},
    {"scale", 's', OPTION_TEXT, READ_OPTION(scale), "NUMBER", "value = raw x NUMBER"},
    {"count", 'n', OPTION_NUMBER, READ_OPTION(count), "N", "as many values, one after the other"},
    {"timeout", 0, OPTION_DURATION, READ_OPTION(timeout_ms), "TIME",
     "for an answer, by default the link's or 1s"},
    {"baud", 'b', OPTION_NUMBER, READ_OPTION(baud), "N", "of a serial port, by default 9600"},
    {"format", 'f', OPTION_TEXT, READ_OPTION(format), "8N1", "of a serial port, by default 8N1"},
    {"rtu", 0, OPTION_FLAG, READ_OPTION(rtu), NULL, "RTU frames over TCP (a serial server)"},
    {0},
};

const struct command command_read = {
    .name = "read",
    .arguments = "LINK|HOST:PORT|DEVICE TABLE:ADDRESS",
    .summary = "Reads once from one machine: raw words in hex, and the value",
    .details = "LINK is a link's name in the configuration. TABLE is holding, input, coil or\n"
               "discrete, ADDRESS as on the wire, from 0; holding:100.3 is a bit of a word. A\n"
               "serial port that the daemon has open can't be shared: stop the daemon first.\n"
               "\nExamples:\n"
               "  bindery read press-1 holding:100 --type u32 --order CDAB\n"
               "  bindery read 192.168.1.10:502 --unit 3 holding:100 --count 8\n"
               "  bindery read /dev/ttyUSB0 --baud 19200 --format 8E1 -u 2 input:0\n",
    .options = rows,
    .defaults = &defaults,
    .options_size = sizeof(struct read_options),
    .most_arguments = 2,
    .run = run,
};
