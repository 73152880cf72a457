#include "guess_match.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "memory.h"
#include "value.h"

/* How far from plain each is. */
static const struct {
    enum tag_type type;
    int cost;
    bool real;
} types[] = {
    {TYPE_U16, 0, false}, {TYPE_U32, 2, false},   {TYPE_S16, 3, false},   {TYPE_S32, 4, false},
    {TYPE_F32, 4, true},  {TYPE_BCD16, 6, false}, {TYPE_BCD32, 7, false}, {TYPE_F64, 8, true},
    {TYPE_U64, 9, false}, {TYPE_S64, 10, false},
};

static const int order_costs[] = {
    [0] = 0,                                   /* ABCD */
    [ORDER_SWAP_WORDS] = 1,                    /* CDAB */
    [ORDER_SWAP_BYTES] = 8,                    /* BADC */
    [ORDER_SWAP_WORDS | ORDER_SWAP_BYTES] = 8, /* DCBA */
};

enum { TYPES = sizeof(types) / sizeof(types[0]), EXPONENT_COST = 3, WIDEST = 4 };

int guess_parse_value(const char *text, struct guess_value *ret_value)
{
    struct decimal number;
    if (decimal_parse(text, &number) != 0 || number.mantissa == 0)
        return -EINVAL;
    const char *point = strchr(text, '.');
    *ret_value = (struct guess_value){number, (uint8_t)(point ? strlen(point + 1) : 0)};
    return 0;
}

static struct decimal power_of_ten(int exponent)
{
    struct decimal power = {.mantissa = 1, .decimals = (uint8_t)(exponent < 0 ? -exponent : 0)};
    for (; exponent > 0; exponent--)
        power.mantissa *= 10;
    return power;
}

struct tag guess_tag(const struct guess *guess)
{
    return (struct tag){.name = "value",
                        .area = guess->area,
                        .address = guess->address,
                        .bit = -1,
                        .type = guess->type,
                        .order = guess->order,
                        .scale = power_of_ten(guess->exponent),
                        .every_ms = 1000};
}

void guess_add(struct guess_list *list, const struct guess *guess)
{
    if (list->count == list->room) {
        list->room = list->room > 0 ? 2 * list->room : 64;
        list->items = mem_resize(list->items, list->room * sizeof(*list->items));
    }
    list->items[list->count++] = *guess;
}

/* Both have their decimals at their least. */
static bool same_number(struct decimal a, struct decimal b)
{
    while (a.decimals > 0 && a.mantissa % 10 == 0) {
        a.mantissa /= 10;
        a.decimals--;
    }
    return a.mantissa == b.mantissa && a.decimals == b.decimals;
}

/* Half a step of the last digit that is shown; a little more, since neither is exact. */
static bool shown_as(double real, const struct guess_value *value)
{
    double half = 0.5 * pow(10, -value->decimals);
    return fabs(real - decimal_number(value->number)) <= half * (1 + 1e-9);
}

bool guess_holds(const struct guess *guess, const struct guess_image *image,
                 const struct guess_value *value)
{
    const struct tag tag = guess_tag(guess);
    struct sample sample;
    if (guess->address + tag_width(&tag) > GUESS_ADDRESSES)
        return false;
    for (unsigned i = 0; i < tag_width(&tag); i++)
        if (!image->known[guess->address + i])
            return false;
    decode_tag(&tag, image->words + guess->address, NULL, &sample);
    switch (sample.value.kind) {
    case VALUE_DECIMAL:
        return same_number((struct decimal){sample.value.mantissa, sample.value.decimals},
                           value->number);
    case VALUE_REAL32:
    case VALUE_REAL64:
        return shown_as(value_number(&sample.value), value);
    default:
        return false;
    }
}

static void find_types(const struct guess_image *image, uint16_t address, int8_t exponent,
                       const struct guess_value *value, struct guess_list *list)
{
    struct guess guess = {.area = image->area, .address = address, .exponent = exponent};
    for (size_t i = 0; i < TYPES; i++)
        for (uint8_t order = 0; order < 4; order++) {
            guess.type = types[i].type;
            guess.order = order;
            const struct tag tag = guess_tag(&guess);
            /* One word has none to swap. */
            bool same = tag_width(&tag) == 1 && (order & ORDER_SWAP_WORDS) != 0;
            if (!same && guess_holds(&guess, image, value))
                guess_add(list, &guess);
        }
}

void guess_find(const struct guess_image *image, const struct guess_value *value,
                struct guess_list *list)
{
    for (int address = 0; address < GUESS_ADDRESSES; address++) {
        if (!image->known[address])
            continue;
        for (int exponent = GUESS_LEAST_EXPONENT; exponent <= GUESS_MOST_EXPONENT; exponent++)
            find_types(image, (uint16_t)address, (int8_t)exponent, value, list);
    }
}

/* A whole number with as many decimals as are shown needs no other explanation, nor does a real. */
static int cost(const struct guess *guess, const struct guess_value *value)
{
    for (size_t i = 0; i < TYPES; i++)
        if (types[i].type == guess->type) {
            int expected = types[i].real ? 0 : -value->decimals;
            return types[i].cost + order_costs[guess->order] +
                   EXPONENT_COST * abs(guess->exponent - expected);
        }
    return 0;
}

static int compare(const void *a, const void *b, void *context)
{
    const struct guess *left = a, *right = b;
    int by_cost = cost(left, context) - cost(right, context);
    if (by_cost != 0)
        return by_cost;
    if (left->area != right->area)
        return left->area == AREA_HOLDING ? -1 : 1;
    if (left->address != right->address)
        return left->address - right->address;
    if (left->type != right->type)
        return (int)left->type - (int)right->type;
    return left->order != right->order ? left->order - right->order
                                       : left->exponent - right->exponent;
}

void guess_sort(struct guess_list *list, const struct guess_value *value)
{
    struct guess_value context = *value;
    if (list->count > 0)
        qsort_r(list->items, list->count, sizeof(*list->items), compare, &context);
}

static enum tag_type unsigned_of(enum tag_type type)
{
    switch (type) {
    case TYPE_S16:
        return TYPE_U16;
    case TYPE_S32:
        return TYPE_U32;
    case TYPE_S64:
        return TYPE_U64;
    default:
        return type;
    }
}

bool guess_is_twin(const struct guess_list *list, size_t index)
{
    const struct guess *guess = &list->items[index];
    enum tag_type plain = unsigned_of(guess->type);
    for (size_t i = 0; i < index && plain != guess->type; i++) {
        const struct guess *before = &list->items[i];
        if (before->type == plain && before->area == guess->area &&
            before->address == guess->address && before->order == guess->order &&
            before->exponent == guess->exponent)
            return true;
    }
    return false;
}
