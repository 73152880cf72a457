/* A string that grows: for messages, status and faults. Reused, it stops allocating.
 *
 * `data` is zero-terminated whenever length > 0 or after text_clear on a used one. One thread. */
#ifndef BINDERY_TEXT_H
#define BINDERY_TEXT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *data;
    size_t length, capacity;
};

/* Frees the buffer; the text is empty and usable afterwards. NULL-safe fields: {0} is a text. */
void text_free(struct text *text);

/* Empties it and keeps the buffer. */
void text_clear(struct text *text);

/* Takes away what was added beyond `length`. */
void text_cut(struct text *text, size_t length);

void text_grow(struct text *text, size_t more);

/* Makes room for `more` further bytes and returns where they go; the caller adds to length. */
static inline char *text_reserve(struct text *text, size_t more)
{
    /* One byte beyond is kept for the terminating zero. */
    if (more >= text->capacity - text->length)
        text_grow(text, more);
    return text->data + text->length;
}

void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const void *bytes, size_t length);
void text_add_char(struct text *text, char c);
void text_add_int(struct text *text, int64_t number);
void text_add_uint(struct text *text, uint64_t number);
void text_addf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_addv(struct text *text, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Adds a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void text_add_json(struct text *text, const char *string, size_t length);

/* The same of a zero-terminated string; NULL as null. */
void text_add_json_string(struct text *text, const char *string);

#endif
