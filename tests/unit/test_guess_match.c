#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decode.h"
#include "guess_keep.h"
#include "guess_match.h"
#include "text.h"

static struct guess_image *image; /* large */

static int set_up(void **state)
{
    (void)state;
    image = calloc(1, sizeof *image);
    image->area = AREA_HOLDING;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(image);
    return 0;
}

static void put(uint16_t address, const uint16_t *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        image->words[address + i] = words[i];
        image->known[address + i] = true;
    }
}

static bool has(const struct guess_list *list, const struct guess *guess)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].address == guess->address && list->items[i].type == guess->type &&
            list->items[i].order == guess->order && list->items[i].exponent == guess->exponent)
            return true;
    return false;
}

static struct guess_list find(const char *shown)
{
    struct guess_list list = {0};
    struct guess_value value;
    assert_int_equal(guess_parse_value(shown, &value), 0);
    guess_find(image, &value, &list);
    guess_sort(&list, &value);
    return list;
}

static void test_guess_finds_every_type_in_every_order_and_scale(void **state)
{
    static const struct {
        enum tag_type type;
        double raw;
    } numbers[] = {
        {TYPE_U16, 43210},      {TYPE_S16, -4321},     {TYPE_U32, 3000012345.0},
        {TYPE_S32, -70012345},  {TYPE_U64, 9e11 + 7},  {TYPE_S64, -9e11 - 7},
        {TYPE_F32, 1234.5},     {TYPE_F64, -98765.25}, {TYPE_BCD16, 9876},
        {TYPE_BCD32, 98765432},
    };

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        for (uint8_t order = 0; order < 4; order++)
            for (int8_t exponent = GUESS_LEAST_EXPONENT; exponent <= GUESS_MOST_EXPONENT;
                 exponent++) {
                const struct guess truth = {AREA_HOLDING, (uint16_t)(100 + 7 * i), numbers[i].type,
                                            order, exponent};
                struct tag tag = guess_tag(&truth);
                if (tag_width(&tag) == 1 && (order & ORDER_SWAP_WORDS))
                    continue;
                uint16_t words[4];
                char text[DECODE_TEXT_BYTES];
                struct sample sample;
                struct text shown = {0};
                memset(image->known, 0, sizeof image->known);
                encode_tag(&tag, numbers[i].raw, words);
                put(truth.address, words, tag_width(&tag));
                decode_tag(&tag, words, text, &sample);
                if (sample.value.kind == VALUE_DECIMAL)
                    value_to_json(&sample.value, &shown);
                else
                    text_addf(&shown, "%.3f", value_number(&sample.value));
                struct guess_list list = find(shown.data);
                if (!has(&list, &truth))
                    fail_msg("%s %u exponent %d: %s", tag_type_name(tag.type), order, exponent,
                             shown.data);
                free(list.items);
                text_free(&shown);
            }
}

static void test_guess_ranks_the_plain_first(void **state)
{
    (void)state;
    put(10, (const uint16_t[]){0, 12345, 0}, 3);
    struct guess_list list = find("12345");
    assert_int_equal(list.items[0].address, 11);
    assert_int_equal(list.items[0].type, TYPE_U16);
    assert_int_equal(list.items[0].exponent, 0);
    assert_true(has(&list, &(struct guess){.address = 10, .type = TYPE_U32}));
    assert_true(
        has(&list, &(struct guess){.address = 11, .type = TYPE_U32, .order = ORDER_SWAP_WORDS}));
    free(list.items);
    /* Decimals that are shown are a whole number's scale. */
    put(20, (const uint16_t[]){1675}, 1);
    list = find("167.5");
    assert_int_equal(list.items[0].address, 20);
    assert_int_equal(list.items[0].exponent, -1);
    free(list.items);
}

static void test_guess_takes_reals_as_far_as_they_are_shown(void **state)
{
    const struct guess truth = {AREA_HOLDING, 4, TYPE_F32, ORDER_SWAP_WORDS, 0};
    const struct tag tag = guess_tag(&truth);
    uint16_t words[2];

    (void)state;
    encode_tag(&tag, 12.34, words);
    put(4, words, 2);
    static const struct {
        const char *shown;
        bool held;
    } cases[] = {{"12.34", true}, {"12.3", true},   {"12", true},     {"12.35", false},
                 {"12.4", false}, {"12.30", false}, {"12.33", false}, {"13", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct guess_value value;
        assert_int_equal(guess_parse_value(cases[i].shown, &value), 0);
        assert_int_equal(guess_holds(&truth, image, &value), cases[i].held);
    }
}

static void test_guess_needs_all_words_of_a_value(void **state)
{
    const struct guess_value value = {{.mantissa = 7}, 0};

    (void)state;
    put(65535, (const uint16_t[]){7}, 1);
    put(30, (const uint16_t[]){0, 7}, 2);
    image->known[30] = false;
    assert_true(guess_holds(&(struct guess){AREA_HOLDING, 31, TYPE_U16, 0, 0}, image, &value));
    assert_false(guess_holds(&(struct guess){AREA_HOLDING, 30, TYPE_U32, 0, 0}, image, &value));
    assert_true(guess_holds(&(struct guess){AREA_HOLDING, 65535, TYPE_U16, 0, 0}, image, &value));
    struct guess_list list = find("7");
    for (size_t i = 0; i < list.count; i++)
        assert_true(list.items[i].address == 31 || list.items[i].address == 65535);
    free(list.items);
}

static void test_guess_keeps_a_sign_in_mind_that_nothing_speaks_for(void **state)
{
    (void)state;
    put(5, (const uint16_t[]){5}, 1);
    struct guess_list list = find("5");
    const struct guess with_sign = {.address = 5, .type = TYPE_S16};
    assert_true(has(&list, &with_sign));
    for (size_t i = 0; i < list.count; i++)
        assert_int_equal(guess_is_twin(&list, i), list.items[i].type == TYPE_S16);
    free(list.items);
}

static void test_guess_takes_no_zero_and_no_words(void **state)
{
    static const char *const refused[] = {"0", "0.00", "-0", "", "x", "1e3", "12,3", "1 2"};
    struct guess_value value = {.decimals = 99};

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_int_equal(guess_parse_value(refused[i], &value), -EINVAL);
    assert_int_equal(value.decimals, 99);
    assert_int_equal(guess_parse_value("-12.30", &value), 0);
    assert_int_equal(value.decimals, 2);
    assert_int_equal(value.number.mantissa, -123);
}

static void test_guess_file_reads_back_what_was_written(void **state)
{
    struct guess_list list = {0}, again = {0};
    struct text text = {0};

    (void)state;
    put(0, (const uint16_t[]){0x1234, 0x5678, 100, 0, 0x42c8, 0}, 6);
    list = find("100");
    assert_true(list.count > 5);
    guess_keep_format(&list, &text);
    assert_int_equal(guess_keep_parse(text.data, &again), 0);
    assert_int_equal(again.count, list.count);
    for (size_t i = 0; i < list.count; i++)
        assert_true(has(&again, &list.items[i]));
    text_free(&text);
    free(list.items);
    free(again.items);
}

static void test_guess_file_that_is_wrong_is_told_by_its_line(void **state)
{
    static const struct {
        const char *text;
        int line;
    } wrong[] = {
        {"", 1},
        {"bindery guess 2\n", 1},
        {"bindery guess 1\nholding 5 u16 ABCD\n", 2},
        {"bindery guess 1\nholding 5 u16 ABCD 0\nholding 5 u16 ABCD 4\n", 3},
        {"bindery guess 1\nholding 70000 u16 ABCD 0\n", 2},
        {"bindery guess 1\ncoil 5 u16 ABCD 0\n", 2},
        {"bindery guess 1\nholding 5 bool ABCD 0\n", 2},
        {"bindery guess 1\nholding 5 u16 ABCD 0", 2},
        {"bindery guess 1\nholding 5 u16 ABCD 0 x\n", 2},
    };
    struct guess_list list = {0};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(guess_keep_parse(wrong[i].text, &list), wrong[i].line);
        assert_int_equal(list.count, 0);
    }
    free(list.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_guess_finds_every_type_in_every_order_and_scale,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_guess_ranks_the_plain_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_guess_takes_reals_as_far_as_they_are_shown, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_guess_needs_all_words_of_a_value, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_guess_keeps_a_sign_in_mind_that_nothing_speaks_for,
                                        set_up, tear_down),
        cmocka_unit_test(test_guess_takes_no_zero_and_no_words),
        cmocka_unit_test_setup_teardown(test_guess_file_reads_back_what_was_written, set_up,
                                        tear_down),
        cmocka_unit_test(test_guess_file_that_is_wrong_is_told_by_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
