#include "followed.h"

#include <string.h>

#include "live.h"
#include "memory.h"

static bool has_name(const struct source *source, size_t value, const char *stem, size_t length,
                     const char *suffix)
{
    if (value >= source->tag_count)
        return false;
    const struct tag_name *name = &source->tags[value];
    return name->length == length + strlen(suffix) && memcmp(name->text, stem, length) == 0 &&
           memcmp(name->text + length, suffix, strlen(suffix)) == 0;
}

/* The tag whose epoch has this name; -1 where it is no epoch. */
static int tag_of_epoch(const struct source *source, size_t epoch)
{
    static const char suffix[] = ".epoch";
    const struct tag_name *name = &source->tags[epoch];
    size_t length = name->length - (sizeof(suffix) - 1);
    if (name->length < sizeof(suffix) || !has_name(source, epoch, name->text, length, suffix) ||
        !has_name(source, epoch + 1, name->text, length, ".inferred"))
        return -1;
    for (size_t i = 0; i < epoch; i++)
        if (has_name(source, i, name->text, length, ""))
            return (int)i;
    return -1;
}

static void add_followed(struct followed_source *source, const struct followed *item)
{
    source->items = mem_resize(source->items, (source->count + 1) * sizeof(*source->items));
    source->items[source->count++] = *item;
}

/* As machine_values has them: behind what is told, a state's names included or not. */
static void find_counters(struct standings *standings, const struct source *source, size_t *kept,
                          struct followed_source *followed)
{
    for (size_t epoch = 1; epoch < source->tag_count; epoch++) {
        int tag = tag_of_epoch(source, epoch);
        if (tag < 0)
            continue;
        const struct tag_name *name = &source->tags[tag];
        bool raw_told = has_name(source, epoch + 2, name->text, name->length, ".raw");
        uint16_t raw = (uint16_t)(raw_told ? epoch + 2 : (*kept)++);
        char text[LIVE_NAME_BYTES] = "";
        memcpy(text, name->text, name->length < sizeof(text) ? name->length : sizeof(text) - 1);
        const struct followed item = {
            .values = {(uint16_t)tag, (uint16_t)epoch, (uint16_t)(epoch + 1), raw,
                       (uint16_t)(*kept)++},
            .count = STANDING_COUNTER_NUMBERS,
            .is_counter = true,
            .standing = standings_add(standings, source->machine, text, STANDING_COUNTER_NUMBERS),
        };
        add_followed(followed, &item);
    }
}

static void add_row(struct followed_source *followed, const char *name, size_t first, size_t count)
{
    const struct followed item = {.values = {(uint16_t)first}, .count = count, .name = name};
    add_followed(followed, &item);
}

static size_t add_rows(struct followed_source *followed, size_t kept, size_t base_count)
{
    add_row(followed, STANDING_SHIFTS, kept, base_count);
    kept += base_count;
    add_row(followed, STANDING_SHIFT_NOW, kept, SHIFT_PERIOD_VALUES);
    kept += SHIFT_PERIOD_VALUES;
    add_row(followed, STANDING_SHIFT_BEFORE, kept, SHIFT_PERIOD_VALUES);
    kept += SHIFT_PERIOD_VALUES;
    add_row(followed, STANDING_JOB, kept, JOB_BASE_VALUES);
    return kept + JOB_BASE_VALUES;
}

/* Whether the machine has shifts no list of tags says: their numbers are theirs anyway, those of an
 * earlier version before those of this one. */
static void find_periods(size_t kept, struct followed_source *followed)
{
    kept = add_rows(followed, kept, FORMER_BASE_VALUES);
    kept = add_rows(followed, kept, SHIFT_BASE_VALUES);
    add_row(followed, STANDING_JOB_FORMAT, kept, JOB_FORMAT_VALUES);
}

void followed_find(struct standings *standings, const struct source *source,
                   struct followed_source *ret_followed)
{
    bool has_state = source->tag_count > STATE_VALUES &&
                     has_name(source, source->tag_count - 1, "state", 5, ".reason") &&
                     has_name(source, source->tag_count - 2, "state", 5, "");
    size_t kept = source->tag_count + (has_state ? 0 : STATE_VALUES);
    find_counters(standings, source, &kept, ret_followed);
    if (has_state)
        add_row(ret_followed, "state", kept, STATE_KEPT_VALUES);
    if (ret_followed->count > 0)
        find_periods(kept + STATE_KEPT_VALUES, ret_followed);
}
