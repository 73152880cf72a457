/* The registers that machines have refused (exception 2), in a file beside the store, so that the
 * next start asks for each of them alone in place of finding them again. Main thread. */
#ifndef BINDERY_REFUSED_H
#define BINDERY_REFUSED_H

#include <stddef.h>

#include "live.h"
#include "plant.h"
#include "table.h"
#include "text.h"

struct refused {
    char *path;
    struct text file;   /* as it was read, or was written last */
    struct text lines;  /* what the table's keys lie in */
    struct table table; /* "binder-1 holding:100" */
};

/* Reads the file; one that can't be read is as none. */
void refused_load(struct refused *refused, const char *path);

/* The same of what a file holds. */
void refused_parse(struct refused *refused, const char *bytes, size_t length);

/* Which of the machine's tags it has refused, one a tag, the caller's to free; NULL: none, as where
 * `refused` is NULL. */
bool *refused_tags(const struct refused *refused, const struct machine *machine);

/* From here on nothing is known of them. */
void refused_forget(struct refused *refused);

/* Writes down what is refused now, where that has changed. 0, or negative errno. */
int refused_save(struct refused *refused, struct live *live);

void refused_free(struct refused *refused);

#endif
