/* The states of machines, and the reasons for them, in words. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "plant.h"

/* The nearest words of others. PackML has a mode for what we call set-up and maintenance, and no
 * state of its own. */
static const struct {
    const char *name, *packml, *xjmf;
} words[MACHINE_STATES] = {
    [STATE_UNKNOWN] = {"unknown", "Undefined", NULL},
    [STATE_OFFLINE] = {"offline", "Undefined", "Offline"},
    [STATE_STOPPED] = {"stopped", "Stopped", "Stopped"},
    [STATE_IDLE] = {"idle", "Idle", "Idle"},
    [STATE_SETUP] = {"setup", "Resetting", "Setup"},
    [STATE_PRODUCTION] = {"production", "Execute", "Production"},
    [STATE_CLEANUP] = {"cleanup", "Completing", "Cleanup"},
    [STATE_FAULT] = {"fault", "Aborted", "Stopped"},
    [STATE_MAINTENANCE] = {"maintenance", "Stopped", "NonProductive"},
};

static const char *const operators[] = {
    [STATE_EQUAL] = "=",     [STATE_UNEQUAL] = "!=", [STATE_ABOVE] = ">",
    [STATE_AT_LEAST] = ">=", [STATE_BELOW] = "<",    [STATE_AT_MOST] = "<=",
};

const char *machine_state_name(enum machine_state state)
{
    return words[state].name;
}

const char *machine_state_packml(enum machine_state state)
{
    return words[state].packml;
}

const char *machine_state_xjmf(enum machine_state state)
{
    return words[state].xjmf;
}

const char *state_operator_name(enum state_operator op)
{
    return operators[op];
}

/* FNV-1a, with the bit set that numbers don't have. */
uint32_t state_reason_of_text(const char *text)
{
    uint32_t hash = UINT32_C(0x811c9dc5);

    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT32_C(0x01000193);
    return hash | UINT32_C(1) << 31;
}

/* What does not fit is no reason code of any machine. */
uint32_t state_reason_of_number(int64_t number)
{
    return number > 0 && number <= INT32_MAX ? (uint32_t)number : 0;
}

static bool is_text(const char *text, uint32_t reason)
{
    return text && state_reason_of_text(text) == reason;
}

static const char *find_text(const struct state_config *config, uint32_t reason)
{
    for (size_t i = 0; i < config->rule_count; i++)
        if (is_text(config->rules[i].reason, reason))
            return config->rules[i].reason;
    for (size_t i = 0; config->codes && i < config->codes->count; i++)
        if (is_text(config->codes->codes[i].reason, reason))
            return config->codes->codes[i].reason;
    for (size_t i = 0; i < config->reason_count; i++)
        if (is_text(config->reasons[i].reason, reason))
            return config->reasons[i].reason;
    return NULL;
}

const char *state_reason_text(const struct state_config *config, uint32_t reason,
                              char room[STATE_REASON_ROOM])
{
    if (reason == 0)
        return NULL;
    if (reason > INT32_MAX)
        return find_text(config, reason);
    snprintf(room, STATE_REASON_ROOM, "%" PRIu32, reason);
    return room;
}
