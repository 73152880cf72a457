#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "store_fixture.h"

static void save_cursor(struct fixture *fixture, const char *uplink, const char *owed)
{
    struct ranges ranges = {0};
    assert_int_equal(ranges_parse(owed, &ranges), 0);
    assert_int_equal(store_begin(fixture->store), 0);
    assert_int_equal(store_save_cursor(fixture->store, uplink, &ranges), 0);
    assert_int_equal(store_commit(fixture->store), 0);
    ranges_free(&ranges);
}

static void reserve(struct fixture *fixture, uint64_t end)
{
    assert_int_equal(store_begin(fixture->store), 0);
    assert_int_equal(store_reserve(fixture->store, 0, end), 0);
    assert_int_equal(store_commit(fixture->store), 0);
}

static void test_store_keeps_unacknowledged_batch_after_reopen(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    assert_int_equal(fixture_commit(fixture, 1, 5, 100), 0);
    fixture_reopen(fixture);
    struct batch batch;
    assert_int_equal(store_read(fixture->store, 1, SEQ_END, &batch), 0);
    struct text body = fixture_body(1, 5, 100);
    assert_int_equal(batch.first_seq, 1);
    assert_int_equal(batch.count, 5);
    assert_int_equal(batch.boot, 1);
    assert_int_equal(batch.length, body.length);
    assert_memory_equal(batch.body, body.data, body.length);
    assert_int_equal(store_next_seq(fixture->store), 6);
    text_free(&body);
    free(batch.body);
}

static void test_store_id_is_random_and_lasts(void **state)
{
    struct fixture *fixture = *state;
    char id[64];
    fixture_open(fixture);
    strcpy(id, store_id(fixture->store));
    assert_int_equal(strspn(id, "0123456789abcdef"), 32);
    assert_int_equal(strlen(id), 32);
    assert_int_equal(store_next_seq(fixture->store), 1);
    fixture_reopen(fixture);
    assert_string_equal(store_id(fixture->store), id);
    fixture_close(fixture);
    unlink(fixture->path);
    fixture_open(fixture);
    assert_string_not_equal(store_id(fixture->store), id);
}

static void test_store_files_are_not_for_everyone(void **state)
{
    struct fixture *fixture = *state;
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock", ".reserve"};
    fixture_open(fixture);
    assert_int_equal(fixture_commit(fixture, 1, 1, 0), 0);
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
        char path[100];
        struct stat status;
        snprintf(path, sizeof(path), "%s%s", fixture->path, suffixes[i]);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 0137, 0);
    }
}

static void test_store_refuses_a_second_daemon(void **state)
{
    struct fixture *fixture = *state;
    struct store *second = NULL;
    struct store_opened opened;
    fixture_open(fixture);
    assert_int_equal(store_open(&fixture->settings, &second, &opened), -EBUSY);
    assert_null(second);
    fixture_reopen(fixture);
}

static void test_store_says_why_it_can_not_open(void **state)
{
    struct fixture *fixture = *state;
    fixture->settings.path = "/nonexistent/folder/bindery.db";
    assert_int_equal(store_open(&fixture->settings, &fixture->store, &fixture->opened), -ENOENT);
}

static void test_store_keeps_nothing_of_a_failed_transaction(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    assert_int_equal(fixture_commit(fixture, 1, 5, 0), 0);
    assert_int_equal(store_begin(fixture->store), 0);
    assert_int_equal(fixture_append(fixture, 6, 5, 0), 0);
    assert_int_equal(fixture_append(fixture, 1, 5, 0), -EEXIST);
    assert_false(fixture_has(fixture, 6));
    assert_int_equal(store_next_seq(fixture->store), 6);
    assert_int_equal(fixture_commit(fixture, 6, 2, 0), 0);
    assert_int_equal(store_next_seq(fixture->store), 8);
}

static void test_store_counts_numbers_only_once_committed(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    assert_int_equal(store_begin(fixture->store), 0);
    assert_int_equal(fixture_append(fixture, 1, 5, 0), 0);
    assert_int_equal(store_next_seq(fixture->store), 1);
    fixture_reopen(fixture);
    assert_int_equal(store_next_seq(fixture->store), 1);
    assert_false(fixture_has(fixture, 1));
}

/* Commits until it is killed, and reports each number after its commit. */
static _Noreturn void commit_for_ever(struct fixture *fixture, int report_fd)
{
    if (store_open(&fixture->settings, &fixture->store, &fixture->opened) < 0)
        _exit(1);
    for (;;) {
        uint64_t seq = store_next_seq(fixture->store);
        if (fixture_commit(fixture, seq, 3, 2000) < 0 ||
            write(report_fd, &seq, sizeof(seq)) != sizeof(seq))
            _exit(1);
    }
}

static void test_store_keeps_what_was_committed_before_a_kill(void **state)
{
    struct fixture *fixture = *state;
    uint64_t last = 0;
    for (int round = 1; round <= 5; round++) {
        int reports[2];
        assert_int_equal(pipe(reports), 0);
        pid_t child = fork();
        if (child == 0)
            commit_for_ever(fixture, reports[1]);
        close(reports[1]);
        for (int i = 0; i < 40 * round; i++)
            assert_int_equal(read(reports[0], &last, sizeof(last)), sizeof(last));
        kill(child, SIGKILL);
        uint64_t seq;
        while (read(reports[0], &seq, sizeof(seq)) == sizeof(seq))
            last = seq;
        close(reports[0]);
        assert_int_equal(waitpid(child, NULL, 0), child);

        fixture_open(fixture);
        assert_string_equal(fixture->opened.set_aside, "");
        for (seq = 1; seq <= last; seq += 3)
            assert_true(fixture_has(fixture, seq));
        assert_true(store_next_seq(fixture->store) >= last + 3);
        fixture_close(fixture);
    }
}

static void test_store_read_finds_the_batch_that_reaches_the_number(void **state)
{
    struct fixture *fixture = *state;
    struct batch batch = {.first_seq = 77};
    fixture_open(fixture);
    assert_int_equal(store_read(fixture->store, 0, SEQ_END, &batch), -ENOENT);
    assert_int_equal(fixture_commit(fixture, 10, 10, 0), 0);
    assert_int_equal(fixture_commit(fixture, 30, 10, 0), 0);
    static const struct {
        uint64_t from, to, found;
    } cases[] = {{0, SEQ_END, 10}, {10, 10, 10}, {19, 19, 10}, {20, SEQ_END, 30},
                 {20, 30, 30},     {39, 39, 30}, {15, 12, 10}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_int_equal(store_read(fixture->store, cases[i].from, cases[i].to, &batch), 0);
        assert_int_equal(batch.first_seq, cases[i].found);
        free(batch.body);
    }
    batch.first_seq = 77;
    assert_int_equal(store_read(fixture->store, 0, 9, &batch), -ENOENT);
    assert_int_equal(store_read(fixture->store, 20, 29, &batch), -ENOENT);
    assert_int_equal(store_read(fixture->store, 40, SEQ_END, &batch), -ENOENT);
    assert_int_equal(store_read(fixture->store, SEQ_END, SEQ_END, &batch), -ENOENT);
    assert_int_equal(batch.first_seq, 77);
}

static void test_store_cursor_reads_back(void **state)
{
    struct fixture *fixture = *state;
    struct ranges owed = {0};
    fixture_open(fixture);
    assert_int_equal(fixture_commit(fixture, 1, 300, 0), 0);
    assert_int_equal(store_load_cursor(fixture->store, "cloud", &owed), -ENOENT);
    save_cursor(fixture, "cloud", "1-100,205-");
    save_cursor(fixture, "cloud", "3-100,205-");
    save_cursor(fixture, "plant", "");
    fixture_reopen(fixture);
    assert_int_equal(store_load_cursor(fixture->store, "cloud", &owed), 0);
    assert_true(ranges_contains(&owed, 3));
    assert_false(ranges_contains(&owed, 2));
    assert_true(ranges_contains(&owed, SEQ_END));
    assert_int_equal(store_load_cursor(fixture->store, "plant", &owed), 0);
    assert_int_equal(owed.count, 0);
    ranges_free(&owed);
}

struct names {
    struct fixture *fixture;
    char seen[64];
};

static void drop_if_old(void *context, const char *uplink)
{
    struct names *names = context;
    strcat(names->seen, uplink);
    strcat(names->seen, " ");
    if (strcmp(uplink, "old") == 0)
        assert_int_equal(store_drop_cursor(names->fixture->store, uplink), 0);
}

static void test_store_cursor_may_be_dropped_while_they_are_listed(void **state)
{
    struct fixture *fixture = *state;
    struct names names = {.fixture = fixture};
    struct ranges owed = {0};
    fixture_open(fixture);
    save_cursor(fixture, "cloud", "1-");
    save_cursor(fixture, "old", "1-");
    save_cursor(fixture, "plant", "1-");
    assert_int_equal(store_begin(fixture->store), 0);
    assert_int_equal(store_each_cursor(fixture->store, drop_if_old, &names), 0);
    assert_int_equal(store_commit(fixture->store), 0);
    assert_string_equal(names.seen, "cloud old plant ");
    assert_int_equal(store_load_cursor(fixture->store, "old", &owed), -ENOENT);
    assert_int_equal(store_load_cursor(fixture->store, "plant", &owed), 0);
    ranges_free(&owed);
}

static struct tag tags[] = {{.name = "good_count"}, {.name = "speed"}, {.name = "state"}};
static const struct machine binder = {.name = "binder-1", .tags = tags, .tag_count = 2};
static const struct machine binder_grown = {.name = "binder-1", .tags = tags, .tag_count = 3};
static const struct machine folder = {.name = "folder-1", .tags = tags, .tag_count = 2};

static void test_store_source_outlives_the_configuration(void **state)
{
    struct fixture *fixture = *state;
    uint32_t first;
    uint32_t grown;
    uint32_t other;
    uint32_t again;
    fixture_open(fixture);
    assert_int_equal(store_source_id(fixture->store, &binder, &first), 0);
    assert_int_equal(store_source_id(fixture->store, &binder_grown, &grown), 0);
    assert_int_equal(store_source_id(fixture->store, &folder, &other), 0);
    assert_true(first != grown && first != other && grown != other);
    fixture_reopen(fixture);
    assert_int_equal(store_source_id(fixture->store, &binder, &again), 0);
    assert_int_equal(again, first);
    const struct source *source = store_source(fixture->store, grown);
    assert_non_null(source);
    assert_string_equal(source->machine, "binder-1");
    assert_int_equal(source->tag_count, 3);
    assert_int_equal(source->tags[0].length, strlen("good_count"));
    assert_memory_equal(source->tags[0].text, "good_count", source->tags[0].length);
    assert_memory_equal(source->tags[2].text, "state", source->tags[2].length + 1);
    assert_null(store_source(fixture->store, 99));
}

static void test_store_source_goes_with_its_transaction(void **state)
{
    struct fixture *fixture = *state;
    uint32_t id;
    fixture_open(fixture);
    assert_int_equal(fixture_commit(fixture, 1, 1, 0), 0);
    assert_int_equal(store_begin(fixture->store), 0);
    assert_int_equal(store_source_id(fixture->store, &binder, &id), 0);
    assert_non_null(store_source(fixture->store, id));
    assert_int_equal(fixture_append(fixture, 1, 1, 0), -EEXIST);
    assert_null(store_source(fixture->store, id));
    assert_int_equal(store_source_id(fixture->store, &binder, &id), 0);
    fixture_reopen(fixture);
    assert_non_null(store_source(fixture->store, id));
}

static void test_store_boot_keeps_its_offset(void **state)
{
    struct fixture *fixture = *state;
    uint32_t first;
    uint32_t second;
    uint32_t again;
    int64_t offset_ms = 5;
    fixture_open(fixture);
    assert_int_equal(store_boot(fixture->store, "boot-a", &first), 0);
    assert_int_equal(store_boot(fixture->store, "boot-b", &second), 0);
    assert_int_not_equal(first, second);
    assert_int_equal(store_set_boot_offset(fixture->store, first, -7000), 0);
    fixture_reopen(fixture);
    assert_int_equal(store_boot(fixture->store, "boot-a", &again), 0);
    assert_int_equal(again, first);
    assert_false(store_boot_offset(fixture->store, second, &offset_ms));
    assert_int_equal(offset_ms, 5);
    assert_true(store_boot_offset(fixture->store, first, &offset_ms));
    assert_int_equal(offset_ms, -7000);
}

static void test_store_declares_reserved_numbers_after_an_unclean_stop(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    assert_int_equal(fixture->opened.unclean.missing, 0);
    assert_int_equal(fixture_commit(fixture, 1, 10, 0), 0);
    reserve(fixture, 1001);
    fixture_reopen(fixture);
    assert_int_equal(fixture->opened.unclean.why, GAP_UNCLEAN_STOP);
    assert_int_equal(fixture->opened.unclean.first_seq, 11);
    assert_int_equal(fixture->opened.unclean.last_seq, 1000);
    assert_int_equal(fixture->opened.unclean.missing, 990);
    assert_int_equal(store_next_seq(fixture->store), 1001);
    assert_int_equal(fixture_commit(fixture, 1001, 1, 0), 0);
    fixture_reopen(fixture);
    assert_int_equal(fixture->opened.unclean.missing, 0);
    assert_int_equal(store_next_seq(fixture->store), 1002);
}

static void test_store_declares_nothing_after_a_clean_stop(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    assert_int_equal(fixture_commit(fixture, 1, 10, 0), 0);
    reserve(fixture, 1001);
    reserve(fixture, store_next_seq(fixture->store));
    fixture_reopen(fixture);
    assert_int_equal(fixture->opened.unclean.missing, 0);
    assert_int_equal(store_next_seq(fixture->store), 11);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_store_keeps_unacknowledged_batch_after_reopen),
        STORE_TEST(test_store_id_is_random_and_lasts),
        STORE_TEST(test_store_files_are_not_for_everyone),
        STORE_TEST(test_store_refuses_a_second_daemon),
        STORE_TEST(test_store_says_why_it_can_not_open),
        STORE_TEST(test_store_keeps_nothing_of_a_failed_transaction),
        STORE_TEST(test_store_counts_numbers_only_once_committed),
        STORE_TEST(test_store_keeps_what_was_committed_before_a_kill),
        STORE_TEST(test_store_read_finds_the_batch_that_reaches_the_number),
        STORE_TEST(test_store_cursor_reads_back),
        STORE_TEST(test_store_cursor_may_be_dropped_while_they_are_listed),
        STORE_TEST(test_store_source_outlives_the_configuration),
        STORE_TEST(test_store_source_goes_with_its_transaction),
        STORE_TEST(test_store_boot_keeps_its_offset),
        STORE_TEST(test_store_declares_reserved_numbers_after_an_unclean_stop),
        STORE_TEST(test_store_declares_nothing_after_a_clean_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
