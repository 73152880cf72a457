/* Days, dates and times of day, as numbers and as words. Proleptic Gregorian calendar. Pure. */
#ifndef BINDERY_DATE_H
#define BINDERY_DATE_H

#include <stdint.h>

enum { DAYS_A_WEEK = 7, MINUTES_A_DAY = 1440 };

/* The day of a date, counted from 1970-01-01, and back. Years -9999 to 9999, months from 1. */
int32_t date_to_day(int year, int month, int day_of_month);
void date_of_day(int32_t day, int *ret_year, int *ret_month, int *ret_day_of_month);

/* 0 is Monday, 6 Sunday; "mon", "sun". */
unsigned date_weekday(int32_t day);
const char *date_weekday_name(unsigned weekday);

/* Each 0 or -EINVAL with what is returned untouched. */
int parse_date(const char *text, int32_t *ret_day);          /* "2026-11-27": 1970 to 2999 */
int parse_time(const char *text, uint16_t *ret_minutes);     /* "6:00", "22:30"; to 24:00 */
int parse_weekdays(const char *text, uint8_t *ret_weekdays); /* "mon", "fri-mon": bit 0 is Monday */

#endif
