#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "transaction.h"

enum { UNIT = 5, LONGEST_MS = 300 };

/* A link with one machine that is polled once a second, next in `left_ms`. */
static bool may_begin(uint8_t unit, enum quality state, int64_t left_ms, int64_t waited_ms)
{
    const int64_t now_ns = 1000 * NS_PER_S;
    const struct machine machine = {.unit = UNIT};
    struct machine_run run = {
        .config = &machine,
        .state = state,
        .schedule = {.period_count = 1, .periods = {{NS_PER_S, now_ns + left_ms * NS_PER_MS}}},
    };
    struct machine_run *const runs[] = {&run};
    const struct transaction transaction = {.unit = unit,
                                            .since_ns = now_ns - waited_ms * NS_PER_MS};
    return transaction_may_begin(&transaction, runs, 1, now_ns, LONGEST_MS * NS_PER_MS);
}

static void test_transaction_with_a_unit_that_answers_begins_between_polls(void **state)
{
    (void)state;
    assert_true(may_begin(UNIT, QUALITY_GOOD, 1, 0));
    assert_false(may_begin(UNIT, QUALITY_GOOD, 0, 0));
    assert_false(may_begin(UNIT, QUALITY_GOOD, -50, 0));
}

static void test_transaction_that_may_be_silent_waits_for_room(void **state)
{
    (void)state;
    assert_false(may_begin(9, QUALITY_GOOD, LONGEST_MS, 0));
    assert_true(may_begin(9, QUALITY_GOOD, LONGEST_MS + 1, 0));
    assert_false(may_begin(UNIT, QUALITY_TIMEOUT, LONGEST_MS, 0));
    assert_true(may_begin(UNIT, QUALITY_TIMEOUT, LONGEST_MS + 1, 0));
}

static void test_transaction_waits_for_no_longer_than_its_patience(void **state)
{
    (void)state;
    assert_false(may_begin(9, QUALITY_GOOD, 10, TRANSACTION_PATIENCE_MS - 1));
    assert_true(may_begin(9, QUALITY_GOOD, 10, TRANSACTION_PATIENCE_MS));
    assert_true(may_begin(UNIT, QUALITY_GOOD, -50, TRANSACTION_PATIENCE_MS));
}

static void test_transaction_on_a_link_without_machines_begins_at_once(void **state)
{
    const struct transaction transaction = {.unit = UNIT, .since_ns = 7};

    (void)state;
    assert_true(transaction_may_begin(&transaction, NULL, 0, 7, NS_PER_S));
}

static void test_transaction_tells_its_maker_of_its_end(void **state)
{
    int fd = eventfd(0, EFD_NONBLOCK);
    struct transaction transaction = {.done_fd = fd};
    struct pollfd ready = {.fd = fd, .events = POLLIN};

    (void)state;
    assert_int_equal(poll(&ready, 1, 0), 0);
    transaction_end(&transaction, -ETIMEDOUT);
    assert_int_equal(poll(&ready, 1, 0), 1);
    assert_true(transaction.done);
    assert_int_equal(transaction.result, -ETIMEDOUT);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transaction_with_a_unit_that_answers_begins_between_polls),
        cmocka_unit_test(test_transaction_that_may_be_silent_waits_for_room),
        cmocka_unit_test(test_transaction_waits_for_no_longer_than_its_patience),
        cmocka_unit_test(test_transaction_on_a_link_without_machines_begins_at_once),
        cmocka_unit_test(test_transaction_tells_its_maker_of_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
