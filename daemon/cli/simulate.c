/* bindery simulate: every link of a configuration, served as if the machines were there. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli.h"
#include "clock.h"
#include "memory.h"
#include "sim_ledger.h"
#include "sim_pty.h"
#include "sim_random.h"
#include "sim_server.h"

enum { PROGRESS_MS = 1000, LEDGER_MS = 50, MOST_FAULTS = 10, MOST_SPEED = 3600 };

struct simulate_options {
    const char *config;
    int64_t for_ms;
    int64_t seed, speed;
    int64_t begin_ms;
    const char *ledger;
    bool quiet;
    struct option_list dead;
};

struct simulation {
    const struct simulate_options *options;
    const struct plant *plant;
    struct sim_bus *buses;
    size_t bus_count;
    size_t machines;
    struct sim_clock clock;
    struct sim_ledger *ledger; /* NULL: none is kept */
};

static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static bool is_dead(const struct option_list *dead, const char *machine)
{
    for (size_t i = 0; i < dead->count; i++)
        if (strcmp(dead->items[i], machine) == 0)
            return true;
    return false;
}

static bool same_place(const struct link *a, const struct link *b)
{
    if (a->device || b->device)
        return a->device && b->device && strcmp(a->device, b->device) == 0;
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

/* The bus at the link's address, made if need be; NULL where another framing stands there. */
static struct sim_bus *bus_of(struct simulation *simulation, const struct link *link)
{
    for (size_t i = 0; i < simulation->bus_count; i++) {
        struct sim_bus *bus = &simulation->buses[i];
        if (same_place(bus->link, link))
            return bus->link->driver == link->driver ? bus : NULL;
    }
    struct sim_bus *bus = &simulation->buses[simulation->bus_count++];
    bus->link = link;
    return bus;
}

static int add_link(struct simulation *simulation, const struct link *link)
{
    const struct simulate_options *options = simulation->options;
    if (link->recording)
        return CLI_OK; /* the daemon plays it */
    struct sim_bus *bus = bus_of(simulation, link);
    if (!bus) {
        cli_error("link %s: another link has the same address with another driver", link->name);
        return CLI_FAULT;
    }
    for (size_t i = 0; i < link->machine_count; i++) {
        const struct machine *machine = link->machines[i];
        if (is_dead(&options->dead, machine->name))
            continue;
        sim_bus_add(bus, machine, sim_seed((uint64_t)options->seed, machine->name));
        simulation->machines++;
    }
    return CLI_OK;
}

static int build(struct simulation *simulation)
{
    const struct option_list *dead = &simulation->options->dead;
    for (size_t i = 0; i < dead->count; i++)
        if (!plant_machine(simulation->plant, dead->items[i])) {
            cli_error("--dead %s: no machine of that name", dead->items[i]);
            return CLI_FAULT;
        }
    simulation->buses = mem_array(simulation->plant->link_count + 1, sizeof(*simulation->buses));
    for (size_t i = 0; i < simulation->plant->link_count; i++)
        if (add_link(simulation, &simulation->plant->links[i]) != CLI_OK)
            return CLI_FAULT;
    for (size_t i = 0; i < simulation->bus_count; i++)
        sim_bus_settle(&simulation->buses[i]);
    return CLI_OK;
}

/* Links that an earlier simulation left behind. */
static int clear_devices(const struct simulation *simulation)
{
    struct text trouble = {0};
    int status = CLI_OK;
    for (size_t i = 0; i < simulation->bus_count; i++) {
        const struct link *link = simulation->buses[i].link;
        if (!link->device || sim_pty_clear(link->device, &trouble) == 0)
            continue;
        cli_error("link %s: %s", link->name, trouble.data);
        text_clear(&trouble);
        status = CLI_FAULT;
    }
    text_free(&trouble);
    return status;
}

static int listen_everywhere(const struct simulation *simulation, struct sim_server *server)
{
    struct text trouble = {0};
    size_t failed = 0;
    for (size_t i = 0; i < simulation->bus_count; i++) {
        const struct sim_bus *bus = &simulation->buses[i];
        if (sim_server_add(server, bus, &trouble) == 0)
            continue;
        if (++failed <= MOST_FAULTS)
            cli_error("link %s: %s", bus->link->name, trouble.data);
        text_clear(&trouble);
    }
    if (failed > MOST_FAULTS)
        cli_error("… and %zu more", failed - MOST_FAULTS);
    text_free(&trouble);
    return failed ? CLI_FAULT : CLI_OK;
}

static void print_totals(const struct sim_server *server, const char *begin, const char *end)
{
    char answers[CLI_WORDS], connections[CLI_WORDS];
    struct sim_totals totals = sim_server_totals(server);
    fprintf(stderr, "%s%s, %s%s", begin, cli_count(totals.answers, "answer", answers),
            cli_count(totals.connections, "connection", connections), end);
}

static int open_ledger(struct simulation *simulation)
{
    const char *path = simulation->options->ledger;
    if (!path)
        return CLI_OK;
    simulation->ledger = sim_ledger_open(path, &simulation->clock);
    if (!simulation->ledger) {
        cli_error("--ledger %s: %s", path, strerror(errno));
        return CLI_FAULT;
    }
    for (size_t i = 0; i < simulation->bus_count; i++)
        for (size_t at = 0; at < simulation->buses[i].tale_count; at++)
            sim_ledger_add(simulation->ledger, simulation->buses[i].tales[at]);
    return CLI_OK;
}

static int close_ledger(const struct simulation *simulation)
{
    if (sim_ledger_close(simulation->ledger) == 0)
        return CLI_OK;
    cli_error("--ledger %s: not all could be written", simulation->options->ledger);
    return CLI_FAULT;
}

static void serve(const struct simulation *simulation, struct sim_server *server)
{
    const struct simulate_options *options = simulation->options;
    char machines[CLI_WORDS], links[CLI_WORDS];
    printf("serving %s on %s\n", cli_count(simulation->machines, "machine", machines),
           cli_count(simulation->plant->link_count, "link", links));
    fflush(stdout);

    bool progress = !options->quiet && isatty(STDERR_FILENO);
    int64_t start_ns = clock_mono_ns();
    int64_t end_ns = options->for_ms ? start_ns + options->for_ms * NS_PER_MS : INT64_MAX;
    int64_t tell_ns = start_ns;
    bool ended = false;
    while (!ended && clock_mono_ns() < end_ns) {
        int64_t left_ms = (end_ns - clock_mono_ns()) / NS_PER_MS + 1;
        int64_t most_ms = simulation->ledger ? LEDGER_MS : PROGRESS_MS;
        ended = sim_server_step(server, (int)(left_ms < most_ms ? left_ms : most_ms));
        if (simulation->ledger)
            sim_ledger_update(simulation->ledger);
        if (progress && clock_mono_ns() >= tell_ns) {
            print_totals(server, "\r", "\033[K");
            tell_ns = clock_mono_ns() + PROGRESS_MS * NS_PER_MS;
        }
    }
    if (!options->quiet)
        print_totals(server, progress ? "\r" : "", progress ? "\033[K\n" : "\n");
}

static int run(const void *block, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct simulation simulation = {.options = block};
    const struct simulate_options *options = simulation.options;
    if (options->speed < 1 || options->speed > MOST_SPEED)
        return cli_usage(&command_simulate, "--speed %lld: expected 1 to %d",
                         (long long)options->speed, MOST_SPEED);
    int status = cli_load(simulation.options->config, &simulation.plant);
    if (status != CLI_OK)
        return status;
    struct sim_server *server = NULL;
    raise_file_limit();
    status = build(&simulation);
    if (status == CLI_OK)
        status = clear_devices(&simulation);
    if (status == CLI_OK) {
        simulation.clock = sim_clock_start(options->speed, options->begin_ms);
        server = sim_server_new(&simulation.clock);
        status = listen_everywhere(&simulation, server);
    }
    if (status == CLI_OK)
        status = open_ledger(&simulation);
    if (status == CLI_OK) {
        serve(&simulation, server);
        status = close_ledger(&simulation);
    }
    sim_server_free(server);
    for (size_t i = 0; i < simulation.bus_count; i++)
        sim_bus_free(&simulation.buses[i]);
    free(simulation.buses);
    plant_release(simulation.plant);
    return status;
}

static const struct simulate_options defaults = {.speed = 1};

static const struct option_row rows[] = {
    OPTION_CONFIG(struct simulate_options),
    {"for", 0, OPTION_DURATION, offsetof(struct simulate_options, for_ms), "TIME",
     "end after it, as 20s; without, Ctrl-C ends"},
    {"dead", 0, OPTION_LIST, offsetof(struct simulate_options, dead), "MACHINE",
     "this machine is silent; may be given several times"},
    {"seed", 0, OPTION_NUMBER, offsetof(struct simulate_options, seed), "NUMBER",
     "other values for all machines, the same for the same number"},
    {"speed", 0, OPTION_NUMBER, offsetof(struct simulate_options, speed), "TIMES",
     "machines live so many times faster; 1 by default, at most 3600"},
    {"begin", 0, OPTION_DURATION, offsetof(struct simulate_options, begin_ms), "TIME",
     "begin this far into their story, always the same; without, where the clock says"},
    {"ledger", 0, OPTION_TEXT, offsetof(struct simulate_options, ledger), "FILE",
     "write what really happens there, as JSON lines"},
    {"quiet", 'q', OPTION_FLAG, offsetof(struct simulate_options, quiet), NULL,
     "no progress and no totals"},
    {0},
};

const struct command command_simulate = {
    .name = "simulate",
    .arguments = "",
    .summary = "Serves every link of a configuration, as if the machines were there",
    .details =
        "Modbus TCP is served on the links' addresses, RTU over TCP likewise; a serial link\n"
        "becomes a pseudo-terminal with a symbolic link at its device's path. Machines with\n"
        "counters or states have jobs with set-up, waste and stops for a reason, and show\n"
        "them by the codes of the configuration; now and then their controller starts anew.\n"
        "Those on one Modbus TCP link are a line. Other tags go by their names and types.\n"
        "Machines that speak in lines say the examples of their patterns.\n"
        "Addresses that no tag needs answer exception 2, units that no machine has are silent.\n"
        "\"serving N machines on N links\" is printed once everything listens.\n"
        "\nExamples:\n"
        "  bindery simulate -c plant.yaml\n"
        "  bindery simulate -c plant.yaml --for 20s --dead binder-2\n"
        "  bindery simulate -c plant.yaml --speed 60 --ledger truth.jsonl\n",
    .options = rows,
    .defaults = &defaults,
    .options_size = sizeof(struct simulate_options),
    .run = run,
};
