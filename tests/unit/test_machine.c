#include "config_fixture.h"
#include "decode.h"
#include "live_alarm.h"
#include "machine_again.h"

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

static const char job_text[] = "gateway: g\nlinks: [{name: l, driver: modbus-tcp, address: h}]\n"
                               "machines: [{name: m, link: l, job: {id: order}, tags: [\n"
                               "  {name: code, at: 'holding:0', states: {1: production}},\n"
                               "  {name: order, at: 'holding:1', type: 'string:8'}]}]\n";

struct order_bench {
    struct standings standings;
    struct poll_output output;
    struct machine_run *run;
    int64_t now_ms;
};

/* A poll's answer, not finished yet. */
static void answer(struct machine_run *run, const char *order)
{
    char *text = run->answer.texts + DECODE_TEXT_BYTES;
    memcpy(text, order, strlen(order));
    run->answer.samples[0] = (struct sample){.value = {.kind = VALUE_DECIMAL, .mantissa = 1}};
    run->answer.samples[1] = (struct sample){
        .tag = 1, .value = {.kind = VALUE_TEXT, .length = (uint16_t)strlen(order), .text = text}};
    run->answer.count = 2;
}

static void hear_again(struct machine_run *run, const char *order)
{
    const struct sample sample = {
        .tag = 1, .value = {.kind = VALUE_TEXT, .length = (uint16_t)strlen(order), .text = order}};
    machine_again_heard(run, &sample);
}

static void expect_order(const struct machine_run *run, const char *order)
{
    assert_int_equal(run->answer.samples[1].value.length, strlen(order));
    assert_memory_equal(run->answer.samples[1].value.text, order, strlen(order));
}

static void finish(struct order_bench *bench)
{
    const struct instant at = {.wall_ms = bench->now_ms += 1000, .boot_ms = bench->now_ms};
    machine_run_finish(bench->run, &bench->output, &at, QUALITY_GOOD);
}

static void begin_orders(struct config *config, struct order_bench *bench)
{
    *bench = (struct order_bench){.output = {.queue = queue_new(1 << 20),
                                             .live = live_new(),
                                             .standings = &bench->standings,
                                             .tick_ns = 20000000}};
    config_write(config, "plant.yaml", job_text);
    config_expect_plant(config);
    bench->run = machine_run_new(config->plant, &config->plant->machines[0], 1, 0, &bench->output);
    answer(bench->run, "A-1");
    finish(bench);
    answer(bench->run, "A-1");
    finish(bench);
}

static void end_orders(struct order_bench *bench)
{
    machine_run_free(bench->run, &bench->output);
    live_free(bench->output.live);
    queue_free(bench->output.queue);
    standings_free(&bench->standings);
}

static void test_machine_is_asked_again_for_its_job_only_where_that_is_another(void **state)
{
    struct order_bench bench;

    begin_orders(*state, &bench);
    answer(bench.run, "A-1");
    assert_false(machine_again_wanted(bench.run));
    finish(&bench);
    answer(bench.run, "B-2");
    assert_true(machine_again_wanted(bench.run));
    hear_again(bench.run, "B-2");
    assert_false(machine_again_wanted(bench.run));
    finish(&bench);
    answer(bench.run, "B-2");
    assert_false(machine_again_wanted(bench.run));
    end_orders(&bench);
}

static void test_machine_whose_job_was_torn_is_asked_a_last_time(void **state)
{
    struct order_bench bench;

    begin_orders(*state, &bench);
    answer(bench.run, "B-1");
    hear_again(bench.run, "B-20");
    assert_true(machine_again_wanted(bench.run));
    hear_again(bench.run, "B-20");
    assert_true(bench.run->again.same);
    expect_order(bench.run, "B-20");
    finish(&bench);
    answer(bench.run, "C-1");
    hear_again(bench.run, "C-2");
    hear_again(bench.run, "C-3");
    assert_false(bench.run->again.same);
    assert_false(machine_again_wanted(bench.run));
    expect_order(bench.run, "C-3");
    finish(&bench);
    answer(bench.run, "C-3");
    assert_false(machine_again_wanted(bench.run));
    end_orders(&bench);
}

static void test_machine_that_fails_to_answer_again_is_asked_no_more(void **state)
{
    struct order_bench bench;

    begin_orders(*state, &bench);
    answer(bench.run, "B-2");
    machine_again_heard(bench.run, &(struct sample){.tag = 1, .quality = QUALITY_TIMEOUT});
    assert_false(machine_again_wanted(bench.run));
    assert_false(bench.run->again.same);
    expect_order(bench.run, "B-2");
    finish(&bench);
    answer(bench.run, "C-3");
    assert_true(machine_again_wanted(bench.run));
    end_orders(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_machine_whose_reading_finds_no_room_raises_an_alarm,
                                        config_set_up, config_tear_down),
        cmocka_unit_test_setup_teardown(
            test_machine_is_asked_again_for_its_job_only_where_that_is_another, config_set_up,
            config_tear_down),
        cmocka_unit_test_setup_teardown(test_machine_whose_job_was_torn_is_asked_a_last_time,
                                        config_set_up, config_tear_down),
        cmocka_unit_test_setup_teardown(test_machine_that_fails_to_answer_again_is_asked_no_more,
                                        config_set_up, config_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
