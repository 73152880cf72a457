#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "modbus_plan.h"

enum { MOST_TAGS = 300 };

static struct link wire;
static struct tag tags[MOST_TAGS];
static struct machine machine;

static void begin(uint16_t max_registers, uint16_t gap)
{
    wire = (struct link){.name = "l", .max_registers = max_registers, .gap = gap};
    memset(tags, 0, sizeof tags);
    machine = (struct machine){.name = "m", .link = &wire, .unit = 1, .tags = tags};
}

static struct tag *add(enum area area, uint16_t address, enum tag_type type)
{
    struct tag *tag = &tags[machine.tag_count++];

    *tag = (struct tag){.name = "t",
                        .area = area,
                        .address = address,
                        .bit = -1,
                        .type = type,
                        .scale = {1, 0},
                        .every_ms = 1000};
    return tag;
}

static void add_string(uint16_t address, uint16_t bytes)
{
    add(AREA_HOLDING, address, TYPE_STRING)->string_bytes = bytes;
}

static void assert_span(const struct modbus_plan *plan, size_t index, uint8_t function,
                        uint16_t start, uint16_t count, uint16_t tag_count)
{
    assert_true(index < plan->span_count);
    assert_int_equal(plan->spans[index].function, function);
    assert_int_equal(plan->spans[index].start, start);
    assert_int_equal(plan->spans[index].count, count);
    assert_int_equal(plan->spans[index].tag_count, tag_count);
}

static void assert_span_count(size_t expected)
{
    struct modbus_plan *plan = modbus_plan_new(&machine, NULL);

    assert_int_equal(plan->span_count, expected);
    modbus_plan_free(plan);
}

static void test_plan_joins_neighbours_and_bridges_holes(void **state)
{
    (void)state;
    begin(125, 16);
    add(AREA_HOLDING, 100, TYPE_U32);
    add(AREA_HOLDING, 118, TYPE_U16); /* a hole of 16 */
    add(AREA_HOLDING, 136, TYPE_U16); /* of 17 */
    struct modbus_plan *plan = modbus_plan_new(&machine, NULL);
    assert_int_equal(plan->span_count, 2);
    assert_span(plan, 0, 3, 100, 19, 2);
    assert_span(plan, 1, 3, 136, 1, 1);
    modbus_plan_free(plan);
}

static void test_plan_never_splits_a_value(void **state)
{
    (void)state;
    begin(10, 0);
    for (uint16_t i = 0; i < 5; i++)
        add(AREA_HOLDING, (uint16_t)(i * 4), TYPE_F64);
    struct modbus_plan *plan = modbus_plan_new(&machine, NULL);
    assert_int_equal(plan->span_count, 3);
    assert_span(plan, 0, 3, 0, 8, 2);
    assert_span(plan, 1, 3, 8, 8, 2);
    assert_span(plan, 2, 3, 16, 4, 1);
    modbus_plan_free(plan);
}

static void test_plan_keeps_tables_and_periods_apart(void **state)
{
    (void)state;
    begin(125, 100);
    add(AREA_HOLDING, 0, TYPE_U16);
    add(AREA_INPUT, 0, TYPE_U16);
    add(AREA_COIL, 0, TYPE_BOOL);
    add(AREA_DISCRETE, 0, TYPE_BOOL);
    add(AREA_HOLDING, 1, TYPE_U16)->every_ms = 500;
    struct modbus_plan *plan = modbus_plan_new(&machine, NULL);
    assert_int_equal(plan->span_count, 5);
    assert_int_equal(plan->spans[0].every_ms, 500);
    assert_span(plan, 0, 3, 1, 1, 1);
    assert_span(plan, 1, 1, 0, 1, 1);
    assert_span(plan, 2, 2, 0, 1, 1);
    assert_span(plan, 3, 3, 0, 1, 1);
    assert_span(plan, 4, 4, 0, 1, 1);
    modbus_plan_free(plan);
}

/* Behind the counters, so that they are those of the job. */
static void test_plan_asks_last_for_what_says_the_job(void **state)
{
    const struct job_config job = {.id = 1};

    (void)state;
    begin(125, 16);
    add(AREA_COIL, 0, TYPE_BOOL);
    add(AREA_HOLDING, 10, TYPE_U32);
    add(AREA_HOLDING, 12, TYPE_U16);
    add(AREA_INPUT, 0, TYPE_U16);
    add(AREA_HOLDING, 500, TYPE_U16);
    machine.job = &job;
    struct modbus_plan *plan = modbus_plan_new(&machine, NULL);
    assert_int_equal(plan->span_count, 4);
    assert_span(plan, 0, 1, 0, 1, 1);
    assert_span(plan, 1, 3, 500, 1, 1);
    assert_span(plan, 2, 4, 0, 1, 1);
    assert_span(plan, 3, 3, 10, 3, 2);
    for (uint16_t tag = 0; tag < machine.tag_count; tag++) {
        const struct span *span = &plan->spans[modbus_plan_find(plan, tag)];
        assert_true(plan->tags[span->first_tag] == tag ||
                    (span->tag_count == 2 && plan->tags[span->first_tag + 1] == tag));
    }
    modbus_plan_free(plan);
}

static void test_plan_reads_sixteen_bits_for_each_word(void **state)
{
    (void)state;
    begin(2, 1);
    add(AREA_COIL, 0, TYPE_BOOL);
    add(AREA_COIL, 17, TYPE_BOOL); /* a hole of 16 */
    add(AREA_COIL, 31, TYPE_BOOL);
    add(AREA_COIL, 32, TYPE_BOOL); /* the thirty-third bit */
    struct modbus_plan *plan = modbus_plan_new(&machine, NULL);
    assert_int_equal(plan->span_count, 2);
    assert_span(plan, 0, 1, 0, 32, 3);
    assert_span(plan, 1, 1, 32, 1, 1);
    modbus_plan_free(plan);
}

static void test_plan_reads_one_word_once_for_all_its_tags(void **state)
{
    (void)state;
    begin(125, 16);
    for (int8_t bit = 0; bit < 16; bit++)
        add(AREA_HOLDING, 7, TYPE_BOOL)->bit = bit;
    add(AREA_HOLDING, 7, TYPE_U16);
    add(AREA_HOLDING, 6, TYPE_U32);
    struct modbus_plan *plan = modbus_plan_new(&machine, NULL);
    assert_int_equal(plan->span_count, 1);
    assert_span(plan, 0, 3, 6, 2, 18);
    modbus_plan_free(plan);
}

static void test_plan_takes_what_lies_inside_a_wide_value_that_did_not_fit(void **state)
{
    (void)state;
    begin(10, 16);
    add(AREA_HOLDING, 0, TYPE_U16);
    add_string(5, 20);
    add(AREA_HOLDING, 6, TYPE_U16); /* would have fitted the first span as well */
    add(AREA_HOLDING, 13, TYPE_U32);
    struct modbus_plan *plan = modbus_plan_new(&machine, NULL);
    assert_int_equal(plan->span_count, 2);
    assert_span(plan, 0, 3, 0, 1, 1);
    assert_span(plan, 1, 3, 5, 10, 3);
    modbus_plan_free(plan);
}

static void test_plan_reaches_the_last_address(void **state)
{
    (void)state;
    begin(125, 16);
    add(AREA_HOLDING, 65534, TYPE_U32);
    add(AREA_HOLDING, 65535, TYPE_U16);
    add(AREA_HOLDING, 0, TYPE_U16);
    struct modbus_plan *plan = modbus_plan_new(&machine, NULL);
    assert_int_equal(plan->span_count, 2);
    assert_span(plan, 1, 3, 65534, 2, 2);
    modbus_plan_free(plan);
    modbus_plan_free(NULL);
}

static void test_plan_fills_a_request_to_its_limit(void **state)
{
    (void)state;
    begin(125, 0);
    add_string(0, 250);
    assert_span_count(1);
    add(AREA_HOLDING, 124, TYPE_U16);
    assert_span_count(1);
    add(AREA_HOLDING, 125, TYPE_U16);
    assert_span_count(2);
}

static uint32_t unit_of(const struct tag *tag)
{
    return tag->area <= AREA_DISCRETE ? 16 : 1;
}

static uint32_t end_of(const struct tag *tag)
{
    return (uint32_t)tag->address + tag_width(tag);
}

static void assert_no_hole_too_wide(const struct modbus_plan *plan, const struct span *span)
{
    uint32_t covered = span->start;

    for (size_t i = 0; i < span->tag_count; i++) {
        const struct tag *tag = &tags[plan->tags[span->first_tag + i]];
        assert_true(tag->address <= covered + wire.gap * unit_of(tag));
        if (end_of(tag) > covered)
            covered = end_of(tag);
    }
    assert_int_equal(covered, span->start + span->count);
}

static void assert_valid(const struct modbus_plan *plan)
{
    static const uint8_t functions[] = {1, 2, 4, 3};
    int seen[MOST_TAGS] = {0};

    for (size_t i = 0; i < plan->span_count; i++) {
        const struct span *span = &plan->spans[i];
        for (size_t j = 0; j < span->tag_count; j++) {
            const struct tag *tag = &tags[plan->tags[span->first_tag + j]];
            seen[plan->tags[span->first_tag + j]]++;
            assert_int_equal(span->function, functions[tag->area]);
            assert_int_equal(span->every_ms, tag->every_ms);
            assert_true(span->start <= tag->address);
            assert_true(end_of(tag) <= (uint32_t)span->start + span->count);
            assert_true(span->count <= wire.max_registers * unit_of(tag));
        }
        assert_true(span->tag_count > 0);
        assert_no_hole_too_wide(plan, span);
    }
    for (size_t i = 0; i < machine.tag_count; i++)
        assert_int_equal(seen[i], 1);
}

static void assert_ordered(const struct modbus_plan *plan)
{
    for (size_t i = 1; i < plan->span_count; i++) {
        const struct span *a = &plan->spans[i - 1], *b = &plan->spans[i];
        if (a->every_ms == b->every_ms && a->function == b->function)
            assert_true(a->start <= b->start);
        else if (a->every_ms == b->every_ms)
            assert_true(a->function < b->function);
        else
            assert_true(a->every_ms < b->every_ms);
    }
}

static void add_random(unsigned *seed, unsigned addresses)
{
    static const enum tag_type types[] = {TYPE_U16, TYPE_U32, TYPE_F64, TYPE_STRING};
    enum area area = (enum area)(rand_r(seed) % 4);
    struct tag *tag = add(area, (uint16_t)((unsigned)rand_r(seed) % addresses), TYPE_BOOL);

    if (area >= AREA_INPUT)
        tag->type = types[rand_r(seed) % 4];
    if (tag->type == TYPE_STRING)
        tag->string_bytes = (uint16_t)(1 + (unsigned)rand_r(seed) % (2u * wire.max_registers));
    tag->every_ms = 500 * (1 + rand_r(seed) % 2);
}

static void test_plan_holds_every_tag_whole_once_within_the_limits(void **state)
{
    unsigned seed = 7;

    (void)state;
    for (int round = 0; round < 3000; round++) {
        begin((uint16_t)(4 + rand_r(&seed) % 122), (uint16_t)(rand_r(&seed) % 40));
        size_t count = 1 + (size_t)rand_r(&seed) % MOST_TAGS;
        unsigned addresses = 20 + (unsigned)rand_r(&seed) % 2000;
        while (machine.tag_count < count)
            add_random(&seed, addresses);
        struct modbus_plan *plan = modbus_plan_new(&machine, NULL);
        assert_valid(plan);
        assert_ordered(plan);
        modbus_plan_free(plan);
    }
}

static int by_start(const void *left, const void *right)
{
    const struct tag *a = left, *b = right;

    return (a->address > b->address) - (a->address < b->address);
}

/* Whether the tags of a set, which are sorted by start, may share a request. */
static bool may_share(unsigned set)
{
    uint32_t start = 0, covered = 0;
    bool any = false;

    for (size_t i = 0; i < machine.tag_count; i++) {
        if (!(set >> i & 1))
            continue;
        if (!any)
            start = covered = tags[i].address;
        any = true;
        if (tags[i].address > covered + wire.gap)
            return false;
        if (end_of(&tags[i]) > covered)
            covered = end_of(&tags[i]);
    }
    return covered - start <= wire.max_registers;
}

/* Every way to part the tags into requests, by sets: the fewest there can be. */
static size_t fewest_spans(void)
{
    unsigned all = (1u << machine.tag_count) - 1;
    size_t *fewest = calloc(all + 1, sizeof *fewest);
    size_t result;

    for (unsigned set = 1; set <= all; set++) {
        fewest[set] = SIZE_MAX;
        for (unsigned part = set; part != 0; part = (part - 1) & set)
            if (fewest[set & ~part] + 1 < fewest[set] && may_share(part))
                fewest[set] = fewest[set & ~part] + 1;
    }
    result = fewest[all];
    free(fewest);
    return result;
}

static void test_plan_needs_as_few_requests_as_any_other_way(void **state)
{
    unsigned seed = 11;

    (void)state;
    for (int round = 0; round < 1500; round++) {
        begin((uint16_t)(4 + rand_r(&seed) % 12), (uint16_t)(rand_r(&seed) % 5));
        size_t count = 2 + (size_t)rand_r(&seed) % 6;
        while (machine.tag_count < count)
            add_string((uint16_t)(rand_r(&seed) % 30),
                       (uint16_t)(1 + (unsigned)rand_r(&seed) % (2u * wire.max_registers)));
        qsort(tags, machine.tag_count, sizeof tags[0], by_start);
        assert_span_count(fewest_spans());
    }
}

static void test_split_cuts_at_the_widest_hole(void **state)
{
    (void)state;
    begin(125, 16);
    add(AREA_HOLDING, 100, TYPE_U32);
    add(AREA_HOLDING, 103, TYPE_U16);
    add(AREA_HOLDING, 110, TYPE_U16);
    add(AREA_HOLDING, 111, TYPE_U16);
    add(AREA_COIL, 0, TYPE_BOOL);
    struct modbus_plan *plan = modbus_plan_new(&machine, NULL);
    assert_true(modbus_plan_heard(plan, &machine, 1, EXCEPTION_ILLEGAL_ADDRESS, 0));
    assert_int_equal(plan->span_count, 3);
    assert_span(plan, 0, 1, 0, 1, 1);
    assert_span(plan, 1, 3, 100, 4, 2);
    assert_span(plan, 2, 3, 110, 2, 2);
    modbus_plan_free(plan);
}

static void test_splitting_leaves_what_says_the_job_last(void **state)
{
    const struct job_config job = {.id = 0};

    (void)state;
    begin(125, 16);
    for (uint16_t i = 0; i < 8; i++)
        add(AREA_HOLDING, i, TYPE_U16);
    machine.job = &job;
    struct modbus_plan *plan = modbus_plan_new(&machine, NULL);
    for (size_t i = 0; i < plan->span_count; i++) {
        while (modbus_plan_heard(plan, &machine, i, EXCEPTION_ILLEGAL_ADDRESS, 1))
            assert_int_equal(modbus_plan_find(plan, job.id), plan->span_count - 1);
    }
    assert_int_equal(plan->span_count, 8);
    assert_span(plan, 7, 3, 0, 1, 1);
    modbus_plan_free(plan);
}

static void test_splitting_ends_with_a_request_for_each_tag(void **state)
{
    size_t index = 0;

    (void)state;
    begin(125, 16);
    for (uint16_t i = 0; i < 60; i++)
        add(AREA_HOLDING, (uint16_t)(2 * (i / 2)), i % 2 ? TYPE_U32 : TYPE_U16);
    struct modbus_plan *plan = modbus_plan_new(&machine, NULL);
    while (index < plan->span_count)
        if (!modbus_plan_heard(plan, &machine, index, EXCEPTION_ILLEGAL_ADDRESS, 0))
            index++;
    assert_int_equal(plan->span_count, 60);
    for (size_t i = 0; i < 60; i++) {
        const struct tag *tag = &tags[plan->tags[plan->spans[i].first_tag]];
        assert_span(plan, i, 3, tag->address, tag_width(tag), 1);
    }
    modbus_plan_free(plan);
}

/* One poll of a machine that has no register at `hole`. How many requests that took. */
static unsigned poll_with_hole(struct modbus_plan *plan, uint16_t hole, int64_t now_ns)
{
    unsigned requests = 0;

    modbus_plan_begin(plan, &machine, now_ns);
    for (size_t i = 0; i < plan->span_count; i++) {
        const struct span *span = &plan->spans[i];
        if (span->aside)
            continue;
        bool refused = hole >= span->start && hole < span->start + span->count;
        requests++;
        if (modbus_plan_heard(plan, &machine, i, refused ? EXCEPTION_ILLEGAL_ADDRESS : 0, now_ns))
            i--;
    }
    return requests;
}

enum { NO_HOLE = 65535 };
static const int64_t hour_ns = INT64_C(3600) * 1000000000;

static void add_hundred(void)
{
    begin(125, 16);
    for (uint16_t i = 0; i < 100; i++)
        add(AREA_HOLDING, i, TYPE_U16);
}

static void test_a_refused_register_is_set_aside_and_the_rest_goes_on(void **state)
{
    (void)state;
    add_hundred();
    struct modbus_plan *plan = modbus_plan_new(&machine, NULL);
    assert_in_range(poll_with_hole(plan, 77, 1), 8, 16); /* found by halves */
    unsigned beside = poll_with_hole(plan, 77, 2) - 1;
    assert_in_range(beside, 2, 8);
    poll_with_hole(plan, 77, 3);
    assert_int_equal(poll_with_hole(plan, 77, 4), beside);
    size_t aside = 0;
    for (size_t i = 0; i < plan->span_count; i++)
        if (plan->spans[i].aside) {
            aside++;
            assert_span(plan, i, 3, 77, 1, 1);
        }
    assert_int_equal(aside, 1);
    modbus_plan_free(plan);
}

static void test_what_is_set_aside_is_tried_again_after_an_hour(void **state)
{
    (void)state;
    add_hundred();
    struct modbus_plan *plan = modbus_plan_new(&machine, NULL);
    for (int64_t now_ns = 1; now_ns <= 4; now_ns++)
        poll_with_hole(plan, 77, now_ns);
    assert_int_equal(poll_with_hole(plan, 77, hour_ns), poll_with_hole(plan, 77, 4));
    /* the two halves beside it, and itself */
    assert_int_equal(poll_with_hole(plan, 77, hour_ns + 1), 3);
    assert_int_equal(poll_with_hole(plan, 77, hour_ns + 2), 2);
    /* it is there by now: found at the next look, and gathered with the others */
    assert_int_equal(poll_with_hole(plan, NO_HOLE, 2 * hour_ns + 3), 3);
    assert_int_equal(poll_with_hole(plan, NO_HOLE, 2 * hour_ns + 4), 1);
    modbus_plan_free(plan);
}

static void test_what_was_refused_before_is_asked_for_alone_at_first(void **state)
{
    bool refused[MOST_TAGS] = {[77] = true};

    (void)state;
    add_hundred();
    struct modbus_plan *plan = modbus_plan_new(&machine, refused);
    assert_int_equal(poll_with_hole(plan, 77, 1), 3);
    assert_int_equal(poll_with_hole(plan, 77, 2), 2);
    modbus_plan_free(plan);
    plan = modbus_plan_new(&machine, refused);
    assert_int_equal(poll_with_hole(plan, NO_HOLE, 1), 3);
    assert_int_equal(poll_with_hole(plan, NO_HOLE, 2), 1);
    modbus_plan_free(plan);
}

/* As a controller does that has not loaded its program yet. */
static void test_a_machine_that_refuses_all_for_a_moment_is_gathered_again(void **state)
{
    (void)state;
    add_hundred();
    struct modbus_plan *plan = modbus_plan_new(&machine, NULL);
    for (size_t i = 0; i < plan->span_count; i++)
        if (modbus_plan_heard(plan, &machine, i, EXCEPTION_ILLEGAL_ADDRESS, 1))
            i--;
    assert_int_equal(poll_with_hole(plan, NO_HOLE, 2), 100);
    assert_int_equal(poll_with_hole(plan, NO_HOLE, 3), 1);
    modbus_plan_free(plan);
}

static void test_something_of_each_period_is_always_asked_for(void **state)
{
    (void)state;
    begin(125, 16);
    add(AREA_HOLDING, 1, TYPE_U16);
    add(AREA_HOLDING, 2, TYPE_U16);
    add(AREA_HOLDING, 3, TYPE_U16)->every_ms = 5000;
    struct modbus_plan *plan = modbus_plan_new(&machine, NULL);
    for (int64_t poll = 1; poll < 6; poll++)
        for (size_t i = 0; i < plan->span_count; i++)
            if (!plan->spans[i].aside &&
                modbus_plan_heard(plan, &machine, i, EXCEPTION_ILLEGAL_ADDRESS, poll))
                i--;
    assert_int_equal(plan->span_count, 3);
    assert_int_equal(plan->spans[0].aside + plan->spans[1].aside, 1);
    assert_false(plan->spans[2].aside);
    modbus_plan_free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_joins_neighbours_and_bridges_holes),
        cmocka_unit_test(test_plan_never_splits_a_value),
        cmocka_unit_test(test_plan_keeps_tables_and_periods_apart),
        cmocka_unit_test(test_plan_asks_last_for_what_says_the_job),
        cmocka_unit_test(test_plan_reads_sixteen_bits_for_each_word),
        cmocka_unit_test(test_plan_reads_one_word_once_for_all_its_tags),
        cmocka_unit_test(test_plan_takes_what_lies_inside_a_wide_value_that_did_not_fit),
        cmocka_unit_test(test_plan_reaches_the_last_address),
        cmocka_unit_test(test_plan_fills_a_request_to_its_limit),
        cmocka_unit_test(test_plan_holds_every_tag_whole_once_within_the_limits),
        cmocka_unit_test(test_plan_needs_as_few_requests_as_any_other_way),
        cmocka_unit_test(test_split_cuts_at_the_widest_hole),
        cmocka_unit_test(test_splitting_leaves_what_says_the_job_last),
        cmocka_unit_test(test_splitting_ends_with_a_request_for_each_tag),
        cmocka_unit_test(test_a_refused_register_is_set_aside_and_the_rest_goes_on),
        cmocka_unit_test(test_what_is_set_aside_is_tried_again_after_an_hour),
        cmocka_unit_test(test_what_was_refused_before_is_asked_for_alone_at_first),
        cmocka_unit_test(test_a_machine_that_refuses_all_for_a_moment_is_gathered_again),
        cmocka_unit_test(test_something_of_each_period_is_always_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
