/* Where counters stand, over all that may end a ledger. */
#include "ledger_bench.h"
#include "ledger_internal.h"

/* The values of the plant's machine. */
enum { OTHER, TOTAL, EPOCH, INFERRED, RAW = INFERRED + 1 + STATE_VALUES, KNOWN };

static const char tags[] = "{name: n, at: 'holding:9'},"
                           "{name: t, at: 'holding:0', counter: {counts: good, kind: reset}}";

static int set_up_counter(void **state)
{
    int error = set_up(state);
    ((struct bench *)*state)->tags = tags;
    return error;
}

static uint32_t source_of(struct bench *bench)
{
    uint32_t source;
    assert_int_equal(ledger_sources(bench->ledger, bench->plant, &source), 0);
    return source;
}

/* What a poll tells of it; a number below 0 is not told. */
static void tell(struct bench *bench, int64_t total, int64_t epoch, int64_t inferred, int64_t raw)
{
    const int64_t numbers[] = {total, epoch, inferred, raw};
    const uint16_t values[] = {TOTAL, EPOCH, INFERRED, RAW};
    struct sample samples[4];
    struct reading reading = {.source = source_of(bench),
                              .at = {.wall_ms = 1000000 + total, .boot_ms = 1000 + total},
                              .samples = samples};
    for (uint16_t i = 0; i < 4; i++)
        if (numbers[i] >= 0)
            samples[reading.count++] = (struct sample){
                .tag = values[i], .value = {.kind = VALUE_DECIMAL, .mantissa = numbers[i]}};
    queue_put(bench->queue, &reading);
}

enum { UNTOLD = -2 }; /* an epoch that was never told */

static void expect_standing(struct bench *bench, int64_t total, int64_t epoch, int64_t inferred,
                            int64_t raw)
{
    struct standings standings = {0};
    ledger_copy_standings(bench->ledger, &standings);
    const struct standing *standing = standings_find(&standings, "m", "t");
    assert_non_null(standing);
    assert_int_equal(standing->numbers[STANDING_TOTAL], total);
    if (epoch == UNTOLD)
        assert_true(standing->numbers[STANDING_EPOCH] > 1000000000);
    else
        assert_int_equal(standing->numbers[STANDING_EPOCH], epoch);
    assert_int_equal(standing->numbers[STANDING_INFERRED], inferred);
    assert_int_equal(standing->numbers[STANDING_RAW], raw);
    standings_free(&standings);
}

static void reopen(struct bench *bench)
{
    close_ledger(bench);
    open_always(bench);
}

static void test_standing_is_what_was_told_last_after_a_clean_stop(void **state)
{
    struct bench *bench = *state;
    open_always(bench);
    tell(bench, 0, 0, 0, 17);
    step(bench);
    tell(bench, 5, -1, 1, 22);
    finish(bench);
    reopen(bench);
    expect_standing(bench, 5, 0, 1, 22);
}

static void test_standing_is_worked_out_from_what_was_stored_after_a_crash(void **state)
{
    struct bench *bench = *state;
    open_always(bench);
    tell(bench, 0, 0, 0, 17);
    step(bench);
    tell(bench, 5, -1, -1, 22);
    tell(bench, 9, 1, -1, 4);
    step(bench);
    tell(bench, 11, -1, -1, 6); /* never stored */
    reopen(bench);
    expect_standing(bench, 9, 1, 0, 4);
}

static void test_standing_is_kept_when_its_readings_are_trimmed(void **state)
{
    struct bench *bench = *state;
    open_ledger(bench, "durability: always, replay_window: 0s", QUEUE_BYTES);
    tell(bench, 0, 0, 0, 17);
    step(bench);
    tell(bench, 5, -1, -1, 22);
    step(bench);
    for (int i = 0; i < 100; i++) {
        acknowledge(bench, 1, ledger_next_seq(bench->ledger) - 1);
        put(bench, i); /* of another tag */
        step_after(bench, 3000);
    }
    assert_false(has(bench, 2));
    reopen(bench);
    expect_standing(bench, 5, 0, 0, 22);
}

static void test_readings_are_not_trimmed_before_what_they_say_is_written_down(void **state)
{
    struct bench *bench = *state;
    open_ledger(bench, "durability: always, replay_window: 0s", QUEUE_BYTES);
    tell(bench, 0, 0, 0, 17);
    step(bench);
    tell(bench, 5, -1, -1, 22);
    step(bench);
    for (int i = 0; i < 30; i++) {
        put(bench, i); /* of another tag */
        step(bench);
        acknowledge(bench, 1, ledger_next_seq(bench->ledger) - 1);
        step_after(bench, 1000);
    }
    assert_true(has(bench, 2));
    reopen(bench);
    expect_standing(bench, 5, 0, 0, 22);
}

static void test_a_full_store_drops_no_reading_before_what_it_says_is_written_down(void **state)
{
    struct bench *bench = *state;
    open_ledger(bench, "durability: always, max_size: 1MiB", QUEUE_BYTES);
    tell(bench, 0, 0, 0, 17);
    step(bench);
    tell(bench, 5, -1, -1, 22);
    step(bench);
    for (int i = 0; i < 400 && has(bench, 2); i++) {
        for (int j = 0; j < 100; j++)
            put_noise(bench);
        step_after(bench, COMMIT_MS);
    }
    assert_false(has(bench, 2));
    reopen(bench);
    expect_standing(bench, 5, 0, 0, 22);
}

static void test_an_older_reading_sets_no_standing_back(void **state)
{
    struct bench *bench = *state;
    struct text body = {0};
    open_always(bench);
    tell(bench, 50, 1, 0, 67);
    step(bench);
    struct sample samples[] = {{.tag = TOTAL, .value = {.kind = VALUE_DECIMAL, .mantissa = 40}},
                               {.tag = RAW, .value = {.kind = VALUE_DECIMAL, .mantissa = 57}}};
    struct reading older = {.source = source_of(bench), .count = 2, .samples = samples};
    record_add_reading(&body, &older);
    const struct batch batch = {
        .first_seq = 9, .count = 1, .body = (uint8_t *)body.data, .length = body.length};
    ledger_follow(bench->ledger, &batch);
    text_free(&body);
    expect_standing(bench, 50, 1, 0, 67);
}

static void test_totals_of_an_unclean_stop_in_outage_mode_are_marked(void **state)
{
    struct bench *bench = *state;
    open_outage(bench);
    tell(bench, 0, 0, 0, 17);
    step(bench);
    step_after(bench, 2000); /* not acknowledged: stored */
    tell(bench, 5, -1, -1, 22);
    step(bench); /* sent, and never stored */
    close_ledger(bench);
    open_outage(bench);
    expect_standing(bench, 0, UNTOLD, 0, 17);
}

static void test_what_an_unclean_stop_left_nothing_of_begins_at_an_epoch_never_told(void **state)
{
    struct bench *bench = *state;
    struct standings standings = {0};
    open_outage(bench);
    tell(bench, 0, 0, 0, 17);
    step(bench);
    tell(bench, 709, -1, -1, 726);
    step(bench); /* sent, and never stored */
    close_ledger(bench);
    open_outage(bench);
    ledger_copy_standings(bench->ledger, &standings);
    assert_null(standings_find(&standings, "m", "t"));
    assert_true(standings.first_epoch > 1000000000);
    standings_free(&standings);
}

static void test_another_store_gets_all_standings(void **state)
{
    struct bench *bench = *state;
    open_always(bench);
    tell(bench, 5, 1, 2, 22);
    step(bench);
    acknowledge(bench, 1, 1);
    finish(bench);
    assert_int_equal(unlink(bench->fixture->path), 0);
    step_after(bench, 2000);
    finish(bench);
    reopen(bench);
    expect_standing(bench, 5, 1, 2, 22);
}

static void test_what_cannot_be_read_any_more_raises_the_epoch(void **state)
{
    struct bench *bench = *state;
    open_always(bench);
    tell(bench, 0, 0, 0, 17);
    step(bench);
    tell(bench, 5, -1, -1, 22);
    step(bench);
    close_ledger(bench);
    fixture_sql(bench->fixture, "UPDATE batch SET body = x'00' WHERE first_seq = 2");
    open_always(bench);
    expect_standing(bench, 0, UNTOLD, 0, 17);
}

static void test_a_tag_keeps_its_standing_when_others_join_it(void **state)
{
    struct bench *bench = *state;
    open_always(bench);
    tell(bench, 5, 1, 2, 22);
    step(bench);
    close_ledger(bench);
    bench->tags = "{name: a, at: 'holding:1'},"
                  "{name: t, at: 'holding:0', counter: {counts: good, kind: reset, raw: true}}";
    open_always(bench);
    expect_standing(bench, 5, 1, 2, 22);
    struct sample samples[] = {{.tag = 1, .value = {.kind = VALUE_DECIMAL, .mantissa = 7}},
                               {.tag = 4, .value = {.kind = VALUE_DECIMAL, .mantissa = 24}}};
    struct reading reading = {.source = source_of(bench), .count = 2, .samples = samples};
    queue_put(bench->queue, &reading);
    step(bench);
    reopen(bench);
    expect_standing(bench, 7, 1, 2, 24);
}

/* 50 batches use up what was reserved with the first: nothing seems unclean. */
static void test_outage_totals_are_right_or_marked_where_reserved_numbers_were_used_up(void **state)
{
    struct bench *bench = *state;
    open_outage(bench);
    tell(bench, 0, 0, 0, 17);
    step(bench);
    acknowledge(bench, 1, 1);
    step_after(bench, 11000);
    for (int i = 1; i <= 50; i++) {
        tell(bench, i, -1, -1, 17 + i);
        step(bench);
        acknowledge(bench, 1, ledger_next_seq(bench->ledger) - 1);
    }
    step_after(bench, 11000);
    ledger_save_cursors(bench->ledger, audience(bench));
    close_ledger(bench);
    open_outage(bench);
    expect_standing(bench, 50, 0, 0, 67);
}

static void test_outage_totals_are_right_where_later_numbers_were_stored(void **state)
{
    struct bench *bench = *state;
    open_outage(bench);
    tell(bench, 0, 0, 0, 17);
    step(bench);
    acknowledge(bench, 1, 1);
    step_after(bench, 11000);
    tell(bench, 50, -1, -1, 67); /* acknowledged, and never stored */
    step(bench);
    acknowledge(bench, 1, 2);
    bench->cloud.connected = false;
    for (int i = 0; i < 60; i++) {
        put(bench, i);
        step(bench);
    }
    close_ledger(bench);
    open_outage(bench);
    expect_standing(bench, 50, 0, 0, 67);
}

static void test_totals_behind_a_damaged_store_begin_at_an_epoch_never_told(void **state)
{
    struct bench *bench = *state;
    struct standings standings = {0};
    open_always(bench);
    tell(bench, 5000, 0, 0, 17);
    step(bench);
    finish(bench);
    close_ledger(bench);
    FILE *file = fopen(bench->fixture->path, "r+");
    assert_non_null(file);
    assert_int_equal(fwrite("rubbish", 1, 7, file), 7);
    fclose(file);
    open_always(bench);
    ledger_copy_standings(bench->ledger, &standings);
    assert_true(standings.first_epoch > 1000000000);
    standings_free(&standings);
}

static void test_another_store_has_all_standings_from_its_beginning(void **state)
{
    struct bench *bench = *state;
    open_always(bench);
    tell(bench, 5, 1, 2, 22);
    step(bench);
    acknowledge(bench, 1, 1);
    step_after(bench, 61000);
    assert_int_equal(unlink(bench->fixture->path), 0);
    ledger_note_error(bench->ledger, -ESTALE); /* as whoever looks finds out within a second */
    assert_true(ledger_mend(bench->ledger, audience(bench)));
    reopen(bench);
    expect_standing(bench, 5, 1, 2, 22);
}

static void test_standings_are_worked_out_for_machines_that_have_no_counters_now(void **state)
{
    struct bench *bench = *state;
    open_always(bench);
    tell(bench, 0, 0, 0, 17);
    step(bench);
    tell(bench, 5, -1, -1, 22);
    step(bench);
    close_ledger(bench);
    bench->tags = "{name: n, at: 'holding:9'},{name: t, at: 'holding:0'}";
    open_always(bench);
    expect_standing(bench, 5, 0, 0, 22);
}

static void test_a_total_that_was_set_begins_at_the_next_reading_after_a_restart(void **state)
{
    struct bench *bench = *state;
    struct standings standings = {0};
    open_always(bench);
    struct sample samples[] = {
        {.tag = TOTAL, .value = {.kind = VALUE_DECIMAL, .mantissa = 7000}},
        {.tag = EPOCH, .value = {.kind = VALUE_DECIMAL, .mantissa = 1}},
        {.tag = RAW},
        {.tag = KNOWN, .value = {.kind = VALUE_DECIMAL}},
    };
    struct reading reading = {.source = source_of(bench), .count = 4, .samples = samples};
    queue_put(bench->queue, &reading);
    step(bench);
    reopen(bench);
    ledger_copy_standings(bench->ledger, &standings);
    const struct standing *standing = standings_find(&standings, "m", "t");
    assert_non_null(standing);
    assert_int_equal(standing->numbers[STANDING_TOTAL], 7000);
    assert_int_equal(standing->numbers[STANDING_KNOWN], 0);
    standings_free(&standings);
}

static void test_a_states_words_are_kept_with_their_age(void **state)
{
    struct bench *bench = *state;
    struct standings standings = {0};
    bench->tags = "{name: c, at: 'holding:0', states: {1: production}}";
    open_always(bench);
    struct sample samples[STATE_KEPT_VALUES];
    for (uint16_t i = 0; i < STATE_KEPT_VALUES; i++)
        samples[i] = (struct sample){.tag = 1 + STATE_VALUES + i,
                                     .value = {.kind = VALUE_DECIMAL, .mantissa = 100 - 60 * i}};
    struct reading reading = {.source = source_of(bench),
                              .count = STATE_KEPT_VALUES,
                              .at = {.wall_ms = 77000, .boot_ms = 5000},
                              .samples = samples};
    queue_put(bench->queue, &reading);
    step(bench);
    reopen(bench);
    ledger_copy_standings(bench->ledger, &standings);
    const struct standing *standing = standings_find(&standings, "m", "state");
    assert_non_null(standing);
    for (int i = 0; i < STATE_KEPT_VALUES; i++)
        assert_int_equal(standing->numbers[i], 100 - 60 * i);
    assert_int_equal(standing->at.boot_ms, 5000);
    standings_free(&standings);
}

static void test_time_of_a_standing_is_told_on_this_boots_clock(void **state)
{
    struct bench *bench = *state;
    struct instant now = {.boot_ms = 500000, .wall_ms = 9000000, .synced = true};
    struct standing standing = {.boot = 1, .at = {.boot_ms = 1234, .wall_ms = 8999000}};
    (void)bench;
    assert_int_equal(standing_boot_ms(&standing, 1, &now), 1234);
    assert_int_equal(standing_boot_ms(&standing, 2, &now), STANDING_UNKNOWN);
    standing.at.synced = true;
    assert_int_equal(standing_boot_ms(&standing, 2, &now), 499000);
    now.synced = false;
    assert_int_equal(standing_boot_ms(&standing, 2, &now), STANDING_UNKNOWN);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up_counter, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_standing_is_what_was_told_last_after_a_clean_stop),
        TEST(test_standing_is_worked_out_from_what_was_stored_after_a_crash),
        TEST(test_standing_is_kept_when_its_readings_are_trimmed),
        TEST(test_readings_are_not_trimmed_before_what_they_say_is_written_down),
        TEST(test_a_full_store_drops_no_reading_before_what_it_says_is_written_down),
        TEST(test_an_older_reading_sets_no_standing_back),
        TEST(test_totals_of_an_unclean_stop_in_outage_mode_are_marked),
        TEST(test_what_an_unclean_stop_left_nothing_of_begins_at_an_epoch_never_told),
        TEST(test_another_store_gets_all_standings),
        TEST(test_what_cannot_be_read_any_more_raises_the_epoch),
        TEST(test_a_tag_keeps_its_standing_when_others_join_it),
        TEST(test_outage_totals_are_right_or_marked_where_reserved_numbers_were_used_up),
        TEST(test_outage_totals_are_right_where_later_numbers_were_stored),
        TEST(test_totals_behind_a_damaged_store_begin_at_an_epoch_never_told),
        TEST(test_another_store_has_all_standings_from_its_beginning),
        TEST(test_standings_are_worked_out_for_machines_that_have_no_counters_now),
        TEST(test_a_total_that_was_set_begins_at_the_next_reading_after_a_restart),
        TEST(test_a_states_words_are_kept_with_their_age),
        TEST(test_time_of_a_standing_is_told_on_this_boots_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
