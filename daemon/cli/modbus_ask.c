#include "modbus_ask.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "hex.h"
#include "memory.h"
#include "modbus_direct.h"
#include "modbus_pdu.h"
#include "words.h"

struct modbus_ask {
    struct link link;
    char *host; /* the link's, where it was given as an address */
    const struct plant *plant;
    char *socket; /* the daemon's, where we ask through it; NULL: directly */
    struct modbus_direct direct;
    struct text refusal; /* the daemon's words, where it refused */
};

/* Above what the daemon needs beside the link's time-outs: other polls, its patience. */
enum { DAEMON_MS = 10000 };

static int take_settings(const struct command *command, const struct modbus_place *place,
                         struct link *link)
{
    const char *format = place->format ? place->format : place->ascii ? "7E1" : "8N1";
    if (parse_format(format, &link->data_bits, &link->parity, &link->stop_bits) != 0)
        return cli_usage(command, "--format: \"%s\" where one as 8N1 or 7E1 is expected", format);
    if (link->data_bits != 8 && link->driver == DRIVER_MODBUS_RTU)
        return cli_usage(command, "--format: RTU's bytes have 8 bits; 7 go with --ascii");
    if (!is_baud(place->baud ? place->baud : 9600))
        return cli_usage(command, "--baud: %" PRId64 " is no rate of serial ports", place->baud);
    link->baud = (uint32_t)(place->baud ? place->baud : 9600);
    return CLI_OK;
}

/* Whether binderyd runs, so that its links are to be asked through it. */
static int find_daemon(const struct modbus_place *place, struct modbus_ask *ask)
{
    const char *path = place->socket ? place->socket : ask->plant->control;
    struct text trouble = {0};
    int status = CLI_OK;
    switch (ask_is_answered(path, &trouble)) {
    case 1:
        ask->socket = mem_string(path);
        break;
    case 0:
        break;
    default:
        cli_error("%s", trouble.data);
        status = CLI_FAULT;
    }
    text_free(&trouble);
    return status;
}

static void complain_of_name(const struct plant *plant, const char *name)
{
    const struct machine *machine = plant_machine(plant, name);
    if (machine != NULL)
        cli_error("%s is a machine; give its link and its unit: %s --unit %u", name,
                  machine->link->name, machine->unit);
    else
        cli_error("no link \"%s\" in the configuration; an address is HOST:PORT, a serial port "
                  "begins with /",
                  name);
}

static int find_link(const struct modbus_place *place, const char *name, struct modbus_ask *ask)
{
    int status = cli_load(place->config, &ask->plant);
    if (status != CLI_OK)
        return status;
    const struct link *link = plant_link(ask->plant, name);
    if (link == NULL) {
        complain_of_name(ask->plant, name);
        return CLI_FAULT;
    }
    ask->link = *link;
    if (place->timeout_ms)
        ask->link.timeout_ms = place->timeout_ms;
    status = find_daemon(place, ask);
    if (status == CLI_OK && link->recording != NULL && ask->socket == NULL) {
        cli_error("link %s is a recording, which binderyd plays, and it does not run; \"bindery "
                  "replay %s\" plays it too",
                  name, link->recording->file);
        status = CLI_FAULT;
    }
    return status;
}

static enum link_driver driver_over_tcp(const struct modbus_place *place)
{
    if (place->ascii)
        return DRIVER_MODBUS_ASCII_TCP;
    return place->rtu ? DRIVER_MODBUS_RTU_TCP : DRIVER_MODBUS_TCP;
}

static bool is_address(const char *where)
{
    struct in_addr address;
    return strchr(where, ':') != NULL || inet_pton(AF_INET, where, &address) == 1;
}

/* A name of the configuration has neither slash nor colon. */
static int find(const struct command *command, const struct modbus_place *place, const char *where,
                struct modbus_ask *ask)
{
    struct link *link = &ask->link;
    const char *expected = NULL;
    if (place->rtu && place->ascii)
        return cli_usage(command, "--rtu or --ascii, not both");
    *link = (struct link){.name = where,
                          .timeout_ms = place->timeout_ms ? place->timeout_ms : 1000,
                          .max_registers = MODBUS_MAX_WORDS};
    if (where[0] == '/') {
        link->driver = place->ascii ? DRIVER_MODBUS_ASCII : DRIVER_MODBUS_RTU;
        link->device = where;
        return take_settings(command, place, link);
    }
    if (!is_address(where))
        return find_link(place, where, ask);
    link->driver = driver_over_tcp(place);
    if (parse_host_port(where, 502, &ask->host, &link->port, &expected) < 0)
        return cli_usage(command, "\"%s\" where %s is expected", where, expected);
    link->host = ask->host;
    return CLI_OK;
}

int modbus_ask_new(const struct command *command, const struct modbus_place *place,
                   const char *where, struct modbus_ask **ret_ask)
{
    struct modbus_ask *ask = mem_alloc(sizeof(*ask));
    modbus_direct_init(&ask->direct);
    int status = find(command, place, where, ask);
    if (status == CLI_OK)
        *ret_ask = ask;
    else
        modbus_ask_free(ask);
    return status;
}

void modbus_ask_free(struct modbus_ask *ask)
{
    if (ask == NULL)
        return;
    modbus_direct_close(&ask->direct, &ask->link);
    text_free(&ask->refusal);
    plant_release(ask->plant);
    free(ask->socket);
    free(ask->host);
    free(ask);
}

const struct link *modbus_ask_link(const struct modbus_ask *ask)
{
    return &ask->link;
}

bool modbus_ask_is_configured(const struct modbus_ask *ask)
{
    return ask->plant != NULL;
}

void modbus_ask_use(struct modbus_ask *ask, const struct link *link)
{
    modbus_direct_close(&ask->direct, &ask->link);
    ask->link = *link;
}

static int failure(const char *word)
{
    if (strcmp(word, "timeout") == 0)
        return -ETIMEDOUT;
    return strcmp(word, "frame") == 0 ? -EBADMSG : -ENOTCONN;
}

/* What the daemon says is held against the request like what a machine says. */
static int take_answer(const struct node *root, const uint8_t *request, size_t request_length,
                       uint8_t ret_pdu[MODBUS_MAX_PDU])
{
    const char *failed = node_text(node_member(root, "failed"), NULL);
    uint8_t pdu[MODBUS_MAX_PDU];
    if (failed != NULL)
        return failure(failed);
    int length = hex_parse(node_text(node_member(root, "pdu"), ""), pdu, sizeof(pdu));
    if (length <= 0 || modbus_check_answer(request, request_length, pdu, (size_t)length) < 0)
        return -EBADMSG;
    memcpy(ret_pdu, pdu, (size_t)length);
    return length;
}

static int transact_by_daemon(struct modbus_ask *ask, uint8_t unit, const uint8_t *request,
                              size_t length, uint8_t ret_pdu[MODBUS_MAX_PDU])
{
    struct text question = {0};
    text_addf(&question, "transact %s %u ", ask->link.name, unit);
    hex_add(&question, request, length);
    text_clear(&ask->refusal);
    struct node *root = ask_daemon_within(ask->socket, question.data,
                                          DAEMON_MS + 4 * ask->link.timeout_ms, &ask->refusal);
    int result = root != NULL ? take_answer(root, request, length, ret_pdu) : -EREMOTEIO;
    node_free(root);
    text_free(&question);
    return result;
}

int modbus_ask_transact(struct modbus_ask *ask, uint8_t unit, const uint8_t *request, size_t length,
                        uint8_t ret_pdu[MODBUS_MAX_PDU])
{
    if (ask->socket != NULL)
        return transact_by_daemon(ask, unit, request, length, ret_pdu);
    return modbus_direct_transact(&ask->direct, &ask->link, unit, request, length, ret_pdu);
}

int modbus_ask_read(struct modbus_ask *ask, uint8_t unit, const struct span *span,
                    uint16_t *ret_words)
{
    uint8_t request[MODBUS_READ_PDU], pdu[MODBUS_MAX_PDU];
    size_t length = modbus_build_read(span, request);
    int result = modbus_ask_transact(ask, unit, request, length, pdu);
    /* It may just have left as some do behind each answer; and to read twice does no harm. */
    if (result == -ECONNRESET || result == -EPIPE)
        result = modbus_ask_transact(ask, unit, request, length, pdu);
    return result < 0 ? result : modbus_answer(pdu, (size_t)result, span, ret_words);
}

unsigned modbus_ask_late(const struct modbus_ask *ask)
{
    return ask->direct.tcp.discarded;
}

/* Modbus Application Protocol V1.1b3, 7 */
static const char *const exceptions[] = {
    [1] = "illegal function (the machine has no such table)",
    [2] = "illegal data address (the machine has no such address, or not that many)",
    [3] = "illegal data value (so many at once, or this value, are refused)",
    [4] = "server device failure",
    [5] = "acknowledge (it is busy with a long command)",
    [6] = "server device busy",
    [8] = "memory parity error",
    [10] = "gateway path unavailable",
    [11] = "gateway target device failed to respond (no such unit behind the gateway?)",
};

static void explain_exception(int code, struct text *out)
{
    const char *meaning = NULL;
    if ((size_t)code < sizeof(exceptions) / sizeof(exceptions[0]))
        meaning = exceptions[code];
    text_addf(out, "exception %d: %s", code, meaning ? meaning : "of the maker's own");
}

static void explain_opening(const struct modbus_ask *ask, int result, struct text *out)
{
    cli_add_place(out, &ask->link);
    if (result == -EBUSY)
        text_add(out,
                 ": another program has the port; where that is binderyd, give the link's name "
                 "instead, and it is asked through it");
    else if (result == -EOPNOTSUPP)
        text_add(out, ": the link speaks no Modbus, or has no such unit");
    else if (result == -EADDRNOTAVAIL)
        text_add(out, ": the name could not be looked up");
    else
        text_addf(out, ": %s", strerror(-result));
}

void modbus_ask_explain(const struct modbus_ask *ask, uint8_t unit, int result, struct text *out)
{
    const struct link *link = &ask->link;
    if (result > 0)
        explain_exception(result, out);
    else if (result == -ETIMEDOUT)
        text_addf(out, "unit %u did not answer within %" PRId64 " ms; is the unit's number right%s",
                  unit, link->timeout_ms,
                  link->device ? ", and are baud and format those of the machine?" : "?");
    else if (result == -EBADMSG)
        text_add(out, "the answer was damaged, or answers something else; are framing, baud and "
                      "format right, and is the number of each unit its own?");
    else if (ask->socket != NULL && result == -EREMOTEIO)
        text_add(out, ask->refusal.data);
    else if (ask->socket != NULL)
        text_addf(out, "the daemon's link %s is down; \"bindery status\" says why", link->name);
    else
        explain_opening(ask, result, out);
}
