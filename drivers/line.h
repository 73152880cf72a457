/* The contract of a line driver.
 *
 * A line is a serial port, or a serial server reached over TCP: slow, shared by several units, and
 * served by a thread of its own, so that a driver makes plain blocking calls. A new driver is one
 * file that ends with one `const struct line_driver`, and one row in lines.c.
 *
 * The thread that opened a session is the only one that uses it. Nothing here logs. */
#ifndef BINDERY_LINE_H
#define BINDERY_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plant.h"
#include "value.h"

struct line;      /* an open session on a link */
struct line_plan; /* what a driver prepared for a machine */

/* Room for a machine's answer: one sample and one text buffer (DECODE_TEXT_BYTES) a tag. */
struct line_answer {
    struct sample *samples; /* room for all of the machine's values */
    size_t count;
    char *texts;        /* tag_count × DECODE_TEXT_BYTES; NULL where the machine has no strings */
    int64_t arrived_ns; /* CLOCK_MONOTONIC when the last good answer arrived; 0 without one */
    uint32_t requests, timeouts, discarded; /* added to: sent, unanswered, thrown away */
    bool no_read;                           /* what was heard says that there was nothing to read */
    bool more; /* of a machine that speaks of its own accord: poll again, something waits */
};

struct line_driver {
    const char *name;

    /* Prepares a machine once; pure but for allocation. `refused` as for modbus_plan_new. */
    struct line_plan *(*prepare)(const struct machine *machine, const bool *refused);
    void (*discard)(struct line_plan *plan); /* accepts NULL */

    /* Opens the link. 0, or negative errno with *ret_line untouched. May block for at most the
     * link's timeout (name resolution apart), and to see whether a line of text is silent. */
    int (*open)(const struct link *link, struct line **ret_line);

    /* What whoever opened it should know, a sentence; NULL: nothing. May be left out. */
    const char *(*remark)(const struct line *line);

    /* Asks one machine for its tags of the periods for which due(context, every_ms) is true. Each
     * such tag gets a sample, good or with its quality. Blocks for at most the link's timeout a
     * request, whatever the other side dribbles, and not at all after the first time-out of this
     * call: the rest is marked as timed out.
     *  0           the machine answered something, if only exceptions
     *  -ETIMEDOUT  it said nothing valid: all samples say why, but for what is not asked for since
     *              it was refused
     *  other       the line is gone: samples say QUALITY_LINK, the caller closes the session
     * A machine that is not asked (machine_speaks) is polled when it is due, and when the
     * descriptor is readable: it does not block but for a silence that ends what was begun, and
     * tells what was heard, one thing a call, each as an answer of its own; 0 and no samples where
     * there is nothing. */
    int (*poll)(struct line *line, const struct machine *machine, struct line_plan *plan,
                bool (*due)(const void *context, int64_t every_ms), const void *context,
                struct line_answer *answer);

    /* One transaction of a caller's own: a Modbus PDU (function and data, at most MODBUS_MAX_PDU
     * bytes) and the answer's, which is at most as long. Blocks as poll does for one request. The
     * answer's length, exceptions included; -EBADMSG, -ETIMEDOUT, or the line is gone. NULL where
     * the protocol has none. */
    int (*transact)(struct line *line, uint8_t unit, const uint8_t *pdu, size_t length,
                    uint8_t *ret_pdu, struct line_answer *answer);

    /* Asks once more for one tag that the poll had, its text going into DECODE_TEXT_BYTES of room.
     * Blocks as a request of poll does, and returns what came of it: 0 with the sample, above 0 an
     * exception's code, -EBADMSG or -ETIMEDOUT; other: the line is gone. NULL where the protocol
     * can't. */
    int (*again)(struct line *line, const struct machine *machine, struct line_plan *plan,
                 uint16_t tag, char *text, struct line_answer *answer, struct sample *ret_sample);
    /* Readable when a machine that is not asked may have spoken. NULL where all are asked. */
    int (*descriptor)(const struct line *line);

    void (*close)(struct line *line); /* accepts NULL and a session whose line is gone */
};

/* The driver of a link; NULL for those that are no lines (modbus-tcp). */
const struct line_driver *line_driver_find(enum link_driver driver);

/* Why a link could not be opened, by open's negative errno, in words. */
const char *line_open_trouble(const struct link *link, int error);

#endif
