#include "standing.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

static int compare(const void *left, const void *right)
{
    const struct standing *a = left, *b = right;
    int order = strcmp(a->machine, b->machine);
    return order != 0 ? order : strcmp(a->name, b->name);
}

struct standing *standings_find(const struct standings *standings, const char *machine,
                                const char *name)
{
    const struct standing key = {.machine = (char *)machine, .name = (char *)name};
    struct standing *const *found = tfind(&key, &standings->tree, compare);
    return found != NULL ? *found : NULL;
}

static struct standing *add_new(struct standings *standings, const char *machine, const char *name)
{
    struct standing *standing = mem_alloc(sizeof(*standing));
    *standing = (struct standing){.machine = mem_string(machine), .name = mem_string(name)};
    if (tsearch(standing, &standings->tree, compare) == NULL)
        abort();
    return standing;
}

struct standing *standings_add(struct standings *standings, const char *machine, const char *name,
                               size_t count)
{
    struct standing *standing = standings_find(standings, machine, name);
    if (standing == NULL)
        standing = add_new(standings, machine, name);
    if (standing->count == count)
        return standing;
    free(standing->numbers);
    standing->numbers = mem_array(count, sizeof(*standing->numbers));
    standing->count = count;
    standing->at = (struct instant){.boot_ms = STANDING_UNKNOWN};
    standing->told = false;
    return standing;
}

struct walk {
    void (*each)(void *context, struct standing *standing);
    void *context;
};

static void visit(const void *node, VISIT order, void *closure)
{
    const struct walk *walk = closure;
    if (order == postorder || order == leaf)
        walk->each(walk->context, *(struct standing *const *)node);
}

void standings_each(const struct standings *standings,
                    void (*each)(void *context, struct standing *standing), void *context)
{
    struct walk walk = {each, context};
    twalk_r(standings->tree, visit, &walk);
}

static void free_standing(void *item)
{
    struct standing *standing = item;
    free(standing->machine);
    free(standing->name);
    free(standing->numbers);
    free(standing);
}

void standings_free(struct standings *standings)
{
    tdestroy(standings->tree, free_standing);
    standings->tree = NULL;
}

int64_t standing_boot_ms(const struct standing *standing, uint32_t this_boot,
                         const struct instant *now)
{
    const struct instant *at = &standing->at;
    if (standing->boot == this_boot && at->boot_ms != STANDING_UNKNOWN)
        return at->boot_ms;
    if (at->synced && now->synced)
        return now->boot_ms - (now->wall_ms - at->wall_ms);
    return STANDING_UNKNOWN;
}
