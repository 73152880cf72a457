#include "node.h"

#include <jansson.h>

static const json_t *json_of(const struct node *node)
{
    return (const json_t *)node;
}

struct node *node_parse(const char *bytes, size_t length, struct text *ret_error)
{
    json_error_t error;
    json_t *root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &error);
    if (!root && json_error_code(&error) == json_error_numeric_overflow)
        root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);
    if (!root)
        text_addf(ret_error, "%s at line %d, column %d", error.text, error.line, error.column);
    return (struct node *)root;
}

void node_free(struct node *root)
{
    json_decref((json_t *)root);
}

const struct node *node_member(const struct node *object, const char *name)
{
    return (const struct node *)json_object_get(json_of(object), name);
}

const char *node_text(const struct node *node, const char *otherwise)
{
    return json_is_string(json_of(node)) ? json_string_value(json_of(node)) : otherwise;
}

int64_t node_int(const struct node *node, int64_t otherwise)
{
    if (json_is_integer(json_of(node)))
        return json_integer_value(json_of(node));
    if (!json_is_real(json_of(node)))
        return otherwise;
    double number = json_real_value(json_of(node));
    return number > -9e18 && number < 9e18 ? (int64_t)number : otherwise;
}

bool node_bool(const struct node *node, bool otherwise)
{
    return json_is_boolean(json_of(node)) ? json_is_true(json_of(node)) : otherwise;
}

bool node_is_object(const struct node *node)
{
    return json_is_object(json_of(node));
}

size_t node_count(const struct node *array)
{
    return json_array_size(json_of(array));
}

const struct node *node_item(const struct node *array, size_t index)
{
    return (const struct node *)json_array_get(json_of(array), index);
}

bool node_each(const struct node *object, void **place, const char **ret_name,
               const struct node **ret_value)
{
    json_t *json = (json_t *)object;
    *place = *place ? json_object_iter_next(json, *place) : json_object_iter(json);
    if (!*place)
        return false;
    *ret_name = json_object_iter_key(*place);
    *ret_value = (const struct node *)json_object_iter_value(*place);
    return true;
}

static int add_bytes(const char *bytes, size_t length, void *out)
{
    text_add_bytes(out, bytes, length);
    return 0;
}

void node_to_json(const struct node *node, bool sorted, struct text *out)
{
    /* 15 digits bring back 168.7 as it was written; sorted is for comparing, to the last bit. */
    size_t flags = JSON_COMPACT | JSON_ENCODE_ANY |
                   (sorted ? JSON_SORT_KEYS | JSON_REAL_PRECISION(17) : JSON_REAL_PRECISION(15));
    json_dump_callback(json_of(node), add_bytes, out, flags);
}
