#include "plc_name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum { MOST_DIGITS = 6, BITS_OF_BYTE = 8 };

#define DIGITS "0123456789"
#define HEX_DIGITS DIGITS "abcdefABCDEF"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

int plc_number_parse(const char *text, int base, uint32_t *ret_number)
{
    const char *digits = base == 8 ? "01234567" : base == 10 ? DIGITS : HEX_DIGITS;
    size_t length = strspn(text, digits);

    if (length == 0 || length > MOST_DIGITS || text[length] != '\0')
        return -EINVAL;
    *ret_number = (uint32_t)strtoul(text, NULL, base);
    return 0;
}

static bool counts_bits(const struct plc_range *range)
{
    return range->count == PLC_BYTE_BITS || range->count == PLC_BYTES_OF_BITS;
}

static bool counts_even(const struct plc_range *range)
{
    return range->count == PLC_BYTES_OF_WORDS || range->count == PLC_BYTES_OF_PAIRS;
}

static void add_number(struct text *out, const struct plc_range *range, unsigned number,
                       const char *bit)
{
    text_addf(out, range->count == PLC_OCTAL ? "%s%o" : "%s%u", range->letters, number);
    if (counts_bits(range))
        text_add(out, bit);
}

static void add_range(struct text *out, const struct plc_range *range)
{
    text_add(out, out->length > 0 ? ", " : "");
    add_number(out, range, range->first, ".0");
    text_add(out, " to ");
    add_number(out, range, range->last, ".7");
    text_add(out, counts_even(range) ? " (even)" : "");
}

static bool has_letters(const struct plc_range *range, const char *name, size_t length)
{
    return strlen(range->letters) == length && strncasecmp(range->letters, name, length) == 0;
}

/* All ranges of these letters; of any letters where there is none of these. */
static int refuse_name(const struct plc *plc, const char *name, size_t length,
                       struct text *ret_expected)
{
    struct text ranges = {0};

    for (const struct plc_range *range = plc->ranges; range->letters; range++)
        if (has_letters(range, name, length))
            add_range(&ranges, range);
    for (const struct plc_range *range = plc->ranges; range->letters && ranges.length == 0; range++)
        text_addf(ret_expected, "%s%s", range == plc->ranges ? "one of " : " ", range->letters);
    text_addf(ret_expected, "%s of %s", ranges.length > 0 ? ranges.data : "", plc->name);
    text_free(&ranges);
    return -EINVAL;
}

/* Whether the number behind the letters is of this range. */
static bool parse_numbers(const struct plc_range *range, const char *text, const char *bit,
                          uint32_t *ret_number, uint32_t *ret_bit)
{
    uint32_t number = 0, of_byte = 0;

    if (plc_number_parse(text, range->count == PLC_OCTAL ? 8 : 10, &number) != 0 ||
        number < range->first || number > range->last || (counts_even(range) && number % 2 != 0))
        return false;
    if (counts_bits(range) && (!bit || strlen(bit) != 1 || plc_number_parse(bit, 8, &of_byte) != 0))
        return false;
    *ret_number = number;
    *ret_bit = of_byte;
    return true;
}

static bool is_of_bits(const struct plc_range *range)
{
    return range->area == AREA_COIL || range->area == AREA_DISCRETE;
}

/* The range of a name. A timer has one of contacts and one of values: which is meant, the type
 * says. NULL after adding what was expected. */
static const struct plc_range *find_range(const struct plc *plc, const char *name, const char *bit,
                                          enum register_kind kind, uint32_t *ret_number,
                                          uint32_t *ret_bit, struct text *ret_expected)
{
    size_t length = strspn(name, LETTERS);
    const struct plc_range *found[2] = {NULL, NULL};

    for (const struct plc_range *range = plc->ranges; range->letters; range++)
        if (has_letters(range, name, length) &&
            parse_numbers(range, name + length, bit, ret_number, ret_bit))
            found[is_of_bits(range)] = range;
    if (!found[0] && !found[1]) {
        refuse_name(plc, name, length, ret_expected);
        return NULL;
    }
    if (!found[0] || !found[1])
        return found[0] ? found[0] : found[1];
    if (kind == REGISTER_UNKNOWN && !bit) {
        text_add(ret_expected, "a type beside it: BOOL for its contact, a number for its value");
        return NULL;
    }
    return found[kind == REGISTER_BIT && !bit];
}

/* Where a number of the range stands, as its manual has it, and what is left from there on. */
static void settle_number(const struct plc_range *range, uint32_t number, uint32_t bit,
                          struct register_place *place)
{
    uint32_t index = number - range->first, left = range->last - number;
    bool pairs = range->count == PLC_PAIRS || range->count == PLC_BYTES_OF_PAIRS;

    if (range->count == PLC_BYTE_BITS) {
        index = index * BITS_OF_BYTE + bit;
        left = 0;
    } else if (counts_even(range) || range->count == PLC_BYTES_OF_BITS) {
        index /= 2;
        left /= 2;
    } else if (pairs) {
        index *= 2;
    }
    *place = (struct register_place){.area = range->area,
                                     .address = (uint16_t)(range->address + index),
                                     .bit = -1,
                                     .room = pairs ? 2 : left + 1,
                                     .width = pairs ? 2 : 0,
                                     .range = range};
    if (range->count == PLC_BYTES_OF_BITS)
        place->bit = (int8_t)(number % 2 == 0 ? bit + BITS_OF_BYTE : bit);
}

int plc_name_parse(const struct plc *plc, const char *name, const char *bit,
                   enum register_kind kind, struct register_place *ret_place,
                   struct text *ret_expected)
{
    uint32_t number = 0, of_byte = 0;
    const struct plc_range *range =
        find_range(plc, name, bit, kind, &number, &of_byte, ret_expected);

    if (!range)
        return -EINVAL;
    settle_number(range, number, of_byte, ret_place);
    return 0;
}
