/* A regular expression, matched against the whole of a line. The only file that includes pcre2.h.
 *
 * Bytes are matched, in no encoding. What a match may cost is bounded, whatever the pattern and the
 * line: beyond that there is no match. One thread at a time. */
#ifndef BINDERY_PATTERN_H
#define BINDERY_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

struct pattern;

struct pattern_fault {
    size_t offset; /* bytes of the text in front of it */
    char message[128];
};

/* 0; or -EINVAL with the fault and *ret_pattern untouched. */
int pattern_new(const char *text, struct pattern **ret_pattern, struct pattern_fault *ret_fault);
void pattern_free(struct pattern *pattern); /* accepts NULL */

/* The number of the group of this name; -1 where there is none, or more than one. */
int pattern_group(const struct pattern *pattern, const char *name);

/* Whether all of the bytes, from the first to the last, are what it describes. */
bool pattern_match(struct pattern *pattern, const char *bytes, size_t length);

/* Where the group lay in what was matched last. False where it took no part in it. */
bool pattern_span(const struct pattern *pattern, int group, size_t *ret_from, size_t *ret_length);

#endif
