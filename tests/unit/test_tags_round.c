/* bindery tags: what is exported comes back the same, and what is wrong is told where it stands. */
#include <dirent.h>
#include <errno.h>

#include "config_fixture.h"
#include "tag_columns.h"
#include "tags.h"
#include "trial.h"

#define SOURCE "../../"

static void read_sheet(const struct text *csv, struct sheet *ret_sheet, struct sheet_faults *faults)
{
    const char *found = NULL;
    size_t length = 0;
    char *text = sheet_decode(csv->data, csv->length, NULL, &found, &length, faults);

    *ret_sheet = (struct sheet){0};
    if (text)
        sheet_parse(text, length, ret_sheet, faults);
}

static void make_profile(const struct text *csv, const struct register_notation *notation,
                         struct text *yaml, struct text *warnings, struct sheet_faults *faults)
{
    struct sheet sheet = {0};

    read_sheet(csv, &sheet, faults);
    const struct tags_source source = {&sheet, "back.csv", "back", *notation};
    if (faults->count == 0)
        tags_make_profile(&source, yaml, warnings, faults);
    sheet_free(&sheet);
}

/* Exports the machine, imports that, and has both the same tags; and the same sheet again. */
static void check_way(struct config *config, const struct machine *machine, const char *plc)
{
    const struct register_notation notation = {.plc = plc ? plc_find(plc) : NULL};
    struct text csv = {0}, again = {0}, yaml = {0}, warnings = {0}, trouble = {0}, plant = {0};
    struct sheet_faults faults = {0};

    assert_int_equal(tags_make_sheet(machine, &csv, &trouble), 0);
    make_profile(&csv, &notation, &yaml, &warnings, &faults);
    sheet_faults_print(&faults, "back.csv", &(struct sheet){0});
    assert_int_equal(faults.count, 0);
    assert_int_equal(warnings.length, 0);
    config_write(config, "profiles/back.yaml", yaml.data);
    text_addf(&plant,
              "gateway: g\nlinks: [{name: l, driver: modbus-tcp, address: localhost}]\n"
              "machines: [{name: m, link: l, profile: back, every: %lldms}]\n",
              (long long)machine->every_ms);
    config_write(config, "plant.yaml", plant.data);
    config_expect_plant(config);
    const struct machine *back = plant_machine(config->plant, "m");
    assert_int_equal(back->tag_count, machine->tag_count);
    for (size_t i = 0; i < machine->tag_count; i++) {
        if (!tag_equal(&back->tags[i], &machine->tags[i]))
            fail_msg("%s did not come back the same:\n%s", machine->tags[i].name, csv.data);
    }
    assert_int_equal(tags_make_sheet(back, &again, &trouble), 0);
    assert_string_equal(again.data, csv.data);
    sheet_faults_free(&faults);
    text_free(&csv);
    text_free(&again);
    text_free(&yaml);
    text_free(&warnings);
    text_free(&plant);
}

/* Also beside registers of a controller that has an order of its own. */
static void check_round(struct config *config, const struct machine *machine)
{
    check_way(config, machine, NULL);
    check_way(config, machine, "delta-dvp");
}

/* Whether it is of machines that speak in lines of text, which have no addresses. */
static bool is_of_text(const char *profile)
{
    char path[256], line[256];
    bool found = false;

    snprintf(path, sizeof path, SOURCE "config/profiles/%s.yaml", profile);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (!found && fgets(line, sizeof line, file))
        found = strncmp(line, "text:", 5) == 0;
    fclose(file);
    return found;
}

static void test_a_machine_of_text_has_no_sheet(void **state)
{
    static const struct text_config lines = {0};
    const struct machine machine = {.name = "m", .text = &lines};
    struct text csv = {0}, trouble = {0};

    (void)state;
    assert_int_equal(tags_make_sheet(&machine, &csv, &trouble), -EINVAL);
    assert_non_null(strstr(trouble.data, "lines of text"));
    text_free(&csv);
    text_free(&trouble);
}

static void test_every_profile_comes_back(void **state)
{
    struct config *config = *state;
    DIR *folder = opendir(SOURCE "config/profiles");
    size_t count = 0;

    assert_non_null(folder);
    setenv("BINDERY_PROFILES_DIR", SOURCE "config/profiles", 1);
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        char *dot = strstr(entry->d_name, ".yaml");
        struct trial trial;
        const struct plant *plant = NULL;
        struct fault_list faults = {0};
        if (!dot)
            continue;
        *dot = '\0';
        if (is_of_text(entry->d_name))
            continue;
        assert_int_equal(trial_open(&trial), 0);
        assert_int_equal(trial_load_profile(&trial, entry->d_name, NULL, &plant, &faults), 0);
        check_round(config, plant_machine(plant, TRIAL_MACHINE));
        plant_release(plant);
        fault_list_free(&faults);
        trial_close(&trial);
        count++;
    }
    closedir(folder);
    assert_true(count >= 17);
}

static void check_plant(struct config *config, const char *path)
{
    const struct plant *plant = NULL;
    struct fault_list faults = {0};

    assert_int_equal(plant_load(path, &plant, &faults), 0);
    for (size_t i = 0; i < plant->machine_count; i++)
        check_round(config, &plant->machines[i]);
    plant_release(plant);
    fault_list_free(&faults);
}

static void test_every_example_comes_back(void **state)
{
    check_plant(*state, SOURCE "config/examples/plant.yaml");
    check_plant(*state, SOURCE "config/examples/minimal.yaml");
}

static void test_what_hardly_anybody_writes_comes_back(void **state)
{
    struct config *config = *state;
    const struct plant *plant = NULL;
    struct fault_list faults = {0};

    config_write(
        config, "odd.yaml",
        "gateway: g\ntick: 1ms\n"
        "links: [{name: l, driver: modbus-tcp, address: localhost}]\n"
        "machines:\n"
        "  - name: m\n"
        "    link: l\n"
        "    every: 7s\n"
        "    tags:\n"
        "      - {name: a, at: 'holding:0', type: f64, order: HGFEDCBA, scale: -0.000001, offset:"
        " 123456789.125, unit: '=cmd|x', every: 90m, deadband: 0.1, heartbeat: 24h}\n"
        "      - {name: b, at: 'holding:9.15', title: {en: ' \"x\", y; ''z', zh: "
        "\"\\u3000。，\"}}\n"
        "      - {name: c, at: 'input:7', type: u16, counter: {counts: other, kind: rollover, "
        "modulus: 9, max_rate: 0.3/min, multiplier: 2, raw: true}}\n"
        "      - {name: d, at: 'holding:7', type: s16, states: {-1: {state: fault, reason: "
        "' a;b\\c: d '}, 5: production, 7: {state: idle, reason: '；＝'}}}\n"
        "      - {name: e, at: 'holding:8', type: f32, limits: {low: -0.1, high: 3.3, hysteresis: "
        "0.05}, range: [-1.5, 0]}\n"
        "      - {name: f, at: 'holding:20', type: 'string:250', order: BADC, title: {en: "
        "\"\\x85\\uFEFF\\u2028-\"}}\n"
        "      - {name: g, at: 'coil:65535', unit: \"'=1\"}\n"
        "      - {name: h, at: 'holding:300', type: u64, counter: {counts: gross, kind: free, "
        "max_rate: 0.000001/s}}\n"
        "      - {name: '1e5', at: 'discrete:5', title: {zh: '- x'}, unit: '+5'}\n"
        "      - {name: '-', at: 'holding:400', type: bool, unit: '~'}\n");
    int result = plant_load(config_path(config, "odd.yaml"), &plant, &faults);
    for (size_t i = 0; i < faults.count; i++)
        print_message("%d: %s\n", faults.items[i].line, faults.items[i].message);
    assert_int_equal(result, 0);
    check_round(config, &plant->machines[0]);
    plant_release(plant);
    fault_list_free(&faults);
}

/* Faults as "ROW COLUMN MESSAGE", of which all must be told, in order. */
static void expect_faults(const char *plc, const char *csv, const char *const *expected,
                          size_t count)
{
    const struct register_notation notation = {.plc = plc ? plc_find(plc) : NULL};
    struct text bytes = {0}, yaml = {0}, warnings = {0};
    struct sheet_faults faults = {0};

    text_add(&bytes, csv);
    make_profile(&bytes, &notation, &yaml, &warnings, &faults);
    sheet_faults_print(&faults, "back.csv", &(struct sheet){0});
    assert_int_equal(faults.count, count);
    for (size_t i = 0; i < count; i++) {
        struct text found = {0};
        text_addf(&found, "%zu %zd %s", faults.items[i].row, (ssize_t)faults.items[i].column,
                  faults.items[i].message);
        const char *message = strchr(strchr(expected[i], ' ') + 1, ' ') + 1;
        if (strncmp(found.data, expected[i], (size_t)(message - expected[i])) != 0 ||
            !strstr(found.data, message))
            fail_msg("expected %s\n   found %s", expected[i], found.data);
        text_free(&found);
    }
    sheet_faults_free(&faults);
    text_free(&bytes);
    text_free(&yaml);
    text_free(&warnings);
}

static void test_every_fault_of_a_list_is_told_at_its_cell(void **state)
{
    static const char *const expected[] = {
        "2 0 \"has space\" is no name",
        "3 1 is no address here",
        "3 5 \"0ms\" is out of range",
        "4 0 is taken already, at back.csv:3",
        "4 2 \"FLOT\" is no type",
        "5 3 \"ABDC\" is no order",
        "6 4 \"x\" is no decimal number",
        "7 2 does not fit in a bit",
        "8 6 nothing stands here; expected both ends",
        "9 6 the first number is not the lower one",
        "10 8 \"goods\" is unknown",
        "10 9 \"sets\" is unknown",
        "11 10 are no states",
        "12 1 leaves too little room",
    };
    (void)state;

    expect_faults(NULL,
                  "name,address,type,order,scale,every,low,high,counts,kind,states\n"
                  "has space,holding:1,,,,,,,,,\n"
                  "a,holding:70000,,,,0ms,,,,,\n"
                  "a,holding:2,FLOT,,,,,,,,\n"
                  "b,holding:3,,ABDC,,,,,,,\n"
                  "c,holding:4,,,x,,,,,,\n"
                  "d,coil:4,INT,,,,,,,,\n"
                  "e,holding:5,,,,,,7,,,\n"
                  "f,holding:6,,,,,7,5,,,\n"
                  "g,holding:7,,,,,,,goods,sets,\n"
                  "h,holding:8,,,,,,,,,nonsense\n"
                  "i,holding:65535,UDINT,,,,,,,,\n",
                  expected, sizeof expected / sizeof *expected);
}

static void test_every_fault_of_a_controllers_registers_is_told(void **state)
{
    static const char *const expected[] = {
        "2 1 \"D4095\" does not go with the type; expected one with 2 words",
        "3 1 \"C200\" does not go with the type; expected a type of 32 bits",
        "4 1 \"T5\" is no address here; expected a type beside it",
        "5 2 \"FLOT\" is no type",
        "6 2 \"FLOT\" is no type",
        "7 1 \"40001\" is a whole word",
        "8 1 \"40001.1\" is no address here; expected which bit",
        "9 3 \"tables\" is no table",
    };
    (void)state;

    expect_faults("delta-dvp",
                  "name,address,type,table\n"
                  "a,D4095,UDINT,\n"
                  "b,C200,INT,\n"
                  "c,T5,,\n"
                  "d,T6,FLOT,\n"
                  "e,C201,FLOT,\n"
                  "f,40001,BOOL,\n"
                  "g,40001.1,BOOL,\n"
                  "h,D5,INT,tables\n"
                  "i,C202,DINT,\n"
                  "j,T7,BOOL,\n",
                  expected, sizeof expected / sizeof *expected);
}

static void test_every_number_that_may_count_from_elsewhere_is_told(void **state)
{
    static const char *const expected[] = {
        "2 1 \"100\" is no address here; expected from where it counts",
        "3 1 \"0x64\" is no address here; expected from where it counts",
        "4 3 \"3\" is no table; expected the function",
        "5 1 \"40001.0\" is bit 0",
    };
    (void)state;

    expect_faults(NULL,
                  "name,address,type,area\n"
                  "a,100,INT,4x\n"
                  "b,0x64,INT,3x\n"
                  "c,100,INT,3\n"
                  "d,40001.0,,\n"
                  "e,4x0001,INT,4x\n"
                  "f,40001.0,BOOL,\n",
                  expected, sizeof expected / sizeof *expected);
}

static void expect_yaml(const char *plc, const char *csv, const char *part)
{
    const struct register_notation notation = {.plc = plc ? plc_find(plc) : NULL};
    struct text bytes = {0}, yaml = {0}, warnings = {0};
    struct sheet_faults faults = {0};

    text_add(&bytes, csv);
    make_profile(&bytes, &notation, &yaml, &warnings, &faults);
    assert_int_equal(faults.count, 0);
    if (!strstr(yaml.data, part))
        fail_msg("expected %s in\n%s", part, yaml.data);
    text_free(&bytes);
    text_free(&yaml);
    text_free(&warnings);
}

/* Without it the value of each counter would be another one. */
static void test_several_words_have_the_controllers_order(void **state)
{
    (void)state;
    expect_yaml("inovance-h5u", "name,address,type\na,D100,DINT\n",
                "at: holding:100\n    type: s32\n    order: CDAB\n");
    expect_yaml("inovance-h5u", "name,address,type\na,40101,REAL\n",
                "at: holding:100\n    type: f32\n    order: CDAB\n");
    expect_yaml("inovance-h5u", "name,address,type,order\na,D100,DINT,ABCD\n",
                "type: s32\n    order: ABCD\n");
    expect_yaml("inovance-h5u", "name,address,type\na,D100,INT\nb,D9,INT\n",
                "type: s16\n  - name: b\n");
    expect_yaml("siemens-s7-200-smart", "name,address,type\na,VD100,REAL\n",
                "at: holding:50\n    type: f32\n    order: ABCD\n");
    expect_yaml("xinje-xd", "name,address,type\na,X17,BOOL\n",
                "# not confirmed: where X stands on xinje-xd;");
}

static void test_headers_that_say_how_addresses_count_are_heeded(void **state)
{
    static const char *const other[] = {"1 1 \"(from1)\" may say how the addresses count"};
    static const char *const doubtful[] = {
        "2 1 \"40001\" is no address here",
        "3 1 \"100.3\" is no address here; expected 0x before it",
        "4 1 \"D100\" is no address here",
    };
    (void)state;

    expect_yaml(NULL, "name,地址（十六进制）,table\na,1000,holding\n", "at: holding:4096\n");
    expect_yaml(NULL, "name,Address (HEX),table\na,0x10.3,holding\n", "at: holding:16.3\n");
    expect_yaml(NULL, "name,Address (Dec),table\na,1000,holding\n", "at: holding:1000\n");
    expect_faults(NULL, "name,address (from 1),table\na,1000,holding\n", other, 1);
    expect_faults("delta-dvp", "name,address(hex),table\na,40001,\nb,100.3,holding\nc,D100,\n",
                  doubtful, 3);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_every_profile_comes_back, config_set_up, config_tear_down),
    cmocka_unit_test_setup_teardown(test_every_example_comes_back, config_set_up, config_tear_down),
    cmocka_unit_test_setup_teardown(test_what_hardly_anybody_writes_comes_back, config_set_up,
                                    config_tear_down),
    cmocka_unit_test(test_every_fault_of_a_list_is_told_at_its_cell),
    cmocka_unit_test(test_headers_that_say_how_addresses_count_are_heeded),
    cmocka_unit_test(test_a_machine_of_text_has_no_sheet),
    cmocka_unit_test(test_every_fault_of_a_controllers_registers_is_told),
    cmocka_unit_test(test_every_number_that_may_count_from_elsewhere_is_told),
    cmocka_unit_test(test_several_words_have_the_controllers_order),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
