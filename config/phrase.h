/* Pieces of a fault's message. Pure. */
#ifndef BINDERY_PHRASE_H
#define BINDERY_PHRASE_H

#include <stddef.h>
#include <stdint.h>

/* A short text by value, to be formatted with %s in place: phrase_quote(name).text */
struct phrase {
    char text[72];
};

/* The culprit in quotation marks: control characters as '?', cut where it is long. */
struct phrase phrase_quote(const char *text);

/* "500ms", "1s", "5m", "8h": in the largest unit that it fills. */
struct phrase phrase_duration(int64_t ms);

/* "64KiB", "1GiB", likewise. */
struct phrase phrase_size(int64_t bytes);

/* How many letters must change to make one word of the other; words are cut at 32 bytes. */
size_t phrase_distance(const char *a, const char *b);

#endif
