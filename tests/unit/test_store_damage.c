#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "store_fixture.h"

/* SQLite's calls to fdatasync come here, since the program's symbols go before the C library's. */
static bool sync_fails;

int fdatasync(int fd)
{
    if (sync_fails) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

static void overwrite(const char *path, off_t at, const char *bytes, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0640);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, length, at), length);
    close(fd);
}

static void assert_holds(const char *path, const char *bytes)
{
    char content[64] = "";
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_true(read(fd, content, sizeof(content) - 1) >= 0);
    close(fd);
    assert_string_equal(content, bytes);
}

static void test_store_that_is_none_is_set_aside(void **state)
{
    struct fixture *fixture = *state;
    static const char rubbish[] = "this was a database once, perhaps";
    char expected[100];
    for (int i = 1; i <= 2; i++) {
        overwrite(fixture->path, 0, rubbish, sizeof(rubbish));
        fixture_open(fixture);
        snprintf(expected, sizeof(expected), "%s.damaged-%d", fixture->path, i);
        assert_string_equal(fixture->opened.set_aside, expected);
        assert_holds(expected, rubbish);
        assert_int_equal(fixture_commit(fixture, 1, 5, 0), 0);
        fixture_close(fixture);
    }
    fixture_open(fixture);
    assert_string_equal(fixture->opened.set_aside, "");
    assert_int_equal(store_next_seq(fixture->store), 6);
}

static void test_store_cut_short_is_set_aside_under_a_new_id(void **state)
{
    struct fixture *fixture = *state;
    struct stat status;
    char id[64];
    uint32_t source;
    struct tag tag = {.name = "speed"};
    const struct machine machine = {.name = "binder-1", .tags = &tag, .tag_count = 1};
    fixture_open(fixture);
    strcpy(id, store_id(fixture->store));
    assert_int_equal(store_source_id(fixture->store, &machine, &source), 0);
    for (uint64_t seq = 1; seq < 50; seq++)
        assert_int_equal(fixture_commit(fixture, seq, 1, 3000), 0);
    fixture_close(fixture);
    assert_int_equal(stat(fixture->path, &status), 0);
    assert_int_equal(truncate(fixture->path, status.st_size / 2), 0);
    fixture_open(fixture);
    assert_string_not_equal(fixture->opened.set_aside, "");
    assert_string_not_equal(store_id(fixture->store), id);
    assert_int_equal(store_next_seq(fixture->store), 1);
    assert_null(store_source(fixture->store, source));
}

static void test_store_of_a_later_version_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    assert_int_equal(fixture_commit(fixture, 1, 5, 0), 0);
    fixture_close(fixture);
    fixture_sql(fixture, "UPDATE meta SET value = 2 WHERE key = 'schema'");
    assert_int_equal(store_open(&fixture->settings, &fixture->store, &fixture->opened),
                     -EPROTONOSUPPORT);
    fixture_sql(fixture, "UPDATE meta SET value = 1 WHERE key = 'schema'");
    fixture_open(fixture);
    assert_true(fixture_has(fixture, 1));
}

static void test_store_leaves_another_programs_database_alone(void **state)
{
    struct fixture *fixture = *state;
    fixture_sql(fixture, "CREATE TABLE addresses(name)");
    assert_int_equal(store_open(&fixture->settings, &fixture->store, &fixture->opened),
                     -EPROTONOSUPPORT);
    fixture_sql(fixture, "INSERT INTO addresses VALUES('still here')");
}

static void test_store_without_its_tables_is_set_aside(void **state)
{
    struct fixture *fixture = *state;
    static const char *const damages[] = {"DROP TABLE batch", "DROP TABLE cursor",
                                          "DROP TABLE boot", "DROP TABLE source",
                                          "DELETE FROM meta"};
    for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
        fixture_open(fixture);
        fixture_close(fixture);
        fixture_sql(fixture, damages[i]);
        fixture_open(fixture);
        assert_string_not_equal(fixture->opened.set_aside, "");
        fixture_close(fixture);
    }
}

static void test_store_names_a_batch_whose_body_is_damaged(void **state)
{
    struct fixture *fixture = *state;
    static const char *const bodies[] = {"x''", "x'02'", "x'01' || substr(body, 2)",
                                         "substr(body, 1, length(body) - 1)",
                                         "substr(body, 1, 200) || x'5555' || substr(body, 203)",
                                         /* a frame that says it holds 2^60 bytes */
                                         "x'0228b52ffde00000000000000010' || substr(body, 10)"};
    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        uint64_t seq = 1 + i * 5;
        char update[200];
        struct batch batch = {0};
        fixture_open(fixture);
        assert_int_equal(fixture_commit(fixture, seq, 5, 100), 0);
        fixture_close(fixture);
        snprintf(update, sizeof(update),
                 "UPDATE batch SET body = CAST(%s AS BLOB) WHERE first_seq = %d", bodies[i],
                 (int)seq);
        fixture_sql(fixture, update);
        fixture_open(fixture);
        assert_int_equal(store_read(fixture->store, seq, SEQ_END, &batch), -EBADMSG);
        assert_int_equal(batch.first_seq, seq);
        assert_int_equal(batch.count, 5);
        assert_null(batch.body);
        fixture_close(fixture);
    }
}

static void test_store_damage_met_at_work_is_set_aside_at_the_next_open(void **state)
{
    struct fixture *fixture = *state;
    enum { PAGE = 4096, BATCHES = 300 };
    char junk[PAGE];
    struct stat status;
    fixture_open(fixture);
    for (uint64_t seq = 1; seq <= BATCHES; seq++)
        assert_int_equal(fixture_commit(fixture, seq, 1, 2500), 0);
    fixture_close(fixture);
    /* the middle of the table, where opening does not look */
    assert_int_equal(stat(fixture->path, &status), 0);
    memset(junk, 0xEE, sizeof(junk));
    for (off_t page = 100; page < 110; page++)
        overwrite(fixture->path, page * PAGE, junk, sizeof(junk));
    fixture_open(fixture);
    assert_string_equal(fixture->opened.set_aside, "");
    int rc = 0;
    for (uint64_t seq = 1; rc == 0 && seq <= BATCHES; seq++) {
        struct batch batch = {0};
        rc = store_read(fixture->store, seq, seq, &batch);
        free(batch.body);
    }
    assert_int_equal(rc, -EUCLEAN);
    assert_int_equal(store_begin(fixture->store), -EUCLEAN);
    assert_true(fixture_has(fixture, BATCHES));
    fixture_reopen(fixture);
    assert_string_not_equal(fixture->opened.set_aside, "");
    assert_int_equal(fixture_commit(fixture, 1, 1, 0), 0);
    fixture_reopen(fixture);
    assert_string_equal(fixture->opened.set_aside, "");
    assert_int_equal(store_next_seq(fixture->store), 2);
}

static void test_store_notices_that_its_file_was_deleted(void **state)
{
    struct fixture *fixture = *state;
    static const char *const suffixes[] = {"", "-wal"};
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
        char path[100];
        struct batch batch;
        fixture_open(fixture);
        assert_int_equal(fixture_commit(fixture, 1, 5, 0), 0);
        fixture_reopen(fixture);
        snprintf(path, sizeof(path), "%s%s", fixture->path, suffixes[i]);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(store_begin(fixture->store), -ESTALE);
        /* what was in it can still be read, and written again elsewhere */
        assert_int_equal(store_read(fixture->store, 1, 1, &batch), 0);
        free(batch.body);
        fixture_reopen(fixture);
        assert_int_equal(store_next_seq(fixture->store), i == 0 ? 1 : 6);
        fixture_close(fixture);
        unlink(fixture->path);
    }
}

static void test_store_put_in_place_of_another_is_taken_as_it_is(void **state)
{
    struct fixture *fixture = *state;
    char backup[100];
    char id[64];
    snprintf(backup, sizeof(backup), "%s.backup", fixture->path);
    fixture_open(fixture);
    strcpy(id, store_id(fixture->store));
    assert_int_equal(fixture_commit(fixture, 1, 5, 0), 0);
    fixture_close(fixture);
    assert_int_equal(rename(fixture->path, backup), 0);

    fixture_open(fixture);
    assert_int_equal(rename(backup, fixture->path), 0);
    assert_int_equal(store_begin(fixture->store), -ESTALE);
    fixture_reopen(fixture);
    assert_string_equal(store_id(fixture->store), id);
    assert_int_equal(store_next_seq(fixture->store), 6);
    assert_true(fixture_has(fixture, 1));
}

static void test_store_takes_nothing_that_could_not_be_synced(void **state)
{
    struct fixture *fixture = *state;
    uint32_t boot;
    fixture_open(fixture);
    assert_int_equal(fixture_commit(fixture, 1, 5, 100), 0);
    sync_fails = true;
    assert_int_equal(fixture_commit(fixture, 6, 5, 100), -EIO);
    assert_int_equal(store_next_seq(fixture->store), 6);
    /* the disk is still bad: reconnecting may fail or not, but nothing is lost */
    assert_true(fixture_commit(fixture, 6, 5, 100) < 0);
    assert_true(store_boot(fixture->store, "boot-a", &boot) < 0);
    sync_fails = false;
    /* what comes again after that may be cut otherwise */
    assert_int_equal(fixture_commit(fixture, 6, 7, 100), 0);
    assert_int_equal(store_boot(fixture->store, "boot-a", &boot), 0);
    assert_int_equal(store_next_seq(fixture->store), 13);
    fixture_reopen(fixture);
    struct batch batch;
    assert_int_equal(store_read(fixture->store, 6, 6, &batch), 0);
    assert_int_equal(batch.count, 7);
    free(batch.body);
    assert_true(fixture_has(fixture, 1));
    assert_string_equal(fixture->opened.set_aside, "");
}

static void test_make_room_declares_again_what_a_failed_commit_may_have_dropped(void **state)
{
    struct fixture *fixture = *state;
    struct ranges owed = {0};
    struct gap gap;
    ranges_add(&owed, 1, SEQ_END);
    fixture_open(fixture);
    for (uint64_t seq = 1; seq <= 20; seq++)
        assert_int_equal(fixture_commit(fixture, seq, 1, 50000), 0);
    fixture_close(fixture);
    fixture->settings.max_size = 500000;
    fixture_open(fixture);
    sync_fails = true;
    assert_int_equal(store_begin(fixture->store), 0);
    assert_int_equal(store_make_room(fixture->store, &owed, &gap), 0);
    uint64_t missing = gap.missing;
    assert_true(missing > 0);
    assert_int_equal(fixture_append(fixture, 21, 1, 0), 0);
    assert_int_equal(store_commit(fixture->store), -EIO);
    sync_fails = false;
    assert_int_equal(store_begin(fixture->store), 0);
    assert_int_equal(store_make_room(fixture->store, &owed, &gap), 0);
    assert_int_equal(gap.missing, missing);
    assert_int_equal(fixture_append(fixture, 21, 1, 0), 0);
    assert_int_equal(store_commit(fixture->store), 0);
    assert_false(fixture_has(fixture, missing));
    assert_true(fixture_has(fixture, missing + 1));
    ranges_free(&owed);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_store_that_is_none_is_set_aside),
        STORE_TEST(test_store_cut_short_is_set_aside_under_a_new_id),
        STORE_TEST(test_store_of_a_later_version_is_left_alone),
        STORE_TEST(test_store_leaves_another_programs_database_alone),
        STORE_TEST(test_store_without_its_tables_is_set_aside),
        STORE_TEST(test_store_names_a_batch_whose_body_is_damaged),
        STORE_TEST(test_store_damage_met_at_work_is_set_aside_at_the_next_open),
        STORE_TEST(test_store_notices_that_its_file_was_deleted),
        STORE_TEST(test_store_put_in_place_of_another_is_taken_as_it_is),
        STORE_TEST(test_store_takes_nothing_that_could_not_be_synced),
        STORE_TEST(test_make_room_declares_again_what_a_failed_commit_may_have_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
