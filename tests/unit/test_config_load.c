/* What a configuration comes to: every key, every default, included files, shared lists, size. */
#include <errno.h>
#include <malloc.h>
#include <time.h>

#include "config_fixture.h"

#define ONE_TAG "tags: [{name: t, at: 'holding:1'}]"

static const struct machine *machine_of(const struct config *config, const char *name)
{
    const struct machine *machine = plant_machine(config->plant, name);

    assert_non_null(machine);
    return machine;
}

static void test_defaults_are_the_contracts(void **state)
{
    struct config *config = *state;

    config_write(config, "plant.yaml",
                 "gateway: g\nuplinks: [{name: u, url: mqtt://h}, {name: v, url: mqtts://h}]\n"
                 "links: [{name: l, driver: modbus-tcp, address: h},\n"
                 "  {name: s, driver: modbus-rtu, device: /dev/a}]\n"
                 "machines: [{name: m, link: l, " ONE_TAG "}]\n");
    config_expect_plant(config);
    const struct plant *plant = config->plant;
    assert_string_equal(plant->site, "default");
    assert_string_equal(plant->control, "/var/lib/bindery/bindery.db.sock");
    assert_int_equal(plant->log_level, LOG_LEVEL_INFO);
    assert_int_equal(plant->tick_ms, 20);
    assert_string_equal(plant->store.path, "/var/lib/bindery/bindery.db");
    assert_int_equal(plant->store.max_size, 1 << 30);
    assert_int_equal(plant->store.commit_every_ms, 200);
    assert_int_equal(plant->store.durability, DURABILITY_ALWAYS);
    assert_int_equal(plant->store.replay_window_ms, 600000);

    const struct uplink_settings *uplink = &plant->uplinks[0];
    assert_int_equal(plant->uplink_count, 2);
    assert_int_equal(uplink->scheme, SCHEME_MQTT);
    assert_int_equal(uplink->port, 1883);
    assert_int_equal(plant->uplinks[1].port, 8883);
    assert_int_equal(plant->uplinks[1].scheme, SCHEME_MQTTS);
    assert_string_equal(uplink->client_id, "g");
    assert_null(uplink->username);
    assert_null(uplink->password_file);
    assert_null(uplink->ca_file);
    assert_null(uplink->cert_file);
    assert_null(uplink->key_file);
    assert_true(uplink->mqtt5);
    assert_int_equal(uplink->gather, GATHER_MACHINE);
    assert_int_equal(uplink->publish_every_ms, 1000);
    assert_string_equal(uplink->topic, "bindery/default/g");
}

static void test_defaults_of_links_machines_and_tags(void **state)
{
    struct config *config = *state;

    config_write(config, "plant.yaml",
                 "gateway: g\nlinks: [{name: l, driver: modbus-tcp, address: h},\n"
                 "  {name: s, driver: modbus-rtu, device: /dev/a}]\n"
                 "machines: [{name: m, link: l, tags: [{name: t, at: 'holding:1'},\n"
                 "  {name: b, at: 'input:1.3'}, {name: c, at: 'discrete:1'}]}]\n");
    config_expect_plant(config);
    const struct link *link = plant_link(config->plant, "s");
    assert_non_null(link);
    assert_null(link->host);
    assert_true(link->baud == 9600 && link->data_bits == 8 && link->parity == 'N');
    assert_true(link->stop_bits == 1 && !link->rs485 && link->machine_count == 0);
    link = plant_link(config->plant, "l");
    assert_non_null(link);
    assert_null(link->device);
    assert_true(link->port == 502 && link->timeout_ms == 500 && link->pause_ms == 0);
    assert_true(link->max_registers == 125 && link->gap == 16 && link->machine_count == 1);

    const struct machine *machine = machine_of(config, "m");
    assert_ptr_equal(machine->link, link);
    assert_ptr_equal(link->machines[0], machine);
    assert_true(machine->unit == 1 && machine->every_ms == 1000 && machine->tag_count == 3);
    const struct tag *tag = &machine->tags[0];
    assert_null(tag->unit);
    assert_true(tag->type == TYPE_U16 && tag->bit == -1 && tag->order == 0);
    assert_true(tag->scale.mantissa == 1 && tag->scale.decimals == 0 && tag->offset.mantissa == 0);
    assert_true(tag->every_ms == 1000 && tag->deadband == 0 && tag->heartbeat_ms == 0);
    assert_true(machine->tags[1].type == TYPE_BOOL && machine->tags[1].bit == 3);
    assert_true(machine->tags[2].type == TYPE_BOOL && machine->tags[2].bit == -1);
}

static void test_gateway_alone_is_a_plant(void **state)
{
    struct config *config = *state;

    config_write(config, "plant.yaml", "gateway: g\nlinks:\nmachines: []\nstore:\n");
    config_expect_plant(config);
    assert_int_equal(config->plant->link_count + config->plant->machine_count, 0);
    assert_null(plant_link(config->plant, "x"));
    assert_null(plant_machine(config->plant, "x"));
}

static void test_every_key_reaches_the_plant(void **state)
{
    struct config *config = *state;

    config_write(
        config, "plant.yaml",
        "gateway: g1\nsite: s1\nlog: debug\ntick: 50ms\ncontrol: /run/b/c\n"
        "store: {path: /d/b.db, max_size: 2GiB, commit_every: 1s, durability: outage,\n"
        "  replay_window: 0s}\n"
        "uplinks: [{name: u, url: 'mqtts://[::1]:99', client_id: c, username: n,\n"
        "  password_file: /p, ca_file: /a, cert_file: /c, key_file: /k, mqtt: 3.1.1,\n"
        "  payload: json, gather: gateway, publish_every: 2s, topic: 'x/{gateway}/{site}/y'}]\n"
        "links: [{name: r, driver: modbus-rtu, device: /dev/a, baud: 19200, format: 8E2,\n"
        "  rs485: on, timeout: 1s, max_registers: 12, gap: 0, pause: 10ms},\n"
        "  {name: t, driver: modbus-rtu-tcp, address: 'h:4001'}]\n"
        "machines: [{name: m, link: r, unit: 247, every: 5s, tags: [{name: n, at: 'input:9',\n"
        "  type: u32, order: CDAB, scale: 0.10, offset: -40, unit: °C, every: 500ms,\n"
        "  deadband: 0.5, heartbeat: 60s}, {name: s, at: 'holding:0', type: 'string:7'}]}]\n");
    config_expect_plant(config);
    const struct plant *plant = config->plant;
    assert_string_equal(plant->gateway, "g1");
    assert_string_equal(plant->site, "s1");
    assert_string_equal(plant->control, "/run/b/c");
    assert_true(plant->log_level == LOG_LEVEL_DEBUG && plant->tick_ms == 50);
    assert_string_equal(plant->store.path, "/d/b.db");
    assert_true(plant->store.max_size == INT64_C(2) << 30 && plant->store.commit_every_ms == 1000);
    assert_true(plant->store.durability == DURABILITY_OUTAGE && !plant->store.replay_window_ms);

    const struct uplink_settings expected_uplink = {"u",   SCHEME_MQTTS,   "::1", 99,         "c",
                                                    "n",   "/p",           "/a",  "/c",       "/k",
                                                    false, GATHER_GATEWAY, 2000,  "x/g1/s1/y"};
    assert_true(uplink_settings_equal(&plant->uplinks[0], &expected_uplink));
    const struct link expected_link = {.name = "r",
                                       .driver = DRIVER_MODBUS_RTU,
                                       .device = "/dev/a",
                                       .baud = 19200,
                                       .data_bits = 8,
                                       .parity = 'E',
                                       .stop_bits = 2,
                                       .rs485 = true,
                                       .timeout_ms = 1000,
                                       .pause_ms = 10,
                                       .max_registers = 12};
    assert_true(link_equal(&plant->links[0], &expected_link));
    assert_true(plant->links[1].driver == DRIVER_MODBUS_RTU_TCP && plant->links[1].port == 4001);
    const struct tag expected_tag = {.name = "n",
                                     .unit = "°C",
                                     .area = AREA_INPUT,
                                     .address = 9,
                                     .bit = -1,
                                     .type = TYPE_U32,
                                     .order = ORDER_SWAP_WORDS,
                                     .scale = {1, 1},
                                     .offset = {-40, 0},
                                     .every_ms = 500,
                                     .deadband = 0.5,
                                     .heartbeat_ms = 60000};
    const struct machine *machine = machine_of(config, "m");
    assert_true(tag_equal(&machine->tags[0], &expected_tag));
    assert_true(machine->unit == 247 && machine->tags[1].every_ms == 5000);
    assert_int_equal(tag_width(&machine->tags[1]), 4);
}

static void test_relative_paths_start_at_their_files_folder(void **state)
{
    struct config *config = *state;
    char expected[128];

    config_write(config, "plant.yaml",
                 "gateway: g\nstore: {path: data.db}\ninclude: [sub/up.yaml]\n");
    config_write(config, "sub/up.yaml", "uplinks: [{name: u, url: mqtts://h, ca_file: ca.pem}]\n");
    config_expect_plant(config);
    snprintf(expected, sizeof expected, "%s/data.db", config->folder);
    assert_string_equal(config->plant->store.path, expected);
    snprintf(expected, sizeof expected, "%s/sub/ca.pem", config->folder);
    assert_string_equal(config->plant->uplinks[0].ca_file, expected);
}

static void test_include_takes_patterns_in_order_and_each_file_once(void **state)
{
    struct config *config = *state;

    config_write(config, "plant.yaml",
                 "gateway: g\ninclude: [m/*.yaml, 'm/b.yaml', '*.yaml', none/*.yaml]\n"
                 "machines: [{name: first, link: l, " ONE_TAG "}]\n");
    config_write(config, "m/b.yaml", "machines: [{name: third, link: l, " ONE_TAG "}]\n");
    config_write(config, "m/a.yaml", "machines: [{name: second, link: l, " ONE_TAG "}]\n");
    config_write(config, "m/c.yaml", "# nothing yet\n");
    config_write(config, "m/l.yaml", "links: [{name: l, driver: modbus-tcp, address: h}]\n");
    config_expect_plant(config);
    assert_int_equal(config->plant->machine_count, 3);
    assert_string_equal(config->plant->machines[0].name, "first");
    assert_string_equal(config->plant->machines[1].name, "second");
    assert_string_equal(config->plant->machines[2].name, "third");
    assert_int_equal(plant_link(config->plant, "l")->machine_count, 3);
}

static void test_faults_of_included_files_name_them_in_order(void **state)
{
    struct config *config = *state;

    config_write(config, "plant.yaml",
                 "gateway: g\ninclude: m/*.yaml\nlog: x\n"
                 "links: [{name: l, driver: modbus-tcp, address: h}]\n");
    config_write(config, "m/b.yaml", "links: [{name: l, driver: modbus-tcp, address: h}]\n");
    config_write(config, "m/a.yaml", "machines:\n- {name: m, link: x, " ONE_TAG "}\nlog: info\n");
    assert_int_equal(config_load(config), -EINVAL);
    assert_int_equal(config->faults.count, 4);
    config_expect_fault(config, 0, "plant.yaml:3:6: log: \"x\" is unknown");
    config_expect_fault(config, 1, "a.yaml:2:19: link: \"x\" is no link");
    config_expect_fault(config, 2, "a.yaml:3:1: \"log\" is no key of an included file");
    config_expect_fault(config, 3, "b.yaml:1:16: name: \"l\" is taken already, at ");
}

static void test_included_file_that_is_not_there_is_a_fault(void **state)
{
    struct config *config = *state;

    assert_int_equal(config_load_text(config, "gateway: g\ninclude: [x.yaml, {}, 'm']\n"), -EINVAL);
    config_expect_fault(config, 0, "plant.yaml:2:11: include: \"x.yaml\" does not exist");
    config_expect_fault(config, 1, "plant.yaml:2:19: include: a mapping stands here; expected a ");
}

static void test_folder_with_pattern_characters_is_taken_as_it_stands(void **state)
{
    struct config *config = *state;
    struct fault_list faults = {0};
    const struct plant *plant = NULL;

    config_write(config, "[a]*/plant.yaml", "gateway: g\ninclude: l*.yaml\n");
    config_write(config, "[a]*/l1.yaml", "links: [{name: l, driver: modbus-tcp, address: h}]\n");
    assert_int_equal(plant_load(config_path(config, "[a]*/plant.yaml"), &plant, &faults), 0);
    assert_int_equal(plant->link_count, 1);
    plant_release(plant);
    fault_list_free(&faults);
}

static void test_alias_shares_a_list_between_machines(void **state)
{
    struct config *config = *state;

    config_write(config, "plant.yaml",
                 "gateway: g\nlinks: [{name: l, driver: modbus-tcp, address: h}]\nmachines:\n"
                 "  - {name: a, link: l, unit: 1, tags: &t [{name: x, at: 'holding:1'}]}\n"
                 "  - {name: b, link: l, unit: 2, tags: *t}\n"
                 "  - {name: c, link: l, unit: 3, every: 2s, tags: *t}\n");
    config_expect_plant(config);
    assert_ptr_equal(machine_of(config, "a")->tags, machine_of(config, "b")->tags);
    assert_int_equal(machine_of(config, "b")->tags[0].every_ms, 1000);
    assert_int_equal(machine_of(config, "c")->tags[0].every_ms, 2000);
}

static void test_equal_titles_and_ranges_are_kept_once(void **state)
{
    struct config *config = *state;

    config_write(config, "plant.yaml",
                 "gateway: g\nlinks: [{name: l, driver: modbus-tcp, address: h}]\n"
                 "machines: [{name: m, link: l, tags: [\n"
                 "  {name: a, at: 'holding:1', title: {en: A, zh: 甲}, range: [-0.5, 10]},\n"
                 "  {name: b, at: 'holding:2', title: {zh: 甲, en: A}, range: [-0.5, 10]},\n"
                 "  {name: c, at: 'holding:3', title: {en: C}},\n"
                 "  {name: d, at: 'holding:4'}]}]\n");
    config_expect_plant(config);
    const struct tag *tags = machine_of(config, "m")->tags;
    assert_string_equal(tags[0].detail->title.en, "A");
    assert_string_equal(tags[0].detail->title.zh, "甲");
    assert_true(tags[0].detail->low.mantissa == -5 && tags[0].detail->low.decimals == 1);
    assert_true(tags[0].detail->high.mantissa == 10 && tags[0].detail->high.decimals == 0);
    assert_ptr_equal(tags[1].detail, tags[0].detail);
    assert_string_equal(tags[2].detail->title.en, "C");
    assert_null(tags[2].detail->title.zh);
    assert_true(tags[2].detail->low.mantissa == 0 && tags[2].detail->high.mantissa == 0);
    assert_null(tags[3].detail);
}

static void test_two_machines_may_share_link_and_unit(void **state)
{
    struct config *config = *state;

    config_write(config, "plant.yaml",
                 "gateway: g\nlinks: [{name: l, driver: modbus-tcp, address: h}]\nmachines:\n"
                 "  - {name: a, link: l, " ONE_TAG "}\n  - {name: b, link: l, " ONE_TAG "}\n");
    config_expect_plant(config);
    assert_int_equal(config->plant->links[0].machine_count, 2);
}

static void test_examples_are_valid(void **state)
{
    static const char *const examples[] = {"minimal.yaml", "plant.yaml"};
    char path[512];

    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        const struct plant *plant = NULL;
        struct fault_list faults = {0};
        snprintf(path, sizeof path, "%.*s../../config/examples/%s",
                 (int)(strrchr(__FILE__, '/') ? strrchr(__FILE__, '/') - __FILE__ + 1 : 0),
                 __FILE__, examples[i]);
        assert_int_equal(plant_load(path, &plant, &faults), 0);
        assert_true(plant->machine_count > 0);
        plant_release(plant);
        fault_list_free(&faults);
    }
}

enum { LARGE_MACHINES = 6000, LARGE_TAGS = 40 };

static void write_large_plant(const struct config *config)
{
    struct text yaml = {0};

    text_add(&yaml, "gateway: g\nlinks:\n");
    for (int i = 0; i < LARGE_MACHINES; i++)
        text_addf(&yaml, "  - {name: l%d, driver: modbus-tcp, address: h%d}\n", i, i);
    text_add(&yaml, "machines:\n");
    for (int i = 0; i < LARGE_MACHINES; i++) {
        text_addf(&yaml, "  - name: m%d\n    link: l%d\n    tags:\n", i, i);
        for (int k = 0; k < LARGE_TAGS; k++)
            text_addf(&yaml, "    - {name: t%d, at: holding:%d, type: u32}\n", k, 2 * k + i);
    }
    config_write_bytes(config, "plant.yaml", yaml.data, yaml.length);
    text_free(&yaml);
}

static void test_large_plant_is_lean_and_quick(void **state)
{
    struct config *config = *state;
    struct timespec start;
    struct timespec end;

    write_large_plant(config);
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    config_expect_plant(config);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    size_t taken = mallinfo2().uordblks + mallinfo2().hblkhd - before;
    assert_int_equal(config->plant->machine_count, LARGE_MACHINES);
    assert_int_equal(machine_of(config, "m5999")->tags[39].address, 2 * 39 + 5999);
    assert_string_equal(machine_of(config, "m5999")->link->host, "h5999");
    assert_true(taken < 25 * 1000 * 1000);
    assert_true(end.tv_sec - start.tv_sec < 20); /* what is quadratic takes minutes */
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, config_set_up, config_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_defaults_are_the_contracts),
        TEST(test_defaults_of_links_machines_and_tags),
        TEST(test_gateway_alone_is_a_plant),
        TEST(test_every_key_reaches_the_plant),
        TEST(test_relative_paths_start_at_their_files_folder),
        TEST(test_include_takes_patterns_in_order_and_each_file_once),
        TEST(test_faults_of_included_files_name_them_in_order),
        TEST(test_included_file_that_is_not_there_is_a_fault),
        TEST(test_folder_with_pattern_characters_is_taken_as_it_stands),
        TEST(test_alias_shares_a_list_between_machines),
        TEST(test_equal_titles_and_ranges_are_kept_once),
        TEST(test_two_machines_may_share_link_and_unit),
        TEST(test_examples_are_valid),
        TEST(test_large_plant_is_lean_and_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
