/* Words of the configuration beyond those that plant.h shares. Pure. */
#ifndef BINDERY_WORDS_H
#define BINDERY_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Digits and nothing else, up to INT64_MAX. 0 or -EINVAL. */
int parse_whole(const char *text, int64_t *ret_number);

/* 1 to 64 letters, digits, '.', '_' or '-'. */
bool is_name(const char *text);

/* Whether no control characters are in it. */
bool is_plain(const char *text);

/* "8N1", "7E2". 0 or -EINVAL. */
int parse_format(const char *text, uint8_t *ret_data_bits, char *ret_parity,
                 uint8_t *ret_stop_bits);

/* Whether termios knows the rate. */
bool is_baud(int64_t rate);

#endif
