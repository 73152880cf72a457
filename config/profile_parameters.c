/* The parameters of a profile: their names and defaults, and what a machine gives. */
#include <string.h>

#include "phrase.h"
#include "profile.h"
#include "text.h"
#include "words.h"

int profile_find_parameter(const struct parameters *parameters, const char *name, size_t length)
{
    for (size_t i = 0; i < parameters->count; i++)
        if (strncmp(parameters->items[i].name, name, length) == 0 &&
            parameters->items[i].name[length] == '\0')
            return (int)i;
    return -1;
}

void profile_list_parameters(const struct parameters *parameters, struct text *out)
{
    for (size_t i = 0; i < parameters->count; i++)
        text_addf(out, "%s%s", i == 0 ? "" : " ", parameters->items[i].name);
    if (parameters->count == 0)
        text_add(out, "none");
}

/* The index of a parameter that is declared here; -1 after adding a fault. */
static int declare(struct load *load, const struct node *key, struct parameters *parameters)
{
    if (!is_name(key->text)) {
        load_fault(load, key,
                   "%s is no name of a parameter; expected 1 to 64 letters, digits, "
                   "'.', '_' or '-'",
                   phrase_quote(key->text).text);
        return -1;
    }
    if (parameters->count == PROFILE_MAX_PARAMETERS) {
        load_fault(load, key, "%s is one parameter too many; expected at most %d",
                   phrase_quote(key->text).text, PROFILE_MAX_PARAMETERS);
        return -1;
    }
    parameters->items[parameters->count].name = key->text;
    return (int)parameters->count++;
}

static void refuse_unknown(struct load *load, const struct node *key,
                           const struct parameters *parameters)
{
    struct text names = {0};

    profile_list_parameters(parameters, &names);
    load_fault(load, key, "%s is no parameter of the profile; expected one of: %s",
               phrase_quote(key->text).text, names.data);
    text_free(&names);
}

static void set_value(struct load *load, const char *name, const struct node *value,
                      const char **member)
{
    if (value->kind == NODE_SCALAR && !node_is_empty(value) && is_plain(value->text) &&
        strlen(value->text) <= PROFILE_MAX_VALUE_BYTES) {
        *member = value->text;
        return;
    }
    load_refuse(load, name, value, "does not fit", "1 to %d bytes without control characters",
                PROFILE_MAX_VALUE_BYTES);
}

void profile_read_parameters(struct load *load, const struct node *mapping, bool may_be_new,
                             struct parameters *parameters)
{
    const struct node *seen[PROFILE_MAX_PARAMETERS] = {0};

    if (mapping->kind != NODE_MAPPING) {
        if (!node_is_empty(mapping))
            load_refuse(load, "parameters", mapping, "stands here", "\"name: value\" pairs");
        return;
    }
    for (const struct node *key = mapping->first; key; key = key->next->next) {
        int i = profile_find_parameter(parameters, key->text, strlen(key->text));
        if (i < 0 && may_be_new)
            i = declare(load, key, parameters);
        else if (i < 0)
            refuse_unknown(load, key, parameters);
        if (i < 0)
            continue;
        if (seen[i]) {
            load_fault(load, key, "%s stands twice, first on line %u; expected it once",
                       phrase_quote(key->text).text, (unsigned)seen[i]->line);
            continue;
        }
        seen[i] = key;
        set_value(load, key->text, load_value(key), &parameters->items[i].value);
    }
}
