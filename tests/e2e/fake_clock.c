/* Preloaded into the gateway: a wall clock that the test sets.
 *
 * The file that $FAKE_CLOCK_FILE names holds two or three numbers: 1 or 0, whether the clock counts
 * as synchronised, the milliseconds by which it is off, and those that the box was suspended for,
 * which CLOCK_BOOTTIME counts. It is read afresh at every call; a file that is being replaced
 * leaves the last state. CLOCK_MONOTONIC stays true, and who waits until a time of this wall clock
 * waits as long as it would by the kernel's. */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

static int synced = 1;
static long long off_ms, asleep_ms;

static void state_read(void)
{
    const char *path = getenv("FAKE_CLOCK_FILE");
    char text[64];
    int flag;
    long long ms, asleep = 0;

    int file = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    ssize_t length = read(file, text, sizeof(text) - 1);
    close(file);
    if (length <= 0)
        return;
    text[length] = '\0';
    if (sscanf(text, "%d %lld %lld", &flag, &ms, &asleep) < 2)
        return;
    __atomic_store_n(&synced, flag, __ATOMIC_RELAXED);
    __atomic_store_n(&off_ms, ms, __ATOMIC_RELAXED);
    __atomic_store_n(&asleep_ms, asleep, __ATOMIC_RELAXED);
}

static void advance(struct timespec *now, long long ms)
{
    now->tv_sec += ms / 1000;
    now->tv_nsec += ms % 1000 * 1000000;
    if (now->tv_nsec < 0) {
        now->tv_nsec += 1000000000;
        now->tv_sec--;
    } else if (now->tv_nsec >= 1000000000) {
        now->tv_nsec -= 1000000000;
        now->tv_sec++;
    }
}

static void wall_now(struct timespec *now)
{
    syscall(SYS_clock_gettime, CLOCK_REALTIME, now);
    state_read();
    advance(now, __atomic_load_n(&off_ms, __ATOMIC_RELAXED));
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) {
        wall_now(now);
        return 0;
    }
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && clock == CLOCK_BOOTTIME) {
        state_read();
        advance(now, __atomic_load_n(&asleep_ms, __ATOMIC_RELAXED));
    }
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec wall;

    (void)zone;
    wall_now(&wall);
    now->tv_sec = wall.tv_sec;
    now->tv_usec = wall.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *ret_now)
{
    struct timespec wall;

    wall_now(&wall);
    if (ret_now != NULL)
        *ret_now = wall.tv_sec;
    return wall.tv_sec;
}

/* A deadline far from the wall clock's time is one of another clock. */
enum { FAR_S = 86400 };

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until)
{
    static int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
    struct timespec now, real_until = *until;

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    wall_now(&now);
    if (llabs((long long)until->tv_sec - now.tv_sec) < FAR_S)
        advance(&real_until, -__atomic_load_n(&off_ms, __ATOMIC_RELAXED));
    return real(condition, mutex, &real_until);
}

/* Asking only: a gateway has no business setting the clock. */
int adjtimex(struct timex *state)
{
    int result = (int)syscall(SYS_adjtimex, state);

    state_read();
    if (__atomic_load_n(&synced, __ATOMIC_RELAXED)) {
        state->status &= ~STA_UNSYNC;
        return result == TIME_ERROR ? TIME_OK : result;
    }
    state->status |= STA_UNSYNC;
    return TIME_ERROR;
}

int ntp_adjtime(struct timex *state)
{
    return adjtimex(state);
}
