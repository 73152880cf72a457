/* The words of the configuration, read; plant.h has their names. Pure. */
#ifndef BINDERY_WORDS_H
#define BINDERY_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plant.h"

/* Digits and nothing else, up to INT64_MAX. 0 or -EINVAL. */
int parse_whole(const char *text, int64_t *ret_number);

/* 1 to 64 letters, digits, '.', '_' or '-'. */
bool is_name(const char *text);

/* Whether no control characters are in it. */
bool is_plain(const char *text);

/* A group's name in a pattern: 1 to 32 letters, digits or '_', of which the first is no digit. */
bool is_group(const char *text);

/* "8N1", "7E2". 0 or -EINVAL. */
int parse_format(const char *text, uint8_t *ret_data_bits, char *ret_parity,
                 uint8_t *ret_stop_bits);

/* Whether termios knows the rate. */
bool is_baud(int64_t rate);

/* Parsers of the contract's words, shared with the command line. 0, or -EINVAL with a sentence of
 * what was expected in *ret_expected, a literal. */
int parse_duration(const char *text, int64_t *ret_ms, const char **ret_expected);
int parse_size(const char *text, int64_t *ret_bytes, const char **ret_expected);
/* "host:port", "[v6]:port", "host" (port default_port); ret_host is malloc'ed. */
int parse_host_port(const char *text, uint16_t default_port, char **ret_host, uint16_t *ret_port,
                    const char **ret_expected);
/* "holding:100", "coil:3", "holding:100.3" */
int parse_at(const char *text, enum area *ret_area, uint16_t *ret_address, int8_t *ret_bit,
             const char **ret_expected);
/* "u32", "string:20" */
int parse_type(const char *text, enum tag_type *ret_type, uint16_t *ret_string_bytes,
               const char **ret_expected);
/* "CDAB", and the eight-byte "GHEFCDAB" likes */
int parse_order(const char *text, uint8_t *ret_order, const char **ret_expected);

#endif
