/* bindery verify: subscribes, and proves that no number is missing. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli.h"
#include "clock.h"
#include "log.h"
#include "uplink.h"
#include "verify_inbox.h"
#include "verify_report.h"
#include "words.h"

/* After the end, what is still on its way may come. */
enum { SETTLE_MS = 5000, PROGRESS_MS = 1000, CLOSE_MS = 1000 };

struct verify_options {
    const char *url, *topic, *user, *password_file, *ca_file, *cert_file, *key_file, *mqtt;
    int64_t for_ms, expect_from, until_seq;
    bool json;
};

static const struct verify_options defaults = {.mqtt = "5"};

struct verification {
    const struct verify_options *options;
    struct verify_limits limits;
    struct uplink *uplink;
    struct verify_inbox *inbox;
    struct verify_book book;
    int wake_fd, signal_fd;
    unsigned lost_connections;
    bool ever_connected;
    bool progress; /* on a terminal */
    int64_t told_ns;
    char told_trouble[160];
};

/* CLI_OK with the connection's settings; ret_host is to be freed. */
static int parse_url(const struct verify_options *options, struct uplink_settings *ret_settings,
                     char **ret_host)
{
    static const struct {
        const char *prefix;
        enum uplink_scheme scheme;
        uint16_t port;
    } schemes[] = {{"mqtt://", SCHEME_MQTT, 1883}, {"mqtts://", SCHEME_MQTTS, 8883}};
    const char *expected = "mqtt://HOST:PORT or mqtts://HOST:PORT";
    for (size_t i = 0; options->url && i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t length = strlen(schemes[i].prefix);
        if (strncmp(options->url, schemes[i].prefix, length) != 0)
            continue;
        ret_settings->scheme = schemes[i].scheme;
        if (parse_host_port(options->url + length, schemes[i].port, ret_host, &ret_settings->port,
                            &expected) == 0) {
            ret_settings->host = *ret_host;
            return CLI_OK;
        }
    }
    return cli_usage(&command_verify, "--url: \"%s\" where %s is expected",
                     options->url ? options->url : "", expected);
}

static int parse_options(const struct verify_options *options, struct uplink_settings *ret_settings,
                         char **ret_host)
{
    if (!options->topic || !*options->topic || strpbrk(options->topic, "#"))
        return cli_usage(&command_verify, "--topic: the gateway's root is expected, as "
                                          "bindery/SITE/GATEWAY");
    if (strcmp(options->mqtt, "5") != 0 && strcmp(options->mqtt, "3.1.1") != 0)
        return cli_usage(&command_verify, "--mqtt: \"%s\" where 5 or 3.1.1 is expected",
                         options->mqtt);
    if (!options->cert_file != !options->key_file)
        return cli_usage(&command_verify, "--cert-file and --key-file go together");
    *ret_settings = (struct uplink_settings){.name = "verify",
                                             .username = options->user,
                                             .password_file = options->password_file,
                                             .ca_file = options->ca_file,
                                             .cert_file = options->cert_file,
                                             .key_file = options->key_file,
                                             .mqtt5 = strcmp(options->mqtt, "5") == 0,
                                             .topic = options->topic};
    return parse_url(options, ret_settings, ret_host);
}

static void clear_progress(const struct verification *run)
{
    if (run->progress)
        fputs("\r\033[K", stderr);
}

static void tell_trouble(struct verification *run)
{
    const char *trouble = uplink_trouble(run->uplink);
    if (strncmp(trouble, run->told_trouble, sizeof(run->told_trouble) - 1) == 0)
        return;
    snprintf(run->told_trouble, sizeof(run->told_trouble), "%s", trouble);
    clear_progress(run);
    if (*trouble)
        cli_error("%s: %s", run->options->url, trouble);
}

static void tell_progress(struct verification *run, int64_t now_ns)
{
    if (!run->progress || now_ns - run->told_ns < PROGRESS_MS * NS_PER_MS)
        return;
    char readings[CLI_WORDS], repeats[CLI_WORDS], missing[CLI_WORDS];
    struct verify_result result = verify_judge(&run->book, &run->limits);
    fprintf(stderr, "\r%s: %s, %s, %s missing so far\033[K",
            uplink_connected(run->uplink) ? "listening" : "connecting",
            cli_count(run->book.readings, "reading", readings),
            cli_count(result.repeats + result.differing, "repeat", repeats),
            cli_number(result.missing, missing));
    run->told_ns = now_ns;
}

static void take_events(struct verification *run)
{
    for (;;) {
        struct uplink_event event = uplink_next_event(run->uplink);
        if (event.kind == UPLINK_NONE)
            break;
        if (event.kind == UPLINK_CONNECTED && !run->ever_connected && !run->progress)
            fprintf(stderr, "connected to %s\n", run->options->url);
        run->ever_connected |= event.kind == UPLINK_CONNECTED;
        run->lost_connections += event.kind == UPLINK_DISCONNECTED;
    }
}

static void take_mail(struct verification *run)
{
    struct verify_mail mail;
    while (verify_inbox_take(run->inbox, &mail)) {
        verify_book_take(&run->book, mail.topic, mail.payload, mail.length, mail.arrived_ms);
        free(mail.topic);
        free(mail.payload);
    }
}

/* Sleeps until something came or until_ns; true where a signal asks for the end. */
static bool wait_until(const struct verification *run, int64_t until_ns)
{
    int64_t left_ms = (until_ns - clock_mono_ns()) / NS_PER_MS + 1;
    int timeout_ms = left_ms < 0 ? 0 : left_ms > PROGRESS_MS ? PROGRESS_MS : (int)left_ms;
    struct pollfd ready[] = {{.fd = run->wake_fd, .events = POLLIN},
                             {.fd = run->signal_fd, .events = POLLIN}};
    poll(ready, 2, timeout_ms);
    uint64_t count;
    struct signalfd_siginfo signal;
    if (ready[0].revents && read(run->wake_fd, &count, sizeof(count)) < 0)
        return false;
    return ready[1].revents && read(run->signal_fd, &signal, sizeof(signal)) > 0;
}

/* One round: the connection, what came, the progress. True where a signal asks for the end. */
static bool step(struct verification *run, int64_t end_ns)
{
    int64_t now_ns = clock_mono_ns();
    int64_t next_ns = uplink_step(run->uplink, now_ns);
    take_events(run);
    take_mail(run);
    tell_trouble(run);
    tell_progress(run, now_ns);
    return wait_until(run, next_ns < end_ns ? next_ns : end_ns);
}

static void listen_to(struct verification *run)
{
    int64_t end_ns =
        run->options->for_ms ? clock_mono_ns() + run->options->for_ms * NS_PER_MS : INT64_MAX;
    bool asked = false;
    while (!asked && clock_mono_ns() < end_ns && !verify_reached(&run->book, &run->limits))
        asked = step(run, end_ns);

    take_mail(run);
    verify_book_end(&run->book);
    end_ns = clock_mono_ns() + SETTLE_MS * NS_PER_MS;
    asked = false;
    while (!asked && run->book.readings > 0 && clock_mono_ns() < end_ns &&
           verify_judge(&run->book, &run->limits).missing > 0)
        asked = step(run, end_ns);
}

static int conclude(const struct verification *run)
{
    struct text out = {0};
    clear_progress(run);
    if (run->options->json)
        verify_report_json(&run->book, &run->limits, run->lost_connections, &out);
    else
        verify_report(&run->book, &run->limits, run->lost_connections, &out);
    fputs(out.data, stdout);
    text_free(&out);
    return verify_judge(&run->book, &run->limits).passed ? CLI_OK : CLI_FAULT;
}

static int verify(const struct verify_options *options, const struct uplink_settings *settings)
{
    struct verification run = {
        .options = options,
        .limits = {(uint64_t)options->expect_from, (uint64_t)options->until_seq},
        .signal_fd = cli_open_signals(),
        .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
        .progress = isatty(STDERR_FILENO),
    };
    struct text trouble = {0}, topic = {0};
    int status = CLI_FAULT;
    log_set_level(LOG_LEVEL_ERROR); /* the uplink's state is told here */
    if (uplink_open(settings, NULL, NULL, run.wake_fd, &run.uplink, &trouble) < 0) {
        cli_error("%s", trouble.data);
        goto cleanup;
    }
    run.inbox = verify_inbox_new(run.wake_fd);
    text_addf(&topic, "%s/#", options->topic);
    uplink_subscribe(run.uplink, topic.data, verify_inbox_put, run.inbox);
    listen_to(&run);
    uplink_close(run.uplink, CLOSE_MS);
    status = conclude(&run);
    verify_inbox_free(run.inbox);
cleanup:
    verify_book_free(&run.book);
    text_free(&trouble);
    text_free(&topic);
    close(run.wake_fd);
    close(run.signal_fd);
    return status;
}

static int run_verify(const void *block, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct uplink_settings settings = {0};
    char *host = NULL;
    uint32_t random_part = 0;
    char client_id[32];
    int status = parse_options(block, &settings, &host);
    if (status == CLI_OK && getrandom(&random_part, sizeof(random_part), 0) < 0)
        random_part = (uint32_t)getpid();
    snprintf(client_id, sizeof(client_id), "bindery-verify-%08x", random_part);
    settings.client_id = client_id;
    if (status == CLI_OK)
        status = verify(block, &settings);
    free(host);
    return status;
}

#define VERIFY_OPTION(field) offsetof(struct verify_options, field)

static const struct option_row rows[] = {
    {"url", 0, OPTION_TEXT, VERIFY_OPTION(url), "URL", "mqtt://HOST:PORT or mqtts://HOST:PORT"},
    {"topic", 't', OPTION_TEXT, VERIFY_OPTION(topic), "ROOT", "as bindery/SITE/GATEWAY"},
    {"for", 0, OPTION_DURATION, VERIFY_OPTION(for_ms), "TIME", "end after it, as 60s"},
    {"expect-from", 0, OPTION_NUMBER, VERIFY_OPTION(expect_from), "SEQ",
     "every number from here on must come"},
    {"until-seq", 0, OPTION_NUMBER, VERIFY_OPTION(until_seq), "SEQ",
     "end once all numbers up to here came"},
    {"user", 'u', OPTION_TEXT, VERIFY_OPTION(user), "NAME", "the user at the broker"},
    {"password-file", 0, OPTION_TEXT, VERIFY_OPTION(password_file), "FILE", "its password"},
    {"ca-file", 0, OPTION_TEXT, VERIFY_OPTION(ca_file), "FILE",
     "who signs the broker's certificate, by default the system's"},
    {"cert-file", 0, OPTION_TEXT, VERIFY_OPTION(cert_file), "FILE", "our certificate"},
    {"key-file", 0, OPTION_TEXT, VERIFY_OPTION(key_file), "FILE", "its key"},
    {"mqtt", 0, OPTION_TEXT, VERIFY_OPTION(mqtt), "VERSION", "5 or 3.1.1, by default 5"},
    {"json", 0, OPTION_FLAG, VERIFY_OPTION(json), NULL, "the summary as JSON"},
    {0},
};

const struct command command_verify = {
    .name = "verify",
    .arguments = "",
    .summary = "Subscribes to a gateway's messages and proves that nothing is missing",
    .details =
        "Ends after --for, at --until-seq or by Ctrl-C, then waits up to 5 s for what is still on\n"
        "its way. Exit status 0: readings came, none is missing unless a gap record declares it,\n"
        "and no repeat differs from its first. Without --expect-from the first number that came\n"
        "begins the proof; numbers that were sent just before we listened are left out.\n"
        "\nExamples:\n"
        "  bindery verify --url mqtt://127.0.0.1:1883 --topic bindery/yinghou/pinghu-01\n"
        "  bindery verify --url mqtts://broker:8883 --ca-file ca.pem -u me --password-file pw \\\n"
        "      --topic bindery/yinghou/pinghu-01 --for 60s --expect-from 1 --json\n",
    .options = rows,
    .defaults = &defaults,
    .options_size = sizeof(struct verify_options),
    .run = run_verify,
};
