/* What the samples of a machine say of its state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "state.h"

enum { CODE, SPEED, MOTOR, STOP_CODE, TAGS };

static const struct state_code codes[] = {
    {.code = -1, .state = STATE_MAINTENANCE},
    {.code = 1, .state = STATE_PRODUCTION},
    {.code = 2, .state = STATE_STOPPED},
    {.code = 3, .state = STATE_FAULT, .reason = "paper jam"},
    {.code = 4, .state = STATE_UNKNOWN},
};
static const struct tag_states states = {codes, sizeof codes / sizeof *codes};
static const struct state_reason reasons[] = {{0, "operator"}, {17, "paper jam"}, {18, "cover"}};
static const struct state_condition fast = {SPEED, STATE_AT_LEAST, {500, 0}};
static const struct state_condition both[] = {{SPEED, STATE_AT_LEAST, {500, 0}},
                                              {MOTOR, STATE_EQUAL, {1, 0}}};
static const struct state_condition off = {MOTOR, STATE_EQUAL, {0, 0}};

static const struct state_config by_code = {.from = CODE, .reason = STATE_NO_TAG, .codes = &states};

static struct value number(int64_t mantissa, uint8_t decimals)
{
    return (struct value){.kind = VALUE_DECIMAL, .decimals = decimals, .mantissa = mantissa};
}

/* All good: code 2, a speed of 0.0, the motor off, stop code 5. */
struct machine_says {
    struct sample samples[TAGS];
};

static struct machine_says all_good(void)
{
    struct machine_says says = {{{.tag = CODE, .value = number(2, 0)},
                                 {.tag = SPEED, .value = number(0, 1)},
                                 {.tag = MOTOR, .value = {.kind = VALUE_BOOL}},
                                 {.tag = STOP_CODE, .value = number(5, 0)}}};
    return says;
}

static void lose(struct machine_says *says, int tag)
{
    says->samples[tag].quality = QUALITY_TIMEOUT;
    says->samples[tag].value = (struct value){.kind = VALUE_NONE};
}

static void assert_seen(struct state_observation seen, enum machine_state state, const char *reason)
{
    assert_string_equal(machine_state_name(seen.state), machine_state_name(state));
    assert_int_equal(seen.reason, reason ? state_reason_of_text(reason) : 0);
}

static void assert_code(struct value value, enum machine_state state, bool has_code, int64_t code)
{
    struct machine_says says = all_good();
    says.samples[CODE].value = value;
    struct state_observation seen = state_observe(&by_code, says.samples);
    assert_int_equal(seen.state, state);
    assert_int_equal(seen.has_code, has_code);
    if (has_code)
        assert_true(seen.code == code);
}

static void test_code_tells_the_state(void **state)
{
    (void)state;
    for (size_t i = 0; i < states.count; i++)
        assert_code(number(codes[i].code, 0), codes[i].state, true, codes[i].code);
    assert_code(number(0, 0), STATE_UNKNOWN, true, 0);
    assert_code(number(5, 0), STATE_UNKNOWN, true, 5);
    assert_code((struct value){.kind = VALUE_BOOL, .boolean = true}, STATE_PRODUCTION, true, 1);
    assert_code((struct value){.kind = VALUE_REAL32, .real32 = 2}, STATE_STOPPED, true, 2);
    assert_code((struct value){.kind = VALUE_REAL64, .real64 = -1}, STATE_MAINTENANCE, true, -1);
    assert_code((struct value){.kind = VALUE_REAL64, .real64 = 1.5}, STATE_UNKNOWN, false, 0);
    assert_code((struct value){.kind = VALUE_REAL64, .real64 = 1e300}, STATE_UNKNOWN, false, 0);
    assert_code((struct value){.kind = VALUE_UNSIGNED, .whole = UINT64_MAX}, STATE_UNKNOWN, false,
                0);
    struct machine_says says = all_good();
    says.samples[CODE].value = number(3, 0);
    assert_seen(state_observe(&by_code, says.samples), STATE_FAULT, "paper jam");
}

static void test_code_that_is_not_good_tells_nothing(void **state)
{
    (void)state;
    struct machine_says says = all_good();
    lose(&says, CODE);
    struct state_observation seen = state_observe(&by_code, says.samples);
    assert_seen(seen, STATE_UNKNOWN, NULL);
    assert_false(seen.has_code);
    says = all_good();
    says.samples[CODE].quality = QUALITY_FRAME;
    assert_seen(state_observe(&by_code, says.samples), STATE_UNKNOWN, NULL);
    lose(&says, CODE);
    says.samples[CODE].quality = QUALITY_GOOD; /* never read yet */
    assert_seen(state_observe(&by_code, says.samples), STATE_UNKNOWN, NULL);
}

static void test_first_rule_that_holds_decides_before_the_code(void **state)
{
    (void)state;
    const struct state_rule rules[] = {{STATE_PRODUCTION, NULL, both, 2},
                                       {STATE_SETUP, "slow", &off, 1}};
    struct state_config config = by_code;
    config.rules = rules;
    config.rule_count = 2;
    struct machine_says says = all_good();
    struct state_observation seen = state_observe(&config, says.samples);
    assert_seen(seen, STATE_SETUP, "slow");
    assert_false(seen.has_code);
    says.samples[MOTOR].value.boolean = true;
    seen = state_observe(&config, says.samples);
    assert_seen(seen, STATE_STOPPED, NULL);
    assert_true(seen.has_code && seen.code == 2);
    says.samples[SPEED].value = number(5000, 1);
    assert_seen(state_observe(&config, says.samples), STATE_PRODUCTION, NULL);
    says.samples[SPEED].value = number(4999, 1);
    assert_seen(state_observe(&config, says.samples), STATE_STOPPED, NULL);
}

static void test_rule_without_conditions_holds(void **state)
{
    (void)state;
    const struct state_rule rules[] = {{STATE_PRODUCTION, NULL, &fast, 1}, {.state = STATE_IDLE}};
    struct state_config config = {
        .from = STATE_NO_TAG, .reason = STATE_NO_TAG, .rules = rules, .rule_count = 2};
    struct machine_says says = all_good();
    assert_seen(state_observe(&config, says.samples), STATE_IDLE, NULL);
    config.rule_count = 1;
    assert_seen(state_observe(&config, says.samples), STATE_UNKNOWN, NULL);
}

static void test_conditions_compare_exactly(void **state)
{
    (void)state;
    const struct value half = number(5, 1), minus = number(-25, 2);
    const struct {
        struct value value;
        struct decimal number;
        int order; /* of the value to the number */
    } cases[] = {
        {half, {5, 1}, 0},
        {half, {50, 2}, 0},
        {half, {4999999999, 10}, 1},
        {half, {5000000001, 10}, -1},
        {minus, {-25, 2}, 0},
        {minus, {-2, 1}, -1},
        {number(INT64_MAX, 0), {INT64_MAX, 15}, 1},
        {number(INT64_MIN, 15), {INT64_MIN, 0}, 1},
        {{.kind = VALUE_UNSIGNED, .whole = UINT64_MAX}, {999999999999999999, 0}, 1},
        {{.kind = VALUE_BOOL, .boolean = true}, {1, 0}, 0},
        {{.kind = VALUE_BOOL, .boolean = true}, {5, 1}, 1},
        {{.kind = VALUE_BOOL}, {1, 0}, -1},
        {{.kind = VALUE_REAL32, .real32 = 0.1F}, {1, 1}, 0},
        {{.kind = VALUE_REAL64, .real64 = 0.1}, {1, 1}, 0},
        {{.kind = VALUE_REAL64, .real64 = 0.3}, {1, 1}, 1},
        {{.kind = VALUE_REAL32, .real32 = -1}, {0, 0}, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int order = cases[i].order;
        const bool expected[] = {order == 0, order != 0, order > 0,
                                 order >= 0, order < 0,  order <= 0};
        struct machine_says says = all_good();
        says.samples[SPEED].value = cases[i].value;
        for (unsigned op = STATE_EQUAL; op <= STATE_AT_MOST; op++) {
            const struct state_condition condition = {SPEED, (enum state_operator)op,
                                                      cases[i].number};
            const struct state_rule rule = {STATE_SETUP, NULL, &condition, 1};
            const struct state_config config = {
                .from = STATE_NO_TAG, .reason = STATE_NO_TAG, .rules = &rule, .rule_count = 1};
            assert_int_equal(state_observe(&config, says.samples).state,
                             expected[op] ? STATE_SETUP : STATE_UNKNOWN);
        }
    }
}

static void test_rule_that_may_hold_makes_it_unknown(void **state)
{
    (void)state;
    const struct state_rule rules[] = {{STATE_PRODUCTION, NULL, both, 2}, {.state = STATE_IDLE}};
    struct state_config config = by_code;
    config.rules = rules;
    config.rule_count = 2;
    struct machine_says says = all_good();
    lose(&says, SPEED);
    assert_seen(state_observe(&config, says.samples), STATE_IDLE, NULL); /* the motor is off */
    struct machine_says slow = all_good();
    lose(&slow, MOTOR);
    assert_seen(state_observe(&config, slow.samples), STATE_IDLE, NULL);
    says.samples[MOTOR].value.boolean = true;
    assert_seen(state_observe(&config, says.samples), STATE_UNKNOWN, NULL);
    config.rule_count = 1;
    struct state_observation seen = state_observe(&config, says.samples);
    assert_seen(seen, STATE_UNKNOWN, NULL);
    assert_true(seen.has_code && seen.code == 2);
    says.samples[CODE].value = number(1, 0); /* production, whether the rule holds or not */
    assert_seen(state_observe(&config, says.samples), STATE_PRODUCTION, NULL);
    lose(&says, CODE);
    assert_seen(state_observe(&config, says.samples), STATE_UNKNOWN, NULL);
}

static void test_rule_behind_the_one_that_holds_makes_no_doubt(void **state)
{
    (void)state;
    const struct state_rule rules[] = {{STATE_IDLE, NULL, &off, 1},
                                       {STATE_PRODUCTION, NULL, &fast, 1}};
    struct state_config config = by_code;
    config.rules = rules;
    config.rule_count = 2;
    struct machine_says says = all_good();
    lose(&says, SPEED);
    lose(&says, CODE);
    assert_seen(state_observe(&config, says.samples), STATE_IDLE, NULL);
}

static void test_string_and_what_was_never_read_are_not_compared(void **state)
{
    (void)state;
    const struct state_rule rule = {STATE_IDLE, NULL, &fast, 1};
    const struct state_config config = {
        .from = STATE_NO_TAG, .reason = STATE_NO_TAG, .rules = &rule, .rule_count = 1};
    struct machine_says says = all_good();
    says.samples[SPEED].value = (struct value){.kind = VALUE_TEXT, .length = 1, .text = "x"};
    assert_seen(state_observe(&config, says.samples), STATE_UNKNOWN, NULL);
    const struct state_rule otherwise[] = {rule, {.state = STATE_SETUP}};
    const struct state_config two = {
        .from = STATE_NO_TAG, .reason = STATE_NO_TAG, .rules = otherwise, .rule_count = 2};
    assert_seen(state_observe(&two, says.samples), STATE_UNKNOWN, NULL);
    says.samples[SPEED].value = (struct value){.kind = VALUE_NONE};
    assert_seen(state_observe(&two, says.samples), STATE_UNKNOWN, NULL);
}

static void test_reason_comes_from_its_tag_where_no_other_is_given(void **state)
{
    (void)state;
    struct state_config config = by_code;
    config.reason = STOP_CODE;
    config.reasons = reasons;
    config.reason_count = 3;
    struct machine_says says = all_good();
    says.samples[STOP_CODE].value = number(18, 0);
    assert_seen(state_observe(&config, says.samples), STATE_STOPPED, "cover");
    says.samples[STOP_CODE].value = number(0, 0);
    assert_seen(state_observe(&config, says.samples), STATE_STOPPED, "operator");
    says.samples[STOP_CODE].value = number(19, 0);
    assert_int_equal(state_observe(&config, says.samples).reason, 19);
    says.samples[STOP_CODE].value = number(-19, 0);
    assert_int_equal(state_observe(&config, says.samples).reason, 0);
    says.samples[STOP_CODE].value = number(15, 1);
    assert_int_equal(state_observe(&config, says.samples).reason, 0);
    config.reason_count = 0;
    says.samples[STOP_CODE].value = number(180, 1);
    assert_int_equal(state_observe(&config, says.samples).reason, 18);
    says.samples[CODE].value = number(3, 0);
    assert_seen(state_observe(&config, says.samples), STATE_FAULT, "paper jam");
    says.samples[CODE].value = number(1, 0);
    assert_seen(state_observe(&config, says.samples), STATE_PRODUCTION, NULL);
    says.samples[CODE].value = number(99, 0);
    assert_seen(state_observe(&config, says.samples), STATE_UNKNOWN, NULL);
}

static void test_reason_that_can_not_be_read_is_unsure(void **state)
{
    (void)state;
    struct state_config config = by_code;
    config.reason = STOP_CODE;
    struct machine_says says = all_good();
    assert_false(state_observe(&config, says.samples).reason_unsure);
    lose(&says, STOP_CODE);
    struct state_observation seen = state_observe(&config, says.samples);
    assert_seen(seen, STATE_STOPPED, NULL);
    assert_true(seen.reason_unsure);
    says.samples[CODE].value = number(3, 0);
    assert_false(state_observe(&config, says.samples).reason_unsure);
    says.samples[CODE].value = number(1, 0);
    assert_false(state_observe(&config, says.samples).reason_unsure);
    lose(&says, CODE);
    assert_false(state_observe(&config, says.samples).reason_unsure);
}

static void test_rules_that_differ_in_the_reason_only_leave_it_unsure(void **state)
{
    (void)state;
    const struct state_rule rules[] = {{STATE_FAULT, "drive", &fast, 1},
                                       {STATE_FAULT, "other", NULL, 0}};
    struct state_config config = {
        .from = STATE_NO_TAG, .reason = STOP_CODE, .rules = rules, .rule_count = 2};
    struct machine_says says = all_good();
    lose(&says, SPEED);
    struct state_observation seen = state_observe(&config, says.samples);
    assert_seen(seen, STATE_FAULT, NULL);
    assert_true(seen.reason_unsure);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_code_tells_the_state),
        cmocka_unit_test(test_code_that_is_not_good_tells_nothing),
        cmocka_unit_test(test_first_rule_that_holds_decides_before_the_code),
        cmocka_unit_test(test_rule_without_conditions_holds),
        cmocka_unit_test(test_conditions_compare_exactly),
        cmocka_unit_test(test_rule_that_may_hold_makes_it_unknown),
        cmocka_unit_test(test_rule_behind_the_one_that_holds_makes_no_doubt),
        cmocka_unit_test(test_string_and_what_was_never_read_are_not_compared),
        cmocka_unit_test(test_reason_comes_from_its_tag_where_no_other_is_given),
        cmocka_unit_test(test_reason_that_can_not_be_read_is_unsure),
        cmocka_unit_test(test_rules_that_differ_in_the_reason_only_leave_it_unsure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
