/* Transactions of clients of the daemon's socket: daemon/transact.c.
 *
 * Input: how the link takes it, what the machine answers (a length and its bytes), the rest of the
 * client's line. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "modbus_pdu.h"
#include "node.h"
#include "text.h"
#include "transaction.h"

enum { CLIENT = 99 };

static struct text said;
static int closed;

static ssize_t client_send(int fd, const void *bytes, size_t length, int flags)
{
    CLAIM(fd == CLIENT && flags == (MSG_NOSIGNAL | MSG_DONTWAIT));
    text_add_bytes(&said, bytes, length);
    return (ssize_t)length;
}

static int client_close(int fd)
{
    closed += fd == CLIENT;
    return 0;
}

#define send client_send
#define close client_close
#include "transact.c"
#undef send
#undef close

static struct transaction *asked;
static int taken; /* what gateway_transact says */

int gateway_transact(struct gateway *gateway, const char *link, struct transaction *transaction)
{
    (void)gateway;
    CLAIM(strlen(link) < LIVE_NAME_BYTES && strchr(link, ' ') == NULL);
    CLAIM(modbus_is_request(transaction->request, transaction->length));
    if (taken == 0)
        asked = transaction;
    return taken;
}

/* A driver hands out only what answers. */
static void end(int result, const uint8_t *pdu, size_t length)
{
    int judged = modbus_check_answer(asked->request, asked->length, pdu, length);

    if (result == 0 && judged >= 0) {
        memcpy(asked->answer, pdu, length);
        result = (int)length;
    } else if (result == 0) {
        result = -EBADMSG;
    }
    transaction_end(asked, result);
}

static void check_answer(const uint8_t *pdu, size_t length, int result)
{
    struct text wrong = {0}, hex = {0};
    struct node *root = node_parse(said.data, said.length, &wrong);

    CLAIM(root != NULL && closed == 1);
    const char *told = node_text(node_member(root, "pdu"), NULL);
    const char *failed = node_text(node_member(root, "failed"), NULL);
    CLAIM((told != NULL) != (failed != NULL));
    if (told != NULL) {
        hex_add(&hex, pdu, length);
        CLAIM(strcmp(told, hex.data) == 0);
    } else if (result == -ETIMEDOUT) {
        CLAIM(strcmp(failed, "timeout") == 0);
    }
    node_free(root);
    text_free(&hex);
    text_free(&wrong);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int refusals[] = {0, 0, 0, 0, -ENODEV, -EOPNOTSUPP, -ENOTCONN, -EBUSY};
    static const int results[] = {0, 0, -ETIMEDOUT, -EBADMSG, -ENOTCONN, -ECANCELED};
    static struct transact *transact;
    struct input input = {data, size};
    struct text out = {0};
    uint8_t pdu[MODBUS_MAX_PDU];

    if (transact == NULL) {
        transact_new(&transact);
        log_set_level(LOG_LEVEL_ERROR);
    }
    taken = refusals[input_byte(&input) % 8];
    int result = results[input_byte(&input) % 6];
    size_t length = (size_t)input_between(&input, 0, MODBUS_MAX_PDU);
    for (size_t i = 0; i < length; i++)
        pdu[i] = input_byte(&input);
    char *arguments = input_string(&input);
    asked = NULL;
    closed = 0;
    text_clear(&said);
    bool later = transact_begin(transact, NULL, arguments, CLIENT, &out);
    CLAIM(later == (asked != NULL) && later == (out.length == 0) && closed == 0);
    transact_finish(transact);
    CLAIM(closed == 0);
    if (later) {
        end(result, pdu, length);
        transact_finish(transact);
        check_answer(pdu, length, result);
    }
    text_free(&out);
    free(arguments);
    return 0;
}
