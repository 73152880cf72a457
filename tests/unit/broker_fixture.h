/* A mosquitto of the test's own, on a free port of the loopback, in a directory that goes with it;
 * and an uplink that is driven until something happens. */
#ifndef BINDERY_BROKER_FIXTURE_H
#define BINDERY_BROKER_FIXTURE_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "text.h"
#include "uplink.h"

#define PATIENCE_NS (20 * NS_PER_S)

struct broker {
    char directory[32];
    uint16_t port;
    pid_t pid;
};

static inline uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    close(fd);
    return ntohs(address.sin_port);
}

/* Runs a command in the broker's directory. */
__attribute__((format(printf, 2, 3), unused)) static void broker_run(const struct broker *broker,
                                                                     const char *format, ...)
{
    struct text command = {0};
    va_list args;

    text_addf(&command, "cd %s && { ", broker->directory);
    va_start(args, format);
    text_addv(&command, format, args);
    va_end(args);
    text_add(&command, "; } >>output 2>&1");
    assert_int_equal(system(command.data), 0);
    text_free(&command);
}

static inline void broker_init(struct broker *broker)
{
    *broker = (struct broker){.directory = "/tmp/broker-XXXXXX", .port = free_port()};
    assert_non_null(mkdtemp(broker->directory));
}

/* Later versions say that they run just before they listen. */
static inline void broker_wait_until_listening(const struct broker *broker)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(broker->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int64_t until_ns = clock_mono_ns() + 10 * NS_PER_S;
    int refused;

    do {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        refused = connect(fd, (struct sockaddr *)&address, sizeof(address));
        close(fd);
    } while (refused && clock_mono_ns() < until_ns);
    assert_int_equal(refused, 0);
}

static inline void broker_wait_until_running(int log_fd)
{
    char log[8192] = "";
    size_t length = 0;

    while (strstr(log, " running") == NULL) {
        ssize_t more = read(log_fd, log + length, sizeof(log) - 1 - length);
        if (more <= 0)
            fail_msg("mosquitto: %s", log);
        length += (size_t)more;
        log[length] = '\0';
    }
}

/* Its log goes to a file once it runs, so that nobody has to read the pipe. */
static inline void broker_start(struct broker *broker, const char *settings)
{
    char path[64];
    int ends[2];

    snprintf(path, sizeof(path), "%s/conf", broker->directory);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fprintf(file, "user root\nlistener %u 127.0.0.1\n%s\n", (unsigned)broker->port, settings);
    fclose(file);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    broker->pid = fork();
    assert_true(broker->pid >= 0);
    if (broker->pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        signal(SIGPIPE, SIG_IGN);
        if (chdir(broker->directory) == 0)
            execl("/usr/sbin/mosquitto", "mosquitto", "-c", path, NULL);
        _exit(127);
    }
    close(ends[1]);
    broker_wait_until_running(ends[0]);
    broker_wait_until_listening(broker);
    close(ends[0]);
}

static inline void broker_kill(struct broker *broker)
{
    kill(broker->pid, SIGKILL);
    waitpid(broker->pid, NULL, 0);
    broker->pid = 0;
}

static inline void broker_end(struct broker *broker)
{
    char path[64];

    if (broker->pid != 0)
        broker_kill(broker);
    snprintf(path, sizeof(path), "rm -r %s", broker->directory);
    assert_int_equal(system(path), 0);
}

/* An uplink with the eventfd that wakes whoever drives it, and how far its clock is ahead. */
struct driven {
    struct uplink_settings settings;
    struct uplink *uplink;
    int wake_fd;
    int64_t ahead_ns;
};

static int64_t driven_now(const struct driven *driven)
{
    return clock_mono_ns() + driven->ahead_ns;
}

static inline void driven_open(struct driven *driven, const struct uplink_settings *settings,
                               const char *will_topic)
{
    struct text error = {0};

    driven->settings = *settings;
    driven->ahead_ns = 0;
    driven->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int code = uplink_open(&driven->settings, will_topic, will_topic ? "gone" : NULL,
                           driven->wake_fd, &driven->uplink, &error);
    if (code != 0)
        fail_msg("uplink_open: %s", error.data);
}

static inline void driven_close(struct driven *driven)
{
    uplink_close(driven->uplink, 2000);
    close(driven->wake_fd);
}

static inline void driven_sleep(const struct driven *driven, int64_t until_ns)
{
    struct pollfd wake = {.fd = driven->wake_fd, .events = POLLIN};
    int64_t wait_ns = until_ns - driven_now(driven);
    eventfd_t count;

    if (poll(&wake, 1, wait_ns > 0 ? (int)(wait_ns / NS_PER_MS) + 1 : 0) > 0)
        eventfd_read(driven->wake_fd, &count);
}

/* Drives it until its next event. */
static inline struct uplink_event driven_next(struct driven *driven)
{
    const int64_t give_up_ns = driven_now(driven) + PATIENCE_NS;
    struct uplink_event event;

    for (;;) {
        int64_t now_ns = driven_now(driven);
        int64_t next_ns = uplink_step(driven->uplink, now_ns);
        event = uplink_next_event(driven->uplink);
        if (event.kind != UPLINK_NONE)
            return event;
        if (now_ns >= give_up_ns)
            fail_msg("nothing happens; trouble: %s", uplink_trouble(driven->uplink));
        driven_sleep(driven, next_ns < give_up_ns ? next_ns : give_up_ns);
    }
}

static inline void driven_expect(struct driven *driven, enum uplink_event_kind kind)
{
    struct uplink_event event = driven_next(driven);

    if (event.kind != kind)
        fail_msg("event %d in place of %d; trouble: %s", (int)event.kind, (int)kind,
                 uplink_trouble(driven->uplink));
}

/* Drives it until there is trouble. */
static inline void driven_expect_trouble(struct driven *driven, const char *words)
{
    const int64_t give_up_ns = driven_now(driven) + PATIENCE_NS;

    while (uplink_trouble(driven->uplink)[0] == '\0') {
        int64_t next_ns = uplink_step(driven->uplink, driven_now(driven));
        if (driven_now(driven) >= give_up_ns)
            fail_msg("no trouble");
        if (uplink_trouble(driven->uplink)[0] == '\0')
            driven_sleep(driven, next_ns < give_up_ns ? next_ns : give_up_ns);
    }
    if (strstr(uplink_trouble(driven->uplink), words) == NULL)
        fail_msg("trouble: %s, not: %s", uplink_trouble(driven->uplink), words);
    assert_false(uplink_connected(driven->uplink));
}

static inline void driven_publish(struct driven *driven, const char *topic, uint32_t ticket)
{
    assert_int_equal(
        uplink_publish(driven->uplink, topic, "payload", 7, false, ticket, driven_now(driven)), 0);
}

/* A broker for each test, and settings for it. */
#define OPEN_TO_ALL "allow_anonymous true\nmax_inflight_messages 0\n"
#define WITH_BROKER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static struct broker broker;

static inline int set_up(void **state)
{
    (void)state;
    broker_init(&broker);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    broker_end(&broker);
    return 0;
}

static inline struct uplink_settings plain_settings(bool mqtt5)
{
    return (struct uplink_settings){.name = "cloud",
                                    .scheme = SCHEME_MQTT,
                                    .host = "localhost",
                                    .port = broker.port,
                                    .client_id = "gateway",
                                    .mqtt5 = mqtt5};
}

static inline void open_connected(struct driven *driven, const struct uplink_settings *settings)
{
    driven_open(driven, settings, NULL);
    driven_expect(driven, UPLINK_CONNECTED);
    assert_true(uplink_connected(driven->uplink));
    assert_string_equal(uplink_trouble(driven->uplink), "");
}

static inline void expect_acknowledged(struct driven *driven, uint32_t ticket)
{
    struct uplink_event event = driven_next(driven);

    assert_int_equal(event.kind, UPLINK_ACKNOWLEDGED);
    assert_int_equal(event.ticket, ticket);
}

#endif
