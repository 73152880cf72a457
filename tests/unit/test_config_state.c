/* states: in a tag, and state: in a machine or its profile. */
#include <errno.h>

#include "config_fixture.h"

#define TOP "gateway: g\nlinks: [{name: l, driver: modbus-tcp, address: h}]\n"
#define CODES "states: {1: production, 2: stopped}"
/* A tag, on line 3, whose keys begin in column 55. */
#define TAG(keys) \
    TOP "machines: [{name: m, link: l, tags: [{name: t, at: 'holding:1', " keys "}]}]\n"
/* Tags a, b and c, then the rest of the machine from line 7 on, column 3. */
#define MACHINE(rest)                                                                      \
    TOP "machines:\n- name: m\n  link: l\n  tags: [{name: a, at: 'holding:1', " CODES "}," \
        " {name: b, at: 'coil:2'}, {name: c, at: 'holding:3', scale: 0.1},"                \
        " {name: s, at: 'holding:9', type: 'string:4'}]\n  " rest "\n"
#define STATE(keys) MACHINE("state: {" keys "}")

static const struct machine *load_machine(struct config *config, const char *text)
{
    config_write(config, "plant.yaml", text);
    config_expect_plant(config);
    return &config->plant->machines[0];
}

static const struct tag_states *load_states_of(struct config *config, const char *text)
{
    return load_machine(config, text)->tags[0].detail->states;
}

static void expect_fault(struct config *config, const char *plant, const char *fault)
{
    config_write(config, "plant.yaml", plant);
    assert_int_equal(config_load(config), -EINVAL);
    config_expect_fault(config, 0, fault);
    if (config->faults.count != 1) {
        config_print_faults(config);
        fail_msg("%zu faults in:\n%s", config->faults.count, plant);
    }
}

static void test_numbers_stand_for_states(void **state)
{
    const struct tag_states *states = load_states_of(
        *state, TAG("type: s16, states: {3: {state: fault, reason: paper jam}, 1: production,"
                    " -2: unknown, 0: {state: idle}}"));
    assert_int_equal(states->count, 4);
    const struct state_code *codes = states->codes;
    assert_true(codes[0].code == -2 && codes[0].state == STATE_UNKNOWN && !codes[0].reason);
    assert_true(codes[1].code == 0 && codes[1].state == STATE_IDLE && !codes[1].reason);
    assert_true(codes[2].code == 1 && codes[2].state == STATE_PRODUCTION && !codes[2].reason);
    assert_true(codes[3].code == 3 && codes[3].state == STATE_FAULT);
    assert_string_equal(codes[3].reason, "paper jam");
}

static void test_every_state_but_offline_can_be_told(void **state)
{
    for (int i = 0; i < MACHINE_STATES; i++) {
        struct text plant = {0};
        const char *name = machine_state_name((enum machine_state)i);
        text_addf(&plant, TAG("states: {1: %s}"), name);
        if (i == STATE_OFFLINE)
            expect_fault(
                *state, plant.data,
                "plant.yaml:3:77: states: \"offline\" is what the gateway finds by itself");
        else
            assert_int_equal(load_states_of(*state, plant.data)->codes[0].state, i);
        text_free(&plant);
    }
}

static void test_one_tag_with_states_tells_the_state_by_itself(void **state)
{
    const struct machine *machine = load_machine(*state, MACHINE(""));
    const struct state_config *told = machine->state;
    assert_non_null(told);
    assert_int_equal(told->from, 0);
    assert_ptr_equal(told->codes, machine->tags[0].detail->states);
    assert_int_equal(told->reason, STATE_NO_TAG);
    assert_int_equal(told->rule_count, 0);
    assert_int_equal(told->reason_count, 0);
    assert_int_equal(told->debounce_ms, 0);
    assert_int_equal(told->offline_after_ms, 5000);
    assert_int_equal(told->micro_stop_ms, 60000);
    assert_null(load_machine(*state, TAG("unit: x"))->state);
}

static void test_every_key_of_a_state_reaches_the_plant(void **state)
{
    const struct state_config *told =
        load_machine(
            *state,
            MACHINE("state:\n    from: a\n    rules:\n"
                    "      - {state: fault, when: ['c != -1.50', b=1], reason: drive fault}\n"
                    "      - {state: production, when: ['c >= 500']}\n"
                    "      - {state: setup, when: ['c > 1', 'c < 2', 'c<=0.5']}\n"
                    "      - {state: idle}\n"
                    "    reason: c\n    reasons: {18: cover open, 17: paper jam}\n"
                    "    debounce: 2s\n    offline_after: 7s\n    micro_stop: 5m"))
            ->state;
    assert_int_equal(told->from, 0);
    assert_int_equal(told->reason, 2);
    assert_int_equal(told->reason_count, 2);
    assert_int_equal(told->reasons[0].code, 17);
    assert_string_equal(told->reasons[0].reason, "paper jam");
    assert_int_equal(told->reasons[1].code, 18);
    assert_int_equal(told->debounce_ms, 2000);
    assert_int_equal(told->offline_after_ms, 7000);
    assert_int_equal(told->micro_stop_ms, 300000);
    assert_int_equal(told->rule_count, 4);
    const struct state_rule *rules = told->rules;
    assert_int_equal(rules[0].state, STATE_FAULT);
    assert_string_equal(rules[0].reason, "drive fault");
    assert_int_equal(rules[0].count, 2);
    assert_true(rules[0].conditions[0].tag == 2 && rules[0].conditions[0].op == STATE_UNEQUAL &&
                rules[0].conditions[0].number.mantissa == -15 &&
                rules[0].conditions[0].number.decimals == 1);
    assert_true(rules[0].conditions[1].tag == 1 && rules[0].conditions[1].op == STATE_EQUAL &&
                rules[0].conditions[1].number.mantissa == 1);
    assert_int_equal(rules[1].conditions[0].op, STATE_AT_LEAST);
    assert_int_equal(rules[2].conditions[0].op, STATE_ABOVE);
    assert_int_equal(rules[2].conditions[1].op, STATE_BELOW);
    assert_int_equal(rules[2].conditions[2].op, STATE_AT_MOST);
    assert_true(rules[3].state == STATE_IDLE && rules[3].count == 0);
}

static void test_rules_alone_tell_a_state(void **state)
{
    const struct state_config *told =
        load_machine(*state, TOP "machines: [{name: m, link: l, tags: [{name: t, at: 'coil:1'}],"
                                 " state: {rules: [{state: production, when: [t = 1]}]}}]\n")
            ->state;
    assert_int_equal(told->from, STATE_NO_TAG);
    assert_null(told->codes);
    assert_int_equal(told->rule_count, 1);
}

#define PROFILE                                                               \
    "profile: p\nparameters: {least: 500, speed: c}\ntags:\n"                 \
    "- {name: a, at: 'holding:1', " CODES "}\n- {name: c, at: 'holding:3'}\n" \
    "state:\n  debounce: 3s\n  rules: [{state: production, when: ['${speed} >= ${least}']}]\n"

static void test_profile_tells_the_state_and_the_machines_own_takes_its_place(void **state)
{
    struct config *config = *state;
    config_write(config, "profiles/p.yaml", PROFILE);
    config_write(config, "profiles/q.yaml", "profile: q\nextends: p\nparameters: {least: 7}\n");
    config_write(config, "profiles/r.yaml", "profile: r\nextends: p\nstate: {debounce: 9s}\n");
    load_machine(config, TOP "machines:\n- {name: a, link: l, profile: p}\n"
                             "- {name: b, link: l, profile: p, state: {micro_stop: 9s}}\n"
                             "- {name: c, link: l, profile: p, parameters: {least: 600.5}}\n"
                             "- {name: d, link: l, profile: q}\n"
                             "- {name: e, link: l, profile: r}\n"
                             "- {name: f, link: l, profile: p, tags: [{name: x, at: 'coil:1'}]}\n");
    const struct machine *machines = config->plant->machines;
    assert_int_equal(machines[0].state->debounce_ms, 3000);
    assert_int_equal(machines[0].state->rules[0].conditions[0].tag, 1);
    assert_int_equal(machines[0].state->rules[0].conditions[0].number.mantissa, 500);
    assert_int_equal(machines[1].state->debounce_ms, 0);
    assert_int_equal(machines[1].state->micro_stop_ms, 9000);
    assert_int_equal(machines[1].state->rule_count, 0);
    assert_int_equal(machines[1].state->from, 0);
    assert_int_equal(machines[2].state->rules[0].conditions[0].number.mantissa, 6005);
    assert_int_equal(machines[3].state->rules[0].conditions[0].number.mantissa, 7);
    assert_true(machines[4].state->debounce_ms == 9000 && machines[4].state->rule_count == 0);
    assert_int_equal(machines[5].state->debounce_ms, 3000);
}

static void test_equal_states_are_kept_once(void **state)
{
    struct config *config = *state;
    const char *tags = "tags: [{name: a, at: 'holding:1', " CODES "}]";
    struct text plant = {0};
    config_write(config, "profiles/p.yaml", PROFILE);
    text_addf(&plant,
              TOP "machines:\n- {name: a, link: l, %s}\n- {name: b, link: l, %s}\n"
                  "- {name: c, link: l, %s, state: {debounce: 1s, rules: [{state: idle}]}}\n"
                  "- {name: d, link: l, %s, state: {debounce: 1s, rules: [{state: idle}]}}\n"
                  "- {name: e, link: l, profile: p}\n- {name: f, link: l, profile: p}\n",
              tags, tags, tags, tags);
    load_machine(config, plant.data);
    text_free(&plant);
    const struct machine *machines = config->plant->machines;
    for (int i = 0; i < 6; i += 2)
        assert_ptr_equal(machines[i].state, machines[i + 1].state);
    assert_ptr_not_equal(machines[0].state, machines[2].state);
    assert_ptr_equal(machines[0].tags, machines[2].tags);
}

static void test_states_that_differ_make_machines_differ(void **state)
{
    static const char *const rest[] = {
        "state: {from: a}",
        "state: {rules: [{state: idle, when: [b = 1]}]}",
        "state: {rules: [{state: setup, when: [b = 1]}]}",
        "state: {rules: [{state: idle, when: [c = 1]}]}",
        "state: {rules: [{state: idle, when: [b != 1]}]}",
        "state: {rules: [{state: idle, when: [b = 1.1]}]}",
        "state: {rules: [{state: idle, when: [b = 1, b = 1]}]}",
        "state: {rules: [{state: idle, when: [b = 1], reason: x}]}",
        "state: {rules: [{state: idle, when: [b = 1]}, {state: idle}]}",
        "state: {reason: c}",
        "state: {reason: b}",
        "state: {reason: c, reasons: {1: x}}",
        "state: {reason: c, reasons: {2: x}}",
        "state: {reason: c, reasons: {1: y}}",
        "state: {debounce: 1s}",
        "state: {offline_after: 1s}",
        "state: {micro_stop: 1s}",
    };
    enum { COUNT = sizeof rest / sizeof *rest };
    struct config *config = *state;
    const struct plant *plants[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        struct text plant = {0};
        text_addf(&plant, MACHINE("%s"), rest[i]);
        load_machine(config, plant.data);
        plants[i] = plant_retain(config->plant);
        text_free(&plant);
    }
    load_machine(config, MACHINE("state: {reason: c, reasons: {1: x}}"));
    assert_true(machine_equal(&plants[11]->machines[0], &config->plant->machines[0]));
    for (size_t i = 0; i < COUNT; i++)
        for (size_t k = 0; k < COUNT; k++)
            assert_int_equal(machine_equal(&plants[i]->machines[0], &plants[k]->machines[0]),
                             i == k);
    for (size_t i = 0; i < COUNT; i++)
        plant_release(plants[i]);
    load_machine(config, TAG(CODES));
    struct machine other = config->plant->machines[0];
    other.state = NULL;
    assert_false(machine_equal(&other, &config->plant->machines[0]));
}

static void test_codes_that_differ_make_tags_differ(void **state)
{
    struct config *config = *state;
    static const char *const tags =
        TOP "machines: [{name: m, link: l, state: {from: a}, tags: [\n"
            "{name: a, at: 'holding:1', states: {1: idle}},\n"
            "{name: a2, at: 'holding:1', states: {2: idle}},\n"
            "{name: a3, at: 'holding:1', states: {1: setup}},\n"
            "{name: a4, at: 'holding:1', states: {1: {state: idle, reason: x}}},\n"
            "{name: a5, at: 'holding:1', states: {1: idle, 2: idle}},\n"
            "{name: a6, at: 'holding:1'}]}]\n";
    const struct machine *machine = load_machine(config, tags);
    for (int i = 0; i < 6; i++)
        machine->tags[i].name = "a";
    for (int i = 0; i < 6; i++)
        assert_int_equal(tag_equal(&machine->tags[0], &machine->tags[i]), i == 0);
}

static void test_faults_of_codes(void **state)
{
    const struct {
        const char *plant, *fault;
    } cases[] = {
        {TAG("states: {1: running}"),
         "plant.yaml:3:77: states: \"running\" is unknown; expected unknown, stopped, idle, setup, "
         "production, cleanup, fault or maintenance"},
        {TAG("states: {1: [idle]}"), "plant.yaml:3:77: states: a list stands here; expected unkn"},
        {TAG("states: {1: {reason: x}}"),
         "plant.yaml:3:77: state: missing in a state; expected the state that the number stands"},
        {TAG("states: {1: {state: offline}}"), "plant.yaml:3:85: state: \"offline\" is what the "
                                               "gateway finds by itself; expected a stat"},
        {TAG("states: {1: {state: idle, reson: x}}"),
         "plant.yaml:3:91: \"reson\" is no key of a state; did you mean \"reason\"?"},
        {TAG("states: {1: {state: idle, reason: "
             "'12345678901234567890123456789012345678901234567890123456789012345'}}"),
         "plant.yaml:3:99: reason: "
         "\"123456789012345678901234567890123456789012345678901234567890.."},
        {TAG("states: {x: idle}"),
         "plant.yaml:3:74: states: \"x\" is no whole number; expected whole numbers with their "
         "states, such as {1: production"},
        {TAG("states: {1.5: idle}"), "plant.yaml:3:74: states: \"1.5\" is no whole number"},
        {TAG("states: {--1: idle}"), "plant.yaml:3:74: states: \"--1\" is no whole number"},
        {TAG("states: {}"), "plant.yaml:3:73: states: a mapping stands here; expected whole numbe"},
        {TAG("states: 5"), "plant.yaml:3:73: states: \"5\" stands here; expected whole numbers"},
        {TAG("states: {1: idle, 01: setup}"),
         "plant.yaml:3:83: \"01\" stands twice, first on line 3; expected it once"},
        {TAG("states: {65536: idle}"),
         "plant.yaml:3:74: states: \"65536\" is beyond what the type can hold; expected 0 to 65535 "
         "for u16"},
        {TAG("states: {-1: idle}"), "plant.yaml:3:74: states: \"-1\" is beyond what the type can"},
        {TAG("type: bcd16, states: {10000: idle}"), "plant.yaml:3:87: states: \"10000\" is beyond"},
        {TAG("type: bool, states: {2: idle}"), "plant.yaml:3:86: states: \"2\" is beyond what the"},
        {TAG("type: 'string:2', states: {1: idle}"),
         "plant.yaml:3:91: states: does not go with a string; expected a number or a bool"},
        {TAG("scale: 2, states: {1: idle}"),
         "plant.yaml:3:65: scale: does not go with states; expected it to be left out"},
        {TAG("offset: 2, states: {1: idle}"), "plant.yaml:3:65: offset: does not go with states"},
        {TAG("deadband: 2, states: {1: idle}"), "plant.yaml:3:65: deadband: does not go with sta"},
        {TAG("states: {1: idle}, counter: {counts: good, kind: free}"),
         "plant.yaml:3:65: states: does not go with a counter; expected one of them"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_fault(*state, cases[i].plant, cases[i].fault);
}

static void test_faults_of_states(void **state)
{
    const struct {
        const char *plant, *fault;
    } cases[] = {
        {MACHINE("state: 5"), "plant.yaml:7:10: a machine's state: \"5\" stands here; expected"},
        {STATE("form: a"), "plant.yaml:7:11: \"form\" is no key of a machine's state; did you mea"},
        {STATE("from: x"),
         "plant.yaml:7:17: from: \"x\" is no tag of the machine; expected the name of a tag with "
         "states"},
        {STATE("from: b"),
         "plant.yaml:7:17: from: \"b\" has no states; expected the name of a tag"},
        {STATE("from: [b]"), "plant.yaml:7:17: from: a list stands here; expected the name of a"},
        {STATE("rules: x"),
         "plant.yaml:7:18: rules: \"x\" is no list; expected a list of rules such as {state: prod"},
        {STATE("rules: []"), "plant.yaml:7:18: rules: a list stands here; expected a list of rul"},
        {STATE("rules: [x]"),
         "plant.yaml:7:19: a rule: \"x\" stands here; expected \"key: value\""},
        {STATE("rules: [{when: [b = 1]}]"),
         "plant.yaml:7:19: state: missing in a rule; expected the state that it decides for"},
        {STATE("rules: [{state: offline}]"),
         "plant.yaml:7:27: state: \"offline\" is what the gateway finds by itself"},
        {STATE("rules: [{state: idle}, {state: idle}]"),
         "plant.yaml:7:34: rules: this is never reached; expected a rule without when to be the "
         "last"},
        {STATE("rules: [{state: idle, when: b = 1}]"),
         "plant.yaml:7:39: when: \"b = 1\" is no list; expected a list of conditions"},
        {STATE("rules: [{state: idle, when: []}]"), "plant.yaml:7:39: when: a list stands here"},
        {STATE("rules: [{state: idle, when: [b]}]"),
         "plant.yaml:7:40: when: \"b\" is no condition; expected TAG OP NUMBER such as \"speed >= "
         "500\", OP being one of = != > >= < <="},
        {STATE("rules: [{state: idle, when: [b == 1]}]"),
         "plant.yaml:7:40: when: \"b == 1\" is no"},
        {STATE("rules: [{state: idle, when: [b = x]}]"), "plant.yaml:7:40: when: \"b = x\" is no"},
        {STATE("rules: [{state: idle, when: [b = 1 2]}]"), "plant.yaml:7:40: when: \"b = 1 2\" is"},
        {STATE("rules: [{state: idle, when: ['= 1']}]"),
         "plant.yaml:7:40: when: \"= 1\" is no con"},
        {STATE("rules: [{state: idle, when: [x = 1]}]"),
         "plant.yaml:7:40: when: \"x = 1\" begins with no tag of the machine; expected TAG OP"},
        {STATE("rules: [{state: idle, when: [s = 1]}]"),
         "plant.yaml:7:40: when: \"s = 1\" compares a string; expected a tag that is a number or"},
        {STATE("reason: x"),
         "plant.yaml:7:19: reason: \"x\" is no tag of the machine; expected the"},
        {STATE("reason: s"), "plant.yaml:7:19: reason: \"s\" is a string; expected the name of a"},
        {STATE("reasons: {1: x}"),
         "plant.yaml:7:11: reasons: stands alone; expected reason beside it, with the tag"},
        {STATE("reason: c, reasons: {x: y}"),
         "plant.yaml:7:32: reasons: \"x\" is no whole number; expected whole numbers with their r"},
        {STATE("reason: c, reasons: {1: }"), "plant.yaml:7:35: reasons: nothing stands here; exp"},
        {STATE("debounce: 61m"),
         "plant.yaml:7:21: debounce: \"61m\" is out of range; expected 0ms"},
        {STATE("offline_after: 25h"), "plant.yaml:7:26: offline_after: \"25h\" is out of range"},
        {STATE("micro_stop: 60"), "plant.yaml:7:23: micro_stop: \"60\" has no unit"},
        {STATE("reason: c, reasons: {1: costarring, 2: liquid}"),
         "plant.yaml:6:9: state: the reasons \"costarring\" and \"liquid\" can't be told apart"},
        {TOP "machines: [{name: m, link: l, tags: [{name: t, at: 'coil:1'}], state: {}}]\n",
         "plant.yaml:3:71: state: nothing tells it; expected rules, or a tag with states"},
        {TOP "machines: [{name: m, link: l, tags: [{name: a, at: 'coil:1', states: {1: idle}},"
             " {name: b, at: 'coil:2', states: {1: idle}}]}]\n",
         "plant.yaml:3:37: state: the tags \"a\" and \"b\" have states; expected \"from\" under "
         "\"state\" with one of them"},
        {TOP "machines: [{name: m, link: l, tags: [{name: a, at: 'coil:1', states: {1: idle}},"
             " {name: state, at: 'coil:2'}]}]\n",
         "plant.yaml:3:89: name: \"state\" is what the machine's state is told as; expected "
         "anothe"},
        {TOP "machines: [{name: m, link: l, tags: [{name: state.reason, at: 'coil:1'}],"
             " state: {rules: [{state: idle}]}}]\n",
         "plant.yaml:3:45: name: \"state.reason\" is what the machine's state is told as"},
        {TOP "machines: [{name: m, link: l, tags: [{name: a, at: 'coil:1', states: {2: idle}}],"
             " state: {from: a}}]\n",
         "plant.yaml:3:71: states: \"2\" is beyond what the type can hold"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_fault(*state, cases[i].plant, cases[i].fault);
}

static void test_tag_named_state_is_none_where_no_state_is_told(void **state)
{
    load_machine(*state,
                 TOP "machines: [{name: m, link: l, tags: [{name: state, at: 'coil:1'}]}]\n");
}

static void test_faults_of_a_profiles_state_are_told_where_they_stand(void **state)
{
    struct config *config = *state;
    config_write(config, "profiles/p.yaml",
                 "profile: p\ntags: [{name: a, at: 'coil:1'}]\nstate:\n  rules:\n"
                 "    - {state: idle, when: ['a = 1', 'b = 1']}\n");
    expect_fault(config, TOP "machines: [{name: m, link: l, profile: p}]\n",
                 "p.yaml:5:37: when: \"b = 1\" begins with no tag of the machine");
    config_write(config, "profiles/p.yaml",
                 "profile: p\ntags: [{name: a, at: 'coil:1'}]\nstate:\n  rules:\n"
                 "    - {state: idle, when: ['a = ${x}']}\n");
    expect_fault(config, TOP "machines: [{name: m, link: l, profile: p}]\n",
                 "p.yaml:5:28: when: \"a = ${x}\" names no parameter of the profile");
}

static void test_lists_beyond_their_limits_are_faults(void **state)
{
    struct text plant = {0};
    text_add(&plant,
             TOP "machines: [{name: m, link: l, tags: [{name: t, at: 'holding:1', states: {");
    for (int i = 0; i < 513; i++)
        text_addf(&plant, "%d: idle,", i);
    text_add(&plant, "}}]}]\n");
    expect_fault(*state, plant.data, "plant.yaml:3:73: states: 513 of them; expected at most 512");
    text_clear(&plant);
    text_add(&plant, MACHINE("state: {rules: ["));
    text_cut(&plant, plant.length - 1);
    for (int i = 0; i < 65; i++)
        text_add(&plant, "{state: idle, when: [b = 1]},");
    text_add(&plant, "]}\n");
    expect_fault(*state, plant.data,
                 "plant.yaml:7:18: rules: 65 of them; expected at most 64 a machine");
    text_clear(&plant);
    text_add(&plant, MACHINE("state: {rules: [{state: idle, when: ["));
    text_cut(&plant, plant.length - 1);
    for (int i = 0; i < 17; i++)
        text_add(&plant, "b = 1,");
    text_add(&plant, "]}]}\n");
    expect_fault(*state, plant.data,
                 "plant.yaml:7:39: when: 17 of them; expected at most 16 a rul");
    text_free(&plant);
}

static void test_states_have_words_of_other_vocabularies(void **state)
{
    (void)state;
    assert_string_equal(machine_state_name(STATE_PRODUCTION), "production");
    assert_string_equal(machine_state_packml(STATE_PRODUCTION), "Execute");
    assert_string_equal(machine_state_xjmf(STATE_MAINTENANCE), "NonProductive");
    assert_null(machine_state_xjmf(STATE_UNKNOWN));
    for (int i = 0; i < MACHINE_STATES; i++) {
        assert_non_null(machine_state_name((enum machine_state)i));
        assert_non_null(machine_state_packml((enum machine_state)i));
        assert_int_equal(machine_state_xjmf((enum machine_state)i) == NULL, i == STATE_UNKNOWN);
    }
}

static void test_reasons_go_into_words_and_back(void **state)
{
    const struct state_config *told =
        load_machine(*state, TOP "machines: [{name: m, link: l, tags: [{name: a, at: 'coil:1',"
                                 " states: {1: {state: fault, reason: x}}}], state: {rules:"
                                 " [{state: idle, when: [a = 0], reason: y}], reason: a,"
                                 " reasons: {7: z}}}]\n")
            ->state;
    const char *const texts[] = {"x", "y", "z"};
    char room[STATE_REASON_ROOM];
    for (int i = 0; i < 3; i++)
        assert_string_equal(state_reason_text(told, state_reason_of_text(texts[i]), room),
                            texts[i]);
    assert_null(state_reason_text(told, state_reason_of_text("other"), room));
    assert_null(state_reason_text(told, 0, room));
    assert_string_equal(state_reason_text(told, state_reason_of_number(7), room), "7");
    assert_string_equal(state_reason_text(told, state_reason_of_number(INT32_MAX), room),
                        "2147483647");
    const int64_t none[] = {0, -1, INT64_C(1) << 31, INT64_MAX, INT64_MIN};
    for (int i = 0; i < 5; i++)
        assert_int_equal(state_reason_of_number(none[i]), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, config_set_up, config_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_numbers_stand_for_states),
        TEST(test_every_state_but_offline_can_be_told),
        TEST(test_one_tag_with_states_tells_the_state_by_itself),
        TEST(test_every_key_of_a_state_reaches_the_plant),
        TEST(test_rules_alone_tell_a_state),
        TEST(test_profile_tells_the_state_and_the_machines_own_takes_its_place),
        TEST(test_equal_states_are_kept_once),
        TEST(test_states_that_differ_make_machines_differ),
        TEST(test_codes_that_differ_make_tags_differ),
        TEST(test_faults_of_codes),
        TEST(test_faults_of_states),
        TEST(test_tag_named_state_is_none_where_no_state_is_told),
        TEST(test_faults_of_a_profiles_state_are_told_where_they_stand),
        TEST(test_lists_beyond_their_limits_are_faults),
        TEST(test_states_have_words_of_other_vocabularies),
        TEST(test_reasons_go_into_words_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
