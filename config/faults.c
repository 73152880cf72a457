#include "faults.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "text.h"

struct found_fault {
    struct fault_place place;
    size_t number; /* the order of finding decides between those of one place */
    char *message;
    struct fault_user user;
    bool has_user;
};

/* Whether this was found before, for another machine. */
static bool is_known(struct faults *faults, struct fault_place place, const char *message)
{
    struct text key = {0};
    size_t before = faults->shared.count;

    text_addf(&key, "%u:%u:%u:%s", (unsigned)place.file, (unsigned)place.line,
              (unsigned)place.column, message);
    table_intern(&faults->shared, &faults->arena, key.data, key.length);
    text_free(&key);
    return faults->shared.count == before;
}

void faults_addv(struct faults *faults, struct fault_place place, const char *format, va_list args)
{
    bool is_shared = faults->shared_from > 0 && place.file >= faults->shared_from;
    struct text message = {0};

    if (faults->count == FAULTS_MAX) {
        faults->dropped++;
        return;
    }
    text_addv(&message, format, args);
    if (is_shared && is_known(faults, place, message.data)) {
        text_free(&message);
        return;
    }
    if (faults->count == faults->capacity) {
        faults->capacity = faults->capacity ? faults->capacity * 2 : 16;
        faults->items = mem_resize(faults->items, faults->capacity * sizeof *faults->items);
    }
    faults->items[faults->count] = (struct found_fault){
        .place = place,
        .number = faults->count,
        .message = message.data,
        .user = faults->user,
        .has_user = is_shared,
    };
    faults->count++;
}

void faults_add(struct faults *faults, struct fault_place place, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    faults_addv(faults, place, format, args);
    va_end(args);
}

static int compare_places(const struct fault_place *a, const struct fault_place *b)
{
    if (a->file != b->file)
        return a->file < b->file ? -1 : 1;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return (a->column > b->column) - (a->column < b->column);
}

static int compare_found(const void *left, const void *right)
{
    const struct found_fault *a = left;
    const struct found_fault *b = right;
    int order = compare_places(&a->place, &b->place);

    return order != 0 ? order : (a->number > b->number) - (a->number < b->number);
}

/* What stands under an anchor is checked once for every use and found as often. */
static bool is_told(const struct found_fault *told, size_t count, const struct found_fault *found)
{
    for (size_t i = count; i > 0 && compare_places(&told[i - 1].place, &found->place) == 0; i--)
        if (strcmp(told[i - 1].message, found->message) == 0)
            return true;
    return false;
}

static size_t faults_sort_and_unite(struct found_fault *items, size_t count)
{
    size_t told = 0;

    qsort(items, count, sizeof *items, compare_found);
    for (size_t i = 0; i < count; i++)
        if (is_told(items, told, &items[i]))
            free(items[i].message);
        else
            items[told++] = items[i];
    return told;
}

/* The message, with the machine for whose sake it was found. */
static char *tell_user(const struct found_fault *found, const char *user_file)
{
    const struct fault_user *user = &found->user;
    struct text message = {0};

    if (user->machine)
        text_addf(&message, "%s (for machine \"%s\", ", found->message, user->machine);
    else
        text_addf(&message, "%s (for the machine at ", found->message);
    text_addf(&message, "%s:%u:%u)", user_file, (unsigned)user->place.line,
              (unsigned)user->place.column);
    free(found->message);
    return message.data;
}

struct fault_list faults_finish(struct faults *faults,
                                const char *(*file_path)(const void *context, uint16_t file),
                                const void *context)
{
    struct fault_list list = {0};

    if (faults->count == 0)
        return list;
    list.count = faults_sort_and_unite(faults->items, faults->count);
    list.items = mem_array(list.count + 1, sizeof *list.items);
    for (size_t i = 0; i < list.count; i++) {
        const struct found_fault *found = &faults->items[i];
        list.items[i] = (struct fault){
            .file = mem_string(file_path(context, found->place.file)),
            .line = (int)found->place.line,
            .column = (int)found->place.column,
            .message = found->has_user
                           ? tell_user(found, file_path(context, found->user.place.file))
                           : found->message,
        };
    }
    if (faults->dropped > 0) {
        struct text message = {0};
        text_addf(&message, "%zu faults more than are listed here", faults->dropped);
        list.items[list.count++] =
            (struct fault){.file = mem_string(file_path(context, 0)), .message = message.data};
    }
    free(faults->items);
    table_free(&faults->shared);
    arena_free(&faults->arena);
    *faults = (struct faults){0};
    return list;
}

void fault_list_free(struct fault_list *faults)
{
    for (size_t i = 0; i < faults->count; i++) {
        free(faults->items[i].file);
        free(faults->items[i].message);
    }
    free(faults->items);
    *faults = (struct fault_list){0};
}
