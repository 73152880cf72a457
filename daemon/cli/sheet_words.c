#include "sheet_words.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "text.h"
#include "words.h"

struct word {
    const char *folded;
    int value;
};

/* Sixteen bits where nothing else is said, as in IEC 61131-3 and with makers of controllers. What
 * may be 16 or 32 bits ("integer", "整数") is not here. */
static const struct word types[] = {
    {"bool", TYPE_BOOL},
    {"boolean", TYPE_BOOL},
    {"bit", TYPE_BOOL},
    {"布尔", TYPE_BOOL},
    {"布尔型", TYPE_BOOL},
    {"位", TYPE_BOOL},
    {"开关量", TYPE_BOOL},
    {"u16", TYPE_U16},
    {"uint", TYPE_U16},
    {"uint16", TYPE_U16},
    {"unsigned16", TYPE_U16},
    {"ushort", TYPE_U16},
    {"word", TYPE_U16},
    {"字", TYPE_U16},
    {"无符号16位", TYPE_U16},
    {"16位无符号", TYPE_U16},
    {"无符号16位整数", TYPE_U16},
    {"16位无符号整数", TYPE_U16},
    {"16位无符号数", TYPE_U16},
    {"s16", TYPE_S16},
    {"i16", TYPE_S16},
    {"int", TYPE_S16},
    {"int16", TYPE_S16},
    {"signed16", TYPE_S16},
    {"short", TYPE_S16},
    {"有符号16位", TYPE_S16},
    {"16位有符号", TYPE_S16},
    {"有符号16位整数", TYPE_S16},
    {"16位有符号整数", TYPE_S16},
    {"16位有符号数", TYPE_S16},
    {"u32", TYPE_U32},
    {"udint", TYPE_U32},
    {"uint32", TYPE_U32},
    {"unsigned32", TYPE_U32},
    {"dword", TYPE_U32},
    {"双字", TYPE_U32},
    {"无符号32位", TYPE_U32},
    {"32位无符号", TYPE_U32},
    {"无符号32位整数", TYPE_U32},
    {"32位无符号整数", TYPE_U32},
    {"32位无符号数", TYPE_U32},
    {"s32", TYPE_S32},
    {"i32", TYPE_S32},
    {"dint", TYPE_S32},
    {"int32", TYPE_S32},
    {"signed32", TYPE_S32},
    {"有符号32位", TYPE_S32},
    {"32位有符号", TYPE_S32},
    {"有符号32位整数", TYPE_S32},
    {"32位有符号整数", TYPE_S32},
    {"32位有符号数", TYPE_S32},
    {"u64", TYPE_U64},
    {"ulint", TYPE_U64},
    {"uint64", TYPE_U64},
    {"lword", TYPE_U64},
    {"qword", TYPE_U64},
    {"无符号64位", TYPE_U64},
    {"64位无符号", TYPE_U64},
    {"s64", TYPE_S64},
    {"i64", TYPE_S64},
    {"lint", TYPE_S64},
    {"int64", TYPE_S64},
    {"有符号64位", TYPE_S64},
    {"64位有符号", TYPE_S64},
    {"f32", TYPE_F32},
    {"real", TYPE_F32},
    {"float", TYPE_F32},
    {"float32", TYPE_F32},
    {"single", TYPE_F32},
    {"浮点", TYPE_F32},
    {"浮点数", TYPE_F32},
    {"浮点型", TYPE_F32},
    {"单精度", TYPE_F32},
    {"单精度浮点", TYPE_F32},
    {"单精度浮点数", TYPE_F32},
    {"32位浮点", TYPE_F32},
    {"32位浮点数", TYPE_F32},
    {"f64", TYPE_F64},
    {"lreal", TYPE_F64},
    {"double", TYPE_F64},
    {"float64", TYPE_F64},
    {"双精度", TYPE_F64},
    {"双精度浮点", TYPE_F64},
    {"双精度浮点数", TYPE_F64},
    {"64位浮点", TYPE_F64},
    {"64位浮点数", TYPE_F64},
    {"bcd16", TYPE_BCD16},
    {"bcd32", TYPE_BCD32},
    {NULL, 0},
};

/* With the number of bytes behind them. */
static const char *const strings[] = {"string", "char", "ascii", "字符串", "文本"};

enum { WORDS = ORDER_SWAP_WORDS, BYTES = ORDER_SWAP_BYTES, BOTH = WORDS | BYTES };

/* "Little endian" means two different orders to different makers, and is not here. */
static const struct word orders[] = {
    {"abcd", 0},
    {"1234", 0},
    {"abcdefgh", 0},
    {"bigendian", 0},
    {"大端", 0},
    {"highwordfirst", 0},
    {"高字在前", 0},
    {"高位在前", 0},
    {"cdab", WORDS},
    {"3412", WORDS},
    {"ghefcdab", WORDS},
    {"wordswap", WORDS},
    {"lowwordfirst", WORDS},
    {"低字在前", WORDS},
    {"badc", BYTES},
    {"2143", BYTES},
    {"badcfehg", BYTES},
    {"byteswap", BYTES},
    {"dcba", BOTH},
    {"4321", BOTH},
    {"hgfedcba", BOTH},
    {NULL, 0},
};

static const struct word tables[] = {
    {"coil", AREA_COIL},
    {"coils", AREA_COIL},
    {"线圈", AREA_COIL},
    {"0x", AREA_COIL},
    {"1", AREA_COIL},
    {"01", AREA_COIL},
    {"fc1", AREA_COIL},
    {"fc01", AREA_COIL},
    {"discrete", AREA_DISCRETE},
    {"discreteinput", AREA_DISCRETE},
    {"discreteinputs", AREA_DISCRETE},
    {"离散输入", AREA_DISCRETE},
    {"离散量输入", AREA_DISCRETE},
    {"输入状态", AREA_DISCRETE},
    {"1x", AREA_DISCRETE},
    {"2", AREA_DISCRETE},
    {"02", AREA_DISCRETE},
    {"fc2", AREA_DISCRETE},
    {"fc02", AREA_DISCRETE},
    {"holding", AREA_HOLDING},
    {"holdingregister", AREA_HOLDING},
    {"holdingregisters", AREA_HOLDING},
    {"保持寄存器", AREA_HOLDING},
    {"4x", AREA_HOLDING},
    {"3", AREA_HOLDING},
    {"03", AREA_HOLDING},
    {"fc3", AREA_HOLDING},
    {"fc03", AREA_HOLDING},
    {"input", AREA_INPUT},
    {"inputregister", AREA_INPUT},
    {"inputregisters", AREA_INPUT},
    {"输入寄存器", AREA_INPUT},
    {"3x", AREA_INPUT},
    {"4", AREA_INPUT},
    {"04", AREA_INPUT},
    {"fc4", AREA_INPUT},
    {"fc04", AREA_INPUT},
    {NULL, 0},
};

/* The plain character that a full-width one stands for, and how many bytes it has; 0: none. */
static size_t full_width(const char *text, char *ret_plain)
{
    const unsigned char *at = (const unsigned char *)text;

    if (at[0] == 0xE3 && at[1] == 0x80 && at[2] == 0x80) { /* U+3000 */
        *ret_plain = ' ';
        return 3;
    }
    if (at[0] != 0xEF || (at[1] != 0xBC && at[1] != 0xBD) || (at[2] & 0xC0) != 0x80)
        return 0;
    int point = 0xFF00 | (at[1] - 0xBC) << 6 | (at[2] & 0x3F); /* U+FF01 is '!' */
    if (point < 0xFF01 || point > 0xFF5E)
        return 0;
    *ret_plain = (char)(point - 0xFF01 + '!');
    return 3;
}

/* Adds the text with plain characters. */
static void add_plain(const char *text, struct text *out)
{
    while (*text) {
        char plain = *text;
        size_t length = full_width(text, &plain);
        text_add_char(out, plain);
        text += length > 0 ? length : 1;
    }
}

void sheet_fold(const char *word, struct text *ret_folded)
{
    struct text plain = {0};

    text_add(&plain, "");
    add_plain(word, &plain);
    text_add(ret_folded, "");
    text_clear(ret_folded);
    for (const char *c = plain.data; c && *c; c++)
        if (!strchr(" _-\t\r\n", *c))
            text_add_char(ret_folded, (char)tolower((unsigned char)*c));
    text_free(&plain);
}

void sheet_trim(const char *cell, struct text *ret_trimmed)
{
    struct text plain = {0};

    add_plain(cell, &plain);
    text_clear(ret_trimmed);
    if (plain.length > 0) {
        const char *begin = plain.data + strspn(plain.data, " \t\r\n");
        size_t length = strlen(begin);
        while (length > 0 && strchr(" \t\r\n", begin[length - 1]))
            length--;
        text_add_bytes(ret_trimmed, begin, length);
    }
    text_free(&plain);
}

/* The value of a word; -1 where there is none. */
static int find_word(const struct word *words, const char *cell)
{
    struct text folded = {0};
    int value = -1;

    sheet_fold(cell, &folded);
    for (; words->folded && value < 0; words++)
        if (strcmp(words->folded, folded.length > 0 ? folded.data : "") == 0)
            value = words->value;
    text_free(&folded);
    return value;
}

/* The number of bytes behind a word for a string, in brackets or not: "string(20)". */
static bool parse_string(const char *folded, uint16_t *ret_bytes)
{
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        size_t length = strlen(strings[i]);
        struct text own = {0};
        enum tag_type type = TYPE_BOOL;
        const char *expected = NULL;
        if (strncmp(folded, strings[i], length) != 0)
            continue;
        const char *number = folded + length + strspn(folded + length, "([:");
        text_addf(&own, "string:%.*s", (int)strcspn(number, ")]"), number);
        bool parsed = parse_type(own.data, &type, ret_bytes, &expected) == 0;
        text_free(&own);
        return parsed;
    }
    return false;
}

int sheet_parse_type(const char *cell, enum tag_type *ret_type, uint16_t *ret_string_bytes,
                     const char **ret_expected)
{
    int type = find_word(types, cell);
    struct text folded = {0};
    bool is_string = false;

    if (type >= 0) {
        *ret_type = (enum tag_type)type;
        *ret_string_bytes = 0;
        return 0;
    }
    sheet_fold(cell, &folded);
    is_string = folded.length > 0 && parse_string(folded.data, ret_string_bytes);
    text_free(&folded);
    if (is_string) {
        *ret_type = TYPE_STRING;
        return 0;
    }
    *ret_expected = "BOOL UINT INT UDINT DINT REAL LREAL, WORD DWORD, u16 and the likes, bcd16 "
                    "bcd32, or STRING(N) with N from 1 to 250 bytes";
    return -EINVAL;
}

int sheet_parse_order(const char *cell, uint8_t *ret_order, const char **ret_expected)
{
    int order = find_word(orders, cell);

    if (order < 0) {
        *ret_expected = "ABCD CDAB BADC DCBA or their likes, high word first, low word first";
        return -EINVAL;
    }
    *ret_order = (uint8_t)order;
    return 0;
}

static bool speaks_of_function(const char *header)
{
    struct text folded = {0};

    sheet_fold(header, &folded);
    bool speaks = strstr(folded.data, "function") || strstr(folded.data, "功能码");
    text_free(&folded);
    return speaks;
}

int sheet_parse_table(const char *header, const char *cell, enum area *ret_area, bool *ret_from_one,
                      const char **ret_expected)
{
    int area = find_word(tables, cell);

    if (area >= 0 && isdigit((unsigned char)cell[0]) && cell[1] == '\0' &&
        !speaks_of_function(header)) {
        *ret_expected = "the function, as 03, or the table, as 3x or input: a digit alone may be "
                        "either";
        return -EINVAL;
    }
    if (area < 0) {
        *ret_expected = "holding, input, coil or discrete, 4x 3x 0x 1x, or the function 01 to 04";
        return -EINVAL;
    }
    *ret_area = (enum area)area;
    *ret_from_one = strchr(cell, 'x') || strchr(cell, 'X');
    return 0;
}

bool sheet_is_chinese(const char *text)
{
    /* U+3400 to U+9FFF and beyond: what begins with these bytes in UTF-8. */
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if ((*c >= 0xE4 && *c <= 0xE9) || (c[0] == 0xE3 && c[1] >= 0x90) || *c >= 0xF0)
            return true;
    return false;
}
