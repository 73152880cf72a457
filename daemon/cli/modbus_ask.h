/* Asking a machine by hand: through the running daemon, where the place is a link of the
 * configuration and the daemon has it, or else on a connection or port opened here. One thread. */
#ifndef BINDERY_MODBUS_ASK_H
#define BINDERY_MODBUS_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "cli.h"
#include "modbus_frame.h"
#include "text.h"

/* The options that say where; part of a subcommand's own, with these rows. */
struct modbus_place {
    const char *config, *socket, *format;
    int64_t timeout_ms, baud; /* 0: not given */
    bool rtu, ascii;
};

#define MODBUS_PLACE_ROW(type, member) offsetof(type, place.member)
#define MODBUS_PLACE_ROWS(type)                                               \
    {"config",    'c',                                                        \
     OPTION_TEXT, MODBUS_PLACE_ROW(type, config),                             \
     "FILE",      "the configuration, by default " BINDERY_CONFIG},           \
        {"socket",    0,                                                      \
         OPTION_TEXT, MODBUS_PLACE_ROW(type, socket),                         \
         "PATH",      "the daemon's socket, instead of the configuration's"}, \
        {"timeout",                                                           \
         0,                                                                   \
         OPTION_DURATION,                                                     \
         MODBUS_PLACE_ROW(type, timeout_ms),                                  \
         "TIME",                                                              \
         "for an answer, by default the link's or 1s; the daemon\n"           \
         "                               keeps to the link's"},               \
        {"baud",        'b',                                                  \
         OPTION_NUMBER, MODBUS_PLACE_ROW(type, baud),                         \
         "N",           "of a serial port, by default 9600"},                 \
        {"format",    'f',                                                    \
         OPTION_TEXT, MODBUS_PLACE_ROW(type, format),                         \
         "8N1",       "of a serial port, by default 8N1, with --ascii 7E1"},  \
        {"rtu",       0,                                                      \
         OPTION_FLAG, MODBUS_PLACE_ROW(type, rtu),                            \
         NULL,        "RTU frames over TCP (a serial server)"},               \
    {                                                                         \
        "ascii", 0, OPTION_FLAG, MODBUS_PLACE_ROW(type, ascii), NULL,         \
            "Modbus ASCII, on a serial port or over TCP"                      \
    }

struct modbus_ask;

/* Finds the place: a link's name, HOST:PORT, an IPv4 address or a serial port's path. A CLI_
 * status; what is wrong has been printed. Nothing is opened yet. */
int modbus_ask_new(const struct command *command, const struct modbus_place *place,
                   const char *where, struct modbus_ask **ret_ask);
void modbus_ask_free(struct modbus_ask *ask); /* accepts NULL */

const struct link *modbus_ask_link(const struct modbus_ask *ask);

/* Whether the place is a link of the configuration, whose settings stand. */
bool modbus_ask_is_configured(const struct modbus_ask *ask);

/* Other settings from here on; not through the daemon. The link is copied, its strings are not. */
void modbus_ask_use(struct modbus_ask *ask, const struct link *link);

/* One transaction: what modbus_is_request takes. The answer's length, exceptions included;
 * -ETIMEDOUT, -EBADMSG, or another negative errno: it could not be asked. Blocks for at most the
 * link's timeout to open and three of them for the answer (names apart); through the daemon for
 * what gateway_transact says. */
int modbus_ask_transact(struct modbus_ask *ask, uint8_t unit, const uint8_t *request, size_t length,
                        uint8_t ret_pdu[MODBUS_MAX_PDU]);

/* Reads span->count words or bits, again where the machine hangs up. 0, an exception's code, or as
 * above. */
int modbus_ask_read(struct modbus_ask *ask, uint8_t unit, const struct span *span,
                    uint16_t *ret_words);

/* How many answers came over our own Modbus TCP connection when they were no longer waited for. */
unsigned modbus_ask_late(const struct modbus_ask *ask);

/* What an exception's code or a negative result of the latest transaction means, in words. */
void modbus_ask_explain(const struct modbus_ask *ask, uint8_t unit, int result, struct text *out);

#endif
