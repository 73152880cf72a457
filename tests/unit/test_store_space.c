#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "clock.h"
#include "store_files.h"
#include "store_fixture.h"

enum { BATCH = 10 };

/* Batches of ten readings and about 100 KB each, numbered from 1 on. */
static void fill(struct fixture *fixture, uint64_t batches)
{
    for (uint64_t i = 0; i < batches; i++)
        assert_int_equal(fixture_commit(fixture, 1 + i * BATCH, BATCH, 12000), 0);
}

static struct gap make_room(struct fixture *fixture, const char *owed_text)
{
    struct ranges owed = {0};
    struct gap gap = {.missing = 77};
    assert_int_equal(ranges_parse(owed_text, &owed), 0);
    assert_int_equal(store_make_room(fixture->store, &owed, &gap), 0);
    ranges_free(&owed);
    return gap;
}

/* A store of 21 batches with room for about 16. */
static void open_overfull(struct fixture *fixture)
{
    fixture_open(fixture);
    fill(fixture, 21);
    fixture_close(fixture);
    fixture->settings.max_size = 1600000;
    fixture_open(fixture);
    assert_true(store_bytes(fixture->store) > 1600000);
}

static void test_store_numbers_go_on_after_trim(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    assert_int_equal(fixture_commit(fixture, 1, 5, 0), 0);
    assert_int_equal(fixture_commit(fixture, 6, 5, 0), 0);
    assert_int_equal(store_trim(fixture->store, SEQ_END), 0);
    assert_false(fixture_has(fixture, 5));
    assert_true(fixture_has(fixture, 6));
    fixture_reopen(fixture);
    assert_int_equal(store_next_seq(fixture->store), 11);
}

static void test_store_trim_keeps_what_is_not_acknowledged(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    for (uint64_t seq = 1; seq <= 41; seq += 10)
        assert_int_equal(fixture_commit(fixture, seq, 10, 0), 0);
    assert_int_equal(store_trim(fixture->store, 1), 0);
    assert_true(fixture_has(fixture, 1));
    assert_int_equal(store_trim(fixture->store, 30), 0);
    assert_false(fixture_has(fixture, 20));
    assert_true(fixture_has(fixture, 21));
    assert_int_equal(store_trim(fixture->store, 31), 0);
    assert_false(fixture_has(fixture, 30));
    assert_true(fixture_has(fixture, 31));
}

static void test_store_trim_keeps_the_replay_window_in_running_time(void **state)
{
    struct fixture *fixture = *state;
    fixture->settings.replay_window_ms = 600000;
    fixture_open(fixture);
    for (uint64_t seq = 1; seq <= 4; seq++)
        assert_int_equal(fixture_commit(fixture, seq, 1, 0), 0);
    assert_int_equal(store_trim(fixture->store, SEQ_END), 0);
    assert_true(fixture_has(fixture, 1));
    fixture_close(fixture);
    /* ages of 0, 9, 11 and 20 minutes; when the file lay unused in between does not count */
    fixture_sql(fixture, "UPDATE batch SET age_ms = CASE first_seq WHEN 1 THEN 0"
                         " WHEN 2 THEN 540000 WHEN 3 THEN 660000 ELSE 1200000 END");
    fixture_open(fixture);
    assert_int_equal(store_trim(fixture->store, SEQ_END), 0);
    assert_false(fixture_has(fixture, 1));
    assert_false(fixture_has(fixture, 2));
    assert_true(fixture_has(fixture, 3));
    assert_int_equal(fixture_commit(fixture, 5, 1, 0), 0);
    fixture_close(fixture);
    fixture_sql(fixture, "DELETE FROM batch WHERE first_seq = 5 AND age_ms < 1200000");
    fixture_open(fixture);
    assert_true(fixture_has(fixture, 5));
}

static void test_make_room_leaves_alone_what_fits(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    fill(fixture, 5);
    assert_int_equal(make_room(fixture, "").missing, 0);
    assert_true(fixture_has(fixture, 1));
}

static void test_make_room_drops_acknowledged_first(void **state)
{
    struct fixture *fixture = *state;
    open_overfull(fixture);
    assert_int_equal(make_room(fixture, "1-55,200-").missing, 0);
    assert_true(store_bytes(fixture->store) <= 1600000);
    assert_true(fixture_has(fixture, 1));
    assert_true(fixture_has(fixture, 51)); /* half of it is owed */
    assert_false(fixture_has(fixture, 61));
    assert_true(fixture_has(fixture, 181));
    assert_true(fixture_has(fixture, 201));
}

static void test_make_room_declares_what_it_drops(void **state)
{
    struct fixture *fixture = *state;
    open_overfull(fixture);
    /* of the first batch half was acknowledged, the third one wholly */
    struct gap gap = make_room(fixture, "6-20,31-");
    assert_true(store_bytes(fixture->store) <= 1600000);
    uint64_t first_left = 1;
    while (!fixture_has(fixture, first_left))
        first_left += BATCH;
    assert_true(first_left > 41);
    assert_int_equal(gap.why, GAP_STORE_FULL);
    assert_int_equal(gap.first_seq, 6);
    assert_int_equal(gap.last_seq, first_left - 1);
    assert_int_equal(gap.missing, first_left - 1 - 5 - 10);
    assert_int_equal(gap.from_ms, 1000000 + 6 * 1000);
    assert_int_equal(gap.to_ms, 1000000 + (int64_t)(first_left - 1) * 1000);
    assert_int_equal(make_room(fixture, "6-20,31-").missing, 0);
}

static void test_make_room_folds_in_a_gap_that_goes(void **state)
{
    struct fixture *fixture = *state;
    struct text body = {0};
    struct gap earlier = {.why = GAP_MEMORY_FULL, .missing = 5000, .from_ms = 10, .to_ms = 20};
    fixture_open(fixture);
    record_add_gap(&body, &earlier);
    struct batch batch = {
        .first_seq = 1, .count = 1, .body = (uint8_t *)body.data, .length = body.length};
    assert_int_equal(store_begin(fixture->store), 0);
    assert_int_equal(store_append(fixture->store, &batch), 0);
    assert_int_equal(store_commit(fixture->store), 0);
    for (uint64_t i = 0; i < 4; i++)
        assert_int_equal(fixture_commit(fixture, 2 + i * BATCH, BATCH, 12000), 0);
    fixture_close(fixture);
    fixture->settings.max_size = 450000;
    fixture_open(fixture);
    struct gap gap = make_room(fixture, "1-");
    assert_int_equal(gap.first_seq, 1);
    assert_int_equal(gap.last_seq, 11);
    assert_int_equal(gap.missing, 5010);
    assert_int_equal(gap.from_ms, 10);
    assert_int_equal(gap.to_ms, 1000000 + 11 * 1000);
    text_free(&body);
}

static void test_make_room_declares_an_event_that_goes_as_one(void **state)
{
    struct fixture *fixture = *state;
    struct text body = {0};
    const struct event event = {.source = 1, .at = {.wall_ms = 70, .synced = true}, .name = "stop"};
    fixture_open(fixture);
    record_add_event(&body, &event);
    struct batch batch = {
        .first_seq = 1, .count = 1, .body = (uint8_t *)body.data, .length = body.length};
    assert_int_equal(store_begin(fixture->store), 0);
    assert_int_equal(store_append(fixture->store, &batch), 0);
    assert_int_equal(store_commit(fixture->store), 0);
    for (uint64_t i = 0; i < 4; i++)
        assert_int_equal(fixture_commit(fixture, 2 + i * BATCH, BATCH, 12000), 0);
    fixture_close(fixture);
    fixture->settings.max_size = 400000;
    fixture_open(fixture);
    struct gap gap = make_room(fixture, "1-");
    assert_int_equal(gap.first_seq, 1);
    assert_int_equal(gap.missing, gap.last_seq);
    assert_int_equal(gap.from_ms, 70);
    text_free(&body);
}

static void test_make_room_declares_a_batch_it_can_not_read(void **state)
{
    struct fixture *fixture = *state;
    open_overfull(fixture);
    fixture_close(fixture);
    fixture_sql(fixture, "UPDATE batch SET body = zeroblob(length(body)) WHERE first_seq = 1");
    fixture_open(fixture);
    struct gap gap = make_room(fixture, "1-");
    assert_int_equal(gap.first_seq, 1);
    assert_int_equal(gap.missing, gap.last_seq);
    assert_int_equal(gap.from_ms, 1000000 + 11 * 1000);
}

static void test_make_room_never_drops_the_newest(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    fill(fixture, 3);
    fixture_close(fixture);
    fixture->settings.max_size = 1;
    fixture_open(fixture);
    assert_int_equal(make_room(fixture, "").missing, 0);
    assert_false(fixture_has(fixture, 11));
    assert_true(fixture_has(fixture, 21));
    assert_int_equal(make_room(fixture, "1-").missing, 0);
    assert_true(fixture_has(fixture, 21));
}

static void test_make_room_goes_with_its_transaction(void **state)
{
    struct fixture *fixture = *state;
    open_overfull(fixture);
    assert_int_equal(store_begin(fixture->store), 0);
    struct gap gap = make_room(fixture, "1-");
    assert_true(gap.missing > 0);
    assert_int_equal(fixture_append(fixture, 201, 1, 0), -EEXIST);
    assert_true(fixture_has(fixture, 1));

    assert_int_equal(store_begin(fixture->store), 0);
    struct gap again = make_room(fixture, "1-");
    assert_int_equal(again.missing, gap.missing);
    assert_int_equal(fixture_append(fixture, 211, 1, 0), 0);
    assert_int_equal(store_commit(fixture->store), 0);
    assert_false(fixture_has(fixture, 1));
    assert_int_equal(make_room(fixture, "1-").missing, 0);
}

static void test_store_stays_within_its_size_for_ever(void **state)
{
    struct fixture *fixture = *state;
    struct stat status;
    uint64_t missing = 0;
    fixture->settings.max_size = 1600000;
    fixture_open(fixture);
    for (uint64_t i = 0; i < 200; i++) {
        missing += make_room(fixture, "1-").missing;
        assert_int_equal(fixture_commit(fixture, 1 + i * BATCH, BATCH, 12000), 0);
    }
    uint64_t first_left = 1;
    while (!fixture_has(fixture, first_left))
        first_left += BATCH;
    assert_int_equal(missing, first_left - 1);
    assert_int_equal(stat(fixture->path, &status), 0);
    assert_true(status.st_size < 2000000);
}

/* A disk that is full as long as the reserve is there: files keep their length. */
static char full_disk_reserve[100];

static ssize_t write_on_full_disk(int fd, const void *bytes, size_t count, off64_t at)
{
    struct stat status;
    if (fstat(fd, &status) == 0 && at + (off64_t)count > status.st_size &&
        access(full_disk_reserve, F_OK) == 0) {
        errno = ENOSPC;
        return -1;
    }
    return pwrite64(fd, bytes, count, at);
}

static void fill_disk(struct fixture *fixture, bool full)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    sqlite3_syscall_ptr call = full ? (sqlite3_syscall_ptr)write_on_full_disk : NULL;
    snprintf(full_disk_reserve, sizeof(full_disk_reserve), "%s.reserve", fixture->path);
    /* by one name or the other, as SQLite was built */
    int renamed = vfs->xSetSystemCall(vfs, "pwrite64", call);
    if (renamed != SQLITE_OK)
        renamed = vfs->xSetSystemCall(vfs, "pwrite", call);
    assert_int_equal(renamed, SQLITE_OK);
}

static void test_store_full_disk_keeps_all_and_releases_the_reserve(void **state)
{
    struct fixture *fixture = *state;
    struct stat before;
    struct stat after;
    fixture_open(fixture);
    fill(fixture, 6);
    fill_disk(fixture, true);
    int rc = 0;
    uint64_t seq = 61;
    while ((rc = fixture_commit(fixture, seq, BATCH, 12000)) == 0)
        seq += BATCH;
    assert_int_equal(rc, -ENOSPC);
    assert_int_equal(access(full_disk_reserve, F_OK), -1);
    assert_int_equal(store_next_seq(fixture->store), seq);
    /* what was acknowledged makes room, the others stay, and the file does not grow */
    assert_int_equal(stat(fixture->path, &before), 0);
    assert_int_equal(fixture_commit(fixture, seq, BATCH, 12000), -ENOSPC);
    assert_int_equal(make_room(fixture, "31-").missing, 0);
    assert_false(fixture_has(fixture, 11));
    assert_true(fixture_has(fixture, 31));
    assert_int_equal(fixture_commit(fixture, seq, BATCH, 12000), 0);
    assert_int_equal(stat(fixture->path, &after), 0);
    assert_int_equal(after.st_size, before.st_size);
    fill_disk(fixture, false);
    fixture_reopen(fixture);
    for (uint64_t at = 31; at <= seq; at += BATCH)
        assert_true(fixture_has(fixture, at));
}

/* A full disk is retried more often than the reserve is, and each time asks for the reserve. */
static void test_store_reserve_comes_back_however_often_it_is_asked_for(void **state)
{
    struct fixture *fixture = *state;
    struct store_files files;
    fixture_open(fixture);
    fixture_close(fixture);
    assert_int_equal(store_files_lock(&files, fixture->path), 0);
    assert_true(files.reserve);
    store_files_release_reserve(&files);
    assert_false(store_files_keep_reserve(&files, clock_mono_ns()));
    int64_t due_ns = clock_mono_ns() + 5 * NS_PER_S;
    usleep(1000);
    store_files_release_reserve(&files);
    assert_true(store_files_keep_reserve(&files, due_ns));
    store_files_unlock(&files);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_store_numbers_go_on_after_trim),
        STORE_TEST(test_store_trim_keeps_what_is_not_acknowledged),
        STORE_TEST(test_store_trim_keeps_the_replay_window_in_running_time),
        STORE_TEST(test_make_room_leaves_alone_what_fits),
        STORE_TEST(test_make_room_drops_acknowledged_first),
        STORE_TEST(test_make_room_declares_what_it_drops),
        STORE_TEST(test_make_room_folds_in_a_gap_that_goes),
        STORE_TEST(test_make_room_declares_an_event_that_goes_as_one),
        STORE_TEST(test_make_room_declares_a_batch_it_can_not_read),
        STORE_TEST(test_make_room_never_drops_the_newest),
        STORE_TEST(test_make_room_goes_with_its_transaction),
        STORE_TEST(test_store_stays_within_its_size_for_ever),
        STORE_TEST(test_store_full_disk_keeps_all_and_releases_the_reserve),
        STORE_TEST(test_store_reserve_comes_back_however_often_it_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
