/* bindery read: one transaction with one machine, raw words and values. */
#include "cli.h"
#include "modbus_ask.h"
#include "modbus_tag.h"

struct read_options {
    struct modbus_place place;
    struct modbus_what what;
    int64_t unit, count;
};

static const struct read_options defaults = {.unit = 1, .count = 1};

static int check_count(const struct tag *tag, int64_t count)
{
    bool bits = modbus_tag_is_bit(tag);
    int64_t most = (bits ? MODBUS_MAX_BITS : MODBUS_MAX_WORDS) / tag_width(tag);
    if (count < 1 || count > most)
        return cli_usage(&command_read, "--count: one transaction reads 1 to %lld %s",
                         (long long)most, bits ? "bits" : "values of this type");
    if (tag->address + count * tag_width(tag) > 65536)
        return cli_usage(&command_read, "addresses end at 65535");
    return CLI_OK;
}

static void print_values(struct tag tag, int64_t count, const uint16_t *words)
{
    for (int64_t i = 0; i < count; i++) {
        modbus_tag_print(&tag, words);
        tag.address = (uint16_t)(tag.address + tag_width(&tag));
        words += tag_width(&tag);
    }
}

static int ask(struct modbus_ask *ask, const struct tag *tag, const struct read_options *options)
{
    uint16_t words[MODBUS_MAX_BITS] = {0};
    const struct span span = modbus_tag_span(tag, (uint16_t)options->count);
    int result = modbus_ask_read(ask, (uint8_t)options->unit, &span, words);
    if (result != 0) {
        struct text trouble = {0};
        modbus_ask_explain(ask, (uint8_t)options->unit, result, &trouble);
        cli_error("%s", trouble.data);
        text_free(&trouble);
        return CLI_FAULT;
    }
    print_values(*tag, options->count, words);
    return CLI_OK;
}

static int run(const void *block, int argc, char **argv)
{
    const struct read_options *options = block;
    struct modbus_ask *place = NULL;
    struct tag tag;
    if (argc < 2)
        return cli_usage(&command_read, "where and what: %s", command_read.arguments);
    if (options->unit > 255)
        return cli_usage(&command_read, "--unit: 0 to 255");
    int status = modbus_tag_parse(&command_read, &options->what, argv[1], &tag);
    if (status == CLI_OK)
        status = check_count(&tag, options->count);
    if (status == CLI_OK)
        status = modbus_ask_new(&command_read, &options->place, argv[0], &place);
    if (status == CLI_OK)
        status = ask(place, &tag, options);
    modbus_ask_free(place);
    return status;
}

static const struct option_row rows[] = {
    {"unit", 'u', OPTION_NUMBER, offsetof(struct read_options, unit), "N",
     "the machine's unit, by default 1"},
    MODBUS_WHAT_ROWS(struct read_options),
    {"count", 'n', OPTION_NUMBER, offsetof(struct read_options, count), "N",
     "as many values, one after the other"},
    MODBUS_PLACE_ROWS(struct read_options),
    {0},
};

const struct command command_read = {
    .name = "read",
    .arguments = "LINK|HOST:PORT|DEVICE TABLE:ADDRESS",
    .summary = "Reads once from one machine: raw words in hex, and the value",
    .details = "LINK is a link's name in the configuration; where the daemon runs it is asked\n"
               "through it, between two polls. TABLE is holding, input, coil or discrete,\n"
               "ADDRESS as on the wire, from 0; holding:100.3 is a bit of a word.\n"
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
