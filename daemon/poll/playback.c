#include "playback.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "memory.h"
#include "player.h"

struct playback {
    struct link link;
    struct recording *recording;
    struct player player;
    pthread_t thread;
};

static int listen_on_loopback(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) < 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static struct recording *load(const struct link *link)
{
    struct recording *recording = NULL;
    struct text trouble = {0};
    if (recording_read(link->recording->file, &recording, &trouble) < 0) {
        log_error("link %s: %s; its machines stay silent", link->name, trouble.data);
        recording = mem_alloc(sizeof(*recording));
        recording->driver = mem_string(link_driver_name(link->driver));
    }
    text_free(&trouble);
    return recording;
}

static void *play(void *argument)
{
    struct playback *playback = argument;
    while (!player_step(&playback->player, clock_mono_ns() + NS_PER_S))
        continue;
    return NULL;
}

static void release(struct playback *playback)
{
    player_leave(&playback->player);
    if (playback->player.listener >= 0)
        close(playback->player.listener);
    if (playback->player.end >= 0)
        close(playback->player.end);
    replay_free(playback->player.replay);
    recording_free(playback->recording);
    free(playback);
}

int playback_start(const struct link *link, struct playback **ret_playback)
{
    const struct replay_options options = {link->recording->speed, link->recording->repeat};
    struct playback *playback = mem_alloc(sizeof(*playback));
    playback->link = *link;
    playback->recording = load(link);
    playback->player = (struct player){
        .replay = replay_new(playback->recording, &options),
        .listener = listen_on_loopback(&playback->link.port),
        .stream = -1,
        .end = eventfd(0, EFD_CLOEXEC),
    };
    int error = playback->player.listener < 0 ? playback->player.listener : 0;
    if (error == 0 && playback->player.end < 0)
        error = -errno;
    if (error == 0)
        error = -pthread_create(&playback->thread, NULL, play, playback);
    if (error < 0) {
        release(playback);
        return error;
    }
    log_warn("link %s: played from %s, no machine is asked", link->name, link->recording->file);
    *ret_playback = playback;
    return 0;
}

void playback_stop(struct playback *playback)
{
    if (playback == NULL)
        return;
    eventfd_write(playback->player.end, 1);
    pthread_join(playback->thread, NULL);
    release(playback);
}

const struct link *playback_link(const struct playback *playback)
{
    return &playback->link;
}
