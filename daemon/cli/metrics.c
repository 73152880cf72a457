/* bindery metrics: what the running daemon counts, for Prometheus. */
#include <stdio.h>
#include <stdlib.h>

#include "ask.h"
#include "cli.h"

struct metrics_options {
    const char *config, *socket;
};

static int run(const void *block, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    const struct metrics_options *options = block;
    char *path = NULL;
    int status = ask_find_socket(options->config, options->socket, &path);
    if (status != CLI_OK)
        return status;

    struct text trouble = {0};
    struct node *answer = ask_daemon(path, "metrics", &trouble);
    const char *metrics = node_text(node_member(answer, "metrics"), NULL);
    if (metrics) {
        fputs(metrics, stdout);
    } else {
        cli_error("%s", trouble.length > 0 ? trouble.data : "binderyd's answer has no metrics");
        status = CLI_FAULT;
    }
    node_free(answer);
    text_free(&trouble);
    free(path);
    return status;
}

static const struct option_row rows[] = {
    OPTION_CONFIG(struct metrics_options),
    {"socket", 0, OPTION_TEXT, offsetof(struct metrics_options, socket), "PATH",
     "the daemon's socket, instead of the one the configuration names"},
    {0},
};

const struct command command_metrics = {
    .name = "metrics",
    .arguments = "",
    .summary = "Prints what the running daemon counts, in Prometheus's text format",
    .details = "Exit status 1 means that the daemon did not answer; then nothing is printed.\n"
               "\nFor node_exporter's textfile collector, from a timer, each minute:\n"
               "  bindery metrics >/var/lib/node/bindery.new &&\n"
               "    mv /var/lib/node/bindery.new /var/lib/node/bindery.prom\n",
    .options = rows,
    .options_size = sizeof(struct metrics_options),
    .run = run,
};
