/* From a machine's tags to rows of a sheet. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "phrase.h"
#include "tag_columns.h"
#include "tags.h"

static const struct tag_detail no_detail;

static const struct tag_detail *detail_of(const struct tag *tag)
{
    return tag->detail ? tag->detail : &no_detail;
}

/* Exactly: "-0.05". */
static void add_decimal(struct decimal decimal, struct text *out)
{
    int64_t whole = decimal.mantissa;
    uint64_t size = whole < 0 ? -(uint64_t)whole : (uint64_t)whole;
    char digits[32] = "";
    int length = snprintf(digits, sizeof digits, "%0*" PRIu64, decimal.decimals + 1, size);

    text_addf(out, "%s%.*s", whole < 0 ? "-" : "", length - decimal.decimals, digits);
    if (decimal.decimals > 0)
        text_addf(out, ".%s", digits + length - decimal.decimals);
}

static bool reads_back(const char *text, double number, double divisor)
{
    struct decimal decimal = {0};

    return decimal_parse(text, &decimal) == 0 && decimal_number(decimal) / divisor == number;
}

/* The fewest digits that read back as the number, divided by the divisor; false: none do. */
static bool add_number(double number, double divisor, struct text *out)
{
    char digits[64] = "";

    for (int decimals = 0; decimals <= DECIMAL_MAX_DECIMALS; decimals++) {
        snprintf(digits, sizeof digits, "%.*f", decimals, number * divisor);
        if (reads_back(digits, number, divisor)) {
            text_add(out, digits);
            return true;
        }
    }
    return false;
}

/* A rate as somebody may have written it. */
static bool add_rate(double per_s, struct text *out)
{
    static const struct {
        double seconds;
        const char *unit;
    } units[] = {{3600, "/h"}, {60, "/min"}, {1, "/s"}};

    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (add_number(per_s, units[i].seconds, out)) {
            text_add(out, units[i].unit);
            return true;
        }
    }
    return false;
}

static void add_place(const struct tag *tag, struct text *out)
{
    text_addf(out, "%s:%u", area_name(tag->area), tag->address);
    if (tag->bit >= 0)
        text_addf(out, ".%d", tag->bit);
}

static void add_type(const struct tag *tag, struct text *out)
{
    text_add(out, tag_type_name(tag->type));
    if (tag->type == TYPE_STRING)
        text_addf(out, ":%u", tag->string_bytes);
}

/* Also ABCD where there are words to order: import may be given a controller that has another. */
static void add_order(const struct tag *tag, struct text *out)
{
    static const char *const names[] = {"ABCD", "CDAB", "BADC", "DCBA"};
    bool several = tag->type != TYPE_STRING && tag_width(tag) > 1;

    if (tag->order != 0 || several)
        text_add(out, names[tag->order]);
}

/* A column of a counter; false where its rate can't be told. */
static bool add_counter(const struct tag_counter *counter, enum tag_column column, struct text *out)
{
    static const char *const kinds[] = {[COUNTER_KIND_ROLLOVER] = "rollover",
                                        [COUNTER_KIND_RESET] = "reset",
                                        [COUNTER_KIND_FREE] = "free"};

    if (!counter)
        return true;
    if (column == COLUMN_COUNTS)
        text_add(out, counts_name(counter->counts));
    else if (column == COLUMN_KIND)
        text_add(out, kinds[counter->rule.kind]);
    else if (column == COLUMN_MODULUS && counter->rule.modulus > 0)
        text_add_uint(out, counter->rule.modulus);
    else if (column == COLUMN_MULTIPLIER && counter->rule.multiplier != 1)
        text_add_uint(out, counter->rule.multiplier);
    else if (column == COLUMN_RAW && counter->tell_raw)
        text_add(out, "true");
    else if (column == COLUMN_MAX_RATE && counter->rule.max_per_s > 0)
        return add_rate(counter->rule.max_per_s, out);
    return true;
}

/* A column of what few tags have; false where a number can't be told. */
static bool add_detail(const struct tag_detail *detail, enum tag_column column, struct text *out)
{
    bool has_range = detail->low.mantissa != 0 || detail->high.mantissa != 0;
    const struct tag_limits *limits = &detail->limits;

    if ((column == COLUMN_LOW || column == COLUMN_HIGH) && has_range)
        add_decimal(column == COLUMN_LOW ? detail->low : detail->high, out);
    else if (column == COLUMN_STATES && detail->states)
        tags_states_to_cell(detail->states, out);
    else if (column == COLUMN_TITLE_EN && detail->title.en)
        text_add(out, detail->title.en);
    else if (column == COLUMN_TITLE_ZH && detail->title.zh)
        text_add(out, detail->title.zh);
    else if (column == COLUMN_LIMIT_LOW && limits->has_low)
        return add_number(limits->low, 1, out);
    else if (column == COLUMN_LIMIT_HIGH && limits->has_high)
        return add_number(limits->high, 1, out);
    else if (column == COLUMN_HYSTERESIS && limits->hysteresis > 0)
        return add_number(limits->hysteresis, 1, out);
    return add_counter(detail->counter, column, out);
}

/* What stands in the column; nothing where it is what a tag has anyway. */
static bool add_value(const struct machine *machine, const struct tag *tag, enum tag_column column,
                      struct text *out)
{
    switch (column) {
    case COLUMN_NAME:
        text_add(out, tag->name);
        return true;
    case COLUMN_AT:
        add_place(tag, out);
        return true;
    case COLUMN_TYPE:
        add_type(tag, out);
        return true;
    case COLUMN_ORDER:
        add_order(tag, out);
        return true;
    case COLUMN_SCALE:
        if (tag->scale.mantissa != 1 || tag->scale.decimals != 0)
            add_decimal(tag->scale, out);
        return true;
    case COLUMN_OFFSET:
        if (tag->offset.mantissa != 0)
            add_decimal(tag->offset, out);
        return true;
    case COLUMN_UNIT:
        text_add(out, tag->unit ? tag->unit : "");
        return true;
    case COLUMN_EVERY:
        if (tag->every_ms != machine->every_ms)
            text_add(out, phrase_duration(tag->every_ms).text);
        return true;
    case COLUMN_DEADBAND:
        return tag->deadband == 0 || add_number(tag->deadband, 1, out);
    case COLUMN_HEARTBEAT:
        if (tag->heartbeat_ms > 0)
            text_add(out, phrase_duration(tag->heartbeat_ms).text);
        return true;
    default:
        return add_detail(detail_of(tag), column, out);
    }
}

/* Columns that no export has: the address tells the table, and titles have a language. */
static bool is_left_out(enum tag_column column)
{
    return column == COLUMN_TABLE || column == COLUMN_TITLE;
}

static int add_row(const struct machine *machine, const struct tag *tag, struct text *ret_csv,
                   struct text *ret_trouble)
{
    struct text value = {0};
    int error = 0;

    for (enum tag_column column = 0; column < TAG_COLUMNS && !error; column++) {
        if (is_left_out(column))
            continue;
        text_clear(&value);
        if (!add_value(machine, tag, column, &value)) {
            text_addf(ret_trouble, "tag %s: no decimal number is exactly its %s", tag->name,
                      tag_columns[column].title);
            error = -EINVAL;
        }
        sheet_add_cell(ret_csv, value.length > 0 ? value.data : "", column == COLUMN_NAME);
    }
    text_add(ret_csv, "\r\n");
    text_free(&value);
    return error;
}

int tags_make_sheet(const struct machine *machine, struct text *ret_csv, struct text *ret_trouble)
{
    int error = 0;

    if (machine->text) {
        text_addf(ret_trouble, "machine %s speaks in lines of text; expected one of Modbus",
                  machine->name);
        return -EINVAL;
    }
    for (enum tag_column column = 0; column < TAG_COLUMNS; column++)
        if (!is_left_out(column))
            sheet_add_cell(ret_csv, tag_columns[column].title, column == COLUMN_NAME);
    text_add(ret_csv, "\r\n");
    for (size_t i = 0; i < machine->tag_count && !error; i++)
        error = add_row(machine, &machine->tags[i], ret_csv, ret_trouble);
    return error;
}
