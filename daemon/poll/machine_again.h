/* The tag that says a machine's job, asked again. Where it says another job than the one that is
 * on, it is asked once more behind all else that the poll asks for: where it says the same, the
 * change is sure, and what was counted up to then is the old job's or in doubt, but none of it is
 * mistaken. Where it differs it was read while it was written, and is asked a last time. So polls
 * without another job ask for nothing more. */
#ifndef BINDERY_MACHINE_AGAIN_H
#define BINDERY_MACHINE_AGAIN_H

#include "machine.h"

enum { MACHINE_AGAIN_MOST = 2 }; /* so often in a poll */

/* Whether it is to be asked again, once all that is due was asked. */
bool machine_again_wanted(const struct machine_run *run);

/* What it said then; a sample that is not good ends it. The text is copied. */
void machine_again_heard(struct machine_run *run, const struct sample *sample);

#endif
