/* Modbus on a line, whatever its framing: planning, asking, and never taking a late answer for the
 * next. A framing is one file: modbus_rtu.c, modbus_ascii.c. */
#ifndef BINDERY_MODBUS_LINE_H
#define BINDERY_MODBUS_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "line.h"
#include "line_port.h"
#include "modbus_frame.h"

/* What a unit is asked. */
struct modbus_request {
    uint8_t unit;
    const uint8_t *pdu;
    size_t length;
};

struct modbus_framing {
    int first_byte;  /* what every frame begins with; -1: anything */
    size_t shortest; /* a frame's length at least: less is noise of the wire */

    /* A frame around a PDU; returns its length. */
    size_t (*wrap)(uint8_t unit, const uint8_t *pdu, size_t length,
                   uint8_t ret_frame[MODBUS_ASCII_MAX_FRAME]);

    /* Waits for the PDU that answers, at most MODBUS_MAX_PDU bytes. Its length, -EBADMSG,
     * -ETIMEDOUT, or the line is gone. */
    int (*hear)(struct line *line, const struct modbus_request *request, int64_t until_ns,
                uint8_t *ret_pdu);
};

/* An open session: for the framings, which read by modbus_line_read only. */
struct line {
    struct line_port *port;
    const struct modbus_framing *framing;
    int64_t timeout_ns, silence_ns;
    int64_t last_ns; /* when something was last heard, or should have been */
    bool owed;       /* an answer may still come that nobody waits for */
    uint32_t others; /* frames that were passed over while this answer was waited for */
};

/* silence_ns: what a framing wants between frames; the link's pause, if that is longer. */
int modbus_line_open(const struct link *link, const struct modbus_framing *framing,
                     int64_t silence_ns, struct line **ret_line);

/* As line_port_read, and notes when that was. */
int modbus_line_read(struct line *line, int64_t until_ns, uint8_t *ret_bytes, size_t room);

/* The members of a line driver of the same names. */
struct line_plan *modbus_line_prepare(const struct machine *machine, const bool *refused);
void modbus_line_discard(struct line_plan *plan);
const char *modbus_line_remark(const struct line *line);
int modbus_line_poll(struct line *line, const struct machine *machine, struct line_plan *plan,
                     bool (*due)(const void *context, int64_t every_ms), const void *context,
                     struct line_answer *answer);
int modbus_line_transact(struct line *line, uint8_t unit, const uint8_t *pdu, size_t length,
                         uint8_t *ret_pdu, struct line_answer *answer);
void modbus_line_close(struct line *line);

#endif
