#include "ledger_bench.h"

static void test_ledger_outage_never_writes_what_is_acknowledged(void **state)
{
    struct bench *bench = *state;
    open_outage(bench);
    for (uint64_t seq = 1; seq <= 30; seq++) {
        put(bench, 10);
        step(bench);
        assert_int_equal(ledger_stored_end(bench->ledger), seq);
        acknowledge(bench, seq, seq);
    }
    step(bench);
    assert_int_equal(ledger_stored_end(bench->ledger), 31);
    finish(bench);
    for (uint64_t seq = 1; seq <= 30; seq++)
        assert_false(has(bench, seq));
}

static void test_ledger_outage_lets_a_batch_be_sent_at_once(void **state)
{
    struct bench *bench = *state;
    open_outage(bench);
    put(bench, 10);
    step(bench);
    assert_int_equal(ledger_recent(bench->ledger)->count, 1);
    assert_false(ledger_recent(bench->ledger)->batches[0]->stored);
    assert_false(has(bench, 1));
}

static void test_ledger_outage_commits_in_time_what_is_not_acknowledged(void **state)
{
    struct bench *bench = *state;
    open_outage(bench);
    put(bench, 10);
    step(bench);
    put(bench, 11);
    step(bench);
    acknowledge(bench, 2, 2);
    for (int ms = 0; ms < PUBLISH_MS + COMMIT_MS; ms += COMMIT_MS)
        step(bench);
    assert_value(bench, 1, 10);
    assert_false(has(bench, 2));
    assert_int_equal(ledger_stored_end(bench->ledger), 3);
}

static void test_ledger_outage_commits_all_when_an_uplink_goes(void **state)
{
    struct bench *bench = *state;
    open_outage(bench);
    put(bench, 10);
    step(bench);
    bench->cloud.connected = false;
    put(bench, 11);
    step(bench);
    assert_value(bench, 1, 10);
    assert_value(bench, 2, 11);
}

static void test_ledger_outage_commits_at_once_without_uplinks(void **state)
{
    struct bench *bench = *state;
    bench->delivery_count = 0;
    open_outage(bench);
    put(bench, 10);
    step(bench);
    assert_value(bench, 1, 10);
}

static void test_ledger_outage_declares_an_unclean_stop(void **state)
{
    struct bench *bench = *state;
    open_outage(bench);
    put(bench, 10);
    put(bench, 11);
    step(bench);
    close_ledger(bench);
    open_outage(bench);
    uint64_t next_seq = ledger_next_seq(bench->ledger);
    assert_true(next_seq > 2);
    bench->cloud.connected = false;
    step(bench);
    struct gap gap = read_gap(bench, next_seq);
    assert_int_equal(gap.why, GAP_UNCLEAN_STOP);
    assert_int_equal(gap.first_seq, 1);
    assert_int_equal(gap.last_seq, next_seq - 1);
}

static void test_ledger_outage_declares_an_unclean_stop_but_once(void **state)
{
    struct bench *bench = *state;
    open_outage(bench);
    put(bench, 10);
    step(bench);
    close_ledger(bench);
    open_always(bench);
    uint64_t next_seq = ledger_next_seq(bench->ledger);
    step(bench);
    close_ledger(bench);
    open_always(bench);
    step(bench);
    assert_int_equal(ledger_next_seq(bench->ledger), next_seq + 1);
}

static void test_ledger_outage_reuses_no_number_after_an_unclean_stop(void **state)
{
    struct bench *bench = *state;
    uint64_t given = 0;
    for (int run = 0; run < 5; run++) {
        open_outage(bench);
        assert_true(ledger_next_seq(bench->ledger) > given);
        for (int i = 0; i < 3; i++) {
            put(bench, 10);
            step(bench);
            acknowledge(bench, 1, ledger_next_seq(bench->ledger) - 1);
        }
        given = ledger_next_seq(bench->ledger) - 1;
        close_ledger(bench);
    }
}

static void test_ledger_outage_reserves_before_numbers_run_out(void **state)
{
    struct bench *bench = *state;
    open_outage(bench);
    for (int i = 0; i < 2500; i++) {
        put(bench, i);
        step(bench);
        acknowledge(bench, 1, ledger_next_seq(bench->ledger) - 1);
    }
    uint64_t given = ledger_next_seq(bench->ledger) - 1;
    assert_int_equal(given, 2500);
    close_ledger(bench);
    open_outage(bench);
    assert_true(ledger_next_seq(bench->ledger) > given);
}

static void test_ledger_outage_declares_nothing_after_a_clean_stop(void **state)
{
    struct bench *bench = *state;
    open_outage(bench);
    put(bench, 10);
    step(bench);
    acknowledge(bench, 1, 1);
    put(bench, 11);
    step(bench);
    finish(bench);
    close_ledger(bench);
    open_outage(bench);
    step(bench);
    assert_int_equal(ledger_next_seq(bench->ledger), 3);
    assert_false(has(bench, 1));
    assert_value(bench, 2, 11);
}

static void test_ledger_outage_sends_nothing_without_reserved_numbers(void **state)
{
    struct bench *bench = *state;
    open_outage(bench);
    fixture_sql(bench->fixture, "CREATE TRIGGER refuse BEFORE UPDATE ON meta"
                                " BEGIN SELECT RAISE(ABORT, 'refused'); END");
    refuse_no_more(bench);
    fixture_sql(bench->fixture, "CREATE TRIGGER refuse BEFORE INSERT ON meta"
                                " BEGIN SELECT RAISE(ABORT, 'refused'); END");
    put(bench, 10);
    step(bench);
    for (size_t i = 0; i < ledger_recent(bench->ledger)->count; i++)
        assert_true(ledger_recent(bench->ledger)->batches[i]->stored);
    assert_value(bench, 1, 10);
}

/* The numbers below those of the newest batch are taken for settled when the store is opened. */
static void test_ledger_outage_stores_no_batch_ahead_of_an_older_one(void **state)
{
    struct bench *bench = *state;
    open_outage(bench);
    put(bench, 10);
    step(bench);
    bench->cloud.connected = false;
    refuse(bench, "NEW.first_seq = 1");
    put(bench, 11);
    step(bench);
    refuse_no_more(bench);
    close_ledger(bench);
    open_outage(bench);
    uint64_t next_seq = ledger_next_seq(bench->ledger);
    step(bench);
    if (!has(bench, 1))
        assert_int_equal(read_gap(bench, next_seq).first_seq, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(test_ledger_outage_never_writes_what_is_acknowledged),
        LEDGER_TEST(test_ledger_outage_lets_a_batch_be_sent_at_once),
        LEDGER_TEST(test_ledger_outage_commits_in_time_what_is_not_acknowledged),
        LEDGER_TEST(test_ledger_outage_commits_all_when_an_uplink_goes),
        LEDGER_TEST(test_ledger_outage_commits_at_once_without_uplinks),
        LEDGER_TEST(test_ledger_outage_declares_an_unclean_stop),
        LEDGER_TEST(test_ledger_outage_declares_an_unclean_stop_but_once),
        LEDGER_TEST(test_ledger_outage_reuses_no_number_after_an_unclean_stop),
        LEDGER_TEST(test_ledger_outage_reserves_before_numbers_run_out),
        LEDGER_TEST(test_ledger_outage_declares_nothing_after_a_clean_stop),
        LEDGER_TEST(test_ledger_outage_sends_nothing_without_reserved_numbers),
        LEDGER_TEST(test_ledger_outage_stores_no_batch_ahead_of_an_older_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
