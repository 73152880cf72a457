/* job: which tag says what job a machine is on, by its own section or its profile's. */
#include <string.h>

#include "load.h"
#include "text.h"

static field_read_fn read_from;

enum { KEY_ID, KEY_FROM, KEY_FORMAT, KEY_FIELDS };

static const struct field job_fields[KEY_FIELDS] = {
    [KEY_ID] = {.key = "id"},
    [KEY_FROM] = {.key = "from", .read = read_from},
    [KEY_FORMAT] = {.key = "format", .read = load_read_list},
};

static const struct section job_section = {"a machine's job", job_fields, KEY_FIELDS};

static bool is_counter(const struct tag *tag)
{
    return tag->detail && tag->detail->counter;
}

/* What a job is known by does not come with decimals. */
static bool can_be_id(const struct tag *tag)
{
    if (tag->type == TYPE_STRING)
        return true;
    return tag->type != TYPE_BOOL && tag->type != TYPE_F32 && tag->type != TYPE_F64 &&
           tag->type != TYPE_DECIMAL && tag->bit < 0 && tag->scale.decimals == 0 &&
           tag->offset.decimals == 0 && !is_counter(tag);
}

static void read_id(struct load *load, const struct node *value, const struct load_tag_names *tags,
                    struct job_config *config)
{
    static const char expected[] = "the name of a tag that is a string or a whole number, and no "
                                   "counter";
    int tag = load_named_tag(load, "id", value, tags, expected);

    if (tag < 0)
        return;
    if (!can_be_id(&tags->tags[tag]) && !tags->doubtful)
        load_refuse(load, "id", value, "says no job", expected);
    config->id = (uint16_t)tag;
}

static void read_from(struct load *load, const struct field *field, const struct node *value,
                      void *object)
{
    struct job_config *config = object;

    load_read_name(load, field, value, &config->from);
    if (!config->from)
        return;
    struct load_source *source = arena_alloc(&load->tree.arena, sizeof *source);
    *source = (struct load_source){.next = load->job_sources, .value = value};
    load->job_sources = source;
}

static const struct machine *find_machine(const struct plant *plant, const char *name)
{
    for (size_t i = 0; i < plant->machine_count; i++)
        if (plant->machines[i].name && strcmp(plant->machines[i].name, name) == 0)
            return &plant->machines[i];
    return NULL;
}

void load_check_job_sources(struct load *load)
{
    if (load->incomplete || load->faults.count > 0)
        return;
    for (const struct load_source *source = load->job_sources; source; source = source->next) {
        const struct machine *machine = find_machine(load->plant, source->value->text);
        if (!machine)
            load_refuse(load, "from", source->value, "is no machine",
                        "the name of one under \"machines\"");
        else if (!machine->text || machine->text->event == TEXT_NO_TAG ||
                 !can_be_id(&machine->tags[machine->text->event]))
            load_refuse(load, "from", source->value, "says no job",
                        "a machine that speaks in lines, with an event that is a string or a whole "
                        "number");
    }
}

static void read_format(struct load *load, const struct node *list,
                        const struct load_tag_names *tags, struct job_config *config)
{
    if (list->kind != NODE_LIST)
        return;
    for (const struct node *item = list->first; item; item = item->next) {
        const struct node *value = node_target(item);
        int tag = load_named_tag(load, "format", value, tags, "names of the machine's tags");
        if (tag < 0)
            continue;
        if (config->format_count == JOB_MAX_FORMAT) {
            load_fault(load, value, "format: one too many; expected at most %d tags",
                       JOB_MAX_FORMAT);
            return;
        }
        config->format[config->format_count++] = (uint16_t)tag;
    }
}

/* Nothing would be known of its jobs. */
static void check_told(struct load *load, const struct node *section,
                       const struct load_tag_names *tags, const struct state_config *state)
{
    bool told = state != NULL;

    for (size_t i = 0; !told && i < tags->count; i++)
        told = is_counter(&tags->tags[i]) && tags->tags[i].detail->counter->counts != COUNTS_OTHER;
    if (!told && !tags->doubtful)
        load_fault(load, section,
                   "job: there is nothing to tell of one; expected a state, or a counter of good, "
                   "waste or gross");
}

/* The one that is kept of these. */
static const struct job_config *keep_config(struct load *load, const struct job_config *config)
{
    struct text key = {0};

    text_addf(&key, "%u %s", config->id, config->from ? config->from : "");
    for (size_t i = 0; i < config->format_count; i++)
        text_addf(&key, " %u", config->format[i]);
    const struct job_config *kept = table_get(&load->jobs, key.data);
    if (!kept) {
        struct job_config *copy = arena_alloc(&load->home->arena, sizeof *copy);
        *copy = *config;
        kept = copy;
        table_set(&load->jobs, arena_string(&load->tree.arena, key.data, key.length), kept);
    }
    text_free(&key);
    return kept;
}

const struct job_config *load_job(struct load *load, const struct node *section,
                                  const struct load_tag_names *tags,
                                  const struct state_config *state)
{
    struct job_config config = {.id = JOB_NO_TAG};
    const struct node *seen[KEY_FIELDS] = {NULL};
    size_t faults = load->faults.count;

    if (!section)
        return NULL;
    load_section(load, &job_section, section, seen, &config);
    if (seen[KEY_ID])
        read_id(load, load_value(seen[KEY_ID]), tags, &config);
    if (!seen[KEY_ID] == !seen[KEY_FROM])
        load_fault(load, section,
                   "job: %s; expected id, the name of the tag that says it, or from, the name of a "
                   "machine that does",
                   seen[KEY_ID] ? "is said twice" : "nothing says it");
    if (seen[KEY_FORMAT])
        read_format(load, load_value(seen[KEY_FORMAT]), tags, &config);
    if (load->faults.count == faults)
        check_told(load, section, tags, state);
    return load->faults.count == faults && !tags->doubtful ? keep_config(load, &config) : NULL;
}
