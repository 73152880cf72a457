#include <fcntl.h>
#include <sys/eventfd.h>

#include "ledger_bench.h"
#include "ledger_internal.h"

static void test_ledger_commits_before_anyone_may_send(void **state)
{
    struct bench *bench = *state;
    open_always(bench);
    put(bench, 10);
    put(bench, 11);
    step(bench);
    const struct recent *recent = ledger_recent(bench->ledger);
    assert_int_equal(recent->count, 1);
    assert_int_equal(recent->batches[0]->batch.first_seq, 1);
    assert_true(recent->batches[0]->stored);
    assert_value(bench, 1, 10);
    assert_value(bench, 2, 11);
    assert_int_equal(ledger_next_seq(bench->ledger), 3);
    assert_int_equal(ledger_stored_end(bench->ledger), 3);
}

static void test_ledger_takes_one_batch_a_commit_interval(void **state)
{
    struct bench *bench = *state;
    open_always(bench);
    step(bench);
    assert_int_equal(ledger_next_seq(bench->ledger), 1);
    put(bench, 10);
    step_after(bench, COMMIT_MS / 2);
    assert_int_equal(ledger_next_seq(bench->ledger), 1);
    step_after(bench, COMMIT_MS / 2);
    assert_int_equal(ledger_next_seq(bench->ledger), 2);
}

static void test_ledger_goes_on_with_the_numbers_of_its_store(void **state)
{
    struct bench *bench = *state;
    open_always(bench);
    put(bench, 10);
    step(bench);
    close_ledger(bench);
    open_always(bench);
    put(bench, 11);
    step(bench);
    assert_value(bench, 1, 10);
    assert_value(bench, 2, 11);
}

static void test_ledger_keeps_an_event_over_a_reopen(void **state)
{
    struct bench *bench = *state;
    open_always(bench);
    put(bench, 10);
    put_event(bench, 11);
    put(bench, 12);
    step(bench);
    close_ledger(bench);
    open_always(bench);
    assert_value(bench, 1, 10);
    assert_event(bench, 2, 11);
    assert_value(bench, 3, 12);
    assert_int_equal(ledger_next_seq(bench->ledger), 4);
}

static void test_ledger_commits_on_stopping_what_is_in_the_queue(void **state)
{
    struct bench *bench = *state;
    open_always(bench);
    put(bench, 10);
    finish(bench);
    close_ledger(bench);
    open_always(bench);
    assert_value(bench, 1, 10);
}

static void test_ledger_keeps_only_the_newest_batches_in_memory(void **state)
{
    struct bench *bench = *state;
    open_always(bench);
    for (int i = 0; i < 200; i++) {
        put(bench, i);
        step(bench);
    }
    const struct recent *recent = ledger_recent(bench->ledger);
    assert_in_range(recent->count, 1, 64);
    assert_int_equal(recent->batches[recent->count - 1]->batch.first_seq, 200);
}

/* --- a store that refuses --- */

static void test_ledger_keeps_a_batch_and_its_numbers_over_a_failed_commit(void **state)
{
    struct bench *bench = *state;
    open_always(bench);
    refuse(bench, "1");
    put(bench, 10);
    step(bench);
    put(bench, 11);
    for (int i = 0; i < 10; i++)
        step(bench);
    assert_int_equal(ledger_recent(bench->ledger)->count, 0);
    assert_int_equal(ledger_next_seq(bench->ledger), 1);
    refuse_no_more(bench);
    step_after(bench, 2000);
    step(bench);
    assert_value(bench, 1, 10);
    assert_value(bench, 2, 11);
    assert_int_equal(ledger_next_seq(bench->ledger), 3);
}

static void test_ledger_reports_trouble_until_it_is_over(void **state)
{
    struct bench *bench = *state;
    open_always(bench);
    assert_string_equal(trouble(bench), "");
    refuse(bench, "1");
    put(bench, 10);
    step(bench);
    assert_string_not_equal(trouble(bench), "");
    refuse_no_more(bench);
    step_after(bench, 2000);
    assert_string_equal(trouble(bench), "");
}

static void test_ledger_declares_what_memory_could_not_hold(void **state)
{
    struct bench *bench = *state;
    open_ledger(bench, "durability: always", 3 * NOISE_BYTES);
    for (int i = 0; i < 10; i++)
        put_noise(bench);
    step(bench);
    uint64_t last = ledger_next_seq(bench->ledger) - 1;
    struct gap gap = read_gap(bench, last);
    assert_int_equal(gap.why, GAP_MEMORY_FULL);
    assert_int_equal(gap.missing, 10 - (last - 1));
    struct live_store report;
    ledger_report(bench->ledger, &report);
    assert_int_equal(report.lost, gap.missing);
}

static void test_ledger_gives_a_declared_loss_a_number_like_any_reading(void **state)
{
    struct bench *bench = *state;
    const struct gap gap = {.why = GAP_REFUSED, .first_seq = 7, .last_seq = 9, .missing = 3};
    open_always(bench);
    put(bench, 10);
    ledger_declare(bench->ledger, &gap);
    step(bench);
    put(bench, 11);
    step(bench);
    assert_value(bench, 1, 10);
    assert_int_equal(read_gap(bench, 2).why, GAP_REFUSED);
    assert_int_equal(read_gap(bench, 2).missing, 3);
    assert_value(bench, 3, 11);
}

static void test_ledger_declares_a_loss_even_when_nothing_is_read(void **state)
{
    struct bench *bench = *state;
    const struct gap gap = {.why = GAP_DAMAGED, .first_seq = 7, .last_seq = 7, .missing = 1};
    open_always(bench);
    ledger_declare(bench->ledger, &gap);
    step(bench);
    assert_int_equal(read_gap(bench, 1).why, GAP_DAMAGED);
}

static void test_ledger_does_not_open_on_a_link_to_nowhere(void **state)
{
    struct bench *bench = *state;
    struct ledger *ledger = NULL;
    open_always(bench);
    ledger_close(bench->ledger);
    bench->ledger = NULL;
    assert_int_equal(unlink(bench->fixture->path), 0);
    assert_int_equal(symlink("/nowhere/at/all", bench->fixture->path), 0);
    assert_int_equal(ledger_open(bench->plant, bench->queue, &ledger), -ENOENT);
    assert_null(ledger);
}

/* --- cursors --- */

static void assert_saved_cursor(struct bench *bench, const char *expected)
{
    struct ranges saved = {0};
    struct text text = {0};
    assert_int_equal(store_load_cursor(ledger_store(bench->ledger), "cloud", &saved), 0);
    ranges_to_text(&saved, &text);
    assert_string_equal(text.data, expected);
    text_free(&text);
    ranges_free(&saved);
}

static void test_ledger_saves_a_new_cursor_with_the_first_batch(void **state)
{
    struct bench *bench = *state;
    open_always(bench);
    ranges_add(&bench->cloud.owed, 1, SEQ_END);
    bench->cloud.dirty = true;
    put(bench, 10);
    step(bench);
    assert_saved_cursor(bench, "1-");
}

static void test_ledger_saves_cursors_with_a_batch_once_a_second(void **state)
{
    struct bench *bench = *state;
    open_always(bench);
    acknowledge(bench, 1, 1);
    for (int i = 0; i < 5; i++) {
        put(bench, 10);
        step(bench);
        assert_saved_cursor(bench, "2-");
        acknowledge(bench, 2, 2);
    }
    put(bench, 10);
    step(bench);
    assert_saved_cursor(bench, "3-");
    assert_false(bench->cloud.dirty);
}

/* A wake-up that is a little late or early must not cost a transaction. */
static void test_ledger_saves_cursors_with_a_batch_that_is_a_little_early(void **state)
{
    struct bench *bench = *state;
    open_always(bench);
    put(bench, 10);
    step_after(bench, COMMIT_MS + 30);
    for (int i = 0; i < 4; i++) {
        put(bench, 10);
        step(bench);
    }
    acknowledge(bench, 1, 1);
    put(bench, 10);
    step_after(bench, COMMIT_MS - 30);
    assert_saved_cursor(bench, "2-");
    assert_false(bench->cloud.dirty);
}

static void test_ledger_saves_cursors_within_a_second_without_batches(void **state)
{
    struct bench *bench = *state;
    open_always(bench);
    put(bench, 10);
    step(bench);
    acknowledge(bench, 1, 1);
    for (int i = 0; i < 6; i++)
        step(bench);
    assert_saved_cursor(bench, "2-");
}

static void test_ledger_saves_the_cursor_of_a_closing_uplink(void **state)
{
    struct bench *bench = *state;
    open_always(bench);
    acknowledge(bench, 1, 4);
    ledger_save_cursors(bench->ledger, audience(bench));
    assert_saved_cursor(bench, "5-");
}

static void test_ledger_marks_where_the_uplink_that_is_owed_most_begins(void **state)
{
    struct bench *bench = *state;
    struct delivery other = {.settings = {.name = "other"}};
    struct delivery *both[] = {&bench->cloud, &other};
    char lock[100];
    open_always(bench);
    ranges_add(&other.owed, 3, SEQ_END);
    for (int i = 0; i < 8; i++)
        put(bench, i);
    step(bench);
    acknowledge(bench, 1, 8);
    ledger_save_cursors(bench->ledger, (struct audience){both, 2});
    snprintf(lock, sizeof(lock), "%s.lock", bench->fixture->path);
    int fd = open(lock, O_RDONLY);
    assert_int_equal(store_mark_read(fd).owed_from, 3);
    close(fd);
    ranges_free(&other.owed);
}

static void test_ledger_forgets_cursors_of_uplinks_the_plant_lacks(void **state)
{
    struct bench *bench = *state;
    struct ranges owed = {0};
    open_always(bench);
    acknowledge(bench, 1, 4);
    ledger_save_cursors(bench->ledger, audience(bench));
    ledger_drop_cursors(bench->ledger, bench->plant);
    assert_int_equal(store_load_cursor(ledger_store(bench->ledger), "cloud", &owed), -ENOENT);
}

/* --- a full store --- */

static uint64_t fill_until_loss(struct bench *bench)
{
    struct live_store report = {0};
    for (int i = 0; i < 200 && report.lost == 0; i++) {
        for (int j = 0; j < 100; j++)
            put_noise(bench);
        step(bench);
        ledger_report(bench->ledger, &report);
    }
    assert_true(report.lost > 0);
    return report.lost;
}

static void test_ledger_declares_what_a_full_store_drops(void **state)
{
    struct bench *bench = *state;
    open_ledger(bench, "durability: always, max_size: 1MiB", QUEUE_BYTES);
    bench->cloud.connected = false;
    uint64_t lost = fill_until_loss(bench);
    struct gap gap = read_gap(bench, ledger_next_seq(bench->ledger) - 1);
    assert_int_equal(gap.why, GAP_STORE_FULL);
    assert_int_equal(gap.missing, lost);
    assert_int_equal(gap.first_seq, 1);
    assert_int_equal(gap.last_seq, lost);
    for (uint64_t seq = 1; seq < ledger_next_seq(bench->ledger); seq++)
        assert_int_equal(has(bench, seq), seq > gap.last_seq);
}

static void test_ledger_owes_nobody_what_a_full_store_dropped(void **state)
{
    struct bench *bench = *state;
    uint64_t first;
    open_ledger(bench, "durability: always, max_size: 1MiB", QUEUE_BYTES);
    bench->cloud.connected = false;
    uint64_t lost = fill_until_loss(bench);
    assert_true(ranges_next(&bench->cloud.owed, 0, &first));
    assert_int_equal(first, lost + 1);
}

/* As a kill would leave it. */
static void test_ledger_stores_with_the_loss_that_it_is_owed_no_longer(void **state)
{
    struct bench *bench = *state;
    char expected[40];
    open_ledger(bench, "durability: always, max_size: 1MiB", QUEUE_BYTES);
    bench->cloud.connected = false;
    uint64_t lost = fill_until_loss(bench);
    snprintf(expected, sizeof(expected), "%llu-", (unsigned long long)lost + 1);
    assert_saved_cursor(bench, expected);
}

static void assert_saved_is_there(struct bench *bench)
{
    struct ranges saved = {0};
    uint64_t seq;
    assert_int_equal(store_load_cursor(ledger_store(bench->ledger), "cloud", &saved), 0);
    assert_true(ranges_next(&saved, 0, &seq));
    assert_true(seq == ledger_next_seq(bench->ledger) || has(bench, seq));
    ranges_free(&saved);
}

static void test_ledger_deletes_nothing_that_a_stored_cursor_is_owed(void **state)
{
    struct bench *bench = *state;
    open_ledger(bench, "durability: always, replay_window: 0s", QUEUE_BYTES);
    step(bench); /* else cursors would be saved in the very rounds in which is deleted */
    bench->cloud.dirty = true;
    for (int i = 0; i < 120; i++) {
        put(bench, i);
        step(bench);
        assert_saved_is_there(bench);
        acknowledge(bench, 1, ledger_next_seq(bench->ledger) - 1);
    }
}

static void test_ledger_goes_on_numbering_behind_the_gap_of_a_full_store(void **state)
{
    struct bench *bench = *state;
    open_ledger(bench, "durability: always, max_size: 1MiB", QUEUE_BYTES);
    bench->cloud.connected = false;
    fill_until_loss(bench);
    uint64_t next_seq = ledger_next_seq(bench->ledger);
    put(bench, 10);
    step(bench);
    assert_value(bench, next_seq, 10);
}

static void test_ledger_drops_acknowledged_batches_of_a_full_store_silently(void **state)
{
    struct bench *bench = *state;
    struct live_store report;
    open_ledger(bench, "durability: always, max_size: 1MiB", QUEUE_BYTES);
    for (int i = 0; i < 100; i++) {
        for (int j = 0; j < 100; j++)
            put_noise(bench);
        step(bench);
        acknowledge(bench, 1, ledger_next_seq(bench->ledger) - 1);
    }
    ledger_report(bench->ledger, &report);
    assert_int_equal(report.lost, 0);
    assert_int_equal(ledger_next_seq(bench->ledger), 100 * 100 + 1);
    assert_false(has(bench, 1));
}

static void test_ledger_sleeps_while_nothing_comes_and_commits_when_it_does(void **state)
{
    struct bench *bench = *state;
    eventfd_t count;
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    open_always(bench);
    ledger_wake_by(bench->ledger, fd);
    put(bench, 1);
    step(bench);
    assert_int_equal(ledger_next_seq(bench->ledger), 2);
    for (int i = 0; i < 20; i++)
        step(bench);
    int64_t next_ns = ledger_step(bench->ledger, audience(bench), bench->now_ns);
    assert_true(next_ns > bench->now_ns + COMMIT_MS * NS_PER_MS);

    put(bench, 2);
    assert_int_equal(eventfd_read(fd, &count), 0);
    next_ns = ledger_step(bench->ledger, audience(bench), bench->now_ns);
    assert_true(next_ns <= bench->now_ns + COMMIT_MS * NS_PER_MS);
    put(bench, 3); /* what comes in the same interval is committed with it */
    step(bench);
    assert_int_equal(ledger_next_seq(bench->ledger), 4);
    assert_int_equal(ledger_recent(bench->ledger)->count, 2);
    close(fd);
}

/* With nothing to write there is nothing to try again: that must not be taken for something due. */
static void test_ledger_in_trouble_without_readings_is_never_due_at_once(void **state)
{
    struct bench *bench = *state;
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    open_always(bench);
    ledger_wake_by(bench->ledger, fd);
    for (int i = 0; i < 20; i++)
        step(bench);
    ledger_note_trouble(bench->ledger, -ENOSPC, bench->now_ns);
    for (int i = 0; i < 20; i++)
        step(bench); /* which asks when it is due again */
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(test_ledger_commits_before_anyone_may_send),
        LEDGER_TEST(test_ledger_takes_one_batch_a_commit_interval),
        LEDGER_TEST(test_ledger_sleeps_while_nothing_comes_and_commits_when_it_does),
        LEDGER_TEST(test_ledger_in_trouble_without_readings_is_never_due_at_once),
        LEDGER_TEST(test_ledger_goes_on_with_the_numbers_of_its_store),
        LEDGER_TEST(test_ledger_keeps_an_event_over_a_reopen),
        LEDGER_TEST(test_ledger_commits_on_stopping_what_is_in_the_queue),
        LEDGER_TEST(test_ledger_keeps_only_the_newest_batches_in_memory),
        LEDGER_TEST(test_ledger_keeps_a_batch_and_its_numbers_over_a_failed_commit),
        LEDGER_TEST(test_ledger_reports_trouble_until_it_is_over),
        LEDGER_TEST(test_ledger_declares_what_memory_could_not_hold),
        LEDGER_TEST(test_ledger_gives_a_declared_loss_a_number_like_any_reading),
        LEDGER_TEST(test_ledger_declares_a_loss_even_when_nothing_is_read),
        LEDGER_TEST(test_ledger_does_not_open_on_a_link_to_nowhere),
        LEDGER_TEST(test_ledger_saves_a_new_cursor_with_the_first_batch),
        LEDGER_TEST(test_ledger_saves_cursors_with_a_batch_once_a_second),
        LEDGER_TEST(test_ledger_saves_cursors_with_a_batch_that_is_a_little_early),
        LEDGER_TEST(test_ledger_saves_cursors_within_a_second_without_batches),
        LEDGER_TEST(test_ledger_saves_the_cursor_of_a_closing_uplink),
        LEDGER_TEST(test_ledger_marks_where_the_uplink_that_is_owed_most_begins),
        LEDGER_TEST(test_ledger_forgets_cursors_of_uplinks_the_plant_lacks),
        LEDGER_TEST(test_ledger_declares_what_a_full_store_drops),
        LEDGER_TEST(test_ledger_owes_nobody_what_a_full_store_dropped),
        LEDGER_TEST(test_ledger_stores_with_the_loss_that_it_is_owed_no_longer),
        LEDGER_TEST(test_ledger_deletes_nothing_that_a_stored_cursor_is_owed),
        LEDGER_TEST(test_ledger_goes_on_numbering_behind_the_gap_of_a_full_store),
        LEDGER_TEST(test_ledger_drops_acknowledged_batches_of_a_full_store_silently),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
