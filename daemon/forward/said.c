#include "said.h"

#include <string.h>

uint16_t said_value(const struct source *source, const char *name)
{
    for (size_t i = 0; name != NULL && i < source->tag_count; i++)
        if (source->tags[i].length == strlen(name) &&
            memcmp(source->tags[i].text, name, source->tags[i].length) == 0)
            return (uint16_t)i;
    return SAID_NOWHERE;
}

uint16_t said_state_value(const struct source *source)
{
    uint16_t reason = said_value(source, "state.reason");
    return reason != SAID_NOWHERE && reason > 0 ? (uint16_t)(reason - 1) : SAID_NOWHERE;
}

enum machine_state said_state(const struct value *value)
{
    for (int i = 0; value->kind == VALUE_TEXT && i < MACHINE_STATES; i++) {
        const char *name = machine_state_name((enum machine_state)i);
        if (value->length == strlen(name) && memcmp(value->text, name, value->length) == 0)
            return (enum machine_state)i;
    }
    return STATE_UNKNOWN;
}

const struct value *said_field(const struct event *event, const char *key)
{
    for (size_t i = 0; i < event->count; i++)
        if (strcmp(event->fields[i].key, key) == 0)
            return &event->fields[i].value;
    return NULL;
}

int64_t said_number(const struct event *event, const char *key, int64_t otherwise)
{
    const struct value *value = said_field(event, key);
    bool is_whole = value != NULL && value->kind == VALUE_DECIMAL && value->decimals == 0;
    return is_whole ? value->mantissa : otherwise;
}
