/* One tag of a machine. */
#include <string.h>

#include "load.h"
#include "phrase.h"
#include "text.h"
#include "words.h"

enum { ADDRESSES = 65536, EIGHT_BYTES_IN_WORDS = 4 };

#define TEXT_AREA "text:"

/* A tag, and how much of it was understood. */
struct tag_draft {
    struct tag tag;
    struct tag_detail detail;
    bool at_known;
    bool type_known;
    bool eight_letters; /* the order was given for eight bytes */
};

static field_read_fn read_at, read_type, read_order, read_scale, read_offset, read_deadband,
    read_range;

enum {
    TAG_NAME,
    TAG_AT,
    TAG_TYPE,
    TAG_ORDER,
    TAG_SCALE,
    TAG_OFFSET,
    TAG_UNIT,
    TAG_EVERY,
    TAG_DEADBAND,
    TAG_HEARTBEAT,
    TAG_TITLE,
    TAG_RANGE,
    TAG_COUNTER,
    TAG_STATES,
    TAG_LIMITS,
    TAG_FIELDS
};

#define TAG_MEMBER(name) offsetof(struct tag_draft, tag.name)

static const struct field tag_fields[TAG_FIELDS] = {
    [TAG_NAME] = {.key = "name",
                  .read = load_read_name,
                  .offset = TAG_MEMBER(name),
                  .required = "the tag's name"},
    [TAG_AT] = {.key = "at", .read = read_at, .required = "an address such as holding:100"},
    [TAG_TYPE] = {.key = "type", .read = read_type},
    [TAG_ORDER] = {.key = "order", .read = read_order},
    [TAG_SCALE] = {.key = "scale", .read = read_scale},
    [TAG_OFFSET] = {.key = "offset", .read = read_offset},
    [TAG_UNIT] = {.key = "unit", .read = load_read_text, .offset = TAG_MEMBER(unit), .most = 64},
    [TAG_EVERY] = {.key = "every",
                   .read = load_read_duration,
                   .offset = TAG_MEMBER(every_ms),
                   .least = 10,
                   .most = LOAD_MAX_PERIOD_MS},
    [TAG_DEADBAND] = {.key = "deadband", .read = read_deadband},
    [TAG_HEARTBEAT] = {.key = "heartbeat",
                       .read = load_read_duration,
                       .offset = TAG_MEMBER(heartbeat_ms),
                       .most = LOAD_MAX_PERIOD_MS},
    [TAG_TITLE] = {.key = "title",
                   .read = load_read_title,
                   .offset = offsetof(struct tag_draft, detail.title)},
    [TAG_RANGE] = {.key = "range", .read = read_range},
    [TAG_COUNTER] = {.key = "counter"},
    [TAG_STATES] = {.key = "states"},
    [TAG_LIMITS] = {.key = "limits"},
};

static const struct section tag_section = {"a tag", tag_fields, TAG_FIELDS};

static void read_at(struct load *load, const struct field *field, const struct node *value,
                    void *object)
{
    struct tag_draft *draft = object;
    const char *expected = "an address such as holding:100";
    const char *text = load_scalar(load, field, value, expected);

    if (!text)
        return;
    if (strncmp(text, TEXT_AREA, strlen(TEXT_AREA)) == 0) {
        draft->at_known = load_text_group(load, field, value, &draft->detail.group);
        draft->tag.area = AREA_TEXT;
        return;
    }
    draft->at_known =
        parse_at(text, &draft->tag.area, &draft->tag.address, &draft->tag.bit, &expected) == 0;
    if (!draft->at_known)
        load_refuse(load, field->key, value, "is no address", "%s", expected);
}

static void read_type(struct load *load, const struct field *field, const struct node *value,
                      void *object)
{
    struct tag_draft *draft = object;
    const char *expected = "a type such as u16";
    const char *text = load_scalar(load, field, value, expected);

    if (!text)
        return;
    if (strcmp(text, tag_type_name(TYPE_DECIMAL)) == 0) {
        draft->tag.type = TYPE_DECIMAL;
        draft->type_known = true;
        return;
    }
    draft->type_known =
        parse_type(text, &draft->tag.type, &draft->tag.string_bytes, &expected) == 0;
    if (!draft->type_known)
        load_refuse(load, field->key, value, "is no type", "%s", expected);
}

static void read_order(struct load *load, const struct field *field, const struct node *value,
                       void *object)
{
    struct tag_draft *draft = object;
    const char *expected = "an order such as ABCD or CDAB";
    const char *text = load_scalar(load, field, value, expected);

    if (!text)
        return;
    if (parse_order(text, &draft->tag.order, &expected) != 0) {
        load_refuse(load, field->key, value, "is no order", "%s", expected);
        return;
    }
    draft->eight_letters = strlen(text) == 8;
}

/* Whether the value is a decimal number of at least `least`; else a fault. */
static bool read_decimal(struct load *load, const struct field *field, const struct node *value,
                         struct decimal *ret_decimal)
{
    return load_decimal(load, field, value,
                        "a decimal number such as 0.1 or -40, of at most 18 digits, "
                        "15 of them behind the point",
                        ret_decimal);
}

static void read_scale(struct load *load, const struct field *field, const struct node *value,
                       void *object)
{
    struct decimal scale = {0};

    if (!read_decimal(load, field, value, &scale))
        return;
    if (scale.mantissa == 0) {
        load_refuse(load, field->key, value, "would make every value the same",
                    "a decimal number other than 0");
        return;
    }
    ((struct tag_draft *)object)->tag.scale = scale;
}

static void read_offset(struct load *load, const struct field *field, const struct node *value,
                        void *object)
{
    read_decimal(load, field, value, &((struct tag_draft *)object)->tag.offset);
}

static void read_deadband(struct load *load, const struct field *field, const struct node *value,
                          void *object)
{
    struct decimal deadband = {0};

    if (!read_decimal(load, field, value, &deadband))
        return;
    if (deadband.mantissa < 0) {
        load_refuse(load, field->key, value, "is negative", "0 or more");
        return;
    }
    ((struct tag_draft *)object)->tag.deadband = decimal_number(deadband);
}

bool load_range(struct load *load, const struct field *field, const struct node *value,
                const char *expected, struct decimal *ret_low, struct decimal *ret_high)
{
    struct decimal low = {0};
    struct decimal high = {0};

    if (value->kind != NODE_LIST || node_count_items(value) != 2) {
        load_refuse(load, field->key, value, "is no range", "%s", expected);
        return false;
    }
    if (!read_decimal(load, field, node_target(value->first), &low) ||
        !read_decimal(load, field, node_target(value->first->next), &high))
        return false;
    if (decimal_number(low) >= decimal_number(high)) {
        load_fault(load, value,
                   "range: the first number is not the lower one; expected "
                   "[LOWEST, HIGHEST]");
        return false;
    }
    *ret_low = low;
    *ret_high = high;
    return true;
}

/* Kept where it is plausible itself. */
static void read_range(struct load *load, const struct field *field, const struct node *value,
                       void *object)
{
    struct tag_detail *detail = &((struct tag_draft *)object)->detail;

    load_range(load, field, value,
               "a list of the lowest and the highest plausible value, such as [0, 18000]",
               &detail->low, &detail->high);
}

static bool is_bit(const struct tag *tag)
{
    return tag->area == AREA_COIL || tag->area == AREA_DISCRETE || tag->bit >= 0;
}

/* A bit is a bool and nothing else. */
static bool check_type(struct load *load, struct tag_draft *draft, const struct node *value)
{
    struct tag *tag = &draft->tag;

    if (!value) {
        tag->type = is_bit(tag) ? TYPE_BOOL : tag->area == AREA_TEXT ? TYPE_DECIMAL : TYPE_U16;
        return true;
    }
    if (!draft->type_known)
        return false;
    if (tag->area == AREA_TEXT)
        return load_text_type(load, tag, value);
    if (tag->type == TYPE_DECIMAL) {
        load_refuse(load, "type", value, "is of lines of text", "a type such as u16");
        return false;
    }
    if (is_bit(tag) && tag->type != TYPE_BOOL) {
        load_refuse(load, "type", value, "does not fit in a bit", "bool for %s",
                    tag->bit >= 0 ? "a bit of a word" : area_name(tag->area));
        return false;
    }
    return true;
}

static void check_order(struct load *load, const struct tag_draft *draft, const struct node *value)
{
    const struct tag *tag = &draft->tag;

    if (!value)
        return;
    if (tag->area == AREA_COIL || tag->area == AREA_DISCRETE || tag->area == AREA_TEXT) {
        load_refuse(load, "order", value, "orders the bytes of words", "none for %s",
                    area_name(tag->area));
    } else if (tag->type == TYPE_STRING && (tag->order & ORDER_SWAP_WORDS)) {
        load_refuse(load, "order", value, "does not go with a string", "ABCD or BADC");
    } else if (draft->eight_letters && tag_width(tag) != EIGHT_BYTES_IN_WORDS) {
        load_refuse(load, "order", value, "is an order of eight bytes",
                    "ABCD CDAB BADC or DCBA for %s", tag_type_name(tag->type));
    }
}

/* What is reckoned with needs a number to reckon with. */
static void check_numeric(struct load *load, const struct tag *tag, const struct node *const *seen)
{
    static const size_t numeric_fields[] = {TAG_SCALE, TAG_OFFSET, TAG_DEADBAND, TAG_RANGE};

    if (tag->type != TYPE_BOOL && tag->type != TYPE_STRING)
        return;
    for (size_t i = 0; i < sizeof numeric_fields / sizeof *numeric_fields; i++) {
        const struct node *key = seen[numeric_fields[i]];
        if (key) {
            load_fault(load, key, "%s: does not go with a %s; expected it with numbers only",
                       key->text, tag_type_name(tag->type));
        }
    }
}

/* The value must lie in the table, and in one request. */
static void check_extent(struct load *load, const struct tag *tag, const struct machine *machine,
                         const struct node *at)
{
    unsigned width = tag_width(tag);

    if (tag->address + width > ADDRESSES) {
        load_refuse(load, "at", at, "leaves too little room", "%u words of %s up to 65535", width,
                    tag_type_name(tag->type));
    }
    if (machine->link && width > machine->link->max_registers) {
        load_refuse(load, "at", at, "takes more words than a request may",
                    "at most the %u of its link's max_registers, not the %u of %s",
                    machine->link->max_registers, width, tag_type_name(tag->type));
    }
}

/* By these names a store knows what goes with a counter. */
static void check_name(struct load *load, const char *name, const struct node *value)
{
    static const char *const suffixes[] = {LOAD_EPOCH, LOAD_INFERRED};

    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        size_t length = strlen(suffixes[i]);
        if (strlen(name) > length && strcmp(name + strlen(name) - length, suffixes[i]) == 0)
            load_refuse(load, "name", value, "ends like what goes with a counter",
                        "a name that does not end with %s", suffixes[i]);
    }
}

/* What is made of a counter has names of its own. */
static void claim_names(struct load *load, const struct tag *tag, const struct tag_counter *counter,
                        struct table *names, const struct node *value)
{
    const char *const suffixes[] = {LOAD_EPOCH, LOAD_INFERRED, LOAD_RAW};

    for (size_t i = 0; i < 2u + counter->tell_raw; i++) {
        struct text name = {0};
        text_addf(&name, "%s%s", tag->name, suffixes[i]);
        load_claim(load, names, "counter", arena_string(&load->tree.arena, name.data, name.length),
                   value);
        text_free(&name);
    }
}

static struct tag_company company_of(const struct node *const *seen)
{
    return (struct tag_company){{seen[TAG_SCALE], seen[TAG_OFFSET], seen[TAG_DEADBAND]}};
}

static void read_counter(struct load *load, struct tag_draft *draft, const struct node *const *seen,
                         struct table *names, struct tag_counter *counter)
{
    const struct node *value = load_value(seen[TAG_COUNTER]);
    const struct tag_company company = company_of(seen);

    if (!value || !load_counter(load, value, &draft->tag, &company, counter))
        return;
    draft->detail.counter = counter;
    if (draft->tag.name)
        claim_names(load, &draft->tag, counter, names, value);
}

static void read_states(struct load *load, struct tag_draft *draft, const struct node *const *seen,
                        struct tag_states *states)
{
    const struct node *value = load_value(seen[TAG_STATES]);
    const struct tag_company company = company_of(seen);

    if (!value)
        return;
    if (seen[TAG_COUNTER])
        load_fault(load, seen[TAG_STATES],
                   "states: does not go with a counter; expected one of them");
    else if (load_states(load, value, &draft->tag, &company, states))
        draft->detail.states = states;
}

static void read_limits(struct load *load, struct tag_draft *draft, const struct node *const *seen)
{
    const struct node *value = load_value(seen[TAG_LIMITS]);

    if (value && seen[TAG_COUNTER])
        load_fault(load, seen[TAG_LIMITS],
                   "limits: does not go with a counter; expected one of them");
    else if (value)
        load_limits(load, value, &draft->tag, &draft->detail.limits);
}

const struct node *load_tag(struct load *load, const struct node *node,
                            const struct machine *machine, struct table *names, struct tag *ret_tag)
{
    const struct node *seen[TAG_FIELDS];
    struct tag_draft draft = {
        .tag = {.bit = -1, .scale = {.mantissa = 1}, .every_ms = machine->every_ms}};
    struct tag_counter counter;
    struct tag_states states;

    load_section(load, &tag_section, node, seen, &draft);
    if (draft.tag.name) {
        check_name(load, draft.tag.name, load_value(seen[TAG_NAME]));
        load_claim(load, names, "name", draft.tag.name, load_value(seen[TAG_NAME]));
    }
    if (draft.at_known &&
        load_text_place(load, &draft.tag, draft.detail.group, machine, load_value(seen[TAG_AT])) &&
        check_type(load, &draft, load_value(seen[TAG_TYPE]))) {
        check_order(load, &draft, load_value(seen[TAG_ORDER]));
        check_numeric(load, &draft.tag, seen);
        check_extent(load, &draft.tag, machine, load_value(seen[TAG_AT]));
        read_counter(load, &draft, seen, names, &counter);
        read_states(load, &draft, seen, &states);
        read_limits(load, &draft, seen);
    }
    const struct node *every = load_value(seen[TAG_EVERY]);
    load_check_period(load, draft.tag.every_ms, every);
    if (draft.detail.group || seen[TAG_TITLE] || seen[TAG_RANGE] || seen[TAG_LIMITS] ||
        draft.detail.counter || draft.detail.states)
        draft.tag.detail = load_detail(load, &draft.detail);
    *ret_tag = draft.tag;
    return every ? every : node;
}
