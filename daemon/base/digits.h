/* Whole numbers written in decimal, some thousands of times a second. */
#ifndef BINDERY_DIGITS_H
#define BINDERY_DIGITS_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* The room a number needs: it takes 20 bytes at most, but they are put eight at a time. */
enum { DIGITS_ROOM = 24, DIGITS_GROUP = 100000000 };

_Static_assert(__BYTE_ORDER == __LITTLE_ENDIAN, "digits are put eight at a time");

/* The eight digits of a number below DIGITS_GROUP, the first in the lowest byte. It is halved three
 * times, all parts at once: into fours, twos and ones, a multiplication and a shift for each
 * division. */
static inline uint64_t digits_of_group(uint32_t number)
{
    uint64_t fours = number / 10000 | (uint64_t)(number % 10000) << 32;
    uint64_t hundreds = (fours * 10486 >> 20) & UINT64_C(0x0000007F0000007F);
    uint64_t twos = hundreds | (fours - 100 * hundreds) << 16;
    uint64_t tens = (twos * 103 >> 10) & UINT64_C(0x000F000F000F000F);
    return tens | (twos - 10 * tens) << 8;
}

static inline void digits_put_group(char *at, uint64_t digits)
{
    digits |= UINT64_C(0x3030303030303030);
    memcpy(at, &digits, sizeof(digits));
}

/* Writes a number below DIGITS_GROUP without a terminating zero; returns where it ends. */
static inline char *digits_put_short(char *at, uint32_t number)
{
    uint64_t digits = digits_of_group(number);
    /* the last of them stands even where all are 0 */
    int zeros = __builtin_ctzll(digits | UINT64_C(1) << 56) / 8;
    digits_put_group(at, digits >> 8 * zeros);
    return at + 8 - zeros;
}

/* The same of any number. */
static inline char *digits_put(char *at, uint64_t number)
{
    if (number < DIGITS_GROUP)
        return digits_put_short(at, (uint32_t)number);
    at = digits_put(at, number / DIGITS_GROUP);
    digits_put_group(at, digits_of_group((uint32_t)(number % DIGITS_GROUP)));
    return at + 8;
}

#endif
