/* Whatever a machine does, and wherever it is cut, each millisecond is in one time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "performance.h"

static const struct performance_plan no_plan = {0};

static uint64_t random_state = 88172645463325252U;

static uint64_t roll(uint64_t sides)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (random_state >> 11) % sides;
}

enum { PERIODS = 6, PIECES = 40 };

struct history {
    struct performance periods[PERIODS], whole;
    int64_t begin, ends[PERIODS], now;
    size_t at; /* the period that now is in; its end is not reached */
};

static struct history begin_history(void)
{
    struct history history = {.whole = performance_begin(0), .begin = (int64_t)roll(1000000)};
    int64_t end = history.now = history.begin;

    for (size_t i = 0; i < PERIODS; i++) {
        history.periods[i] = performance_begin(0);
        end += (int64_t)roll(roll(4) ? 5000 : 3);
        history.ends[i] = i + 1 < PERIODS ? end : INT64_MAX;
    }
    return history;
}

/* A piece of any length, cut at the end of each period that it goes over. */
static void add_piece(struct history *history)
{
    struct performance_piece piece = {.state = (enum machine_state)roll(MACHINE_STATES),
                                      .from_ms = history->now,
                                      .to_ms = history->now + (int64_t)roll(roll(3) ? 1000 : 9000),
                                      .uncertain = roll(4) == 0};

    history->now = piece.to_ms;
    assert_int_equal(performance_add_state(&history->whole, &piece), 0);
    while (piece.to_ms > history->ends[history->at]) {
        struct performance_piece before = performance_cut(&piece, history->ends[history->at]);
        assert_int_equal(performance_add_state(&history->periods[history->at++], &before), 0);
    }
    struct performance *period = &history->periods[history->at];
    assert_int_equal(performance_add_state(period, &piece), 0);
    if (roll(8) == 0)
        assert_int_equal(performance_change_state(period, &piece, STATE_SETUP), 0);
}

/* In each period the times add up to its length, and the periods to the history. */
static void check_history(const struct history *history)
{
    int64_t begin = history->begin, length = 0;

    for (size_t i = 0; i < PERIODS; i++) {
        struct performance_record record = performance_tell(&history->periods[i], &no_plan);
        int64_t sum = 0, end = i < history->at ? history->ends[i] : history->now;
        for (size_t k = 0; k < PERFORMANCE_TIMES; k++)
            sum += record.times_ms[k];
        assert_int_equal(sum, record.observed_ms);
        assert_int_equal(sum, end - begin);
        assert_true(record.uncertain_ms >= 0 && record.uncertain_ms <= sum);
        assert_true(record.apt_ms + record.aust_ms + record.adet_ms + record.adot_ms <= sum);
        length += sum;
        begin = end;
    }
    assert_int_equal(length, history->whole.observed_ms);
}

static void test_times_add_up_to_the_period_whatever_the_pieces_and_their_cuts(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct history history = begin_history();
        for (int k = 0; k < PIECES; k++)
            add_piece(&history);
        check_history(&history);
    }
}

/* Each time of the whole is the sum of those of its parts, wherever it was cut. */
static void test_times_of_parts_are_those_of_the_whole(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct performance whole = performance_begin(0), parts[2] = {performance_begin(0), whole};
        int64_t now = -(int64_t)roll(5000), end = (int64_t)roll(10000) - 5000;
        for (int k = 0; k < 10; k++) {
            struct performance_piece piece = {(enum machine_state)roll(MACHINE_STATES), now,
                                              now + (int64_t)roll(1000), roll(2) == 0};
            now = piece.to_ms;
            assert_int_equal(performance_add_state(&whole, &piece), 0);
            struct performance_piece before = performance_cut(&piece, end);
            assert_int_equal(performance_add_state(&parts[0], &before), 0);
            assert_int_equal(performance_add_state(&parts[1], &piece), 0);
        }
        for (size_t k = 0; k < PERFORMANCE_TIMES; k++)
            assert_int_equal(parts[0].times_ms[k] + parts[1].times_ms[k], whole.times_ms[k]);
        assert_int_equal(parts[0].uncertain_ms + parts[1].uncertain_ms, whole.uncertain_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_add_up_to_the_period_whatever_the_pieces_and_their_cuts),
        cmocka_unit_test(test_times_of_parts_are_those_of_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
