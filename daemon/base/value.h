/* What a machine said: values with their exact decimals, qualities, readings, events, gaps.
 *
 * Plain data. Nothing here allocates, and nothing owns the text it points to: a text value
 * points into a buffer that belongs to whoever filled the reading or event.
 */
#ifndef BINDERY_VALUE_H
#define BINDERY_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text;

/* A decimal number kept exactly: mantissa / 10^decimals, decimals 0 to 15. */
struct decimal {
    int64_t mantissa;
    uint8_t decimals;
};

enum { DECIMAL_MAX_DECIMALS = 15 };

enum value_kind {
    VALUE_NONE,
    VALUE_BOOL,
    VALUE_DECIMAL,  /* any whole or scaled number that fits: mantissa / 10^decimals */
    VALUE_UNSIGNED, /* a whole number above INT64_MAX, which only a u64 can hold */
    VALUE_REAL32,   /* finite; written with the fewest digits that read back as the same float */
    VALUE_REAL64,   /* finite; likewise as a double */
    VALUE_TEXT,     /* UTF-8, `length` bytes, no terminating zero promised */
};

/* Packed, since thousands of machines keep some dozens each: it spares a third of a sample. */
struct __attribute__((packed, aligned(4))) value {
    enum value_kind kind : 8;
    uint8_t decimals; /* VALUE_DECIMAL only */
    uint16_t length;  /* VALUE_TEXT only */
    union {
        bool boolean;
        int64_t mantissa;
        uint64_t whole;
        float real32;
        double real64;
        const char *text;
    };
};

/* Why a tag has no value. The wire names are those of quality_name(). */
enum quality {
    QUALITY_GOOD,
    QUALITY_TIMEOUT,   /* the machine did not answer in time */
    QUALITY_EXCEPTION, /* the machine refused; the Modbus exception code is beside it */
    QUALITY_FRAME,     /* the answer was damaged, or not the answer to our question */
    QUALITY_RANGE,     /* the answer holds no value of the tag's type, as a BCD digit above 9 */
    QUALITY_LINK,      /* the line or connection is down */
};

/* The code of a machine that has no register at some address asked for (Modbus Application Protocol
 * V1.1b3, 7). */
enum { EXCEPTION_ILLEGAL_ADDRESS = 2 };

struct sample {
    uint16_t tag;       /* index into the machine's tags */
    uint8_t quality;    /* enum quality */
    uint8_t exception;  /* QUALITY_EXCEPTION: the code, 1 to 255 */
    struct value value; /* VALUE_NONE unless the quality is good */
};

/* One moment on every clock we keep. */
struct instant {
    int64_t boot_ms; /* since this boot, suspend included: never steps */
    int64_t wall_ms; /* since 1970, UTC, as the system clock said then */
    bool synced;     /* whether the system clock was synchronised then */
};

/* One machine, one instant, the values that are to be told. */
struct reading {
    uint32_t source; /* the store's number for this machine with this tag list */
    uint16_t count;
    struct instant at;
    struct sample *samples;
};

enum { EVENT_MAX_FIELDS = 48, EVENT_WORD_BYTES = 32 };

struct event_field {
    char key[EVENT_WORD_BYTES]; /* lower-case letters, digits and _, zero-terminated */
    struct value value;         /* VALUE_NONE: null */
};

/* Something that happened to a machine, or to the gateway, at one instant. */
struct event {
    uint32_t source; /* as a reading's; 0: the gateway itself */
    uint16_t count;
    struct instant at;
    char name[EVENT_WORD_BYTES]; /* "stop"; of the same letters as a key */
    struct event_field fields[EVENT_MAX_FIELDS];
};

enum gap_why {
    GAP_STORE_FULL,   /* the oldest unacknowledged records had to go */
    GAP_MEMORY_FULL,  /* the store could not take them and memory's share was used up */
    GAP_UNCLEAN_STOP, /* durability outage: the numbers were given out, then the power went */
    GAP_REFUSED,      /* the broker refused the message for good */
    GAP_DAMAGED,      /* the store's body could not be read back */
};

/* A declared loss. Sequence numbers are 0 where the records never had any. */
struct gap {
    enum gap_why why;
    uint64_t first_seq, last_seq;
    uint64_t missing;       /* readings and events */
    int64_t from_ms, to_ms; /* wall time, as above */
};

/* Whether two values are the same in kind and content. */
bool value_equal(const struct value *a, const struct value *b);

/* The value as a number, for comparing with a deadband; texts and none give 0. */
double value_number(const struct value *value);

/* Writes a decimal, without a terminating zero, and returns where it ends. It needs
 * VALUE_DECIMAL_ROOM bytes, and decimals of at most DECIMAL_MAX_DECIMALS. */
enum { VALUE_DECIMAL_ROOM = 32 };
char *value_put_decimal(char *at, int64_t mantissa, unsigned decimals);

/* Appends the value as JSON: exact decimals, shortest reals, escaped text; none as null. */
void value_to_json(const struct value *value, struct text *out);

/* "timeout", "exception", "frame", "range", "link"; "good" for QUALITY_GOOD. */
const char *quality_name(enum quality quality);

/* Appends what stands in a message's "bad": the quality's name, "exception:2" with its code. */
void sample_bad_to_text(const struct sample *sample, struct text *out);

/* "store full" and the like, as in the gaps topic. */
const char *gap_why_name(enum gap_why why);

/* Reads "-12.50" exactly. Takes an optional sign, digits, an optional point and digits, at most
 * 18 digits and DECIMAL_MAX_DECIMALS of them behind the point; trailing zeros there are dropped.
 * 0, or -EINVAL with *ret_decimal untouched. */
int decimal_parse(const char *text, struct decimal *ret_decimal);

double decimal_number(struct decimal decimal);

/* raw × scale + offset, exactly. 0, or -ERANGE with *ret_value untouched where the result does not
 * fit in 63 bits with its decimals. */
int decimal_scale(int64_t raw, struct decimal scale, struct decimal offset,
                  struct value *ret_value);

/* The whole number whose product with the scale is the value. 0, or -ERANGE with *ret_raw untouched
 * where there is none, or none of 64 bits. */
int decimal_unscale(struct decimal value, struct decimal scale, int64_t *ret_raw);

#endif
