#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "clock.h"
#include "decode.h"
#include "log.h"
#include "machine_again.h"
#include "memory.h"
#include "tcp_link_internal.h"

enum { UNANSWERED_MOST = 3 }; /* then the connection itself is doubted */

/* Keeps the transactions of links apart: the golden ratio of 2^16. */
enum { SPREAD = 40503 };

struct tcp_link *tcp_link_new(struct tcp_loop *loop, const struct plant *plant,
                              const struct link *config, struct live_link *live)
{
    struct tcp_link *link = mem_alloc(sizeof(*link));
    link->loop = loop;
    link->plant = plant_retain(plant);
    link->config = config;
    link->live = live;
    modbus_tcp_init(&link->tcp, (uint16_t)(loop->links_made++ * SPREAD));
    link->tcp.tap = live->tap;
    backoff_init(&link->backoff, NS_PER_S, 60 * NS_PER_S, (uint32_t)(uintptr_t)link | 1);
    return link;
}

void tcp_link_free(struct tcp_link *link)
{
    if (link == NULL)
        return;
    if (link->state == TCP_RESOLVING)
        resolver_forget(link->loop->resolver, link);
    tcp_end_transaction(link, -ECANCELED);
    tcp_close(link);
    tcp_set_state(link, TCP_WAITING, TCP_NEVER);
    plant_release(link->plant);
    free(link->addresses);
    free(link);
}

/* --- the poll in progress --- */

static void finish_poll(struct tcp_link *link, enum quality reason)
{
    struct instant at = link->answered_at;
    if (!link->answered)
        clock_now(&at);
    machine_run_finish(link->current, link->loop->output, &at, reason);
    link->current = NULL;
}

static void add_failures(struct tcp_link *link, const struct span *span, enum quality quality,
                         uint8_t exception)
{
    struct line_answer *answer = &link->current->answer;
    const uint16_t *tags = link->current->plan->tags + span->first_tag;
    for (size_t i = 0; i < span->tag_count; i++)
        answer->samples[answer->count++] =
            (struct sample){.tag = tags[i], .quality = (uint8_t)quality, .exception = exception};
}

static void add_values(struct tcp_link *link, const struct span *span, const uint16_t *words)
{
    struct line_answer *answer = &link->current->answer;
    const uint16_t *indices = link->current->plan->tags + span->first_tag;
    const struct tag *tags = link->current->config->tags;
    struct sample *sample = answer->samples + answer->count;
    for (size_t i = 0; i < span->tag_count; i++, sample++) {
        const struct tag *tag = &tags[indices[i]];
        char *text = NULL;
        if (tag->type == TYPE_STRING)
            text = answer->texts + (size_t)indices[i] * DECODE_TEXT_BYTES;
        sample->tag = indices[i];
        decode_tag(tag, words + (tag->address - span->start), text, sample);
    }
    answer->count += span->tag_count;
}

/* Moves to the next span that is due, from the present one on; false when there is none. */
static bool find_span(struct tcp_link *link)
{
    const struct modbus_plan *plan = link->current->plan;
    for (; link->span < plan->span_count; link->span++) {
        const struct span *span = &plan->spans[link->span];
        if (!span->aside && schedule_covers(&link->current->schedule, &link->due, span->every_ms))
            return true;
    }
    return false;
}

void tcp_fail_rest(struct tcp_link *link, enum quality quality)
{
    for (; !link->again && find_span(link); link->span++)
        add_failures(link, &link->current->plan->spans[link->span], quality, 0);
    if (link->answered)
        schedule_answered(&link->current->schedule);
    finish_poll(link, link->answered ? QUALITY_GOOD : quality);
}

/* --- asking --- */

/* The other side left before it answered. One that had answered on this connection may just have
 * been tired of it, as after each answer or some idle time: it is asked again, once, on another. */
static void lose(struct tcp_link *link, int64_t now_ns, int error)
{
    if (link->answers == 0 || (error != -ECONNRESET && error != -EPIPE)) {
        tcp_fail(link, now_ns, strerrordesc_np(-error));
        return;
    }
    tcp_close(link);
    tcp_start_connecting(link, now_ns);
}

void tcp_ask(struct tcp_link *link, int64_t now_ns)
{
    assert(link->current != NULL);
    const struct span *span = &link->current->plan->spans[link->span];
    int error = modbus_tcp_ask(&link->tcp, link->current->config->unit, span);
    if (error < 0) {
        lose(link, now_ns, error);
        return;
    }
    atomic_fetch_add_explicit(&link->live->requests, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&link->live->discarded, link->tcp.discarded, memory_order_relaxed);
    link->tcp.discarded = 0;
    if (link->asked_ns == 0)
        link->asked_ns = now_ns;
    tcp_set_state(link, TCP_ASKING, now_ns + link->config->timeout_ms * NS_PER_MS);
}

/* Moves to what is to be asked once more, if something is. */
static bool find_again(struct tcp_link *link)
{
    const struct machine_run *run = link->current;
    if (!machine_again_wanted(run))
        return false;
    link->again = true;
    link->span = modbus_plan_find(run->plan, run->config->job->id);
    return true;
}

static void ask_next(struct tcp_link *link, int64_t now_ns)
{
    tcp_set_state(link, TCP_READY, TCP_NEVER);
    link->span += !link->again;
    bool more = (!link->again && find_span(link)) || find_again(link);
    if (!more) {
        live_duration(link->loop->output->live, now_ns - link->asked_ns);
        schedule_answered(&link->current->schedule);
        finish_poll(link, QUALITY_GOOD);
    } else if (link->config->pause_ms > 0) {
        tcp_set_state(link, TCP_PAUSING, now_ns + link->config->pause_ms * NS_PER_MS);
    } else {
        tcp_ask(link, now_ns);
    }
}

void tcp_note_answer(struct tcp_link *link)
{
    link->answered_at = link->loop->now;
    link->answered = true;
    link->answers++;
    link->unanswered = 0;
    link->failed_since_ns = 0;
    if (!link->told_up)
        log_info("link %s: connected", link->config->name);
    link->told_up = true;
}

static void hear_again(struct tcp_link *link, const struct span *span, const uint16_t *words,
                       int result)
{
    const struct machine *machine = link->current->config;
    const struct tag *tag = &machine->tags[machine->job->id];
    char text[DECODE_TEXT_BYTES];
    struct sample sample = {.tag = machine->job->id, .quality = QUALITY_FRAME};
    if (result == 0)
        decode_tag(tag, words + (tag->address - span->start), text, &sample);
    machine_again_heard(link->current, &sample);
}

static void answer_arrived(struct tcp_link *link, int64_t now_ns)
{
    uint16_t words[MODBUS_MAX_BITS];
    const struct span *span = &link->current->plan->spans[link->span];
    int result = modbus_tcp_answer(&link->tcp, span, words);
    if (result == -EAGAIN)
        return;
    if (result < 0 && result != -EBADMSG) {
        lose(link, now_ns, result);
        return;
    }
    if (!link->again &&
        modbus_plan_heard(link->current->plan, link->current->config, link->span, result, now_ns)) {
        tcp_ask(link, now_ns);
        return;
    }
    if (link->again)
        hear_again(link, span, words, result);
    else if (result == 0)
        add_values(link, span, words);
    else if (result > 0)
        add_failures(link, span, QUALITY_EXCEPTION, (uint8_t)result);
    else
        add_failures(link, span, QUALITY_FRAME, 0);
    tcp_note_answer(link);
    ask_next(link, now_ns);
}

/* Nothing came in time. The connection stays: a late answer will carry an old transaction id, and
 * others may share it. Only when nothing at all has come for a while is it made anew. */
static void time_out(struct tcp_link *link, int64_t now_ns)
{
    struct schedule *schedule = &link->current->schedule;
    atomic_fetch_add(&link->live->timeouts, 1);
    tcp_set_state(link, TCP_READY, TCP_NEVER);
    if (!link->answered)
        schedule_unanswered(schedule, now_ns, link->machine_count > 1, 0);
    tcp_fail_rest(link, QUALITY_TIMEOUT);
    if (link->tcp.discarded > 0)
        link->unanswered = 0; /* late answers, but from something alive */
    if (++link->unanswered >= UNANSWERED_MOST && link->unanswered > link->machine_count) {
        tcp_close(link);
        tcp_start_connecting(link, now_ns);
    }
}

/* What is not asked for is told as it was when it was asked for last. */
static void tell_aside(struct tcp_link *link)
{
    const struct modbus_plan *plan = link->current->plan;
    for (size_t i = 0; i < plan->span_count; i++)
        if (plan->spans[i].aside &&
            schedule_covers(&link->current->schedule, &link->due, plan->spans[i].every_ms))
            add_failures(link, &plan->spans[i], QUALITY_EXCEPTION, EXCEPTION_ILLEGAL_ADDRESS);
}

static void begin_poll(struct tcp_link *link, int64_t now_ns)
{
    struct machine_run *run = machine_run_next(link->machines, link->machine_count, now_ns);
    link->current = run;
    link->due = schedule_take(&run->schedule, now_ns);
    modbus_plan_begin(run->plan, run->config, now_ns);
    tell_aside(link);
    link->span = 0;
    link->again = false;
    link->asked_ns = 0;
    link->answered = false;
    live_lateness(link->loop->output->live, now_ns - link->due.since_ns);
    find_span(link);
    tcp_ask(link, now_ns);
}

int64_t tcp_next_due(const struct tcp_link *link)
{
    if (link->machine_count == 0)
        return TCP_NEVER;
    return schedule_next(
        &machine_run_next(link->machines, link->machine_count, INT64_MIN)->schedule);
}

/* While the link is known to be down, what falls due is told so. */
static void tell_failed(struct tcp_link *link, int64_t now_ns)
{
    while (tcp_next_due(link) <= now_ns) {
        link->current = machine_run_next(link->machines, link->machine_count, now_ns);
        link->due = schedule_take(&link->current->schedule, now_ns);
        link->answered = false;
        machine_run_fail(link->current, &link->due, QUALITY_LINK);
        finish_poll(link, QUALITY_LINK);
    }
}

static int64_t wake_time(const struct tcp_link *link)
{
    if (link->machine_count == 0 && link->transaction == NULL)
        return TCP_NEVER;
    bool idle = link->state == TCP_READY || link->state == TCP_WAITING;
    if (link->tcp.more || (idle && link->transaction != NULL))
        return 0;
    int64_t wake_ns = link->state == TCP_READY ? TCP_NEVER : link->deadline_ns;
    if (link->state == TCP_READY || link->failed) {
        int64_t due_ns = tcp_next_due(link);
        if (due_ns < wake_ns)
            wake_ns = due_ns;
    }
    return wake_ns;
}

/* Something came, or the other side left, while nothing was asked. Leaving is its right, as some
 * do when they have been idle; the connection is made anew when it is next needed. */
static void unasked(struct tcp_link *link)
{
    if (modbus_tcp_discard(&link->tcp) == -EAGAIN)
        return;
    tcp_close(link);
    tcp_set_state(link, TCP_WAITING, tcp_next_due(link));
}

/* Between two requests of a poll. */
static void unasked_amid_poll(struct tcp_link *link, int64_t now_ns)
{
    int error = modbus_tcp_discard(&link->tcp);
    if (error != -EAGAIN)
        lose(link, now_ns, error);
}

/* What came, or that the other side left, is told once. */
static void look(struct tcp_link *link, int64_t now_ns)
{
    if (link->state == TCP_CONNECTING)
        tcp_connected(link, now_ns);
    else if (link->state == TCP_ASKING)
        answer_arrived(link, now_ns);
    else if (link->state == TCP_READY)
        unasked(link);
    else if (link->state == TCP_PAUSING)
        unasked_amid_poll(link, now_ns);
    else if (link->state == TCP_TRANSACTING)
        tcp_transaction_arrived(link);
}

int64_t tcp_link_step(struct tcp_link *link, int64_t now_ns)
{
    if (link->tcp.more)
        look(link, now_ns);
    bool over = now_ns >= link->deadline_ns;
    if (link->state == TCP_WAITING && (over || link->transaction != NULL))
        tcp_start_connecting(link, now_ns);
    else if (link->state == TCP_RESOLVING && over)
        tcp_wait_for_name(link, now_ns);
    else if (link->state == TCP_CONNECTING && over)
        tcp_connect_next(link, now_ns, -ETIMEDOUT);
    else if (link->state == TCP_ASKING && over)
        time_out(link, now_ns);
    else if (link->state == TCP_PAUSING && over)
        tcp_ask(link, now_ns);
    else if (link->state == TCP_TRANSACTING && over)
        tcp_transaction_timed_out(link);
    if (link->state == TCP_READY && tcp_transact(link, now_ns))
        return wake_time(link);
    if (link->state == TCP_READY && tcp_next_due(link) <= now_ns)
        begin_poll(link, now_ns);
    if (link->failed)
        tell_failed(link, now_ns);
    return wake_time(link);
}

int64_t tcp_link_ready(struct tcp_link *link, uint32_t events, int64_t now_ns)
{
    link->tcp.hung_up = link->state != TCP_CONNECTING && (events & ~(uint32_t)EPOLLIN) != 0;
    look(link, now_ns);
    return wake_time(link);
}

int64_t tcp_link_resolved(struct tcp_link *link, const struct resolver_answer *answer,
                          int64_t now_ns)
{
    if (answer->error != 0)
        tcp_fail(link, now_ns, gai_strerror(answer->error));
    else
        tcp_use_addresses(link, answer->addresses, answer->count, now_ns);
    return wake_time(link);
}

static bool has_machine(const struct tcp_link *link, const struct machine_run *run)
{
    for (size_t i = 0; i < link->machine_count; i++)
        if (link->machines[i] == run)
            return true;
    return false;
}

void tcp_link_set_machines(struct tcp_link *link, struct machine_run **machines, size_t count)
{
    link->machines = machines;
    link->machine_count = count;
    /* Left by the other side while idle: the new ones may be due sooner than the old were. */
    if (link->state == TCP_WAITING && !link->failed)
        link->deadline_ns = tcp_next_due(link);
    if (link->current == NULL || has_machine(link, link->current))
        return;
    link->current = NULL;
    if (link->state == TCP_ASKING || link->state == TCP_PAUSING)
        tcp_set_state(link, TCP_READY, TCP_NEVER);
}
