/* A tag of a machine: where its value stands, and what is said of it. Immutable, and the plant's;
 * see plant.h. */
#ifndef BINDERY_TAG_H
#define BINDERY_TAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "value.h"

/* The four tables of the Modbus data model (Modbus Application Protocol V1.1b3, 4.3), and lines of
 * text, in which a tag is a named group of a pattern. */
enum area { AREA_COIL, AREA_DISCRETE, AREA_INPUT, AREA_HOLDING, AREA_TEXT };

enum tag_type {
    TYPE_BOOL,
    TYPE_U16,
    TYPE_S16,
    TYPE_U32,
    TYPE_S32,
    TYPE_U64,
    TYPE_S64,
    TYPE_F32,
    TYPE_F64,
    TYPE_BCD16, /* four digits in a word */
    TYPE_BCD32, /* eight digits in two words */
    TYPE_STRING,
    TYPE_DECIMAL, /* AREA_TEXT: the number as it is written there */
};

/* How a value's bytes lie in its words. ABCD is neither. */
enum { ORDER_SWAP_WORDS = 1 /* CDAB */, ORDER_SWAP_BYTES = 2 /* BADC; both: DCBA */ };

/* What people call it, in the languages we speak. */
struct title {
    const char *en, *zh; /* NULL: none */
};

enum counter_kind {
    COUNTER_KIND_ROLLOVER, /* goes on at 0 from its modulus, and keeps its value without power */
    COUNTER_KIND_RESET,    /* is set to 0 at any time: by an operator, a new job, a loss of power */
    COUNTER_KIND_FREE,     /* nothing is known: any rise is counted whatever the rate, no fall is */
};

struct counter_rule {
    enum counter_kind kind;
    uint64_t modulus;    /* one above the highest value: 65536, 10000; 0: 2^64 */
    double max_per_s;    /* highest plausible rate of raw counts, finite; 0: not known */
    uint32_t multiplier; /* what one raw count adds to the total, as 2 for two-up; from 1 on */
    uint32_t carry;      /* a step of the high word: 65536, or 10000 for BCD; 0 for one word */
};

enum counts { COUNTS_GOOD, COUNTS_WASTE, COUNTS_GROSS, COUNTS_OTHER };

/* A tag that is a machine's counter, and is told as a running total. */
struct tag_counter {
    struct counter_rule rule;
    enum counts counts;
    bool tell_raw; /* what was read is told beside it */
};

/* What a machine is doing. The numbers are kept by stores: they stay as they are. */
enum machine_state {
    STATE_UNKNOWN, /* it can't be told from what is read */
    STATE_OFFLINE, /* it does not answer; never taken for any other state */
    STATE_STOPPED,
    STATE_IDLE,
    STATE_SETUP,
    STATE_PRODUCTION,
    STATE_CLEANUP,
    STATE_FAULT,
    STATE_MAINTENANCE,
};
enum { MACHINE_STATES = STATE_MAINTENANCE + 1 };

/* What a raw number of a tag says of the machine's state; never that it is offline. */
struct state_code {
    int64_t code;
    enum machine_state state;
    const char *reason; /* NULL: none */
};

struct tag_states {
    const struct state_code *codes; /* by ascending code */
    size_t count;                   /* from 1 on */
};

/* A window that a value is to stay in, in the tag's unit. */
struct tag_limits {
    double low, high;
    double hysteresis; /* so far inside it is within again */
    bool has_low, has_high;
};

/* What is said of few tags. */
struct tag_detail {
    struct title title;
    const char *group;        /* AREA_TEXT: of the machine's patterns */
    struct decimal low, high; /* what is plausible, in the tag's unit; both 0: nothing was said */
    const struct tag_counter *counter; /* NULL: it is none */
    const struct tag_states *states;   /* NULL: it tells no state; else no scale, no offset */
    struct tag_limits limits;          /* neither has_: it has none; not of counters */
};

struct tag {
    const char *name;
    const char *unit; /* NULL if none was given */
    enum area area;
    uint16_t address; /* zero-based, as on the wire */
    int8_t bit;       /* 0 to 15 of a word, 0 being the lowest; -1: the whole word */
    enum tag_type type;
    uint8_t order;                /* ORDER_ flags */
    uint16_t string_bytes;        /* TYPE_STRING: 1 to 250 */
    struct decimal scale, offset; /* value = raw × scale + offset */
    int64_t every_ms;
    double deadband;                 /* 0: report every change */
    int64_t heartbeat_ms;            /* 0: none */
    const struct tag_detail *detail; /* NULL: nothing was said of that */
};

/* Words on the wire that a tag takes: 1 to 125; a coil or a discrete input takes one bit, given
 * as 1. */
uint16_t tag_width(const struct tag *tag);

#endif
