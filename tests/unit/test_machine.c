#include "config_fixture.h"
#include "live_alarm.h"
#include "machine.h"

enum { ROOM_BYTES = 40 };

static const char plant_text[] = "gateway: g\n"
                                 "site: s\n"
                                 "links:\n"
                                 "  - {name: l, driver: modbus-tcp, address: \"127.0.0.1:502\"}\n"
                                 "machines:\n"
                                 "  - name: m\n"
                                 "    link: l\n"
                                 "    unit: 1\n"
                                 "    tags:\n"
                                 "      - {name: a, at: \"holding:0\", type: u16}\n";

static bool has_alarm(struct live *live)
{
    struct text status = {0};
    live_status_json(live, &status);
    bool found = strstr(status.data, live_alarm_name(ALARM_MEMORY_FULL)) != NULL;
    text_free(&status);
    return found;
}

/* A poll whose value is `number`; whether the alarm is raised afterwards. */
static bool poll_once(struct machine_run *run, const struct poll_output *output, int64_t number)
{
    const struct instant at = {.wall_ms = number, .boot_ms = number};
    run->answer.samples[0] = (struct sample){
        .value = {.kind = VALUE_DECIMAL, .mantissa = number},
    };
    run->answer.count = 1;
    machine_run_finish(run, output, &at, QUALITY_GOOD);
    return has_alarm(output->live);
}

static void test_machine_whose_reading_finds_no_room_raises_an_alarm(void **state)
{
    struct config *config = *state;
    struct poll_output output = {
        .queue = queue_new(ROOM_BYTES), .live = live_new(), .tick_ns = 20000000};
    struct queue_content content = {0};
    int64_t number = 1;

    config_write(config, "plant.yaml", plant_text);
    config_expect_plant(config);
    struct machine_run *run =
        machine_run_new(config->plant, &config->plant->machines[0], 1, 0, &output);
    assert_false(poll_once(run, &output, number++));
    while (!poll_once(run, &output, number) && number < ROOM_BYTES)
        number++;
    assert_true(has_alarm(output.live));
    queue_take(output.queue, &content);
    assert_int_equal(content.count, number - 1);
    assert_int_equal(content.lost.missing, 1);
    machine_run_free(run, &output);
    text_free(&content.body);
    live_free(output.live);
    queue_free(output.queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_machine_whose_reading_finds_no_room_raises_an_alarm,
                                        config_set_up, config_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
