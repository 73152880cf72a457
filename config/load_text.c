/* text: how the lines of a machine are understood, by its own section or its profile's. */
#include <string.h>

#include "load.h"
#include "pattern.h"
#include "phrase.h"
#include "words.h"

enum { MATCH_MOST_BYTES = 1024, LINE_MOST_BYTES = 1024, NO_READ_MOST = 64 };

enum {
    KEY_ASK,
    KEY_ACK,
    KEY_PATTERNS,
    KEY_NO_READ,
    KEY_CHECKSUM,
    KEY_EVENT,
    KEY_SILENT_AFTER,
    KEY_FIELDS
};

static const struct choice checksums[] = {
    {"xor8", CHECKSUM_XOR8}, {"sum8", CHECKSUM_SUM8}, {NULL, 0}};

static const struct field text_fields[KEY_FIELDS] = {
    [KEY_ASK] = {.key = "ask",
                 .read = load_read_bytes,
                 .offset = offsetof(struct text_config, ask),
                 .most = TEXT_MAX_BYTES},
    [KEY_ACK] = {.key = "ack",
                 .read = load_read_bytes,
                 .offset = offsetof(struct text_config, ack),
                 .most = TEXT_MAX_BYTES},
    [KEY_PATTERNS] = {.key = "patterns",
                      .read = load_read_list,
                      .required = "a list of patterns that its lines match"},
    [KEY_NO_READ] = {.key = "no_read", .read = load_read_list},
    [KEY_CHECKSUM] = {.key = "checksum",
                      .read = load_read_choice,
                      .offset = offsetof(struct text_config, checksum),
                      .choices = checksums},
    [KEY_EVENT] = {.key = "event"},
    [KEY_SILENT_AFTER] = {.key = "silent_after",
                          .read = load_read_duration,
                          .offset = offsetof(struct text_config, silent_after_ms),
                          .least = 1000,
                          .most = LOAD_MAX_PERIOD_MS},
};

static const struct section text_section = {"a machine's text", text_fields, KEY_FIELDS};

static field_read_fn read_match;

enum { PATTERN_MATCH, PATTERN_EXAMPLE, PATTERN_FIELDS };

static const struct field pattern_fields[PATTERN_FIELDS] = {
    [PATTERN_MATCH] = {.key = "match",
                       .read = read_match,
                       .offset = offsetof(struct text_pattern, match),
                       .required = "a regular expression of a whole line"},
    [PATTERN_EXAMPLE] = {.key = "example",
                         .read = load_read_bytes,
                         .offset = offsetof(struct text_pattern, example),
                         .most = LINE_MOST_BYTES},
};

static const struct section pattern_section = {"a pattern", pattern_fields, PATTERN_FIELDS};

/* What YAML leaves alone outside of double quotes. */
static bool has_escape(const char *text)
{
    for (const char *at = strchr(text, '\\'); at; at = strchr(at + 1, '\\'))
        if (at[1] != '\0' && strchr("rntx", at[1]))
            return true;
    return false;
}

static bool is_ascii(const char *text)
{
    while ((unsigned char)*text > 0 && (unsigned char)*text < 0x80)
        text++;
    return *text == '\0';
}

void load_read_bytes(struct load *load, const struct field *field, const struct node *value,
                     void *object)
{
    const char *text = load_scalar(load, field, value, "characters, such as \"W\\r\\n\"");

    if (!text)
        return;
    if (strlen(text) > (size_t)field->most)
        load_refuse(load, field->key, value, "is too long", "at most %lld bytes",
                    (long long)field->most);
    else if (!is_ascii(text))
        load_refuse(load, field->key, value, "is not of ASCII's characters", "\\x01 to \\x7f");
    else if (has_escape(text))
        load_refuse(load, field->key, value, "has a backslash and a letter in it",
                    "double quotes around it, which make one character of them");
    else
        *(const char **)((char *)object + field->offset) = load_string(load, text);
}

static void read_match(struct load *load, const struct field *field, const struct node *value,
                       void *object)
{
    static const char expected[] = "a regular expression of at most 1024 bytes";
    const char *text = load_scalar(load, field, value, expected);

    if (text && strlen(text) > MATCH_MOST_BYTES)
        load_refuse(load, field->key, value, "is too long", expected);
    else if (text)
        ((struct text_pattern *)object)->match = load_string(load, text);
}

/* The example is to show what the pattern means, and simulations speak it. */
static void check_pattern(struct load *load, const struct text_pattern *pattern,
                          const struct node *match, const struct node *example)
{
    struct pattern_fault fault;
    struct pattern *compiled = NULL;

    if (pattern_new(pattern->match, &compiled, &fault) != 0) {
        load_fault(load, match,
                   "match: %s, behind \"%.*s\"; expected a regular expression of PCRE2",
                   fault.message, (int)fault.offset, pattern->match);
        return;
    }
    if (example && pattern->example &&
        !pattern_match(compiled, pattern->example, strlen(pattern->example)))
        load_refuse(load, "example", example, "is not what its pattern matches",
                    "a whole line without its end, nor checksum, that does");
    pattern_free(compiled);
}

static void read_pattern(struct load *load, const struct node *item,
                         struct text_pattern *ret_pattern)
{
    const struct node *seen[PATTERN_FIELDS];

    load_section(load, &pattern_section, item, seen, ret_pattern);
    if (ret_pattern->match)
        check_pattern(load, ret_pattern, load_value(seen[PATTERN_MATCH]),
                      load_value(seen[PATTERN_EXAMPLE]));
}

static void read_patterns(struct load *load, const struct node *list, struct text_config *config)
{
    size_t count = list->kind == NODE_LIST ? node_count_items(list) : 0;

    if (count == 0 || count > TEXT_MAX_PATTERNS) {
        load_fault(load, list, "patterns: %zu of them; expected 1 to %d", count, TEXT_MAX_PATTERNS);
        return;
    }
    struct text_pattern *patterns = arena_alloc(&load->home->arena, count * sizeof *patterns);
    config->patterns = patterns;
    for (const struct node *item = list->first; item; item = item->next) {
        struct text_pattern *pattern = &patterns[config->pattern_count++];
        *pattern = (struct text_pattern){0};
        read_pattern(load, node_target(item), pattern);
    }
}

static void read_no_read(struct load *load, const struct node *list, struct text_config *config)
{
    static const struct field line = {.key = "no_read", .most = NO_READ_MOST};
    size_t count = list->kind == NODE_LIST ? node_count_items(list) : 0;

    if (count == 0)
        return;
    const char **lines = arena_alloc(&load->home->arena, count * sizeof *lines);
    config->no_read = lines;
    for (const struct node *item = list->first; item; item = item->next) {
        const char *text = NULL;
        load_read_text(load, &line, node_target(item), &text);
        if (text)
            lines[config->no_read_count++] = text;
    }
}

/* Whether a section may stand here, and must. */
static bool is_wanted(struct load *load, const struct node *section, const struct node *place,
                      const struct link *link)
{
    bool is_text = link && link_driver_is_text(link->driver);

    if (is_text && !section)
        load_fault(load, place,
                   "text: missing in a machine on %s; expected its patterns, or a profile with "
                   "them",
                   link_driver_name(link->driver));
    if (section && link && !is_text)
        load_fault(load, section, "text: does not go with %s; expected it with serial-text only",
                   link_driver_name(link->driver));
    return is_text && section;
}

struct text_config *load_text(struct load *load, const struct node *section,
                              const struct node *place, const struct link *link,
                              const struct node **ret_event)
{
    const struct node *seen[KEY_FIELDS];
    size_t faults = load->faults.count;

    if (!is_wanted(load, section, place, link))
        return NULL;
    struct text_config *config = arena_alloc(&load->home->arena, sizeof *config);
    *config = (struct text_config){.event = TEXT_NO_TAG};
    load_section(load, &text_section, section, seen, config);
    if (seen[KEY_PATTERNS])
        read_patterns(load, load_value(seen[KEY_PATTERNS]), config);
    if (seen[KEY_NO_READ])
        read_no_read(load, load_value(seen[KEY_NO_READ]), config);
    if (seen[KEY_SILENT_AFTER] && config->ask)
        load_fault(load, seen[KEY_SILENT_AFTER],
                   "silent_after: does not go with ask; expected it where a machine speaks of its "
                   "own accord");
    *ret_event = load_value(seen[KEY_EVENT]);
    return load->faults.count == faults ? config : NULL;
}

void load_text_event(struct load *load, const struct node *value, const struct load_tag_names *tags,
                     struct text_config *config)
{
    int tag = load_named_tag(load, "event", value, tags, "the name of one of the machine's tags");

    if (tag >= 0 && config)
        config->event = (uint16_t)tag;
}

static bool has_group(const struct text_config *config, const char *group)
{
    bool found = false;

    for (size_t i = 0; i < config->pattern_count && !found; i++) {
        struct pattern_fault fault;
        struct pattern *pattern = NULL;
        if (pattern_new(config->patterns[i].match, &pattern, &fault) == 0)
            found = pattern_group(pattern, group) >= 0;
        pattern_free(pattern);
    }
    return found;
}

bool load_text_group(struct load *load, const struct field *field, const struct node *value,
                     const char **ret_group)
{
    const char *group = strchr(value->text, ':') + 1;

    if (!is_group(group)) {
        load_refuse(load, field->key, value, "names no group",
                    "up to 32 letters, digits and _, and no digit first, behind the colon");
        return false;
    }
    *ret_group = load_string(load, group);
    return true;
}

bool load_text_type(struct load *load, const struct tag *tag, const struct node *value)
{
    bool fits = tag->type == TYPE_STRING || tag->type == TYPE_DECIMAL ||
                (tag->type >= TYPE_U16 && tag->type <= TYPE_S64);

    if (!fits)
        load_refuse(load, "type", value, "is no type of what stands in a line",
                    "decimal, u16 s16 u32 s32 u64 s64 or string:N");
    return fits;
}

bool load_text_place(struct load *load, const struct tag *tag, const char *group,
                     const struct machine *machine, const struct node *at)
{
    bool is_text = tag->area == AREA_TEXT;

    if (machine->link && is_text != link_driver_is_text(machine->link->driver)) {
        load_refuse(load, "at", at, is_text ? "stands in a line of text" : "is an address",
                    is_text ? "an address such as holding:100, with %s"
                            : "text:GROUP with the name of a group, with %s",
                    link_driver_name(machine->link->driver));
        return false;
    }
    if (is_text && machine->text && !has_group(machine->text, group)) {
        load_refuse(load, "at", at, "is in no pattern", "a named group of one, as (?<%s>...)",
                    group);
        return false;
    }
    return true;
}
