/* The columns of a tag list, and of a list of machines: their names as makers write them, and the
 * keys of the configuration that they become. Pure. */
#ifndef BINDERY_TAG_COLUMNS_H
#define BINDERY_TAG_COLUMNS_H

#include "sheet.h"

enum tag_column {
    COLUMN_NAME,
    COLUMN_AT,
    COLUMN_TABLE,
    COLUMN_TYPE,
    COLUMN_ORDER,
    COLUMN_SCALE,
    COLUMN_OFFSET,
    COLUMN_UNIT,
    COLUMN_EVERY,
    COLUMN_DEADBAND,
    COLUMN_HEARTBEAT,
    COLUMN_LOW,
    COLUMN_HIGH,
    COLUMN_COUNTS,
    COLUMN_KIND,
    COLUMN_MODULUS,
    COLUMN_MAX_RATE,
    COLUMN_MULTIPLIER,
    COLUMN_RAW,
    COLUMN_STATES,
    COLUMN_LIMIT_LOW,
    COLUMN_LIMIT_HIGH,
    COLUMN_HYSTERESIS,
    COLUMN_TITLE_EN,
    COLUMN_TITLE_ZH,
    COLUMN_TITLE, /* in whichever language it is */
    TAG_COLUMNS
};

enum machine_column {
    MACHINE_COLUMN_NAME,
    MACHINE_COLUMN_LINK,
    MACHINE_COLUMN_UNIT,
    MACHINE_COLUMN_PROFILE,
    MACHINE_COLUMN_EVERY,
    MACHINE_COLUMN_CALENDAR,
    MACHINE_COLUMN_IDEAL_RATE,
    MACHINE_COLUMNS
};

struct column_kind {
    const char *title;        /* as it is exported */
    const char *const *words; /* folded, as sheet_fold makes them; ended by NULL */
    const char *keys;         /* of the configuration, of which faults speak: "range low" */
    const char *required;     /* what was expected where it is missing; NULL: optional */
    bool of_type;             /* what is wrong with it may come of a wrong type */
};

extern const struct column_kind tag_columns[TAG_COLUMNS];
extern const struct column_kind machine_columns[MACHINE_COLUMNS];

/* Which column of the sheet is which, SHEET_NO_COLUMN where it is missing, and the unit that stands
 * in the header of one, as "ms" in "period(ms)" and "hex" in "address(hex)". */
struct columns {
    size_t at[TAG_COLUMNS];
    const char *unit[TAG_COLUMNS]; /* "" for none; a literal */
};

/* Finds the columns of a kind. Those that are missing and required, or stand twice, are faults;
 * is_known[i] tells which of the sheet's were taken. */
void columns_find(const struct sheet *sheet, const struct column_kind *kinds, size_t count,
                  struct columns *ret_columns, bool *is_known, struct sheet_faults *faults);

/* The kind that has the key; `count` where there is none. */
size_t columns_of_key(const struct column_kind *kinds, size_t count, const char *key,
                      size_t length);

#endif
