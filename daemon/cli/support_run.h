/* Runs another program and takes what it says. */
#ifndef BINDERY_SUPPORT_RUN_H
#define BINDERY_SUPPORT_RUN_H

#include <stdint.h>

#include "text.h"

/* Appends its standard output and standard error, at most SUPPORT_RUN_MOST bytes; one that takes
 * longer is killed. Its exit status, or negative errno where it could not be run or ended
 * otherwise. argv[0] is looked for in PATH where it has no slash. */
enum { SUPPORT_RUN_MOST = 8 << 20 };
int support_run(char *const *argv, int64_t timeout_ms, struct text *ret_output);

#endif
