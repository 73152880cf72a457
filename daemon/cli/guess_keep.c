#include "guess_keep.h"

#include <stdio.h>
#include <string.h>

#include "words.h"

static const char head[] = "bindery guess 1\n";

static const char *const orders[] = {
    [0] = "ABCD",
    [ORDER_SWAP_WORDS] = "CDAB",
    [ORDER_SWAP_BYTES] = "BADC",
    [ORDER_SWAP_WORDS | ORDER_SWAP_BYTES] = "DCBA",
};

void guess_keep_format(const struct guess_list *list, struct text *out)
{
    text_add(out, head);
    for (size_t i = 0; i < list->count; i++) {
        const struct guess *guess = &list->items[i];
        text_addf(out, "%s %u %s %s %d\n", area_name(guess->area), guess->address,
                  tag_type_name(guess->type), orders[guess->order], guess->exponent);
    }
}

static bool parse_line(const char *line, struct guess *ret_guess)
{
    char area[8], type[8], order[5], at[24];
    const char *expected = NULL;
    unsigned address;
    uint16_t string_bytes;
    int8_t bit;
    int exponent, end = 0;
    if (sscanf(line, "%7[a-z] %5u %7[a-z0-9] %4[A-D] %2d%n", area, &address, type, order, &exponent,
               &end) != 5 ||
        line[end] != '\n')
        return false;
    snprintf(at, sizeof(at), "%s:%u", area, address);
    if (parse_at(at, &ret_guess->area, &ret_guess->address, &bit, &expected) != 0 ||
        parse_type(type, &ret_guess->type, &string_bytes, &expected) != 0 ||
        parse_order(order, &ret_guess->order, &expected) != 0)
        return false;
    ret_guess->exponent = (int8_t)exponent;
    return (ret_guess->area == AREA_HOLDING || ret_guess->area == AREA_INPUT) &&
           ret_guess->type != TYPE_BOOL && ret_guess->type != TYPE_STRING &&
           exponent >= GUESS_LEAST_EXPONENT && exponent <= GUESS_MOST_EXPONENT;
}

int guess_keep_parse(const char *text, struct guess_list *list)
{
    size_t before = list->count;
    int line = 1;
    if (strncmp(text, head, strlen(head)) != 0)
        return line;
    for (text += strlen(head); *text != '\0'; text = strchr(text, '\n') + 1) {
        struct guess guess = {0};
        line++;
        if (line > GUESS_KEEP_MOST || !parse_line(text, &guess)) {
            list->count = before;
            return line;
        }
        guess_add(list, &guess);
    }
    return 0;
}
