/* YAML that is made of a sheet, of which each line is known to be of a row: so that what the
 * configuration's own reader finds wrong with it can be told of the sheet. Pure. */
#ifndef BINDERY_SHEET_YAML_H
#define BINDERY_SHEET_YAML_H

#include "plant.h"
#include "tag_columns.h"
#include "text.h"

struct sheet_yaml {
    struct text text;
    struct line_place {
        size_t row, column; /* as of a fault */
    } * places;
    size_t line_count, capacity;
};

/* Ends a line that was added to the text, and says whose it is. */
void sheet_yaml_end(struct sheet_yaml *yaml, size_t row, size_t column);
void sheet_yaml_free(struct sheet_yaml *yaml);

/* Adds a scalar, in quotation marks where it would not be one without them in a flow mapping. */
void sheet_yaml_scalar(struct text *out, const char *text);

/* Where the YAML stood when it was read, and what its keys mean. */
struct yaml_reading {
    const struct sheet_yaml *yaml;
    const char *yaml_path;
    size_t lines_before; /* of that file, before the YAML's first */
    const char *sheet_path;
    const struct column_kind *kinds;
    size_t kind_count;
    const struct columns *columns;
    const bool
        *row_failed; /* by the row's number: what depends on a type is not told; NULL: none */
};

/* Whether the fault lies in the YAML; it is then added as one of the sheet. */
bool sheet_yaml_fault(const struct yaml_reading *reading, const struct fault *fault,
                      struct sheet_faults *faults);

/* The message with places in the YAML replaced by places in the sheet: "tags.csv:7". */
void sheet_yaml_words(const struct yaml_reading *reading, const char *message, struct text *out);

#endif
