/* Readings, gaps and events as bytes: what waits in the queue and what the store keeps is the same.
 *
 * A body is a row of records. Numbers are LEB128 varints, signed ones in zigzag. A record is
 *   kind (1 reading, 2 gap, 3 event), length of the rest, then
 *   reading: source, flags (1 unsynced), wall_ms, boot_ms if unsynced, count of samples, runs
 *   run:     tags skipped (signed), samples less one, form, then a value for each sample
 *   form:    kind of value | decimals << 4; 7 and 8 for decimals in two and four bytes, lowest
 *            first; 15 for a failure: quality, exception, and no values
 *   gap:     why, first_seq, last_seq, missing, from_ms, to_ms
 *   event:   source, flags, wall_ms, boot_ms if unsynced, name, count of fields, fields
 *   field:   key, form, value as in a run; a key and a name are a byte of length and letters
 * A run is as many samples as follow each other by tag and have one form: most machines say the
 * same at each poll, in one or two runs.
 * An unknown kind is skipped by its length, so that an older gateway survives a newer store.
 * Pure; the bytes may come from a damaged disk, so that every step is bounded. */
#ifndef BINDERY_RECORD_H
#define BINDERY_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "text.h"
#include "value.h"

enum record_kind { RECORD_READING = 1, RECORD_GAP = 2, RECORD_EVENT = 3 };

/* a machine's 4096 values, and what is made of its state and its shifts */
enum { RECORD_MAX_SAMPLES = 4224 };

struct record {
    enum record_kind kind;
    union {
        struct reading reading; /* its samples lie in the reader */
        struct gap gap;
        struct event event; /* its texts point into the body */
    };
};

/* Appends to out, which is used as a byte buffer. */
void record_add_reading(struct text *out, const struct reading *reading);
void record_add_gap(struct text *out, const struct gap *gap);
void record_add_event(struct text *out, const struct event *event);

/* When it was taken or happened; NULL for a gap, which has a span. */
const struct instant *record_instant(const struct record *record);

/* Walks over a body. The reader owns the samples it hands out, valid until the next call; texts
 * point into the body. */
struct record_reader {
    const uint8_t *at, *end;
    uint32_t passed; /* records so far, those of unknown kinds included: what numbers go by */
    struct sample *samples;
    size_t sample_capacity;
};

void record_reader_start(struct record_reader *reader, const void *body, size_t length);
void record_reader_free(struct record_reader *reader);

/* 1 with a record, 0 at the end, -EBADMSG where the bytes make no sense (the walk ends there). */
int record_next(struct record_reader *reader, struct record *ret_record);

/* Passes over a record as record_next does, but tells only its kind and a reading's or event's
 * source (0 for a gap); whether samples make sense, record_next finds out when they are really
 * read. */
int record_skim(struct record_reader *reader, enum record_kind *ret_kind, uint32_t *ret_source);

#endif
