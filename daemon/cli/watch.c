/* bindery watch: the latest values, once a second. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "cli.h"
#include "clock.h"
#include "watch_view.h"

struct watch_options {
    const char *config, *socket;
};

/* Terminal: another screen without a cursor, so that the shell's comes back untouched. */
static const char enter_screen[] = "\033[?1049h\033[?25l";
static const char leave_screen[] = "\033[?25h\033[?1049l";
static const char home[] = "\033[H";
static const char clear_line_end[] = "\033[K\n";
static const char clear_below[] = "\033[J";

static void print_screen(const char *text)
{
    struct winsize size = {.ws_row = 24};
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    unsigned rows_left = size.ws_row > 2 ? size.ws_row - 1U : 23;
    fputs(home, stdout);
    while (*text && rows_left) {
        size_t length = strcspn(text, "\n");
        size_t shown = size.ws_col && length > size.ws_col ? size.ws_col : length;
        fwrite(text, 1, shown, stdout);
        fputs(clear_line_end, stdout);
        text += length + (text[length] == '\n');
        rows_left--;
    }
    fputs(clear_below, stdout);
    if (*text)
        fputs("… more than fits; name a machine", stdout);
    fflush(stdout);
}

static void show_table(const char *path, const struct node *values, const struct text *trouble)
{
    struct text out = {0};
    struct instant now;
    clock_now(&now);
    char clock_time[16];
    time_t seconds = now.wall_ms / 1000;
    struct tm local;
    strftime(clock_time, sizeof(clock_time), "%H:%M:%S", localtime_r(&seconds, &local));
    text_addf(&out, "%s  %s  (Ctrl-C ends)\n\n", clock_time, path);
    if (values)
        watch_view_table(values, now.wall_ms, &out);
    else
        text_addf(&out, "%s\n", trouble->data);
    print_screen(out.data);
    text_free(&out);
}

static void show_lines(const struct node *values)
{
    struct text out = {0};
    watch_view_lines(values, &out);
    fputs(out.data ? out.data : "", stdout);
    fflush(stdout);
    text_free(&out);
}

/* Asks and shows. Only the first failure ends a watch on a terminal: a daemon that is restarted
 * comes back. */
static int show_once(const char *path, const char *question, bool terminal, bool first)
{
    struct text trouble = {0};
    struct node *values = ask_daemon(path, question, &trouble);
    int status = CLI_OK;
    if (!values && (first || !terminal)) {
        cli_error("%s", trouble.data);
        status = CLI_FAULT;
    } else if (terminal) {
        if (first)
            fputs(enter_screen, stdout);
        show_table(path, values, &trouble);
    } else {
        show_lines(values);
    }
    node_free(values);
    text_free(&trouble);
    return status;
}

static int watch(const char *path, const char *question)
{
    bool terminal = isatty(STDOUT_FILENO);
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, NULL);

    int status = show_once(path, question, terminal, true);
    if (status != CLI_OK)
        return status;
    const struct timespec second = {.tv_sec = 1};
    while (status == CLI_OK && sigtimedwait(&ends, NULL, &second) < 0 && !ferror(stdout))
        status = show_once(path, question, terminal, false);
    if (terminal)
        fputs(leave_screen, stdout);
    return status;
}

static int run(const void *block, int argc, char **argv)
{
    const struct watch_options *options = block;
    char *path = NULL;
    int status = ask_find_socket(options->config, options->socket, &path);
    if (status != CLI_OK)
        return status;
    struct text question = {0};
    text_addf(&question, argc ? "values %s" : "values", argc ? argv[0] : "");
    status = watch(path, question.data);
    text_free(&question);
    free(path);
    return status;
}

static const struct option_row rows[] = {
    OPTION_CONFIG(struct watch_options),
    {"socket", 0, OPTION_TEXT, offsetof(struct watch_options, socket), "PATH",
     "the daemon's socket, instead of the one the configuration names"},
    {0},
};

const struct command command_watch = {
    .name = "watch",
    .arguments = "[MACHINE]",
    .summary = "Shows the latest values, once a second",
    .details = "On a terminal the values change in place; Ctrl-C ends. Into a file or a pipe go\n"
               "plain lines, one a machine and second.\n"
               "\nExamples:\n"
               "  bindery watch\n"
               "  bindery watch binder-1\n"
               "  bindery watch binder-1 | tee values.txt\n",
    .options = rows,
    .options_size = sizeof(struct watch_options),
    .most_arguments = 1,
    .run = run,
};
