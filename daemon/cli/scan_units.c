#include "scan_units.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* A number of at most three digits, whose place it moves behind; -1 where there is none. */
static int take_number(const char **text)
{
    int number = 0, digits = 0;
    for (; isdigit((unsigned char)**text) && digits < 4; ++*text, digits++)
        number = number * 10 + (**text - '0');
    return digits > 0 && digits < 4 ? number : -1;
}

int scan_units_parse(const char *text, int least, int most, bool ret_units[SCAN_UNITS])
{
    bool units[SCAN_UNITS] = {0};
    do {
        int first = take_number(&text);
        int last = first;
        if (*text == '-') {
            text++;
            last = take_number(&text);
        }
        if (first < least || last > most || last < first)
            return -EINVAL;
        for (int unit = first; unit <= last; unit++)
            units[unit] = true;
    } while (*text++ == ',');
    if (text[-1] != '\0')
        return -EINVAL;
    memcpy(ret_units, units, sizeof(units));
    return 0;
}
