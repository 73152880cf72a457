#include "date.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum {
    DAYS_TO_1970 = 719468, /* from 0000-03-01 */
    DAYS_A_CYCLE = 146097, /* of 400 years */
    WEEKDAY_OF_1970 = 3,   /* a Thursday */
    YEAR_LEAST = 1970,
    YEAR_MOST = 2999,
    NAME_LENGTH = 3,
};

static const char *const weekdays[DAYS_A_WEEK] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/* Both after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years begin in March,
 * so that the leap day is a year's last. */
int32_t date_to_day(int year, int month, int day_of_month)
{
    int from_march = month <= 2 ? year - 1 : year;
    int cycle = (from_march >= 0 ? from_march : from_march - 399) / 400;
    int of_cycle = from_march - cycle * 400;
    int of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day_of_month - 1;
    int day_of_cycle = of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + of_year;

    return cycle * DAYS_A_CYCLE + day_of_cycle - DAYS_TO_1970;
}

void date_of_day(int32_t day, int *ret_year, int *ret_month, int *ret_day_of_month)
{
    int from_march = day + DAYS_TO_1970;
    int cycle = (from_march >= 0 ? from_march : from_march - (DAYS_A_CYCLE - 1)) / DAYS_A_CYCLE;
    int day_of_cycle = from_march - cycle * DAYS_A_CYCLE;
    int of_cycle = (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36524 -
                    day_of_cycle / (DAYS_A_CYCLE - 1)) /
                   365;
    int of_year = day_of_cycle - (365 * of_cycle + of_cycle / 4 - of_cycle / 100);
    int month = (5 * of_year + 2) / 153;

    *ret_day_of_month = of_year - (153 * month + 2) / 5 + 1;
    *ret_month = month < 10 ? month + 3 : month - 9;
    *ret_year = of_cycle + cycle * 400 + (*ret_month <= 2);
}

unsigned date_weekday(int32_t day)
{
    int weekday = (day % DAYS_A_WEEK + WEEKDAY_OF_1970) % DAYS_A_WEEK;

    return (unsigned)(weekday < 0 ? weekday + DAYS_A_WEEK : weekday);
}

const char *date_weekday_name(unsigned weekday)
{
    return weekdays[weekday];
}

/* So many digits; -1 where there are others. */
static int read_digits(const char *text, size_t count)
{
    int number = 0;

    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        number = number * 10 + (text[i] - '0');
    }
    return number;
}

int parse_date(const char *text, int32_t *ret_day)
{
    int back_year = 0, back_month = 0, back_day = 0;

    if (strlen(text) != strlen("2026-11-27") || text[4] != '-' || text[7] != '-')
        return -EINVAL;
    int year = read_digits(text, 4), month = read_digits(text + 5, 2);
    int day_of_month = read_digits(text + 8, 2);
    if (year < YEAR_LEAST || year > YEAR_MOST || month < 1 || month > 12 || day_of_month < 1)
        return -EINVAL;
    int32_t day = date_to_day(year, month, day_of_month);
    date_of_day(day, &back_year, &back_month, &back_day);
    if (back_month != month || back_day != day_of_month) /* as the 30th of February */
        return -EINVAL;
    *ret_day = day;
    return 0;
}

int parse_time(const char *text, uint16_t *ret_minutes)
{
    size_t digits = strcspn(text, ":");

    if (digits < 1 || digits > 2 || strlen(text) != digits + strlen(":00"))
        return -EINVAL;
    int hours = read_digits(text, digits), minutes = read_digits(text + digits + 1, 2);
    if (hours < 0 || minutes < 0 || minutes > 59 || hours * 60 + minutes > MINUTES_A_DAY)
        return -EINVAL;
    *ret_minutes = (uint16_t)(hours * 60 + minutes);
    return 0;
}

/* -1 where there is none of that name. */
static int find_weekday(const char *text)
{
    for (int i = 0; i < DAYS_A_WEEK; i++)
        if (strncmp(text, weekdays[i], NAME_LENGTH) == 0)
            return i;
    return -1;
}

int parse_weekdays(const char *text, uint8_t *ret_weekdays)
{
    bool is_range = strlen(text) == 2 * NAME_LENGTH + 1 && text[NAME_LENGTH] == '-';

    if (!is_range && strlen(text) != NAME_LENGTH)
        return -EINVAL;
    int first = find_weekday(text);
    int last = is_range ? find_weekday(text + NAME_LENGTH + 1) : first;
    if (first < 0 || last < 0)
        return -EINVAL;
    unsigned days = 1U << last;
    for (int day = first; day != last; day = (day + 1) % DAYS_A_WEEK)
        days |= 1U << day;
    *ret_weekdays = (uint8_t)days;
    return 0;
}
