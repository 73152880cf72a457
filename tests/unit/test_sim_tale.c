/* What a simulated machine's tags show of its story, by the description of the machine. */
#include "config_fixture.h"
#include "decode.h"
#include "sim_tale.h"

#define TOP "gateway: g\nlinks: [{name: l, driver: modbus-tcp, address: h}]\n"
#define MACHINE(keys) TOP "machines: [{name: m, link: l, " keys "}]\n"

enum { STEP_MS = 1700, END_MS = 4 * 3600 * 1000, SEED = 5 };

#define STATES "states: {0: stopped, 7: production, 8: setup, 9: {state: fault, reason: guard}}"
#define REASONS "state: {reason: why, reasons: {17: paper jam, 18: misfeed}}"

static struct sim_tale *begin(struct config *config, const char *yaml)
{
    config_write(config, "plant.yaml", yaml);
    config_expect_plant(config);
    return sim_tale_new(&config->plant->machines[0], SEED);
}

static int64_t shown(struct sim_tale *tale, size_t tag, int64_t ms)
{
    const struct tag *read = &sim_tale_machine(tale)->tags[tag];
    return (int64_t)sim_tale_raw(tale, tag, sim_kind_of(read), ms);
}

static void test_tale_is_told_of_machines_with_counters_or_states_only(void **state)
{
    assert_null(begin(*state, MACHINE("tags: [{name: good_count, at: 'holding:0'}]")));
    struct sim_tale *tale =
        begin(*state, MACHINE("tags: [{name: x, at: 'holding:0', counter: {counts: other, "
                              "kind: free}}]"));
    assert_null(tale);
    tale = begin(*state, MACHINE("tags: [{name: x, at: 'holding:0', " STATES "}]"));
    assert_non_null(tale);
    sim_tale_free(tale);
}

/* By the codes, as the gateway would: the reason in the states first, then the reason's code. */
static void test_tale_shows_the_codes_that_the_configuration_expects(void **state)
{
    struct sim_tale *tale = begin(*state, MACHINE("tags: [{name: code, at: 'holding:0', " STATES
                                                  "}, {name: why, at: 'holding:1'}], " REASONS));
    size_t seen[MACHINE_STATES] = {0}, jams = 0;

    for (int64_t ms = 0; ms < END_MS; ms += STEP_MS) {
        struct sim_told told = sim_tale_told(tale, ms);
        int64_t code = shown(tale, 0, ms), why = shown(tale, 1, ms);
        if (told.restarts)
            continue;
        seen[told.state]++;
        assert_int_equal(code, told.state == STATE_PRODUCTION ? 7
                               : told.state == STATE_SETUP    ? 8
                               : told.state == STATE_FAULT    ? 9
                                                              : 0);
        const char *reason = code == 9 ? "guard" : why == 17 ? "paper jam" : "misfeed";
        if (code != 9 && why == 0)
            assert_null(told.reason);
        else
            assert_string_equal(told.reason, reason);
        jams += why == 17;
    }
    assert_true(seen[STATE_PRODUCTION] > seen[STATE_STOPPED] && seen[STATE_FAULT] > 0 && jams > 0);
    assert_int_equal(seen[STATE_IDLE], 0); /* it has no code for it, and says stopped */
    sim_tale_free(tale);
}

static void test_tale_counters_advance_by_what_is_made_over_every_wrap(void **state)
{
    struct sim_tale *tale = begin(
        *state, MACHINE("tags: [{name: a, at: 'holding:0', type: bcd16, counter: {counts: good, "
                        "kind: rollover, max_rate: 9000/h}}, {name: b, at: 'holding:1', counter: "
                        "{counts: gross, kind: rollover, modulus: 1000, multiplier: 2}}]"));
    uint64_t total[2] = {0}, first[2] = {0};
    int64_t last[2] = {0}, counted[2] = {0};
    size_t wraps = 0;

    for (int64_t ms = 0; ms < END_MS; ms += STEP_MS)
        for (size_t tag = 0; tag < 2; tag++) {
            const int64_t modulus = tag ? 1000 : 10000;
            int64_t raw = shown(tale, tag, ms);
            assert_true(raw >= 0 && raw < modulus);
            assert_true(sim_tale_total(tale, tag, ms, &total[tag]));
            if (ms == 0)
                first[tag] = total[tag];
            else
                counted[tag] += (raw - last[tag] + modulus) % modulus;
            wraps += ms > 0 && raw < last[tag];
            last[tag] = raw;
            assert_int_equal(total[tag] - first[tag], counted[tag] * (tag ? 2 : 1));
        }
    assert_true(wraps > 5);
    sim_tale_free(tale);
}

static void test_tale_counter_of_kind_reset_begins_at_0_again(void **state)
{
    struct sim_tale *tale =
        begin(*state, MACHINE("tags: [{name: a, at: 'holding:0', counter: {counts: waste, kind: "
                              "reset, max_rate: 9000/h}}]"));
    int64_t last = 0, resets = 0;

    for (int64_t ms = 0; ms < END_MS; ms += STEP_MS) {
        int64_t raw = shown(tale, 0, ms);
        if (raw < last)
            assert_true(++resets && raw < 20);
        last = raw;
    }
    assert_true(resets >= 2);
    sim_tale_free(tale);
}

/* One of them says why, and is the only one in fault. */
static void test_tale_of_a_line_is_told_by_all_its_machines(void **state)
{
    struct config *config = *state;
    struct sim_tale *line[2];
    size_t reasons[2] = {0}, faults = 0;

    config_write(config, "plant.yaml",
                 TOP "machines: [{name: m, link: l, tags: &t [{name: code, at: 'holding:0', " STATES
                     "}, {name: why, at: 'holding:1'}, {name: n, at: 'holding:2', counter: "
                     "{counts: good, kind: reset, max_rate: 9000/h}}], " REASONS
                     "}, {name: n, link: l, unit: 2, tags: *t, " REASONS "}]\n");
    config_expect_plant(config);
    for (size_t i = 0; i < 2; i++)
        line[i] = sim_tale_new(&config->plant->machines[i], SEED + i);
    sim_tale_join(line, 2);
    for (int64_t ms = 0; ms < END_MS; ms += STEP_MS) {
        struct sim_told one = sim_tale_told(line[0], ms), other = sim_tale_told(line[1], ms);
        assert_int_equal(one.produces, other.produces);
        assert_int_equal(one.state == STATE_SETUP, other.state == STATE_SETUP);
        assert_int_equal(shown(line[0], 2, ms), shown(line[1], 2, ms));
        assert_false(one.reason && other.reason);
        assert_false(one.state == STATE_FAULT && other.state == STATE_FAULT);
        faults += one.state == STATE_FAULT || other.state == STATE_FAULT;
        reasons[0] += one.reason != NULL;
        reasons[1] += other.reason != NULL;
    }
    assert_true(faults > 0 && reasons[0] > 0 && reasons[1] > 0);
    sim_tale_free(line[0]);
    sim_tale_free(line[1]);
}

static const char *const kinds[] = {"perfect-binder",      "folder",     "saddle-stitcher",
                                    "three-knife-trimmer", "case-maker", "gathering-machine"};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void use_shipped_profiles(void)
{
    char path[256];

    snprintf(path, sizeof path, "%.*s../../config/profiles",
             (int)(strrchr(__FILE__, '/') - __FILE__ + 1), __FILE__);
    setenv("BINDERY_PROFILES_DIR", path, 1);
}

static void test_tale_of_a_shipped_profile_stays_in_its_ranges(void **state)
{
    struct config *config = *state;
    char yaml[256];

    use_shipped_profiles();
    for (size_t kind = 0; kind < KINDS; kind++) {
        snprintf(yaml, sizeof yaml, MACHINE("profile: %s"), kinds[kind]);
        struct sim_tale *tale = begin(config, yaml);
        const struct machine *machine = sim_tale_machine(tale);
        for (int64_t ms = 0; ms < END_MS; ms += STEP_MS)
            for (size_t tag = 0; tag < machine->tag_count; tag++) {
                const struct tag *read = &machine->tags[tag];
                double value = (double)shown(tale, tag, ms) * decimal_number(read->scale);
                double high = decimal_number(read->detail->high);
                assert_true(high == 0 ||
                            (value >= decimal_number(read->detail->low) && value <= high));
            }
        sim_tale_free(tale);
    }
    unsetenv("BINDERY_PROFILES_DIR");
}

/* What is told with a job stays for as long as that does. Returns how many there were. */
static size_t count_jobs(struct sim_tale *tale)
{
    const struct machine *machine = sim_tale_machine(tale);
    const struct job_config *job = machine->job;
    int64_t id = 0, format[JOB_MAX_FORMAT] = {0};
    size_t count = 0;

    for (int64_t ms = 0; ms < END_MS; ms += STEP_MS) {
        bool begun = shown(tale, job->id, ms) != id;
        assert_true(!begun || sim_tale_told(tale, ms).state == STATE_SETUP);
        for (size_t i = 0; i < job->format_count; i++) {
            assert_true(begun || shown(tale, job->format[i], ms) == format[i]);
            format[i] = shown(tale, job->format[i], ms);
        }
        id = shown(tale, job->id, ms);
        count += begun;
    }
    return count;
}

static void test_tale_of_a_shipped_profile_has_jobs_with_a_format(void **state)
{
    char yaml[256];

    use_shipped_profiles();
    for (size_t kind = 0; kind < KINDS; kind++) {
        snprintf(yaml, sizeof yaml, MACHINE("profile: %s"), kinds[kind]);
        struct sim_tale *tale = begin(*state, yaml);
        assert_non_null(sim_tale_machine(tale)->job);
        assert_true(sim_tale_machine(tale)->job->format_count >= 2);
        assert_in_range(count_jobs(tale), 5, 12);
        sim_tale_free(tale);
    }
    unsetenv("BINDERY_PROFILES_DIR");
}

static size_t tag_of(const struct sim_tale *tale, const char *name)
{
    const struct machine *machine = sim_tale_machine(tale);
    size_t tag = 0;

    while (strcmp(machine->tags[tag].name, name) != 0)
        tag++;
    return tag;
}

static void test_tale_of_a_line_is_of_one_job_and_its_sizes(void **state)
{
    struct config *config = *state;
    struct sim_tale *line[2];

    use_shipped_profiles();
    config_write(config, "plant.yaml",
                 TOP "machines: [{name: m, link: l, profile: gathering-machine}, "
                     "{name: n, link: l, unit: 2, profile: perfect-binder}]\n");
    config_expect_plant(config);
    for (size_t i = 0; i < 2; i++)
        line[i] = sim_tale_new(&config->plant->machines[i], SEED + i);
    sim_tale_join(line, 2);
    for (int64_t ms = 0; ms < END_MS; ms += STEP_MS) {
        assert_int_equal(shown(line[0], tag_of(line[0], "job_id"), ms),
                         shown(line[1], tag_of(line[1], "job_id"), ms));
        assert_int_equal(shown(line[0], tag_of(line[0], "block_width"), ms),
                         shown(line[1], tag_of(line[1], "block_width"), ms));
    }
    sim_tale_free(line[0]);
    sim_tale_free(line[1]);
    unsetenv("BINDERY_PROFILES_DIR");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, config_set_up, config_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_tale_is_told_of_machines_with_counters_or_states_only),
        TEST(test_tale_shows_the_codes_that_the_configuration_expects),
        TEST(test_tale_counters_advance_by_what_is_made_over_every_wrap),
        TEST(test_tale_counter_of_kind_reset_begins_at_0_again),
        TEST(test_tale_of_a_line_is_told_by_all_its_machines),
        TEST(test_tale_of_a_shipped_profile_stays_in_its_ranges),
        TEST(test_tale_of_a_shipped_profile_has_jobs_with_a_format),
        TEST(test_tale_of_a_line_is_of_one_job_and_its_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
