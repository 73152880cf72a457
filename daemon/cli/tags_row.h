/* A row of a tag list on its way into a profile. */
#ifndef BINDERY_TAGS_ROW_H
#define BINDERY_TAGS_ROW_H

#include "sheet_yaml.h"
#include "tags.h"

enum { NOTED_RANGES = PLC_MOST_RANGES };

struct tags_maker {
    const struct tags_source *source;
    struct columns columns;
    struct sheet_faults *faults;
    struct sheet_yaml yaml;
    struct text values[TAG_COLUMNS]; /* of the row at hand */
    size_t row;
    bool *row_failed;                            /* by its number */
    const struct plc_range *noted[NOTED_RANGES]; /* used, and not confirmed */
    size_t noted_count;
    bool order_noted;
};

/* Adds the row's lines; what is wrong with its cells becomes a fault, and what depends on it is
 * left out or stands for it. */
void tags_add_row(struct tags_maker *maker, const struct sheet_row *sheet_row);

#endif
