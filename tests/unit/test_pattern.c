/* Regular expressions: whole lines, named groups, and a bound to what they cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "pattern.h"

static bool matches(const char *text, const char *line)
{
    struct pattern *pattern = NULL;
    struct pattern_fault fault;

    assert_int_equal(pattern_new(text, &pattern, &fault), 0);
    bool matched = pattern_match(pattern, line, strlen(line));
    pattern_free(pattern);
    return matched;
}

static void test_the_whole_line_must_match(void **state)
{
    (void)state;
    assert_true(matches("\\d+", "1234"));
    assert_false(matches("\\d+", "x1234"));
    assert_false(matches("\\d+", "1234x"));
    assert_false(matches("\\d+$", "1234\n"));
    assert_true(matches("a|ab", "ab"));
    assert_true(matches(".+", "a\nb\x80\xff"));
}

static void test_groups_say_where_they_lay(void **state)
{
    struct pattern *pattern = NULL;
    struct pattern_fault fault;
    size_t from = 0, length = 0;
    (void)state;

    assert_int_equal(pattern_new("(?<a>x)?(?<b>\\d*)", &pattern, &fault), 0);
    int a = pattern_group(pattern, "a"), b = pattern_group(pattern, "b");
    assert_int_equal(pattern_group(pattern, "c"), -1);
    assert_true(pattern_match(pattern, "12", 2));
    assert_false(pattern_span(pattern, a, &from, &length));
    assert_true(pattern_span(pattern, b, &from, &length));
    assert_int_equal(from, 0);
    assert_int_equal(length, 2);
    assert_true(pattern_match(pattern, "x", 1));
    assert_true(pattern_span(pattern, b, &from, &length));
    assert_int_equal(from, 1);
    assert_int_equal(length, 0);
    pattern_free(pattern);
}

static void test_a_pattern_that_is_none_says_where(void **state)
{
    struct pattern *pattern = NULL;
    struct pattern_fault fault = {0};
    (void)state;

    assert_true(pattern_new("ab(?<w", &pattern, &fault) < 0);
    assert_null(pattern);
    assert_int_equal(fault.offset, 6);
    assert_true(fault.message[0] != '\0');
    assert_true(pattern_new("(*UTF)a", &pattern, &fault) < 0);
}

static void test_what_would_take_for_ever_does_not_match(void **state)
{
    char line[1024];
    (void)state;

    memset(line, 'a', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    clock_t begin = clock();
    assert_false(matches("(a+)+b", line));
    assert_false(matches("(?:a|aa|aaa)*(?:a|aa|aaa)*b", line));
    assert_false(matches("(?<r>a(?&r)*a|a)*b", line));
    assert_true(clock() - begin < 2 * CLOCKS_PER_SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_whole_line_must_match),
        cmocka_unit_test(test_groups_say_where_they_lay),
        cmocka_unit_test(test_a_pattern_that_is_none_says_where),
        cmocka_unit_test(test_what_would_take_for_ever_does_not_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
