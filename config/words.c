#include "words.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "plant.h"

enum {
    NAME_MOST_BYTES = 64,
    GROUP_MOST_BYTES = 32,
    HOST_MOST_BYTES = 253,
    STRING_MOST_BYTES = 250
};

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static const char *const area_names[] = {
    [AREA_COIL] = "coil",       [AREA_DISCRETE] = "discrete", [AREA_INPUT] = "input",
    [AREA_HOLDING] = "holding", [AREA_TEXT] = "text",
};

static const char *const type_names[] = {
    [TYPE_BOOL] = "bool",       [TYPE_U16] = "u16",     [TYPE_S16] = "s16",
    [TYPE_U32] = "u32",         [TYPE_S32] = "s32",     [TYPE_U64] = "u64",
    [TYPE_S64] = "s64",         [TYPE_F32] = "f32",     [TYPE_F64] = "f64",
    [TYPE_BCD16] = "bcd16",     [TYPE_BCD32] = "bcd32", [TYPE_STRING] = "string",
    [TYPE_DECIMAL] = "decimal",
};

static const char *const counts_names[] = {
    [COUNTS_GOOD] = "good",
    [COUNTS_WASTE] = "waste",
    [COUNTS_GROSS] = "gross",
    [COUNTS_OTHER] = "other",
};

struct unit {
    const char *name;
    int64_t factor;
};

const char *tag_type_name(enum tag_type type)
{
    return type_names[type];
}

const char *area_name(enum area area)
{
    return area_names[area];
}

const char *counts_name(enum counts counts)
{
    return counts_names[counts];
}

/* The digits of the first `length` bytes as a number. */
static int parse_digits(const char *text, size_t length, int64_t *ret_number)
{
    int64_t number = 0;

    if (length == 0)
        return -EINVAL;
    for (size_t i = 0; i < length; i++)
        if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, text[i] - '0', &number))
            return -EINVAL;
    *ret_number = number;
    return 0;
}

int parse_whole(const char *text, int64_t *ret_number)
{
    return parse_digits(text, strlen(text), ret_number);
}

/* A whole number with one of the units directly behind it. */
static int parse_with_unit(const char *text, const struct unit *units, size_t count,
                           int64_t *ret_number)
{
    size_t digits = strspn(text, DIGITS);
    int64_t number = 0;

    if (parse_digits(text, digits, &number) != 0)
        return -EINVAL;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text + digits, units[i].name) == 0) {
            if (__builtin_mul_overflow(number, units[i].factor, &number))
                return -EINVAL;
            *ret_number = number;
            return 0;
        }
    }
    return -EINVAL;
}

int parse_duration(const char *text, int64_t *ret_ms, const char **ret_expected)
{
    static const struct unit units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};

    if (parse_with_unit(text, units, sizeof units / sizeof *units, ret_ms) != 0) {
        *ret_expected = "a duration such as 500ms, 1s, 5m, 8h";
        return -EINVAL;
    }
    return 0;
}

int parse_size(const char *text, int64_t *ret_bytes, const char **ret_expected)
{
    static const struct unit units[] = {{"KiB", INT64_C(1) << 10},
                                        {"MiB", INT64_C(1) << 20},
                                        {"GiB", INT64_C(1) << 30},
                                        {"TiB", INT64_C(1) << 40}};

    if (parse_with_unit(text, units, sizeof units / sizeof *units, ret_bytes) != 0) {
        *ret_expected = "a size such as 64KiB, 256MiB, 1GiB";
        return -EINVAL;
    }
    return 0;
}

/* A name as DNS has it, or an IPv4 address, which is what digits and points alone must be. */
static bool is_host(const char *host, size_t length)
{
    char copy[HOST_MOST_BYTES + 1] = "";
    struct in_addr address;

    if (length == 0 || length > HOST_MOST_BYTES)
        return false;
    memcpy(copy, host, length);
    if (strspn(copy, DIGITS ".") == length)
        return inet_pton(AF_INET, copy, &address) == 1;
    return strspn(copy, LETTERS DIGITS ".-_") == length && copy[0] != '.' && copy[0] != '-';
}

/* An IPv6 address, perhaps with a zone: fe80::1%eth0. */
static bool is_ipv6(const char *host, size_t length)
{
    char copy[HOST_MOST_BYTES + 1] = "";
    struct in6_addr address;

    if (length > HOST_MOST_BYTES)
        return false;
    memcpy(copy, host, length);
    char *zone = strchr(copy, '%');
    if (zone) {
        size_t zone_length = strlen(zone + 1);
        if (zone_length == 0 || strspn(zone + 1, LETTERS DIGITS ".-_") != zone_length)
            return false;
        *zone = '\0';
    }
    return inet_pton(AF_INET6, copy, &address) == 1;
}

/* Cuts the host, without brackets, from what stands behind it. */
static int split_host(const char *text, const char **ret_host, size_t *ret_length,
                      const char **ret_rest)
{
    if (text[0] == '[') {
        size_t length = strcspn(text + 1, "]");
        if (text[1 + length] != ']' || !is_ipv6(text + 1, length))
            return -EINVAL;
        *ret_host = text + 1;
        *ret_length = length;
        *ret_rest = text + length + 2;
        return 0;
    }
    size_t length = strcspn(text, ":");
    if (!is_host(text, length))
        return -EINVAL;
    *ret_host = text;
    *ret_length = length;
    *ret_rest = text + length;
    return 0;
}

int parse_host_port(const char *text, uint16_t default_port, char **ret_host, uint16_t *ret_port,
                    const char **ret_expected)
{
    const char *host = NULL;
    const char *rest = NULL;
    size_t length = 0;
    int64_t port = default_port;

    if (split_host(text, &host, &length, &rest) != 0) {
        *ret_expected = "a host and a port, such as 192.168.1.10:502, broker:1883, [fe80::1]:502";
        return -EINVAL;
    }
    if (rest[0] != '\0' &&
        (rest[0] != ':' || parse_whole(rest + 1, &port) != 0 || port < 1 || port > UINT16_MAX)) {
        *ret_expected = "a port from 1 to 65535 behind the host, such as 192.168.1.10:502";
        return -EINVAL;
    }
    char *copy = mem_alloc(length + 1);
    memcpy(copy, host, length);
    *ret_host = copy;
    *ret_port = (uint16_t)port;
    return 0;
}

/* The index of the word in the first `length` bytes, or -1. */
static int find_word(const char *const *words, size_t count, const char *text, size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(words[i]) == length && memcmp(words[i], text, length) == 0)
            return (int)i;
    return -1;
}

int parse_at(const char *text, enum area *ret_area, uint16_t *ret_address, int8_t *ret_bit,
             const char **ret_expected)
{
    size_t area_length = strcspn(text, ":");
    int area = find_word(area_names, AREA_TEXT, text, area_length);
    int64_t address = 0;
    int64_t bit = -1;

    if (area < 0 || text[area_length] != ':') {
        *ret_expected = "holding:N, input:N, coil:N or discrete:N, such as holding:100";
        return -EINVAL;
    }
    const char *number = text + area_length + 1;
    size_t digits = strspn(number, DIGITS);
    if (parse_digits(number, digits, &address) != 0 || address > UINT16_MAX) {
        *ret_expected = "a zero-based address from 0 to 65535 behind the colon, as in holding:100";
        return -EINVAL;
    }
    bool of_word = area == AREA_HOLDING || area == AREA_INPUT;
    if (number[digits] != '\0' && (!of_word || number[digits] != '.' ||
                                   parse_whole(number + digits + 1, &bit) != 0 || bit > 15)) {
        *ret_expected = of_word ? "a bit from 0 to 15 behind the point, as in holding:100.3"
                                : "an address and nothing behind it, as in coil:3";
        return -EINVAL;
    }
    *ret_area = (enum area)area;
    *ret_address = (uint16_t)address;
    *ret_bit = (int8_t)bit;
    return 0;
}

int parse_type(const char *text, enum tag_type *ret_type, uint16_t *ret_string_bytes,
               const char **ret_expected)
{
    size_t length = strcspn(text, ":");
    int type = find_word(type_names, TYPE_DECIMAL, text, length);
    int64_t bytes = 0;

    if (type < 0 || (type != TYPE_STRING && text[length] == ':')) {
        *ret_expected = "bool u16 s16 u32 s32 u64 s64 f32 f64 bcd16 bcd32 or string:N";
        return -EINVAL;
    }
    if (type == TYPE_STRING &&
        (text[length] != ':' || parse_whole(text + length + 1, &bytes) != 0 || bytes < 1 ||
         bytes > STRING_MOST_BYTES)) {
        *ret_expected = "string:N with N from 1 to 250 bytes";
        return -EINVAL;
    }
    *ret_type = (enum tag_type)type;
    *ret_string_bytes = (uint16_t)bytes;
    return 0;
}

int parse_order(const char *text, uint8_t *ret_order, const char **ret_expected)
{
    /* The index is the flags. */
    static const char *const orders[] = {"ABCD", "CDAB", "BADC", "DCBA"};
    static const char *const long_orders[] = {"ABCDEFGH", "GHEFCDAB", "BADCFEHG", "HGFEDCBA"};

    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        if (strcmp(text, orders[i]) == 0 || strcmp(text, long_orders[i]) == 0) {
            *ret_order = (uint8_t)i;
            return 0;
        }
    }
    *ret_expected = "ABCD CDAB BADC DCBA, or ABCDEFGH GHEFCDAB BADCFEHG HGFEDCBA";
    return -EINVAL;
}

bool is_name(const char *text)
{
    size_t length = strspn(text, LETTERS DIGITS "._-");

    return length >= 1 && length <= NAME_MOST_BYTES && text[length] == '\0';
}

bool is_group(const char *text)
{
    size_t length = strspn(text, LETTERS DIGITS "_");

    return length >= 1 && length <= GROUP_MOST_BYTES && text[length] == '\0' &&
           strspn(text, DIGITS) == 0;
}

bool is_plain(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    return true;
}

int parse_format(const char *text, uint8_t *ret_data_bits, char *ret_parity, uint8_t *ret_stop_bits)
{
    if (strlen(text) != 3 || !strchr("78", text[0]) || !strchr("NEO", text[1]) ||
        !strchr("12", text[2]))
        return -EINVAL;
    *ret_data_bits = (uint8_t)(text[0] - '0');
    *ret_parity = text[1];
    *ret_stop_bits = (uint8_t)(text[2] - '0');
    return 0;
}

bool is_baud(int64_t rate)
{
    static const int64_t rates[] = {
        50,     75,     110,     134,     150,     200,     300,     600,     1200,    1800,
        2400,   4800,   9600,    19200,   38400,   57600,   115200,  230400,  460800,  500000,
        576000, 921600, 1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000,
    };

    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        if (rates[i] == rate)
            return true;
    return false;
}
