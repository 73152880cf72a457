/* What the outside world knows of the gateway in the guest, written to the disk that is recorded.
 *
 *   witness DEVICE OFFSET SOCKET PORT SECONDS UP_S DOWN_S
 *
 * It is the broker: it takes every message, notes the numbers in it, and acknowledges. UP_S after a
 * connection it is gone for DOWN_S. Ten times a second it asks the daemon, at its SOCKET, for the
 * next number. Whenever it knows more than before it writes a mark at OFFSET of DEVICE, past the
 * file system, and only then acknowledges. So the mark's place in the record of the disk's writes
 * is the proof: what it says had been promised before, and everything that follows from the
 * acknowledgement comes after. A mark is written with O_DIRECT and never flushed, since a flush
 * would save what the daemon forgot to.
 *
 * A mark is blocks of little-endian 64-bit numbers: MARK_MAGIC, the mark's number, the daemon's
 * next number, how many ranges follow; then first and last of each range of numbers received. */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MARK_MAGIC UINT64_C(0x31595245444e4942)
#define MS_PER_S INT64_C(1000)

enum {
    BLOCK_BYTES = 4096,
    MARK_BYTES = 16 * BLOCK_BYTES, /* at most */
    MARK_RANGES = (MARK_BYTES / 8 - 4) / 2,
    MOST_RANGES = 65536, /* while a message is read its numbers come machine by machine */
    INPUT_BYTES = 4 << 20,
    ANSWER_BYTES = 1 << 16,
    STATUS_BYTES = 1 << 16,
    ASK_MS = 100,
};

enum { CONNECT = 1, PUBLISH = 3, SUBSCRIBE = 8, PINGREQ = 12 };

struct range {
    uint64_t first, last;
};

struct witness {
    int disk;
    off_t offset;
    uint64_t *mark; /* MARK_BYTES */
    uint64_t marks, next_seq;
    struct range ranges[MOST_RANGES];
    size_t range_count;
    bool news; /* since the last mark */
    const char *socket;
    uint16_t port;
    int listener, client; /* -1: none */
    uint8_t input[INPUT_BYTES], answer[ANSWER_BYTES];
    size_t filled, answered;
    int64_t up_ms, down_ms, turn_ms; /* when it goes, or comes back; 0: not yet known */
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * MS_PER_S + now.tv_nsec / 1000000;
}

/* --- what is known --- */

static void add_range(struct witness *witness, uint64_t first, uint64_t last)
{
    struct range *ranges = witness->ranges;
    size_t at = 0, count = witness->range_count;
    while (at < count && ranges[at].last + 1 < first)
        at++;
    size_t end = at;
    for (; end < count && ranges[end].first <= last + 1; end++) {
        first = ranges[end].first < first ? ranges[end].first : first;
        last = ranges[end].last > last ? ranges[end].last : last;
    }
    if (end == at && count == MOST_RANGES)
        errx(1, "more than %d ranges of numbers", MOST_RANGES);
    memmove(&ranges[at + 1], &ranges[end], (count - end) * sizeof(*ranges));
    witness->range_count = count + 1 - (end - at);
    ranges[at] = (struct range){first, last};
    witness->news = true;
}

static void write_mark(struct witness *witness)
{
    if (!witness->news)
        return;
    if (witness->range_count > MARK_RANGES)
        errx(1, "%zu ranges of numbers, more than a mark holds", witness->range_count);
    memset(witness->mark, 0, MARK_BYTES);
    witness->mark[0] = MARK_MAGIC;
    witness->mark[1] = ++witness->marks;
    witness->mark[2] = witness->next_seq;
    witness->mark[3] = witness->range_count;
    size_t bytes = witness->range_count * sizeof(struct range);
    memcpy(&witness->mark[4], witness->ranges, bytes);
    bytes = (4 * sizeof(*witness->mark) + bytes + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
    if (pwrite(witness->disk, witness->mark, bytes, witness->offset) != (ssize_t)bytes)
        err(1, "writing a mark");
    witness->news = false;
}

/* The number after a key from `at` on, and where it ends; NULL where the key does not come again.*/
static const char *find_number(const char *at, const char *end, const char *key, uint64_t *ret)
{
    const char *found = memmem(at, (size_t)(end - at), key, strlen(key));
    if (found == NULL)
        return NULL;
    uint64_t number = 0;
    for (found += strlen(key); found < end && *found >= '0' && *found <= '9'; found++)
        number = number * 10 + (uint64_t)(*found - '0');
    *ret = number;
    return found;
}

/* A gap's record tells of the numbers it stands for: from then on they are known to be lost. */
static void note_payload(struct witness *witness, const char *at, const char *end)
{
    uint64_t seq, first, last;
    if (find_number(at, end, "\"first_seq\":", &first) != NULL &&
        find_number(at, end, "\"last_seq\":", &last) != NULL)
        add_range(witness, first, last);
    while ((at = find_number(at, end, "\"seq\":", &seq)) != NULL)
        add_range(witness, seq, seq);
}

/* The daemon's answer, as far as there is room; its length, 0 without a daemon. */
static size_t ask_status(const char *path, char *answer, size_t room)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = 2};
    size_t length = 0;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        err(1, "a socket");
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        send(fd, "status\n", 7, MSG_NOSIGNAL) == 7) {
        ssize_t got;
        while (length < room && (got = read(fd, answer + length, room - length)) > 0)
            length += (size_t)got;
    }
    close(fd);
    return length;
}

static void ask_daemon(struct witness *witness)
{
    static char answer[STATUS_BYTES];
    uint64_t next_seq;
    size_t length = ask_status(witness->socket, answer, sizeof(answer));
    if (find_number(answer, answer + length, "\"next_seq\":", &next_seq) == NULL ||
        next_seq <= witness->next_seq)
        return;
    witness->next_seq = next_seq;
    witness->news = true;
}

/* --- the broker --- */

static void add_answer(struct witness *witness, const void *bytes, size_t length)
{
    if (witness->answered + length > sizeof(witness->answer))
        errx(1, "too many packets at once");
    memcpy(witness->answer + witness->answered, bytes, length);
    witness->answered += length;
}

static void drop_client(struct witness *witness)
{
    if (witness->client >= 0)
        close(witness->client);
    witness->client = -1;
    witness->filled = witness->answered = 0;
}

static void take_publish(struct witness *witness, unsigned qos, const uint8_t *at,
                         const uint8_t *end)
{
    size_t topic = (size_t)at[0] << 8 | at[1];
    at += 2 + topic;
    if (qos > 0) {
        add_answer(witness, (uint8_t[]){0x40, 2, at[0], at[1]}, 4);
        at += 2;
    }
    note_payload(witness, (const char *)at, (const char *)end);
}

static void take_packet(struct witness *witness, unsigned kind, const uint8_t *body,
                        const uint8_t *end)
{
    switch (kind >> 4) {
    case CONNECT:
        add_answer(witness, (uint8_t[]){0x20, 2, 0, 0}, 4);
        witness->turn_ms = now_ms() + witness->up_ms;
        break;
    case PUBLISH:
        take_publish(witness, kind >> 1 & 3, body, end);
        break;
    case SUBSCRIBE:
        add_answer(witness, (uint8_t[]){0x90, 3, body[0], body[1], 1}, 5);
        break;
    case PINGREQ:
        add_answer(witness, (uint8_t[]){0xd0, 0}, 2);
        break;
    default:
        break;
    }
}

/* The length of the packet that begins here, and where its body does; 0 as long as it is not
 * complete. */
static size_t packet_length(const uint8_t *packet, size_t filled, size_t *ret_body)
{
    size_t length = 0, at = 1;
    unsigned shift = 0;
    do {
        if (at >= filled || at > 4)
            return 0;
        length |= (size_t)(packet[at] & 0x7f) << shift;
        shift += 7;
    } while (packet[at++] & 0x80);
    *ret_body = at;
    return at + length <= filled ? at + length : 0;
}

static void serve_client(struct witness *witness)
{
    uint8_t *input = witness->input;
    size_t length, body, taken = 0;
    ssize_t got = read(witness->client, input + witness->filled, INPUT_BYTES - witness->filled);
    if (got <= 0) {
        drop_client(witness);
        return;
    }
    witness->filled += (size_t)got;
    while ((length = packet_length(input + taken, witness->filled - taken, &body)) > 0) {
        take_packet(witness, input[taken], input + taken + body, input + taken + length);
        taken += length;
    }
    witness->filled -= taken;
    memmove(input, input + taken, witness->filled);
    write_mark(witness);
    if (send(witness->client, witness->answer, witness->answered, MSG_NOSIGNAL) !=
        (ssize_t)witness->answered)
        drop_client(witness);
    witness->answered = 0;
}

static void open_listener(struct witness *witness)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(witness->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    witness->listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(witness->listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(witness->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(witness->listener, 4) < 0)
        err(1, "port %d", witness->port);
}

static void take_turns(struct witness *witness)
{
    if (witness->turn_ms == 0 || now_ms() < witness->turn_ms)
        return;
    witness->turn_ms = 0;
    if (witness->listener < 0) {
        open_listener(witness);
        return;
    }
    drop_client(witness);
    close(witness->listener);
    witness->listener = -1;
    witness->turn_ms = now_ms() + witness->down_ms;
}

/* --- the loop --- */

static void step(struct witness *witness)
{
    struct pollfd wait[] = {{.fd = witness->listener, .events = POLLIN},
                            {.fd = witness->client, .events = POLLIN}};
    if (poll(wait, 2, ASK_MS) <= 0)
        return;
    if (wait[1].revents != 0)
        serve_client(witness);
    if (wait[0].revents == 0)
        return;
    drop_client(witness);
    witness->client = accept(witness->listener, NULL, NULL);
}

static void watch(struct witness *witness, int64_t seconds)
{
    int64_t end_ms = now_ms() + seconds * MS_PER_S, ask_ms = 0;
    while (now_ms() < end_ms) {
        take_turns(witness);
        step(witness);
        if (now_ms() < ask_ms)
            continue;
        ask_daemon(witness);
        write_mark(witness);
        ask_ms = now_ms() + ASK_MS;
    }
}

int main(int argc, char **argv)
{
    static struct witness witness = {.listener = -1, .client = -1};
    if (argc != 8)
        errx(2, "expected DEVICE OFFSET SOCKET PORT SECONDS UP_S DOWN_S");
    witness.disk = open(argv[1], O_RDWR | O_DIRECT);
    if (witness.disk < 0)
        err(1, "%s", argv[1]);
    witness.offset = atoll(argv[2]);
    witness.socket = argv[3];
    witness.port = (uint16_t)atoi(argv[4]);
    witness.up_ms = atoll(argv[6]) * MS_PER_S;
    witness.down_ms = atoll(argv[7]) * MS_PER_S;
    if (posix_memalign((void **)&witness.mark, BLOCK_BYTES, MARK_BYTES) != 0)
        errx(1, "no memory");
    open_listener(&witness);
    watch(&witness, atoll(argv[5]));
    printf("witness: %llu marks, next number %llu, received up to %llu\n",
           (unsigned long long)witness.marks, (unsigned long long)witness.next_seq,
           (unsigned long long)(witness.range_count == 0
                                    ? 0
                                    : witness.ranges[witness.range_count - 1].last));
    return 0;
}
