#include "register_name.h"

#include <errno.h>
#include <string.h>

#include "plc_name.h"
#include "text.h"
#include "words.h"

enum { ADDRESSES = 65536, NAME_ROOM = 32 };

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

/* "3", "15", "A". */
static int parse_bit(const char *text, int8_t *ret_bit)
{
    uint32_t bit = 0;
    bool is_letter = strspn(text, DIGITS) == 0 && strlen(text) == 1;

    if (strlen(text) > 2 || plc_number_parse(text, is_letter ? 16 : 10, &bit) != 0 || bit > 15)
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
        plc_number_parse(name + 1, 10, &number) != 0 || number < 1 || number > ADDRESSES)
        return false;
    *ret_address = number - 1;
    return true;
}

/* A number beside "4x" may count from 0 or from 1. */
static int refuse_x(const struct register_hint *hint, struct text *ret_expected)
{
    text_addf(ret_expected,
              "from where it counts: from 1 as in 4x0001, or from 0 beside the table %s",
              area_name(hint->area));
    return -EINVAL;
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
    if (hint->from_one)
        return refuse_x(hint, ret_expected);
    if (!hint->has_area)
        return refuse(ret_expected, "the table of a plain number: a column \"table\" beside it, "
                                    "or holding:N, or 40001 and the likes");
    if (plc_number_parse(parts->name, 10, &address) != 0 || address >= ADDRESSES)
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

    if (!find_table(parts->name[0], &area) || plc_number_parse(parts->name + 2, 10, &number) != 0 ||
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

    if (plc_number_parse(parts->name, 16, &address) != 0 || address >= ADDRESSES)
        return refuse(ret_expected, "a hexadecimal address from 0x0 to 0xFFFF");
    if (hint->from_one)
        return refuse_x(hint, ret_expected);
    if (!hint->has_area)
        return refuse(ret_expected, "the table of a plain address: a column \"table\" beside it, "
                                    "or holding:N");
    settle(place, hint->area, address);
    return 0;
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
    if (plc_name_parse(notation->plc, parts->name, parts->bit, hint->kind, place, ret_expected) !=
        0)
        return -EINVAL;
    const struct plc_range *range = place->range;
    if (hint->has_area && hint->area != range->area) {
        text_addf(ret_expected, "the table %s beside it, or none", area_name(range->area));
        return -EINVAL;
    }
    int64_t address = (int64_t)place->address + (is_moved(notation, range) ? notation->by : 0);
    if (address < 0 || address >= ADDRESSES)
        return refuse(ret_expected, "one that stands from 0 to 65535 where its range was moved to");
    place->address = (uint16_t)address;
    if (range->count == PLC_BYTE_BITS || range->count == PLC_BYTES_OF_BITS)
        return 0; /* the point was part of its name */
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
