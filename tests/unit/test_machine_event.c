/* What is told of a machine, as events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "machine_event.h"

static const struct state_config states;
static const struct machine machine = {.name = "m", .state = &states};
static const struct instant now = {.boot_ms = 9000, .wall_ms = 1795392000000, .synced = true};

static const struct value *field(const struct event *event, const char *key)
{
    for (size_t i = 0; i < event->count; i++)
        if (strcmp(event->fields[i].key, key) == 0)
            return &event->fields[i].value;
    return NULL;
}

static void test_a_length_is_told_of_what_has_its_end_in_this_boot(void **state)
{
    struct state_report report = {.state = STATE_PRODUCTION,
                                  .from_ms = -1000,
                                  .to_ms = 7000,
                                  .to_uncertain_ms = 100,
                                  .duration_ms = 8000};
    struct event event;

    (void)state;
    machine_event_state(&machine, 1, &now, &report, &event);
    assert_int_equal(event.at.wall_ms, now.wall_ms - 2000);
    assert_int_equal(field(&event, "duration_ms")->mantissa, 8000);
}

/* The event's time is the one of its end, and both give where it began: it would be told to have
 * been right before the gateway came back. */
static void test_no_length_is_told_of_what_ended_nobody_knows_when(void **state)
{
    struct state_report report = {.state = STATE_PRODUCTION,
                                  .from_ms = STATE_TIME_UNKNOWN,
                                  .to_ms = STATE_TIME_UNKNOWN,
                                  .duration_ms = 8000};
    struct event event;

    (void)state;
    machine_event_state(&machine, 1, &now, &report, &event);
    assert_int_equal(event.at.wall_ms, now.wall_ms);
    assert_int_equal(field(&event, "duration_ms")->kind, VALUE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_length_is_told_of_what_has_its_end_in_this_boot),
        cmocka_unit_test(test_no_length_is_told_of_what_ended_nobody_knows_when),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
