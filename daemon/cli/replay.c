/* bindery replay: a recording, served as if the machines were there. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli.h"
#include "clock.h"
#include "player.h"
#include "sim_listen.h"
#include "sim_pty.h"
#include "words.h"

enum { MOST_SPEED = 1000 };

struct replay_command {
    const char *listen, *device;
    int64_t speed, for_ms;
    bool fast, repeat, quiet;
};

/* Where it is played. */
struct place {
    const char *name;
    int listener;
    struct sim_pty pty; /* path NULL: none */
};

static int open_place(const struct replay_command *options, struct place *ret_place)
{
    struct text trouble = {0};
    const char *expected = NULL;
    char *host = NULL;
    uint16_t port = 0;
    int status = CLI_OK;
    *ret_place =
        (struct place){.name = options->device ? options->device : options->listen, .listener = -1};
    if (options->device) {
        if (sim_pty_clear(options->device, &trouble) < 0 ||
            sim_pty_open(options->device, &ret_place->pty, &trouble) < 0)
            status = CLI_FAULT;
    } else if (parse_host_port(options->listen, 1502, &host, &port, &expected) < 0) {
        return cli_usage(&command_replay, "--listen: \"%s\" where %s is expected", options->listen,
                         expected);
    } else {
        ret_place->listener = sim_listen(host, port, &trouble);
        status = ret_place->listener < 0 ? CLI_FAULT : CLI_OK;
    }
    if (status != CLI_OK)
        cli_error("%s", trouble.data);
    free(host);
    text_free(&trouble);
    return status;
}

static void close_place(struct place *place)
{
    if (place->pty.path)
        sim_pty_close(&place->pty);
    if (place->listener >= 0)
        close(place->listener);
}

static void tell(const struct player *player, const char *begin, const char *end)
{
    struct replay_totals totals = replay_totals(player->replay);
    fprintf(stderr, "%s%" PRIu64 " of %" PRIu64 " recorded requests asked, %" PRIu64 " others%s",
            begin, totals.asked, totals.requests, totals.unknown, end);
}

static void play(const struct replay_command *options, struct place *place, struct replay *replay)
{
    struct player player = {.replay = replay,
                            .listener = place->listener,
                            .stream = place->pty.path ? place->pty.master : -1,
                            .end = cli_open_signals()};
    bool progress = !options->quiet && isatty(STDERR_FILENO), ended = false;
    int64_t end_ns = options->for_ms ? clock_mono_ns() + options->for_ms * NS_PER_MS : INT64_MAX;
    int64_t tell_ns = 0;
    if (place->pty.path)
        replay_enter(replay, clock_mono_ns());
    while (!ended && clock_mono_ns() < end_ns) {
        int64_t until_ns = clock_mono_ns() + NS_PER_S;
        ended = player_step(&player, until_ns < end_ns ? until_ns : end_ns);
        if (place->pty.path)
            sim_pty_forget_speed(&place->pty);
        if (progress && clock_mono_ns() >= tell_ns) {
            tell(&player, "\r", "\033[K");
            tell_ns = clock_mono_ns() + NS_PER_S;
        }
    }
    if (!options->quiet)
        tell(&player, progress ? "\r" : "", progress ? "\033[K\n" : "\n");
    player_leave(&player);
    close(player.end);
}

static int run_recording(const struct replay_command *options, const struct recording *recording)
{
    const struct replay_options how = {
        .speed = options->fast ? 0 : (uint16_t)options->speed,
        .repeat = options->repeat,
    };
    struct place place;
    int status = open_place(options, &place);
    if (status != CLI_OK)
        return status;
    struct replay *replay = replay_new(recording, &how);
    printf("playing %s, %" PRIu64 " requests, on %s\n", recording->driver,
           replay_totals(replay).requests, place.name);
    fflush(stdout);
    play(options, &place, replay);
    replay_free(replay);
    close_place(&place);
    return CLI_OK;
}

static int run(const void *block, int argc, char **argv)
{
    const struct replay_command *options = block;
    struct recording *recording = NULL;
    struct text trouble = {0};
    if (argc < 1)
        return cli_usage(&command_replay, "which file?");
    if (options->speed < 1 || options->speed > MOST_SPEED)
        return cli_usage(&command_replay, "--speed %" PRId64 ": expected 1 to %d", options->speed,
                         MOST_SPEED);
    int status = CLI_FAULT;
    if (recording_read(argv[0], &recording, &trouble) == 0)
        status = run_recording(options, recording);
    else
        cli_error("%s", trouble.data);
    recording_free(recording);
    text_free(&trouble);
    return status;
}

static const struct replay_command defaults = {.listen = "127.0.0.1:1502", .speed = 1};

#define REPLAY_OPTION(field) offsetof(struct replay_command, field)

static const struct option_row rows[] = {
    {"listen", 'l', OPTION_TEXT, REPLAY_OPTION(listen), "HOST:PORT",
     "where it is played, by default 127.0.0.1:1502"},
    {"device", 'd', OPTION_TEXT, REPLAY_OPTION(device), "PATH",
     "instead, a pseudo-terminal with a link to it here"},
    {"speed", 0, OPTION_NUMBER, REPLAY_OPTION(speed), "TIMES",
     "answers come so many times sooner; 1 by default"},
    {"fast", 0, OPTION_FLAG, REPLAY_OPTION(fast), NULL, "answers come at once"},
    {"repeat", 0, OPTION_FLAG, REPLAY_OPTION(repeat), NULL,
     "begin anew with the answers to a request that has had all of them"},
    {"for", 0, OPTION_DURATION, REPLAY_OPTION(for_ms), "TIME",
     "end after it, as 20s; without, Ctrl-C ends"},
    {"quiet", 'q', OPTION_FLAG, REPLAY_OPTION(quiet), NULL, "no progress and no totals"},
    {0},
};

const struct command command_replay = {
    .name = "replay",
    .arguments = "FILE",
    .summary = "Plays a recording as if its machines were there",
    .details =
        "Each recorded request is answered as it was answered then: asked again, with the next\n"
        "answer that was given to it. What was never asked, or not answered, gets silence. Over\n"
        "TCP a recorded modbus-rtu line is spoken as modbus-rtu-tcp.\n"
        "\nExamples:\n"
        "  bindery replay press-1.recording --listen 127.0.0.1:1502 --speed 10\n"
        "  bindery replay scale.recording --device /tmp/scale --repeat\n",
    .options = rows,
    .defaults = &defaults,
    .options_size = sizeof(struct replay_command),
    .most_arguments = 1,
    .run = run,
};
