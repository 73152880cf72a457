/* bindery record: the bytes of a link, as the running daemon sends and hears them. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "cli.h"
#include "clock.h"
#include "record_link.h"
#include "recording.h"
#include "words.h"

enum { FETCH_MS = 200 };

struct record_options {
    const char *config, *socket, *output;
    int64_t for_ms;
};

/* A recording on its way into a file. */
struct take {
    const char *path; /* "-": standard output */
    FILE *file;
    bool progress;
    int64_t began_ns;
    struct record_link daemon;
    uint64_t bytes, lines;
};

static void tell(const struct take *take, const char *begin, const char *end)
{
    char lines[CLI_WORDS], bytes[CLI_WORDS], time[CLI_WORDS];
    fprintf(stderr, "%s%s: %s, %s in %s%s", begin, take->path,
            cli_count(take->lines, "line", lines), cli_bytes(take->bytes, bytes),
            cli_duration((clock_mono_ns() - take->began_ns) / NS_PER_MS, time), end);
}

/* Opened for the first lines: a file that is there stays where nothing is ever answered. */
static bool open_file(struct take *take)
{
    if (take->file == NULL)
        take->file = strcmp(take->path, "-") == 0 ? stdout : fopen(take->path, "we");
    if (take->file == NULL)
        cli_error("%s: %s", take->path, strerror(errno));
    return take->file != NULL;
}

/* What is new, into the file. CLI_OK, or CLI_FAULT after saying why. */
static int fetch(struct take *take)
{
    struct text lines = {0}, trouble = {0};
    int status = CLI_OK;
    if (record_link_fetch(&take->daemon, &lines, &trouble) < 0) {
        cli_error("%s", trouble.data);
        status = CLI_FAULT;
    } else if (lines.length > 0 && !open_file(take)) {
        status = CLI_FAULT;
    } else if (lines.length > 0) {
        take->bytes += lines.length;
        for (size_t i = 0; i < lines.length; i++)
            take->lines += lines.data[i] == '\n';
        fwrite(lines.data, 1, lines.length, take->file);
        if (fflush(take->file) != 0) {
            cli_error("%s: %s", take->path, strerror(errno));
            status = CLI_FAULT;
        }
    }
    text_free(&lines);
    text_free(&trouble);
    return status;
}

/* Until its time is over, a signal asks for the end, or it is as long as a recording may be. */
static int fetch_all(struct take *take, int64_t for_ms)
{
    int64_t end_ns = for_ms > 0 ? take->began_ns + for_ms * NS_PER_MS : INT64_MAX;
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    for (bool last = false;;) {
        int status = fetch(take);
        if (take->progress)
            tell(take, "\r", " (Ctrl-C ends)\033[K");
        if (status != CLI_OK || last || take->bytes > RECORDING_MAX_BYTES / 2)
            return status;
        int64_t left_ns = end_ns - clock_mono_ns();
        int64_t wait_ns = left_ns < FETCH_MS * NS_PER_MS ? left_ns : FETCH_MS * NS_PER_MS;
        const struct timespec wait = {.tv_nsec = wait_ns > 0 ? wait_ns : 0};
        last = sigtimedwait(&ends, NULL, &wait) > 0 || clock_mono_ns() >= end_ns;
    }
}

static int record(struct take *take, int64_t for_ms)
{
    int status = fetch_all(take, for_ms);
    record_link_end(&take->daemon);
    if (take->file != NULL && take->file != stdout && fclose(take->file) != 0 && status == CLI_OK) {
        cli_error("%s: %s", take->path, strerror(errno));
        status = CLI_FAULT;
    }
    if (take->lines > 0)
        tell(take, take->progress ? "\r" : "", take->progress ? "\033[K\n" : "\n");
    return status;
}

static int run(const void *block, int argc, char **argv)
{
    const struct record_options *options = block;
    char path[160];
    char *socket = NULL;
    time_t now = time(NULL);
    struct tm local;
    if (argc < 1)
        return cli_usage(&command_record, "which link?");
    if (!is_name(argv[0]))
        return cli_usage(&command_record, "\"%s\" is no link's name", argv[0]);
    snprintf(path, sizeof(path), "%s-", argv[0]);
    strftime(path + strlen(path), sizeof(path) - strlen(path), "%Y%m%d-%H%M%S.recording",
             localtime_r(&now, &local));
    int status = ask_find_socket(options->config, options->socket, &socket);
    if (status == CLI_OK) {
        struct take take = {.path = options->output ? options->output : path,
                            .progress = isatty(STDERR_FILENO),
                            .began_ns = clock_mono_ns(),
                            .daemon = {.socket = socket, .link = argv[0]}};
        status = record(&take, options->for_ms);
    }
    free(socket);
    return status;
}

static const struct option_row rows[] = {
    OPTION_CONFIG(struct record_options),
    {"socket", 0, OPTION_TEXT, offsetof(struct record_options, socket), "PATH",
     "the daemon's socket, instead of the one the configuration names"},
    {"for", 0, OPTION_DURATION, offsetof(struct record_options, for_ms), "TIME",
     "end after it, as 30s; without, Ctrl-C ends"},
    {"output", 'o', OPTION_TEXT, offsetof(struct record_options, output), "FILE",
     "the file, - for standard output; by default LINK-DATE-TIME.recording"},
    {0},
};

const struct command command_record = {
    .name = "record",
    .arguments = "LINK",
    .summary = "Records the bytes of a link with their times, through the running daemon",
    .details =
        "The file is plain text, to be read, cut and annotated: a line for each piece, with\n"
        "seconds since the begin, > for what was sent and < for what was heard. \"bindery\n"
        "replay\" plays it, and so does a link with the driver recording. It ends at 32 MiB.\n"
        "\nExamples:\n"
        "  bindery record press-1 --for 30s\n"
        "  bindery record scale -o scale.recording\n",
    .options = rows,
    .options_size = sizeof(struct record_options),
    .most_arguments = 1,
    .run = run,
};
