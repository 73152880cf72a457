/* Which units a scan asks: "1-32,40". Pure. */
#ifndef BINDERY_SCAN_UNITS_H
#define BINDERY_SCAN_UNITS_H

#include <stdbool.h>

enum { SCAN_UNITS = 256 };

/* 0, or -EINVAL where it is no list of numbers and ranges of least to most. */
int scan_units_parse(const char *text, int least, int most, bool ret_units[SCAN_UNITS]);

#endif
