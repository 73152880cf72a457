/* Sections: their keys, and how what is wrong with them is put into words. */
#include <string.h>

#include "load.h"
#include "phrase.h"
#include "text.h"

enum { KEY_NEAR_ENOUGH = 2 };

const struct node *load_value(const struct node *key)
{
    return key ? node_target(key->next) : NULL;
}

void load_fault(struct load *load, const struct node *node, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    faults_addv(&load->faults, node_place(node), format, args);
    va_end(args);
}

static const char *describe(const struct node *value)
{
    switch (value->kind) {
    case NODE_LIST:
        return "a list stands here";
    case NODE_MAPPING:
        return "a mapping stands here";
    default:
        return "nothing stands here";
    }
}

void load_refuse(struct load *load, const char *key, const struct node *value,
                 const char *complaint, const char *expected_format, ...)
{
    struct text expected = {0};
    va_list args;

    va_start(args, expected_format);
    text_addv(&expected, expected_format, args);
    va_end(args);
    if (value->kind == NODE_SCALAR && !node_is_empty(value)) {
        load_fault(load, value, "%s: %s %s; expected %s", key, phrase_quote(value->text).text,
                   complaint, expected.data);
    } else {
        load_fault(load, value, "%s: %s; expected %s", key, describe(value), expected.data);
    }
    text_free(&expected);
}

const char *load_scalar(struct load *load, const struct field *field, const struct node *value,
                        const char *expected)
{
    if (value->kind != NODE_SCALAR || node_is_empty(value)) {
        load_refuse(load, field->key, value, "", "%s", expected);
        return NULL;
    }
    return value->text;
}

bool load_decimal(struct load *load, const struct field *field, const struct node *value,
                  const char *expected, struct decimal *ret_decimal)
{
    const char *text = load_scalar(load, field, value, expected);

    if (!text)
        return false;
    if (decimal_parse(text, ret_decimal) != 0) {
        load_refuse(load, field->key, value, "is no decimal number", "%s", expected);
        return false;
    }
    return true;
}

const char *load_string(struct load *load, const char *text)
{
    return table_intern(&load->strings, &load->home->arena, text, strlen(text));
}

void load_claim(struct load *load, struct table *taken, const char *key, const char *text,
                const struct node *value)
{
    const struct node *other = table_get(taken, text);

    if (other) {
        load_fault(load, value, "%s: %s is taken already, at %s:%u; expected one of its own", key,
                   phrase_quote(text).text, load->files[other->file], (unsigned)other->line);
        return;
    }
    table_set(taken, text, value);
}

size_t load_folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? (size_t)(slash - path) + 1 : 0;
}

static int find_field(const struct section *section, const char *key)
{
    for (size_t i = 0; i < section->count; i++)
        if (strcmp(section->fields[i].key, key) == 0)
            return (int)i;
    return -1;
}

static const char *nearest_key(const struct section *section, const char *key)
{
    const char *nearest = NULL;
    size_t least = KEY_NEAR_ENOUGH + 1;

    for (size_t i = 0; i < section->count; i++) {
        size_t distance = phrase_distance(section->fields[i].key, key);
        if (distance < least && distance < strlen(key)) {
            least = distance;
            nearest = section->fields[i].key;
        }
    }
    return nearest;
}

static void refuse_key(struct load *load, const struct section *section, const struct node *key)
{
    const char *nearest = nearest_key(section, key->text);
    struct text keys = {0};

    if (nearest) {
        load_fault(load, key, "%s is no key of %s; did you mean \"%s\"?",
                   phrase_quote(key->text).text, section->what, nearest);
        return;
    }
    for (size_t i = 0; i < section->count; i++)
        text_addf(&keys, "%s%s", i == 0 ? "" : " ", section->fields[i].key);
    load_fault(load, key, "%s is no key of %s; expected one of: %s", phrase_quote(key->text).text,
               section->what, keys.data);
    text_free(&keys);
}

static void load_key(struct load *load, const struct section *section, const struct node *key,
                     const struct node **seen, void *object)
{
    int i = find_field(section, key->text);

    if (i < 0) {
        refuse_key(load, section, key);
        return;
    }
    if (seen[i]) {
        load_fault(load, key, "%s stands twice, first on line %u; expected it once",
                   phrase_quote(key->text).text, (unsigned)seen[i]->line);
        return;
    }
    seen[i] = key;
    const struct field *field = &section->fields[i];
    if (field->read)
        field->read(load, field, load_value(key), object);
}

void load_section(struct load *load, const struct section *section, const struct node *mapping,
                  const struct node **seen, void *object)
{
    memset(seen, 0, section->count * sizeof(const struct node *));
    if (mapping->kind == NODE_MAPPING) {
        for (const struct node *key = mapping->first; key; key = key->next->next)
            load_key(load, section, key, seen, object);
    } else if (!node_is_empty(mapping)) {
        load_refuse(load, section->what, mapping, "stands here", "\"key: value\" pairs");
        return;
    }
    for (size_t i = 0; i < section->count; i++) {
        const struct field *field = &section->fields[i];
        if (field->required && !seen[i]) {
            load_fault(load, mapping, "%s: missing in %s; expected %s", field->key, section->what,
                       field->required);
        }
    }
}
