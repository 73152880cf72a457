/* A value of the command line as the words it is written with. Pure. */
#ifndef BINDERY_WRITE_VALUE_H
#define BINDERY_WRITE_VALUE_H

#include "plant.h"

/* The tag_width(tag) words that hold the value: what decode_tag makes of them is the value,
 * exactly, or for reals the nearest there is. 0; -EINVAL with what was expected in *ret_expected, a
 * literal, where the value is none of the tag's type or lies beyond it. */
int write_value(const struct tag *tag, const char *text, uint16_t *ret_words,
                const char **ret_expected);

#endif
