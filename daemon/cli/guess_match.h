/* Which registers hold the number that a panel shows. Pure but for allocation. */
#ifndef BINDERY_GUESS_MATCH_H
#define BINDERY_GUESS_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plant.h"

enum { GUESS_ADDRESSES = 65536, GUESS_LEAST_EXPONENT = -3, GUESS_MOST_EXPONENT = 3 };

/* A number as it is shown: 12.30 has two decimals. */
struct guess_value {
    struct decimal number;
    uint8_t decimals;
};

/* What was read of a table; by address. */
struct guess_image {
    enum area area; /* holding or input */
    uint16_t words[GUESS_ADDRESSES];
    bool known[GUESS_ADDRESSES];
};

/* value = raw x 10^exponent */
struct guess {
    enum area area;
    uint16_t address;
    enum tag_type type; /* a number's */
    uint8_t order;
    int8_t exponent;
};

struct guess_list {
    struct guess *items; /* to be freed */
    size_t count, room;
};

/* 0, or -EINVAL where it is no number or 0, which stands nearly everywhere. */
int guess_parse_value(const char *text, struct guess_value *ret_value);

/* The tag that a guess amounts to. */
struct tag guess_tag(const struct guess *guess);

void guess_add(struct guess_list *list, const struct guess *guess);

/* Whether the table holds the value there: whole numbers exactly, reals as far as it is shown. */
bool guess_holds(const struct guess *guess, const struct guess_image *image,
                 const struct guess_value *value);

/* Adds all there are in a table. */
void guess_find(const struct guess_image *image, const struct guess_value *value,
                struct guess_list *list);

/* The most plausible first: plain types, orders and scales before rare ones, then by address. */
void guess_sort(struct guess_list *list, const struct guess_value *value);

/* Whether it differs from one of the list before it only by a sign that the numbers so far did not
 * need. */
bool guess_is_twin(const struct guess_list *list, size_t index);

#endif
