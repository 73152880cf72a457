/* states: of a tag, and reasons: of a machine: what its numbers stand for. */
#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "memory.h"
#include "words.h"

enum { CODES_MOST = 512 };

/* A number, what stands for it, and where. */
struct entry {
    struct state_code code;
    const struct node *key;
};

typedef bool entry_read_fn(struct load *load, const struct node *value, struct state_code *code);

static const struct choice told_states[] = {
    {"unknown", STATE_UNKNOWN}, {"stopped", STATE_STOPPED},         {"idle", STATE_IDLE},
    {"setup", STATE_SETUP},     {"production", STATE_PRODUCTION},   {"cleanup", STATE_CLEANUP},
    {"fault", STATE_FAULT},     {"maintenance", STATE_MAINTENANCE}, {NULL, 0}};

void load_read_state(struct load *load, const struct field *field, const struct node *value,
                     void *object)
{
    const struct field choice = {
        .key = field->key, .offset = field->offset, .choices = told_states};

    if (value->kind == NODE_SCALAR && strcmp(value->text, "offline") == 0) {
        load_refuse(load, field->key, value, "is what the gateway finds by itself",
                    "a state that a machine can tell");
        return;
    }
    load_read_choice(load, &choice, value, object);
}

/* "production", or {state: fault, reason: paper jam} */
static bool read_state(struct load *load, const struct node *value, struct state_code *code)
{
    static const struct field fields[] = {
        {.key = "state",
         .read = load_read_state,
         .offset = offsetof(struct state_code, state),
         .required = "the state that the number stands for"},
        {.key = "reason",
         .read = load_read_text,
         .offset = offsetof(struct state_code, reason),
         .most = LOAD_REASON_MOST_BYTES},
    };
    static const struct section section = {"a state", fields, sizeof fields / sizeof *fields};
    static const struct field word = {.key = "states",
                                      .offset = offsetof(struct state_code, state)};
    const struct node *seen[sizeof fields / sizeof *fields];
    size_t faults = load->faults.count;

    if (value->kind == NODE_MAPPING)
        load_section(load, &section, value, seen, code);
    else
        load_read_state(load, &word, value, code);
    return load->faults.count == faults;
}

static bool read_reason(struct load *load, const struct node *value, struct state_code *code)
{
    const struct field field = {.key = "reasons",
                                .offset = offsetof(struct state_code, reason),
                                .most = LOAD_REASON_MOST_BYTES};

    load_read_text(load, &field, value, code);
    return code->reason != NULL;
}

/* "12", "-1" */
static bool parse_code(const char *text, int64_t *ret_code)
{
    bool negative = text[0] == '-';

    if (parse_whole(text + negative, ret_code) != 0)
        return false;
    if (negative)
        *ret_code = -*ret_code;
    return true;
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *one = a;
    const struct entry *other = b;

    if (one->code.code != other->code.code)
        return one->code.code < other->code.code ? -1 : 1;
    if (one->key->line != other->key->line)
        return one->key->line < other->key->line ? -1 : 1;
    return one->key->column < other->key->column ? -1 : 1;
}

/* Sorted, each number once. */
static void order_entries(struct load *load, struct entry *entries, size_t count)
{
    qsort(entries, count, sizeof *entries, compare_entries);
    for (size_t i = 1; i < count; i++) {
        if (entries[i].code.code == entries[i - 1].code.code) {
            load_fault(load, entries[i].key,
                       "\"%s\" stands twice, first on line %u; expected it once",
                       entries[i].key->text, (unsigned)entries[i - 1].key->line);
        }
    }
}

/* The numbers of the mapping, at least one, with what they stand for, in the tree's memory; none
 * after adding a fault. */
static struct tag_states read_codes(struct load *load, const char *key, const struct node *mapping,
                                    const char *expected, entry_read_fn *read)
{
    struct tag_states states = {0};
    size_t most = 0, count = 0, faults = load->faults.count;

    if (mapping->kind != NODE_MAPPING || !mapping->first) {
        load_refuse(load, key, mapping, "stands here", "%s", expected);
        return states;
    }
    most = node_count_items(mapping) / 2;
    if (most > CODES_MOST) {
        load_fault(load, mapping, "%s: %zu of them; expected at most %d", key, most, CODES_MOST);
        return states;
    }
    struct entry *entries = mem_array(most, sizeof *entries);
    for (const struct node *at = mapping->first; at; at = at->next->next) {
        struct entry entry = {.key = at};
        if (!parse_code(at->text, &entry.code.code))
            load_refuse(load, key, at, "is no whole number", "%s", expected);
        else if (read(load, node_target(at->next), &entry.code))
            entries[count++] = entry;
    }
    order_entries(load, entries, count);
    if (load->faults.count == faults) {
        struct state_code *codes = arena_alloc(&load->tree.arena, count * sizeof *codes);
        for (size_t i = 0; i < count; i++)
            codes[i] = entries[i].code;
        states = (struct tag_states){.codes = codes, .count = count};
    }
    free(entries);
    return states;
}

/* Which whole numbers the type can hold exactly; false: it is no number. */
static bool type_range(enum tag_type type, int64_t *ret_least, int64_t *ret_most)
{
    static const struct {
        int64_t least, most;
    } ranges[] = {
        [TYPE_BOOL] = {0, 1},
        [TYPE_U16] = {0, UINT16_MAX},
        [TYPE_S16] = {INT16_MIN, INT16_MAX},
        [TYPE_U32] = {0, UINT32_MAX},
        [TYPE_S32] = {INT32_MIN, INT32_MAX},
        [TYPE_U64] = {0, INT64_MAX},
        [TYPE_S64] = {INT64_MIN, INT64_MAX},
        [TYPE_F32] = {-(INT64_C(1) << 24), INT64_C(1) << 24},
        [TYPE_F64] = {-(INT64_C(1) << 53), INT64_C(1) << 53},
        [TYPE_BCD16] = {0, 9999},
        [TYPE_BCD32] = {0, 99999999},
        [TYPE_STRING] = {0, -1},
        [TYPE_DECIMAL] = {INT64_MIN, INT64_MAX},
    };

    *ret_least = ranges[type].least;
    *ret_most = ranges[type].most;
    return ranges[type].least <= ranges[type].most;
}

/* Numbers that can't come are mostly a wrong type. */
static void check_range(struct load *load, const struct node *mapping, const struct tag *tag)
{
    int64_t least = 0, most = 0, code = 0;

    if (!type_range(tag->type, &least, &most)) {
        load_fault(load, mapping, "states: does not go with a string; expected a number or a bool");
        return;
    }
    for (const struct node *key = mapping->first; key; key = key->next->next)
        if (parse_code(key->text, &code) && (code < least || code > most))
            load_refuse(load, "states", key, "is beyond what the type can hold",
                        "%lld to %lld for %s", (long long)least, (long long)most,
                        tag_type_name(tag->type));
}

/* A code is no quantity. */
static void check_company(struct load *load, const struct tag *tag,
                          const struct tag_company *company)
{
    if (tag->type == TYPE_BOOL || tag->type == TYPE_STRING)
        return; /* that has been told */
    for (size_t i = 0; i < TAG_COMPANY_KEYS; i++)
        if (company->keys[i])
            load_fault(load, company->keys[i],
                       "%s: does not go with states; expected it to be left out",
                       company->keys[i]->text);
}

bool load_states(struct load *load, const struct node *value, const struct tag *tag,
                 const struct tag_company *company, struct tag_states *ret_states)
{
    size_t faults = load->faults.count;
    struct tag_states states = read_codes(
        load, "states", value,
        "whole numbers with their states, such as {1: production, 2: stopped}", read_state);

    if (states.count > 0)
        check_range(load, value, tag);
    check_company(load, tag, company);
    if (load->faults.count != faults)
        return false;
    *ret_states = states;
    return true;
}

size_t load_reasons(struct load *load, const struct node *value,
                    const struct state_reason **ret_reasons)
{
    struct tag_states codes =
        read_codes(load, "reasons", value,
                   "whole numbers with their reasons, such as {17: paper jam}", read_reason);
    struct state_reason *reasons = arena_alloc(&load->tree.arena, codes.count * sizeof *reasons);

    for (size_t i = 0; i < codes.count; i++)
        reasons[i] = (struct state_reason){codes.codes[i].code, codes.codes[i].reason};
    *ret_reasons = reasons;
    return codes.count;
}
