/* What a verification found. Pure. */
#ifndef BINDERY_VERIFY_REPORT_H
#define BINDERY_VERIFY_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"
#include "verify_book.h"

struct verify_limits {
    uint64_t expect_from; /* 0: from the first that came */
    uint64_t until_seq;   /* 0: to the highest that came */
};

struct verify_result {
    uint64_t repeats, differing, declared_lost, missing;
    bool passed; /* nothing missing, nothing differing, and at least one reading */
};

struct verify_result verify_judge(const struct verify_book *book,
                                  const struct verify_limits *limits);

/* Whether every number up to until_seq of some store came or was declared lost. */
bool verify_reached(const struct verify_book *book, const struct verify_limits *limits);

/* The summary, for people and as JSON; each ends with a newline. lost_connections says how often
 * the verification itself was cut off. */
void verify_report(const struct verify_book *book, const struct verify_limits *limits,
                   unsigned lost_connections, struct text *out);
void verify_report_json(const struct verify_book *book, const struct verify_limits *limits,
                        unsigned lost_connections, struct text *out);

#endif
