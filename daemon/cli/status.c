/* bindery status: how the running daemon is. */
#include <stdio.h>
#include <stdlib.h>

#include "ask.h"
#include "cli.h"
#include "clock.h"
#include "status_view.h"

struct status_options {
    const char *config, *socket;
    bool json;
};

static int run(const void *block, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    const struct status_options *options = block;
    char *path = NULL;
    int status = ask_find_socket(options->config, options->socket, &path);
    if (status != CLI_OK)
        return status;

    struct text out = {0}, trouble = {0};
    struct node *answer = ask_daemon(path, "status", &trouble);
    if (!answer) {
        cli_error("%s", trouble.data);
        status = CLI_FAULT;
    } else {
        struct instant now;
        clock_now(&now);
        if (options->json)
            node_to_json(answer, false, &out);
        else
            status_view(answer, now.wall_ms, &out);
        printf(options->json ? "%s\n" : "%s", out.data);
    }
    node_free(answer);
    text_free(&out);
    text_free(&trouble);
    free(path);
    return status;
}

static const struct option_row rows[] = {
    OPTION_CONFIG(struct status_options),
    {"socket", 0, OPTION_TEXT, offsetof(struct status_options, socket), "PATH",
     "the daemon's socket, instead of the one the configuration names"},
    {"json", 0, OPTION_FLAG, offsetof(struct status_options, json), NULL,
     "the daemon's answer as it is"},
    {0},
};

const struct command command_status = {
    .name = "status",
    .arguments = "",
    .summary = "Shows how the running daemon is; what is wrong stands on top",
    .details = "Exit status 1 means that the daemon did not answer.\n"
               "\nExamples:\n"
               "  bindery status\n"
               "  bindery status -c plant.yaml --json\n",
    .options = rows,
    .options_size = sizeof(struct status_options),
    .run = run,
};
