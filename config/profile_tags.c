/* A profile expanded: its tags with their parameters filled in, those of a machine put over them.
 *
 * What comes of it is a list such as could have stood in the machine, each node where it stands in
 * its file, for load_tags to read like any other. */
#include <stdlib.h>
#include <string.h>

#include "phrase.h"
#include "profile.h"
#include "text.h"
#include "words.h"

/* A tag is a mapping of scalars, lists, and mappings of scalars and of mappings; a state has a list
 * of mappings with lists, a level more. What is deeper is passed on as it stands, to be refused;
 * lists of aliases to lists of aliases don't grow here either. */
enum { FILL_DEPTH = 3, FILL_TAG = 0, FILL_STATE = -1, ADDEND_MOST_DIGITS = 9 };

#define DIGITS "0123456789"

/* The tags of a list that was worked out; none if there were faults. */
struct expanded {
    struct tag *tags;
    size_t count;
    const struct meaning *meaning;
    const struct state_config *state;
    const struct job_config *job;
    const struct text_config *text;
    double ideal_ms; /* 0: the profile says nothing of it */
};

/* An item of the list in the making. */
struct item {
    struct node alias; /* first: the list is made of these */
    unsigned level;    /* of the file that it is from */
};

struct expansion {
    struct load *load;
    struct parameters values;
    struct arena arena;
    size_t bytes;
    struct table names; /* of items */
    const struct node *first;
    const struct node **tail;
    unsigned level; /* what is added takes the place of what is from a level below */
    double ideal_ms;
    bool tag_failed, failed;
};

static void fail(struct expansion *expansion)
{
    expansion->tag_failed = true;
    expansion->failed = true;
}

/* Whether there is room for so much more; a fault the first time there is not. */
static bool take_bytes(struct expansion *expansion, const struct node *node, size_t bytes)
{
    bool fits_before = expansion->bytes <= PROFILE_MAX_BYTES;

    expansion->bytes += bytes;
    if (expansion->bytes <= PROFILE_MAX_BYTES)
        return true;
    if (fits_before) {
        load_fault(expansion->load, node,
                   "the profile becomes too large here; expected at most %s of it",
                   phrase_size(PROFILE_MAX_BYTES).text);
    }
    fail(expansion);
    return false;
}

static void refuse_parameter(struct expansion *expansion, const char *key, const struct node *value)
{
    struct text names = {0};

    profile_list_parameters(&expansion->values, &names);
    load_refuse(expansion->load, key, value, "names no parameter of the profile",
                "${NAME} with one of: %s", names.data);
    text_free(&names);
    fail(expansion);
}

/* Adds the text with its parameters filled in; false where that can't be. */
static bool fill_in(struct expansion *expansion, const char *key, const struct node *value,
                    struct text *out)
{
    const char *at = value->text;

    for (const char *open; (open = strstr(at, "${")) != NULL;) {
        const char *name = open + 2;
        size_t length = strcspn(name, "}");
        int i = name[length] == '}' ? profile_find_parameter(&expansion->values, name, length) : -1;
        if (i < 0) {
            refuse_parameter(expansion, key, value);
            return false;
        }
        if (!expansion->values.items[i].value) { /* a default that was refused where it stands */
            fail(expansion);
            return false;
        }
        text_add_bytes(out, at, (size_t)(open - at));
        text_add(out, expansion->values.items[i].value);
        at = name + length + 1;
    }
    text_add(out, at);
    if (out->length <= TREE_MAX_SCALAR_BYTES)
        return true;
    load_refuse(expansion->load, key, value, "becomes too long with its parameters",
                "at most %d bytes", TREE_MAX_SCALAR_BYTES);
    fail(expansion);
    return false;
}

/* "holding:100+12.3" becomes "holding:112.3". What is no sum of plain numbers stays as it is, and
 * is no address either. */
static void add_up(struct text *address)
{
    const char *colon = strchr(address->data, ':');
    bool is_sum = false;
    int64_t sum = 0;

    if (!colon)
        return;
    const char *number = colon + 1;
    for (;; number++) {
        size_t digits = strspn(number, DIGITS);
        if (digits == 0 || digits > ADDEND_MOST_DIGITS)
            return;
        sum += strtol(number, NULL, 10);
        number += digits;
        if (*number != '+')
            break;
        is_sum = true;
    }
    if (!is_sum)
        return;
    struct text rest = {0};
    text_add(&rest, number);
    text_cut(address, (size_t)(colon + 1 - address->data));
    text_add_int(address, sum);
    text_add_bytes(address, rest.data, rest.length);
    text_free(&rest);
}

static struct node *copy_node(struct expansion *expansion, const struct node *node)
{
    if (!take_bytes(expansion, node, sizeof *node))
        return NULL;
    struct node *copy = arena_alloc(&expansion->arena, sizeof *copy);
    *copy = *node;
    copy->next = NULL;
    return copy;
}

static struct node *fill_scalar(struct expansion *expansion, const char *key,
                                const struct node *value)
{
    struct text filled = {0};
    struct node *copy = copy_node(expansion, value);
    bool is_address = strcmp(key, "at") == 0;

    if (!copy || (!is_address && !strstr(value->text, "${")))
        return copy;
    if (fill_in(expansion, key, value, &filled) && filled.length > 0 &&
        take_bytes(expansion, value, filled.length + 1)) {
        if (is_address)
            add_up(&filled);
        copy->text = arena_string(&expansion->arena, filled.data, filled.length);
    }
    text_free(&filled);
    return copy;
}

static struct node *fill_value(struct expansion *expansion, const char *key,
                               const struct node *value, int depth);

/* Fills in what stands in a list or mapping; the keys of a mapping are kept. */
static struct node *fill_children(struct expansion *expansion, const char *key,
                                  const struct node *parent, int depth)
{
    struct node *copy = copy_node(expansion, parent);
    bool is_mapping = parent->kind == NODE_MAPPING;
    bool takes_key = is_mapping;

    if (!copy)
        return NULL;
    const struct node **tail = &copy->first;
    *tail = NULL;
    for (const struct node *child = parent->first; child; child = child->next) {
        struct node *filled = takes_key ? copy_node(expansion, child)
                                        : fill_value(expansion, key, node_target(child), depth + 1);
        if (!filled)
            return NULL;
        if (takes_key)
            key = is_name(child->text) ? child->text : "a tag";
        takes_key = is_mapping && !takes_key;
        *tail = filled;
        tail = (const struct node **)&filled->next;
    }
    return copy;
}

/* A copy with the parameters filled in; NULL where there was no room for it. */
static struct node *fill_value(struct expansion *expansion, const char *key,
                               const struct node *value, int depth)
{
    if (value->kind == NODE_SCALAR)
        return fill_scalar(expansion, key, value);
    if (depth < FILL_DEPTH)
        return fill_children(expansion, key, value, depth);
    struct node *alias = copy_node(expansion, value);
    if (alias) {
        alias->kind = NODE_ALIAS;
        alias->target = value;
    }
    return alias;
}

/* NULL where it has none that could be one. */
static const char *name_of(const struct node *tag)
{
    if (tag->kind != NODE_MAPPING)
        return NULL;
    for (const struct node *key = tag->first; key; key = key->next->next) {
        const struct node *value = node_target(key->next);
        if (strcmp(key->text, "name") == 0)
            return value->kind == NODE_SCALAR ? value->text : NULL;
    }
    return NULL;
}

/* Adds it, or puts it in the place of one of that name from a level below. Two of one level are
 * both kept, for load_tags to refuse. */
static void add_tag(struct expansion *expansion, const struct node *tag)
{
    const char *name = name_of(tag);
    struct item *item = name ? (struct item *)table_get(&expansion->names, name) : NULL;

    if (item && item->level < expansion->level) {
        item->alias.target = tag;
        item->level = expansion->level;
        return;
    }
    item = arena_alloc(&expansion->arena, sizeof *item);
    item->alias = (struct node){.target = tag,
                                .line = tag->line,
                                .kind = NODE_ALIAS,
                                .column = tag->column,
                                .file = tag->file};
    item->level = expansion->level;
    if (name && !table_get(&expansion->names, name))
        table_set(&expansion->names, name, item);
    *expansion->tail = &item->alias;
    expansion->tail = (const struct node **)&item->alias.next;
}

/* What is extended comes first. */
static void add_profile(struct expansion *expansion, const struct profile *profile)
{
    if (profile->base)
        add_profile(expansion, profile->base);
    expansion->level++;
    if (!profile->tags || profile->tags->kind != NODE_LIST)
        return;
    for (const struct node *item = profile->tags->first; item; item = item->next) {
        expansion->tag_failed = false;
        const struct node *tag = fill_value(expansion, "tags", node_target(item), FILL_TAG);
        if (!tag)
            return;
        if (!expansion->tag_failed)
            add_tag(expansion, tag);
    }
}

static void add_own(struct expansion *expansion, const struct node *tags)
{
    expansion->level++;
    for (const struct node *item = tags->first; item; item = item->next)
        add_tag(expansion, node_target(item));
}

/* The machine's own, or else what the profile says of it; NULL: neither says anything. */
static const struct node *find_section(struct expansion *expansion, const char *key, int depth,
                                       const struct node *own, const struct node *profiles)
{
    if (own || !profiles)
        return own;
    expansion->tag_failed = false;
    const struct node *section = fill_value(expansion, key, profiles, depth);
    return expansion->tag_failed ? NULL : section;
}

/* What the profile says of it; 0: nothing, or after adding a fault. */
static double find_ideal(struct expansion *expansion, const struct profile *profile)
{
    static const struct field field = {.key = "ideal_rate"};
    double ideal_ms = 0;

    if (!profile->of_ideal)
        return 0;
    expansion->tag_failed = false;
    const struct node *value = fill_value(expansion, field.key, profile->of_ideal, FILL_TAG);
    if (value && !expansion->tag_failed)
        load_read_ideal_rate(expansion->load, &field, value, &ideal_ms);
    return ideal_ms;
}

/* Works the list out and has it read. */
static void expand(struct expansion *expansion, const struct profile *profile,
                   const struct profile_use *use, struct machine *machine)
{
    struct node list = *use->name;

    expansion->tail = &expansion->first;
    add_profile(expansion, profile);
    if (use->tags && use->tags->kind == NODE_LIST)
        add_own(expansion, use->tags);
    list.kind = NODE_LIST;
    list.first = expansion->first;
    const struct load_sections sections = {
        .state =
            find_section(expansion, "state", FILL_STATE, use->sections.state, profile->of_state),
        .job = find_section(expansion, "job", FILL_TAG, use->sections.job, profile->of_job),
        .text = find_section(expansion, "text", FILL_TAG, use->sections.text, profile->of_text),
    };
    expansion->ideal_ms = find_ideal(expansion, profile);
    if (list.first || !expansion->failed)
        load_tags(expansion->load, &list, &sections, machine);
    table_free(&expansion->names);
    arena_free(&expansion->arena);
}

/* Everything that the tags depend on. Values have no newline in them. */
static void write_key(const struct profile *profile, const struct parameters *values,
                      const struct machine *machine, struct text *key)
{
    text_addf(key, "%s\n%lld\n%u\n%d", profile->name, (long long)machine->every_ms,
              machine->link ? machine->link->max_registers : 0U,
              machine->link && link_driver_is_text(machine->link->driver));
    for (size_t i = 0; i < values->count; i++)
        text_addf(key, "\n%s", values->items[i].value ? values->items[i].value : "");
}

/* For a machine without tags and sections of its own: once for all that come to the same. */
static void expand_once(struct expansion *expansion, const struct profile *profile,
                        const struct profile_use *use, struct machine *machine)
{
    struct load *load = expansion->load;
    struct table *all = &load->profiles->expanded;
    struct text key = {0};

    write_key(profile, &expansion->values, machine, &key);
    const struct expanded *known = table_get(all, key.data);
    if (!known) {
        struct expanded *expanded = arena_alloc(&load->tree.arena, sizeof *expanded);
        table_set(all, arena_string(&load->tree.arena, key.data, key.length), expanded);
        expand(expansion, profile, use, machine);
        *expanded = (struct expanded){.tags = machine->tags,
                                      .count = machine->tag_count,
                                      .meaning = machine->meaning,
                                      .state = machine->state,
                                      .job = machine->job,
                                      .text = machine->text,
                                      .ideal_ms = expansion->ideal_ms};
    } else if (known->tags && load_count_tags(load, use->name, known->count)) {
        machine->tags = known->tags;
        machine->tag_count = known->count;
        machine->meaning = known->meaning;
        machine->state = known->state;
        machine->job = known->job;
        machine->text = known->text;
        expansion->ideal_ms = known->ideal_ms;
    }
    text_free(&key);
}

void profile_expand(struct load *load, const struct profile *profile, const struct profile_use *use,
                    struct machine *machine)
{
    struct expansion expansion = {.load = load, .values = profile->defaults};

    if (use->parameters)
        profile_read_parameters(load, use->parameters, false, &expansion.values);
    if (use->sections.state || use->sections.job || use->sections.text ||
        (use->tags && use->tags->kind == NODE_LIST && use->tags->first))
        expand(&expansion, profile, use, machine);
    else
        expand_once(&expansion, profile, use, machine);
    if (machine->ideal_ms == 0)
        machine->ideal_ms = expansion.ideal_ms;
    if (machine->format_count == 0) {
        machine->formats = profile->formats;
        machine->format_count = profile->format_count;
    }
}
