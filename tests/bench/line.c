/* bench_line: an RS-485 line of RTU slaves on a pseudo-terminal, no faster than a wire would be.
 *
 * Every byte, of requests and answers alike, holds the wire for ten bits. A frame ends with 3.5
 * characters of silence, and then the slave it was for answers. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <termios.h>
#include <unistd.h>

#include "common.h"

enum {
    BITS = 10, /* 8N1 */
    PIECE = 8,
    REQUEST = 8,
    AROUND_DATA = 5, /* unit, function, count of bytes, CRC */
    MAX_FRAME = 256,
    MAX_UNITS = 247,
    MAX_REGISTERS = 125,
    TOLERANCE_NS = 100000,
    ILLEGAL_FUNCTION = 1,
    ILLEGAL_ADDRESS = 2,
    ILLEGAL_VALUE = 3
};

struct line {
    const char *link;
    long baud, units, registers;
    int master, slave;
    int64_t char_ns, silence_ns;

    int64_t free_ns; /* when what was put on the wire has left it */
    uint8_t request[MAX_FRAME];
    size_t request_length; /* may exceed what fits: then it is none of ours */

    int64_t answer_ns; /* when it begins */
    uint8_t answer[MAX_FRAME];
    size_t answer_length, sent;
    bool answer_good;

    int64_t answered_ns; /* when the last answer ended; 0 once something followed it */
    uint16_t serial;     /* of requests, makes every content another */

    int64_t mark_ns;
    uint64_t transactions, too_early, bad_requests;
    bool asked[MAX_UNITS + 1];
    struct spread turnaround, lateness; /* the latter is our own, at an answer's end */
};

static uint16_t crc16(const uint8_t *bytes, size_t length)
{
    unsigned crc = 0xFFFF;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1;
    }
    return (uint16_t)crc;
}

/* One-to-one in 16 bits, so that another serial is another content. */
static uint16_t content(const struct line *line, uint8_t unit, unsigned address)
{
    if (address == 0)
        return (uint16_t)bench_wall_ms();
    uint16_t hash = (uint16_t)(line->serial + unit * 40503u + address * 10007u);
    hash = (uint16_t)((hash ^ hash >> 7) * 0x2C9Du);
    hash = (uint16_t)((hash ^ hash >> 9) * 0xB52Fu);
    return hash ^ hash >> 8;
}

static unsigned word_at(const uint8_t *bytes)
{
    return (unsigned)bytes[0] << 8 | bytes[1];
}

/* 0, or the exception with which a slave refuses the request. */
static uint8_t exception_for(const struct line *line, const uint8_t *request)
{
    unsigned start = word_at(request + 2), count = word_at(request + 4);
    if (request[1] != 3 && request[1] != 4)
        return ILLEGAL_FUNCTION;
    if (count < 1 || count > MAX_REGISTERS)
        return ILLEGAL_VALUE;
    return start + count > line->registers ? ILLEGAL_ADDRESS : 0;
}

static void prepare_answer(struct line *line, uint8_t exception)
{
    const uint8_t *request = line->request;
    uint8_t *answer = line->answer;
    size_t length = 2;

    answer[0] = request[0];
    answer[1] = exception == 0 ? request[1] : request[1] | 0x80;
    if (exception == 0) {
        unsigned start = word_at(request + 2), count = word_at(request + 4);
        answer[length++] = (uint8_t)(count * 2);
        for (unsigned i = 0; i < count; i++) {
            uint16_t word = content(line, request[0], start + i);
            answer[length++] = (uint8_t)(word >> 8);
            answer[length++] = (uint8_t)word;
        }
    } else {
        answer[length++] = exception;
    }
    uint16_t crc = crc16(answer, length);
    answer[length++] = (uint8_t)crc;
    answer[length++] = (uint8_t)(crc >> 8);
    line->answer_length = length;
    line->sent = 0;
}

/* A frame has ended: the slave it is for begins to answer, if there is one. */
static void hear(struct line *line)
{
    const uint8_t *request = line->request;
    size_t length = line->request_length;
    line->request_length = 0;
    if (length != REQUEST || crc16(request, REQUEST) != 0 || request[0] < 1 ||
        request[0] > line->units) {
        line->bad_requests++;
        return;
    }
    uint8_t exception = exception_for(line, request);
    line->bad_requests += exception != 0;
    line->asked[request[0]] = true;
    line->serial++;
    prepare_answer(line, exception);
    line->answer_good = exception == 0;
    line->answer_ns = line->free_ns + line->silence_ns;
    line->free_ns = line->answer_ns + (int64_t)line->answer_length * line->char_ns;
    line->answered_ns = line->free_ns;
}

static size_t next_end(const struct line *line)
{
    size_t end = line->sent + PIECE;
    return end < line->answer_length ? end : line->answer_length;
}

static void send_piece(struct line *line)
{
    size_t end = next_end(line);
    /* What doesn't fit, because nobody reads, is lost as on a wire. */
    if (write(line->master, line->answer + line->sent, end - line->sent) < 0 && errno != EAGAIN)
        err(1, "%s", line->link);
    line->sent = end;
    if (end < line->answer_length)
        return;
    spread_add(&line->lateness, bench_now_ns() - line->answer_ns - (int64_t)end * line->char_ns);
    line->answer_length = 0;
    line->transactions += line->answer_good;
}

static bool is_answering(const struct line *line)
{
    return line->answer_length > 0;
}

/* When there is something to do without being asked; INT64_MAX for never. */
static int64_t due_ns(const struct line *line)
{
    if (is_answering(line))
        return line->answer_ns + (int64_t)next_end(line) * line->char_ns;
    return line->request_length > 0 ? line->free_ns + line->silence_ns : INT64_MAX;
}

/* Bytes from the pseudo-terminal go on the wire as soon as it is free. */
static void take_bytes(struct line *line)
{
    uint8_t bytes[MAX_FRAME];
    int64_t now_ns = bench_now_ns();
    ssize_t count = read(line->master, bytes, sizeof(bytes));
    if (count <= 0)
        return;
    if (line->request_length == 0 && line->answered_ns != 0) {
        spread_add(&line->turnaround, now_ns - line->answered_ns);
        line->too_early += now_ns < line->answered_ns + line->silence_ns - TOLERANCE_NS;
        line->answered_ns = 0;
    }
    for (ssize_t i = 0; i < count; i++, line->request_length++)
        if (line->request_length < MAX_FRAME)
            line->request[line->request_length] = bytes[i];
    line->free_ns = (now_ns > line->free_ns ? now_ns : line->free_ns) + count * line->char_ns;
}

static void mark(struct line *line)
{
    line->mark_ns = bench_now_ns();
    line->transactions = line->too_early = line->bad_requests = 0;
    memset(line->asked, 0, sizeof(line->asked));
    spread_clear(&line->turnaround);
    spread_clear(&line->lateness);
}

static void report(struct line *line)
{
    double elapsed_chars = (double)(bench_now_ns() - line->mark_ns) / (double)line->char_ns;
    double transaction_chars = REQUEST + 3.5 + AROUND_DATA + 2.0 * (double)line->registers + 3.5;
    double capacity = elapsed_chars / transaction_chars;
    unsigned asked = 0;

    for (size_t i = 0; i <= MAX_UNITS; i++)
        asked += line->asked[i];
    printf("{\"transactions\":%" PRIu64 ",\"capacity_percent\":%.2f,\"too_early\":%" PRIu64
           ",\"bad_requests\":%" PRIu64 ",\"units_asked\":%u,",
           line->transactions, (double)line->transactions / capacity * 100, line->too_early,
           line->bad_requests, asked);
    spread_print(&line->turnaround, "turnaround");
    putchar(',');
    spread_print(&line->lateness, "lateness");
    puts("}");
    fflush(stdout);
}

static void wait_until(int64_t until_ns, struct pollfd *polled, nfds_t count)
{
    int64_t left_ns = until_ns - bench_now_ns();
    if (left_ns < 0)
        left_ns = 0;
    struct timespec left = {.tv_sec = left_ns / NS_PER_S, .tv_nsec = left_ns % NS_PER_S};
    ppoll(polled, count, until_ns == INT64_MAX ? NULL : &left, NULL);
}

static void serve(struct line *line)
{
    for (;;) {
        struct pollfd polled[] = {{.fd = line->master, .events = POLLIN},
                                  {.fd = STDIN_FILENO, .events = POLLIN}};
        wait_until(due_ns(line), polled, 2);
        if (polled[0].revents != 0)
            take_bytes(line);
        if (bench_now_ns() >= due_ns(line)) {
            if (is_answering(line))
                send_piece(line);
            else
                hear(line);
        }
        enum order order = polled[1].revents != 0 ? bench_order() : ORDER_NONE;
        if (order == ORDER_END)
            return;
        if (order == ORDER_MARK)
            mark(line);
        else if (order == ORDER_REPORT)
            report(line);
    }
}

static void open_terminal(struct line *line)
{
    struct termios raw;
    char name[64], old[1];
    int off = 0;

    line->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (line->master < 0 || grantpt(line->master) != 0 || unlockpt(line->master) != 0 ||
        ptsname_r(line->master, name, sizeof(name)) != 0 || ioctl(line->master, TIOCPKT, &off) != 0)
        err(1, "pseudo-terminal");
    /* Held open, so that the master doesn't fail while no client is there. */
    line->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (line->slave < 0 || tcgetattr(line->slave, &raw) != 0)
        err(1, "%s", name);
    cfmakeraw(&raw);
    if (tcsetattr(line->slave, TCSANOW, &raw) != 0)
        err(1, "%s", name);
    if (readlink(line->link, old, sizeof(old)) >= 0)
        unlink(line->link);
    if (symlink(name, line->link) != 0)
        err(1, "%s", line->link);
}

static void configure(struct line *line, int argc, char **argv)
{
    static const struct option options[] = {{"link", required_argument, NULL, 'l'},
                                            {"baud", required_argument, NULL, 'b'},
                                            {"units", required_argument, NULL, 'u'},
                                            {"registers", required_argument, NULL, 'r'},
                                            {0}};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option == 'l')
            line->link = optarg;
        else if (option == 'b')
            line->baud = bench_number("baud", optarg, 300, 4000000);
        else if (option == 'u')
            line->units = bench_number("units", optarg, 1, MAX_UNITS);
        else if (option == 'r')
            line->registers = bench_number("registers", optarg, 1, MAX_REGISTERS);
        else
            exit(2);
    }
    if (line->link == NULL || optind < argc)
        errx(2, "usage: bench_line --link PATH [--baud B] [--units N] [--registers R]");
}

int main(int argc, char **argv)
{
    struct line line = {.baud = 19200, .units = 32, .registers = 40};
    configure(&line, argc, argv);
    line.char_ns = BITS * NS_PER_S / line.baud;
    line.silence_ns = line.char_ns * 7 / 2;
    open_terminal(&line);
    /* The kernel's usual 50 µs late would be most of what a piece is allowed to be. */
    prctl(PR_SET_TIMERSLACK, 1);
    mark(&line);
    bench_ready();
    serve(&line);
    unlink(line.link);
    close(line.slave);
    close(line.master);
    free(line.turnaround.values_ns);
    free(line.lateness.values_ns);
    return 0;
}
