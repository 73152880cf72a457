/* binderyd: arguments, signals, start in order, stop in reverse. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "control.h"
#include "gateway.h"
#include "live_alarm.h"
#include "log.h"
#include "notify.h"
#include "plant.h"
#include "zone.h"

enum {
    HANGS_S = 30,   /* where no watchdog says how long is too long */
    STEP_MS = 1000, /* of the clock, between two looks a second apart */
};

static const char usage[] =
    "usage: binderyd [-c FILE]\n"
    "\n"
    "Polls the machines that FILE names, keeps every reading until the brokers have it.\n"
    "It stays in the foreground and logs to standard error.\n"
    "\n"
    "  -c, --config FILE  the configuration; default " BINDERY_CONFIG "\n"
    "  -h, --help         this\n"
    "  -V, --version      the version\n"
    "\n"
    "SIGHUP reads the configuration anew, SIGTERM ends. To look at a configuration without\n"
    "running it: bindery check, bindery plan.\n";

/* Thousands of sockets want more than the usual 1024 descriptors. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* Signals are read from a descriptor; threads inherit that they are blocked. */
static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    /* mean nothing to us, and would end us */
    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, SIG_IGN);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static const struct plant *load(const char *path)
{
    const struct plant *plant = NULL;
    struct fault_list faults = {0};
    plant_load(path, &plant, &faults);
    for (size_t i = 0; i < faults.count; i++)
        log_error("%s:%d:%d: %s", faults.items[i].file, faults.items[i].line,
                  faults.items[i].column, faults.items[i].message);
    fault_list_free(&faults);
    return plant;
}

static void reload(struct gateway *gateway, const char *path)
{
    const struct plant *plant = load(path);
    if (plant == NULL) {
        log_error("%s: not used, the configuration before stays in force", path);
        return;
    }
    log_set_level(plant->log_level);
    gateway_reload(gateway, plant);
    plant_release(plant);
}

/* Returns false when it is time to end. */
static bool take_signals(int fd, struct gateway *gateway, const char *path)
{
    struct signalfd_siginfo info;
    while (read(fd, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo != SIGHUP)
            return false;
        reload(gateway, path);
    }
    return true;
}

/* Feeds the watchdog as long as everything moves, and returns when to come again at the latest.
 * What hangs is given the watchdog's own time before that counts, so that the service manager acts
 * within twice that. */
static int64_t watch(struct gateway *gateway, int64_t *feed_ns)
{
    int64_t now_ns = clock_mono_ns(), limit_ns = notify_watchdog_ns();
    struct live *live = gateway_live(gateway);
    const char *stalled =
        gateway_stalled(gateway, now_ns - (limit_ns > 0 ? limit_ns : HANGS_S * NS_PER_S));
    if (stalled != NULL) {
        live_alarm_raise(live, ALARM_LOOP_HANGS, NULL, "%s hangs", stalled);
        return now_ns + NS_PER_S;
    }
    live_alarm_clear(live, ALARM_LOOP_HANGS, NULL);
    if (limit_ns > 0 && now_ns >= *feed_ns) {
        notify_send("WATCHDOG=1");
        *feed_ns = now_ns + limit_ns / 2;
    }
    return limit_ns > 0 && *feed_ns < now_ns + NS_PER_S ? *feed_ns : now_ns + NS_PER_S;
}

/* Times are written down as the wall clock says them: whether it can be believed is worth knowing,
 * and so is that it has been set. */
static void watch_clock(struct gateway *gateway, struct instant *before)
{
    struct live *live = gateway_live(gateway);
    struct instant now;
    clock_now(&now);
    int64_t step_ms = (now.wall_ms - now.boot_ms) - (before->wall_ms - before->boot_ms);
    if (now.synced)
        live_alarm_clear(live, ALARM_CLOCK_UNSYNCHRONISED, NULL);
    else
        live_alarm_raise(live, ALARM_CLOCK_UNSYNCHRONISED, NULL,
                         "the system clock is not synchronised; times are marked, and corrected "
                         "once it is");
    if (step_ms >= STEP_MS || step_ms <= -STEP_MS) {
        live_alarm_raise(live, ALARM_CLOCK_STEPPED, NULL, "the system clock was set %s by %.1f s",
                         step_ms > 0 ? "forward" : "back", (double)llabs(step_ms) / 1000);
        gateway_tell_clock_step(gateway, &now, step_ms);
    }
    *before = now;
}

static void run(struct gateway *gateway, struct control *control, int signals, const char *path)
{
    struct pollfd wait[] = {{.fd = signals, .events = POLLIN},
                            {.fd = control_fd(control), .events = POLLIN}};
    struct live *live = gateway_live(gateway);
    struct instant before;
    int64_t feed_ns = 0;
    clock_now(&before);
    do {
        clock_refresh();
        int64_t next_ns = watch(gateway, &feed_ns);
        watch_clock(gateway, &before);
        live_alarm_expire(live, clock_mono_ns());
        gateway_tick(gateway);
        int64_t wait_ns = next_ns - clock_mono_ns();
        if (poll(wait, 2, wait_ns > 0 ? (int)(wait_ns / NS_PER_MS) + 1 : 0) > 0 &&
            wait[1].revents != 0)
            control_serve(control, gateway);
    } while (take_signals(signals, gateway, path));
}

/* Status 1 is for a configuration that is wrong; what only the world is to blame for gives another,
 * so that a service manager knows to try again. */
static int start_and_run(const struct plant *plant, int signals, const char *path)
{
    struct gateway *gateway = NULL;
    struct control *control = NULL;
    if (gateway_start(plant, &gateway) < 0)
        return EX_OSERR;
    int error = control_open(plant->control, &control);
    if (error < 0) {
        log_error("control: %s: %s", plant->control, strerrordesc_np(-error));
    } else {
        notify_send("READY=1");
        run(gateway, control, signals, path);
        log_info("gateway %s: stopping", plant->gateway);
        notify_send("STOPPING=1");
    }
    control_shut(control);
    gateway_stop(gateway);
    control_close(control);
    return error < 0 ? EX_OSERR : EXIT_SUCCESS;
}

static const char *parse_arguments(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'V'},
                                            {0}};
    const char *path = BINDERY_CONFIG;
    int option;
    while ((option = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
        if (option == 'c') {
            path = optarg;
        } else if (option == 'h') {
            fputs(usage, stdout);
            exit(EXIT_SUCCESS);
        } else if (option == 'V') {
            puts("binderyd " BINDERY_VERSION);
            exit(EXIT_SUCCESS);
        } else {
            fputs(usage, stderr);
            exit(2);
        }
    }
    if (optind < argc) {
        fprintf(stderr, "binderyd: %s: unexpected\n%s", argv[optind], usage);
        exit(2);
    }
    return path;
}

int main(int argc, char **argv)
{
    const char *path = parse_arguments(argc, argv);
    int signals = open_signals();
    raise_descriptor_limit();
    const struct plant *plant = load(path);
    if (plant == NULL || signals < 0)
        return EXIT_FAILURE;
    log_set_level(plant->log_level);
    zone_use(plant->timezone);
    clock_refresh();
    int status = start_and_run(plant, signals, path);
    plant_release(plant);
    close(signals);
    return status;
}
