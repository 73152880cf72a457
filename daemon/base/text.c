#include "text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digits.h"
#include "memory.h"

enum { SMALLEST_CAPACITY = 64 };

void text_free(struct text *text)
{
    free(text->data);
    *text = (struct text){0};
}

void text_clear(struct text *text)
{
    text->length = 0;
    if (text->data)
        text->data[0] = '\0';
}

void text_cut(struct text *text, size_t length)
{
    text->length = length;
    text->data[length] = '\0';
}

void text_grow(struct text *text, size_t more)
{
    size_t capacity;

    /* What can't be counted can't be had either: asking for SIZE_MAX says so. */
    if (__builtin_add_overflow(text->length + 1, more, &capacity))
        capacity = SIZE_MAX;
    if (capacity / 2 < text->capacity)
        capacity = 2 * text->capacity;
    if (capacity < SMALLEST_CAPACITY)
        capacity = SMALLEST_CAPACITY;

    text->data = mem_resize(text->data, capacity);
    text->capacity = capacity;
}

void text_add_bytes(struct text *text, const void *bytes, size_t length)
{
    char *at = text_reserve(text, length);

    if (length > 0)
        memcpy(at, bytes, length);
    at[length] = '\0';
    text->length += length;
}

void text_add(struct text *text, const char *string)
{
    text_add_bytes(text, string, strlen(string));
}

void text_add_char(struct text *text, char c)
{
    char *at = text_reserve(text, 1);

    at[0] = c;
    at[1] = '\0';
    text->length++;
}

void text_add_uint(struct text *text, uint64_t number)
{
    char *at = text_reserve(text, DIGITS_ROOM);
    char *end = digits_put(at, number);

    *end = '\0';
    text->length += (size_t)(end - at);
}

void text_add_int(struct text *text, int64_t number)
{
    if (number >= 0) {
        text_add_uint(text, (uint64_t)number);
        return;
    }
    text_add_char(text, '-');
    text_add_uint(text, 0 - (uint64_t)number);
}

void text_addf(struct text *text, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    text_addv(text, format, args);
    va_end(args);
}

void text_addv(struct text *text, const char *format, va_list args)
{
    va_list again;

    va_copy(again, args);
    char *at = text_reserve(text, 0);
    size_t room = text->capacity - text->length;
    int length = vsnprintf(at, room, format, args);

    if (length > 0 && (size_t)length >= room) {
        at = text_reserve(text, (size_t)length);
        length = vsnprintf(at, (size_t)length + 1, format, again);
    }
    va_end(again);
    if (length > 0)
        text->length += (size_t)length;
}

/* The length of the UTF-8 character the bytes begin with; 0 if they begin with none. Overlong
 * forms, surrogates and what lies above U+10FFFF are none. */
static size_t utf8_length(const unsigned char *bytes, size_t left)
{
    unsigned char lead = bytes[0];
    size_t length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;

    if (lead > 0xF4 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((bytes[i] & 0xC0) != 0x80)
            return 0;
    if ((lead == 0xE0 && bytes[1] < 0xA0) || (lead == 0xED && bytes[1] > 0x9F) ||
        (lead == 0xF0 && bytes[1] < 0x90) || (lead == 0xF4 && bytes[1] > 0x8F))
        return 0;
    return length;
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static void text_add_escaped(struct text *text, unsigned char c)
{
    switch (c) {
    case '"':
        text_add(text, "\\\"");
        break;
    case '\\':
        text_add(text, "\\\\");
        break;
    case '\n':
        text_add(text, "\\n");
        break;
    case '\r':
        text_add(text, "\\r");
        break;
    case '\t':
        text_add(text, "\\t");
        break;
    default:
        text_addf(text, "\\u%04x", c);
    }
}

void text_add_json(struct text *text, const char *string, size_t length)
{
    static const char replacement[] = "\xEF\xBF\xBD";
    const unsigned char *bytes = (const unsigned char *)string;
    size_t at = 0;

    text_add_char(text, '"');
    while (at < length) {
        size_t from = at;

        while (at < length && is_plain(bytes[at]))
            at++;
        text_add_bytes(text, string + from, at - from);
        if (at == length)
            break;

        size_t character = utf8_length(bytes + at, length - at);

        if (character == 0)
            text_add(text, replacement);
        else if (character == 1)
            text_add_escaped(text, bytes[at]);
        else
            text_add_bytes(text, string + at, character);
        at += character > 0 ? character : 1;
    }
    text_add_char(text, '"');
}

void text_add_json_string(struct text *text, const char *string)
{
    if (string != NULL)
        text_add_json(text, string, strlen(string));
    else
        text_add(text, "null");
}
