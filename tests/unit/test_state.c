/* What polls are taken for, rule by rule. test_state_histories.c asks whether the rules together
 * tell the truth. */
#include "state_bench.h"

static void test_state_lies_between_the_first_polls_that_see_it_and_the_next(void **state)
{
    (void)state;
    struct bench bench = bench_of(0);
    see(&bench, 1000, STATE_IDLE, 0, "");
    see(&bench, 2000, STATE_IDLE, 0, "");
    see(&bench, 3500, MAKING, 0, "I idle 1000..3500-1500 =2500; B production 3500-1500");
    see(&bench, 4000, MAKING, 0, "");
    see(&bench, 5000, STATE_SETUP, 0, "I production 3500-1500..5000-1000 =1500");
    see(&bench, 5000, STATE_CLEANUP, 0, "I setup 5000-1000..5000 =0");
    end(&bench);
}

static void test_another_reason_is_another_interval_and_another_code_is_none(void **state)
{
    (void)state;
    struct bench bench = bench_of(0);
    struct state_observation seen = {.state = STATE_STOPPED, .reason = 7, .has_code = true};
    seen.code = -3;
    observe(&bench, 1000, &seen, "");
    seen.code = 4;
    observe(&bench, 2000, &seen, "");
    seen.reason = 8;
    observe(&bench, 3000, &seen, "I stopped/7#-3 1000..3000-1000 =2000");
    seen = (struct state_observation){.state = STATE_STOPPED, .reason_unsure = true};
    observe(&bench, 4000, &seen, "");
    seen.state = STATE_IDLE;
    observe(&bench, 5000, &seen, "I stopped/8#4 3000-1000..5000-1000 =2000");
    see(&bench, 6000, STATE_STOPPED, 0, "I idle 5000-1000..6000-1000 =1000");
    end(&bench);
}

static void test_silence_is_offline_from_the_last_poll_that_told_the_state(void **state)
{
    (void)state;
    struct bench bench = bench_of(0);
    see(&bench, 1000, MAKING, 0, "B production? 1000");
    see(&bench, 2000, MAKING, 0, "");
    for (int at = 3000; at <= 7000; at += 1000)
        miss(&bench, at, "");
    miss(&bench, 7001, "I production 1000..2000 =1000");
    miss(&bench, 9000, "");
    see(&bench, 9500, MAKING, 0, "I offline 2000..9500-500 =7500; B production? 9500-500");
    end(&bench);
}

static void test_silence_that_ends_too_late_was_offline_too(void **state)
{
    (void)state;
    struct bench bench = bench_of(0);
    see(&bench, 1000, MAKING, 0, "B production? 1000");
    miss(&bench, 4000, "");
    see(&bench, 6001, MAKING, 0,
        "I production 1000..1000 =0; I offline 1000..6001-2001 =5001; B production? 6001-2001");
    end(&bench);
}

static void test_short_silence_is_bridged_where_it_ends_as_it_began(void **state)
{
    (void)state;
    struct bench bench = bench_of(0);
    see(&bench, 1000, MAKING, 0, "B production? 1000");
    miss(&bench, 3000, "");
    see(&bench, 6000, MAKING, 0, "");
    miss(&bench, 8000, "");
    see(&bench, 10000, STATE_IDLE, 0, "I production 1000..10000-4000 =9000");
    miss(&bench, 14000, "");
    miss(&bench, 15000, "");
    see(&bench, 15000, STATE_IDLE, 0, "");
    end(&bench);
}

static void test_rare_polls_are_no_silence(void **state)
{
    (void)state;
    struct bench bench = bench_of(0);
    see(&bench, 0, MAKING, 0, "B production? 0");
    see(&bench, MINUTE_MS, MAKING, 0, "");
    see(&bench, 2 * MINUTE_MS, STATE_IDLE, 0, "I production 0..120000-60000 =120000");
    end(&bench);
}

static void test_stale_polls_say_that_the_machine_is_there_and_no_more(void **state)
{
    (void)state;
    const struct state_observation making = {.state = STATE_PRODUCTION, .stale = true};
    const struct state_observation idle = {.state = STATE_IDLE, .stale = true};
    struct bench bench = bench_of(0);
    see(&bench, 0, MAKING, 0, "B production? 0");
    observe(&bench, 4000, &making, "");
    miss(&bench, 9000, "");
    see(&bench, 9000, MAKING, 0, "");
    observe(&bench, 9500, &making, "");
    see(&bench, 10000, STATE_IDLE, 0, "I production 0..10000-1000 =10000");
    bench.config.debounce_ms = 2000;
    see(&bench, 11000, MAKING, 0, "");
    observe(&bench, 11500, &making, "");
    see(&bench, 12000, STATE_IDLE, 0, "");
    observe(&bench, 12300, &idle, "");
    see(&bench, 12400, MAKING, 0, "");
    observe(&bench, 14400, &making,
            "I idle 10000-1000..12400-400 =2400; S idle! 10000-1000..12400-400 =2400; "
            "B production 12400-400");
    observe(&bench, 16000, &making, "");
    miss(&bench, 21001, "I production 12400-400..16000 =3600");
    end(&bench);
}

static void test_answers_that_tell_no_state_are_unknown_after_as_long_a_time(void **state)
{
    (void)state;
    struct bench bench = bench_of(0);
    see(&bench, 1000, MAKING, 0, "B production? 1000");
    see(&bench, 3000, STATE_UNKNOWN, 0, "");
    see(&bench, 4000, MAKING, 0, "");
    miss(&bench, 5000, "");
    observe(&bench, 9001, &(struct state_observation){.has_code = true, .code = 99, .reason = 5},
            "I production 1000..4000 =3000");
    see(&bench, 10000, STATE_UNKNOWN, 0, "");
    miss(&bench, 12000, "");
    see(&bench, 13000, STATE_UNKNOWN, 0, "");
    see(&bench, 14000, STATE_IDLE, 0, "I unknown#99 4000..14000-1000 =10000");
    end(&bench);
}

static void test_silence_of_what_was_unknown_is_offline_and_the_other_way_round(void **state)
{
    (void)state;
    struct bench bench = bench_of(0);
    see(&bench, 0, STATE_UNKNOWN, 0, "");
    miss(&bench, 2000, "");
    miss(&bench, 5001, "I unknown 0..0 =0");
    see(&bench, 7000, STATE_UNKNOWN, 0, "I offline 0..7000-1999 =7000");
    miss(&bench, 9000, "");
    see(&bench, 12001, STATE_UNKNOWN, 0,
        "I unknown 7000-1999..7000 =0; I offline 7000..12001-3001 =5001");
    miss(&bench, 13000, "");
    see(&bench, 14000, STATE_IDLE, 0, "I unknown 12001-3001..14000-1999 =1999");
    end(&bench);
}

static void test_machine_that_never_answered_is_offline(void **state)
{
    (void)state;
    struct bench bench = bench_of(0);
    miss(&bench, 1000, "");
    assert_int_equal(bench.run.now.state, STATE_OFFLINE);
    miss(&bench, 9000, "");
    see(&bench, 9500, STATE_FAULT, 3, "I offline 1000..9500-500 =8500; B fault/3? 9500-500");
    end(&bench);
}

static void test_short_state_that_returns_is_passed_over(void **state)
{
    (void)state;
    struct bench bench = bench_of(3000);
    see(&bench, 0, STATE_IDLE, 0, "");
    see(&bench, 1000, STATE_FAULT, 3, "");
    see(&bench, 3999, STATE_IDLE, 0, "");
    see(&bench, 5000, STATE_FAULT, 3, "");
    assert_int_equal(bench.run.now.state, STATE_IDLE);
    see(&bench, 7000, STATE_FAULT, 3, "");
    see(&bench, 8000, STATE_FAULT, 3, "I idle 0..5000-1001 =5000; B fault/3 5000-1001");
    end(&bench);
}

static void test_state_that_was_long_enough_is_one_though_it_returns(void **state)
{
    (void)state;
    struct bench bench = bench_of(3000);
    see(&bench, 0, STATE_IDLE, 0, "");
    see(&bench, 1000, STATE_SETUP, 0, "");
    see(&bench, 4000, STATE_IDLE, 0, "I idle 0..1000-1000 =1000");
    see(&bench, 7000, STATE_IDLE, 0, "I setup 1000-1000..4000-3000 =3000");
    end(&bench);
}

static void test_short_state_that_leads_to_another_is_one(void **state)
{
    (void)state;
    struct bench bench = bench_of(3000);
    see(&bench, 0, MAKING, 0, "B production? 0");
    see(&bench, 1000, STATE_STOPPED, 0, "");
    see(&bench, 2000, STATE_FAULT, 7, "I production 0..1000-1000 =1000");
    see(&bench, 3000, STATE_STOPPED, 0, "");
    see(&bench, 5000, STATE_SETUP, 0, "");
    see(&bench, 8000, STATE_SETUP, 0,
        "I stopped 1000-1000..5000-2000 =4000; S stopped! 1000-1000..5000-2000 =4000");
    end(&bench);
}

static void test_reason_that_comes_while_a_state_waits_is_its_own(void **state)
{
    (void)state;
    struct bench bench = bench_of(3000);
    see(&bench, 0, MAKING, 0, "B production? 0");
    see(&bench, 1000, STATE_FAULT, 0, "");
    see(&bench, 2000, STATE_FAULT, 7, "");
    see(&bench, 3000, MAKING, 0, "");
    see(&bench, 4000, STATE_FAULT, 0, "");
    see(&bench, 5000, STATE_FAULT, 7, "");
    see(&bench, 6000, STATE_FAULT, 8, "I production 0..4000-1000 =4000; B fault/7 4000-1000");
    see(&bench, 7000, STATE_FAULT, 7, "");
    see(&bench, 8000, STATE_FAULT, 0, "");
    see(&bench, 9000, STATE_FAULT, 7, "");
    end(&bench);
}

static void test_reason_that_is_unsure_stays(void **state)
{
    (void)state;
    const struct state_observation unsure = {.state = STATE_STOPPED, .reason_unsure = true};
    struct bench bench = bench_of(3000);
    see(&bench, 0, STATE_STOPPED, 7, "");
    see(&bench, 1000, STATE_STOPPED, 8, "");
    observe(&bench, 3999, &unsure, "");
    observe(&bench, 4000, &unsure, "I stopped/7 0..1000-1000 =1000");
    see(&bench, 9000, MAKING, 0, "");
    observe(&bench, 9100, &unsure, "");
    see(&bench, 13000, STATE_SETUP, 0, "");
    see(&bench, 16000, STATE_SETUP, 0, "I stopped/8 1000-1000..13000-3900 =12000");
    end(&bench);
}

static void test_silence_confirms_what_was_waiting(void **state)
{
    (void)state;
    struct bench bench = bench_of(3000);
    see(&bench, 0, MAKING, 0, "B production? 0");
    see(&bench, 1000, STATE_FAULT, 7, "");
    see(&bench, 2000, STATE_FAULT, 7, "");
    miss(&bench, 4000, "");
    miss(&bench, 7001,
         "I production 0..1000-1000 =1000; B fault/7 1000-1000; I fault/7 1000-1000..2000 =1000");
    see(&bench, 8000, MAKING, 0,
        "I offline 2000..8000-999 =6000; S fault/7?! 1000-1000..8000-999 =7000; "
        "B production? 8000-999");
    end(&bench);
}

static void test_short_silence_in_what_was_waiting_is_its_own(void **state)
{
    (void)state;
    struct bench bench = bench_of(3000);
    see(&bench, 0, STATE_IDLE, 0, "");
    see(&bench, 1000, STATE_SETUP, 0, "");
    miss(&bench, 2000, "");
    see(&bench, 3000, STATE_IDLE, 0, "");
    see(&bench, 4000, STATE_SETUP, 0, "");
    miss(&bench, 5000, "");
    see(&bench, 7000, STATE_IDLE, 0, "I idle 0..4000-1000 =4000");
    end(&bench);
}

static void test_poll_before_the_last_one_is_taken_as_of_then(void **state)
{
    (void)state;
    struct bench bench = bench_of(0);
    see(&bench, 1000, STATE_IDLE, 0, "");
    see(&bench, 900, STATE_SETUP, 0, "I idle 1000..1000 =0");
    end(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_lies_between_the_first_polls_that_see_it_and_the_next),
        cmocka_unit_test(test_another_reason_is_another_interval_and_another_code_is_none),
        cmocka_unit_test(test_silence_is_offline_from_the_last_poll_that_told_the_state),
        cmocka_unit_test(test_silence_that_ends_too_late_was_offline_too),
        cmocka_unit_test(test_short_silence_is_bridged_where_it_ends_as_it_began),
        cmocka_unit_test(test_rare_polls_are_no_silence),
        cmocka_unit_test(test_stale_polls_say_that_the_machine_is_there_and_no_more),
        cmocka_unit_test(test_answers_that_tell_no_state_are_unknown_after_as_long_a_time),
        cmocka_unit_test(test_silence_of_what_was_unknown_is_offline_and_the_other_way_round),
        cmocka_unit_test(test_machine_that_never_answered_is_offline),
        cmocka_unit_test(test_short_state_that_returns_is_passed_over),
        cmocka_unit_test(test_state_that_was_long_enough_is_one_though_it_returns),
        cmocka_unit_test(test_short_state_that_leads_to_another_is_one),
        cmocka_unit_test(test_reason_that_comes_while_a_state_waits_is_its_own),
        cmocka_unit_test(test_reason_that_is_unsure_stays),
        cmocka_unit_test(test_silence_confirms_what_was_waiting),
        cmocka_unit_test(test_short_silence_in_what_was_waiting_is_its_own),
        cmocka_unit_test(test_poll_before_the_last_one_is_taken_as_of_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
