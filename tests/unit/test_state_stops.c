/* Stops and what begins; and what a restart makes of all that. */
#include "state_bench.h"

static void test_stop_is_told_at_its_end_with_its_first_reason(void **state)
{
    (void)state;
    struct bench bench = bench_of(0);
    see(&bench, 0, STATE_STOPPED, 9, "");
    see(&bench, 1000, MAKING, 0, "I stopped/9 0..1000-1000 =1000; B production 1000-1000");
    see(&bench, 2000, STATE_IDLE, 0, "I production 1000-1000..2000-1000 =1000");
    see(&bench, 3000, STATE_FAULT, 7, "I idle 2000-1000..3000-1000 =1000; B fault/7 3000-1000");
    see(&bench, 4000, STATE_FAULT, 8, "I fault/7 3000-1000..4000-1000 =1000; B fault/8 4000-1000");
    see(&bench, 61999, MAKING, 0,
        "I fault/8 4000-1000..61999-57999 =57999; S idle/7! 2000-1000..61999-57999 =59999; "
        "B production 61999-57999");
    see(&bench, 62000, MAKING, 5, "I production 61999-57999..62000-1 =1");
    see(&bench, 63000, STATE_STOPPED, 0, "I production/5 62000-1..63000-1000 =1000");
    see(&bench, 123000, MAKING, 0,
        "I stopped 63000-1000..123000-60000 =60000; S stopped 63000-1000..123000-60000 =60000; "
        "B production 123000-60000");
    end(&bench);
}

static void test_setup_cleanup_and_maintenance_are_no_stops_and_cut_them(void **state)
{
    (void)state;
    static const enum machine_state planned[] = {STATE_SETUP, STATE_CLEANUP, STATE_MAINTENANCE};
    for (int i = 0; i < 3; i++) {
        struct bench bench = bench_of(0);
        struct text expected = {0};
        see(&bench, 0, planned[i], 0, "");
        text_addf(&expected, "I %s 0..1000-1000 =1000", machine_state_name(planned[i]));
        see(&bench, 1000, STATE_STOPPED, 0, expected.data);
        see(&bench, 2000, MAKING, 0,
            "I stopped 1000-1000..2000-1000 =1000; B production 2000-1000");
        see(&bench, 3000, STATE_STOPPED, 0, "I production 2000-1000..3000-1000 =1000");
        see(&bench, 4000, planned[i], 0,
            "I stopped 3000-1000..4000-1000 =1000; S stopped! 3000-1000..4000-1000 =1000");
        text_clear(&expected);
        text_addf(&expected, "I %s 4000-1000..5000-1000 =1000", machine_state_name(planned[i]));
        see(&bench, 5000, STATE_STOPPED, 2, expected.data);
        see(&bench, 6000, MAKING, 0,
            "I stopped/2 5000-1000..6000-1000 =1000; S stopped/2! 5000-1000..6000-1000 =1000; "
            "B production 6000-1000");
        text_free(&expected);
        end(&bench);
    }
}

static void test_nobody_saw_a_stop_where_nothing_is_known(void **state)
{
    (void)state;
    struct bench bench = bench_of(0);
    see(&bench, 0, MAKING, 0, "B production? 0");
    miss(&bench, 6000, "I production 0..0 =0");
    see(&bench, 7000, MAKING, 0, "I offline 0..7000-1000 =7000; B production? 7000-1000");
    miss(&bench, 14000, "I production 7000-1000..7000 =0");
    see(&bench, 15000, STATE_IDLE, 0, "I offline 7000..15000-1000 =8000");
    see(&bench, 16000, MAKING, 0,
        "I idle 15000-1000..16000-1000 =1000; S idle?! 7000..16000-1000 =9000; "
        "B production 16000-1000");
    end(&bench);
}

static void test_same_state_soon_after_a_restart_is_one_interval(void **state)
{
    (void)state;
    struct bench bench = bench_of(0);
    see(&bench, 1000, STATE_IDLE, 0, "");
    see(&bench, 2000, MAKING, 6, "I idle 1000..2000-1000 =1000; B production/6 2000-1000");
    see(&bench, 3000, MAKING, 6, "");
    restart(&bench, 0);
    see(&bench, 8000, MAKING, 6, "");
    restart(&bench, -7000);
    miss(&bench, 2000, "");
    see(&bench, 6000, MAKING, 6, "");
    see(&bench, 7000, STATE_IDLE, 0, "I production/6 -5000-1000..7000-1000 =12000");
    end(&bench);
}

static void test_time_without_the_gateway_is_unknown(void **state)
{
    (void)state;
    struct bench bench = bench_of(0);
    see(&bench, 0, MAKING, 0, "B production? 0");
    see(&bench, 1000, MAKING, 0, "");
    restart(&bench, 0);
    see(&bench, 6001, MAKING, 0,
        "I production 0..1000 =1000; I unknown 1000..6001 =5001; B production? 6001");
    restart(&bench, 0);
    see(&bench, 7000, STATE_IDLE, 0, "I production 6001..6001 =0; I unknown 6001..7000 =999");
    restart(&bench, 0);
    miss(&bench, 13000, "I idle 7000..7000 =0; I unknown 7000..13000 =6000");
    see(&bench, 14000, MAKING, 0,
        "I offline 13000..14000-1000 =1000; S idle?! 6001..14000-1000 =7999; "
        "B production? 14000-1000");
    restart(&bench, 0);
    see(&bench, 20000, STATE_UNKNOWN, 0, "I production 14000-1000..14000 =0");
    restart(&bench, 0);
    see(&bench, 30000, STATE_UNKNOWN, 0, "");
    restart(&bench, 0);
    see(&bench, 40000, STATE_IDLE, 0, "I unknown 14000..40000 =26000");
    end(&bench);
}

static void test_silence_right_after_a_restart_waits_as_any_other(void **state)
{
    (void)state;
    struct bench bench = bench_of(0);
    see(&bench, 1000, STATE_IDLE, 0, "");
    restart(&bench, 0);
    miss(&bench, 3000, "");
    miss(&bench, 6000, "");
    miss(&bench, 6001, "I idle 1000..1000 =0; I unknown 1000..3000 =2000");
    assert_int_equal(bench.run.now.state, STATE_OFFLINE);
    restart(&bench, 0);
    miss(&bench, 8000, "");
    see(&bench, 9000, STATE_IDLE, 0, "I offline 3000..9000-1000 =6000");
    restart(&bench, 0);
    miss(&bench, 10000, "");
    see(&bench, 11000, MAKING, 0,
        "I idle 9000-1000..9000 =0; I unknown 9000..11000-1000 =2000; B production? 11000-1000");
    end(&bench);
}

static void test_state_that_waits_is_unknown_over_a_restart(void **state)
{
    (void)state;
    struct bench bench = bench_of(3000);
    see(&bench, 0, MAKING, 0, "B production? 0");
    see(&bench, 1000, MAKING, 0, "");
    see(&bench, 2000, STATE_STOPPED, 0, "");
    see(&bench, 3000, STATE_STOPPED, 0, "");
    restart(&bench, 0);
    see(&bench, 4000, STATE_STOPPED, 0, "I production 0..1000 =1000; I unknown 1000..4000 =3000");
    end(&bench);
}

static void test_unknown_time_after_a_reboot_leaves_lengths_only(void **state)
{
    (void)state;
    struct bench bench = bench_of(0);
    see(&bench, 0, MAKING, 0, "B production? 0");
    see(&bench, 3000, STATE_IDLE, 4, "I production 0..3000-3000 =3000");
    see(&bench, 5000, STATE_IDLE, 4, "");
    restart(&bench, STATE_TIME_UNKNOWN);
    restart(&bench, 0);
    see(&bench, 700, STATE_IDLE, 4, "I idle/4 *-3000..* =2000; I unknown *..700 =-1");
    see(&bench, 1000, MAKING, 0,
        "I idle/4 700..1000-300 =300; S idle/4? *-3000..1000-300 =-1; B production 1000-300");
    /* what lies ahead is of another boot too */
    restart(&bench, 60000);
    miss(&bench, 2000, "I production *-300..* =0; I unknown *..2000 =-1");
    restart(&bench, STATE_TIME_UNKNOWN);
    see(&bench, 100, STATE_UNKNOWN, 0, "I offline *..* =0");
    restart(&bench, 0);
    see(&bench, 300, STATE_IDLE, 0, "I unknown *..300 =-1");
    see(&bench, 400, MAKING, 0,
        "I idle 300..400-100 =100; S idle? *..400-100 =-1; B production 400-100");
    end(&bench);
}

static void test_stop_goes_on_over_a_restart(void **state)
{
    (void)state;
    struct bench bench = bench_of(0);
    see(&bench, 0, MAKING, 0, "B production? 0");
    see(&bench, 1000, STATE_FAULT, 7, "I production 0..1000-1000 =1000; B fault/7 1000-1000");
    restart(&bench, 0);
    see(&bench, 2000, STATE_FAULT, 7, "");
    see(&bench, 3000, STATE_IDLE, 8, "I fault/7 1000-1000..3000-1000 =2000");
    restart(&bench, 10000);
    see(&bench, 14000, STATE_IDLE, 8, "");
    see(&bench, 15000, MAKING, 0,
        "I idle/8 13000-1000..15000-1000 =2000; S fault/7! 11000-1000..15000-1000 =4000; "
        "B production 15000-1000");
    end(&bench);
}

static void test_run_is_the_same_after_it_was_kept(void **state)
{
    (void)state;
    static const int64_t codes[] = {0, -1, 65535, INT32_MIN, UINT32_MAX};
    for (int i = 0; i < 5; i++) {
        struct state_run run = {.known = true,
                                .produced = true,
                                .now = {.state = STATE_MAINTENANCE,
                                        .reason = UINT32_MAX,
                                        .has_code = true,
                                        .code = codes[i],
                                        .since_ms = -(INT64_C(1) << 40),
                                        .uncertain_ms = 100000000},
                                .seen_ms = 4711,
                                .stop = {.open = true,
                                         .seen = true,
                                         .unsure = true,
                                         .state = STATE_FAULT,
                                         .reason = 5,
                                         .since_ms = -(INT64_C(1) << 42),
                                         .uncertain_ms = 77}};
        struct state_kept kept = state_keep(&run);
        assert_int_equal(kept.at_ms, 4711);
        struct state_run again = state_resume(&kept);
        assert_true(again.resumed);
        again.resumed = false;
        assert_memory_equal(&again.now.since_ms, &run.now.since_ms, 2 * sizeof(int64_t));
        assert_true(again.now.state == run.now.state && again.now.reason == run.now.reason &&
                    again.now.has_code && again.now.code == run.now.code);
        assert_true(again.known && again.produced && again.seen_ms == 4711);
        assert_true(again.stop.open && again.stop.seen && again.stop.unsure &&
                    again.stop.state == STATE_FAULT && again.stop.reason == 5 &&
                    again.stop.since_ms == run.stop.since_ms && again.stop.uncertain_ms == 77);
        struct state_kept twice = state_keep(&again);
        assert_memory_equal(&twice, &kept, sizeof kept);
    }
}

static void test_code_beyond_32_bits_is_not_kept(void **state)
{
    (void)state;
    struct state_run run = {.known = true, .now = {.has_code = true, .code = INT64_C(1) << 32}};
    struct state_kept kept = state_keep(&run);
    assert_false(state_resume(&kept).now.has_code);
}

static void test_what_is_too_long_to_be_kept_is_kept_as_far_as_it_goes(void **state)
{
    (void)state;
    struct state_run run = {
        .known = true, .now = {.since_ms = -(INT64_C(1) << 50), .uncertain_ms = INT64_C(1) << 40}};
    struct state_kept kept = state_keep(&run);
    run = state_resume(&kept);
    assert_true(run.now.since_ms == 2 - (INT64_C(1) << 44));
    assert_int_equal(run.now.uncertain_ms, (1 << 28) - 1);
}

static void test_nothing_polled_comes_back_as_nothing(void **state)
{
    (void)state;
    struct state_run run = {0};
    struct state_kept kept = state_keep(&run);
    run = state_resume(&kept);
    assert_false(run.known || run.resumed);
    struct bench bench = bench_of(0);
    restart(&bench, 0);
    see(&bench, 100, STATE_IDLE, 0, "");
    end(&bench);
}

static void test_whatever_was_kept_can_be_gone_on_with(void **state)
{
    (void)state;
    uint64_t random = 88172645463325252;
    for (int i = 0; i < 200000; i++) {
        struct state_kept kept;
        int64_t *words[] = {&kept.at_ms, &kept.words[0], &kept.words[1], &kept.words[2],
                            &kept.words[3]};
        for (int k = 0; k < 5; k++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            *words[k] = (int64_t)(random >> (i % 3 * 20));
        }
        struct state_run run = state_resume(&kept);
        assert_true(run.now.state <= STATE_MAINTENANCE && run.stop.state <= STATE_MAINTENANCE);
        struct state_config config = {.offline_after_ms = 5000, .debounce_ms = i % 2 * 1000};
        struct state_report reports[STATE_MAX_REPORTS];
        for (int k = 1; k < 4; k++) {
            struct state_observation seen = {.state = (enum machine_state)(random >> k & 7)};
            size_t count = state_take(&config, &run, k == 2 ? NULL : &seen, k * 10000, reports);
            for (size_t n = 0; n < count; n++)
                assert_true(reports[n].duration_ms >= -1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stop_is_told_at_its_end_with_its_first_reason),
        cmocka_unit_test(test_setup_cleanup_and_maintenance_are_no_stops_and_cut_them),
        cmocka_unit_test(test_nobody_saw_a_stop_where_nothing_is_known),
        cmocka_unit_test(test_same_state_soon_after_a_restart_is_one_interval),
        cmocka_unit_test(test_time_without_the_gateway_is_unknown),
        cmocka_unit_test(test_silence_right_after_a_restart_waits_as_any_other),
        cmocka_unit_test(test_state_that_waits_is_unknown_over_a_restart),
        cmocka_unit_test(test_unknown_time_after_a_reboot_leaves_lengths_only),
        cmocka_unit_test(test_stop_goes_on_over_a_restart),
        cmocka_unit_test(test_run_is_the_same_after_it_was_kept),
        cmocka_unit_test(test_code_beyond_32_bits_is_not_kept),
        cmocka_unit_test(test_what_is_too_long_to_be_kept_is_kept_as_far_as_it_goes),
        cmocka_unit_test(test_nothing_polled_comes_back_as_nothing),
        cmocka_unit_test(test_whatever_was_kept_can_be_gone_on_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
