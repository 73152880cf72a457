/* Profiles: what becomes of them in a machine, and how their faults are told. */
#include <dirent.h>
#include <errno.h>
#include <time.h>

#include "config_fixture.h"

#define TOP "gateway: g\nlinks: [{name: l, driver: modbus-tcp, address: h}]\n"
#define TEXT_TOP "gateway: g\nlinks: [{name: l, driver: serial-text-tcp, address: 'h:1'}]\n"
/* Ends on line 3. */
#define MACHINE(keys) TOP "machines: [{name: m, link: l, " keys "}]\n"

enum { MOST_FAULTS = 4 };

static const struct tag *tag_of(const struct config *config, const char *machine, const char *name)
{
    const struct machine *found = plant_machine(config->plant, machine);

    assert_non_null(found);
    for (size_t i = 0; i < found->tag_count; i++)
        if (strcmp(found->tags[i].name, name) == 0)
            return &found->tags[i];
    fail_msg("%s has no tag %s", machine, name);
    return NULL;
}

static void expect_faults(struct config *config, const char *yaml,
                          const char *const faults[MOST_FAULTS])
{
    size_t expected = 0;

    while (expected < MOST_FAULTS && faults[expected])
        expected++;
    assert_int_equal(config_load_text(config, yaml), -EINVAL);
    if (config->faults.count != expected) {
        config_print_faults(config);
        fail_msg("%zu faults instead of %zu in:\n%s", config->faults.count, expected, yaml);
    }
    for (size_t i = 0; i < expected; i++)
        config_expect_fault(config, i, faults[i]);
}

/* Faults of a profile p, for a machine that names it. */
struct profile_case {
    const char *profile;
    const char *faults[MOST_FAULTS];
};

static void expect_faults_of_profile(struct config *config, const struct profile_case *cases,
                                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        config_write(config, "profiles/p.yaml", cases[i].profile);
        expect_faults(config, MACHINE("profile: p"), cases[i].faults);
    }
}

static void test_tags_of_the_profile_become_the_machines(void **state)
{
    struct config *config = *state;

    config_write(config, "profiles/binder.yaml",
                 "profile: binder\ntitle: {en: Binder, zh: 胶订机}\ntags:\n"
                 "  - {name: count, at: holding:100, type: u32}\n"
                 "  - {name: speed, at: holding:104, every: 5s}\n");
    config_write(config, "plant.yaml",
                 TOP "machines:\n  - {name: a, link: l, profile: binder, every: 2s}\n"
                     "  - {name: b, link: l, tags: [{name: t, at: 'coil:1'}]}\n");
    config_expect_plant(config);
    const struct machine *machine = plant_machine(config->plant, "a");
    assert_string_equal(machine->profile, "binder");
    assert_false(machine->synthetic);
    assert_int_equal(machine->tag_count, 2);
    assert_true(tag_of(config, "a", "count")->type == TYPE_U32);
    assert_int_equal(tag_of(config, "a", "count")->every_ms, 2000);
    assert_int_equal(tag_of(config, "a", "speed")->every_ms, 5000);
    assert_null(plant_machine(config->plant, "b")->profile);
}

static void test_own_tags_are_added_or_take_the_place_of_the_profiles(void **state)
{
    struct config *config = *state;

    config_write(config, "profiles/p.yaml",
                 "profile: p\ntags:\n  - {name: a, at: 'holding:1', scale: 0.1}\n"
                 "  - {name: b, at: 'holding:2'}\n");
    config_write(config, "plant.yaml",
                 MACHINE("profile: p, tags: [{name: c, at: 'input:3'},"
                         " {name: a, at: 'input:7', type: u32}]"));
    config_expect_plant(config);
    const struct machine *machine = plant_machine(config->plant, "m");
    assert_int_equal(machine->tag_count, 3);
    assert_string_equal(machine->tags[0].name, "a");
    assert_true(machine->tags[0].area == AREA_INPUT && machine->tags[0].address == 7);
    assert_int_equal(machine->tags[0].scale.decimals, 0);
    assert_string_equal(machine->tags[1].name, "b");
    assert_string_equal(machine->tags[2].name, "c");
}

static void test_profile_extends_another(void **state)
{
    struct config *config = *state;

    config_write(config, "profiles/base.yaml",
                 "profile: base\nsynthetic: true\nparameters: {base: 100, order: ABCD}\ntags:\n"
                 "  - {name: count, at: 'holding:${base}', type: u32, order: '${order}'}\n"
                 "  - {name: speed, at: 'holding:${base}+4'}\n");
    config_write(config, "profiles/special.yaml",
                 "profile: special\nextends: base\nparameters: {base: 200, extra: 9}\ntags:\n"
                 "  - {name: speed, at: 'input:${base}+${extra}'}\n  - {name: x, at: 'coil:1'}\n");
    config_write(config, "plant.yaml",
                 TOP "machines:\n  - {name: a, link: l, profile: base}\n"
                     "  - {name: b, link: l, profile: special}\n"
                     "  - {name: c, link: l, profile: special, parameters: {order: CDAB}}\n");
    config_expect_plant(config);
    assert_int_equal(tag_of(config, "a", "count")->address, 100);
    assert_int_equal(tag_of(config, "a", "speed")->address, 104);
    assert_int_equal(plant_machine(config->plant, "b")->tag_count, 3);
    assert_string_equal(plant_machine(config->plant, "b")->profile, "special");
    assert_true(plant_machine(config->plant, "b")->synthetic);
    assert_int_equal(tag_of(config, "b", "count")->address, 200);
    assert_int_equal(tag_of(config, "b", "speed")->address, 209);
    assert_true(tag_of(config, "b", "speed")->area == AREA_INPUT);
    assert_int_equal(tag_of(config, "b", "count")->order, 0);
    assert_int_equal(tag_of(config, "c", "count")->order, ORDER_SWAP_WORDS);
}

static void test_parameters_are_filled_in_and_sums_added_up(void **state)
{
    static const struct {
        const char *at;
        uint16_t address;
        int8_t bit;
    } cases[] = {
        {"holding:${base}", 100, -1},        {"holding:${base}+12", 112, -1},
        {"holding:1+2+${base}", 103, -1},    {"holding:${base}+${base}", 200, -1},
        {"holding:${base}+1.7", 101, 7},     {"holding:${base}.7", 100, 7},
        {"holding:${base}5", 1005, -1},      {"${table}:${base}+1", 101, -1},
        {"holding:0${base}+00001", 101, -1}, {"holding:65435+${base}", 65535, -1},
    };
    struct config *config = *state;
    char yaml[256];

    config_write(config, "plant.yaml",
                 MACHINE("profile: p, parameters: {base: 100, unit: 'µ ${base}'}"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(yaml, sizeof yaml,
                 "profile: p\nparameters: {base: 7, unit: V, table: input}\n"
                 "tags: [{name: t, at: '%s', unit: 'x${unit}y$'}]\n",
                 cases[i].at);
        config_write(config, "profiles/p.yaml", yaml);
        config_expect_plant(config);
        const struct tag *tag = tag_of(config, "m", "t");
        assert_int_equal(tag->address, cases[i].address);
        assert_int_equal(tag->bit, cases[i].bit);
        assert_string_equal(tag->unit, "xµ ${base}y$");
    }
}

static void test_every_value_of_a_tag_may_have_parameters(void **state)
{
    struct config *config = *state;

    config_write(config, "profiles/p.yaml",
                 "profile: p\nparameters: {n: t, type: f32, order: BADC, scale: 0.5, every: 3s}\n"
                 "tags:\n  - name: ${n}_1\n    at: &at holding:0\n    type: ${type}\n"
                 "    order: ${order}\n    scale: ${scale}\n    every: ${every}\n"
                 "  - &tag {name: x, at: *at}\n");
    config_write(config, "plant.yaml", MACHINE("profile: p"));
    config_expect_plant(config);
    const struct tag *tag = tag_of(config, "m", "t_1");
    assert_true(tag->type == TYPE_F32 && tag->order == ORDER_SWAP_BYTES && tag->every_ms == 3000);
    assert_true(tag->scale.mantissa == 5 && tag->scale.decimals == 1);
    assert_int_equal(tag_of(config, "m", "x")->address, 0);
}

static void test_profiles_beside_the_plant_come_before_installed_ones(void **state)
{
    struct config *config = *state;

    setenv("BINDERY_PROFILES_DIR", config_path(config, "installed"), 1);
    config_write(config, "installed/p.yaml", "profile: p\ntags: [{name: t, at: 'holding:1'}]\n");
    config_write(config, "plant.yaml", MACHINE("profile: p"));
    config_expect_plant(config);
    assert_int_equal(tag_of(config, "m", "t")->address, 1);
    config_write(config, "profiles/p.yaml", "profile: p\ntags: [{name: t, at: 'holding:2'}]\n");
    config_expect_plant(config);
    assert_int_equal(tag_of(config, "m", "t")->address, 2);
    unsetenv("BINDERY_PROFILES_DIR");
}

static void test_machines_that_come_to_the_same_share_one_list(void **state)
{
    struct config *config = *state;

    config_write(config, "profiles/p.yaml",
                 "profile: p\nparameters: {base: 1}\ntags: [{name: t, at: 'holding:${base}'}]\n");
    config_write(config, "plant.yaml",
                 TOP "machines:\n  - {name: a, link: l, profile: p}\n"
                     "  - {name: b, link: l, profile: p, tags: []}\n"
                     "  - {name: c, link: l, profile: p, parameters: {base: 1}}\n"
                     "  - {name: d, link: l, profile: p, parameters: {base: 2}}\n"
                     "  - {name: e, link: l, profile: p, every: 2s}\n");
    config_expect_plant(config);
    const struct tag *tags = plant_machine(config->plant, "a")->tags;
    assert_ptr_equal(plant_machine(config->plant, "b")->tags, tags);
    assert_ptr_equal(plant_machine(config->plant, "c")->tags, tags);
    assert_int_equal(plant_machine(config->plant, "d")->tags[0].address, 2);
    assert_int_equal(plant_machine(config->plant, "e")->tags[0].every_ms, 2000);
}

static void test_reload_sees_another_profile(void **state)
{
    struct config *config = *state;
    struct fault_list faults = {0};
    const struct plant *again = NULL;

    config_write(config, "profiles/p.yaml", "profile: p\ntags: [{name: t, at: 'holding:1'}]\n");
    config_write(config, "plant.yaml", MACHINE("profile: p"));
    config_expect_plant(config);
    assert_int_equal(plant_load(config_path(config, "plant.yaml"), &again, &faults), 0);
    assert_true(machine_equal(&config->plant->machines[0], &again->machines[0]));
    plant_release(again);
    config_write(config, "profiles/p.yaml",
                 "profile: p\nsynthetic: true\ntags: [{name: t, at: 'holding:1'}]\n");
    assert_int_equal(plant_load(config_path(config, "plant.yaml"), &again, &faults), 0);
    assert_false(machine_equal(&config->plant->machines[0], &again->machines[0]));
    plant_release(again);
    fault_list_free(&faults);
}

static void test_faults_of_a_profiles_keys(void **state)
{
    static const struct profile_case cases[] = {
        {"",
         {"p.yaml:1:1: the profile is empty or no mapping; expected at least \"profile: p\" ("}},
        {"- a\n", {"p.yaml:1:1: the profile is empty or no mapping"}},
        {"profile: p\ntags: [\n", {"p.yaml:3:1: no valid YAML"}},
        {"profile: q\ntags: [{name: t, at: 'coil:1'}]\n",
         {"p.yaml:1:10: profile: \"q\" is not what its file is called; expected \"p\""}},
        {"tags: [{name: t, at: 'coil:1'}]\n",
         {"p.yaml:1:1: profile: missing in a profile; expected the profile's name"}},
        {"profile: p\ntag: []\ntags: [{name: t, at: 'coil:1'}]\n",
         {"p.yaml:2:1: \"tag\" is no key of a profile; did you mean \"tags\"?"}},
        {"profile: p\nprofile: p\ntags: [{name: t, at: 'coil:1'}]\n",
         {"p.yaml:2:1: \"profile\" stands twice, first on line 1; expected it once"}},
        {"profile: p\nsynthetic: maybe\ntags: [{name: t, at: 'coil:1'}]\n",
         {"p.yaml:2:12: synthetic: \"maybe\" is unknown; expected true or false"}},
        {"profile: p\ntitle: {de: x}\ntags: [{name: t, at: 'coil:1'}]\n",
         {"p.yaml:2:9: \"de\" is no key of a title; expected one of: en zh"}},
        {"profile: p\ntitle: x\ntags: [{name: t, at: 'coil:1'}]\n",
         {"p.yaml:2:8: a title: \"x\" stands here; expected \"key: value\" pairs"}},
        {"profile: p\ntags: x\n",
         {"plant.yaml:3:40: tags: nothing stands here", "p.yaml:2:7: tags: \"x\" is no list"}},
        {"profile: p\n", {"plant.yaml:3:40: tags: nothing stands here; expected a list of at"}},
        {"profile: p\ntags: [x]\n", {"p.yaml:2:8: a tag: \"x\" stands here"}},
        {"profile: p\ntags: [{name: t}]\n", {"p.yaml:2:8: at: missing in a tag"}},
        {"profile: p\ntags: [{name: t, at: 'coil:1', counter: {kind: free, counts: good}}]\n",
         {"p.yaml:2:41: counter: does not go with bool"}},
        {"profile: p\ntags: [{name: t, at: 'coil:1'},\n{name: t, at: 'coil:2'}]\n",
         {"p.yaml:3:8: name: \"t\" is taken already, at "}},
        {"profile: p\nextends: q\ntags: [{name: t, at: 'coil:1'}]\n",
         {"p.yaml:2:10: extends: \"q\" is no profile; expected a file of that name and .yaml in "}},
    };

    expect_faults_of_profile(*state, cases, sizeof cases / sizeof *cases);
}

static void test_faults_of_a_profiles_parameters(void **state)
{
#define PARAMETERS(text) "profile: p\nparameters: " text "\ntags: [{name: t, at: 'coil:1'}]\n"
#define AT(text) "profile: p\nparameters: {a: 1, b: x}\ntags: [{name: t, at: '" text "'}]\n"
    static const struct profile_case cases[] = {
        {PARAMETERS("x"), {"p.yaml:2:13: parameters: \"x\" stands here; expected \"name: value\""}},
        {PARAMETERS("{a: 1, a: 2}"), {"p.yaml:2:20: \"a\" stands twice, first on line 2"}},
        {PARAMETERS("{a b: 1}"), {"p.yaml:2:14: \"a b\" is no name of a parameter; expected 1 to"}},
        {PARAMETERS("{a: }"), {"p.yaml:2:17: a: nothing stands here; expected 1 to 64 bytes"}},
        {PARAMETERS("{a: [1]}"), {"p.yaml:2:17: a: a list stands here; expected 1 to 64 bytes"}},
        {PARAMETERS("{a: \"x\\ty\"}"), {"p.yaml:2:17: a: \"x?y\" does not fit; expected 1 to"}},
        {AT("holding:${c}"),
         {"p.yaml:3:22: at: \"holding:${c}\" names no parameter of the profile; expected ${NAME} "
          "with one of: a b"}},
        {AT("holding:${a"), {"p.yaml:3:22: at: \"holding:${a\" names no parameter"}},
        {AT("holding:${}"), {"p.yaml:3:22: at: \"holding:${}\" names no parameter"}},
        {AT("holding:${b}"), {"p.yaml:3:22: at: \"holding:x\" is no address; expected a zero-"}},
        {AT("holding:${b}+1"), {"p.yaml:3:22: at: \"holding:x+1\" is no address"}},
        {AT("holding:${a}-1"), {"p.yaml:3:22: at: \"holding:1-1\" is no address"}},
        {AT("holding:${a}+0x1"), {"p.yaml:3:22: at: \"holding:1x1\" is no address"}},
        {AT("holding:${a}+"), {"p.yaml:3:22: at: \"holding:1+\" is no address"}},
        {AT("holding:${a} + 1"), {"p.yaml:3:22: at: \"holding:1 + 1\" is no address"}},
        {AT("holding:${a}+65535"), {"p.yaml:3:22: at: \"holding:65536\" is no address"}},
        {AT("holding:${a}+9999999999"), {"p.yaml:3:22: at: \"holding:1+9999999999\" is no addr"}},
        /* A default that is refused is told once, not again where it is used. */
        {"profile: p\nparameters: {a: }\ntags: [{name: t, at: 'coil:${a}'}]\n",
         {"p.yaml:2:17: a: nothing stands here"}},
        {"profile: p\ntags: [{name: t, at: 'coil:1', '${a}': 1}]\n",
         {"p.yaml:2:32: \"${a}\" is no key of a tag"}},
    };

    expect_faults_of_profile(*state, cases, sizeof cases / sizeof *cases);
}

static void test_faults_of_machines_with_profiles(void **state)
{
    static const struct {
        const char *yaml, *faults[MOST_FAULTS];
    } cases[] = {
        {MACHINE("profile: q"),
         {"plant.yaml:3:40: profile: \"q\" is no profile; expected a file of that name and .yaml"}},
        {MACHINE("profile: a/b"), {"plant.yaml:3:40: profile: \"a/b\" is no name; expected 1 to"}},
        {MACHINE("profile: "), {"plant.yaml:3:40: profile: nothing stands here"}},
        {MACHINE("profile: [p]"), {"plant.yaml:3:40: profile: a list stands here"}},
        {MACHINE("profile: p, parameters: {basis: 1}"),
         {"plant.yaml:3:56: \"basis\" is no parameter of the profile; expected one of: base"}},
        {MACHINE("profile: p, parameters: {base: 1, base: 1}"),
         {"plant.yaml:3:65: \"base\" stands twice, first on line 3"}},
        {MACHINE("profile: p, parameters: {base: {}}"),
         {"plant.yaml:3:62: base: a mapping stands here; expected 1 to 64 bytes without"}},
        {MACHINE("profile: p, parameters: []"),
         {"plant.yaml:3:55: parameters: a list stands here; expected \"name: value\" pairs"}},
        {MACHINE("profile: p, tags: x"), {"plant.yaml:3:49: tags: \"x\" is no list"}},
        {MACHINE("profile: p, tags: [{name: t}]"), {"plant.yaml:3:50: at: missing in a tag"}},
        {MACHINE("profile: p, tags: [{name: x, at: 'coil:${base}'}]"),
         {"plant.yaml:3:64: at: \"coil:${base}\" is no address"}},
        {MACHINE("profile: p, tags: [{name: x, at: 'coil:1+1'}]"),
         {"plant.yaml:3:64: at: \"coil:1+1\" is no address"}},
        {MACHINE("profile: q, tags: [{name: t}]"),
         {"plant.yaml:3:40: profile: \"q\" is no profile", "plant.yaml:3:50: at: missing in a"}},
    };

    config_write(*state, "profiles/p.yaml",
                 "profile: p\nparameters: {base: 1}\ntags: [{name: t, at: 'holding:${base}'}]\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_faults(*state, cases[i].yaml, cases[i].faults);
}

static void test_faults_say_for_which_machine(void **state)
{
    struct config *config = *state;
    char expected[512];

    config_write(config, "profiles/p.yaml",
                 "profile: p\nparameters: {base: 1}\ntags: [{name: t, at: 'holding:${base}'}]\n");
    assert_int_equal(config_load_text(config, TOP "machines:\n  - name: binder-1\n    link: l\n"
                                                  "    profile: p\n    parameters: {base: x}\n"),
                     -EINVAL);
    assert_int_equal(config->faults.count, 1);
    snprintf(
        expected, sizeof expected,
        "at: \"holding:x\" is no address; expected a zero-based address from 0 to 65535 behind "
        "the colon, as in holding:100 (for machine \"binder-1\", %s:4:5)",
        config_path(config, "plant.yaml"));
    assert_string_equal(config->faults.items[0].message, expected);
    snprintf(expected, sizeof expected, "%s", config_path(config, "profiles/p.yaml"));
    assert_string_equal(config->faults.items[0].file, expected);
    assert_int_equal(config_load_text(config, TOP "machines:\n  - {link: l, profile: p, "
                                                  "parameters: {base: x}}\n"),
                     -EINVAL);
    config_expect_fault(config, 0, "plant.yaml:4:5: name: missing in a machine");
    config_expect_fault(config, 1, "p.yaml:3:22: at: \"holding:x\" is no address");
    assert_non_null(strstr(config->faults.items[1].message, "(for the machine at /"));
}

static void test_profiles_that_extend_each_other_are_faults(void **state)
{
    struct config *config = *state;

    config_write(config, "profiles/a.yaml", "profile: a\nextends: b\n");
    config_write(config, "profiles/b.yaml", "profile: b\nextends: c\n");
    config_write(config, "profiles/c.yaml", "profile: c\nextends: b\n");
    config_write(config, "profiles/d.yaml", "profile: d\nextends: d\n");
    expect_faults(config,
                  TOP "machines: [{name: m, link: l, profile: a}, {name: n, link: l, profile: b},\n"
                      "{name: o, link: l, profile: d}]\n",
                  (const char *const[MOST_FAULTS]){
                      "c.yaml:2:10: extends: \"b\" is extended by itself in the end; expected a",
                      "d.yaml:2:10: extends: \"d\" is extended by itself in the end"});
}

static void test_chains_of_profiles_are_bounded(void **state)
{
    struct config *config = *state;
    char name[32];
    char yaml[128];

    config_write(config, "profiles/p0.yaml", "profile: p0\ntags: [{name: t, at: 'coil:1'}]\n");
    for (int i = 1; i <= 8; i++) {
        snprintf(name, sizeof name, "profiles/p%d.yaml", i);
        snprintf(yaml, sizeof yaml, "profile: p%d\nextends: p%d\n", i, i - 1);
        config_write(config, name, yaml);
    }
    config_write(config, "plant.yaml", MACHINE("profile: p7"));
    config_expect_plant(config);
    expect_faults(config, MACHINE("profile: p8"),
                  (const char *const[MOST_FAULTS]){
                      "p1.yaml:2:10: extends: \"p0\" is one too many; expected at most 8"});
    expect_faults(config,
                  TOP "machines: [{name: m, link: l, profile: p7}, {name: n, link: l, profile: "
                      "p8}]\n",
                  (const char *const[MOST_FAULTS]){
                      "p8.yaml:2:10: extends: \"p7\" is made of too many; expected at most 8"});
}

/* Deep, wide, and both: a list of lists that stands in for far more. */
static void test_hostile_profiles_are_bounded(void **state)
{
    struct config *config = *state;
    struct text yaml = {0};

    text_add(&yaml, "profile: p\nparameters: {");
    for (int i = 0; i < 65; i++)
        text_addf(&yaml, "p%d: 1, ", i);
    text_add(&yaml, "}\ntags: [{name: t, at: 'coil:1'}]\n");
    config_write_bytes(config, "profiles/p.yaml", yaml.data, yaml.length);
    expect_faults(config, MACHINE("profile: p"),
                  (const char *const[MOST_FAULTS]){
                      "p.yaml:2:516: \"p64\" is one parameter too many; expected at most 64"});

    text_clear(&yaml);
    text_add(&yaml, "profile: p\nparameters: {a: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}\n"
                    "tags: [{name: t, at: 'coil:1', unit: '");
    for (int i = 0; i < 200; i++)
        text_add(&yaml, "${a}");
    text_add(&yaml, "'}]\n");
    config_write_bytes(config, "profiles/p.yaml", yaml.data, yaml.length);
    expect_faults(config, MACHINE("profile: p"),
                  (const char *const[MOST_FAULTS]){"p.yaml:3:38: unit: \"${a}${a}${a}${a}"});

    text_clear(&yaml);
    text_add(&yaml, "profile: p\ntitle: {en: x}\ntags:\n- &a {name: t, at: 'coil:1', x: [");
    for (int i = 0; i < 1000; i++)
        text_add(&yaml, "1,");
    text_add(&yaml, "]}\n");
    for (int i = 0; i < 1000; i++)
        text_add(&yaml, "- *a\n");
    config_write_bytes(config, "profiles/p.yaml", yaml.data, yaml.length);
    assert_int_equal(config_load_text(config, MACHINE("profile: p")), -EINVAL);
    assert_int_equal(config->faults.count, 3);
    config_expect_fault(config, 2,
                        "p.yaml:4:2014: the profile becomes too large here; expected at");
    text_free(&yaml);
}

/* Those of machines that speak in lines; test_text_profiles.c has their lines. */
static bool is_of_text(const char *profile, size_t length)
{
    static const char *const names[] = {"scale",           "scale-asked", "mitutoyo-gauge",
                                        "barcode-scanner", "counter-box", "magnescale-gauge"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == length && memcmp(names[i], profile, length) == 0)
            return true;
    return false;
}

/* Those whose register maps are made up. */
static const char *const machine_kinds[] = {"perfect-binder",  "folder",
                                            "saddle-stitcher", "three-knife-trimmer",
                                            "case-maker",      "gathering-machine"};

enum { MACHINE_KINDS = sizeof machine_kinds / sizeof *machine_kinds };

static const char *use_shipped_profiles(void)
{
    static char folder[512];
    const char *slash = strrchr(__FILE__, '/');

    snprintf(folder, sizeof folder, "%.*s../../config/profiles",
             (int)(slash ? slash - __FILE__ + 1 : 0), __FILE__);
    setenv("BINDERY_PROFILES_DIR", folder, 1);
    return folder;
}

static void test_shipped_profiles_load_with_their_defaults(void **state)
{
    struct config *config = *state;
    size_t count = 0, synthetic = 0, of_text = 0;
    DIR *files = opendir(use_shipped_profiles());

    assert_non_null(files);
    for (const struct dirent *file; (file = readdir(files)) != NULL;) {
        struct text yaml = {0};
        char *end = strstr(file->d_name, ".yaml");
        if (!end)
            continue;
        bool text = is_of_text(file->d_name, (size_t)(end - file->d_name));
        text_addf(&yaml, "%smachines: [{name: m, link: l, profile: %.*s}]\n", text ? TEXT_TOP : TOP,
                  (int)(end - file->d_name), file->d_name);
        config_write_bytes(config, "plant.yaml", yaml.data, yaml.length);
        text_free(&yaml);
        config_expect_plant(config);
        assert_true(config->plant->machines[0].tag_count >= (text ? 1 : 2));
        synthetic += !text && config->plant->machines[0].synthetic;
        of_text += text;
        count++;
    }
    closedir(files);
    unsetenv("BINDERY_PROFILES_DIR");
    assert_true(count >= 23);
    assert_int_equal(of_text, 6);
    assert_int_equal(synthetic, MACHINE_KINDS);
}

static void expect_titles_and_counters(const struct machine *machine)
{
    bool counts[COUNTS_OTHER + 1] = {false};
    bool decimal = false, reset = false, swapped = false;

    for (size_t i = 0; i < machine->tag_count; i++) {
        const struct tag *tag = &machine->tags[i];
        assert_non_null(tag->detail);
        assert_non_null(tag->detail->title.en);
        assert_non_null(tag->detail->title.zh);
        const struct tag_counter *counter = tag->detail->counter;
        if (!counter)
            continue;
        assert_true(counter->rule.max_per_s > 0);
        counts[counter->counts] = true;
        decimal |= counter->rule.modulus == 10000 || counter->rule.modulus == 100000000;
        reset |= counter->rule.kind == COUNTER_KIND_RESET;
        swapped |= tag->order == ORDER_SWAP_WORDS && tag_width(tag) == 2;
    }
    assert_true(counts[COUNTS_GOOD] && counts[COUNTS_GROSS]);
    assert_true(decimal && reset && swapped);
}

static void test_plant_of_all_kinds_of_machines_has_counters_states_and_titles(void **state)
{
    struct config *config = *state;
    struct text yaml = {0};

    use_shipped_profiles();
    text_add(&yaml, TOP "machines:\n");
    for (size_t i = 0; i < MACHINE_KINDS; i++)
        text_addf(&yaml, "  - {name: m%zu, link: l, unit: %zu, profile: %s}\n", i, i + 1,
                  machine_kinds[i]);
    config_write_bytes(config, "plant.yaml", yaml.data, yaml.length);
    text_free(&yaml);
    config_expect_plant(config);
    for (size_t i = 0; i < MACHINE_KINDS; i++) {
        const struct machine *machine = &config->plant->machines[i];
        expect_titles_and_counters(machine);
        assert_true(machine->synthetic);
        assert_non_null(machine->state);
        assert_non_null(machine->state->codes);
        assert_true(machine->ideal_ms > 0);
        assert_true(machine->state->reason_count >= 8);
        assert_non_null(tag_of(config, machine->name, "speed"));
    }
    unsetenv("BINDERY_PROFILES_DIR");
}

static void test_shipped_profiles_have_the_addresses_of_their_devices(void **state)
{
    static const struct {
        const char *profile, *tag;
        enum area area;
        uint16_t address;
        enum tag_type type;
        uint8_t order;
    } cases[] = {
        {"delta-dvp", "good_count", AREA_HOLDING, 0x1000 + 100, TYPE_U32, ORDER_SWAP_WORDS},
        {"delta-dvp", "state_code", AREA_HOLDING, 0x1000 + 103, TYPE_U16, 0},
        {"delta-vfd", "fault_code", AREA_HOLDING, 0x2100, TYPE_U16, 0},
        {"delta-vfd", "frequency", AREA_HOLDING, 0x2103, TYPE_U16, 0},
        {"delta-vfd", "dc_bus", AREA_HOLDING, 0x2105, TYPE_U16, 0},
        {"inovance-md500", "state_code", AREA_HOLDING, 0x3000, TYPE_U16, 0},
        {"inovance-md500", "fault_code", AREA_HOLDING, 0x8000, TYPE_U16, 0},
        {"inovance-md500", "frequency", AREA_HOLDING, 0x7000, TYPE_U16, 0},
        {"inovance-h5u", "good_count", AREA_HOLDING, 100, TYPE_U32, ORDER_SWAP_WORDS},
        {"xinje-xd", "speed", AREA_HOLDING, 102, TYPE_U16, 0},
        {"siemens-s7-200-smart", "good_count", AREA_HOLDING, 50, TYPE_U32, 0},
        {"mitsubishi-fx3u", "good_count", AREA_HOLDING, 100, TYPE_U32, ORDER_SWAP_WORDS},
        {"invt-chf", "state_code", AREA_HOLDING, 0x1001, TYPE_U16, 0},
        {"invt-chf", "frequency", AREA_HOLDING, 0x3000, TYPE_U16, 0},
        {"adam-6051", "count_1", AREA_HOLDING, 26, TYPE_U32, ORDER_SWAP_WORDS},
        {"moxa-e1213", "count_1", AREA_INPUT, 18, TYPE_U32, 0},
        {"sdm630", "voltage_l3", AREA_INPUT, 4, TYPE_F32, 0},
        {"sdm630", "energy", AREA_INPUT, 342, TYPE_F32, 0},
    };
    struct config *config = *state;
    char yaml[256];

    use_shipped_profiles();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(yaml, sizeof yaml, MACHINE("profile: %s"), cases[i].profile);
        config_write(config, "plant.yaml", yaml);
        config_expect_plant(config);
        const struct tag *tag = tag_of(config, "m", cases[i].tag);
        assert_int_equal(tag->area, cases[i].area);
        assert_int_equal(tag->address, cases[i].address);
        assert_int_equal(tag->type, cases[i].type);
        assert_int_equal(tag->order, cases[i].order);
        assert_non_null(tag->detail);
    }
    unsetenv("BINDERY_PROFILES_DIR");
}

enum { LARGE_MACHINES = 6000, LARGE_TAGS = 40 };

static void write_large_plant(const struct config *config, const char *profile_of_last)
{
    struct text yaml = {0};

    text_add(&yaml, TOP "machines:\n");
    for (int i = 0; i < LARGE_MACHINES; i++)
        text_addf(&yaml, "  - {name: m%d, link: l, profile: %s}\n", i,
                  i + 1 < LARGE_MACHINES ? "p" : profile_of_last);
    config_write_bytes(config, "plant.yaml", yaml.data, yaml.length);
    text_clear(&yaml);
    text_add(&yaml, "profile: p\nparameters: {base: 100}\ntags:\n");
    for (int k = 0; k < LARGE_TAGS; k++)
        text_addf(&yaml, "  - {name: t%d, at: 'holding:${base}+%d', type: u32}\n", k, 2 * k);
    config_write_bytes(config, "profiles/p.yaml", yaml.data, yaml.length);
    text_free(&yaml);
}

static double load_seconds(struct config *config)
{
    struct timespec start;
    struct timespec end;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    config_load(config);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    return (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
}

static void test_six_thousand_machines_share_one_list(void **state)
{
    struct config *config = *state;

    write_large_plant(config, "p");
    double seconds = load_seconds(config);
    config_print_faults(config);
    assert_non_null(config->plant);
    print_message("6,000 machines of one profile: %.3f s\n", seconds);
    for (size_t i = 0; i < LARGE_MACHINES; i++)
        assert_ptr_equal(config->plant->machines[i].tags, config->plant->machines[0].tags);
    assert_int_equal(config->plant->machines[5999].tag_count, LARGE_TAGS);
    assert_true(seconds < 10); /* each expanded for itself would take longer under sanitizers */
}

static void test_fault_of_a_profile_is_told_once(void **state)
{
    struct config *config = *state;

    write_large_plant(config, "p, tags: [{name: x, at: 'coil:1'}]");
    config_write(config, "profiles/p.yaml",
                 "profile: p\ntags:\n- {name: t, at: x}\n- {name: u, at: 'coil:${x}'}\n");
    assert_int_equal(config_load(config), -EINVAL);
    assert_int_equal(config->faults.count, 2);
    config_expect_fault(config, 0, "p.yaml:3:17: at: \"x\" is no address");
    config_expect_fault(config, 1, "p.yaml:4:17: at: \"coil:${x}\" names no parameter");
    assert_non_null(strstr(config->faults.items[1].message, "of: none (for machine \"m0\", "));
}

/* Machines with tags of their own have it expanded for each of them. */
static void test_flood_of_a_profiles_faults_hides_no_others(void **state)
{
    struct config *config = *state;
    struct text yaml = {0};

    text_add(&yaml, TOP "machines:\n");
    for (int i = 0; i < 6000; i++)
        text_addf(&yaml, "  - {name: m%d, link: l, profile: p, tags: [{name: x, at: 'coil:1'}]}\n",
                  i);
    text_add(&yaml, "  - {name: last, link: k, profile: p}\n");
    config_write_bytes(config, "plant.yaml", yaml.data, yaml.length);
    text_clear(&yaml);
    text_add(&yaml, "profile: p\ntags:\n");
    for (int i = 0; i < 20; i++)
        text_addf(&yaml, "- {name: t%d, at: x}\n", i);
    config_write_bytes(config, "profiles/p.yaml", yaml.data, yaml.length);
    text_free(&yaml);
    assert_int_equal(config_load(config), -EINVAL);
    assert_int_equal(config->faults.count, 21);
    config_expect_fault(config, 0, "plant.yaml:6004:24: link: \"k\" is no link");
    config_expect_fault(config, 20, "p.yaml:22:19: at: \"x\" is no address");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, config_set_up, config_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tags_of_the_profile_become_the_machines),
        TEST(test_own_tags_are_added_or_take_the_place_of_the_profiles),
        TEST(test_profile_extends_another),
        TEST(test_parameters_are_filled_in_and_sums_added_up),
        TEST(test_every_value_of_a_tag_may_have_parameters),
        TEST(test_profiles_beside_the_plant_come_before_installed_ones),
        TEST(test_machines_that_come_to_the_same_share_one_list),
        TEST(test_reload_sees_another_profile),
        TEST(test_faults_of_a_profiles_keys),
        TEST(test_faults_of_a_profiles_parameters),
        TEST(test_faults_of_machines_with_profiles),
        TEST(test_faults_say_for_which_machine),
        TEST(test_profiles_that_extend_each_other_are_faults),
        TEST(test_chains_of_profiles_are_bounded),
        TEST(test_hostile_profiles_are_bounded),
        TEST(test_shipped_profiles_load_with_their_defaults),
        TEST(test_shipped_profiles_have_the_addresses_of_their_devices),
        TEST(test_plant_of_all_kinds_of_machines_has_counters_states_and_titles),
        TEST(test_six_thousand_machines_share_one_list),
        TEST(test_fault_of_a_profile_is_told_once),
        TEST(test_flood_of_a_profiles_faults_hides_no_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
