#include <fcntl.h>

#include "store_fixture.h"
#include "store_mark.h"
#include "wreck.h"

static const char id[] = "0123456789abcdef0123456789abcdef";

static struct store_mark parse(const char *text)
{
    return store_mark_parse(text, strlen(text));
}

static void test_mark_reads_back_as_it_was_written(void **state)
{
    struct fixture *fixture = *state;
    int fd = open(fixture->path, O_RDWR | O_CREAT, 0640);
    static const uint64_t numbers[] = {UINT64_MAX, 1, 4711};
    for (size_t i = 0; i < 3; i++) {
        struct store_mark mark = {.next_seq = numbers[i], .owed_from = numbers[2 - i]};
        strcpy(mark.id, id);
        store_mark_write(fd, &mark);
        mark = store_mark_read(fd);
        assert_string_equal(mark.id, id);
        assert_true(mark.next_seq == numbers[i]);
        assert_true(mark.owed_from == numbers[2 - i]);
    }
    close(fd);
}

static void test_mark_that_makes_no_sense_is_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "0123456789abcdef0123456789abcdef 00000000000000004711 0000000000000000471",
        "0123456789abcdef0123456789abcdef 00000000000000004711 0000000000000000471x",
        "0123456789abcdef0123456789abcde  00000000000000004711 00000000000000004711",
        "0123456789ABCDEF0123456789ABCDEF 00000000000000004711 00000000000000004711",
        "0123456789abcdef0123456789abcdef000000000000000004711 00000000000000004711",
        "0123456789abcdef0123456789abcdef -0000000000000004711 00000000000000004711",
        "0123456789abcdef0123456789abcdef 00000000000000004711-00000000000000004711",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        assert_string_equal(parse(texts[i]).id, "");
    assert_string_equal(store_mark_parse(NULL, 0).id, "");
    assert_string_equal(store_mark_read(-1).id, "");
    assert_string_equal(
        parse("0123456789abcdef0123456789abcdef 00000000000000004711 00000000000000000001\n").id,
        id);
}

static void cut_log(const struct fixture *fixture)
{
    char log[100];
    snprintf(log, sizeof(log), "%s-wal", fixture->path);
    assert_int_equal(truncate(log, 0), 0);
}

/* As a kill leaves it: with its log, which a clean end would have emptied. */
static void copy_files(const struct fixture *fixture, const char *to)
{
    char command[300];
    snprintf(command, sizeof(command), "mkdir -p %s && cp %s/bindery.db* %s", to, fixture->folder,
             to);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): paths of our own making */
}

static void test_store_whose_log_was_cut_short_is_set_aside_and_its_end_known(void **state)
{
    struct fixture *fixture = *state;
    char left[72], lost_id[64];
    struct store_mark mark;
    struct text salvage = {0};
    struct wreck *wreck = NULL;
    snprintf(left, sizeof(left), "%s/left", fixture->folder);
    fixture_open(fixture);
    assert_int_equal(fixture_commit(fixture, 1, 5, 0), 0);
    assert_int_equal(fixture_commit(fixture, 6, 5, 0), 0);
    strcpy(lost_id, store_id(fixture->store));
    copy_files(fixture, left);
    fixture_close(fixture);

    snprintf(fixture->path, sizeof(fixture->path), "%.64s/bindery.db", left);
    cut_log(fixture);
    fixture_open(fixture);
    assert_string_not_equal(fixture->opened.set_aside, "");
    assert_string_not_equal(store_id(fixture->store), lost_id);
    assert_int_equal(store_open_wreck(fixture->store, &wreck, &mark, &salvage), 0);
    assert_string_equal(mark.id, lost_id);
    assert_int_equal(mark.next_seq, 11);
    wreck_free(wreck);
    text_free(&salvage);
}

static void test_store_that_is_ahead_of_its_mark_is_believed(void **state)
{
    struct fixture *fixture = *state;
    char lock[100];
    fixture_open(fixture);
    assert_int_equal(fixture_commit(fixture, 1, 5, 0), 0);
    struct store_mark mark = {.next_seq = 3};
    strcpy(mark.id, store_id(fixture->store));
    fixture_close(fixture);

    snprintf(lock, sizeof(lock), "%s.lock", fixture->path);
    int fd = open(lock, O_WRONLY);
    assert_true(fd >= 0);
    store_mark_write(fd, &mark);
    close(fd);
    fixture_open(fixture);
    assert_string_equal(fixture->opened.set_aside, "");
    assert_int_equal(store_next_seq(fixture->store), 6);
}

int main(void)
{
#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_mark_reads_back_as_it_was_written),
        cmocka_unit_test(test_mark_that_makes_no_sense_is_none),
        STORE_TEST(test_store_whose_log_was_cut_short_is_set_aside_and_its_end_known),
        STORE_TEST(test_store_that_is_ahead_of_its_mark_is_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
