/* Takes secrets out of a text before it is given away. Pure.
 *
 * It rather masks too much than too little: the rest of a line behind a key that may hold a
 * secret, what goes on below it, and everything in front of the @ of a URL. Paths of password files
 * stay, since they say nothing; a text with zero bytes is left out. */
#ifndef BINDERY_SUPPORT_MASK_H
#define BINDERY_SUPPORT_MASK_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

/* Words that are masked wherever they stand alone, as user names. */
struct secrets {
    const char *const *words;
    size_t count;
};

/* Appends the text with "***" for what is secret. `keys`: it is a configuration, or
 * speaks of one, in which keys say what is. */
void support_mask(const char *text, size_t length, bool keys, const struct secrets *secrets,
                  struct text *out);

#endif
