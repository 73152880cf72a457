/* The plant once it stands: equality, references; and files that are no configuration. */
#include <errno.h>
#include <pthread.h>

#include "config_fixture.h"

static void test_tags_differ_in_every_member(void **state)
{
    const struct tag tag = {.name = "t", .bit = -1, .type = TYPE_U16, .scale = {1, 0}};
    const struct tag_detail detail = {.title = {.en = "T"}};
    struct tag others[] = {tag, tag, tag, tag, tag, tag, tag, tag, tag, tag, tag, tag, tag, tag};

    (void)state;
    others[0].name = "u";
    others[1].unit = "m";
    others[2].area = AREA_INPUT;
    others[3].address = 1;
    others[4].bit = 0;
    others[5].type = TYPE_S16;
    others[6].order = ORDER_SWAP_BYTES;
    others[7].string_bytes = 1;
    others[8].scale.decimals = 1;
    others[9].offset.mantissa = 1;
    others[10].every_ms = 1;
    others[11].deadband = 0.5;
    others[12].heartbeat_ms = 1;
    others[13].detail = &detail;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(tag_equal(&tag, &others[i]));
    struct tag same = tag;
    char name[] = "t";
    same.name = name;
    assert_true(tag_equal(&tag, &same));
}

static void test_details_differ_in_every_member(void **state)
{
    const struct tag_detail detail = {
        .title = {.en = "T", .zh = "U"}, .low = {1, 0}, .high = {2, 0}};
    struct tag_detail others[] = {detail, detail, detail, detail};
    const struct tag tag = {.name = "t", .detail = &detail};

    (void)state;
    others[0].title.en = "S";
    others[1].title.zh = NULL;
    others[2].low.decimals = 1;
    others[3].high.mantissa = 3;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(tag_equal(&tag, &(const struct tag){.name = "t", .detail = &others[i]}));
    const struct tag_detail same = detail;
    assert_true(tag_equal(&tag, &(const struct tag){.name = "t", .detail = &same}));
}

static void test_links_differ_in_settings_not_in_machines(void **state)
{
    const struct link link = {.name = "l", .host = "h", .parity = 'N'};
    struct link others[] = {link, link, link, link, link, link, link,
                            link, link, link, link, link, link, link};

    (void)state;
    others[0].name = "m";
    others[1].driver = DRIVER_MODBUS_RTU_TCP;
    others[2].host = "i";
    others[3].port = 1;
    others[4].device = "/dev/a";
    others[5].baud = 1;
    others[6].data_bits = 1;
    others[7].parity = 'E';
    others[8].stop_bits = 1;
    others[9].rs485 = true;
    others[10].timeout_ms = 1;
    others[11].pause_ms = 1;
    others[12].max_registers = 1;
    others[13].gap = 1;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(link_equal(&link, &others[i]));
    struct link same = link;
    same.machine_count = 3;
    assert_true(link_equal(&link, &same));
}

static void test_machines_differ_in_link_tags_and_profile(void **state)
{
    const struct link link = {.name = "l"};
    const struct link same_link = {.name = "l", .port = 1};
    const struct link other_link = {.name = "k"};
    struct tag tags[2] = {{.name = "t"}, {.name = "u"}};
    struct tag other_tags[2] = {{.name = "t"}, {.name = "u", .address = 1}};
    const struct machine machine = {.name = "m",
                                    .link = &link,
                                    .unit = 1,
                                    .every_ms = 1000,
                                    .tags = tags,
                                    .tag_count = 2,
                                    .profile = "p"};
    struct machine other = machine;

    (void)state;
    other.link = &same_link;
    assert_true(machine_equal(&machine, &other));
    other.link = &other_link;
    assert_false(machine_equal(&machine, &other));
    other = machine;
    other.tags = other_tags;
    assert_false(machine_equal(&machine, &other));
    other.tag_count = 1;
    assert_false(machine_equal(&machine, &other));
    other = machine;
    other.unit = 2;
    assert_false(machine_equal(&machine, &other));
    other = machine;
    other.profile = NULL;
    assert_false(machine_equal(&machine, &other));
    other = machine;
    other.synthetic = true;
    assert_false(machine_equal(&machine, &other));
}

static void test_uplinks_differ_in_every_member(void **state)
{
    const struct uplink_settings uplink = {
        .name = "u", .host = "h", .client_id = "c", .topic = "t"};
    struct uplink_settings others[] = {uplink, uplink, uplink, uplink, uplink, uplink, uplink,
                                       uplink, uplink, uplink, uplink, uplink, uplink, uplink};

    (void)state;
    others[0].name = "v";
    others[1].scheme = SCHEME_MQTTS;
    others[2].host = "i";
    others[3].port = 1;
    others[4].client_id = "d";
    others[5].username = "n";
    others[6].password_file = "/p";
    others[7].ca_file = "/a";
    others[8].cert_file = "/c";
    others[9].key_file = "/k";
    others[10].mqtt5 = true;
    others[11].gather = GATHER_GATEWAY;
    others[12].publish_every_ms = 1;
    others[13].topic = "s";
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_false(uplink_settings_equal(&uplink, &others[i]));
        assert_false(uplink_settings_equal(&others[i], &uplink));
    }
    struct uplink_settings same = uplink;
    assert_true(uplink_settings_equal(&uplink, &same));
}

static void test_same_file_read_twice_gives_equal_plants(void **state)
{
    struct config *config = *state;
    struct fault_list faults = {0};
    const struct plant *again = NULL;

    config_write(config, "plant.yaml",
                 "gateway: g\nuplinks: [{name: u, url: mqtt://h}]\n"
                 "links: [{name: l, driver: modbus-tcp, address: h}]\n"
                 "machines: [{name: m, link: l, tags: [{name: t, at: 'holding:1'}]}]\n");
    config_expect_plant(config);
    assert_int_equal(plant_load(config_path(config, "plant.yaml"), &again, &faults), 0);
    assert_true(link_equal(&config->plant->links[0], &again->links[0]));
    assert_true(machine_equal(&config->plant->machines[0], &again->machines[0]));
    assert_true(uplink_settings_equal(&config->plant->uplinks[0], &again->uplinks[0]));
    plant_release(again);
    fault_list_free(&faults);
}

static void *retain_and_release(void *plant)
{
    for (int i = 0; i < 1000; i++)
        plant_release(plant_retain(plant));
    plant_release(plant);
    return NULL;
}

static void test_plant_lives_until_the_last_of_many_threads_releases_it(void **state)
{
    struct config *config = *state;
    pthread_t threads[4];

    plant_release(NULL);
    assert_null(plant_retain(NULL));
    assert_int_equal(config_load_text(config, "gateway: g\n"), 0);
    for (size_t i = 0; i < 4; i++) {
        plant_retain(config->plant);
        assert_int_equal(
            pthread_create(&threads[i], NULL, retain_and_release, (void *)config->plant), 0);
    }
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_string_equal(config->plant->gateway, "g");
}

static void expect_one_fault(struct config *config, const char *content, size_t length,
                             const char *fault)
{
    config_write_bytes(config, "plant.yaml", content, length);
    assert_int_equal(config_load(config), -EINVAL);
    assert_null(config->plant);
    if (config->faults.count != 1)
        config_print_faults(config);
    assert_int_equal(config->faults.count, 1);
    config_expect_fault(config, 0, fault);
}

static void test_what_is_no_yaml_is_a_fault_with_its_place(void **state)
{
    static const struct {
        const char *content, *fault;
    } cases[] = {
        {"gateway: g\nlinks: [\n  {name: a", "plant.yaml:4:1: no valid YAML while parsing"},
        {"gateway: g\n\tsite: s\n", "plant.yaml:2:1: no valid YAML"},
        {"gateway: g\nsite: s\xff\n", "plant.yaml:2:8: no valid YAML: invalid leading UTF-8"},
        {"gateway: g\nsite: \x01\n", "plant.yaml:2:7: no valid YAML: control characters"},
        {"gateway: \"a\\0b\"\n", "plant.yaml:1:10: a text with a zero byte stands here"},
        {"---\ngateway: g\n---\nsite: s\n", "plant.yaml:3:1: a second document"},
        {"gateway: !!str g\n", "plant.yaml:1:10: a YAML tag stands here"},
        {"gateway: g\nlinks: !x []\n", "plant.yaml:2:8: a YAML tag stands here"},
        {"gateway: g\n? [a]\n: b\n", "plant.yaml:2:3: a list, mapping or alias as a key"},
        {"gateway: g\nsite: *x\n", "plant.yaml:2:7: alias \"x\" has no complete anchor before"},
        {"gateway: g\nlinks: &a [*a]\n", "plant.yaml:2:12: alias \"a\" has no complete anchor"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_one_fault(*state, cases[i].content, strlen(cases[i].content), cases[i].fault);
}

static void test_hostile_files_are_bounded(void **state)
{
    static const char head[] = "gateway: g\nlinks: ";
    size_t most = 17 * 1024 * 1024;
    char *content = mem_alloc(most);

    memset(content, '[', most);
    memcpy(content, head, strlen(head));
    expect_one_fault(*state, content, 100000, "plant.yaml:2:39: this stands too deep");
    expect_one_fault(*state, content, most, "plant.yaml:0:0: is too large; expected at most 16MiB");
    memset(content, 'x', most);
    memcpy(content, head, strlen(head));
    expect_one_fault(*state, content, 8192, "plant.yaml:2:8: a text this long stands here");
    for (size_t i = strlen(head) + 2; i < most; i += 2)
        content[i] = ',';
    content[strlen(head)] = '[';
    expect_one_fault(*state, content, 16 * 1024 * 1024, "plant.yaml:2:8388607: the configuration");
    free(content);
}

static void test_aliases_of_aliases_do_not_grow(void **state)
{
    struct text yaml = {0};

    text_add(&yaml, "gateway: g\nlinks:\n- &a0 {}\n");
    for (int i = 0; i < 30; i++)
        text_addf(&yaml, "- &a%d [*a%d, *a%d, *a%d, *a%d]\n", i + 1, i, i, i, i);
    config_write_bytes(*state, "plant.yaml", yaml.data, yaml.length);
    text_free(&yaml);
    assert_int_equal(config_load(*state), -EINVAL);
    assert_int_equal(((struct config *)*state)->faults.count, 32);
}

static void test_files_that_cannot_be_read_are_faults_of_the_whole_file(void **state)
{
    struct config *config = *state;
    const struct plant *plant = NULL;

    remove(config_path(config, "plant.yaml"));
    assert_int_equal(config_load(config), -EINVAL);
    config_expect_fault(config, 0, "plant.yaml:0:0: can't be read: No such file or directory");
    fault_list_free(&config->faults);
    assert_int_equal(plant_load("/dev/null", &plant, &config->faults), -EINVAL);
    config_expect_fault(config, 0, "null:0:0: is no regular file");
    assert_null(plant);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tags_differ_in_every_member),
        cmocka_unit_test(test_details_differ_in_every_member),
        cmocka_unit_test(test_links_differ_in_settings_not_in_machines),
        cmocka_unit_test(test_machines_differ_in_link_tags_and_profile),
        cmocka_unit_test(test_uplinks_differ_in_every_member),
        cmocka_unit_test(test_same_file_read_twice_gives_equal_plants),
        cmocka_unit_test(test_plant_lives_until_the_last_of_many_threads_releases_it),
        cmocka_unit_test(test_what_is_no_yaml_is_a_fault_with_its_place),
        cmocka_unit_test(test_hostile_files_are_bounded),
        cmocka_unit_test(test_aliases_of_aliases_do_not_grow),
        cmocka_unit_test(test_files_that_cannot_be_read_are_faults_of_the_whole_file),
    };
    return cmocka_run_group_tests(tests, config_set_up, config_tear_down);
}
