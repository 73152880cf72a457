/* sheet.c, sheet_decode.c: CSV as spreadsheets write it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"
#include "sheet.h"
#include "text.h"

struct bench {
    struct sheet sheet;
    struct sheet_faults faults;
};

static void read_bytes(struct bench *bench, const char *bytes, size_t length, const char *encoding,
                       const char **ret_found)
{
    size_t text_length = 0;

    *bench = (struct bench){0};
    char *text = sheet_decode(bytes, length, encoding, ret_found, &text_length, &bench->faults);
    if (text)
        sheet_parse(text, text_length, &bench->sheet, &bench->faults);
}

static void read_text(struct bench *bench, const char *text)
{
    const char *found = NULL;

    read_bytes(bench, text, strlen(text), NULL, &found);
}

static void done(struct bench *bench)
{
    sheet_free(&bench->sheet);
    sheet_faults_free(&bench->faults);
}

static void expect_cell(const struct bench *bench, size_t row, size_t column, const char *text)
{
    assert_int_equal(bench->faults.count, 0);
    assert_true(row < bench->sheet.row_count && column < bench->sheet.column_count);
    assert_string_equal(bench->sheet.rows[row].cells[column].text, text);
}

static void expect_fault(const char *text, size_t row, size_t column, const char *message)
{
    struct bench bench;

    read_text(&bench, text);
    assert_int_equal(bench.faults.count, 1);
    assert_int_equal(bench.faults.items[0].row, row);
    assert_int_equal(bench.faults.items[0].column, column);
    assert_non_null(strstr(bench.faults.items[0].message, message));
    done(&bench);
}

static void test_every_line_ending_ends_a_row(void **state)
{
    static const char *const endings[] = {"\n", "\r\n", "\r"};
    (void)state;

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        struct text text = {0};
        struct bench bench;
        text_addf(&text, "a,b%s1,2%s3,4", endings[i], endings[i]);
        read_text(&bench, text.data);
        assert_int_equal(bench.sheet.row_count, 2);
        expect_cell(&bench, 0, 1, "2");
        expect_cell(&bench, 1, 0, "3");
        expect_cell(&bench, 1, 1, "4");
        done(&bench);
        text_free(&text);
    }
}

static void test_the_header_tells_the_separator(void **state)
{
    static const char *const texts[] = {"a,b\n1;,2", "a;b\n1;\",2\"", "a\tb\n1;\t,2",
                                        "\"a,,,\";b\n1;2"};
    static const char separators[] = ",;\t;";
    (void)state;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct bench bench;
        read_text(&bench, texts[i]);
        assert_int_equal(bench.sheet.separator, separators[i]);
        assert_int_equal(bench.sheet.column_count, 2);
        done(&bench);
    }
}

static void test_quoted_cells_keep_separators_quotes_and_newlines(void **state)
{
    struct bench bench;
    (void)state;

    read_text(&bench, "a,b,c\r\n\"x,\"\"y\"\"\r\nz\",,\"\"\r\n\"1\",5\" disk,2\r\n");
    expect_cell(&bench, 0, 0, "x,\"y\"\r\nz");
    expect_cell(&bench, 0, 1, "");
    expect_cell(&bench, 0, 2, "");
    expect_cell(&bench, 1, 0, "1");
    expect_cell(&bench, 1, 1, "5\" disk");
    assert_true(bench.sheet.rows[0].cells[0].quoted);
    assert_false(bench.sheet.rows[1].cells[1].quoted);
    assert_int_equal(bench.sheet.rows[1].number, 3);
    done(&bench);
}

static void test_rows_are_numbered_as_a_spreadsheet_does(void **state)
{
    struct bench bench;
    (void)state;

    read_text(&bench, "\n,,\na,b\n\n1,2\n , \n3\n4,5,,\n");
    assert_int_equal(bench.sheet.header.number, 3);
    assert_int_equal(bench.sheet.row_count, 3);
    assert_int_equal(bench.sheet.rows[0].number, 5);
    assert_int_equal(bench.sheet.rows[1].number, 7);
    expect_cell(&bench, 1, 1, "");
    expect_cell(&bench, 2, 1, "5");
    done(&bench);
}

static void test_damage_is_told_by_row_and_column(void **state)
{
    (void)state;
    expect_fault("", 0, SHEET_NO_COLUMN, "is empty");
    expect_fault("\r\n,\r\n", 0, SHEET_NO_COLUMN, "is empty");
    expect_fault("a,b\n1,\"2\n3,4", 2, 1, "not closed");
    expect_fault("a,b\n\"1\"x,2", 2, 0, "behind a closing quotation mark");
    expect_fault("a,b\n1,2,3", 2, SHEET_NO_COLUMN, "3 cells; expected 2");
}

static void test_sizes_are_bounded(void **state)
{
    struct text text = {0};
    (void)state;

    for (int i = 0; i <= SHEET_MOST_COLUMNS; i++)
        text_add(&text, "a,");
    expect_fault(text.data, 1, SHEET_NO_COLUMN, "too many cells");
    text_clear(&text);
    text_add(&text, "a\n");
    for (int i = 0; i <= SHEET_MOST_CELL_BYTES; i++)
        text_add(&text, "x");
    expect_fault(text.data, 2, 0, "too long");
    text_clear(&text);
    text_add(&text, "a\n");
    for (int i = 0; i <= SHEET_MOST_ROWS; i++)
        text_add(&text, "1\n");
    expect_fault(text.data, SHEET_MOST_ROWS + 2, SHEET_NO_COLUMN, "one row too many");
    text_free(&text);
}

static void test_encodings_are_found_out(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *encoding, *found;
    } rows[] = {
        {"a\n\xE5\x8D\x95\xE4\xBD\x8D", 8, NULL, "UTF-8"},
        {"\xEF\xBB\xBF"
         "a\n\xE5\x8D\x95\xE4\xBD\x8D",
         11, NULL, "UTF-8"},
        {"a\n\xB5\xA5\xCE\xBB", 6, NULL, "GB18030"},
        {"a\n\xB5\xA5\xCE\xBB", 6, "gbk", "GB18030"},
        {"\xFF\xFE"
         "a\0\n\0\x55\x53\x4D\x4F",
         10, NULL, "UTF-16"},
        {"\xFE\xFF\0a\0\n\x53\x55\x4F\x4D", 10, NULL, "UTF-16"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bench bench;
        const char *found = NULL;
        read_bytes(&bench, rows[i].bytes, rows[i].length, rows[i].encoding, &found);
        if (bench.faults.count == 1 && strstr(bench.faults.items[0].message, "gconv-modules")) {
            print_message("no converter for %s here\n", rows[i].found);
            done(&bench);
            continue;
        }
        assert_string_equal(bench.sheet.header.cells[0].text, "a");
        expect_cell(&bench, 0, 0, "\xE5\x8D\x95\xE4\xBD\x8D");
        assert_string_equal(found, rows[i].found);
        done(&bench);
    }
}

static void test_what_is_no_text_is_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *encoding;
    } rows[] = {
        {"a\n\xFF\xFF", 4, NULL},
        {"a\n\xB5\xA5", 4, "utf-8"},
        {"a\n\xC0\x80", 4, "utf-8"},
        {"a\n\xED\xA0\x80", 5, "utf-8"},
        {"a\0b", 3, NULL},
        {"a", 1, "klingon"},
        {"a\n\x81", 3, "gbk"},
        {"\xFF\xFE"
         "a",
         3, NULL},
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bench bench;
        const char *found = NULL;
        read_bytes(&bench, rows[i].bytes, rows[i].length, rows[i].encoding, &found);
        assert_int_equal(bench.faults.count, 1);
        done(&bench);
    }
}

static void test_formulas_are_kept_from_being_any_and_come_back(void **state)
{
    static const struct {
        const char *text, *written;
    } rows[] = {
        {"plain", "plain"},
        {"-40", "-40"},
        {"-0.5", "-0.5"},
        {"=1+1", "\"'=1+1\""},
        {"+cmd", "\"'+cmd\""},
        {"-2+3", "\"'-2+3\""},
        {"@SUM(A1)", "\"'@SUM(A1)\""},
        {"'quoted", "\"''quoted\""},
        {"\xEF\xBC\x9D"
         "1",
         "\"'\xEF\xBC\x9D"
         "1\""},
        {"a,b", "\"a,b\""},
        {"a;b", "\"a;b\""},
        {"a\"b", "\"a\"\"b\""},
        {" a", "\" a\""},
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct text csv = {0};
        struct bench bench;
        text_add(&csv, "head,x\n");
        sheet_add_cell(&csv, rows[i].text, true);
        assert_string_equal(csv.data + strlen("head,x\n"), rows[i].written);
        sheet_add_cell(&csv, "", false);
        read_text(&bench, csv.data);
        assert_string_equal(sheet_cell_plain(bench.sheet.rows[0].cells[0].text), rows[i].text);
        done(&bench);
        text_free(&csv);
    }
    assert_string_equal(sheet_cell_plain("'tis"), "'tis");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_line_ending_ends_a_row),
        cmocka_unit_test(test_the_header_tells_the_separator),
        cmocka_unit_test(test_quoted_cells_keep_separators_quotes_and_newlines),
        cmocka_unit_test(test_rows_are_numbered_as_a_spreadsheet_does),
        cmocka_unit_test(test_damage_is_told_by_row_and_column),
        cmocka_unit_test(test_sizes_are_bounded),
        cmocka_unit_test(test_encodings_are_found_out),
        cmocka_unit_test(test_what_is_no_text_is_refused),
        cmocka_unit_test(test_formulas_are_kept_from_being_any_and_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
