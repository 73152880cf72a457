/* A value as the command line names it: TABLE:ADDRESS with its type, order and scale. */
#ifndef BINDERY_MODBUS_TAG_H
#define BINDERY_MODBUS_TAG_H

#include "cli.h"
#include "modbus_plan.h"

/* The options that say what; part of a subcommand's own, with these rows. */
struct modbus_what {
    const char *type, *order, *scale; /* NULL: not given */
};

#define MODBUS_WHAT_ROW(type, member) offsetof(type, what.member)
#define MODBUS_WHAT_ROWS(type_)                                                                    \
    {"type",      't',                                                                             \
     OPTION_TEXT, MODBUS_WHAT_ROW(type_, type),                                                    \
     "TYPE",      "bool u16 s16 u32 s32 u64 s64 f32 f64 bcd16 bcd32 string:N"},                    \
        {"order",     'o',                                                                         \
         OPTION_TEXT, MODBUS_WHAT_ROW(type_, order),                                               \
         "ORDER",     "ABCD CDAB BADC DCBA, by default ABCD"},                                     \
    {                                                                                              \
        "scale", 's', OPTION_TEXT, MODBUS_WHAT_ROW(type_, scale), "NUMBER", "value = raw x NUMBER" \
    }

/* A CLI_ status; what is wrong has been printed. */
int modbus_tag_parse(const struct command *command, const struct modbus_what *what, const char *at,
                     struct tag *ret_tag);

/* Whether it lies in a table of bits. */
bool modbus_tag_is_bit(const struct tag *tag);

/* What reads `count` of them, one after the other; they must fit one request. */
struct span modbus_tag_span(const struct tag *tag, uint16_t count);

/* Prints a line: address, raw words, and the value or that they hold none. */
void modbus_tag_print(const struct tag *tag, const uint16_t *words);

#endif
