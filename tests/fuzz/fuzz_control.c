/* Requests on the daemon's local socket: daemon/control.c, and the answers of live_json.c.
 *
 * Transactions are handed to a fake here, and have a harness of their own.
 *
 * Input: sizes of four pieces that are used in turn for reading and for writing, what the client is
 * like, then the request. A piece of 0 is a client that is silent until its time is up. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "fuzz.h"
#include "node.h"
#include "plant.h"
#include "text.h"

enum { PIECES = 4, CLIENT = 99, LISTENER = 98, LONGEST_LINE = 639 };

/* How a client may be. */
enum { HANGS_UP = 1, BREAKS = 2, SLOW = 4, REFUSED = 128 };

struct client {
    struct input request;
    uint8_t pieces[PIECES];
    unsigned piece;
    unsigned manner;
    int64_t now_ns;
    struct text answer;
    int closed;
};

static struct client client;

static size_t next_piece(size_t most)
{
    size_t piece = client.pieces[client.piece++ % PIECES];

    return piece < most ? piece : most;
}

static int64_t client_clock(void)
{
    return client.now_ns;
}

static int client_accept(int fd, void *address, void *length, int flags)
{
    CLAIM(fd == LISTENER && address == NULL && length == NULL && flags == SOCK_CLOEXEC);
    errno = EMFILE;
    return client.manner & REFUSED ? -1 : CLIENT;
}

static int client_poll(struct pollfd *wait, nfds_t count, int timeout_ms)
{
    CLAIM(count == 1 && wait->fd == CLIENT && timeout_ms > 0 && timeout_ms <= 1000);
    client.now_ns += client.manner & SLOW ? 300 * NS_PER_MS : 0;
    if (client.pieces[client.piece % PIECES] == 0)
        return 0;
    if (wait->events == POLLIN && client.request.left == 0 && !(client.manner & HANGS_UP))
        return 0;
    return 1;
}

static ssize_t client_read(int fd, void *ret_bytes, size_t room)
{
    CLAIM(fd == CLIENT && room > 0);
    size_t count = next_piece(room < client.request.left ? room : client.request.left);
    if (count > 0)
        memcpy(ret_bytes, client.request.at, count);
    client.request.at += count;
    client.request.left -= count;
    return (ssize_t)count;
}

static ssize_t client_send(int fd, const void *bytes, size_t length, int flags)
{
    CLAIM(fd == CLIENT && length > 0 && flags == (MSG_NOSIGNAL | MSG_DONTWAIT));
    if (client.manner & BREAKS)
        return -1;
    size_t count = next_piece(length);
    text_add_bytes(&client.answer, bytes, count);
    return (ssize_t)count;
}

static int client_close(int fd)
{
    client.closed += fd == CLIENT;
    return 0;
}

#define accept4 client_accept
#define clock_mono_ns client_clock
#define poll client_poll
#define read client_read
#define send client_send
#define close client_close
#include "control.c"
#undef accept4
#undef clock_mono_ns
#undef poll
#undef read
#undef send
#undef close

static struct live *live;
static const struct plant *plant;

const struct plant *gateway_plant(const struct gateway *gateway)
{
    (void)gateway;
    return plant;
}

struct live *gateway_live(const struct gateway *gateway)
{
    (void)gateway;
    return live;
}

/* By the request at hand. */
static bool was_set;

int gateway_set_counter(struct gateway *gateway, const char *machine, const char *tag,
                        int64_t total)
{
    (void)gateway;
    CLAIM(strlen(machine) < LIVE_NAME_BYTES && strlen(tag) < LIVE_NAME_BYTES && total >= 0);
    was_set = strcmp(machine, "m") == 0 && strcmp(tag, "t") == 0;
    if (was_set)
        return 0;
    return strcmp(machine, "m") != 0 ? -ENODEV : -ENOENT;
}

/* Takes over clients whose request ends with a 1, and says something to the others. */
static bool taken_over;

int transact_new(struct transact **ret_transact)
{
    *ret_transact = NULL;
    return 0;
}

void transact_free(struct transact *transact)
{
    (void)transact;
}

int transact_fd(const struct transact *transact)
{
    (void)transact;
    return -1;
}

bool transact_begin(struct transact *transact, struct gateway *gateway, const char *arguments,
                    int client_fd, struct text *out)
{
    size_t length = strlen(arguments);
    (void)transact;
    (void)gateway;
    CLAIM(client_fd == CLIENT && out->length == 0);
    taken_over = length > 0 && arguments[length - 1] == '1';
    if (!taken_over)
        text_addf(out, "{\"length\":%zu}\n", length);
    return taken_over;
}

void transact_finish(struct transact *transact)
{
    (void)transact;
}

static void add_machine(struct machine *machine, const struct link *link)
{
    struct sample samples[2] = {{.tag = 0}, {.tag = 1, .quality = QUALITY_TIMEOUT}};
    const struct instant now = {.wall_ms = 1795412474123};

    machine->link = link;
    samples[0].value = (struct value){.kind = VALUE_DECIMAL, .mantissa = 1234, .decimals = 1};
    live_polled(live, live_add_machine(live, machine), samples, 2, &now, QUALITY_GOOD);
}

static void make_plant(void)
{
    static struct tag tags[] = {{.name = "good_count", .unit = "copies"}, {.name = "speed"}};
    static struct link link = {.name = "press-1", .host = "h"};
    static struct machine machines[] = {{.name = "binder-1", .tags = tags, .tag_count = 2},
                                        {.name = "b", .tags = tags, .tag_count = 2}};
    static struct plant the_plant = {.gateway = "g", .site = "s"};

    plant = &the_plant;
    live = live_new();
    live_add_link(live, &link);
    add_machine(&machines[0], &link);
    add_machine(&machines[1], &link);
}

/* The answer to a whole line, by what the contract says of it. */
static void check_answer(const char *line, const struct text *answer)
{
    struct text wrong = {0};
    struct node *root = node_parse(answer->data, answer->length, &wrong);

    CLAIM(answer->data[answer->length - 1] == '\n' && root != NULL);
    bool refused = node_member(root, "error") != NULL;
    size_t machines = node_count(node_member(root, "machines"));
    if (strcmp(line, "status") == 0)
        CLAIM(!refused && machines == 2 && node_member(root, "pid") != NULL);
    else if (strcmp(line, "values") == 0)
        CLAIM(!refused && machines == 2);
    else if (strcmp(line, "values binder-1") == 0 || strcmp(line, "values b") == 0)
        CLAIM(!refused && machines == 1);
    else if (strcmp(line, "metrics") == 0)
        CLAIM(!refused && node_text(node_member(root, "metrics"), NULL) != NULL);
    else if (strncmp(line, "set ", 4) == 0)
        CLAIM(refused == !was_set && machines == 0);
    else if (strncmp(line, "record press-1", 14) == 0 && !refused)
        CLAIM(node_member(root, "lines") != NULL || strcmp(line + 14, " end") == 0);
    else if (strncmp(line, "transact ", 9) == 0)
        CLAIM(node_int(node_member(root, "length"), -1) == (int64_t)strlen(line) - 9);
    else
        CLAIM(refused && machines == 0);
    node_free(root);
    text_free(&wrong);
}

/* Whoever reads and writes in time gets the whole answer. */
static void check_served(const struct text *whole, const struct input *request)
{
    const char *end = request->left > 0 ? memchr(request->at, '\n', request->left) : NULL;
    bool patient =
        memchr(client.pieces, 0, PIECES) == NULL && (client.manner & (BREAKS | SLOW)) == 0;
    bool refused = client.manner & REFUSED;

    CLAIM(client.closed == (!refused && !taken_over));
    if (taken_over) {
        CLAIM(client.answer.length == 0);
        return;
    }
    if (end == NULL || refused || end - (const char *)request->at >= LONGEST_LINE) {
        CLAIM(client.answer.length == 0);
        return;
    }
    CLAIM(client.answer.length <= whole->length);
    CLAIM(client.answer.length == 0 ||
          memcmp(client.answer.data, whole->data, client.answer.length) == 0);
    if (!patient)
        return;
    CLAIM(client.answer.length == whole->length);
    struct input line = {request->at, (size_t)(end - (const char *)request->at)};
    char *string = input_string(&line);
    check_answer(string, whole);
    free(string);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct control control = {.fd = LISTENER};

    if (live == NULL)
        make_plant();
    client = (struct client){0};
    was_set = taken_over = false;
    for (size_t i = 0; i < PIECES; i++)
        client.pieces[i] = input_byte(&input);
    client.manner = input_byte(&input);
    client.request = input;
    control_serve(&control, NULL);
    check_served(&control.answer, &input);
    text_free(&control.answer);
    text_free(&client.answer);
    return 0;
}
