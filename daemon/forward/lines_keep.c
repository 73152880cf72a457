/* Where lines stand, as standings. */
#include <stdio.h>
#include <string.h>

#include "lines_internal.h"

/* No tag, no machine's state and no shift is named so. */
#define STANDING_BASE "line/base"
#define STANDING_CHANGES "line/changes"
#define STANDING_NOW "line/now"
#define STANDING_BEFORE "line/before"
#define STANDING_MEMBER "line/of/"

enum { BASE_MACHINES = LINE_BASE_NUMBERS - 1 }; /* which machines they are, in which order */

_Static_assert((int)LINE_PERIOD_NUMBERS <= (int)STANDING_MOST_NUMBERS &&
                   (int)LINE_CHANGE_NUMBERS <= (int)STANDING_MOST_NUMBERS,
               "a standing has room for each part");

/* FNV-1a of the machines' names, the delivery's twice. */
static int64_t machines_of(const struct production_line *line)
{
    uint64_t sum = UINT64_C(14695981039346656037);
    for (size_t i = 0; i <= line->machine_count; i++) {
        size_t member = i < line->machine_count ? i : line->delivery;
        for (const char *at = line->machines[member]->name;; at++) {
            sum = (sum ^ (unsigned char)*at) * UINT64_C(1099511628211);
            if (*at == '\0')
                break;
        }
    }
    return (int64_t)sum;
}

struct member_name {
    char text[sizeof(STANDING_MEMBER) + LIVE_NAME_BYTES];
};

static struct member_name member_name(const struct production_line *line, size_t member)
{
    struct member_name name;
    snprintf(name.text, sizeof(name.text), STANDING_MEMBER "%s", line->machines[member]->name);
    return name;
}

/* Whether that changed something. */
static bool put(struct lines *lines, const struct lines_line *line, const char *name,
                const int64_t *numbers, size_t count)
{
    struct standing *standing =
        standings_add(lines->standings, line->run.config->name, name, count);
    if (standing->told && memcmp(standing->numbers, numbers, count * sizeof(*numbers)) == 0)
        return false;
    memcpy(standing->numbers, numbers, count * sizeof(*numbers));
    standing->told = standing->changed = true;
    return true;
}

bool lines_stand(struct lines *lines, struct lines_line *line)
{
    const struct production_line *config = line->run.config;
    struct line_kept kept;
    line_run_keep(&line->run, &kept);
    kept.base[BASE_MACHINES] = machines_of(config);
    if (memcmp(&kept, &line->stood, sizeof(kept)) == 0)
        return false;
    line->stood = kept;
    bool changed = put(lines, line, STANDING_BASE, kept.base, LINE_BASE_NUMBERS);
    changed = put(lines, line, STANDING_CHANGES, kept.changes, LINE_CHANGE_NUMBERS) || changed;
    changed = put(lines, line, STANDING_NOW, kept.now, LINE_PERIOD_NUMBERS) || changed;
    changed = put(lines, line, STANDING_BEFORE, kept.before, LINE_PERIOD_NUMBERS) || changed;
    for (size_t i = 0; i < config->machine_count; i++)
        changed =
            put(lines, line, member_name(config, i).text, kept.members[i], LINE_MEMBER_NUMBERS) ||
            changed;
    return changed;
}

static bool get(const struct lines *lines, const struct lines_line *line, const char *name,
                int64_t *ret_numbers, size_t count)
{
    const struct standing *standing =
        standings_find(lines->standings, line->run.config->name, name);
    if (standing == NULL || standing->count != count)
        return false;
    memcpy(ret_numbers, standing->numbers, count * sizeof(*ret_numbers));
    return true;
}

void lines_resume(struct lines *lines, struct lines_line *line)
{
    const struct production_line *config = line->run.config;
    struct line_kept kept = {0};
    line->dirty = true;
    /* times of other machines, or of another delivery, are none of this line */
    if (!get(lines, line, STANDING_BASE, kept.base, LINE_BASE_NUMBERS) ||
        kept.base[BASE_MACHINES] != machines_of(config))
        return;
    get(lines, line, STANDING_CHANGES, kept.changes, LINE_CHANGE_NUMBERS);
    get(lines, line, STANDING_NOW, kept.now, LINE_PERIOD_NUMBERS);
    get(lines, line, STANDING_BEFORE, kept.before, LINE_PERIOD_NUMBERS);
    for (size_t i = 0; i < config->machine_count; i++)
        get(lines, line, member_name(config, i).text, kept.members[i], LINE_MEMBER_NUMBERS);
    line->run = line_run_resume(config, &kept);
}

struct forget {
    const struct plant *plant;
    bool changed;
};

static void forget_one(void *context, struct standing *standing)
{
    static const int64_t nothing[LINE_BASE_NUMBERS];
    struct forget *forget = context;
    if (strcmp(standing->name, STANDING_BASE) != 0 || standing->count != LINE_BASE_NUMBERS ||
        plant_line(forget->plant, standing->machine) != NULL ||
        memcmp(standing->numbers, nothing, sizeof(nothing)) == 0)
        return;
    memcpy(standing->numbers, nothing, sizeof(nothing));
    standing->changed = forget->changed = true;
}

bool lines_forget_others(const struct plant *plant, struct standings *standings)
{
    struct forget forget = {.plant = plant};
    standings_each(standings, forget_one, &forget);
    return forget.changed;
}
