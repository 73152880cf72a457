#include "transact.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "hex.h"
#include "live.h"
#include "log.h"
#include "memory.h"
#include "modbus_pdu.h"
#include "transaction.h"
#include "words.h"

enum { MOST = 8 };

struct client {
    int fd;
    char link[LIVE_NAME_BYTES];
    struct transaction transaction;
};

struct transact {
    int done_fd;
    struct client *clients[MOST]; /* NULL: free */
};

int transact_new(struct transact **ret_transact)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    struct transact *transact = mem_alloc(sizeof(*transact));
    transact->done_fd = fd;
    *ret_transact = transact;
    return 0;
}

int transact_fd(const struct transact *transact)
{
    return transact->done_fd;
}

/* What is no request that we pass on is refused here: no link gets to see it. */
static bool parse(const char *arguments, struct client *ret_client)
{
    struct transaction *transaction = &ret_client->transaction;
    char digits[4];
    int64_t unit;
    int hex = 0;
    if (sscanf(arguments, "%64[^ ] %3[0-9] %n", ret_client->link, digits, &hex) != 2 || hex == 0 ||
        parse_whole(digits, &unit) != 0)
        return false;
    int length = hex_parse(arguments + hex, transaction->request, sizeof(transaction->request));
    if (length <= 0 || unit > UINT8_MAX)
        return false;
    transaction->unit = (uint8_t)unit;
    transaction->length = (size_t)length;
    return modbus_is_request(transaction->request, transaction->length);
}

static const char *refusal(int error)
{
    switch (error) {
    case -ENODEV:
        return "{\"error\":\"the running daemon has no such link\"}\n";
    case -EOPNOTSUPP:
        return "{\"error\":\"the link speaks no Modbus, or has no such unit\"}\n";
    case -ENOTCONN:
        return "{\"failed\":\"link\"}\n";
    default:
        return "{\"error\":\"somebody else asks on this link, or it hangs; try again\"}\n";
    }
}

static struct client **find_free(struct transact *transact)
{
    for (size_t i = 0; i < MOST; i++)
        if (transact->clients[i] == NULL)
            return &transact->clients[i];
    return NULL;
}

bool transact_begin(struct transact *transact, struct gateway *gateway, const char *arguments,
                    int client_fd, struct text *out)
{
    struct client **place = find_free(transact);
    struct client *client = mem_alloc(sizeof(*client));
    client->fd = client_fd;
    client->transaction.done_fd = transact->done_fd;
    client->transaction.since_ns = clock_mono_ns();
    int error = place == NULL ? -EBUSY : 0;
    if (!parse(arguments, client))
        text_add(out, "{\"error\":\"expected a link, a unit and a Modbus request (function 1 to 6, "
                      "15, 16 or 43/14) in hex\"}\n");
    else if (error == 0)
        error = gateway_transact(gateway, client->link, &client->transaction);
    if (out->length == 0 && error == 0) {
        *place = client;
        return true;
    }
    if (out->length == 0)
        text_add(out, refusal(error));
    free(client);
    return false;
}

static const char *failure_name(int result)
{
    switch (result) {
    case -ETIMEDOUT:
        return "timeout";
    case -EBADMSG:
        return "frame";
    default:
        return "link";
    }
}

/* What changes a machine leaves a trace, whatever became of it. */
static void log_write(const struct client *client)
{
    const struct transaction *transaction = &client->transaction;
    struct text request = {0};
    hex_add(&request, transaction->request, transaction->length);
    int result = transaction->result;
    if (result >= 0)
        result = modbus_check_answer(transaction->request, transaction->length, transaction->answer,
                                     (size_t)result);
    if (result > 0)
        log_info("link %s: unit %u: a write asked for by hand was refused with exception %d: %s",
                 client->link, transaction->unit, result, request.data);
    else
        log_info("link %s: unit %u: written by hand%s: %s", client->link, transaction->unit,
                 result == 0 ? "" : ", and whether it took is not known", request.data);
    text_free(&request);
}

static void answer(const struct client *client)
{
    const struct transaction *transaction = &client->transaction;
    struct text out = {0};
    if (transaction->result >= 0) {
        text_add(&out, "{\"pdu\":\"");
        hex_add(&out, transaction->answer, (size_t)transaction->result);
        text_add(&out, "\"}\n");
    } else {
        text_addf(&out, "{\"failed\":\"%s\"}\n", failure_name(transaction->result));
    }
    /* Its socket is empty so far and takes this at once; a client that has gone misses nothing. */
    send(client->fd, out.data, out.length, MSG_NOSIGNAL | MSG_DONTWAIT);
    text_free(&out);
}

void transact_finish(struct transact *transact)
{
    eventfd_t count;
    eventfd_read(transact->done_fd, &count);
    for (size_t i = 0; i < MOST; i++) {
        struct client *client = transact->clients[i];
        if (client == NULL || !atomic_load(&client->transaction.done))
            continue;
        if (modbus_is_write(client->transaction.request))
            log_write(client);
        answer(client);
        close(client->fd);
        free(client);
        transact->clients[i] = NULL;
    }
}

void transact_free(struct transact *transact)
{
    if (transact == NULL)
        return;
    transact_finish(transact);
    close(transact->done_fd);
    free(transact);
}
