/* state: how the state of a machine comes about, by its own section or its profile's. */
#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "memory.h"
#include "phrase.h"
#include "text.h"

enum { HOUR_MS = 3600 * 1000, OFFLINE_AFTER_MS = 5000, MICRO_STOP_MS = 60000 };

enum { KEY_FROM, KEY_RULES, KEY_REASON, KEY_REASONS, KEY_DEBOUNCE, KEY_OFFLINE_AFTER };
enum { KEY_MICRO_STOP = KEY_OFFLINE_AFTER + 1, KEY_FIELDS };

static const struct field state_fields[KEY_FIELDS] = {
    [KEY_FROM] = {.key = "from"},
    [KEY_RULES] = {.key = "rules"},
    [KEY_REASON] = {.key = "reason"},
    [KEY_REASONS] = {.key = "reasons"},
    [KEY_DEBOUNCE] = {.key = "debounce",
                      .read = load_read_duration,
                      .offset = offsetof(struct state_config, debounce_ms),
                      .most = HOUR_MS},
    [KEY_OFFLINE_AFTER] = {.key = "offline_after",
                           .read = load_read_duration,
                           .offset = offsetof(struct state_config, offline_after_ms),
                           .most = LOAD_MAX_PERIOD_MS},
    [KEY_MICRO_STOP] = {.key = "micro_stop",
                        .read = load_read_duration,
                        .offset = offsetof(struct state_config, micro_stop_ms),
                        .most = LOAD_MAX_PERIOD_MS},
};

static const struct section state_section = {"a machine's state", state_fields, KEY_FIELDS};

int load_find_tag(const struct load_tag_names *tags, const char *name, size_t length)
{
    for (size_t i = 0; i < tags->count; i++) {
        const char *other = tags->tags[i].name;
        if (other && strncmp(other, name, length) == 0 && other[length] == '\0')
            return (int)i;
    }
    return -1;
}

int load_named_tag(struct load *load, const char *key, const struct node *value,
                   const struct load_tag_names *tags, const char *expected)
{
    const struct field field = {.key = key};
    const char *name = load_scalar(load, &field, value, expected);

    if (!name)
        return -1;
    int tag = load_find_tag(tags, name, strlen(name));
    if (tag < 0)
        load_refuse(load, key, value, "is no tag of the machine", "%s", expected);
    return tag;
}

static const struct tag_states *states_of(const struct tag *tag)
{
    return tag->detail ? tag->detail->states : NULL;
}

/* The one tag that has states, or STATE_NO_TAG; several are a fault. */
static uint16_t find_from(struct load *load, const struct load_tag_names *tags)
{
    uint16_t found = STATE_NO_TAG;

    for (size_t i = 0; i < tags->count; i++) {
        if (!states_of(&tags->tags[i]))
            continue;
        if (found != STATE_NO_TAG) {
            load_fault(load, tags->place,
                       "state: the tags \"%s\" and \"%s\" have states; expected \"from\" under "
                       "\"state\" with one of them",
                       tags->tags[found].name, tags->tags[i].name);
            return STATE_NO_TAG;
        }
        found = (uint16_t)i;
    }
    return found;
}

static void read_from(struct load *load, const struct node *value,
                      const struct load_tag_names *tags, struct state_config *config)
{
    static const char expected[] = "the name of a tag with states";

    if (!value) {
        config->from = find_from(load, tags);
    } else {
        int tag = load_named_tag(load, "from", value, tags, expected);
        if (tag < 0)
            return;
        if (!states_of(&tags->tags[tag]) && !tags->doubtful)
            load_refuse(load, "from", value, "has no states", expected);
        config->from = (uint16_t)tag;
    }
    if (config->from != STATE_NO_TAG)
        config->codes = states_of(&tags->tags[config->from]);
}

static void read_reason(struct load *load, const struct node *const *seen,
                        const struct load_tag_names *tags, struct state_config *config)
{
    static const char expected[] = "the name of a tag that is a number";
    const struct node *value = load_value(seen[KEY_REASON]);
    int tag = value ? load_named_tag(load, "reason", value, tags, expected) : -1;

    if (tag >= 0 && tags->tags[tag].type == TYPE_STRING)
        load_refuse(load, "reason", value, "is a string", expected);
    if (tag >= 0)
        config->reason = (uint16_t)tag;
    if (!seen[KEY_REASONS])
        return;
    if (!value)
        load_fault(load, seen[KEY_REASONS],
                   "reasons: stands alone; expected reason beside it, with the tag");
    config->reason_count = load_reasons(load, load_value(seen[KEY_REASONS]), &config->reasons);
}

/* What the state is told as has names of its own. */
static void check_names(struct load *load, const struct load_tag_names *tags)
{
    static const char *const told[] = {"state", "state.reason"};

    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        const struct node *name = table_get(tags->names, told[i]);
        if (name)
            load_fault(load, name,
                       "name: \"%s\" is what the machine's state is told as; expected another one",
                       told[i]);
    }
}

static int compare_texts(const void *a, const void *b)
{
    const char *one = *(const char *const *)a, *other = *(const char *const *)b;
    uint32_t first = state_reason_of_text(one), second = state_reason_of_text(other);

    if (first != second)
        return first < second ? -1 : 1;
    return strcmp(one, other);
}

/* Reasons are kept by what 32 bits hold of their texts. Equal texts are one, by their address. */
static void check_reasons(struct load *load, const struct load_tag_names *tags,
                          const struct state_config *config)
{
    size_t codes = config->codes ? config->codes->count : 0, count = 0;
    const char **texts =
        mem_array(config->rule_count + codes + config->reason_count + 1, sizeof *texts);

    for (size_t i = 0; i < config->rule_count; i++)
        if (config->rules[i].reason)
            texts[count++] = config->rules[i].reason;
    for (size_t i = 0; i < codes; i++)
        if (config->codes->codes[i].reason)
            texts[count++] = config->codes->codes[i].reason;
    for (size_t i = 0; i < config->reason_count; i++)
        texts[count++] = config->reasons[i].reason;
    qsort(texts, count, sizeof *texts, compare_texts);
    for (size_t i = 1; i < count; i++) {
        if (texts[i] != texts[i - 1] &&
            state_reason_of_text(texts[i]) == state_reason_of_text(texts[i - 1]))
            load_fault(load, tags->place,
                       "state: the reasons %s and %s can't be told apart where they are stored; "
                       "expected other words for one of them",
                       phrase_quote(texts[i - 1]).text, phrase_quote(texts[i]).text);
    }
    free(texts);
}

/* Everything in it; texts and codes are kept once, so that their addresses stand for them. */
static void write_key(const struct state_config *config, struct text *key)
{
    text_addf(key, "%u %u %p %lld %lld %lld", config->from, config->reason,
              (const void *)config->codes, (long long)config->debounce_ms,
              (long long)config->offline_after_ms, (long long)config->micro_stop_ms);
    for (size_t i = 0; i < config->rule_count; i++) {
        const struct state_rule *rule = &config->rules[i];
        text_addf(key, "\n%d %p", (int)rule->state, (const void *)rule->reason);
        for (size_t k = 0; k < rule->count; k++)
            text_addf(key, " %u %d %lld.%u", rule->conditions[k].tag, (int)rule->conditions[k].op,
                      (long long)rule->conditions[k].number.mantissa,
                      rule->conditions[k].number.decimals);
    }
    for (size_t i = 0; i < config->reason_count; i++)
        text_addf(key, "\n%lld=%p", (long long)config->reasons[i].code,
                  (const void *)config->reasons[i].reason);
}

static const void *copy_bytes(struct load *load, const void *bytes, size_t size)
{
    return size > 0 ? memcpy(arena_alloc(&load->home->arena, size), bytes, size) : NULL;
}

/* Out of the tree into the plant. */
static const struct state_config *copy_config(struct load *load, const struct state_config *config)
{
    struct state_config *copy = arena_alloc(&load->home->arena, sizeof *copy);
    struct state_rule *rules = arena_alloc(&load->home->arena, config->rule_count * sizeof *rules);

    *copy = *config;
    for (size_t i = 0; i < config->rule_count; i++) {
        rules[i] = config->rules[i];
        rules[i].conditions =
            copy_bytes(load, rules[i].conditions, rules[i].count * sizeof *rules[i].conditions);
    }
    copy->rules = rules;
    copy->reasons =
        copy_bytes(load, config->reasons, config->reason_count * sizeof *config->reasons);
    return copy;
}

/* The one that is kept of these. */
static const struct state_config *keep_config(struct load *load, const struct state_config *config)
{
    struct text key = {0};

    write_key(config, &key);
    const struct state_config *kept = table_get(&load->states, key.data);
    if (!kept) {
        kept = copy_config(load, config);
        table_set(&load->states, arena_string(&load->tree.arena, key.data, key.length), kept);
    }
    text_free(&key);
    return kept;
}

const struct state_config *load_state(struct load *load, const struct node *section,
                                      const struct load_tag_names *tags)
{
    struct state_config config = {.from = STATE_NO_TAG,
                                  .reason = STATE_NO_TAG,
                                  .offline_after_ms = OFFLINE_AFTER_MS,
                                  .micro_stop_ms = MICRO_STOP_MS};
    const struct node *seen[KEY_FIELDS] = {NULL};
    size_t faults = load->faults.count;

    if (section)
        load_section(load, &state_section, section, seen, &config);
    read_from(load, load_value(seen[KEY_FROM]), tags, &config);
    if (seen[KEY_RULES])
        config.rule_count =
            load_state_rules(load, load_value(seen[KEY_RULES]), tags, &config.rules);
    read_reason(load, seen, tags, &config);
    if (load->faults.count == faults && !config.codes && config.rule_count == 0) {
        if (section && !tags->doubtful)
            load_fault(load, section,
                       "state: nothing tells it; expected rules, or a tag with states");
        return NULL;
    }
    check_names(load, tags);
    check_reasons(load, tags, &config);
    return load->faults.count == faults && !tags->doubtful ? keep_config(load, &config) : NULL;
}
