#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "memory.h"
#include "words.h"

/* Values that getopt_long returns: above every letter, so that a row is found by its number. */
enum { ROW_BASE = 256, HELP = 255, MOST_ROWS = 32 };

static size_t count_rows(const struct option_row *rows)
{
    size_t count = 0;
    while (rows[count].name)
        count++;
    return count;
}

static bool is_flag(const struct option_row *row)
{
    return row->kind == OPTION_FLAG;
}

static void describe_to_getopt(const struct option_row *rows, struct option longs[MOST_ROWS + 2],
                               char letters[2 * MOST_ROWS + 3])
{
    size_t letter = 0, row = 0;
    for (; row < MOST_ROWS && rows[row].name; row++) {
        longs[row] =
            (struct option){rows[row].name, is_flag(&rows[row]) ? no_argument : required_argument,
                            NULL, ROW_BASE + (int)row};
        if (!rows[row].letter)
            continue;
        letters[letter++] = rows[row].letter;
        if (!is_flag(&rows[row]))
            letters[letter++] = ':';
    }
    letters[letter++] = 'h';
    letters[letter] = '\0';
    longs[row] = (struct option){"help", no_argument, NULL, HELP};
    longs[row + 1] = (struct option){0};
}

static const struct option_row *find_row(const struct option_row *rows, int found)
{
    if (found >= ROW_BASE)
        return &rows[found - ROW_BASE];
    for (const struct option_row *row = rows; row->name; row++)
        if (row->letter == found)
            return row;
    return NULL;
}

static int parse_number(const char *text, int64_t *ret_number)
{
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno || end == text || *end || number < 0)
        return -EINVAL;
    *ret_number = number;
    return 0;
}

static void add_to_list(struct option_list *list, const char *item)
{
    list->items = mem_resize(list->items, (list->count + 1) * sizeof(*list->items));
    list->items[list->count++] = item;
}

/* NULL, or what was expected. */
static const char *set_value(const struct option_row *row, const char *argument, char *block)
{
    void *value = block + row->offset;
    const char *expected = NULL;
    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)value = true;
        break;
    case OPTION_TEXT:
        *(const char **)value = argument;
        break;
    case OPTION_NUMBER:
        if (parse_number(argument, value) < 0)
            expected = "a whole number, not negative";
        break;
    case OPTION_DURATION:
        if (parse_duration(argument, value, &expected) == 0 && *(int64_t *)value <= 0)
            expected = "a duration above 0, as 500ms 20s 5m";
        break;
    case OPTION_LIST:
        add_to_list(value, argument);
        break;
    }
    return expected;
}

int options_parse(const struct command *command, int argc, char **argv, void *block, int *ret_first,
                  bool *ret_help)
{
    struct option longs[MOST_ROWS + 2];
    char letters[2 * MOST_ROWS + 3];
    describe_to_getopt(command->options, longs, letters);

    /* getopt begins its complaints with this. */
    static char program[64];
    snprintf(program, sizeof(program), "bindery %s", command->name);
    argv[0] = program;

    int found;
    int status = CLI_OK;
    while (status == CLI_OK && (found = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        if (found == 'h' || found == HELP) {
            *ret_help = true;
            continue;
        }
        const struct option_row *row = find_row(command->options, found);
        if (!row) {
            fprintf(stderr, "\"bindery %s --help\" shows the options.\n", command->name);
            status = CLI_USAGE;
            continue;
        }
        const char *expected = set_value(row, optarg, block);
        if (expected)
            status = cli_usage(command, "--%s: \"%s\" where %s is expected", row->name, optarg,
                               expected);
    }
    if (status == CLI_OK)
        *ret_first = optind;
    argv[0] = NULL;
    return status;
}

void options_print(const struct option_row *rows)
{
    for (size_t i = 0; i < count_rows(rows); i++) {
        char left[64];
        int used = rows[i].letter ? snprintf(left, sizeof(left), "-%c, ", rows[i].letter)
                                  : snprintf(left, sizeof(left), "    ");
        snprintf(left + used, sizeof(left) - (size_t)used, "--%s%s%s", rows[i].name,
                 is_flag(&rows[i]) ? "" : " ", is_flag(&rows[i]) ? "" : rows[i].argument);
        printf("  %-28s %s\n", left, rows[i].what);
    }
    printf("  %-28s %s\n", "-h, --help", "this text");
}

void options_free(const struct option_row *rows, void *block)
{
    for (const struct option_row *row = rows; row->name; row++)
        if (row->kind == OPTION_LIST)
            free(((struct option_list *)((char *)block + row->offset))->items);
    free(block);
}
