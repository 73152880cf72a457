/* job: of a machine or its profile. */
#include <errno.h>

#include "config_fixture.h"

#define TOP "gateway: g\nlinks: [{name: l, driver: modbus-tcp, address: h}]\n"
#define LIST                                                                                  \
    "[{name: no, at: 'holding:1'}, {name: text, at: 'holding:2', type: 'string:8'}, "         \
    "{name: real, at: 'holding:8', type: f32}, {name: tenths, at: 'holding:9', scale: 0.1}, " \
    "{name: good, at: 'holding:10', counter: {counts: good, kind: reset}}]"
#define TAGS "tags: " LIST
/* A machine on line 3, whose keys begin in column 31. */
#define MACHINE(keys, tags) TOP "machines: [{name: m, link: l, " keys ", " tags "}]\n"

static const struct machine *load_machines_of(struct config *config, const char *text)
{
    config_write(config, "plant.yaml", text);
    config_expect_plant(config);
    return config->plant->machines;
}

static void test_a_job_has_an_id_and_a_format(void **state)
{
    const struct machine *machine =
        load_machines_of(*state, MACHINE("job: {id: text, format: [real, no]}", TAGS));

    assert_int_equal(machine->job->id, 1);
    assert_int_equal(machine->job->format_count, 2);
    assert_int_equal(machine->job->format[0], 2);
    assert_int_equal(machine->job->format[1], 0);
    assert_null(load_machines_of(*state, MACHINE("unit: 1", TAGS))->job);
}

static void test_profile_gives_the_job_and_the_machines_own_takes_its_place(void **state)
{
    struct config *config = *state;

    config_write(config, "profiles/p.yaml",
                 "profile: p\nparameters: {id: no}\njob: {id: '${id}', format: [real]}\n" TAGS
                 "\n");
    config_write(config, "profiles/q.yaml", "profile: q\nextends: p\n");
    const struct machine *machines =
        load_machines_of(config, TOP "machines:\n- {name: a, link: l, profile: p}\n"
                                     "- {name: b, link: l, profile: q}\n"
                                     "- {name: c, link: l, profile: p, parameters: {id: text}}\n"
                                     "- {name: d, link: l, profile: p, job: {id: text}}\n");
    assert_int_equal(machines[0].job->id, 0);
    assert_ptr_equal(machines[0].job, machines[1].job);
    assert_int_equal(machines[2].job->id, 1);
    assert_int_equal(machines[3].job->format_count, 0);
    assert_ptr_equal(machines[0].tags, machines[3].tags);
}

static void test_machines_of_different_jobs_are_not_equal(void **state)
{
    const struct machine *machine = load_machines_of(*state, MACHINE("job: {id: no}", TAGS));
    struct machine other = *machine;
    struct job_config job = *machine->job;

    other.job = &job;
    assert_true(machine_equal(machine, &other));
    job.format_count = 1;
    assert_false(machine_equal(machine, &other));
    other.job = NULL;
    assert_false(machine_equal(machine, &other));
}

static void expect_fault(struct config *config, const char *plant, const char *fault)
{
    assert_int_equal(config_load_text(config, plant), -EINVAL);
    config_expect_fault(config, 0, fault);
    assert_int_equal(config->faults.count, 1);
}

#define NO_ID \
    " says no job; expected the name of a tag that is a string or a whole number, and no counter"

static void test_faults_of_jobs(void **state)
{
    expect_fault(*state, MACHINE("job: {id: real}", TAGS), "plant.yaml:3:41: id: \"real\"" NO_ID);
    expect_fault(*state, MACHINE("job: {id: tenths}", TAGS),
                 "plant.yaml:3:41: id: \"tenths\"" NO_ID);
    expect_fault(*state, MACHINE("job: {id: good}", TAGS), "plant.yaml:3:41: id: \"good\"" NO_ID);
    expect_fault(*state, MACHINE("job: {id: no, format: [no, width]}", TAGS),
                 "plant.yaml:3:58: format: \"width\" is no tag of the machine; expected names of "
                 "the machine's tags");
    expect_fault(*state,
                 MACHINE("job: {id: no, format: [no, no, no, no, no, no, no, no, no]}", TAGS),
                 "plant.yaml:3:86: format: one too many; expected at most 8 tags");
    expect_fault(*state, MACHINE("job: {id: no}", "tags: [{name: no, at: 'coil:1', type: bool}]"),
                 "plant.yaml:3:41: id: \"no\"" NO_ID);
    expect_fault(*state, MACHINE("job: {id: no}", "tags: [{name: no, at: 'holding:1'}]"),
                 "plant.yaml:3:36: job: there is nothing to tell of one; expected a state, or a "
                 "counter of good, waste or gross");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, config_set_up, config_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_job_has_an_id_and_a_format),
        TEST(test_profile_gives_the_job_and_the_machines_own_takes_its_place),
        TEST(test_machines_of_different_jobs_are_not_equal),
        TEST(test_faults_of_jobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
