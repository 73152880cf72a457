/* A disk that fails to sync. */
#include <errno.h>
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

/* Nor is there any room, in a file with a hole. */
static bool allocation_fails;

int fallocate(int fd, int mode, off_t at, off_t length)
{
    if (allocation_fails) {
        errno = ENOSPC;
        return -1;
    }
    return (int)syscall(SYS_fallocate, fd, mode, at, length);
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

/* The log as it was before, which is what a disk that lies about its writes comes back with. */
static void test_store_finds_out_that_what_it_had_committed_is_gone(void **state)
{
    struct fixture *fixture = *state;
    char log[100];
    struct stat status;
    snprintf(log, sizeof(log), "%s-wal", fixture->path);
    fixture_open(fixture);
    assert_int_equal(fixture_commit(fixture, 1, 5, 100), 0);
    assert_int_equal(stat(log, &status), 0);
    assert_int_equal(fixture_commit(fixture, 6, 5, 100), 0);
    sync_fails = true;
    assert_int_equal(fixture_commit(fixture, 11, 5, 100), -EIO);
    assert_int_equal(truncate(log, status.st_size), 0);
    assert_true(fixture_commit(fixture, 11, 5, 100) < 0);
    sync_fails = false;
    assert_int_equal(fixture_commit(fixture, 11, 5, 100), -EUCLEAN);
    assert_int_equal(store_renew(fixture->store, NULL), 0);
    assert_int_equal(store_next_seq(fixture->store), 1);
    assert_int_equal(fixture_commit(fixture, 1, 5, 100), 0);
}

static void test_store_writes_all_of_its_log_again_after_a_failed_sync(void **state)
{
    struct fixture *fixture = *state;
    char log[100];
    struct stat status;
    snprintf(log, sizeof(log), "%s-wal", fixture->path);
    fixture_open(fixture);
    assert_int_equal(fixture_commit(fixture, 1, 5, 1000), 0);
    sync_fails = true;
    assert_int_equal(fixture_commit(fixture, 6, 5, 1000), -EIO);
    assert_true(fixture_commit(fixture, 6, 5, 1000) < 0);
    sync_fails = false;
    assert_int_equal(store_check(fixture->store, true), 0);
    assert_int_equal(stat(log, &status), 0);
    assert_int_equal(status.st_size, 0);
    assert_true(fixture_has(fixture, 1));
    assert_false(fixture_has(fixture, 6));
    assert_int_equal(fixture_commit(fixture, 6, 5, 1000), 0);
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

/* SQLite makes the log's index with holes where blocks are small, and maps it. */
static void test_store_without_room_for_its_index_is_a_full_disk(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    assert_int_equal(fixture_commit(fixture, 1, 5, 100), 0);
    fixture_close(fixture);
    allocation_fails = true;
    assert_int_equal(store_open(&fixture->settings, &fixture->store, &fixture->opened), -ENOSPC);
    allocation_fails = false;
    fixture_open(fixture);
    assert_string_equal(fixture->opened.set_aside, "");
    assert_true(fixture_has(fixture, 1));
}

static ssize_t write_read_only(int fd, const void *bytes, size_t count, off64_t at)
{
    (void)fd, (void)bytes, (void)count, (void)at;
    errno = EROFS;
    return -1;
}

/* By the end of a transaction SQLite has asked the system for other things, and been refused. */
static void test_store_tells_a_read_only_disk_from_a_bad_one(void **state)
{
    struct fixture *fixture = *state;
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    fixture_open(fixture);
    assert_int_equal(fixture_commit(fixture, 1, 5, 100), 0);
    const char *name = vfs->xGetSystemCall(vfs, "pwrite64") != NULL ? "pwrite64" : "pwrite";
    vfs->xSetSystemCall(vfs, name, (sqlite3_syscall_ptr)write_read_only);
    int rc = fixture_commit(fixture, 6, 5, 100);
    vfs->xSetSystemCall(vfs, name, NULL);
    assert_int_equal(rc, -EROFS);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_store_takes_nothing_that_could_not_be_synced),
        STORE_TEST(test_store_finds_out_that_what_it_had_committed_is_gone),
        STORE_TEST(test_store_writes_all_of_its_log_again_after_a_failed_sync),
        STORE_TEST(test_make_room_declares_again_what_a_failed_commit_may_have_dropped),
        STORE_TEST(test_store_without_room_for_its_index_is_a_full_disk),
        STORE_TEST(test_store_tells_a_read_only_disk_from_a_bad_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
