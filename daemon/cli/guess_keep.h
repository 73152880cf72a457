/* The guesses that are left, in a file between two runs. Lines of text: "bindery guess 1", then one
 * guess each, "holding 100 u32 CDAB -1". */
#ifndef BINDERY_GUESS_KEEP_H
#define BINDERY_GUESS_KEEP_H

#include "guess_match.h"
#include "text.h"

enum { GUESS_KEEP_MOST = 1 << 20 }; /* guesses in a file */

void guess_keep_format(const struct guess_list *list, struct text *out);

/* 0, or the number of the first line that is wrong, with nothing added. */
int guess_keep_parse(const char *text, struct guess_list *list);

/* The same with the file. A CLI_ status; what is wrong has been printed. */
int guess_keep_load(const char *path, struct guess_list *list);
int guess_keep_save(const char *path, const struct guess_list *list);

#endif
