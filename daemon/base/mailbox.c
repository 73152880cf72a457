#include "mailbox.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "memory.h"

struct mailbox {
    pthread_mutex_t lock;
    pthread_cond_t served;
    int fd;
    int epoll_fd; /* of that, and what is watched: sleeping on it costs less than poll(2) does */
    void (*fn)(void *argument);
    void *argument;
    bool occupied;
};

struct mailbox *mailbox_new(void)
{
    struct mailbox *mailbox = mem_alloc(sizeof(*mailbox));
    pthread_mutex_init(&mailbox->lock, NULL);
    pthread_cond_init(&mailbox->served, NULL);
    mailbox->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    mailbox->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    if (mailbox->fd < 0 || mailbox->epoll_fd < 0 ||
        epoll_ctl(mailbox->epoll_fd, EPOLL_CTL_ADD, mailbox->fd, &event) < 0) {
        log_error("no descriptor is left to wake a thread with: raise LimitNOFILE");
        exit(EX_OSERR);
    }
    return mailbox;
}

void mailbox_free(struct mailbox *mailbox)
{
    if (mailbox == NULL)
        return;
    close(mailbox->epoll_fd);
    close(mailbox->fd);
    pthread_cond_destroy(&mailbox->served);
    pthread_mutex_destroy(&mailbox->lock);
    free(mailbox);
}

int mailbox_fd(const struct mailbox *mailbox)
{
    return mailbox->fd;
}

void mailbox_call(struct mailbox *mailbox, void (*fn)(void *argument), void *argument)
{
    pthread_mutex_lock(&mailbox->lock);
    while (mailbox->occupied)
        pthread_cond_wait(&mailbox->served, &mailbox->lock);
    mailbox->occupied = true;
    mailbox->fn = fn;
    mailbox->argument = argument;
    eventfd_write(mailbox->fd, 1);
    while (mailbox->fn != NULL)
        pthread_cond_wait(&mailbox->served, &mailbox->lock);
    mailbox->occupied = false;
    pthread_cond_broadcast(&mailbox->served);
    pthread_mutex_unlock(&mailbox->lock);
}

static void serve(struct mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->lock);
    if (mailbox->fn != NULL) {
        mailbox->fn(mailbox->argument);
        mailbox->fn = NULL;
        pthread_cond_broadcast(&mailbox->served);
    }
    pthread_mutex_unlock(&mailbox->lock);
}

void mailbox_watch(struct mailbox *mailbox, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(mailbox->epoll_fd, EPOLL_CTL_ADD, fd, &event); /* EEXIST: it is */
}

void mailbox_unwatch(struct mailbox *mailbox, int fd)
{
    epoll_ctl(mailbox->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

bool mailbox_wait(struct mailbox *mailbox, int64_t until_ns)
{
    struct epoll_event event;
    int64_t wait_ns = until_ns - clock_mono_ns();
    if (wait_ns < 0)
        wait_ns = 0;
    struct timespec wait = {.tv_sec = wait_ns / NS_PER_S, .tv_nsec = wait_ns % NS_PER_S};
    int woken = epoll_pwait2(mailbox->epoll_fd, &event, 1, &wait, NULL);
    if (woken < 0 && errno != EINTR) /* a kernel before 5.11 does not have it */
        woken = ppoll(&(struct pollfd){.fd = mailbox->epoll_fd, .events = POLLIN}, 1, &wait, NULL);
    if (woken <= 0)
        return false;
    eventfd_t count;
    eventfd_read(mailbox->fd, &count);
    serve(mailbox);
    return true;
}
