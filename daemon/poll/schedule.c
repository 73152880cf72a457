#include "schedule.h"

#include "clock.h"

static void add_period(struct schedule *schedule, int64_t every_ns, int64_t first_ns)
{
    for (int i = 0; i < schedule->period_count; i++)
        if (schedule->periods[i].every_ns == every_ns)
            return;
    schedule->periods[schedule->period_count++] =
        (struct schedule_period){.every_ns = every_ns, .next_ns = first_ns};
}

/* Where number `number` lies in a span of at most a second: multiples of the golden ratio spread
 * evenly however many there are. */
static int64_t spread(unsigned number, int64_t span_ns)
{
    uint32_t part = number * UINT32_C(2654435769);
    return (int64_t)((uint64_t)part * (uint64_t)span_ns >> 32);
}

void schedule_init(struct schedule *schedule, const struct machine *machine, unsigned number,
                   int64_t start_ns, int64_t tick_ns)
{
    *schedule = (struct schedule){0};
    int64_t shortest_ns = NS_PER_S;
    for (size_t i = 0; i < machine->tag_count; i++)
        if (machine->tags[i].every_ms * NS_PER_MS < shortest_ns)
            shortest_ns = machine->tags[i].every_ms * NS_PER_MS;
    int64_t first_ns = start_ns + spread(number, shortest_ns);
    first_ns += tick_ns - first_ns % tick_ns;
    for (size_t i = 0; i < machine->tag_count; i++)
        add_period(schedule, machine->tags[i].every_ms * NS_PER_MS, first_ns);
    backoff_init(&schedule->backoff, NS_PER_S, 60 * NS_PER_S, number + 1);
}

int64_t schedule_next(const struct schedule *schedule)
{
    int64_t next_ns = schedule->periods[0].next_ns;
    for (int i = 1; i < schedule->period_count; i++)
        if (schedule->periods[i].next_ns < next_ns)
            next_ns = schedule->periods[i].next_ns;
    if (schedule->silent && schedule->not_before_ns > next_ns)
        return schedule->not_before_ns;
    return next_ns;
}

struct schedule_due schedule_take(struct schedule *schedule, int64_t now_ns)
{
    struct schedule_due due = {.since_ns = now_ns};
    for (int i = 0; i < schedule->period_count; i++) {
        struct schedule_period *period = &schedule->periods[i];
        if (period->next_ns > now_ns)
            continue;
        due.periods |= UINT32_C(1) << i;
        if (period->next_ns < due.since_ns)
            due.since_ns = period->next_ns;
        int64_t missed = (now_ns - period->next_ns) / period->every_ns;
        period->next_ns += (missed + 1) * period->every_ns;
    }
    if (schedule->silent && schedule->not_before_ns > due.since_ns)
        due.since_ns = schedule->not_before_ns;
    return due;
}

bool schedule_covers(const struct schedule *schedule, const struct schedule_due *due,
                     int64_t every_ms)
{
    for (int i = 0; i < schedule->period_count; i++)
        if ((due->periods >> i & 1) != 0 && schedule->periods[i].every_ns == every_ms * NS_PER_MS)
            return true;
    return false;
}

void schedule_answered(struct schedule *schedule)
{
    schedule->silent = false;
    backoff_reset(&schedule->backoff);
}

void schedule_unanswered(struct schedule *schedule, int64_t now_ns, bool shared, int64_t least_ns)
{
    schedule->silent = shared;
    if (!shared)
        return;
    int64_t wait_ns = backoff_next(&schedule->backoff);
    schedule->not_before_ns = now_ns + (wait_ns > least_ns ? wait_ns : least_ns);
}
