#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "store_fixture.h"

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

/* What stat(2) can't say may be damage, a missing file, or a moment's want of memory. */
static void test_store_that_can_not_be_looked_at_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    char log[300];
    snprintf(log, sizeof(log), "%s-wal", fixture->path);
    overwrite(log, 0, "a log", 5);
    assert_int_equal(symlink(fixture->path, fixture->path), 0);
    assert_int_equal(store_open(&fixture->settings, &fixture->store, &fixture->opened), -ELOOP);
    assert_holds(log, "a log");
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

static void test_store_of_another_version_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    assert_int_equal(fixture_commit(fixture, 1, 5, 0), 0);
    fixture_close(fixture);
    fixture_sql(fixture, "UPDATE meta SET value = value + 1 WHERE key = 'schema'");
    assert_int_equal(store_open(&fixture->settings, &fixture->store, &fixture->opened),
                     -EPROTONOSUPPORT);
    fixture_sql(fixture, "UPDATE meta SET value = value - 2 WHERE key = 'schema'");
    assert_int_equal(store_open(&fixture->settings, &fixture->store, &fixture->opened),
                     -EPROTONOSUPPORT);
    fixture_sql(fixture, "UPDATE meta SET value = value + 1 WHERE key = 'schema'");
    fixture_open(fixture);
    assert_true(fixture_has(fixture, 1));
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

/* Which neither SQLite nor the disk notices. */
static void test_store_with_one_wrong_value_is_set_aside(void **state)
{
    struct fixture *fixture = *state;
    static const char *const damages[] = {
        "UPDATE source SET machine = 'binder-3'",
        "UPDATE source SET tags = 'spefd'",
        "UPDATE source SET id = 3",
        "UPDATE boot SET offset_ms = offset_ms + 1024",
        "UPDATE boot SET boot_id = 'bnot'",
        "UPDATE boot SET offset_ms = NULL",
        "UPDATE batch SET boot = 3",
        "UPDATE batch SET count = 4",
        "UPDATE batch SET first_seq = 5",
        "UPDATE cursor SET owed = '7-'",
        "UPDATE meta SET value = 5 WHERE key = 'settled'",
        "UPDATE meta SET value = iif(value LIKE 'f%', 'e', 'f') || substr(value, 2)"
        " WHERE key = 'store'",
    };
    struct tag tag = {.name = "speed"};
    const struct machine machine = {.name = "binder-1", .tags = &tag, .tag_count = 1};
    struct ranges owed = {0};
    uint32_t source, boot;
    ranges_add(&owed, 3, SEQ_END);
    for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
        fixture_open(fixture);
        assert_string_equal(fixture->opened.set_aside, "");
        assert_int_equal(store_boot(fixture->store, "boot", &boot), 0);
        assert_int_equal(store_set_boot_offset(fixture->store, boot, 1795412000000), 0);
        assert_int_equal(store_source_id(fixture->store, &machine, &source), 0);
        assert_int_equal(fixture_commit(fixture, 1, 5, 0), 0);
        assert_int_equal(store_begin(fixture->store), 0);
        assert_int_equal(store_save_cursor(fixture->store, "cloud", &owed), 0);
        assert_int_equal(store_commit(fixture->store), 0);
        fixture_close(fixture);
        fixture_sql(fixture, damages[i]);
        fixture_open(fixture);
        assert_string_not_equal(fixture->opened.set_aside, "");
        fixture_close(fixture);
        assert_int_equal(unlink(fixture->path), 0);
    }
    ranges_free(&owed);
}

static void test_store_takes_the_place_of_whatever_is_in_its_way(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(mkdir(fixture->path, 0750), 0);
    fixture_open(fixture);
    assert_string_not_equal(fixture->opened.set_aside, "");
    assert_int_equal(rmdir(fixture->opened.set_aside), 0);
    fixture_close(fixture);
    assert_int_equal(truncate(fixture->path, 0), 0);
    fixture_open(fixture);
    assert_string_not_equal(fixture->opened.set_aside, "");
    assert_int_equal(fixture_commit(fixture, 1, 5, 0), 0);
}

/* Its owner may give it back its rights; somebody else's file is set aside. */
static void test_store_without_rights_is_no_end(void **state)
{
    struct fixture *fixture = *state;
    enum { SOMEBODY = 65534 };
    fixture_open(fixture);
    assert_int_equal(fixture_commit(fixture, 1, 5, 0), 0);
    fixture_close(fixture);
    assert_int_equal(chmod(fixture->path, 0), 0);
    fixture_open(fixture);
    assert_string_equal(fixture->opened.set_aside, "");
    assert_true(fixture_has(fixture, 1));
    fixture_close(fixture);
    if (geteuid() != 0)
        return;
    char lock[100];
    snprintf(lock, sizeof(lock), "%s.lock", fixture->path);
    assert_int_equal(chmod(fixture->path, 0600), 0);
    assert_int_equal(chown(fixture->folder, SOMEBODY, SOMEBODY), 0);
    assert_int_equal(chown(lock, SOMEBODY, SOMEBODY), 0);
    assert_int_equal(seteuid(SOMEBODY), 0);
    int rc = store_open(&fixture->settings, &fixture->store, &fixture->opened);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(rc, 0);
    assert_string_not_equal(fixture->opened.set_aside, "");
}

static void test_store_damage_met_at_work_is_set_aside_at_the_next_open(void **state)
{
    struct fixture *fixture = *state;
    enum { PAGE = 4096, BATCHES = 1500 }; /* more than SQLite keeps in memory */
    char junk[PAGE];
    struct stat status;
    fixture_open(fixture);
    assert_int_equal(store_begin(fixture->store), 0);
    for (uint64_t seq = 1; seq <= BATCHES; seq++)
        assert_int_equal(fixture_append(fixture, seq, 1, 2500), 0);
    assert_int_equal(store_commit(fixture->store), 0);
    fixture_reopen(fixture);
    assert_string_equal(fixture->opened.set_aside, "");
    assert_int_equal(stat(fixture->path, &status), 0);
    memset(junk, 0xEE, sizeof(junk));
    off_t middle = status.st_size / PAGE * 2 / 3;
    for (off_t page = middle; page < middle + 10; page++)
        overwrite(fixture->path, page * PAGE, junk, sizeof(junk));
    int rc = 0;
    for (uint64_t seq = 1; rc == 0 && seq <= BATCHES; seq++) {
        struct batch batch = {0};
        rc = store_read(fixture->store, seq, seq, &batch);
        rc = rc == -EBADMSG ? 0 : rc;
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

static void test_store_does_not_believe_a_log_with_commits_behind_a_damage(void **state)
{
    struct fixture *fixture = *state;
    char log[100], copy[100], command[500];
    snprintf(log, sizeof(log), "%s-wal", fixture->path);
    snprintf(copy, sizeof(copy), "%s/copy", fixture->folder);
    fixture_open(fixture);
    for (uint64_t seq = 1; seq <= 10; seq++)
        assert_int_equal(fixture_commit(fixture, seq, 1, 100), 0);
    snprintf(command, sizeof(command), "cp %s %s && cp %s %s-wal", fixture->path, copy, log, copy);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): paths of our own making */
    fixture_close(fixture);
    overwrite(strcat(strcpy(log, copy), "-wal"), 3000, "rubbish", 7);
    fixture->settings.path = copy;
    fixture_open(fixture);
    assert_string_not_equal(fixture->opened.set_aside, "");
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_store_that_is_none_is_set_aside),
        STORE_TEST(test_store_that_can_not_be_looked_at_is_left_alone),
        STORE_TEST(test_store_cut_short_is_set_aside_under_a_new_id),
        STORE_TEST(test_store_with_one_wrong_value_is_set_aside),
        STORE_TEST(test_store_of_another_version_is_left_alone),
        STORE_TEST(test_store_without_its_tables_is_set_aside),
        STORE_TEST(test_store_names_a_batch_whose_body_is_damaged),
        STORE_TEST(test_store_takes_the_place_of_whatever_is_in_its_way),
        STORE_TEST(test_store_without_rights_is_no_end),
        STORE_TEST(test_store_damage_met_at_work_is_set_aside_at_the_next_open),
        STORE_TEST(test_store_notices_that_its_file_was_deleted),
        STORE_TEST(test_store_put_in_place_of_another_is_taken_as_it_is),
        STORE_TEST(test_store_does_not_believe_a_log_with_commits_behind_a_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
