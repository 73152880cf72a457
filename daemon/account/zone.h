/* The plant's time zone: between UTC and the clock on its wall, by the C library and the system's
 * tables. The zone is the process's. Any thread, once zone_use has been called. */
#ifndef BINDERY_ZONE_H
#define BINDERY_ZONE_H

#include <stdint.h>

/* Takes a zone that plant_load has accepted, or NULL for the system's, for the whole life of the
 * process: it changes the environment, so call it before there are threads. */
void zone_use(const char *zone);

/* What the wall shows, as milliseconds since 1970-01-01 00:00 there. 0, or -ERANGE beyond the years
 * 1970 to 9999. */
int zone_to_local(int64_t utc_ms, int64_t *ret_local_ms);

/* The first instant in UTC when the wall shows that minute of that day, or a later one. So a time
 * that the change of clocks leaves out is the instant of the change, and one that comes twice is
 * its first; and of two times the later one is never the earlier instant. The minute may be beyond
 * the day. Days of the years 1970 to 9999. */
int64_t zone_from_local(int32_t day, int minute);

#endif
