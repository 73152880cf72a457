#include "clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

enum { BOOT_ID_LENGTH = 36 };

static atomic_bool synced;

static pthread_once_t boot_id_once = PTHREAD_ONCE_INIT;
static char boot_id[BOOT_ID_LENGTH + 1] = "unknown";

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t clock_mono_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

void clock_now(struct instant *ret_now)
{
    int64_t boot_ns = clock_ns(CLOCK_BOOTTIME);
    /* so that both clocks turn to the next millisecond together: times that are told by one and
     * shown by the other keep their distances */
    int64_t offset_ms = (clock_ns(CLOCK_REALTIME) - boot_ns) / NS_PER_MS;
    ret_now->boot_ms = boot_ns / NS_PER_MS;
    ret_now->wall_ms = ret_now->boot_ms + offset_ms;
    ret_now->synced = atomic_load_explicit(&synced, memory_order_relaxed);
}

bool clock_refresh(void)
{
    struct timex kernel = {.modes = 0};
    int state = adjtimex(&kernel);
    /* A kernel that won't tell (seccomp, ProtectClock) leaves the time in doubt. */
    bool answer = state >= 0 && state != TIME_ERROR && !(kernel.status & STA_UNSYNC);

    atomic_store_explicit(&synced, answer, memory_order_relaxed);
    return answer;
}

static void read_boot_id(void)
{
    char line[BOOT_ID_LENGTH + 2];
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

    if (!file)
        return;
    if (fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = '\0';
        if (strlen(line) == BOOT_ID_LENGTH)
            memcpy(boot_id, line, sizeof(boot_id));
    }
    fclose(file);
}

const char *clock_boot_id(void)
{
    pthread_once(&boot_id_once, read_boot_id);
    return boot_id;
}
