#include <errno.h>
#include <string.h>

#include "line_thread_internal.h"
#include "live_alarm.h"
#include "log.h"
#include "resolver.h"

/* A driver may have to look a name up first, and how long that takes is the resolver's affair. */
enum { NAME_S = 120 };

/* As a USB adapter that was pulled out, or has never been there. */
static void tell_device_gone(struct line_thread *thread, int error)
{
    const char *device = thread->config->device;
    if (device != NULL &&
        (error == -ENOENT || error == -ENODEV || error == -ENXIO || error == -EIO))
        live_alarm_raise(thread->output->live, ALARM_DEVICE_GONE, thread->config->name, "%s: %s",
                         device, strerrordesc_np(-error));
}

static void failed(struct line_thread *thread, int error)
{
    const char *trouble = line_open_trouble(thread->config, error);
    int64_t now_ns = clock_mono_ns();
    if (!thread->failed)
        thread->failed_since_ns = now_ns;
    int64_t wait_ns = backoff_absence(&thread->backoff, now_ns - thread->failed_since_ns);
    if (!thread->failed)
        log_warn("link %s: %s, next try in %lld ms", thread->config->name, trouble,
                 (long long)(wait_ns / NS_PER_MS));
    thread->failed = true;
    thread->open_at_ns = now_ns + wait_ns;
    atomic_store(&thread->live->up, false);
    atomic_store(&thread->live->trouble, trouble);
    tell_device_gone(thread, error);
}

static int64_t longest_open_ns(const struct line_thread *thread)
{
    const struct link *config = thread->config;
    struct sockaddr_storage literal;
    int64_t most_ns = config->timeout_ms * NS_PER_MS;
    if (config->host != NULL && resolver_literal(config->host, config->port, &literal) < 0)
        most_ns += NAME_S * NS_PER_S;
    return most_ns;
}

void line_link_open(struct line_thread *thread)
{
    line_promise_return(thread, longest_open_ns(thread));
    int error = thread->driver->open(thread->config, &thread->line);
    if (error < 0) {
        failed(thread, error);
        return;
    }
    log_info("link %s: open", thread->config->name);
    tap_mark(thread->live->tap, "opened");
    const char *remark = NULL;
    if (thread->driver->remark != NULL)
        remark = thread->driver->remark(thread->line);
    if (remark != NULL)
        log_warn("link %s: %s", thread->config->name, remark);
    thread->failed = false;
    atomic_store(&thread->live->up, true);
    atomic_store(&thread->live->trouble, NULL);
    live_alarm_clear(thread->output->live, ALARM_DEVICE_GONE, thread->config->name);
}

void line_link_close(struct line_thread *thread, int error)
{
    thread->driver->close(thread->line);
    thread->line = NULL;
    thread->watched = false;
    tap_mark(thread->live->tap, "closed");
    atomic_fetch_add(&thread->live->reconnects, 1);
    failed(thread, error);
}
