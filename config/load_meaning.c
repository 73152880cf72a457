/* What the values of a list of tags are made into. */
#include <string.h>

#include "load.h"
#include "text.h"

/* A meaning in the making. */
struct draft {
    struct load *load;
    struct counter_place *counters;
    const char **names;
    struct meaning meaning;
};

static const struct tag_counter *counter_of(const struct tag *tag)
{
    return tag->detail ? tag->detail->counter : NULL;
}

static void add_name(struct draft *draft, const char *tag, const char *suffix)
{
    struct text name = {0};

    text_addf(&name, "%s%s", tag, suffix);
    draft->names[draft->meaning.told++] = load_string(draft->load, name.data);
    text_free(&name);
}

static void add_counter(struct draft *draft, const struct tag *tags, size_t count, size_t i)
{
    struct meaning *meaning = &draft->meaning;
    struct counter_place *place = &draft->counters[meaning->counter_count++];

    *place = (struct counter_place){.tag = (uint16_t)i, .config = counter_of(&tags[i])};
    place->epoch = (uint16_t)(count + meaning->told);
    add_name(draft, tags[i].name, LOAD_EPOCH);
    place->inferred = (uint16_t)(count + meaning->told);
    add_name(draft, tags[i].name, LOAD_INFERRED);
    place->raw = (uint16_t)(count + meaning->told);
    if (place->config->tell_raw)
        add_name(draft, tags[i].name, LOAD_RAW);
}

/* What is kept only is numbered when all that is told has its number. */
static void number_kept(struct draft *draft, size_t tag_count)
{
    struct meaning *meaning = &draft->meaning;

    for (size_t i = 0; i < meaning->counter_count; i++) {
        struct counter_place *place = &draft->counters[i];
        size_t first = tag_count + meaning->told + STATE_VALUES;
        if (!place->config->tell_raw)
            place->raw = (uint16_t)(first + meaning->kept++);
        place->known = (uint16_t)(first + meaning->kept++);
    }
}

const struct meaning *load_meaning(struct load *load, const struct tag *tags, size_t count)
{
    struct draft draft = {.load = load};
    struct arena *arena = &load->home->arena;
    size_t counters = 0;

    for (size_t i = 0; i < count; i++)
        counters += counter_of(&tags[i]) != NULL;
    if (counters == 0)
        return NULL;
    draft.counters = arena_alloc(arena, counters * sizeof *draft.counters);
    draft.names = arena_alloc(arena, LOAD_MADE_OF_COUNTER * counters * sizeof *draft.names);
    for (size_t i = 0; i < count; i++)
        if (counter_of(&tags[i]))
            add_counter(&draft, tags, count, i);
    number_kept(&draft, count);
    draft.meaning.counters = draft.counters;
    draft.meaning.names = draft.names;
    struct meaning *meaning = arena_alloc(arena, sizeof *meaning);
    *meaning = draft.meaning;
    return meaning;
}
