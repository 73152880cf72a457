/* Bytes to lines. Pure: the time is an argument, CLOCK_MONOTONIC.
 *
 * Whoever begins to listen may do so in the middle of a line, and half a line may look like a whole
 * one. So nothing counts until the beginning of a line is sure: what comes behind a silence, or
 * behind a line's end. The same holds behind what had to be thrown away, where only the next end
 * shows the beginning, or, without one, the next silence. */
#ifndef BINDERY_TEXT_FRAME_H
#define BINDERY_TEXT_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plant.h"

enum { TEXT_MAX_LINE = 1024 /* with its end */, TEXT_MAX_END = 8 };

/* How long nothing has to come for what comes then to be the beginning of a line. */
enum { TEXT_SILENCE_MS = 50 };

enum text_heard {
    TEXT_NOTHING,
    TEXT_LINE,
    TEXT_LOST, /* what was thrown away: a line too long, or one whose rest did not come */
};

struct text_frame {
    struct text_framing framing;
    int64_t patience_ns; /* within which the rest of a line comes */
    int64_t last_ns;     /* when something came last */
    size_t length;
    enum { TEXT_UNSURE, TEXT_SKIPPING, TEXT_IN_STEP } step;
    char line[TEXT_MAX_LINE];
};

/* Nothing has come yet. `sure`: what comes next is the beginning of a line. */
void text_frame_begin(struct text_frame *frame, const struct text_framing *framing,
                      int64_t patience_ns, bool sure, int64_t now_ns);

/* Takes bytes that were there at now_ns, from *taken on and not beyond what it returns for, and
 * moves *taken behind them. TEXT_NOTHING: all were taken. TEXT_LINE: frame->line holds so many
 * bytes, at least one, until the next call. Empty lines are passed over. */
enum text_heard text_frame_take(struct text_frame *frame, const uint8_t *bytes, size_t count,
                                size_t *taken, int64_t now_ns, size_t *ret_length);

/* Nothing has come until now_ns, as somebody saw who looked. As text_frame_take. */
enum text_heard text_frame_silence(struct text_frame *frame, int64_t now_ns, size_t *ret_length);

/* Whether a line is complete once nothing more comes for the framing's time. */
bool text_frame_waits(const struct text_frame *frame);

#endif
