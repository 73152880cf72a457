#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cli.h"
#include "clock.h"

enum { TELL_EVERY_MS = 200 };

void progress_begin(struct progress *progress)
{
    *progress = (struct progress){.on = isatty(STDERR_FILENO), .began_ns = clock_mono_ns()};
}

void progress_tell(struct progress *progress, const char *what, uint64_t done, uint64_t whole)
{
    int64_t now_ns = clock_mono_ns();
    if (!progress->on || now_ns - progress->told_ns < TELL_EVERY_MS * NS_PER_MS)
        return;
    progress->told_ns = now_ns;
    fprintf(stderr, "\r\033[K%s: %" PRIu64 " of %" PRIu64, what, done, whole);
    if (done > 0 && done <= whole) {
        char left[CLI_WORDS];
        double share = (double)(whole - done) / (double)done;
        double left_ms = (double)(now_ns - progress->began_ns) / (double)NS_PER_MS * share;
        fprintf(stderr, ", %s left", cli_duration((int64_t)left_ms, left));
    }
    fflush(stderr);
}

void progress_clear(struct progress *progress)
{
    if (progress->told_ns != 0)
        fputs("\r\033[K", stderr);
    progress->told_ns = 0;
}
