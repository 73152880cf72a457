/* Preloaded into the gateway: a moment at which there is no memory.
 *
 * $ALLOCATION_FAIL is the number of the call that fails, counted over all threads, `12` that one
 * alone and `12+` that one and all after it. Told on standard error are who was refused, who it
 * was that died of it, and at the end how many calls there were. Not for programs with a sanitizer:
 * it has an allocator of its own. */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* glibc's own, by the names it keeps for those who stand in between. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

enum { TOLD_MOST = 64, FRAMES_MOST = 48 };

static atomic_ulong calls;
static unsigned long fail_at; /* 0: never */
static bool fail_after;
static atomic_uint told;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    char line[256];
    va_list args;

    va_start(args, format);
    int length = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    ssize_t written = write(STDERR_FILENO, line, (size_t)length);

    (void)written;
}

/* The object that code lies in. */
static const char *name_of(const void *code)
{
    Dl_info info;

    if (dladdr(code, &info) == 0 || info.dli_fname == NULL)
        return "somebody";
    const char *slash = strrchr(info.dli_fname, '/');
    return slash != NULL ? slash + 1 : info.dli_fname;
}

/* Whoever called into libc is to blame, not libc. The signal comes again once we return. */
static void death_tell(int number)
{
    void *frames[FRAMES_MOST];
    int count = backtrace(frames, FRAMES_MOST);
    const char *who = "somebody";

    for (int i = 1; i < count; i++) {
        who = name_of(frames[i]);
        if (strncmp(who, "libc.", 5) != 0 && strncmp(who, "allocation", 10) != 0)
            break;
    }
    say("allocation: signal %d in %s\n", number, who);
}

static void deaths_watch(void)
{
    const struct sigaction action = {.sa_handler = death_tell, .sa_flags = (int)SA_RESETHAND};
    void *frames[1];

    backtrace(frames, 1); /* the first call allocates */
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGABRT, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
}

__attribute__((constructor)) static void setting_read(void)
{
    const char *setting = getenv("ALLOCATION_FAIL");
    char *end;

    if (setting == NULL)
        return;
    deaths_watch();
    fail_at = strtoul(setting, &end, 10);
    fail_after = *end == '+';
    atomic_store(&calls, 0);
}

__attribute__((destructor)) static void count_tell(void)
{
    say("allocation: %lu calls\n", atomic_load(&calls));
}

static bool is_refused(const void *caller)
{
    unsigned long number = atomic_fetch_add(&calls, 1) + 1;

    if (fail_at == 0 || number < fail_at || (number > fail_at && !fail_after))
        return false;
    if (atomic_fetch_add(&told, 1) < TOLD_MOST)
        say("allocation: call %lu refused to %s\n", number, name_of(caller));
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return is_refused(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return is_refused(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    return is_refused(__builtin_return_address(0)) ? NULL : __libc_realloc(block, size);
}

void *memalign(size_t alignment, size_t size)
{
    return is_refused(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return is_refused(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    void *aligned =
        is_refused(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, size);

    if (aligned == NULL)
        return ENOMEM;
    *block = aligned;
    return 0;
}
