/* One Modbus transaction: the words of one span of one unit. Blocks for at most the link's
 * timeout to connect and again for the answer (names apart). */
#ifndef BINDERY_READ_WORDS_H
#define BINDERY_READ_WORDS_H

#include <stdint.h>

#include "modbus_plan.h"
#include "plant.h"
#include "text.h"

/* Reads span->count words or bits by whatever the link's driver is. 0; or -1 with a sentence of
 * what went wrong in *ret_trouble. */
int read_words(const struct link *link, uint8_t unit, const struct span *span, uint16_t *ret_words,
               struct text *ret_trouble);

/* read_words over Modbus TCP. */
int read_words_tcp(const struct link *link, uint8_t unit, const struct span *span,
                   uint16_t *ret_words, struct text *ret_trouble);

/* "exception 2: illegal data address (…)" */
void read_add_exception(struct text *out, int code);

/* "nothing answered within 500 ms: …" for both kinds of link. */
void read_add_silence(struct text *out, const struct link *link, uint8_t unit);

#endif
