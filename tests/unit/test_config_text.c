/* Links and machines of text: what is understood of them, and where their faults are told. */
#include <errno.h>

#include "config_fixture.h"

enum { MOST_FAULTS = 3 };

#define LINK(keys) "gateway: g\nlinks: [{name: l, driver: serial-text, device: /dev/x" keys "}]\n"
#define TEXT(keys) "text: {patterns: [{match: '(?<v>.+)'}]" keys "}"
#define TAGS "tags: [{name: v, at: 'text:v'}]"
/* Stands on line 3. */
#define MACHINE(keys) "machines: [{name: m, link: l, " keys "}]\n"

struct fault_case {
    const char *yaml;
    const char *faults[MOST_FAULTS];
};

static void expect_faults(struct config *config, const struct fault_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t expected = 0;
        while (expected < MOST_FAULTS && cases[i].faults[expected])
            expected++;
        assert_int_equal(config_load_text(config, cases[i].yaml), -EINVAL);
        if (config->faults.count != expected) {
            config_print_faults(config);
            fail_msg("%zu faults instead of %zu in:\n%s", config->faults.count, expected,
                     cases[i].yaml);
        }
        for (size_t k = 0; k < expected; k++)
            config_expect_fault(config, k, cases[i].faults[k]);
    }
}

#define EXPECT_FAULTS(config, cases) expect_faults(config, cases, sizeof cases / sizeof *cases)

static const struct plant *load(struct config *config, const char *yaml)
{
    config_write(config, "plant.yaml", yaml);
    config_expect_plant(config);
    return config->plant;
}

static void test_lines_end_as_the_link_says(void **state)
{
    struct config *config = *state;
    static const struct {
        const char *yaml, *end;
    } cases[] = {
        {LINK(""), NULL},          {LINK(", end: crlf"), "\r\n"},      {LINK(", end: cr"), "\r"},
        {LINK(", end: lf"), "\n"}, {LINK(", end: \"\\x03\""), "\x03"}, {LINK(", end: ';'"), ";"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *end = load(config, cases[i].yaml)->links[0].framing.end;
        if (cases[i].end)
            assert_string_equal(end, cases[i].end);
        else
            assert_null(end);
    }
    assert_int_equal(load(config, LINK(", length: 12"))->links[0].framing.length, 12);
    assert_int_equal(load(config, LINK(", idle: 50ms"))->links[0].framing.idle_ms, 50);
    assert_int_equal(load(config, LINK(", format: 7E1"))->links[0].data_bits, 7);
}

static void test_faults_of_links(void **state)
{
    static const struct fault_case cases[] = {
        {LINK(", end: \"\\n\", length: 3"), {"plant.yaml:2:67: length: stands beside end"}},
        {LINK(", end: '\\r\\n'"), {"plant.yaml:2:61: end: \"\\r\\n\" has a backslash"}},
        {LINK(", end: \"123456789\""), {"plant.yaml:2:61: end: \"123456789\" is too long"}},
        {LINK(", end: \"\\xff\""), {"plant.yaml:2:61: end: \"\xc3\xbf\" is not of ASCII's"}},
        {LINK(", idle: 1ms"), {"plant.yaml:2:62: idle: \"1ms\" is out of range"}},
        {LINK(", gap: 1"), {"plant.yaml:2:56: gap: does not go with serial-text"}},
        {"gateway: g\nlinks: [{name: l, driver: modbus-tcp, address: h, end: cr}]\n",
         {"plant.yaml:2:51: end: does not go with modbus-tcp"}},
        {"gateway: g\nlinks: [{name: l, driver: serial-text-tcp}]\n",
         {"plant.yaml:2:9: address: missing in a link; expected one with serial-text-tcp"}},
    };

    EXPECT_FAULTS(*state, cases);
}

static void test_a_machine_of_text(void **state)
{
    const struct plant *plant =
        load(*state,
             LINK("") MACHINE("text: {ask: \"W\\r\\n\", ack: \"\\x06\", checksum: xor8, event: w, "
                              "no_read: [ERR, ' Error '], patterns: [{match: 'a(?<a>.)'}, "
                              "{match: 'b(?<b>\\d+)', example: b12}]}, "
                              "tags: [{name: s, at: 'text:a', type: 'string:1'}, {name: w, at: "
                              "'text:b', scale: 0.1}, {name: n, at: 'text:b', type: u16}]"));
    const struct machine *machine = &plant->machines[0];
    const struct text_config *text = machine->text;

    assert_string_equal(text->ask, "W\r\n");
    assert_string_equal(text->ack, "\x06");
    assert_int_equal(text->checksum, CHECKSUM_XOR8);
    assert_int_equal(text->event, 1);
    assert_int_equal(text->no_read_count, 2);
    assert_string_equal(text->no_read[1], " Error ");
    assert_int_equal(text->pattern_count, 2);
    assert_null(text->patterns[0].example);
    assert_string_equal(text->patterns[1].example, "b12");
    assert_false(machine_speaks(machine));
    assert_int_equal(machine->tags[1].area, AREA_TEXT);
    assert_int_equal(machine->tags[1].type, TYPE_DECIMAL);
    assert_string_equal(machine->tags[1].detail->group, "b");
    assert_int_equal(machine->tags[2].type, TYPE_U16);
}

static void test_faults_of_patterns(void **state)
{
    static const struct fault_case cases[] = {
        {LINK("") MACHINE("text: {patterns: [{match: '(?<v'}]}, " TAGS),
         {"plant.yaml:3:57: match: syntax error in subpattern name (missing terminator?), behind "
          "\"(?<v\"; expected a regular"}},
        {LINK("") MACHINE("text: {patterns: [{match: '(?<v>\\d+)', example: 12a}]}, " TAGS),
         {"plant.yaml:3:79: example: \"12a\" is not what its pattern matches"}},
        {LINK("") MACHINE("text: {patterns: []}, " TAGS),
         {"plant.yaml:3:48: patterns: 0 of them; expected 1 to 32"}},
        {LINK("") MACHINE("text: {ask: W}, " TAGS),
         {"plant.yaml:3:37: patterns: missing in a machine's text"}},
        {LINK("") MACHINE(TEXT(", checksum: crc16") ", " TAGS),
         {"plant.yaml:3:81: checksum: \"crc16\" is unknown; expected xor8 or sum8"}},
        {LINK("") MACHINE(TEXT(", event: w") ", " TAGS),
         {"plant.yaml:3:78: event: \"w\" is no tag of the machine"}},
        {LINK("") MACHINE(TEXT(", ask: W, silent_after: 5s") ", " TAGS),
         {"plant.yaml:3:79: silent_after: does not go with ask"}},
    };

    EXPECT_FAULTS(*state, cases);
}

static void test_faults_of_tags(void **state)
{
    static const struct fault_case cases[] = {
        {LINK("") MACHINE(TEXT("") ", tags: [{name: v, at: 'holding:1'}]"),
         {"plant.yaml:3:93: at: \"holding:1\" is an address; expected text:GROUP with the name of "
          "a group, with serial-text"}},
        {LINK("") MACHINE(TEXT("") ", tags: [{name: v, at: 'text:w'}]"),
         {"plant.yaml:3:93: at: \"text:w\" is in no pattern; expected a named group of one, as "
          "(?<w>...)"}},
        {LINK("") MACHINE(TEXT("") ", tags: [{name: v, at: 'text:1w'}]"),
         {"plant.yaml:3:93: at: \"text:1w\" names no group"}},
        {LINK("") MACHINE(TEXT("") ", tags: [{name: v, at: 'text:v', type: f64}]"),
         {"plant.yaml:3:109: type: \"f64\" is no type of what stands in a line"}},
        {LINK("") MACHINE(TEXT("") ", tags: [{name: v, at: 'text:v', order: CDAB}]"),
         {"plant.yaml:3:110: order: \"CDAB\" orders the bytes of words; expected none for text"}},
        {"gateway: g\nlinks: [{name: l, driver: modbus-tcp, address: h}]\n" MACHINE(TAGS),
         {"plant.yaml:3:52: at: \"text:v\" stands in a line of text; expected an address such as "
          "holding:100, with modbus-tcp"}},
        {"gateway: g\nlinks: [{name: l, driver: modbus-tcp, address: h}]\n" MACHINE(
             "tags: [{name: v, at: 'coil:1'}, {name: w, at: 'input:1', type: decimal}]"),
         {"plant.yaml:3:94: type: \"decimal\" is of lines of text; expected a type such as u16"}},
    };

    EXPECT_FAULTS(*state, cases);
}

static void test_faults_of_machines(void **state)
{
    static const struct fault_case cases[] = {
        {LINK("") MACHINE(TAGS),
         {"plant.yaml:3:37: text: missing in a machine on serial-text; expected its patterns"}},
        {LINK("") MACHINE("unit: 3, " TEXT("") ", " TAGS),
         {"plant.yaml:3:37: unit: \"3\" says nothing to it; expected none on serial-text"}},
        {"gateway: g\nlinks: [{name: l, driver: modbus-tcp, address: h}]\n" MACHINE(
             TEXT("") ", tags: [{name: v, at: 'coil:1'}]"),
         {"plant.yaml:3:37: text: does not go with modbus-tcp"}},
        {LINK("") "machines:\n- {name: a, link: l, " TEXT(", ask: A") ", " TAGS "}\n"
                                                                      "- {name: b, link: l, " TEXT(
                                                                          "") ", " TAGS "}\n",
         {"plant.yaml:5:3: link: l has a on it already, and one of them is not asked"}},
    };

    EXPECT_FAULTS(*state, cases);
}

static void test_machines_that_are_asked_share_a_link(void **state)
{
    const struct plant *plant =
        load(*state, LINK("") "machines:\n- {name: a, link: l, " TEXT(
                         ", ask: A") ", " TAGS "}\n"
                                     "- {name: b, link: l, " TEXT(", ask: B") ", " TAGS "}\n");

    assert_int_equal(plant->links[0].machine_count, 2);
    assert_false(machine_equal(&plant->machines[0], &plant->machines[1]));
}

#define COUNTING                                                                \
    "tags: [{name: n, at: 'holding:1', counter: {counts: good, kind: reset}}, " \
    "{name: s, at: 'holding:2', type: 'string:8'}]"
#define TWO_LINKS                                                                            \
    "gateway: g\nlinks: [{name: l, driver: serial-text, device: /dev/x}, {name: k, driver: " \
    "modbus-tcp, address: h}]\n"
#define SCANNER(keys)                                                        \
    "- {name: b, link: l, text: {patterns: [{match: '(?<v>.+)'}]" keys "}, " \
    "tags: [{name: v, at: 'text:v', type: 'string:8'}]}\n"

static void test_reads_of_a_machine_say_the_job_of_another(void **state)
{
    static const struct fault_case cases[] = {
        {TWO_LINKS "machines:\n- {name: a, link: k, job: {from: c}, " COUNTING
                   "}\n" SCANNER(", event: v"),
         {"plant.yaml:4:34: from: \"c\" is no machine; expected the name of one under"}},
        {TWO_LINKS "machines:\n- {name: a, link: k, job: {from: b}, " COUNTING "}\n" SCANNER(""),
         {"plant.yaml:4:34: from: \"b\" says no job; expected a machine that speaks in lines"}},
        {TWO_LINKS "machines:\n- {name: a, link: k, job: {from: a}, " COUNTING "}\n",
         {"plant.yaml:4:34: from: \"a\" says no job"}},
        {TWO_LINKS "machines:\n- {name: a, link: k, job: {from: b, id: s}, " COUNTING
                   "}\n" SCANNER(", event: v"),
         {"plant.yaml:4:27: job: is said twice; expected id"}},
        {TWO_LINKS "machines:\n- {name: a, link: k, job: {format: [s]}, " COUNTING "}\n",
         {"plant.yaml:4:27: job: nothing says it; expected id"}},
    };
    const struct plant *plant =
        load(*state, TWO_LINKS "machines:\n- {name: a, link: k, job: {from: b}, " COUNTING
                               "}\n" SCANNER(", event: v"));

    assert_string_equal(plant->machines[0].job->from, "b");
    assert_int_equal(plant->machines[0].job->id, JOB_NO_TAG);
    EXPECT_FAULTS(*state, cases);
}

static void test_a_reload_sees_another_pattern(void **state)
{
    struct config *config = *state;
    static const char *const texts[] = {
        TEXT(""),
        TEXT(", ask: A"),
        TEXT(", ack: A"),
        TEXT(", no_read: [A]"),
        TEXT(", checksum: sum8"),
        TEXT(", event: v"),
        TEXT(", silent_after: 5s"),
        "text: {patterns: [{match: '(?<v>.*)'}]}",
    };
    char yaml[512];
    enum { COUNT = sizeof texts / sizeof *texts };
    const struct plant *plants[COUNT];

    for (size_t i = 0; i < COUNT; i++) {
        snprintf(yaml, sizeof yaml, LINK("") MACHINE("%s, " TAGS), texts[i]);
        plants[i] = plant_retain(load(config, yaml));
        for (size_t k = 0; k < i; k++)
            assert_false(machine_equal(&plants[i]->machines[0], &plants[k]->machines[0]));
        load(config, yaml);
        assert_true(machine_equal(&plants[i]->machines[0], &config->plant->machines[0]));
    }
    for (size_t i = 0; i < COUNT; i++)
        plant_release(plants[i]);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, config_set_up, config_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_lines_end_as_the_link_says),
        TEST(test_faults_of_links),
        TEST(test_a_machine_of_text),
        TEST(test_faults_of_patterns),
        TEST(test_faults_of_tags),
        TEST(test_faults_of_machines),
        TEST(test_machines_that_are_asked_share_a_link),
        TEST(test_reads_of_a_machine_say_the_job_of_another),
        TEST(test_a_reload_sees_another_pattern),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
