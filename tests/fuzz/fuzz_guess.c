/* What bindery guess keeps in a file, and lists of units: daemon/cli/guess_keep.c, scan_units.c.
 *
 * Input: a text. What is understood of it is written in its plain form, and that means the same. */
#include <errno.h>

#include "fuzz.h"
#include "guess_keep.h"
#include "scan_units.h"

static void check_file(const char *file)
{
    struct guess_list list = {0}, again = {0};
    struct text plain = {0};
    int line = guess_keep_parse(file, &list);

    if (line != 0) {
        CLAIM(line > 0 && list.count == 0);
    } else {
        guess_keep_format(&list, &plain);
        CLAIM(guess_keep_parse(plain.data, &again) == 0 && again.count == list.count);
        for (size_t i = 0; i < list.count; i++) {
            const struct guess *a = &list.items[i], *b = &again.items[i];
            CLAIM(a->area == b->area && a->address == b->address && a->type == b->type &&
                  a->order == b->order && a->exponent == b->exponent);
            const struct tag tag = guess_tag(a);
            CLAIM(tag_width(&tag) >= 1 && tag_width(&tag) <= 4);
        }
    }
    text_free(&plain);
    free(list.items);
    free(again.items);
}

static void check_units(const char *text)
{
    bool units[SCAN_UNITS] = {true};
    int result = scan_units_parse(text, 1, 247, units);
    size_t count = 0;

    if (result != 0) {
        CLAIM(result == -EINVAL && units[0]);
        return;
    }
    for (size_t i = 0; i < SCAN_UNITS; i++)
        count += units[i];
    CLAIM(!units[0] && !units[248] && count >= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    char *text = input_string(&input);

    check_file(text);
    check_units(text);
    free(text);
    return 0;
}
