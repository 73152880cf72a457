#include "register_name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "words.h"

enum {
    ADDRESSES = 65536,
    MOST_DIGITS = 6,
    NAME_ROOM = 32,
    CLASSIC_TABLE = 10000,
    CLASSIC_LONG_TABLE = 100000,
    BITS_OF_BYTE = 8
};

#define DIGITS "0123456789"
#define HEX_DIGITS DIGITS "abcdefABCDEF"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* A notation taken apart: what stands before the point, and what behind it. */
struct parts {
    char name[NAME_ROOM];
    const char *bit; /* NULL: no point */
};

static int refuse(struct text *ret_expected, const char *expected)
{
    text_add(ret_expected, expected);
    return -EINVAL;
}

/* The digits of the number, all of them, at most MOST_DIGITS. */
static int parse_number(const char *text, int base, uint32_t *ret_number)
{
    const char *digits = base == 8 ? "01234567" : base == 10 ? DIGITS : HEX_DIGITS;
    size_t length = strspn(text, digits);

    if (length == 0 || length > MOST_DIGITS || text[length] != '\0')
        return -EINVAL;
    *ret_number = (uint32_t)strtoul(text, NULL, base);
    return 0;
}

/* "3", "15", "A". */
static int parse_bit(const char *text, int8_t *ret_bit)
{
    uint32_t bit = 0;
    bool is_letter = strspn(text, DIGITS) == 0 && strlen(text) == 1;

    if (strlen(text) > 2 || parse_number(text, is_letter ? 16 : 10, &bit) != 0 || bit > 15)
        return -EINVAL;
    *ret_bit = (int8_t)bit;
    return 0;
}

/* The bit of a register in a table of words. A spreadsheet makes .1 of .10, so that it may be
 * either where the whole is a number. */
static int add_bit(const struct parts *parts, struct register_place *place,
                   struct text *ret_expected)
{
    bool of_word = place->area == AREA_HOLDING || place->area == AREA_INPUT;

    if (!parts->bit)
        return 0;
    if (!of_word)
        return refuse(ret_expected, "an address and no bit behind it, where each is a bit");
    if (place->bare && strcmp(parts->bit, "1") == 0)
        return refuse(ret_expected, "which bit it is: a spreadsheet makes .1 of .10; .01 for bit "
                                    "1, or holding:N.1 or holding:N.10");
    if (parse_bit(parts->bit, &place->bit) != 0)
        return refuse(ret_expected, "a bit from 0 to 15 behind the point");
    place->room = 1;
    return 0;
}

static void settle(struct register_place *place, enum area area, uint32_t address)
{
    place->area = area;
    place->address = (uint16_t)address;
    place->bit = -1;
    place->room = ADDRESSES - address;
}

/* The table that the first digit stands for; false where there is none. */
static bool find_table(char digit, enum area *ret_area)
{
    static const enum area tables[] = {
        ['0' - '0'] = AREA_COIL,
        ['1' - '0'] = AREA_DISCRETE,
        ['3' - '0'] = AREA_INPUT,
        ['4' - '0'] = AREA_HOLDING,
    };

    if (digit < '0' || digit > '4' || digit == '2')
        return false;
    *ret_area = tables[digit - '0'];
    return true;
}

/* "40001", "400001", "00001": of five or six digits, counted from 1. */
static bool parse_classic(const char *name, enum area *ret_area, uint32_t *ret_address)
{
    size_t length = strlen(name);
    uint32_t number = 0;

    if ((length != 5 && length != 6) || !find_table(name[0], ret_area) ||
        parse_number(name + 1, 10, &number) != 0 || number < 1 || number > ADDRESSES)
        return false;
    *ret_address = number - 1;
    return true;
}

static int parse_digits(const struct parts *parts, const struct register_hint *hint,
                        struct register_place *place, struct text *ret_expected)
{
    enum area area = AREA_COIL;
    uint32_t address = 0;
    bool is_classic = parse_classic(parts->name, &area, &address);

    place->bare = true;
    if (is_classic && hint->has_area) {
        text_addf(ret_expected,
                  "one reading of it: counted from 1 it is %s:%u, and beside a table it may be "
                  "%s:%s; write the one that it is",
                  area_name(area), (unsigned)address, area_name(hint->area), parts->name);
        return -EINVAL;
    }
    if (is_classic) {
        settle(place, area, address);
        return 0;
    }
    if (!hint->has_area)
        return refuse(ret_expected, "the table of a plain number: a column \"table\" beside it, "
                                    "or holding:N, or 40001 and the likes");
    if (parse_number(parts->name, 10, &address) != 0 || address >= ADDRESSES)
        return refuse(ret_expected, "a zero-based address from 0 to 65535");
    settle(place, hint->area, address);
    return 0;
}

/* "4x0001" */
static int parse_x(const struct parts *parts, const struct register_hint *hint,
                   struct register_place *place, struct text *ret_expected)
{
    enum area area = AREA_COIL;
    uint32_t number = 0;

    if (!find_table(parts->name[0], &area) || parse_number(parts->name + 2, 10, &number) != 0 ||
        number < 1 || number > ADDRESSES)
        return refuse(ret_expected, "1x, 3x or 4x and a number from 1 to 65536, as 4x0001");
    if (hint->has_area && hint->area != area) {
        text_addf(ret_expected, "the table %s beside it, or none", area_name(area));
        return -EINVAL;
    }
    settle(place, area, number - 1);
    return 0;
}

/* The hexadecimal digits of "0x1000" and "1000H" in their place; false for anything else. */
static bool strip_hex(char name[NAME_ROOM])
{
    size_t length = strlen(name);
    size_t digits = strspn(name, HEX_DIGITS);

    if (name[0] == '0' && (name[1] == 'x' || name[1] == 'X')) {
        memmove(name, name + 2, length - 1);
        return true;
    }
    if (digits > 0 && digits + 1 == length && (name[digits] == 'h' || name[digits] == 'H')) {
        name[digits] = '\0';
        return true;
    }
    return false;
}

static int parse_hex(const struct parts *parts, const struct register_hint *hint,
                     struct register_place *place, struct text *ret_expected)
{
    uint32_t address = 0;

    if (parse_number(parts->name, 16, &address) != 0 || address >= ADDRESSES)
        return refuse(ret_expected, "a hexadecimal address from 0x0 to 0xFFFF");
    if (!hint->has_area)
        return refuse(ret_expected, "the table of a plain address: a column \"table\" beside it, "
                                    "or holding:N");
    settle(place, hint->area, address);
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

    if (parse_number(text, range->count == PLC_OCTAL ? 8 : 10, &number) != 0 ||
        number < range->first || number > range->last || (counts_even(range) && number % 2 != 0))
        return false;
    if (counts_bits(range) && (!bit || strlen(bit) != 1 || parse_number(bit, 8, &of_byte) != 0))
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
static const struct plc_range *find_range(const struct plc *plc, const struct parts *parts,
                                          enum register_kind kind, uint32_t *ret_number,
                                          uint32_t *ret_bit, struct text *ret_expected)
{
    size_t length = strspn(parts->name, LETTERS);
    const struct plc_range *found[2] = {NULL, NULL};

    for (const struct plc_range *range = plc->ranges; range->letters; range++)
        if (has_letters(range, parts->name, length) &&
            parse_numbers(range, parts->name + length, parts->bit, ret_number, ret_bit))
            found[is_of_bits(range)] = range;
    if (!found[0] && !found[1]) {
        refuse_name(plc, parts->name, length, ret_expected);
        return NULL;
    }
    if (!found[0] || !found[1])
        return found[0] ? found[0] : found[1];
    if (kind == REGISTER_UNKNOWN && !parts->bit) {
        text_add(ret_expected, "a type beside it: BOOL for its contact, a number for its value");
        return NULL;
    }
    return found[kind == REGISTER_BIT && !parts->bit];
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
    settle(place, range->area, range->address + index);
    place->room = pairs ? 2 : left + 1;
    place->width = pairs ? 2 : 0;
    place->range = range;
    if (range->count == PLC_BYTES_OF_BITS)
        place->bit = (int8_t)(number % 2 == 0 ? bit + BITS_OF_BYTE : bit);
}

/* What stands in the same place, as VW, VD and V do, moves together. */
static bool is_moved(const struct register_notation *notation, const struct plc_range *range)
{
    const struct plc_range *moved = notation->moved;

    return moved && range->area == moved->area && range->address == moved->address;
}

static int parse_name(const struct register_notation *notation, const struct parts *parts,
                      const struct register_hint *hint, struct register_place *place,
                      struct text *ret_expected)
{
    uint32_t number = 0, bit = 0;
    const struct plc_range *range =
        find_range(notation->plc, parts, hint->kind, &number, &bit, ret_expected);

    if (!range)
        return -EINVAL;
    settle_number(range, number, bit, place);
    if (hint->has_area && hint->area != range->area) {
        text_addf(ret_expected, "the table %s beside it, or none", area_name(range->area));
        return -EINVAL;
    }
    int64_t address = (int64_t)place->address + (is_moved(notation, range) ? notation->by : 0);
    if (address < 0 || address >= ADDRESSES)
        return refuse(ret_expected, "one that stands from 0 to 65535 where its range was moved to");
    place->address = (uint16_t)address;
    if (counts_bits(range))
        return 0;
    return place->width > 0 && parts->bit ? refuse(ret_expected, "no bit of two words")
                                          : add_bit(parts, place, ret_expected);
}

/* "holding:100", and a table beside it that says the same. */
static int parse_own(const char *text, const struct register_hint *hint,
                     struct register_place *place, struct text *ret_expected)
{
    const char *expected = "";
    enum area area = AREA_COIL;
    uint16_t address = 0;
    int8_t bit = -1;

    if (parse_at(text, &area, &address, &bit, &expected) != 0)
        return refuse(ret_expected, expected);
    if (hint->has_area && hint->area != area) {
        text_addf(ret_expected, "the table %s beside it, or none", area_name(area));
        return -EINVAL;
    }
    settle(place, area, address);
    place->bit = bit;
    return 0;
}

static int parse_parts(const struct register_notation *notation, struct parts *parts,
                       const struct register_hint *hint, struct register_place *place,
                       struct text *ret_expected)
{
    int error = 0;

    if (notation->plc && strspn(parts->name, LETTERS) > 0)
        return parse_name(notation, parts, hint, place, ret_expected);
    if (parts->name[0] != '\0' && strspn(parts->name, DIGITS) == strlen(parts->name))
        error = parse_digits(parts, hint, place, ret_expected);
    else if (strip_hex(parts->name))
        error = parse_hex(parts, hint, place, ret_expected);
    else if (parts->name[0] != '\0' && strchr("xX", parts->name[1]) && parts->name[1] != '\0')
        error = parse_x(parts, hint, place, ret_expected);
    else
        return refuse(ret_expected, strspn(parts->name, LETTERS) > 0
                                        ? "holding:100, 40001, 4x0001 or 0x1000, or --plc for the "
                                          "names of a controller, as D100"
                                        : "an address such as holding:100, 40001, 4x0001, 0x1000");
    return error ? error : add_bit(parts, place, ret_expected);
}

int register_name_parse(const struct register_notation *notation, const char *text,
                        const struct register_hint *hint, struct register_place *ret_place,
                        struct text *ret_expected)
{
    struct register_place place = {.bit = -1};
    struct parts parts = {.bit = NULL};
    size_t length = strcspn(text, ".");
    int error = 0;

    if (strchr(text, ':')) {
        error = parse_own(text, hint, &place, ret_expected);
    } else if (length >= sizeof parts.name) {
        error = refuse(ret_expected, "an address such as holding:100, 40001, 4x0001, 0x1000");
    } else {
        memcpy(parts.name, text, length);
        parts.bit = text[length] == '.' ? text + length + 1 : NULL;
        error = parse_parts(notation, &parts, hint, &place, ret_expected);
    }
    if (!error)
        *ret_place = place;
    return error;
}

int register_name_move(struct register_notation *notation, const char *text,
                       struct text *ret_expected)
{
    static const char expected[] = "a register of the controller and where it stands, such as "
                                   "D0=holding:4096";
    const struct register_hint hint = {.kind = REGISTER_WORDS};
    const struct register_notation unmoved = {.plc = notation->plc};
    struct register_place from = {0}, to = {0};
    size_t length = strcspn(text, "=");
    char name[NAME_ROOM] = "";

    if (text[length] != '=' || length >= sizeof name || !notation->plc)
        return refuse(ret_expected, expected);
    memcpy(name, text, length);
    if (register_name_parse(&unmoved, name, &hint, &from, ret_expected) != 0 ||
        parse_own(text + length + 1, &hint, &to, ret_expected) != 0)
        return -EINVAL;
    if (!from.range || from.area != to.area || from.bit >= 0 || to.bit >= 0)
        return refuse(ret_expected, expected);
    notation->moved = from.range;
    notation->by = (int32_t)to.address - (int32_t)from.address;
    return 0;
}
