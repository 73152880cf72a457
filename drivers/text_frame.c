#include "text_frame.h"

#include <string.h>

#include "clock.h"

void text_frame_begin(struct text_frame *frame, const struct text_framing *framing,
                      int64_t patience_ns, bool sure, int64_t now_ns)
{
    frame->framing = *framing;
    frame->patience_ns = patience_ns;
    frame->last_ns = now_ns;
    frame->length = 0;
    frame->step = sure ? TEXT_IN_STEP : TEXT_UNSURE;
}

static bool has_end(const struct text_frame *frame)
{
    return frame->framing.length == 0 && frame->framing.idle_ms == 0;
}

static enum text_heard lose(struct text_frame *frame)
{
    frame->length = 0;
    frame->step = TEXT_SKIPPING;
    return TEXT_LOST;
}

/* The line is complete, and `end` bytes at its end are not of it. */
static enum text_heard complete(struct text_frame *frame, size_t end, size_t *ret_length)
{
    bool counts = frame->step == TEXT_IN_STEP && frame->length > end;

    if (counts)
        *ret_length = frame->length - end;
    frame->length = 0;
    frame->step = TEXT_IN_STEP;
    return counts ? TEXT_LINE : TEXT_NOTHING;
}

/* How many bytes at the end of what is there end a line; 0: it goes on. */
static size_t find_end(const struct text_frame *frame)
{
    const char *end = frame->framing.end;
    const char *last = frame->line + frame->length;

    if (end == NULL)
        return last[-1] == '\r' || last[-1] == '\n';
    size_t length = strlen(end);
    return frame->length >= length && memcmp(last - length, end, length) == 0 ? length : 0;
}

/* What is passed over matters only as far as an end may begin in it. */
static void forget(struct text_frame *frame)
{
    if (frame->length < TEXT_MAX_END)
        return;
    frame->length--;
    memmove(frame->line, frame->line + 1, frame->length);
}

static enum text_heard take_byte(struct text_frame *frame, uint8_t byte, size_t *ret_length)
{
    frame->line[frame->length++] = (char)byte;
    size_t end = has_end(frame) ? find_end(frame) : 0;
    if (end > 0)
        return complete(frame, end, ret_length);
    if (frame->step != TEXT_IN_STEP)
        forget(frame);
    else if (frame->length == frame->framing.length)
        return complete(frame, 0, ret_length);
    else if (frame->length == sizeof frame->line)
        return lose(frame);
    return TEXT_NOTHING;
}

/* What was awaited too long. The bytes may have come in time and not been looked at until now: so
 * that this was a silence, which ends a line or begins one, is not known. */
static enum text_heard wait_ended(struct text_frame *frame, int64_t now_ns)
{
    int64_t idle_ns = frame->framing.idle_ms * NS_PER_MS;
    int64_t most_ns = idle_ns > 0 ? idle_ns : frame->patience_ns;
    bool begun = frame->step == TEXT_IN_STEP && frame->length > 0;

    return begun && now_ns - frame->last_ns >= most_ns ? lose(frame) : TEXT_NOTHING;
}

enum text_heard text_frame_take(struct text_frame *frame, const uint8_t *bytes, size_t count,
                                size_t *taken, int64_t now_ns, size_t *ret_length)
{
    enum text_heard heard = TEXT_NOTHING;

    if (*taken < count)
        heard = wait_ended(frame, now_ns);
    while (heard == TEXT_NOTHING && *taken < count) {
        frame->last_ns = now_ns;
        heard = take_byte(frame, bytes[(*taken)++], ret_length);
    }
    return heard;
}

enum text_heard text_frame_silence(struct text_frame *frame, int64_t now_ns, size_t *ret_length)
{
    int64_t silent_ns = now_ns - frame->last_ns;
    int64_t idle_ns = frame->framing.idle_ms * NS_PER_MS;

    if (idle_ns > 0)
        return silent_ns >= idle_ns ? complete(frame, 0, ret_length) : TEXT_NOTHING;
    if (frame->step == TEXT_IN_STEP) {
        if (frame->length == 0 || silent_ns < frame->patience_ns)
            return TEXT_NOTHING;
        frame->length = 0;
        frame->step = has_end(frame) ? TEXT_SKIPPING : TEXT_IN_STEP;
        return TEXT_LOST;
    }
    if (silent_ns >= TEXT_SILENCE_MS * NS_PER_MS &&
        (frame->step == TEXT_UNSURE || !has_end(frame))) {
        frame->length = 0;
        frame->step = TEXT_IN_STEP;
    }
    return TEXT_NOTHING;
}

bool text_frame_waits(const struct text_frame *frame)
{
    return frame->framing.idle_ms > 0 && frame->length > 0;
}
