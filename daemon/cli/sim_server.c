#include "sim_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli.h"
#include "clock.h"
#include "memory.h"
#include "sim_listen.h"
#include "sim_pty.h"

enum { EVENTS = 512, INPUT_BYTES = 4 * MODBUS_TCP_MAX_FRAME };

enum port_kind { PORT_SIGNALS, PORT_LISTENER, PORT_STREAM };

/* How frames go over a stream. */
struct framing {
    /* Takes one off the front: its length, 0 for more bytes, -EBADMSG. Good until the next. */
    int (*parse)(const uint8_t *bytes, size_t length, struct modbus_frame *ret_frame);
    size_t (*wrap)(const struct modbus_frame *request, const uint8_t *pdu, size_t length,
                   uint8_t *ret_frame);
    bool finds; /* the next frame behind bytes that are none */
};

/* Whatever epoll watches. A stream is a connection or a pseudo-terminal. */
struct port {
    enum port_kind kind;
    int fd;
    const struct framing *framing;
    const struct sim_bus *bus;
    struct port *next, **link; /* of the server's list */
    struct sim_pty pty;        /* path NULL for all but pseudo-terminals */
    struct text out;           /* what the other side does not take yet, from `sent` on */
    size_t sent;
    uint64_t lines; /* of text that were said */
    int64_t said_ns;
    uint16_t have;
    uint8_t *in; /* INPUT_BYTES of a stream */
};

struct sim_server {
    int epoll;
    struct port *ports;
    const struct sim_clock *clock;
    int64_t tended_ns;
    struct sim_totals totals;
    bool told_of_files; /* that there are no file descriptors left */
};

static int parse_ascii(const uint8_t *bytes, size_t length, struct modbus_frame *ret_frame)
{
    static uint8_t room[MODBUS_ASCII_MAX_BYTES];
    return modbus_ascii_parse(bytes, length, room, ret_frame);
}

static size_t wrap_tcp(const struct modbus_frame *request, const uint8_t *pdu, size_t length,
                       uint8_t *ret_frame)
{
    return modbus_tcp_wrap(request->transaction, request->unit, pdu, length, ret_frame);
}

static size_t wrap_rtu(const struct modbus_frame *request, const uint8_t *pdu, size_t length,
                       uint8_t *ret_frame)
{
    return modbus_rtu_wrap(request->unit, pdu, length, ret_frame);
}

static size_t wrap_ascii(const struct modbus_frame *request, const uint8_t *pdu, size_t length,
                         uint8_t *ret_frame)
{
    return modbus_ascii_wrap(request->unit, pdu, length, ret_frame);
}

static const struct framing *framing_of(const struct link *link)
{
    static const struct framing tcp = {modbus_tcp_parse, wrap_tcp, false},
                                rtu = {modbus_rtu_parse_request, wrap_rtu, true},
                                ascii = {parse_ascii, wrap_ascii, true};
    static const struct framing *const framings[DRIVER_RECORDING + 1] = {
        [DRIVER_MODBUS_TCP] = &tcp,         [DRIVER_MODBUS_RTU] = &rtu,
        [DRIVER_MODBUS_RTU_TCP] = &rtu,     [DRIVER_MODBUS_ASCII] = &ascii,
        [DRIVER_MODBUS_ASCII_TCP] = &ascii,
    };
    return framings[link->driver];
}

static struct port *add_port(struct sim_server *server, enum port_kind kind, int fd,
                             const struct sim_bus *bus)
{
    struct port *port = mem_alloc(sizeof(*port));
    port->kind = kind;
    port->fd = fd;
    port->bus = bus;
    port->framing = bus ? framing_of(bus->link) : NULL;
    if (kind == PORT_STREAM)
        port->in = mem_alloc(INPUT_BYTES);
    port->next = server->ports;
    port->link = &server->ports;
    if (port->next)
        port->next->link = &port->next;
    server->ports = port;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = port};
    epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event);
    return port;
}

static void free_port(struct port *port)
{
    if (port->pty.path)
        sim_pty_close(&port->pty);
    else
        close(port->fd);
    text_free(&port->out);
    free(port->in);
    free(port);
}

static void drop_port(struct port *port)
{
    *port->link = port->next;
    if (port->next)
        port->next->link = port->link;
    free_port(port);
}

struct sim_server *sim_server_new(const struct sim_clock *clock)
{
    struct sim_server *server = mem_alloc(sizeof(*server));
    server->clock = clock;
    server->epoll = epoll_create1(EPOLL_CLOEXEC);

    signal(SIGPIPE, SIG_IGN); /* machines that speak may do so to one that has just gone */
    add_port(server, PORT_SIGNALS, cli_open_signals(), NULL);
    return server;
}

void sim_server_free(struct sim_server *server)
{
    if (!server)
        return;
    struct port *next = NULL;
    for (struct port *port = server->ports; port; port = next) {
        next = port->next;
        free_port(port);
    }
    close(server->epoll);
    free(server);
}

static int add_pty(struct sim_server *server, const struct sim_bus *bus, struct text *ret_trouble)
{
    struct sim_pty pty;
    if (sim_pty_open(bus->link->device, &pty, ret_trouble) < 0)
        return -1;
    add_port(server, PORT_STREAM, pty.master, bus)->pty = pty;
    return 0;
}

int sim_server_add(struct sim_server *server, const struct sim_bus *bus, struct text *ret_trouble)
{
    if (bus->link->device)
        return add_pty(server, bus, ret_trouble);
    int fd = sim_listen(bus->link->host, bus->link->port, ret_trouble);
    if (fd < 0)
        return -1;
    add_port(server, PORT_LISTENER, fd, bus);
    return 0;
}

static void accept_all(struct sim_server *server, const struct port *listener)
{
    int fd;
    while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        add_port(server, PORT_STREAM, fd, listener->bus);
        server->totals.connections++;
    }
    if (errno != EMFILE && errno != ENFILE)
        return;
    if (!server->told_of_files)
        cli_error("no file descriptors are left for more connections; raise ulimit -n");
    server->told_of_files = true;
    poll(NULL, 0, 10); /* the connection stays pending: don't spin on it */
}

static void answer(struct sim_server *server, struct port *port, const struct modbus_frame *request,
                   int64_t time_ms)
{
    uint8_t pdu[MODBUS_MAX_PDU];
    size_t length = sim_bus_answer(port->bus, request, time_ms, pdu);
    if (length == 0)
        return;
    uint8_t frame[MODBUS_ASCII_MAX_FRAME];
    text_add_bytes(&port->out, frame, port->framing->wrap(request, pdu, length, frame));
    server->totals.answers++;
}

/* Answers every whole frame in the input. False where the stream makes no sense any more; on a
 * line a byte is skipped, and the next frame found by its CRC or ':'. */
static bool answer_all(struct sim_server *server, struct port *port, int64_t time_ms)
{
    size_t at = 0;
    struct modbus_frame request;
    for (;;) {
        int length = port->framing->parse(port->in + at, port->have - at, &request);
        if (length == 0)
            break;
        if (length < 0 && !port->framing->finds)
            return false;
        if (length > 0)
            answer(server, port, &request, time_ms);
        at += length > 0 ? (size_t)length : 1;
    }
    memmove(port->in, port->in + at, port->have - at);
    port->have = (uint16_t)(port->have - at);
    return true;
}

/* Lines of text to those that were asked. What is no question is forgotten but for its end, in
 * which one may begin. */
static void answer_questions(struct sim_server *server, struct port *port, int64_t time_ms)
{
    const struct sim_bus *bus = port->bus;
    for (size_t i = 0; i < bus->speaker_count; i++) {
        size_t end = sim_speaker_asked(bus->speakers[i], port->in, port->have);
        if (end == 0)
            continue;
        sim_speaker_say(bus->speakers[i], port->lines++, time_ms, &port->out);
        server->totals.answers++;
        port->have = (uint16_t)(port->have - end);
        memmove(port->in, port->in + end, port->have);
    }
    if (port->have <= TEXT_MAX_BYTES)
        return;
    memmove(port->in, port->in + port->have - TEXT_MAX_BYTES, TEXT_MAX_BYTES);
    port->have = TEXT_MAX_BYTES;
}

/* Whether a machine there speaks of its own accord; it is alone then. */
static bool speaks(const struct port *port)
{
    return port->kind == PORT_STREAM && port->bus->speaker_count > 0 &&
           machine_speaks(sim_speaker_machine(port->bus->speakers[0]));
}

/* Sends what is due; while some is left, the stream is watched for room and not read. */
static bool send_due(const struct sim_server *server, struct port *port, bool watched)
{
    while (port->sent < port->out.length) {
        ssize_t sent = write(port->fd, port->out.data + port->sent, port->out.length - port->sent);
        if (sent < 0 && errno == EAGAIN)
            break;
        if (sent < 0)
            return false;
        port->sent += (size_t)sent;
    }
    bool left = port->sent < port->out.length;
    if (!left) {
        text_clear(&port->out);
        port->sent = 0;
    }
    if (left != watched) {
        struct epoll_event event = {.events = left ? EPOLLOUT : EPOLLIN, .data.ptr = port};
        epoll_ctl(server->epoll, EPOLL_CTL_MOD, port->fd, &event);
    }
    return true;
}

static bool serve(struct sim_server *server, struct port *port, uint32_t events, int64_t time_ms)
{
    if (port->out.length)
        return send_due(server, port, true);
    ssize_t taken = read(port->fd, port->in + port->have, INPUT_BYTES - port->have);
    if (taken < 0)
        return errno == EAGAIN || errno == EINTR || (port->pty.path && errno == EIO);
    if (taken == 0)
        return !(events & (EPOLLIN | EPOLLHUP | EPOLLERR));
    port->have = (uint16_t)(port->have + taken);
    if (port->pty.path)
        sim_pty_forget_speed(&port->pty);
    if (port->bus->speaker_count > 0)
        answer_questions(server, port, time_ms);
    else if (!answer_all(server, port, time_ms))
        return false;
    return send_due(server, port, false);
}

/* Lines of those that speak of their own accord, as often as they are due; not while nobody takes
 * them. Returns in how many milliseconds to come again, at most `most_ms`. */
static int speak_all(struct sim_server *server, int64_t now_ns, int64_t time_ms, int most_ms)
{
    for (struct port *port = server->ports; port; port = port->next) {
        if (!speaks(port))
            continue;
        int64_t every_ns = sim_speaker_machine(port->bus->speakers[0])->every_ms * NS_PER_MS;
        if (port->out.length == 0 && now_ns - port->said_ns >= every_ns) {
            port->said_ns = now_ns;
            sim_speaker_say(port->bus->speakers[0], port->lines++, time_ms, &port->out);
            server->totals.answers++;
            if (!send_due(server, port, false))
                text_clear(&port->out); /* its end will be heard of */
        }
        if (every_ns / NS_PER_MS < most_ms)
            most_ms = (int)(every_ns / NS_PER_MS);
    }
    return most_ms;
}

/* Once a second, for clients that were killed before they asked anything. */
static void tend_ptys(struct sim_server *server, int64_t now_ns)
{
    if (now_ns - server->tended_ns < NS_PER_S)
        return;
    server->tended_ns = now_ns;
    for (const struct port *port = server->ports; port; port = port->next)
        if (port->pty.path)
            sim_pty_forget_speed(&port->pty);
}

bool sim_server_step(struct sim_server *server, int timeout_ms)
{
    struct epoll_event events[EVENTS];
    timeout_ms = speak_all(server, clock_mono_ns(), sim_clock_now(server->clock), timeout_ms);
    int count = epoll_wait(server->epoll, events, EVENTS, timeout_ms);
    int64_t time_ms = sim_clock_now(server->clock);
    bool ended = false;
    tend_ptys(server, clock_mono_ns());
    for (int i = 0; i < count; i++) {
        struct port *port = events[i].data.ptr;
        if (port->kind == PORT_SIGNALS) {
            ended = true;
        } else if (port->kind == PORT_LISTENER) {
            accept_all(server, port);
        } else if (!serve(server, port, events[i].events, time_ms)) {
            server->totals.connections -= port->pty.path ? 0 : 1;
            drop_port(port);
        }
    }
    return ended;
}

struct sim_totals sim_server_totals(const struct sim_server *server)
{
    return server->totals;
}
