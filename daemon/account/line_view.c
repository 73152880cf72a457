/* What a line does, by what each of its machines does. */
#include <math.h>

#include "line_run_internal.h"

static bool is_known(enum machine_state state)
{
    return state != STATE_UNKNOWN && state != STATE_OFFLINE;
}

bool line_is_halt(enum machine_state state)
{
    return is_known(state) && state != STATE_PRODUCTION;
}

static bool tells_state(const struct line_run *run, size_t member)
{
    return run->config->machines[member]->state != NULL;
}

static bool holds_up(const struct line_run *run, size_t member)
{
    return line_is_halt(run->members[member].doing.state) && !run->members[member].left_out;
}

/* From the worst on. */
static int rank(enum machine_state state)
{
    static const int ranks[MACHINE_STATES] = {
        [STATE_FAULT] = 6, [STATE_MAINTENANCE] = 5, [STATE_STOPPED] = 4,
        [STATE_SETUP] = 3, [STATE_CLEANUP] = 2,     [STATE_IDLE] = 1,
    };
    return ranks[state];
}

/* Who is not known to have stopped did so last. */
static bool stopped_before(const struct line_member *a, const struct line_member *b)
{
    if (a->halted_ms == LINE_TIME_UNKNOWN || b->halted_ms == LINE_TIME_UNKNOWN)
        return a->halted_ms != LINE_TIME_UNKNOWN && b->halted_ms == LINE_TIME_UNKNOWN;
    return a->halted_ms < b->halted_ms;
}

static int find_cause(const struct line_run *run)
{
    int cause = LINE_NOBODY;

    for (size_t i = 0; i < run->config->machine_count; i++) {
        const struct line_member *member = &run->members[i];
        if (!holds_up(run, i))
            continue;
        int worse = cause == LINE_NOBODY
                        ? 1
                        : rank(member->doing.state) - rank(run->members[cause].doing.state);
        if (worse > 0 || (worse == 0 && stopped_before(member, &run->members[cause])))
            cause = (int)i;
    }
    return cause;
}

/* Whether each machine that tells a state tells it now. */
static bool all_known(const struct line_run *run)
{
    for (size_t i = 0; i < run->config->machine_count; i++)
        if (tells_state(run, i) && !is_known(run->members[i].doing.state))
            return false;
    return true;
}

static int find_first_stopped(const struct line_run *run)
{
    int first = LINE_NOBODY;

    for (size_t i = 0; i < run->config->machine_count; i++)
        if (holds_up(run, i) &&
            (first == LINE_NOBODY || stopped_before(&run->members[i], &run->members[first])))
            first = (int)i;
    for (size_t i = 0; first != LINE_NOBODY && i < run->config->machine_count; i++) {
        const struct line_member *member = &run->members[i];
        if ((int)i == first || !holds_up(run, i))
            continue;
        if (member->halted_ms == LINE_TIME_UNKNOWN ||
            member->halted_ms - member->halted_uncertain_ms <= run->members[first].halted_ms)
            return LINE_NOBODY;
    }
    return first != LINE_NOBODY && run->members[first].halted_ms != LINE_TIME_UNKNOWN ? first
                                                                                      : LINE_NOBODY;
}

static int find_least_reserve(const struct line_run *run)
{
    int least = LINE_NOBODY;

    for (size_t i = 0; i < run->config->machine_count; i++) {
        const struct line_member *member = &run->members[i];
        if (!tells_state(run, i))
            continue;
        if (member->doing.state != STATE_PRODUCTION || isnan(member->reserve))
            return LINE_NOBODY;
        if (least == LINE_NOBODY || member->reserve < run->members[least].reserve)
            least = (int)i;
    }
    return least;
}

struct line_view line_look(const struct line_run *run)
{
    size_t delivery = run->config->delivery;
    struct line_view view = {
        .doing = run->members[delivery].doing, .cause = (int)delivery, .bottleneck = LINE_NOBODY};

    if (view.doing.state == STATE_PRODUCTION)
        view.bottleneck = find_least_reserve(run);
    if (!line_is_halt(view.doing.state))
        return view;
    view.cause = find_cause(run);
    view.doing = run->members[view.cause].doing;
    if (all_known(run))
        view.bottleneck = find_first_stopped(run);
    return view;
}

void line_apply(struct line_run *run, const struct line_change *change)
{
    struct line_member *member = &run->members[change->member];
    enum machine_state before = member->doing.state, state = change->doing.state;

    member->doing = change->doing;
    if (!line_is_halt(state) || !is_known(before)) {
        member->halted_ms = LINE_TIME_UNKNOWN;
    } else if (before == STATE_PRODUCTION) {
        member->halted_ms = change->at_ms;
        member->halted_uncertain_ms = change->uncertain_ms;
    }
    if (state == STATE_PRODUCTION)
        member->left_out = false;
    if (change->member != run->config->delivery || state != STATE_PRODUCTION ||
        before == STATE_PRODUCTION)
        return;
    for (size_t i = 0; i < run->config->machine_count; i++)
        run->members[i].left_out = line_is_halt(run->members[i].doing.state);
}
