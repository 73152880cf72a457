/* The tag list of a machine. Machines of one kind have the same list: it is kept once. */
#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "memory.h"
#include "phrase.h"
#include "text.h"

enum { BUCKETS = 4096 };

struct tag_list {
    struct tag_list *next;
    struct tag *tags;
    size_t count;
    const struct meaning *meaning;
    uint64_t hash;
};

/* What is kept from machine to machine. */
struct tag_lists {
    struct arena arena;
    struct tag_list *buckets[BUCKETS];
    struct table details;
    struct table names;  /* of the machine at hand */
    struct tag *scratch; /* its tags */
    size_t total;
};

static struct tag_lists *tag_lists_of(struct load *load)
{
    if (!load->tag_lists) {
        load->tag_lists = mem_alloc(sizeof *load->tag_lists);
        load->tag_lists->scratch =
            mem_array(LOAD_MAX_MACHINE_TAGS, sizeof *load->tag_lists->scratch);
    }
    return load->tag_lists;
}

void load_tag_lists_free(struct tag_lists *lists)
{
    if (lists) {
        arena_free(&lists->arena);
        table_free(&lists->details);
        table_free(&lists->names);
        free(lists->scratch);
        free(lists);
    }
}

static void add_counter(struct text *key, const struct tag_counter *counter)
{
    if (!counter)
        return;
    const struct counter_rule *rule = &counter->rule;
    text_addf(key, "\n%d %d %d %llu %a %u %u", counter->counts, counter->tell_raw, rule->kind,
              (unsigned long long)rule->modulus, rule->max_per_s, rule->multiplier, rule->carry);
}

static const struct tag_counter *keep_counter(struct load *load, const struct tag_counter *counter)
{
    if (!counter)
        return NULL;
    struct tag_counter *copy = arena_alloc(&load->home->arena, sizeof *copy);
    *copy = *counter;
    return copy;
}

/* Texts are kept once, so that their addresses stand for them. */
static void add_states(struct text *key, const struct tag_states *states)
{
    for (size_t i = 0; states && i < states->count; i++)
        text_addf(key, "\n%lld=%d %p", (long long)states->codes[i].code,
                  (int)states->codes[i].state, (const void *)states->codes[i].reason);
}

static const struct tag_states *keep_states(struct load *load, const struct tag_states *states)
{
    if (!states)
        return NULL;
    size_t size = states->count * sizeof *states->codes;
    struct tag_states *copy = arena_alloc(&load->home->arena, sizeof *copy);
    copy->codes = memcpy(arena_alloc(&load->home->arena, size), states->codes, size);
    copy->count = states->count;
    return copy;
}

const struct tag_detail *load_detail(struct load *load, const struct tag_detail *detail)
{
    struct tag_lists *lists = tag_lists_of(load);
    struct text key = {0};

    text_addf(&key, "%s\n%s\n%s\n%lld.%u %lld.%u", detail->title.en ? detail->title.en : "",
              detail->title.zh ? detail->title.zh : "", detail->group ? detail->group : "",
              (long long)detail->low.mantissa, detail->low.decimals,
              (long long)detail->high.mantissa, detail->high.decimals);
    text_addf(&key, " %d%a %d%a %a", detail->limits.has_low, detail->limits.low,
              detail->limits.has_high, detail->limits.high, detail->limits.hysteresis);
    add_counter(&key, detail->counter);
    add_states(&key, detail->states);
    const struct tag_detail *kept = table_get(&lists->details, key.data);
    if (!kept) {
        struct tag_detail *copy = arena_alloc(&load->home->arena, sizeof *copy);
        *copy = *detail;
        copy->counter = keep_counter(load, detail->counter);
        copy->states = keep_states(load, detail->states);
        kept = copy;
        table_set(&lists->details, arena_string(&lists->arena, key.data, key.length), kept);
    }
    text_free(&key);
    return kept;
}

static uint64_t hash_tags(const struct tag *tags, size_t count)
{
    uint64_t hash = count;

    for (size_t i = 0; i < count; i++) {
        /* Names are kept once, so that their addresses stand for them. */
        uint64_t piece = (uintptr_t)tags[i].name ^ (uint64_t)tags[i].address << 48 ^
                         (uint64_t)tags[i].every_ms << 20;
        hash = (hash ^ piece) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    return hash;
}

static bool tags_equal(const struct tag *a, const struct tag *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!tag_equal(&a[i], &b[i]))
            return false;
    return true;
}

/* The list that is kept of these. */
static const struct tag_list *keep_tags(struct load *load, struct tag_lists *lists,
                                        const struct tag *tags, size_t count)
{
    uint64_t hash = hash_tags(tags, count);
    struct tag_list **bucket = &lists->buckets[hash % BUCKETS];

    for (const struct tag_list *list = *bucket; list; list = list->next)
        if (list->hash == hash && list->count == count && tags_equal(list->tags, tags, count))
            return list;
    struct tag_list *list = arena_alloc(&lists->arena, sizeof *list);
    *list = (struct tag_list){.next = *bucket, .count = count, .hash = hash};
    list->tags = arena_alloc(&load->home->arena, count * sizeof *tags);
    memcpy(list->tags, tags, count * sizeof *tags);
    list->meaning = load_meaning(load, list->tags, count);
    *bucket = list;
    return list;
}

/* Notes the period; false if it is one too many. */
static bool note_period(int64_t periods[LOAD_MAX_MACHINE_PERIODS], size_t *count, int64_t every_ms)
{
    for (size_t i = 0; i < *count; i++)
        if (periods[i] == every_ms)
            return true;
    if (*count == LOAD_MAX_MACHINE_PERIODS)
        return false;
    periods[(*count)++] = every_ms;
    return true;
}

bool load_count_tags(struct load *load, const struct node *node, size_t count)
{
    struct tag_lists *lists = tag_lists_of(load);

    if (count == 0) {
        load_fault(load, node, "tags: nothing stands here; expected a list of at least one tag");
        return false;
    }
    if (count > LOAD_MAX_MACHINE_TAGS) {
        load_fault(load, node, "tags: %zu of them; expected at most %d a machine", count,
                   LOAD_MAX_MACHINE_TAGS);
        return false;
    }
    bool fits_before = lists->total <= LOAD_MAX_TAGS;
    lists->total += count;
    if (lists->total <= LOAD_MAX_TAGS)
        return true;
    if (fits_before) {
        load_fault(load, node, "tags: too many; expected at most %d of all machines together",
                   LOAD_MAX_TAGS);
    }
    return false;
}

/* Reads the tags of the list into the scratch. Returns how many there are. */
static size_t read_tags(struct load *load, const struct node *list, const struct machine *machine)
{
    struct tag_lists *lists = tag_lists_of(load);
    int64_t periods[LOAD_MAX_MACHINE_PERIODS];
    size_t period_count = 0;
    size_t count = 0, made = 0;

    table_clear(&lists->names);
    for (const struct node *item = list->first; item; item = item->next) {
        struct tag *tag = &lists->scratch[count++];
        const struct node *every = load_tag(load, node_target(item), machine, &lists->names, tag);
        if (!note_period(periods, &period_count, tag->every_ms)) {
            load_fault(load, every,
                       "every: %s is one period too many; expected at most %d a "
                       "machine",
                       phrase_duration(tag->every_ms).text, LOAD_MAX_MACHINE_PERIODS);
        }
        if (tag->detail && tag->detail->counter)
            made += LOAD_MADE_OF_COUNTER;
    }
    if (count + made > LOAD_MAX_MACHINE_TAGS) {
        load_fault(load, list,
                   "tags: %zu of them, and %zu values that go with counters; expected "
                   "at most %d a machine",
                   count, made, LOAD_MAX_MACHINE_TAGS);
    }
    return count;
}

void load_tags(struct load *load, const struct node *list, const struct load_sections *sections,
               struct machine *machine)
{
    struct tag_lists *lists = tag_lists_of(load);
    size_t faults = load->faults.count;

    if (list->kind != NODE_LIST && !node_is_empty(list))
        return;
    if (!load_count_tags(load, list, list->kind == NODE_LIST ? node_count_items(list) : 0))
        return;
    const struct node *event = NULL;
    struct text_config *text = load_text(load, sections->text, list, machine->link, &event);
    machine->text = text;
    size_t count = read_tags(load, list, machine);
    struct load_tag_names names = {.tags = lists->scratch,
                                   .count = count,
                                   .names = &lists->names,
                                   .place = list,
                                   .doubtful = load->faults.count != faults};
    machine->state = load_state(load, sections->state, &names);
    names.doubtful = load->faults.count != faults;
    machine->job = load_job(load, sections->job, &names, machine->state);
    if (event)
        load_text_event(load, event, &names, text);
    if (load->faults.count == 0) {
        const struct tag_list *kept = keep_tags(load, lists, lists->scratch, count);
        machine->tags = kept->tags;
        machine->tag_count = count;
        machine->meaning = kept->meaning;
    }
}
