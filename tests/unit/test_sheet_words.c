/* sheet_words.c, tag_columns.c, tags_states.c: the words of tag lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"
#include "sheet_words.h"
#include "tag_columns.h"
#include "tags.h"

static void test_types_as_makers_write_them(void **state)
{
    static const struct {
        const char *word;
        enum tag_type type;
        unsigned bytes;
    } rows[] = {
        {"UINT", TYPE_U16, 0},         {"INT", TYPE_S16, 0},
        {"WORD", TYPE_U16, 0},         {"DWORD", TYPE_U32, 0},
        {"UDINT", TYPE_U32, 0},        {"DINT", TYPE_S32, 0},
        {"REAL", TYPE_F32, 0},         {"Float", TYPE_F32, 0},
        {"LREAL", TYPE_F64, 0},        {"BOOL", TYPE_BOOL, 0},
        {"Bit", TYPE_BOOL, 0},         {"STRING(20)", TYPE_STRING, 20},
        {"string[8]", TYPE_STRING, 8}, {"string:250", TYPE_STRING, 250},
        {"STRING 6", TYPE_STRING, 6},  {"字符串（12）", TYPE_STRING, 12},
        {"无符号16位", TYPE_U16, 0},   {"16位 有符号", TYPE_S16, 0},
        {"无符号３２位", TYPE_U32, 0}, {"32位浮点数", TYPE_F32, 0},
        {"Unsigned_16", TYPE_U16, 0},  {"uint-32", TYPE_U32, 0},
        {"bcd32", TYPE_BCD32, 0},      {"s64", TYPE_S64, 0},
        {"双精度", TYPE_F64, 0},       {"开关量", TYPE_BOOL, 0},
    };
    static const char *const unknown[] = {"",       "FLOT",        "integer",   "整数",
                                          "STRING", "STRING(251)", "STRING(0)", "STRING(x)",
                                          "u8",     "BCD"};
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum tag_type type = TYPE_BOOL;
        uint16_t bytes = 0;
        const char *expected = NULL;
        print_message("%s\n", rows[i].word);
        assert_int_equal(sheet_parse_type(rows[i].word, &type, &bytes, &expected), 0);
        assert_int_equal(type, rows[i].type);
        assert_int_equal(bytes, rows[i].bytes);
    }
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        enum tag_type type = TYPE_F64;
        uint16_t bytes = 0;
        const char *expected = NULL;
        print_message("%s\n", unknown[i]);
        assert_int_not_equal(sheet_parse_type(unknown[i], &type, &bytes, &expected), 0);
        assert_non_null(expected);
        assert_int_equal(type, TYPE_F64);
    }
}

static void test_orders_and_tables_as_makers_write_them(void **state)
{
    static const char *const swapped[] = {"CDAB",           "cdab",     "3412",
                                          "Low Word First", "低字在前", "GHEFCDAB"};
    static const char *const doubtful[] = {"little endian", "小端", "ABDC", ""};
    static const char *const holding[] = {"holding", "Holding Registers", "保持寄存器", "03",
                                          "FC03"};
    const char *expected = NULL;
    uint8_t order = 0;
    enum area area = AREA_COIL;
    bool from_one = false;
    (void)state;

    for (size_t i = 0; i < sizeof swapped / sizeof *swapped; i++) {
        order = 0;
        assert_int_equal(sheet_parse_order(swapped[i], &order, &expected), 0);
        assert_int_equal(order, ORDER_SWAP_WORDS);
    }
    for (size_t i = 0; i < sizeof doubtful / sizeof *doubtful; i++)
        assert_int_not_equal(sheet_parse_order(doubtful[i], &order, &expected), 0);
    for (size_t i = 0; i < sizeof holding / sizeof *holding; i++) {
        area = AREA_COIL;
        from_one = true;
        assert_int_equal(sheet_parse_table("area", holding[i], &area, &from_one, &expected), 0);
        assert_int_equal(area, AREA_HOLDING);
        assert_false(from_one);
    }
    assert_int_equal(sheet_parse_table("area", "4x", &area, &from_one, &expected), 0);
    assert_int_equal(area, AREA_HOLDING);
    assert_true(from_one);
    assert_int_equal(sheet_parse_table("Function Code", "3", &area, &from_one, &expected), 0);
    assert_int_equal(sheet_parse_table("功能码", "4", &area, &from_one, &expected), 0);
    assert_int_equal(area, AREA_INPUT);
    assert_int_not_equal(sheet_parse_table("区域", "4", &area, &from_one, &expected), 0);
    assert_int_not_equal(sheet_parse_table("function", "16", &area, &from_one, &expected), 0);
}

struct bench {
    struct sheet sheet;
    struct sheet_faults faults;
    struct columns columns;
    bool is_known[SHEET_MOST_COLUMNS];
};

static void find(struct bench *bench, const char *header)
{
    struct text text = {0};

    *bench = (struct bench){0};
    text_add(&text, header);
    sheet_parse(text.data, text.length, &bench->sheet, &bench->faults);
    columns_find(&bench->sheet, tag_columns, TAG_COLUMNS, &bench->columns, bench->is_known,
                 &bench->faults);
}

static void done(struct bench *bench)
{
    sheet_free(&bench->sheet);
    sheet_faults_free(&bench->faults);
}

static void test_columns_are_found_by_their_synonyms(void **state)
{
    struct bench bench;
    (void)state;

    find(&bench, "变量名,寄存器地址,数据类型,字节序,倍率,单位,采集周期(毫秒),说明（中文）,"
                 "Title (EN),上限,下限,备用");
    assert_int_equal(bench.faults.count, 0);
    assert_int_equal(bench.columns.at[COLUMN_NAME], 0);
    assert_int_equal(bench.columns.at[COLUMN_AT], 1);
    assert_int_equal(bench.columns.at[COLUMN_TYPE], 2);
    assert_int_equal(bench.columns.at[COLUMN_ORDER], 3);
    assert_int_equal(bench.columns.at[COLUMN_SCALE], 4);
    assert_int_equal(bench.columns.at[COLUMN_UNIT], 5);
    assert_int_equal(bench.columns.at[COLUMN_EVERY], 6);
    assert_string_equal(bench.columns.unit[COLUMN_EVERY], "ms");
    assert_int_equal(bench.columns.at[COLUMN_TITLE_ZH], 7);
    assert_int_equal(bench.columns.at[COLUMN_TITLE_EN], 8);
    assert_int_equal(bench.columns.at[COLUMN_HIGH], 9);
    assert_int_equal(bench.columns.at[COLUMN_LOW], 10);
    assert_false(bench.is_known[11]);
    done(&bench);
}

static void test_a_word_of_two_meanings_takes_the_one_that_is_left(void **state)
{
    struct bench bench;
    (void)state;

    find(&bench, "名称,地址");
    assert_int_equal(bench.columns.at[COLUMN_NAME], 0);
    done(&bench);
    find(&bench, "名称,变量名,地址");
    assert_int_equal(bench.columns.at[COLUMN_NAME], 1);
    assert_int_equal(bench.columns.at[COLUMN_TITLE], 0);
    assert_int_equal(bench.faults.count, 0);
    done(&bench);
}

static void test_missing_and_repeated_columns_are_faults(void **state)
{
    struct bench bench;
    (void)state;

    find(&bench, "type,unit");
    assert_int_equal(bench.faults.count, 2);
    assert_non_null(strstr(bench.faults.items[0].message, "no column for the tags' names"));
    done(&bench);
    find(&bench, "name,address,Type,Data Type");
    assert_int_equal(bench.faults.count, 1);
    assert_int_equal(bench.faults.items[0].column, 3);
    assert_non_null(strstr(bench.faults.items[0].message, "\"Type\""));
    done(&bench);
}

/* No two columns have a word in common but the one that is meant to be doubtful. */
static void test_words_of_columns_are_their_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < TAG_COLUMNS; i++) {
        struct text folded = {0};
        for (size_t w = 0; tag_columns[i].words[w]; w++) {
            sheet_fold(tag_columns[i].words[w], &folded);
            assert_string_equal(folded.data, tag_columns[i].words[w]);
            for (size_t k = 0; k < i; k++)
                for (size_t v = 0; tag_columns[k].words[v]; v++)
                    if (strcmp(tag_columns[k].words[v], tag_columns[i].words[w]) == 0)
                        assert_string_equal(tag_columns[k].words[v], "名称");
        }
        text_free(&folded);
    }
}

static void test_states_stand_in_one_cell(void **state)
{
    static const struct {
        const char *cell, *yaml;
    } rows[] = {
        {"1=production; 2=stopped", "{1: production, 2: stopped}"},
        {"1=production\n2=stopped;", "{1: production, 2: stopped}"},
        {"-1 = fault : guard open ", "{-1: {state: fault, reason: guard open}}"},
        {"1=fault: a\\;b\\\\c: d", "{1: {state: fault, reason: \"a;b\\\\c: d\"}}"},
    };
    static const char *const bad[] = {"",   ";",       "production", "1", "x=production",
                                      "1=", "1==2;;=", "1=: x"};
    struct text yaml = {0};
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        text_clear(&yaml);
        assert_true(tags_states_to_yaml(rows[i].cell, &yaml));
        assert_string_equal(yaml.data, rows[i].yaml);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(tags_states_to_yaml(bad[i], &yaml));
    text_free(&yaml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types_as_makers_write_them),
        cmocka_unit_test(test_orders_and_tables_as_makers_write_them),
        cmocka_unit_test(test_columns_are_found_by_their_synonyms),
        cmocka_unit_test(test_a_word_of_two_meanings_takes_the_one_that_is_left),
        cmocka_unit_test(test_missing_and_repeated_columns_are_faults),
        cmocka_unit_test(test_words_of_columns_are_their_own),
        cmocka_unit_test(test_states_stand_in_one_cell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
