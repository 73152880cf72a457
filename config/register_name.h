/* Where a register stands, as makers of equipment write it. Pure.
 *
 *   holding:100  holding:100.3      the configuration's own way, from 0
 *   40001  400001  4x0001           tables 0 (coils), 1, 3 and 4, counted from 1; "0x" is hex
 *   100  0x64  64H                  with a table told beside it, from 0
 *   D100  D100.3  X17  VW100        names of a controller
 *
 * Behind a register may stand a bit, 0 to 15 or A to F for 10 to 15. What can be read in two ways
 * is refused: a wrong register has a value, too. */
#ifndef BINDERY_REGISTER_NAME_H
#define BINDERY_REGISTER_NAME_H

#include "plc.h"

struct text;

struct register_notation {
    const struct plc *plc;         /* NULL: no names of a controller */
    const struct plc_range *moved; /* one that stands elsewhere than its manual says; NULL: none */
    int32_t by;
};

/* What stands beside it. */
struct register_hint {
    bool has_area;
    enum area area;
    bool from_one; /* the table is told as "4x", whose numbers mostly count from 1 */
    enum register_kind { REGISTER_UNKNOWN, REGISTER_BIT, REGISTER_WORDS } kind; /* of its type */
};

struct register_place {
    enum area area;
    uint16_t address;
    int8_t bit;                    /* -1: none */
    bool bare;                     /* digits alone: what a spreadsheet takes for a number */
    uint32_t room;                 /* words, or bits, from here to the end of its range */
    uint8_t width;                 /* words that it is wide; 0: as wide as its type */
    const struct plc_range *range; /* NULL: it is no name of a controller */
};

/* 0; or -EINVAL with what was expected added, and *ret_place untouched. */
int register_name_parse(const struct register_notation *notation, const char *text,
                        const struct register_hint *hint, struct register_place *ret_place,
                        struct text *ret_expected);

/* "D0=holding:4096": the range of D then stands there, as HoldStart and the likes may have it.
 * 0; or -EINVAL with what was expected added. */
int register_name_move(struct register_notation *notation, const char *text,
                       struct text *ret_expected);

#endif
