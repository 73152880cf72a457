/* bindery guess: where, and in which type, order and scale, the number on the panel stands. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "decode.h"
#include "guess_keep.h"
#include "guess_read.h"
#include "memory.h"

struct guess_options {
    struct modbus_place place;
    const char *value, *then, *keep, *table;
    int64_t unit, from, to;
};

static const struct guess_options defaults = {.unit = 1, .to = 9999, .table = "holding,input"};

enum {
    MOST_SHOWN = 20,
    MOST_YAML = 3,
    MOST_WORDS = 4, /* of a number */
    BRIDGE = 16,    /* words read in vain to save a request */
};

struct session {
    const struct guess_options *options;
    struct guess_reader reader;
    struct progress progress;
    struct guess_image *images; /* of the two tables of words */
    bool tables[2];             /* which of them are looked at */
    struct guess_list list;
};

static const enum area areas[2] = {AREA_HOLDING, AREA_INPUT};

static struct guess_image *image_of(struct session *session, const struct guess *guess)
{
    return &session->images[guess->area == AREA_HOLDING ? 0 : 1];
}

/* --- reading --- */

static int complain(const struct session *session, int result)
{
    struct text trouble = {0};
    modbus_ask_explain(session->reader.ask, session->reader.unit, result, &trouble);
    cli_error("%s", trouble.data);
    text_free(&trouble);
    return CLI_FAULT;
}

static int read_range(struct session *session)
{
    const struct guess_options *options = session->options;
    uint64_t each = (uint64_t)(options->to - options->from + 1);
    int result = 0;
    progress_begin(&session->progress);
    session->reader.whole = each * (unsigned)(session->tables[0] + session->tables[1]);
    for (int i = 0; i < 2 && result == 0; i++)
        if (session->tables[i])
            result = guess_read(&session->reader, &session->images[i], (uint16_t)options->from,
                                (uint16_t)options->to);
    progress_clear(&session->progress);
    return result;
}

/* Reads the addresses that are wanted, and few between them. */
static int read_wanted(struct guess_reader *reader, struct guess_image *image,
                       const bool wanted[GUESS_ADDRESSES])
{
    int first = -1, last = 0, result = 0;
    for (int address = 0; address < GUESS_ADDRESSES && result == 0; address++) {
        if (!wanted[address])
            continue;
        if (first >= 0 && address - last > BRIDGE) {
            result = guess_read(reader, image, (uint16_t)first, (uint16_t)last);
            first = -1;
        }
        first = first < 0 ? address : first;
        last = address;
    }
    return first >= 0 && result == 0 ? guess_read(reader, image, (uint16_t)first, (uint16_t)last)
                                     : result;
}

/* What the guesses lie in, anew. */
static int read_guessed(struct session *session)
{
    enum { BOTH = 2 * GUESS_ADDRESSES };
    bool *wanted = mem_alloc(BOTH);
    int result = 0;
    for (size_t i = 0; i < session->list.count; i++) {
        const struct guess *guess = &session->list.items[i];
        const struct tag tag = guess_tag(guess);
        bool *table = wanted + (guess->area == AREA_HOLDING ? 0 : GUESS_ADDRESSES);
        for (unsigned word = 0; word < tag_width(&tag); word++)
            table[guess->address + word] = true;
    }
    progress_begin(&session->progress);
    session->reader.done = session->reader.whole = 0;
    for (size_t i = 0; i < BOTH; i++)
        session->reader.whole += wanted[i];
    for (size_t i = 0; i < 2 && result == 0; i++) {
        memset(session->images[i].known, 0, sizeof(session->images[i].known));
        result = read_wanted(&session->reader, &session->images[i], wanted + i * GUESS_ADDRESSES);
    }
    progress_clear(&session->progress);
    free(wanted);
    return result;
}

/* --- telling --- */

static void print_scale(const struct guess *guess, char ret_scale[8])
{
    static const char *const scales[] = {"0.001", "0.01", "0.1", "1", "10", "100", "1000"};
    snprintf(ret_scale, 8, "%s", scales[guess->exponent - GUESS_LEAST_EXPONENT]);
}

static const char *order_name(const struct guess *guess)
{
    static const char *const names[] = {[0] = "ABCD",
                                        [ORDER_SWAP_WORDS] = "CDAB",
                                        [ORDER_SWAP_BYTES] = "BADC",
                                        [ORDER_SWAP_WORDS | ORDER_SWAP_BYTES] = "DCBA"};
    return names[guess->order];
}

static void print_guess(struct session *session, const struct guess *guess)
{
    const struct tag tag = guess_tag(guess);
    struct sample sample;
    struct text at = {0}, value = {0};
    char scale[8];
    print_scale(guess, scale);
    decode_tag(&tag, image_of(session, guess)->words + guess->address, NULL, &sample);
    value_to_json(&sample.value, &value);
    text_addf(&at, "%s:%u", area_name(guess->area), guess->address);
    printf("%-14s %-6s %-5s scale %-6s reads %s\n", at.data, tag_type_name(guess->type),
           order_name(guess), scale, value.data);
    text_free(&at);
    text_free(&value);
}

static void print_yaml(const struct guess *guess)
{
    char scale[8];
    print_scale(guess, scale);
    printf("  - name: value\n    at: %s:%u\n    type: %s\n", area_name(guess->area), guess->address,
           tag_type_name(guess->type));
    if (guess->order != 0)
        printf("    order: %s\n", order_name(guess));
    if (guess->exponent != 0)
        printf("    scale: %s\n", scale);
}

/* Signs that nothing speaks for are kept in mind and not told. */
static void print_list(struct session *session)
{
    size_t shown = 0, yaml = 0, twins = 0;
    const struct guess_list *list = &session->list;
    for (size_t i = 0; i < list->count && shown < MOST_SHOWN; i++) {
        if (guess_is_twin(list, i)) {
            twins++;
            continue;
        }
        print_guess(session, &list->items[i]);
        shown++;
    }
    if (list->count > shown + twins)
        printf("and %zu less plausible ones; a value taken later narrows them down\n",
               list->count - shown - twins);
    printf("\ntags:\n");
    for (size_t i = 0; i < list->count && yaml < MOST_YAML; i++)
        if (!guess_is_twin(list, i)) {
            print_yaml(&list->items[i]);
            yaml++;
        }
}

/* --- the whole --- */

/* The list is what is left after this value. */
static int conclude(struct session *session, const struct guess_value *value)
{
    const struct guess_options *options = session->options;
    if (session->list.count == 0) {
        cli_error("no register holds this number; it may have moved while it was read, be computed "
                  "by the panel, or stand at other addresses");
        return CLI_FAULT;
    }
    guess_sort(&session->list, value);
    print_list(session);
    return options->keep != NULL ? guess_keep_save(options->keep, &session->list) : CLI_OK;
}

static int find_first(struct session *session, const struct guess_value *value)
{
    int result = read_range(session);
    if (result < 0)
        return complain(session, result);
    for (int i = 0; i < 2; i++)
        guess_find(&session->images[i], value, &session->list);
    return conclude(session, value);
}

static int narrow(struct session *session, const struct guess_value *value)
{
    struct guess_list *list = &session->list;
    size_t left = 0;
    int result = read_guessed(session);
    if (result < 0)
        return complain(session, result);
    for (size_t i = 0; i < list->count; i++)
        if (guess_holds(&list->items[i], image_of(session, &list->items[i]), value))
            list->items[left++] = list->items[i];
    list->count = left;
    return conclude(session, value);
}

/* On a terminal somebody can look at the panel again. */
static int ask_further(struct session *session)
{
    char line[64];
    struct guess_value value;
    int status = CLI_OK;
    while (status == CLI_OK && session->list.count > 1 && isatty(STDIN_FILENO) &&
           isatty(STDOUT_FILENO)) {
        fputs("\nWhat does the panel show now? (Enter ends) ", stdout);
        fflush(stdout);
        if (fgets(line, sizeof(line), stdin) == NULL || line[0] == '\n')
            break;
        line[strcspn(line, "\n")] = '\0';
        if (guess_parse_value(line, &value) == 0)
            status = narrow(session, &value);
        else
            cli_error("\"%s\" is no number, or 0", line);
    }
    return status;
}

static int parse_tables(const char *text, bool ret_tables[2])
{
    static const char *const names[][2] = {
        {"holding", ""}, {"input", ""}, {"holding,input", "input,holding"}};
    for (int i = 0; i < 3; i++)
        if (strcmp(text, names[i][0]) == 0 || strcmp(text, names[i][1]) == 0) {
            ret_tables[0] = i != 1;
            ret_tables[1] = i != 0;
            return CLI_OK;
        }
    return cli_usage(&command_guess, "--table: \"%s\" where holding, input or both are expected",
                     text);
}

static int check(const struct guess_options *options, struct guess_value *ret_value)
{
    const char *value = options->then ? options->then : options->value;
    if ((options->value == NULL) == (options->then == NULL))
        return cli_usage(&command_guess, "expected either --value, or --then with --keep");
    if (options->then && !options->keep)
        return cli_usage(&command_guess, "--then goes on with what --keep FILE holds");
    if (guess_parse_value(value, ret_value) < 0)
        return cli_usage(&command_guess,
                         "\"%s\" where a number as 12345 or 12.3 is expected, not "
                         "0: that stands nearly everywhere",
                         value);
    if (options->unit > 255)
        return cli_usage(&command_guess, "--unit: 0 to 255");
    if (options->from > options->to || options->to > UINT16_MAX)
        return cli_usage(&command_guess, "--from and --to: ascending, 0 to 65535");
    return CLI_OK;
}

static int go(struct session *session, const struct guess_value *value)
{
    int status;
    if (session->options->then) {
        status = guess_keep_load(session->options->keep, &session->list);
        if (status == CLI_OK)
            status = narrow(session, value);
    } else {
        status = find_first(session, value);
    }
    return status == CLI_OK ? ask_further(session) : status;
}

static int run(const void *block, int argc, char **argv)
{
    const struct guess_options *options = block;
    struct session session = {.options = options};
    struct guess_value value;
    if (argc < 1)
        return cli_usage(&command_guess, "where: %s", command_guess.arguments);
    int status = check(options, &value);
    if (status == CLI_OK)
        status = parse_tables(options->table, session.tables);
    if (status == CLI_OK)
        status = modbus_ask_new(&command_guess, &options->place, argv[0], &session.reader.ask);
    if (status == CLI_OK) {
        session.reader.progress = &session.progress;
        session.reader.unit = (uint8_t)options->unit;
        session.reader.most = modbus_ask_link(session.reader.ask)->max_registers;
        session.images = mem_array(2, sizeof(*session.images));
        for (int i = 0; i < 2; i++)
            session.images[i].area = areas[i];
        status = go(&session, &value);
    }
    modbus_ask_free(session.reader.ask);
    free(session.images);
    free(session.list.items);
    return status;
}

#define GUESS_OPTION(field) offsetof(struct guess_options, field)

static const struct option_row rows[] = {
    {"value", 0, OPTION_TEXT, GUESS_OPTION(value), "NUMBER",
     "what the panel shows, as 12345 or 12.3"},
    {"then", 0, OPTION_TEXT, GUESS_OPTION(then), "NUMBER",
     "what it shows later: narrows down what --keep holds"},
    {"keep", 0, OPTION_TEXT, GUESS_OPTION(keep), "FILE", "where what is left is kept between runs"},
    {"unit", 'u', OPTION_NUMBER, GUESS_OPTION(unit), "N", "the machine's unit, by default 1"},
    {"from", 0, OPTION_NUMBER, GUESS_OPTION(from), "ADDRESS", "the first address, by default 0"},
    {"to", 0, OPTION_NUMBER, GUESS_OPTION(to), "ADDRESS", "the last one, by default 9999"},
    {"table", 0, OPTION_TEXT, GUESS_OPTION(table), "TABLE", "holding, input or by default both"},
    MODBUS_PLACE_ROWS(struct guess_options),
    {0},
};

const struct command command_guess = {
    .name = "guess",
    .arguments = "LINK|HOST[:PORT]|DEVICE",
    .summary = "Finds where the number on the panel stands, its type, order and scale",
    .details =
        "Reads all registers of a range and lists those that hold the number, as u16 to f64 or\n"
        "BCD, in every order, with scales from 0.001 to 1000, the most plausible first; then\n"
        "the YAML of the likeliest tags. Choose a moment when the number stands still and has\n"
        "many digits. Reals count as far as the panel shows them, whole numbers exactly.\n"
        "A value taken later narrows it down: on a terminal it is asked for, and with --keep it\n"
        "is given to a second run.\n"
        "Exit status 1: no register holds it, or nobody answered.\n"
        "\nExamples:\n"
        "  bindery guess press-1 --unit 2 --value 120345\n"
        "  bindery guess 192.168.1.10 --value 167.5 --table input --to 499 --keep temperature\n"
        "  bindery guess 192.168.1.10 --then 168.0 --keep temperature\n",
    .options = rows,
    .defaults = &defaults,
    .options_size = sizeof(struct guess_options),
    .most_arguments = 1,
    .run = run,
};
