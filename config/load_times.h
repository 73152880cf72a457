/* Readers of times and days. What they refuse becomes a fault. */
#ifndef BINDERY_LOAD_TIMES_H
#define BINDERY_LOAD_TIMES_H

#include "load.h"

enum { LOAD_MAX_HOLIDAYS = 1024 };

/* Minutes from midnight; 24:00 only where it is an end. False after adding a fault. */
bool load_time(struct load *load, const char *key, const struct node *value, bool is_end,
               uint16_t *ret_minutes);

/* A weekday, a range of them, or a list of these; bit 0 is Monday. What is left after faults. */
uint8_t load_weekdays(struct load *load, const char *key, const struct node *value);

/* A list of dates and ranges: how many came of it, in the plant's memory. */
size_t load_holidays(struct load *load, const char *key, const struct node *list,
                     const struct holidays **ret_holidays);

#endif
