/* What a recording answers to whoever asks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "replay.h"

#define RTU "# bindery recording 1\ndriver modbus-rtu\n"
#define TCP "# bindery recording 1\ndriver modbus-tcp\n"
#define SCALE "# bindery recording 1\ndriver serial-text\n"

#define MS NS_PER_MS

struct bench {
    struct recording *recording;
    struct replay *replay;
    struct text said; /* "+20 0103 +30 closed ": ms and hex */
    int64_t now_ns;
};

static void begin(struct bench *bench, const char *text, uint16_t speed, bool repeat)
{
    const struct replay_options options = {speed, repeat};
    struct text trouble = {0};

    *bench = (struct bench){0};
    if (recording_parse(text, strlen(text), &bench->recording, &trouble) != 0)
        fail_msg("%s", trouble.data);
    bench->replay = replay_new(bench->recording, &options);
    replay_enter(bench->replay, 0);
}

static void end(struct bench *bench)
{
    replay_free(bench->replay);
    recording_free(bench->recording);
    text_free(&bench->said);
}

/* All that is said until then; when, from the last question on. */
static const char *listen(struct bench *bench, int64_t until_ns)
{
    struct replay_line line;
    int64_t since_ns = bench->now_ns;

    text_clear(&bench->said);
    text_add(&bench->said, "");
    while (replay_next(bench->replay, &line) && line.due_ns <= until_ns) {
        if (line.due_ns > bench->now_ns)
            bench->now_ns = line.due_ns;
        text_addf(&bench->said, "+%d ", (int)((bench->now_ns - since_ns) / MS));
        for (size_t i = 0; i < line.length; i++)
            text_addf(&bench->said, "%02X", line.bytes[i]);
        text_addf(&bench->said, "%s ", line.closed ? "closed" : "");
        replay_said(bench->replay, bench->now_ns);
    }
    bench->now_ns = until_ns;
    return bench->said.data;
}

static const char *ask(struct bench *bench, const char *bytes, size_t length)
{
    replay_hear(bench->replay, bench->now_ns, (const uint8_t *)bytes, length);
    return listen(bench, bench->now_ns + 10 * NS_PER_S);
}

#define ASK(bench, bytes) ask(bench, bytes, sizeof(bytes) - 1)

static void test_replay_answers_as_recorded_at_the_recorded_pace(void **state)
{
    struct bench bench;

    (void)state;
    begin(&bench, RTU "+1 > 01 03\n+1.02 < AA\n+1.03 < BB CC\n", 1, false);
    assert_string_equal(ASK(&bench, "\x01\x03"), "+20 AA +30 BBCC ");
    end(&bench);
    begin(&bench, RTU "+1 > 01 03\n+1.02 < AA\n+1.03 < BB CC\n", 10, false);
    assert_string_equal(ASK(&bench, "\x01\x03"), "+2 AA +3 BBCC ");
    end(&bench);
    begin(&bench, RTU "+1 > 01 03\n+1.02 < AA\n+1.03 < BB CC\n", 0, false);
    assert_string_equal(ASK(&bench, "\x01\x03"), "+0 AA +0 BBCC ");
    end(&bench);
}

static void test_replay_gives_a_request_its_answers_in_their_order_then_silence(void **state)
{
    struct bench bench;

    (void)state;
    begin(&bench, RTU "+1 > 01\n+1 < A1\n+2 > 02\n+2 < B1\n+3 > 01\n+4 > 01\n+4 < A3\n", 0, false);
    assert_string_equal(ASK(&bench, "\x01"), "+0 A1 ");
    assert_string_equal(ASK(&bench, "\x01"), ""); /* so it was */
    assert_string_equal(ASK(&bench, "\x02"), "+0 B1 ");
    assert_string_equal(ASK(&bench, "\x01"), "+0 A3 ");
    assert_string_equal(ASK(&bench, "\x01"), "");
    assert_string_equal(ASK(&bench, "\x02"), "");
    struct replay_totals totals = replay_totals(bench.replay);
    assert_true(totals.requests == 4 && totals.asked == 4 && totals.unknown == 2);
    end(&bench);
}

static void test_replay_answers_nothing_for_a_piece_of_a_number(void **state)
{
    struct bench bench;

    (void)state;
    begin(&bench, TCP "+1 > 00 07\n+1 < 00 07 00 00 00 05 01 03 02 00 01\n", 0, false);
    assert_string_equal(ASK(&bench, "\0\7\0\0\0\6\1\3\0\0\0\1"), "");
    end(&bench);
}

static void test_replay_repeats_where_it_shall(void **state)
{
    struct bench bench;

    (void)state;
    begin(&bench, RTU "+1 > 01\n+1 < A1\n+3 > 01\n+4 < A2\n", 0, true);
    assert_string_equal(ASK(&bench, "\x01"), "+0 A1 ");
    assert_string_equal(ASK(&bench, "\x01"), "+0 A2 ");
    assert_string_equal(ASK(&bench, "\x01"), "+0 A1 ");
    end(&bench);
}

static void test_replay_finds_a_request_in_pieces_and_behind_noise(void **state)
{
    struct bench bench;

    (void)state;
    begin(&bench, RTU "+1 > 01 03 05\n+1 < A1\n+2 > 01 03 05\n+2 < A2\n", 0, false);
    assert_string_equal(ASK(&bench, "\x01\x03"), "");
    assert_string_equal(ASK(&bench, "\x05"), "+0 A1 ");
    assert_string_equal(ASK(&bench, "\xFF\x01\x01\x03\x05"), "+0 A2 ");
    end(&bench);
}

static void test_replay_prefers_the_longer_of_two_requests(void **state)
{
    struct bench bench;

    (void)state;
    begin(&bench, SCALE "+1 > 52\n+1 < A1\n+2 > 52 31\n+2 < B1\n", 0, false);
    assert_string_equal(ASK(&bench, "R1"), "+0 B1 ");
    assert_string_equal(ASK(&bench, "R"), "+0 A1 ");
    end(&bench);
}

static void test_replay_does_not_listen_before_an_answer_is_given(void **state)
{
    struct bench bench;
    struct replay_line line;

    (void)state;
    begin(&bench, RTU "+1 > 01\n+1.5 < A1\n+2 > 02\n+2 < B1\n", 1, false);
    replay_hear(bench.replay, 0, (const uint8_t *)"\x01\x02", 2);
    assert_false(replay_listens(bench.replay));
    assert_true(replay_next(bench.replay, &line) && line.due_ns == 500 * MS);
    replay_said(bench.replay, 500 * MS);
    assert_true(replay_next(bench.replay, &line) && line.due_ns == 500 * MS);
    assert_int_equal(line.bytes[0], 0xB1);
    replay_said(bench.replay, 500 * MS);
    assert_true(replay_listens(bench.replay));
    end(&bench);
}

static void test_replay_keeps_transactions_of_modbus_tcp_in_step(void **state)
{
    struct bench bench;

    (void)state;
    /* a late answer to the request before, in pieces, comes in front of the right one */
    begin(&bench,
          TCP "+1 > 00 07 00 00 00 06 01 03 00 00 00 01\n"
              "+1 < 00 06 00 00 00 05 01 03 02\n"
              "+1 < 11 11 00 07 00 00 00 05 01 03 02 22 22\n",
          0, false);
    assert_string_equal(ASK(&bench, "\x50\x00\x00\x00\x00\x06\x01\x03\x00\x00\x00\x01"),
                        "+0 4FFF00000005010302 +0 1111500000000005010302"
                        "2222 ");
    end(&bench);
}

static void test_replay_passes_over_requests_of_modbus_tcp_that_were_never_asked(void **state)
{
    struct bench bench;

    (void)state;
    begin(&bench, TCP "+1 > 00 01 00 00 00 03 01 11 00\n+1 < 00 01 00 00 00 03 01 11 05\n", 0,
          false);
    assert_string_equal(ASK(&bench, "\x00\x01\x00\x00\x00\x03\x02\x11\x00"
                                    "\x00\x02\x00\x00\x00\x03\x01\x11\x00"),
                        "+0 000200000003011105 ");
    assert_true(replay_totals(bench.replay).unknown == 1);
    end(&bench);
}

static void test_replay_closes_where_the_machine_did(void **state)
{
    struct bench bench;

    (void)state;
    begin(&bench, TCP "+1 > 00 01 00 00 00 02 01 11\n+1.2 ! closed\n+2 ! opened\n", 1, false);
    assert_string_equal(ASK(&bench, "\x00\x01\x00\x00\x00\x02\x01\x11"), "+200 closed ");
    end(&bench);
}

static void test_replay_says_what_is_unasked_at_its_own_times(void **state)
{
    struct bench bench;

    (void)state;
    begin(&bench, SCALE "+0.1 < 41\n+0.3 < 42\n", 0, false);
    assert_string_equal(listen(&bench, NS_PER_S), "+100 41 +300 42 ");
    assert_string_equal(listen(&bench, 9 * NS_PER_S), "");
    end(&bench);
    begin(&bench, SCALE "+0.1 < 41\n", 0, true);
    assert_string_equal(listen(&bench, 2500 * MS), "+100 41 +1200 41 +2300 41 ");
    end(&bench);
    /* but of Modbus that is the end of something that is not there */
    begin(&bench, RTU "+0.1 < 41\n+1 > 01\n+1 < A1\n", 0, false);
    assert_string_equal(listen(&bench, NS_PER_S), "");
    end(&bench);
}

static void test_replay_forgets_what_a_client_left_behind(void **state)
{
    struct bench bench;

    (void)state;
    begin(&bench, RTU "+1 > 01 03\n+2 < A1\n+3 > 01 03\n+3 < A2\n", 1, false);
    replay_hear(bench.replay, 0, (const uint8_t *)"\x01\x03\x01", 3);
    replay_leave(bench.replay);
    replay_enter(bench.replay, 0);
    assert_string_equal(ASK(&bench, "\x03"), "");
    assert_string_equal(ASK(&bench, "\x01\x03"), "+0 A2 ");
    end(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replay_answers_as_recorded_at_the_recorded_pace),
        cmocka_unit_test(test_replay_gives_a_request_its_answers_in_their_order_then_silence),
        cmocka_unit_test(test_replay_answers_nothing_for_a_piece_of_a_number),
        cmocka_unit_test(test_replay_repeats_where_it_shall),
        cmocka_unit_test(test_replay_finds_a_request_in_pieces_and_behind_noise),
        cmocka_unit_test(test_replay_prefers_the_longer_of_two_requests),
        cmocka_unit_test(test_replay_does_not_listen_before_an_answer_is_given),
        cmocka_unit_test(test_replay_keeps_transactions_of_modbus_tcp_in_step),
        cmocka_unit_test(test_replay_passes_over_requests_of_modbus_tcp_that_were_never_asked),
        cmocka_unit_test(test_replay_closes_where_the_machine_did),
        cmocka_unit_test(test_replay_says_what_is_unasked_at_its_own_times),
        cmocka_unit_test(test_replay_forgets_what_a_client_left_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
