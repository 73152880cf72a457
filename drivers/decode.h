/* Words to values and, for the simulator, back. Pure.
 *
 * Words are as on the wire, each already in host order; a coil or a discrete input is a word of
 * 0 or 1. */
#ifndef BINDERY_DECODE_H
#define BINDERY_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plant.h"
#include "value.h"

enum { DECODE_TEXT_BYTES = 256 };

/* Decodes the tag_width(tag) words at `words` into *ret_sample: quality and value, not the tag's
 * index. A string is cut at its first zero byte, trailing blanks go, and its text is written to
 * `text`, which holds DECODE_TEXT_BYTES and must outlive the sample; bytes that are not UTF-8
 * give QUALITY_RANGE, as does a BCD digit above 9, a NaN, an infinity, or a scaled number that
 * does not fit. */
void decode_tag(const struct tag *tag, const uint16_t *words, char *text,
                struct sample *ret_sample);

/* Whether the bytes are UTF-8. */
bool decode_is_utf8(const char *text, size_t length);

/* Encodes a raw number, before scaling, into the tag's words: for what pretends to be a machine.
 * Out of the type's range it wraps, as a PLC's counter would (BCD modulo its digits). A tag that
 * is a bit of a word changes this bit alone. Strings take the number in decimal. */
void encode_tag(const struct tag *tag, double raw, uint16_t *words);

/* Puts a number's bits, right-aligned and of the tag's width, into its words: what decode_tag sees
 * there before it takes them for a number of the type. */
void encode_bits(const struct tag *tag, uint64_t bits, uint16_t *words);

/* Puts a string's bytes, at most string_bytes, into the tag's words, zeros behind them. */
void encode_text(const struct tag *tag, const char *text, uint16_t *words);

#endif
