#include "player.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "line_io.h"

enum { WRITE_MS = 1000 };

enum { WAIT_END, WAIT_LISTENER, WAIT_STREAM, WAITS };

void player_leave(struct player *player)
{
    if (player->listener < 0 || player->stream < 0)
        return;
    close(player->stream);
    player->stream = -1;
    replay_leave(player->replay);
}

static void let_in(struct player *player)
{
    const int on = 1;

    player->stream = accept4(player->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (player->stream < 0)
        return;
    setsockopt(player->stream, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    replay_enter(player->replay, clock_mono_ns());
}

/* Says what is due; returns when more is. */
static int64_t say(struct player *player, int64_t until_ns)
{
    struct replay_line line;

    while (player->stream >= 0 && replay_next(player->replay, &line)) {
        int64_t now_ns = clock_mono_ns();
        if (line.due_ns > now_ns)
            return line.due_ns < until_ns ? line.due_ns : until_ns;
        int error = 0;
        if (!line.closed)
            error = line_io_write(player->stream, now_ns + WRITE_MS * NS_PER_MS, line.bytes,
                                  line.length);
        replay_said(player->replay, now_ns);
        if (error != 0 || line.closed)
            player_leave(player);
        /* A client that takes what is said without end must not keep us from ending. */
        if (now_ns >= until_ns)
            return until_ns;
    }
    return until_ns;
}

static void hear(struct player *player)
{
    uint8_t bytes[RECORDING_MAX_CHUNK];
    ssize_t count = read(player->stream, bytes, sizeof bytes);

    if (count > 0)
        replay_hear(player->replay, clock_mono_ns(), bytes, (size_t)count);
    else if (count == 0 || (errno != EAGAIN && errno != EINTR))
        player_leave(player);
}

bool player_step(struct player *player, int64_t until_ns)
{
    int64_t wake_ns = say(player, until_ns);
    int64_t left_ns = wake_ns - clock_mono_ns();
    struct timespec left = {0};
    bool there = player->stream >= 0;
    struct pollfd waits[WAITS] = {
        [WAIT_END] = {.fd = player->end, .events = POLLIN},
        [WAIT_LISTENER] = {.fd = there ? -1 : player->listener, .events = POLLIN},
        [WAIT_STREAM] = {.fd = player->stream, .events = POLLRDHUP},
    };

    if (there && replay_listens(player->replay))
        waits[WAIT_STREAM].events |= POLLIN;
    if (left_ns > 0)
        left = (struct timespec){left_ns / NS_PER_S, left_ns % NS_PER_S};
    if (ppoll(waits, WAITS, &left, NULL) <= 0)
        return false;
    if (waits[WAIT_LISTENER].revents != 0)
        let_in(player);
    else if (waits[WAIT_STREAM].revents & POLLIN)
        hear(player);
    else if (waits[WAIT_STREAM].revents != 0)
        player_leave(player);
    return waits[WAIT_END].revents != 0;
}
