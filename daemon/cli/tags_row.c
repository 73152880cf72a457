#include "tags_row.h"

#include <errno.h>
#include <string.h>

#include "phrase.h"
#include "sheet_words.h"

#define DIGITS "0123456789"

/* What a row says of where the value is and what it is. */
struct row_place {
    struct register_place place;
    struct tag tag; /* type, string_bytes, area: what tag_width asks for */
    bool type_given;
};

static const char *value_of(const struct tags_maker *maker, enum tag_column column)
{
    return maker->values[column].length > 0 ? maker->values[column].data : "";
}

static const char *header_of(const struct tags_maker *maker, enum tag_column column)
{
    return maker->source->sheet->header.cells[maker->columns.at[column]].text;
}

static bool has(const struct tags_maker *maker, enum tag_column column)
{
    return maker->values[column].length > 0;
}

/* The fault of a cell: "TEXT" COMPLAINT; expected EXPECTED */
static void refuse(struct tags_maker *maker, enum tag_column column, const char *complaint,
                   const char *expected)
{
    const char *value = value_of(maker, column);

    maker->row_failed[maker->row] = true;
    sheet_fault_add(maker->faults, maker->row, maker->columns.at[column], "%s %s; expected %s",
                    value[0] != '\0' ? phrase_quote(value).text : "nothing", complaint, expected);
}

static bool is_text(enum tag_column column)
{
    return column == COLUMN_UNIT || column == COLUMN_STATES || column >= COLUMN_TITLE_EN;
}

/* A text for people: on one line; spaces at its ends only where quotation marks keep them. */
static void add_text(const struct cell *cell, struct text *value)
{
    const char *text = sheet_cell_plain(cell->text);

    if (!cell->quoted)
        text += strspn(text, " \t");
    for (; *text; text++)
        if (text[0] != '\r' || text[1] != '\n')
            text_add_char(value, strchr("\r\n\t", *text) ? ' ' : *text);
    while (!cell->quoted && value->length > 0 && value->data[value->length - 1] == ' ')
        text_cut(value, value->length - 1);
}

static void read_values(struct tags_maker *maker, const struct sheet_row *row)
{
    for (enum tag_column column = 0; column < TAG_COLUMNS; column++) {
        struct text *value = &maker->values[column];
        text_clear(value);
        if (maker->columns.at[column] == SHEET_NO_COLUMN)
            continue;
        const struct cell *cell = &row->cells[maker->columns.at[column]];
        if (is_text(column))
            add_text(cell, value);
        else
            sheet_trim(sheet_cell_plain(cell->text), value);
    }
}

static void read_type(struct tags_maker *maker, struct row_place *row)
{
    const char *expected = NULL;

    row->tag.type = TYPE_U16;
    row->type_given =
        has(maker, COLUMN_TYPE) && sheet_parse_type(value_of(maker, COLUMN_TYPE), &row->tag.type,
                                                    &row->tag.string_bytes, &expected) == 0;
    if (expected)
        refuse(maker, COLUMN_TYPE, "is no type", expected);
}

/* What the controller's range holds of such a type. */
static void check_range(struct tags_maker *maker, const struct row_place *row)
{
    const struct register_place *place = &row->place;
    unsigned width = tag_width(&row->tag);
    struct text expected = {0};

    if (place->bit >= 0 || place->area == AREA_COIL || place->area == AREA_DISCRETE)
        return;
    if (place->width > 0 && width != place->width)
        text_addf(&expected, "a type of 32 bits beside it, as each of these is two words");
    else if (place->range && width > place->room)
        text_addf(&expected, "one with %u words from there on, where these registers have %u",
                  width, (unsigned)place->room);
    if (expected.length > 0)
        refuse(maker, COLUMN_AT, "does not go with the type", expected.data);
    text_free(&expected);
}

/* A spreadsheet makes 40001 of 40001.0, so that a bit's address may have become a word's; and
 * other programs 40001.0 of 40001. */
static void check_bare(struct tags_maker *maker, const struct row_place *row)
{
    bool is_word = row->place.area == AREA_HOLDING || row->place.area == AREA_INPUT;
    bool is_bool = row->type_given && row->tag.type == TYPE_BOOL;

    if (!row->place.bare || !is_word)
        return;
    if (row->place.bit < 0 && is_bool)
        refuse(maker, COLUMN_AT, "is a whole word, and a spreadsheet makes that of bit 0, too",
               "holding:N.0 for the bit, holding:N for whether the word is not 0");
    else if (row->place.bit == 0 && !has(maker, COLUMN_TYPE))
        refuse(maker, COLUMN_AT, "is bit 0, and programs make that of a whole word, too",
               "BOOL beside it for the bit, or an address without a point");
}

/* As register_name_parse; in a column that is called so, digits are hexadecimal. */
static int parse_address(const struct tags_maker *maker, const struct register_hint *hint,
                         struct register_place *ret_place, struct text *ret_expected)
{
    const char *address = value_of(maker, COLUMN_AT);
    size_t digits = strspn(address, DIGITS "abcdefABCDEF");
    bool is_hex = strcmp(maker->columns.unit[COLUMN_AT], "hex") == 0 && digits > 0;
    struct text hex = {0};

    if (is_hex && address[digits] == '.') {
        text_add(ret_expected, "0x before it, as 0x64.3 for bit 3");
        return -EINVAL;
    }
    text_addf(&hex, "%s%s", address, is_hex && address[digits] == '\0' ? "H" : "");
    int error =
        register_name_parse(&maker->source->notation, hex.data, hint, ret_place, ret_expected);
    text_free(&hex);
    return error;
}

static void read_place(struct tags_maker *maker, struct row_place *row)
{
    struct register_hint hint = {.kind = REGISTER_UNKNOWN};
    struct text expected = {0};
    const char *of_table = NULL;

    row->place = (struct register_place){.bit = -1, .area = AREA_HOLDING};
    if (has(maker, COLUMN_TYPE))
        hint.kind = row->tag.type == TYPE_BOOL ? REGISTER_BIT : REGISTER_WORDS;
    hint.has_area = has(maker, COLUMN_TABLE) &&
                    sheet_parse_table(header_of(maker, COLUMN_TABLE), value_of(maker, COLUMN_TABLE),
                                      &hint.area, &hint.from_one, &of_table) == 0;
    if (of_table)
        refuse(maker, COLUMN_TABLE, "is no table", of_table);
    else if (parse_address(maker, &hint, &row->place, &expected) != 0)
        refuse(maker, COLUMN_AT, "is no address here", expected.data);
    row->tag.area = row->place.area;
    row->tag.bit = row->place.bit;
    if (row->type_given || !has(maker, COLUMN_TYPE))
        check_range(maker, row);
    check_bare(maker, row);
    text_free(&expected);
}

static void end_line(struct tags_maker *maker, enum tag_column column)
{
    sheet_yaml_end(&maker->yaml, maker->row, maker->columns.at[column]);
}

static void add_scalar(struct tags_maker *maker, enum tag_column column, const char *key,
                       const char *value)
{
    text_addf(&maker->yaml.text, "    %s: ", key);
    sheet_yaml_scalar(&maker->yaml.text, value);
    end_line(maker, column);
}

static void add_given(struct tags_maker *maker, enum tag_column column, const char *key)
{
    if (has(maker, column))
        add_scalar(maker, column, key, value_of(maker, column));
}

static void note_range(struct tags_maker *maker, const struct plc_range *range)
{
    for (size_t i = 0; i < maker->noted_count; i++)
        if (maker->noted[i] == range)
            return;
    if (range && !range->confirmed && maker->noted_count < NOTED_RANGES)
        maker->noted[maker->noted_count++] = range;
}

static void add_place(struct tags_maker *maker, const struct row_place *row)
{
    const struct register_place *place = &row->place;

    text_addf(&maker->yaml.text, "    at: %s:%u", area_name(place->area), place->address);
    if (place->bit >= 0)
        text_addf(&maker->yaml.text, ".%d", place->bit);
    end_line(maker, COLUMN_AT);
    note_range(maker, place->range);
    if (!row->type_given)
        return;
    text_addf(&maker->yaml.text, "    type: %s", tag_type_name(row->tag.type));
    if (row->tag.type == TYPE_STRING)
        text_addf(&maker->yaml.text, ":%u", row->tag.string_bytes);
    end_line(maker, COLUMN_TYPE);
}

/* The order given; else the controller's for what has several words. Lists give one in every row:
 * where there are no two bytes to order, it says nothing. */
static void add_order(struct tags_maker *maker, const struct row_place *row)
{
    static const char *const names[] = {"ABCD", "CDAB", "BADC", "DCBA"};
    const struct plc *plc = maker->source->notation.plc;
    bool several = row->tag.type != TYPE_STRING && tag_width(&row->tag) > 1;
    const char *expected = NULL;
    uint8_t order = plc ? plc->order : 0;
    bool given = has(maker, COLUMN_ORDER);

    if (given && sheet_parse_order(value_of(maker, COLUMN_ORDER), &order, &expected) != 0) {
        refuse(maker, COLUMN_ORDER, "is no order", expected);
        return;
    }
    if (row->place.bit >= 0 || row->place.area == AREA_COIL || row->place.area == AREA_DISCRETE ||
        (!given && !(plc && several)))
        return;
    maker->order_noted = maker->order_noted || (!given && !plc->order_confirmed);
    add_scalar(maker, given ? COLUMN_ORDER : COLUMN_AT, "order", names[order]);
}

/* A time with the unit of its header where it has none of its own. */
static void add_time(struct tags_maker *maker, enum tag_column column, const char *key)
{
    struct text *value = &maker->values[column];

    if (value->length > 0 && strspn(value->data, DIGITS) == value->length)
        text_add(value, maker->columns.unit[column]);
    add_given(maker, column, key);
}

static void add_range(struct tags_maker *maker)
{
    if (!has(maker, COLUMN_LOW) && !has(maker, COLUMN_HIGH))
        return;
    if (!has(maker, COLUMN_LOW) || !has(maker, COLUMN_HIGH)) {
        enum tag_column missing = has(maker, COLUMN_LOW) ? COLUMN_HIGH : COLUMN_LOW;
        enum tag_column there = has(maker, COLUMN_LOW) ? COLUMN_LOW : COLUMN_HIGH;
        bool is_there = maker->columns.at[missing] != SHEET_NO_COLUMN;
        refuse(maker, is_there ? missing : there, is_there ? "stands here" : "stands alone",
               "both ends of what is plausible, or neither");
        return;
    }
    text_add(&maker->yaml.text, "    range: [");
    sheet_yaml_scalar(&maker->yaml.text, value_of(maker, COLUMN_LOW));
    text_add(&maker->yaml.text, ", ");
    sheet_yaml_scalar(&maker->yaml.text, value_of(maker, COLUMN_HIGH));
    text_add(&maker->yaml.text, "]");
    end_line(maker, COLUMN_LOW);
}

struct flow_item {
    enum tag_column column;
    const char *key;
};

/* A mapping on one line of what is given of these. */
static void add_flow(struct tags_maker *maker, const char *key, const struct flow_item *items,
                     size_t count)
{
    size_t given = 0, line = 0;

    for (size_t i = 0; i < count; i++) {
        const struct flow_item *item = &items[i];
        if (!has(maker, item->column))
            continue;
        if (given++ == 0) {
            text_addf(&maker->yaml.text, "    %s: {", key);
            line = i;
        }
        text_addf(&maker->yaml.text, "%s%s: ", given > 1 ? ", " : "", item->key);
        sheet_yaml_scalar(&maker->yaml.text, value_of(maker, item->column));
    }
    if (given > 0) {
        text_add(&maker->yaml.text, "}");
        end_line(maker, items[line].column);
    }
}

static void add_counter(struct tags_maker *maker)
{
    static const struct flow_item items[] = {
        {COLUMN_COUNTS, "counts"},         {COLUMN_KIND, "kind"},
        {COLUMN_MODULUS, "modulus"},       {COLUMN_MAX_RATE, "max_rate"},
        {COLUMN_MULTIPLIER, "multiplier"}, {COLUMN_RAW, "raw"},
    };
    struct text folded = {0};

    if (has(maker, COLUMN_RAW)) { /* a spreadsheet makes TRUE of true */
        sheet_fold(value_of(maker, COLUMN_RAW), &folded);
        text_clear(&maker->values[COLUMN_RAW]);
        text_add_bytes(&maker->values[COLUMN_RAW], folded.data, folded.length);
        text_free(&folded);
    }
    add_flow(maker, "counter", items, sizeof items / sizeof *items);
}

static void add_states(struct tags_maker *maker)
{
    struct text states = {0};

    if (!has(maker, COLUMN_STATES))
        return;
    if (tags_states_to_yaml(value_of(maker, COLUMN_STATES), &states)) {
        text_addf(&maker->yaml.text, "    states: %s", states.data);
        end_line(maker, COLUMN_STATES);
    } else {
        refuse(maker, COLUMN_STATES, "are no states",
               "numbers and states, as 1=production; 2=stopped; 11=fault: guard open");
    }
    text_free(&states);
}

static void add_limits(struct tags_maker *maker)
{
    static const struct flow_item items[] = {
        {COLUMN_LIMIT_LOW, "low"}, {COLUMN_LIMIT_HIGH, "high"}, {COLUMN_HYSTERESIS, "hysteresis"}};

    add_flow(maker, "limits", items, sizeof items / sizeof *items);
}

/* What stands under "title" is in the language it is written in, unless that has its own column. */
static void add_title(struct tags_maker *maker)
{
    bool chinese = sheet_is_chinese(value_of(maker, COLUMN_TITLE));
    bool is_en = has(maker, COLUMN_TITLE) && !chinese && !has(maker, COLUMN_TITLE_EN);
    bool is_zh = has(maker, COLUMN_TITLE) && chinese && !has(maker, COLUMN_TITLE_ZH);
    const struct flow_item items[] = {{is_en ? COLUMN_TITLE : COLUMN_TITLE_EN, "en"},
                                      {is_zh ? COLUMN_TITLE : COLUMN_TITLE_ZH, "zh"}};

    add_flow(maker, "title", items, sizeof items / sizeof *items);
}

void tags_add_row(struct tags_maker *maker, const struct sheet_row *sheet_row)
{
    struct row_place row = {.tag = {.bit = -1}};

    maker->row = sheet_row->number;
    read_values(maker, sheet_row);
    text_add(&maker->yaml.text, "  - name: ");
    sheet_yaml_scalar(&maker->yaml.text, value_of(maker, COLUMN_NAME));
    end_line(maker, COLUMN_NAME);
    read_type(maker, &row);
    read_place(maker, &row);
    add_place(maker, &row);
    add_order(maker, &row);
    add_given(maker, COLUMN_SCALE, "scale");
    add_given(maker, COLUMN_OFFSET, "offset");
    add_given(maker, COLUMN_UNIT, "unit");
    add_time(maker, COLUMN_EVERY, "every");
    add_given(maker, COLUMN_DEADBAND, "deadband");
    add_time(maker, COLUMN_HEARTBEAT, "heartbeat");
    add_range(maker);
    add_counter(maker);
    add_states(maker);
    add_limits(maker);
    add_title(maker);
}
