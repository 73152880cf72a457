/* A store in a folder of its own, for each test; and batches of readings to put into it. */
#ifndef BINDERY_STORE_FIXTURE_H
#define BINDERY_STORE_FIXTURE_H

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "memory.h"
#include "record.h"
#include "store.h"

struct fixture {
    char folder[64];
    char path[80];
    struct store_settings settings;
    struct store *store;
    struct store_opened opened;
};

static inline int fixture_set_up(void **state)
{
    struct fixture *fixture = mem_alloc(sizeof(*fixture));
    strcpy(fixture->folder, "/tmp/bindery-store-XXXXXX");
    if (mkdtemp(fixture->folder) == NULL)
        return -1;
    snprintf(fixture->path, sizeof(fixture->path), "%s/bindery.db", fixture->folder);
    fixture->settings = (struct store_settings){.path = fixture->path, .max_size = 64 << 20};
    *state = fixture;
    return 0;
}

static inline int fixture_tear_down(void **state)
{
    struct fixture *fixture = *state;
    char command[128];
    store_close(fixture->store);
    snprintf(command, sizeof(command), "rm -rf %s", fixture->folder);
    int rc = system(command); /* NOLINT(cert-env33-c): a path of our own making */
    free(fixture);
    return rc;
}

static inline void fixture_open(struct fixture *fixture)
{
    assert_int_equal(store_open(&fixture->settings, &fixture->store, &fixture->opened), 0);
}

static inline void fixture_close(struct fixture *fixture)
{
    store_close(fixture->store);
    fixture->store = NULL;
}

static inline void fixture_reopen(struct fixture *fixture)
{
    fixture_close(fixture);
    fixture_open(fixture);
}

/* Readings of one sample, a second apart from wall time 1,000,000 ms on: the value of number seq is
 * seq, beside it a text of `text_length` characters that don't compress. */
static inline struct text fixture_body(uint64_t first_seq, uint32_t count, size_t text_length)
{
    struct text body = {0};
    char *noise = mem_alloc(text_length + 1);
    uint32_t random = (uint32_t)first_seq * 2654435761U + 1;
    for (uint64_t seq = first_seq; seq < first_seq + count; seq++) {
        for (size_t i = 0; i < text_length; i++) {
            random = random * 1664525U + 1013904223U;
            noise[i] = (char)('0' + (random >> 24) % 75);
        }
        struct sample samples[2] = {
            {.tag = 0, .value = {.kind = VALUE_DECIMAL, .mantissa = (int64_t)seq}},
            {.tag = 1,
             .value = {.kind = VALUE_TEXT, .length = (uint16_t)text_length, .text = noise}},
        };
        struct reading reading = {.source = 1,
                                  .count = text_length > 0 ? 2 : 1,
                                  .at = {.wall_ms = 1000000 + (int64_t)seq * 1000, .synced = true},
                                  .samples = samples};
        record_add_reading(&body, &reading);
    }
    free(noise);
    return body;
}

static inline int fixture_append(struct fixture *fixture, uint64_t first_seq, uint32_t count,
                                 size_t text_length)
{
    struct text body = fixture_body(first_seq, count, text_length);
    struct batch batch = {.first_seq = first_seq,
                          .count = count,
                          .boot = 1,
                          .body = (uint8_t *)body.data,
                          .length = body.length};
    int rc = store_append(fixture->store, &batch);
    text_free(&body);
    return rc;
}

/* A batch in a transaction of its own. */
static inline int fixture_commit(struct fixture *fixture, uint64_t first_seq, uint32_t count,
                                 size_t text_length)
{
    int rc = store_begin(fixture->store);
    if (rc == 0)
        rc = fixture_append(fixture, first_seq, count, text_length);
    if (rc == 0)
        rc = store_commit(fixture->store);
    return rc;
}

static inline bool fixture_has(struct fixture *fixture, uint64_t seq)
{
    struct batch batch = {0};
    int rc = store_read(fixture->store, seq, seq, &batch);
    free(batch.body);
    return rc == 0;
}

/* What an operator could do to the file with the sqlite3 tool. */
static inline void fixture_sql(const struct fixture *fixture, const char *statements)
{
    sqlite3 *handle = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, statements, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
}

#endif
