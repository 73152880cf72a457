/* register_name.c and plc.c: where makers' names of registers stand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "register_name.h"
#include "text.h"

static const struct register_hint no_hint;

/* "holding:100.3", or "refused". */
static const char *place_of(const struct register_notation *notation, const char *name,
                            const struct register_hint *hint)
{
    static char words[64];
    struct register_place place = {.address = 4711};
    struct text expected = {0};

    if (register_name_parse(notation, name, hint, &place, &expected) != 0) {
        assert_int_equal(place.address, 4711);
        assert_true(expected.length > 0);
        snprintf(words, sizeof words, "refused");
    } else if (place.bit >= 0) {
        snprintf(words, sizeof words, "%s:%u.%d", area_name(place.area), place.address, place.bit);
    } else {
        snprintf(words, sizeof words, "%s:%u", area_name(place.area), place.address);
    }
    text_free(&expected);
    return words;
}

static void test_notations_of_tables_and_numbers(void **state)
{
    static const struct {
        const char *name, *place;
    } rows[] = {
        {"holding:100", "holding:100"},
        {"holding:100.3", "holding:100.3"},
        {"coil:3", "coil:3"},
        {"input:65535", "input:65535"},
        {"holding:65536", "refused"},
        {"40001", "holding:0"},
        {"49999", "holding:9998"},
        {"40000", "refused"},
        {"400001", "holding:0"},
        {"465536", "holding:65535"},
        {"465537", "refused"},
        {"400000", "refused"},
        {"30001", "input:0"},
        {"300001", "input:0"},
        {"10001", "discrete:0"},
        {"00001", "coil:0"},
        {"000001", "coil:0"},
        {"00000", "refused"},
        {"20001", "refused"},
        {"50001", "refused"},
        {"4x0001", "holding:0"},
        {"4X00001", "holding:0"},
        {"4x65536", "holding:65535"},
        {"4x65537", "refused"},
        {"4x0", "refused"},
        {"3x1", "input:0"},
        {"1x17", "discrete:16"},
        {"2x1", "refused"},
        {"4x0001.15", "holding:0.15"},
        {"4x0001.1", "holding:0.1"},
        {"4x0001.F", "holding:0.15"},
        {"4x0001.16", "refused"},
        {"1x1.3", "refused"},
        {"40001.03", "holding:0.3"},
        {"40001.3", "holding:0.3"},
        {"40001.10", "holding:0.10"},
        {"40001.1", "refused"}, /* .10, once a spreadsheet has had it */
        {"40001.01", "holding:0.1"},
        {"100", "refused"},    /* of which table? */
        {"0x1000", "refused"}, /* likewise */
        {"1000H", "refused"},
        {"40,001", "refused"},
        {"4.0001E+04", "refused"},
        {"-1", "refused"},
        {"", "refused"},
        {".", "refused"},
        {"x", "refused"},
        {"4x", "refused"},
        {"D100", "refused"},
        {"holding:", "refused"},
        {"99999999999999999999999999999999999999999999", "refused"},
    };
    const struct register_notation notation = {0};
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        print_message("%s\n", rows[i].name);
        assert_string_equal(place_of(&notation, rows[i].name, &no_hint), rows[i].place);
    }
}

static void test_plain_numbers_take_the_table_beside_them(void **state)
{
    static const struct {
        const char *name;
        enum area area;
        const char *place;
    } rows[] = {
        {"0", AREA_HOLDING, "holding:0"},
        {"100", AREA_INPUT, "input:100"},
        {"65535", AREA_HOLDING, "holding:65535"},
        {"65536", AREA_HOLDING, "refused"},
        {"5", AREA_COIL, "coil:5"},
        {"100.3", AREA_HOLDING, "holding:100.3"},
        {"5.3", AREA_COIL, "refused"},
        {"0x1000", AREA_HOLDING, "holding:4096"},
        {"0X00ff", AREA_INPUT, "input:255"},
        {"1000H", AREA_HOLDING, "holding:4096"},
        {"FFFFh", AREA_HOLDING, "holding:65535"},
        {"0x10000", AREA_HOLDING, "refused"},
        {"0xG", AREA_HOLDING, "refused"},
        {"0x", AREA_HOLDING, "refused"},
        {"H", AREA_HOLDING, "refused"},
    };
    const struct register_notation notation = {0};
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct register_hint hint = {.has_area = true, .area = rows[i].area};
        print_message("%s\n", rows[i].name);
        assert_string_equal(place_of(&notation, rows[i].name, &hint), rows[i].place);
    }
}

static void test_what_can_be_read_in_two_ways_is_refused(void **state)
{
    const struct register_notation notation = {0};
    const struct register_hint holding = {.has_area = true, .area = AREA_HOLDING};
    const struct register_hint input = {.has_area = true, .area = AREA_INPUT};
    const struct register_hint of_4x = {.has_area = true, .area = AREA_HOLDING, .from_one = true};
    (void)state;

    assert_string_equal(place_of(&notation, "40001", &holding), "refused");
    assert_string_equal(place_of(&notation, "10001", &holding), "refused");
    assert_string_equal(place_of(&notation, "00100", &holding), "refused");
    assert_string_equal(place_of(&notation, "4x0001", &holding), "holding:0");
    assert_string_equal(place_of(&notation, "4x0001", &input), "refused");
    assert_string_equal(place_of(&notation, "4x0001", &of_4x), "holding:0");
    assert_string_equal(place_of(&notation, "1", &of_4x), "refused");
    assert_string_equal(place_of(&notation, "0x1", &of_4x), "refused");
    assert_string_equal(place_of(&notation, "holding:5", &input), "refused");
    assert_string_equal(place_of(&notation, "holding:5", &holding), "holding:5");
}

/* A name, its place as a word (or of a contact, where both are), and as a bit. */
static void test_every_register_of_every_controller(void **state)
{
    static const struct {
        const char *plc, *name, *word, *bit;
    } rows[] = {
        {"delta-dvp", "S0", "coil:0", "coil:0"},
        {"delta-dvp", "S1023", "coil:1023", "coil:1023"},
        {"delta-dvp", "S1024", "refused", "refused"},
        {"delta-dvp", "X0", "discrete:1024", "discrete:1024"},
        {"delta-dvp", "X10", "discrete:1032", "discrete:1032"},
        {"delta-dvp", "X377", "discrete:1279", "discrete:1279"},
        {"delta-dvp", "X8", "refused", "refused"},
        {"delta-dvp", "X400", "refused", "refused"},
        {"delta-dvp", "Y0", "coil:1280", "coil:1280"},
        {"delta-dvp", "Y377", "coil:1535", "coil:1535"},
        {"delta-dvp", "Y400", "refused", "refused"},
        {"delta-dvp", "T0", "holding:1536", "coil:1536"},
        {"delta-dvp", "T255", "holding:1791", "coil:1791"},
        {"delta-dvp", "T256", "refused", "refused"},
        {"delta-dvp", "M0", "coil:2048", "coil:2048"},
        {"delta-dvp", "M1535", "coil:3583", "coil:3583"},
        {"delta-dvp", "M1536", "coil:45056", "coil:45056"},
        {"delta-dvp", "M4095", "coil:47615", "coil:47615"},
        {"delta-dvp", "M4096", "refused", "refused"},
        {"delta-dvp", "C0", "holding:3584", "coil:3584"},
        {"delta-dvp", "C199", "holding:3783", "coil:3783"},
        {"delta-dvp", "C200", "holding:1792", "coil:3784"},
        {"delta-dvp", "C201", "holding:1794", "coil:3785"},
        {"delta-dvp", "C255", "holding:1902", "coil:3839"},
        {"delta-dvp", "C256", "refused", "refused"},
        {"delta-dvp", "D0", "holding:4096", "holding:4096"},
        {"delta-dvp", "d100", "holding:4196", "holding:4196"},
        {"delta-dvp", "D4095", "holding:8191", "holding:8191"},
        {"delta-dvp", "D4096", "holding:36864", "holding:36864"},
        {"delta-dvp", "D9999", "holding:42767", "holding:42767"},
        {"delta-dvp", "D10000", "refused", "refused"},
        {"delta-dvp", "D100.A", "holding:4196.10", "holding:4196.10"},
        {"delta-dvp", "D100.16", "refused", "refused"},
        {"delta-dvp", "C200.1", "refused", "refused"},
        {"delta-dvp", "M10.1", "refused", "refused"},
        {"delta-dvp", "VW100", "refused", "refused"},
        {"delta-dvp", "D", "refused", "refused"},
        {"delta-dvp", "D-1", "refused", "refused"},
        {"inovance-h5u", "M0", "coil:0", "coil:0"},
        {"inovance-h5u", "M7999", "coil:7999", "coil:7999"},
        {"inovance-h5u", "M8000", "refused", "refused"},
        {"inovance-h5u", "X0", "coil:63488", "coil:63488"},
        {"inovance-h5u", "X17", "coil:63503", "coil:63503"},
        {"inovance-h5u", "X1777", "coil:64511", "coil:64511"},
        {"inovance-h5u", "X2000", "refused", "refused"},
        {"inovance-h5u", "Y0", "coil:64512", "coil:64512"},
        {"inovance-h5u", "Y1777", "coil:65535", "coil:65535"},
        {"inovance-h5u", "D0", "holding:0", "holding:0"},
        {"inovance-h5u", "D7999", "holding:7999", "holding:7999"},
        {"inovance-h5u", "D8000", "refused", "refused"},
        {"inovance-h5u", "R0", "holding:12288", "holding:12288"},
        {"inovance-h5u", "R32767", "holding:45055", "holding:45055"},
        {"inovance-h5u", "R32768", "refused", "refused"},
        {"xinje-xd", "M20479", "coil:20479", "coil:20479"},
        {"xinje-xd", "M20480", "refused", "refused"},
        {"xinje-xd", "X0", "coil:20480", "coil:20480"},
        {"xinje-xd", "X77", "coil:20543", "coil:20543"},
        {"xinje-xd", "X100", "refused", "refused"},
        {"xinje-xd", "X10000", "refused", "refused"},
        {"xinje-xd", "Y0", "coil:24576", "coil:24576"},
        {"xinje-xd", "Y77", "coil:24639", "coil:24639"},
        {"xinje-xd", "D0", "holding:0", "holding:0"},
        {"xinje-xd", "D20479", "holding:20479", "holding:20479"},
        {"xinje-xd", "D20480", "refused", "refused"},
        {"xinje-xd", "CD0", "holding:36864", "holding:36864"},
        {"xinje-xd", "CD4095", "holding:40959", "holding:40959"},
        {"xinje-xd", "HD0", "holding:41088", "holding:41088"},
        {"xinje-xd", "HD6143", "holding:47231", "holding:47231"},
        {"xinje-xd", "HD6144", "refused", "refused"},
        {"xinje-xc", "M7999", "coil:7999", "coil:7999"},
        {"xinje-xc", "M8000", "refused", "refused"},
        {"xinje-xc", "X0", "coil:16384", "coil:16384"},
        {"xinje-xc", "X1777", "coil:17407", "coil:17407"},
        {"xinje-xc", "Y0", "coil:18432", "coil:18432"},
        {"xinje-xc", "Y10", "coil:18440", "coil:18440"},
        {"xinje-xc", "D7999", "holding:7999", "holding:7999"},
        {"xinje-xc", "D8000", "refused", "refused"},
        {"xinje-xc", "CD0", "holding:14336", "holding:14336"},
        {"xinje-xc", "CD635", "holding:14971", "holding:14971"},
        {"xinje-xc", "CD636", "refused", "refused"},
        {"siemens-s7-200-smart", "Q0.0", "coil:0", "coil:0"},
        {"siemens-s7-200-smart", "Q31.7", "coil:255", "coil:255"},
        {"siemens-s7-200-smart", "Q32.0", "refused", "refused"},
        {"siemens-s7-200-smart", "Q0.8", "refused", "refused"},
        {"siemens-s7-200-smart", "Q0", "refused", "refused"},
        {"siemens-s7-200-smart", "I0.2", "discrete:2", "discrete:2"},
        {"siemens-s7-200-smart", "I1.0", "discrete:8", "discrete:8"},
        {"siemens-s7-200-smart", "AIW0", "input:0", "input:0"},
        {"siemens-s7-200-smart", "AIW110", "input:55", "input:55"},
        {"siemens-s7-200-smart", "AIW1", "refused", "refused"},
        {"siemens-s7-200-smart", "AIW112", "refused", "refused"},
        {"siemens-s7-200-smart", "VW0", "holding:0", "holding:0"},
        {"siemens-s7-200-smart", "VW100", "holding:50", "holding:50"},
        {"siemens-s7-200-smart", "VW101", "refused", "refused"},
        {"siemens-s7-200-smart", "VW20478", "holding:10239", "holding:10239"},
        {"siemens-s7-200-smart", "VW20480", "refused", "refused"},
        {"siemens-s7-200-smart", "VD100", "holding:50", "holding:50"},
        {"siemens-s7-200-smart", "VD20478", "refused", "refused"},
        {"siemens-s7-200-smart", "V100.3", "holding:50.11", "holding:50.11"},
        {"siemens-s7-200-smart", "V101.3", "holding:50.3", "holding:50.3"},
        {"siemens-s7-200-smart", "V101", "refused", "refused"},
        {"siemens-s7-200-smart", "VB100", "refused", "refused"},
        {"siemens-s7-200-smart", "VW100.3", "holding:50.3", "holding:50.3"},
        {"mitsubishi-fx3u", "M0", "coil:0", "coil:0"},
        {"mitsubishi-fx3u", "M7679", "coil:7679", "coil:7679"},
        {"mitsubishi-fx3u", "M7680", "refused", "refused"},
        {"mitsubishi-fx3u", "M8000", "coil:7680", "coil:7680"},
        {"mitsubishi-fx3u", "M8511", "coil:8191", "coil:8191"},
        {"mitsubishi-fx3u", "S0", "coil:8192", "coil:8192"},
        {"mitsubishi-fx3u", "S4095", "coil:12287", "coil:12287"},
        {"mitsubishi-fx3u", "TS0", "coil:12288", "coil:12288"},
        {"mitsubishi-fx3u", "TS511", "coil:12799", "coil:12799"},
        {"mitsubishi-fx3u", "CS0", "coil:12800", "coil:12800"},
        {"mitsubishi-fx3u", "CS255", "coil:13055", "coil:13055"},
        {"mitsubishi-fx3u", "Y0", "coil:13056", "coil:13056"},
        {"mitsubishi-fx3u", "Y377", "coil:13311", "coil:13311"},
        {"mitsubishi-fx3u", "X0", "discrete:13312", "discrete:13312"},
        {"mitsubishi-fx3u", "X377", "discrete:13567", "discrete:13567"},
        {"mitsubishi-fx3u", "D0", "holding:0", "holding:0"},
        {"mitsubishi-fx3u", "D7999", "holding:7999", "holding:7999"},
        {"mitsubishi-fx3u", "D9999", "refused", "refused"},
        {"mitsubishi-fx3u", "40001", "holding:0", "holding:0"},
        {"mitsubishi-fx3u", "holding:7", "holding:7", "holding:7"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct register_notation notation = {.plc = plc_find(rows[i].plc)};
        const struct register_hint word = {.kind = REGISTER_WORDS}, bit = {.kind = REGISTER_BIT};
        print_message("%s %s\n", rows[i].plc, rows[i].name);
        assert_non_null(notation.plc);
        assert_string_equal(place_of(&notation, rows[i].name, &word), rows[i].word);
        assert_string_equal(place_of(&notation, rows[i].name, &bit), rows[i].bit);
    }
}

static void test_a_timer_without_a_type_is_refused(void **state)
{
    const struct register_notation delta = {.plc = plc_find("delta-dvp")};
    (void)state;

    assert_string_equal(place_of(&delta, "T5", &no_hint), "refused");
    assert_string_equal(place_of(&delta, "D5", &no_hint), "holding:4101");
}

static struct register_place parse(const char *plc, const char *name)
{
    const struct register_notation notation = {.plc = plc_find(plc)};
    const struct register_hint hint = {.kind = REGISTER_WORDS};
    struct register_place place = {0};
    struct text expected = {0};

    assert_int_equal(register_name_parse(&notation, name, &hint, &place, &expected), 0);
    text_free(&expected);
    return place;
}

static void test_room_ends_with_the_range(void **state)
{
    (void)state;
    assert_int_equal(parse("delta-dvp", "D4095").room, 1);
    assert_int_equal(parse("delta-dvp", "D4094").room, 2);
    assert_int_equal(parse("delta-dvp", "C199").room, 1);
    assert_int_equal(parse("delta-dvp", "C200").room, 2);
    assert_int_equal(parse("delta-dvp", "C200").width, 2);
    assert_int_equal(parse("siemens-s7-200-smart", "VW20478").room, 1);
    assert_int_equal(parse("siemens-s7-200-smart", "VD20476").room, 2);
    assert_int_equal(parse("siemens-s7-200-smart", "VD100").width, 2);
    assert_int_equal(parse("siemens-s7-200-smart", "AIW110").room, 1);
}

/* No range reaches beyond the table, and none into another of its table and letters. */
static void test_ranges_are_apart(void **state)
{
    (void)state;
    for (const struct plc *plc = plcs; plc->name; plc++) {
        assert_null(plc->ranges[PLC_MOST_RANGES - 1].letters);
        for (const struct plc_range *range = plc->ranges; range->letters; range++) {
            unsigned count = range->last - range->first + 1u;
            assert_true(range->first <= range->last);
            assert_true(range->address + count <= 65536);
            for (const struct plc_range *other = plc->ranges; other < range; other++)
                if (other->area == range->area && other->address != range->address)
                    assert_true(other->address + (other->last - other->first) < range->address ||
                                range->address + (count - 1) < other->address);
        }
    }
}

static void test_a_range_moves_to_where_it_is_said_to_stand(void **state)
{
    struct register_notation siemens = {.plc = plc_find("siemens-s7-200-smart")};
    struct register_notation fx = {.plc = plc_find("mitsubishi-fx3u")};
    struct register_notation none = {0};
    struct text expected = {0};
    (void)state;

    assert_int_equal(register_name_move(&siemens, "VW1000=holding:0", &expected), 0);
    assert_string_equal(place_of(&siemens, "VW1000", &no_hint), "holding:0");
    assert_string_equal(place_of(&siemens, "VD1004", &no_hint), "holding:2");
    assert_string_equal(place_of(&siemens, "V1001.3", &no_hint), "holding:0.3");
    assert_string_equal(place_of(&siemens, "VW998", &no_hint), "refused");
    assert_string_equal(place_of(&siemens, "AIW2", &no_hint), "input:1");
    assert_int_equal(register_name_move(&fx, "D0=holding:8192", &expected), 0);
    assert_string_equal(place_of(&fx, "D7", &no_hint), "holding:8199");
    assert_string_equal(place_of(&fx, "M7", &no_hint), "coil:7");
    assert_int_not_equal(register_name_move(&fx, "D0=coil:0", &expected), 0);
    assert_int_not_equal(register_name_move(&fx, "D0", &expected), 0);
    assert_int_not_equal(register_name_move(&fx, "D0.1=holding:0", &expected), 0);
    assert_int_not_equal(register_name_move(&fx, "40001=holding:0", &expected), 0);
    assert_int_not_equal(register_name_move(&none, "D0=holding:0", &expected), 0);
    text_free(&expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notations_of_tables_and_numbers),
        cmocka_unit_test(test_plain_numbers_take_the_table_beside_them),
        cmocka_unit_test(test_what_can_be_read_in_two_ways_is_refused),
        cmocka_unit_test(test_every_register_of_every_controller),
        cmocka_unit_test(test_a_timer_without_a_type_is_refused),
        cmocka_unit_test(test_room_ends_with_the_range),
        cmocka_unit_test(test_ranges_are_apart),
        cmocka_unit_test(test_a_range_moves_to_where_it_is_said_to_stand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
