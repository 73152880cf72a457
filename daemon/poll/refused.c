#include "refused.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "memory.h"

enum { MOST_BYTES = 4 << 20 }; /* of thousands of machines, a dozen tags each */

void refused_parse(struct refused *refused, const char *bytes, size_t length)
{
    refused_forget(refused);
    text_clear(&refused->file);
    text_add_bytes(&refused->file, bytes, length);
    text_add_bytes(&refused->lines, bytes, length);
    text_add_char(&refused->lines, '\n');
    char *line = refused->lines.data, *end;
    const char *last = line + refused->lines.length;
    for (; line < last; line = end + 1) {
        end = memchr(line, '\n', (size_t)(last - line));
        *end = '\0';
        table_set(&refused->table, line, line);
    }
}

void refused_load(struct refused *refused, const char *path)
{
    *refused = (struct refused){.path = mem_string(path)};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return;
    char *bytes = mem_alloc(MOST_BYTES);
    ssize_t length = read(fd, bytes, MOST_BYTES);
    close(fd);
    if (length > 0)
        refused_parse(refused, bytes, (size_t)length);
    free(bytes);
}

static void add_key(struct text *out, const char *machine, const struct tag *tag)
{
    text_addf(out, "%s %s:%u", machine, area_name(tag->area), tag->address);
}

bool *refused_tags(const struct refused *refused, const struct machine *machine)
{
    struct text key = {0};
    bool *tags = NULL;
    if (refused == NULL || refused->table.count == 0)
        return NULL;
    for (size_t i = 0; i < machine->tag_count; i++) {
        text_clear(&key);
        add_key(&key, machine->name, &machine->tags[i]);
        if (table_get(&refused->table, key.data) == NULL)
            continue;
        if (tags == NULL)
            tags = mem_array(machine->tag_count, sizeof(*tags));
        tags[i] = true;
    }
    text_free(&key);
    return tags;
}

void refused_forget(struct refused *refused)
{
    table_clear(&refused->table);
    text_clear(&refused->lines);
}

/* A file in the making. */
struct lines {
    const struct refused *refused;
    struct text text;
};

static void add_refused(void *context, const struct machine *machine, const struct tag *tag)
{
    struct lines *lines = context;
    add_key(&lines->text, machine->name, tag);
    text_add_char(&lines->text, '\n');
}

/* As long as nothing was heard of it, what was known before stays. */
static void add_unheard(void *context, const struct machine *machine, const struct tag *tag)
{
    struct lines *lines = context;
    struct text key = {0};
    add_key(&key, machine->name, tag);
    if (table_get(&lines->refused->table, key.data) != NULL)
        add_refused(context, machine, tag);
    text_free(&key);
}

static bool same_text(const struct text *a, const struct text *b)
{
    return a->length == b->length && (a->length == 0 || memcmp(a->data, b->data, a->length) == 0);
}

int refused_save(struct refused *refused, struct live *live)
{
    struct lines now = {.refused = refused};
    int error = 0;
    live_each_refused(live, add_refused, refused->table.count > 0 ? add_unheard : NULL, &now);
    if (same_text(&now.text, &refused->file)) {
        text_free(&now.text);
        return 0;
    }
    if (now.text.length > 0)
        error = file_replace(refused->path, 0640, false, now.text.data, now.text.length);
    else if (unlink(refused->path) < 0 && errno != ENOENT)
        error = -errno;
    text_free(&refused->file);
    refused->file = now.text;
    return error;
}

void refused_free(struct refused *refused)
{
    table_free(&refused->table);
    text_free(&refused->lines);
    text_free(&refused->file);
    free(refused->path);
}
