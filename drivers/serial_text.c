/* Machines that speak in lines of text, on a serial port or through a serial server reached over
 * TCP: scales, gauges, barcode scanners, counter boxes. A machine is asked and answers a line, or
 * it speaks of its own accord and has the link to itself. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "line.h"
#include "line_port.h"
#include "memory.h"
#include "text_frame.h"
#include "text_reader.h"

enum { CHUNK_BYTES = 256 };

struct line_plan {
    struct text_reader *reader;
};

struct line {
    struct line_port *port;
    const struct link *link;
    int64_t timeout_ns, pause_ns;
    struct text_frame frame;
    uint8_t chunk[CHUNK_BYTES]; /* what was read and is not in the frame yet, from `taken` on */
    size_t taken, count;
    int64_t chunk_ns; /* when it came; up to when nothing did */
    int64_t line_ns;  /* when a line was understood, or the link was opened */
    bool owed;        /* an answer may still come that nobody waits for */
};

static int64_t earlier(int64_t a_ns, int64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

/* As line_port_read. Where nothing came, that is known up to the deadline, or to where it was asked
 * after that, and not up to now: this thread may have been held up. */
static int read_chunk(struct line *line, int64_t until_ns)
{
    int64_t asked_ns = clock_mono_ns();
    int count = line_port_read(line->port, until_ns, line->chunk, sizeof line->chunk);

    line->taken = 0;
    line->count = count > 0 ? (size_t)count : 0;
    if (count > 0)
        line->chunk_ns = clock_mono_ns();
    else
        line->chunk_ns = asked_ns > until_ns ? asked_ns : until_ns;
    return count;
}

/* What comes until the deadline, what has come already in any case: enum text_heard, or the line is
 * gone. Of what comes without end the rest is left. */
static int hear(struct line *line, int64_t until_ns, size_t *ret_length)
{
    struct text_frame *frame = &line->frame;
    int64_t idle_ns = frame->framing.idle_ms * NS_PER_MS;

    for (;;) {
        int heard = text_frame_take(frame, line->chunk, line->count, &line->taken, line->chunk_ns,
                                    ret_length);
        if (heard != TEXT_NOTHING || line->chunk_ns >= until_ns + line->timeout_ns)
            return heard;
        int64_t wait_ns =
            text_frame_waits(frame) ? earlier(until_ns, frame->last_ns + idle_ns) : until_ns;
        int count = read_chunk(line, wait_ns);
        if (count < 0)
            return count;
        if (count > 0)
            continue;
        heard = text_frame_silence(frame, line->chunk_ns, ret_length);
        if (heard != TEXT_NOTHING || line->chunk_ns >= until_ns)
            return heard;
    }
}

/* A line that was understood; one that gets no acknowledgement comes again, it is no fault. */
static int accept_line(struct line *line, const struct text_config *config,
                       struct line_answer *answer)
{
    line->line_ns = answer->arrived_ns = line->frame.last_ns;
    if (config->ack == NULL)
        return 0;
    int error = line_port_write(line->port, clock_mono_ns() + line->timeout_ns,
                                (const uint8_t *)config->ack, strlen(config->ack));
    return error == -ETIMEDOUT ? 0 : error;
}

/* --- asked --- */

/* What comes now is not the answer to what will be asked next, nor the beginning of a line. */
static void distrust(struct line *line)
{
    line->owed = true;
    line_port_flush(line->port);
    text_frame_begin(&line->frame, &line->link->framing, line->timeout_ns, false, clock_mono_ns());
}

/* Whether there is more than the end of a line, as of a machine that speaks unasked. */
static bool is_amid_line(const struct line *line)
{
    for (size_t i = line->taken; i < line->count; i++)
        if (line->chunk[i] != '\r' && line->chunk[i] != '\n')
            return true;
    return false;
}

/* Throws away what comes until the line has been quiet for its pause, or for a whole time-out where
 * an answer may be on its way; the rest of a line that nobody asked for would pass for one. 0,
 * -ETIMEDOUT where it stays loud, or the line is gone. */
static int settle(struct line *line, struct line_answer *answer)
{
    bool long_silence = line->owed && line->timeout_ns > line->pause_ns;
    int64_t silence_ns = long_silence ? line->timeout_ns : line->pause_ns;
    int64_t give_up_ns = clock_mono_ns() + 2 * line->timeout_ns + line->pause_ns;
    int64_t last_ns = line->frame.last_ns, quiet_ns;
    bool strays = line->taken < line->count;
    int count;

    do {
        if (is_amid_line(line) && silence_ns < TEXT_SILENCE_MS * NS_PER_MS)
            silence_ns = TEXT_SILENCE_MS * NS_PER_MS;
        quiet_ns = last_ns + silence_ns;
        count = read_chunk(line, earlier(quiet_ns, give_up_ns));
        if (count > 0) {
            strays = true;
            last_ns = line->chunk_ns;
        }
    } while (count > 0 && line->chunk_ns < give_up_ns);
    answer->discarded += strays;
    if (count < 0)
        return count;
    if (count > 0 || quiet_ns > give_up_ns)
        return -ETIMEDOUT;
    line->owed = false;
    return 0;
}

/* 0, -ETIMEDOUT, -EBADMSG where what came was no answer, or the line is gone. */
static int answer_line(struct line *line, const struct machine *machine,
                       const struct line_plan *plan, int64_t until_ns, struct line_answer *answer)
{
    int error = -ETIMEDOUT, heard = TEXT_NOTHING;
    size_t length = 0;

    /* A line that is none may be the echo of what was asked. */
    while (line->chunk_ns < until_ns + line->timeout_ns &&
           (heard = hear(line, until_ns, &length)) > TEXT_NOTHING) {
        enum text_meaning meaning = TEXT_STRANGE;
        answer->count = 0;
        if (heard == TEXT_LINE)
            meaning = text_reader_take(plan->reader, line->frame.line, length, answer);
        answer->no_read = meaning == TEXT_NO_READ;
        if (meaning != TEXT_STRANGE)
            return accept_line(line, machine->text, answer);
        answer->discarded++;
        error = -EBADMSG;
    }
    return heard < 0 ? heard : error;
}

static int exchange(struct line *line, const struct machine *machine, const struct line_plan *plan,
                    struct line_answer *answer)
{
    const char *ask = machine->text->ask;
    int error = settle(line, answer);

    if (error != 0)
        return error;
    int64_t now_ns = clock_mono_ns(), until_ns = now_ns + line->timeout_ns;
    text_frame_begin(&line->frame, &line->link->framing, line->timeout_ns, true, now_ns);
    answer->requests++;
    error = line_port_write(line->port, until_ns, (const uint8_t *)ask, strlen(ask));
    if (error == 0)
        error = answer_line(line, machine, plan, until_ns, answer);
    if (error == -ETIMEDOUT || error == -EBADMSG)
        distrust(line);
    answer->timeouts += error == -ETIMEDOUT;
    return error;
}

static int poll_asked(struct line *line, const struct machine *machine,
                      const struct line_plan *plan, struct line_answer *answer)
{
    int error = exchange(line, machine, plan, answer);

    if (error == 0)
        return 0;
    answer->count = 0;
    text_reader_fail(plan->reader,
                     error == -EBADMSG     ? QUALITY_FRAME
                     : error == -ETIMEDOUT ? QUALITY_TIMEOUT
                                           : QUALITY_LINK,
                     answer);
    return error == -EBADMSG ? -ETIMEDOUT : error;
}

/* --- heard --- */

/* A line that is complete, with what is thrown away before it; one that ends with a silence is
 * waited for. */
static int hear_now(struct line *line, size_t *ret_length)
{
    int heard = hear(line, clock_mono_ns(), ret_length);

    if (heard == TEXT_NOTHING && text_frame_waits(&line->frame)) {
        int64_t idle_ns = line->frame.framing.idle_ms * NS_PER_MS;
        heard = hear(line, clock_mono_ns() + idle_ns + line->timeout_ns, ret_length);
    }
    return heard;
}

static bool is_silent(const struct line *line, const struct text_config *config)
{
    return config->silent_after_ms > 0 &&
           clock_mono_ns() - line->line_ns >= config->silent_after_ms * NS_PER_MS;
}

static int poll_heard(struct line *line, const struct machine *machine,
                      const struct line_plan *plan, struct line_answer *answer)
{
    enum text_meaning meaning = TEXT_STRANGE;
    size_t length = 0;
    int heard = hear_now(line, &length);

    if (heard <= TEXT_NOTHING) {
        bool silent = heard == TEXT_NOTHING && is_silent(line, machine->text);
        if (heard < 0 || silent)
            text_reader_fail(plan->reader, silent ? QUALITY_TIMEOUT : QUALITY_LINK, answer);
        return silent ? -ETIMEDOUT : heard;
    }
    answer->more = true;
    if (heard == TEXT_LINE)
        meaning = text_reader_take(plan->reader, line->frame.line, length, answer);
    else
        text_reader_fail(plan->reader, QUALITY_FRAME, answer);
    answer->no_read = meaning == TEXT_NO_READ;
    if (meaning != TEXT_STRANGE)
        return accept_line(line, machine->text, answer);
    answer->discarded++;
    return 0;
}

static int text_poll(struct line *line, const struct machine *machine, struct line_plan *plan,
                     bool (*due)(const void *context, int64_t every_ms), const void *context,
                     struct line_answer *answer)
{
    (void)due; /* one line tells all */
    (void)context;
    answer->count = 0;
    answer->arrived_ns = 0;
    answer->more = answer->no_read = false;
    if (machine->text->ask != NULL)
        return poll_asked(line, machine, plan, answer);
    return poll_heard(line, machine, plan, answer);
}

static struct line_plan *text_prepare(const struct machine *machine, const bool *refused)
{
    struct line_plan *plan = mem_alloc(sizeof *plan);

    (void)refused;
    plan->reader = text_reader_new(machine);
    return plan;
}

static void text_discard(struct line_plan *plan)
{
    if (plan == NULL)
        return;
    text_reader_free(plan->reader);
    free(plan);
}

static void text_close(struct line *line)
{
    if (line == NULL)
        return;
    line_port_close(line->port);
    free(line);
}

/* Where nothing comes at first, what comes then is the beginning of a line. */
static int await_silence(struct line *line)
{
    int64_t idle_ns = line->link->framing.idle_ms * NS_PER_MS;
    int64_t least_ns = TEXT_SILENCE_MS * NS_PER_MS;
    size_t length;
    int count = read_chunk(line, line->frame.last_ns + (idle_ns > least_ns ? idle_ns : least_ns));

    if (count == 0)
        text_frame_silence(&line->frame, line->chunk_ns, &length);
    return count < 0 ? count : 0;
}

static int text_open(const struct link *link, struct line **ret_line)
{
    struct line *line = mem_alloc(sizeof *line);
    int error = line_port_open(link, &line->port);

    line->link = link;
    line->timeout_ns = link->timeout_ms * NS_PER_MS;
    line->pause_ns = link->pause_ms * NS_PER_MS;
    if (error == 0) {
        distrust(line);
        line->line_ns = line->frame.last_ns;
        error = await_silence(line);
    }
    if (error == 0)
        *ret_line = line;
    else
        text_close(line);
    return error;
}

static int text_descriptor(const struct line *line)
{
    return line_port_descriptor(line->port);
}

const struct line_driver serial_text_driver = {
    .name = "serial-text",
    .prepare = text_prepare,
    .discard = text_discard,
    .open = text_open,
    .poll = text_poll,
    .descriptor = text_descriptor,
    .close = text_close,
};

const struct line_driver serial_text_tcp_driver = {
    .name = "serial-text-tcp",
    .prepare = text_prepare,
    .discard = text_discard,
    .open = text_open,
    .poll = text_poll,
    .descriptor = text_descriptor,
    .close = text_close,
};
