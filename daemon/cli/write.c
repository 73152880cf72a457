/* bindery write: one value into one machine, after showing what it would be. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "hex.h"
#include "modbus_ask.h"
#include "modbus_pdu.h"
#include "modbus_tag.h"
#include "write_value.h"

enum { MOST_WORDS = 123 }; /* one request writes no more */

struct write_options {
    struct modbus_place place;
    struct modbus_what what;
    int64_t unit;
    bool yes, several;
};

static const struct write_options defaults = {.unit = 1};

/* What goes out. */
struct written {
    struct tag tag;
    uint16_t words[MODBUS_MAX_WORDS];
    uint8_t request[MODBUS_MAX_PDU];
    size_t length;
    uint8_t unit;
};

static int prepare(const struct write_options *options, const char *at, const char *value,
                   struct written *ret_written)
{
    struct tag *tag = &ret_written->tag;
    const char *expected = NULL;
    int status = modbus_tag_parse(&command_write, &options->what, at, tag);
    if (status != CLI_OK)
        return status;
    if (tag->area != AREA_HOLDING && tag->area != AREA_COIL)
        return cli_usage(&command_write, "%s registers can't be written; holding and coils can",
                         area_name(tag->area));
    if (tag->bit >= 0)
        return cli_usage(&command_write, "one bit of a word can't be written alone; write the "
                                         "word, all its bits");
    if (tag_width(tag) > MOST_WORDS)
        return cli_usage(&command_write, "one transaction writes at most %d words", MOST_WORDS);
    if (tag->scale.mantissa == 0)
        return cli_usage(&command_write, "--scale: anything but 0");
    if (write_value(tag, value, ret_written->words, &expected) < 0)
        return cli_usage(&command_write, "\"%s\" where %s is expected (type %s)", value, expected,
                         tag_type_name(tag->type));
    ret_written->unit = (uint8_t)options->unit;
    ret_written->length =
        modbus_build_write(tag->area == AREA_COIL, tag->address, ret_written->words, tag_width(tag),
                           options->several, ret_written->request);
    return CLI_OK;
}

static void say_trouble(const struct modbus_ask *ask, const struct written *written,
                        const char *doing, int result)
{
    struct text trouble = {0};
    modbus_ask_explain(ask, written->unit, result, &trouble);
    cli_error("%s: %s", doing, trouble.data);
    text_free(&trouble);
}

/* What stands in the machine; 0, an exception's code or negative errno, which has been told. */
static int show_present(struct modbus_ask *ask, const struct written *written, const char *label,
                        uint16_t *ret_words)
{
    const struct span span = modbus_tag_span(&written->tag, 1);
    int result = modbus_ask_read(ask, written->unit, &span, ret_words);
    if (result != 0) {
        say_trouble(ask, written, "reading it", result);
        return result;
    }
    printf("%-10s", label);
    modbus_tag_print(&written->tag, ret_words);
    return 0;
}

static void show_request(const struct written *written)
{
    struct text bytes = {0};
    hex_add(&bytes, written->request, written->length);
    printf("%-10sunit %u, function %u: %s\n", "request", written->unit, written->request[0],
           bytes.data);
    printf("%-10s", "new");
    modbus_tag_print(&written->tag, written->words);
    text_free(&bytes);
}

static int send_request(struct modbus_ask *ask, const struct written *written)
{
    uint8_t pdu[MODBUS_MAX_PDU];
    int result = modbus_ask_transact(ask, written->unit, written->request, written->length, pdu);
    if (result > 0)
        result = modbus_check_answer(written->request, written->length, pdu, (size_t)result);
    if (result == 0)
        return CLI_OK;
    say_trouble(ask, written, result > 0 ? "refused" : "writing it", result);
    if (result < 0)
        cli_error("whether the machine took it is not known; read it");
    return CLI_FAULT;
}

static int write_once(struct modbus_ask *ask, const struct written *written, bool yes)
{
    uint16_t words[MODBUS_MAX_WORDS];
    int result = show_present(ask, written, "now", words);
    show_request(written);
    if (!yes) {
        puts("nothing was written; --yes writes it");
        return CLI_FAULT;
    }
    if (result < 0) { /* a machine that does not answer is not written to */
        cli_error("nothing was written");
        return CLI_FAULT;
    }
    int status = send_request(ask, written);
    if (status != CLI_OK)
        return status;
    result = show_present(ask, written, "reads", words);
    if (result == 0 &&
        memcmp(words, written->words, tag_width(&written->tag) * sizeof(words[0])) != 0) {
        cli_warn("the machine took it, and reads differently");
        return CLI_FAULT;
    }
    return result == 0 ? CLI_OK : CLI_FAULT;
}

static int run(const void *block, int argc, char **argv)
{
    const struct write_options *options = block;
    struct modbus_ask *ask = NULL;
    struct written written = {0};
    if (argc < 3)
        return cli_usage(&command_write, "where, what and the value: %s", command_write.arguments);
    if (options->unit > 255)
        return cli_usage(&command_write, "--unit: 0 to 255");
    int status = prepare(options, argv[1], argv[2], &written);
    if (status == CLI_OK)
        status = modbus_ask_new(&command_write, &options->place, argv[0], &ask);
    if (status == CLI_OK)
        status = write_once(ask, &written, options->yes);
    modbus_ask_free(ask);
    return status;
}

static const struct option_row rows[] = {
    {"yes", 'y', OPTION_FLAG, offsetof(struct write_options, yes), NULL,
     "write; without it only what would be written is shown"},
    {"unit", 'u', OPTION_NUMBER, offsetof(struct write_options, unit), "N",
     "the machine's unit, by default 1"},
    MODBUS_WHAT_ROWS(struct write_options),
    {"several", 0, OPTION_FLAG, offsetof(struct write_options, several), NULL,
     "use function 15 or 16 even for one coil or word"},
    MODBUS_PLACE_ROWS(struct write_options),
    {0},
};

const struct command command_write = {
    .name = "write",
    .arguments = "LINK|HOST:PORT|DEVICE TABLE:ADDRESS VALUE",
    .summary = "Writes one value into one machine; without --yes shows what it would be",
    .details =
        "Shows what stands there now, the request and the new value; with --yes writes it in\n"
        "one transaction (function 5 for a coil, 6 for a word, 16 for several) and reads it\n"
        "back. A running daemon logs what was written through it. Negative values stand\n"
        "behind \"--\".\n"
        "Exit status 1: nothing was written, or it reads differently afterwards.\n"
        "\nExamples:\n"
        "  bindery write press-1 holding:100 1500 --unit 2\n"
        "  bindery write press-1 holding:100 12.5 --type f32 --order CDAB --yes\n"
        "  bindery write 192.168.1.10:502 coil:3 on --yes\n"
        "  bindery write 192.168.1.10:502 --type s16 --yes -- holding:7 -20\n",
    .options = rows,
    .defaults = &defaults,
    .options_size = sizeof(struct write_options),
    .most_arguments = 3,
    .run = run,
};
