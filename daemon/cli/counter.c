/* bindery counter: what a running daemon is told of a counter. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "cli.h"
#include "words.h"

struct counter_options {
    const char *config, *socket;
};

/* The words of "set MACHINE TAG TOTAL"; CLI_USAGE after saying what is wrong. */
static int check_words(int argc, char **argv)
{
    int64_t total;
    if (argc < 4 || strcmp(argv[0], "set") != 0)
        return cli_usage(&command_counter, "expected set MACHINE TAG TOTAL");
    if (!is_name(argv[1]) || !is_name(argv[2]))
        return cli_usage(&command_counter, "\"%s\" is no name", argv[is_name(argv[1]) ? 2 : 1]);
    if (parse_whole(argv[3], &total) != 0)
        return cli_usage(&command_counter, "\"%s\" is no total; expected a whole number", argv[3]);
    return CLI_OK;
}

static int set_counter(const char *path, char **argv)
{
    struct text question = {0}, trouble = {0};
    text_addf(&question, "set %s %s %s", argv[1], argv[2], argv[3]);
    struct node *answer = ask_daemon(path, question.data, &trouble);
    if (answer == NULL)
        cli_error("%s", trouble.data);
    else
        printf("%s: %s is %s from here on; it goes on with the machine's next reading\n", argv[1],
               argv[2], argv[3]);
    int status = answer == NULL ? CLI_FAULT : CLI_OK;
    node_free(answer);
    text_free(&question);
    text_free(&trouble);
    return status;
}

static int run(const void *block, int argc, char **argv)
{
    const struct counter_options *options = block;
    char *path = NULL;
    int status = check_words(argc, argv);
    if (status == CLI_OK)
        status = ask_find_socket(options->config, options->socket, &path);
    if (status == CLI_OK)
        status = set_counter(path, argv);
    free(path);
    return status;
}

static const struct option_row rows[] = {
    OPTION_CONFIG(struct counter_options),
    {"socket", 0, OPTION_TEXT, offsetof(struct counter_options, socket), "PATH",
     "the daemon's socket, instead of the one the configuration names"},
    {0},
};

const struct command command_counter = {
    .name = "counter",
    .arguments = "set MACHINE TAG TOTAL",
    .summary = "Sets a counter's total, as after a controller was replaced",
    .details = "The total becomes TOTAL and goes on with what the machine counts from its next\n"
               "reading on; its epoch is raised, and an event tells of it.\n"
               "\nExamples:\n"
               "  bindery counter set binder-1 good_count 1204500\n",
    .options = rows,
    .options_size = sizeof(struct counter_options),
    .most_arguments = 4,
    .run = run,
};
