/* A piece of a line to a value. Pure. */
#ifndef BINDERY_TEXT_VALUE_H
#define BINDERY_TEXT_VALUE_H

#include <stddef.h>

#include "plant.h"
#include "value.h"

/* Reads a tag's value into *ret_sample: quality and value, not the tag's index. QUALITY_RANGE for
 * what is none of its type.
 * - A number may have a sign, blanks around it and behind the sign, and zeros in front; its point
 *   is a '.', and at most 18 digits are read, 15 of them behind it. It is exact, and so is what
 *   scale and offset make of it. A whole type takes whole numbers only, in its range.
 * - A string is what stands there without the blanks at its end; it is written to `text`, which
 *   holds DECODE_TEXT_BYTES and must outlive the sample. One that is longer than the tag's, and one
 *   that is not UTF-8, is none. */
void text_value(const struct tag *tag, const char *bytes, size_t length, char *text,
                struct sample *ret_sample);

#endif
