/* A machine's counters in service. */
#include <errno.h>

#include "config_fixture.h"
#include "counters.h"

enum { GOOD, SPEED, WASTE, GOOD_EPOCH, GOOD_INFERRED, WASTE_EPOCH, WASTE_INFERRED, WASTE_RAW };
enum { GOOD_RAW = WASTE_RAW + 1 + STATE_VALUES, GOOD_KNOWN, WASTE_KNOWN, VALUES };

static const char plant_text[] =
    "gateway: g\n"
    "links: [{name: l, driver: modbus-tcp, address: h}]\n"
    "machines: [{name: m, link: l, tags: [\n"
    "  {name: good, at: 'holding:0', counter: {counts: good, kind: reset, max_rate: 10/s}},\n"
    "  {name: speed, at: 'holding:1'},\n"
    "  {name: waste, at: 'holding:2', type: u64,\n"
    "   counter: {counts: waste, kind: free, raw: true}}]}]\n";

struct bench {
    struct config *config;
    struct counters *counters;
    struct standings standings;
    struct sample samples[VALUES];
    size_t count;
    int reports;
    struct counter_report last;
};

static int set_up(void **state)
{
    struct bench *bench = mem_alloc(sizeof *bench);
    void *config;
    int error = config_set_up(&config);
    bench->config = config;
    config_write(config, "plant.yaml", plant_text);
    config_expect_plant(config);
    bench->counters = counters_new(&bench->config->plant->machines[0], &bench->standings);
    *state = bench;
    return error;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    void *config = bench->config;
    counters_free(bench->counters, &bench->standings);
    standings_free(&bench->standings);
    free(bench);
    return config_tear_down(&config);
}

static void note(void *context, const struct counter_report *report)
{
    struct bench *bench = context;
    bench->reports++;
    bench->last = *report;
}

static void take(struct bench *bench, const struct sample *samples, size_t count, int64_t at_ms)
{
    memcpy(bench->samples, samples, count * sizeof *samples);
    bench->count = counters_take(bench->counters, bench->samples, count, at_ms, note, bench);
}

static struct sample number(uint16_t tag, uint64_t whole)
{
    if (whole > INT64_MAX)
        return (struct sample){.tag = tag, .value = {.kind = VALUE_UNSIGNED, .whole = whole}};
    return (struct sample){.tag = tag,
                           .value = {.kind = VALUE_DECIMAL, .mantissa = (int64_t)whole}};
}

static void take_good(struct bench *bench, uint64_t raw, int64_t at_ms)
{
    const struct sample sample = number(GOOD, raw);
    take(bench, &sample, 1, at_ms);
}

static void expect(const struct bench *bench, const struct sample *samples, size_t count)
{
    assert_int_equal(bench->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(bench->samples[i].tag, samples[i].tag);
        assert_int_equal(bench->samples[i].quality, samples[i].quality);
        assert_true(value_equal(&bench->samples[i].value, &samples[i].value));
    }
}

#define EXPECT(bench, ...)                              \
    expect(bench, (const struct sample[]){__VA_ARGS__}, \
           sizeof((const struct sample[]){__VA_ARGS__}) / sizeof(struct sample))

static void test_totals_take_their_tags_place_and_what_goes_with_them_follows(void **state)
{
    struct bench *bench = *state;
    const struct sample first[] = {number(GOOD, 100), number(SPEED, 7), number(WASTE, 3)};
    const struct sample then[] = {number(GOOD, 103), number(SPEED, 8), number(WASTE, 4)};
    take(bench, first, 3, 1000);
    take(bench, then, 3, 2000);
    EXPECT(bench, number(GOOD, 3), number(SPEED, 8), number(WASTE, 1), number(GOOD_EPOCH, 0),
           number(GOOD_INFERRED, 0), number(GOOD_RAW, 103), number(GOOD_KNOWN, 1),
           number(WASTE_EPOCH, 0), number(WASTE_INFERRED, 0), number(WASTE_RAW, 4),
           number(WASTE_KNOWN, 1));
    assert_int_equal(bench->reports, 0);
}

static void test_a_value_that_is_not_believed_yet_is_left_out(void **state)
{
    struct bench *bench = *state;
    const struct sample jump[] = {number(GOOD, 60000), number(SPEED, 7)};
    take_good(bench, 100, 1000);
    take(bench, jump, 2, 2000);
    EXPECT(bench, number(SPEED, 7));
    take_good(bench, 101, 3000);
    assert_int_equal(bench->samples[0].value.mantissa, 1);
    assert_int_equal(bench->reports, 0);
}

static void test_a_reset_is_reported_with_what_it_came_to(void **state)
{
    struct bench *bench = *state;
    take_good(bench, 100, 1000);
    take_good(bench, 4, 2000);
    EXPECT(bench, number(GOOD, 4), number(GOOD_EPOCH, 1), number(GOOD_INFERRED, 0),
           number(GOOD_RAW, 4), number(GOOD_KNOWN, 1));
    assert_int_equal(bench->reports, 1);
    assert_int_equal(bench->last.step.verdict, COUNTER_RESET);
    assert_int_equal(bench->last.place->tag, GOOD);
    assert_int_equal(bench->last.raw_before, 100);
    assert_int_equal(bench->last.raw, 4);
    assert_int_equal(bench->last.total, 4);
    assert_int_equal(bench->last.epoch, 1);
}

static void test_what_was_counted_behind_a_failure_or_a_long_silence_is_inferred(void **state)
{
    struct bench *bench = *state;
    const struct sample failed = {.tag = GOOD, .quality = QUALITY_TIMEOUT};
    take_good(bench, 100, 1000);
    take(bench, &failed, 1, 2000);
    assert_int_equal(bench->count, 1);
    take_good(bench, 105, 3000);
    assert_int_equal(bench->samples[2].value.mantissa, 1);
    take_good(bench, 106, 6000);
    assert_int_equal(bench->samples[2].value.mantissa, 1);
    take_good(bench, 107, 9001);
    assert_int_equal(bench->samples[2].value.mantissa, 2);
}

static void test_a_value_beyond_the_modulus_is_out_of_range_and_reported_once(void **state)
{
    struct bench *bench = *state;
    take_good(bench, 100, 1000);
    for (int i = 0; i < 5; i++)
        take_good(bench, 65536 + (uint64_t)i, 2000 + 1000 * i);
    EXPECT(bench, (struct sample){.tag = GOOD, .quality = QUALITY_RANGE});
    assert_int_equal(bench->reports, 1);
    assert_int_equal(bench->last.step.verdict, COUNTER_REFUSED);
}

static void test_all_of_64_bits_are_counted(void **state)
{
    struct bench *bench = *state;
    const struct sample first = number(WASTE, UINT64_MAX - 5), then = number(WASTE, UINT64_MAX);
    take(bench, &first, 1, 1000);
    take(bench, &then, 1, 2000);
    EXPECT(bench, number(WASTE, 5), number(WASTE_EPOCH, 0), number(WASTE_INFERRED, 0),
           number(WASTE_RAW, UINT64_MAX), number(WASTE_KNOWN, 1));
}

static void test_counters_of_the_next_of_that_name_go_on_where_they_stood(void **state)
{
    struct bench *bench = *state;
    take_good(bench, 100, 1000);
    take_good(bench, 4, 2000);
    counters_free(bench->counters, &bench->standings);
    bench->counters = counters_new(&bench->config->plant->machines[0], &bench->standings);
    take_good(bench, 9, 3000);
    EXPECT(bench, number(GOOD, 9), number(GOOD_EPOCH, 1), number(GOOD_INFERRED, 1),
           number(GOOD_RAW, 9), number(GOOD_KNOWN, 1));
}

static void test_a_total_that_is_set_goes_on_from_the_next_reading(void **state)
{
    struct bench *bench = *state;
    struct counter_report report;
    int64_t before;
    take_good(bench, 100, 1000);
    take_good(bench, 104, 2000);
    assert_int_equal(counters_set(bench->counters, "speed", 9, bench->samples, &before, &report),
                     -ENOENT);
    assert_int_equal(counters_set(bench->counters, "good", 7000, bench->samples, &before, &report),
                     0);
    bench->count = COUNTERS_SET_SAMPLES;
    EXPECT(bench, number(GOOD, 7000), number(GOOD_EPOCH, 1), number(GOOD_INFERRED, 0),
           (struct sample){.tag = GOOD_RAW}, number(GOOD_KNOWN, 0));
    assert_int_equal(before, 4);
    assert_true(report.total == 7000 && report.epoch == 1 && report.raw == 104);
    take_good(bench, 3, 3000); /* of the new controller */
    take_good(bench, 5, 4000);
    EXPECT(bench, number(GOOD, 7002), number(GOOD_EPOCH, 1), number(GOOD_INFERRED, 0),
           number(GOOD_RAW, 5), number(GOOD_KNOWN, 1));
}

static void test_a_total_that_is_set_goes_on_over_a_reload_before_the_next_reading(void **state)
{
    struct bench *bench = *state;
    struct counter_report report;
    int64_t before;
    take_good(bench, 100, 1000);
    take_good(bench, 104, 2000);
    assert_int_equal(counters_set(bench->counters, "good", 7000, bench->samples, &before, &report),
                     0);
    counters_free(bench->counters, &bench->standings);
    bench->counters = counters_new(&bench->config->plant->machines[0], &bench->standings);
    take_good(bench, 1234, 3000);
    take_good(bench, 1236, 4000);
    EXPECT(bench, number(GOOD, 7002), number(GOOD_EPOCH, 1), number(GOOD_INFERRED, 0),
           number(GOOD_RAW, 1236), number(GOOD_KNOWN, 1));
}

static void test_counters_without_a_standing_begin_at_the_first_epoch(void **state)
{
    struct bench *bench = *state;
    counters_free(bench->counters, &bench->standings);
    standings_free(&bench->standings);
    bench->standings.first_epoch = 1795412474;
    bench->counters = counters_new(&bench->config->plant->machines[0], &bench->standings);
    take_good(bench, 100, 1000);
    assert_int_equal(bench->samples[1].value.mantissa, 1795412474);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

static const char box_text[] =
    "gateway: g\n"
    "links: [{name: l, driver: serial-text, device: /dev/ttyS0}]\n"
    "machines: [{name: m, link: l, text: {patterns: [{match: '(?<good>\\d+)'}]}, tags: [\n"
    "  {name: good, at: 'text:good', type: u32,\n"
    "   counter: {counts: good, kind: reset, max_rate: 10/s}}]}]\n";

enum { BOX_EPOCH = 1, BOX_INFERRED };

static void expect_inferred(const struct bench *bench, int64_t inferred)
{
    for (size_t i = 0; i < bench->count; i++)
        if (bench->samples[i].tag == BOX_INFERRED) {
            assert_int_equal(bench->samples[i].value.mantissa, inferred);
            return;
        }
    fail_msg("nothing was told of what is inferred");
}

static void test_what_speaks_when_it_counts_has_no_gaps_but_what_is_lost(void **state)
{
    struct bench *bench = *state;
    counters_free(bench->counters, &bench->standings);
    config_write(bench->config, "plant.yaml", box_text);
    config_expect_plant(bench->config);
    bench->counters = counters_new(&bench->config->plant->machines[0], &bench->standings);
    take_good(bench, 100, 1000);
    take_good(bench, 105, 3600 * 1000);
    expect_inferred(bench, 0);
    const struct sample damaged = {.tag = GOOD, .quality = QUALITY_FRAME};
    take(bench, &damaged, 1, 3601 * 1000);
    take_good(bench, 107, 3602 * 1000);
    expect_inferred(bench, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_totals_take_their_tags_place_and_what_goes_with_them_follows),
        TEST(test_a_value_that_is_not_believed_yet_is_left_out),
        TEST(test_a_reset_is_reported_with_what_it_came_to),
        TEST(test_what_was_counted_behind_a_failure_or_a_long_silence_is_inferred),
        TEST(test_a_value_beyond_the_modulus_is_out_of_range_and_reported_once),
        TEST(test_all_of_64_bits_are_counted),
        TEST(test_counters_of_the_next_of_that_name_go_on_where_they_stood),
        TEST(test_a_total_that_is_set_goes_on_from_the_next_reading),
        TEST(test_a_total_that_is_set_goes_on_over_a_reload_before_the_next_reading),
        TEST(test_counters_without_a_standing_begin_at_the_first_epoch),
        TEST(test_what_speaks_when_it_counts_has_no_gaps_but_what_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
