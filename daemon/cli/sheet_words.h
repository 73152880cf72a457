/* The words of tag lists as makers write them, in English and Chinese. Pure. */
#ifndef BINDERY_SHEET_WORDS_H
#define BINDERY_SHEET_WORDS_H

#include <stdbool.h>

#include "plant.h"

struct text;

/* The word in small letters, full-width characters as plain ones, without spaces, '_' and '-' and
 * line ends: "Data_Type", "data type" and "ＤａｔａＴｙｐｅ" are one. */
void sheet_fold(const char *word, struct text *ret_folded);

/* The text with full-width characters as plain ones and without spaces around it. */
void sheet_trim(const char *cell, struct text *ret_trimmed);

/* "UINT", "无符号16位", "STRING(20)", and the configuration's own. 0, or -EINVAL with a sentence of
 * what was expected in *ret_expected, a literal. */
int sheet_parse_type(const char *cell, enum tag_type *ret_type, uint16_t *ret_string_bytes,
                     const char **ret_expected);

/* "CDAB", "3412", "low word first", "低字在前". As sheet_parse_type. */
int sheet_parse_order(const char *cell, uint8_t *ret_order, const char **ret_expected);

/* "holding", "4x", "保持寄存器", "03" as the function that reads it; *ret_from_one: it is one as
 * "4x". A digit alone is a function only where the header speaks of one: else 3 may be 3x, too. As
 * sheet_parse_type. */
int sheet_parse_table(const char *header, const char *cell, enum area *ret_area, bool *ret_from_one,
                      const char **ret_expected);

/* Whether there are Chinese characters in it. */
bool sheet_is_chinese(const char *text);

#endif
