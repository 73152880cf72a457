/* Links that are recordings: what was spoken decides what they are, and what else goes with them.
 */
#include <errno.h>

#include "config_fixture.h"

#define HEAD "gateway: g\nlinks:\n"
#define LINK "  - {name: l, driver: recording, file: a.recording"
#define MACHINE "machines: [{name: m, link: l, unit: 3, tags: [{name: t, at: 'holding:1'}]}]\n"

static const struct link *link_of(struct config *config, const char *driver, const char *more)
{
    char recording[128], yaml[512];

    snprintf(recording, sizeof recording, "# bindery recording 1\ndriver %s\n+0 > 01 03\n", driver);
    config_write(config, "a.recording", recording);
    snprintf(yaml, sizeof yaml, HEAD LINK "%s}\n" MACHINE, more);
    config_write(config, "plant.yaml", yaml);
    config_expect_plant(config);
    return plant_link(config->plant, "l");
}

static void test_a_recorded_line_is_asked_over_tcp_with_what_was_spoken(void **state)
{
    const struct link *link = link_of(*state, "modbus-rtu", "");

    assert_int_equal(link->driver, DRIVER_MODBUS_RTU_TCP);
    assert_non_null(link->recording);
    assert_non_null(strstr(link->recording->file, "/a.recording"));
    assert_true(link->recording->speed == 1 && !link->recording->repeat);
    assert_string_equal(link->host, "127.0.0.1");
    assert_null(link->device);
}

static void test_a_recording_is_of_the_driver_in_it(void **state)
{
    assert_int_equal(link_of(*state, "modbus-tcp", ", speed: fast")->driver, DRIVER_MODBUS_TCP);
    assert_int_equal(plant_link(((struct config *)*state)->plant, "l")->recording->speed, 0);
}

static void test_a_recording_may_be_played_faster_and_again(void **state)
{
    const struct link *link =
        link_of(*state, "modbus-rtu-tcp", ", speed: 60, repeat: on, timeout: 1s");

    assert_true(link->recording->speed == 60 && link->recording->repeat);
    assert_int_equal(link->timeout_ms, 1000);
    assert_int_equal(link->driver, DRIVER_MODBUS_RTU_TCP);
}

static void test_links_are_other_links_where_their_recordings_differ(void **state)
{
    struct link_recording one = {.file = "/a", .speed = 1}, other = one;
    struct link a = {.name = "l", .recording = &one}, b = {.name = "l", .recording = &other};

    (void)state;
    assert_true(link_equal(&a, &b));
    other.speed = 2;
    assert_false(link_equal(&a, &b));
    other = (struct link_recording){.file = "/b", .speed = 1};
    assert_false(link_equal(&a, &b));
    b.recording = NULL;
    assert_false(link_equal(&a, &b));
    a.recording = NULL;
    assert_true(link_equal(&a, &b));
}

/* One fault; what stands below the link is fine. */
static void expect_fault(struct config *config, const char *link, const char *fault)
{
    char yaml[512];

    snprintf(yaml, sizeof yaml, HEAD "%s\n", link);
    assert_int_equal(config_load_text(config, yaml), -EINVAL);
    config_print_faults(config);
    assert_int_equal(config->faults.count, 1);
    config_expect_fault(config, 0, fault);
}

static void test_faults_of_a_recording_are_told_at_its_file(void **state)
{
    struct config *config = *state;

    expect_fault(config, LINK "}", "plant.yaml:3:40: a.recording: No such file or directory");
    config_write(config, "a.recording", "# bindery recording 1\ndriver modbus-rtu\n+0 > 1\n");
    expect_fault(config, LINK "}", "plant.yaml:3:40: a.recording: line 3: expected 1 to 1024 byt");
    config_write(config, "a.recording", "# bindery recording 1\ndriver recording\n");
    expect_fault(config, LINK "}", "plant.yaml:3:40: a.recording: driver \"recording\" is unknown");
    config_write(config, "a.recording", "# bindery recording 1\ndriver profibus\n");
    expect_fault(config, LINK "}", "plant.yaml:3:40: a.recording: driver \"profibus\" is unknown");
    config_write(config, "a.recording", "# bindery recording 1\ndriver modbus-rtu\n");
    expect_fault(config, LINK ", speed: 0}", "plant.yaml:3:60: speed: \"0\" is no speed");
    expect_fault(config, LINK ", speed: quick}",
                 "plant.yaml:3:60: speed: \"quick\" is no speed; expected fast, or");
    expect_fault(config, LINK ", address: h}", "plant.yaml:3:53: address: does not go with");
    expect_fault(config, LINK ", device: /dev/x}", "plant.yaml:3:53: device: does not go with");
    expect_fault(config, LINK ", baud: 9600}", "plant.yaml:3:53: baud: does not go with");
}

static void test_a_plant_knows_the_files_it_was_read_from(void **state)
{
    struct config *config = *state;

    config_write(config, "profiles/p.yaml", "profile: p\ntags: [{name: t, at: 'holding:1'}]\n");
    config_write(config, "m.yaml", "machines: [{name: m, link: l, profile: p}]\n");
    config_write(config, "plant.yaml",
                 "gateway: g\nlinks: [{name: l, driver: modbus-tcp, address: h}]\n"
                 "include: m.yaml\n");
    config_expect_plant(config);
    assert_int_equal(config->plant->file_count, 3);
    assert_non_null(strstr(config->plant->files[0], "/plant.yaml"));
    assert_non_null(strstr(config->plant->files[1], "/m.yaml"));
    assert_non_null(strstr(config->plant->files[2], "/profiles/p.yaml"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, config_set_up, config_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_recorded_line_is_asked_over_tcp_with_what_was_spoken),
        TEST(test_a_recording_is_of_the_driver_in_it),
        TEST(test_a_recording_may_be_played_faster_and_again),
        TEST(test_links_are_other_links_where_their_recordings_differ),
        TEST(test_faults_of_a_recording_are_told_at_its_file),
        TEST(test_a_plant_knows_the_files_it_was_read_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
