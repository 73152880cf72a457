#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

#include "payload_about.h"
#include "payload_json.h"

static const struct tag_name tags[] = {{"good_count", 10, ",\"good_count\":"},
                                       {"speed", 5, ",\"speed\":"},
                                       {"state", 5, ",\"state\":"},
                                       {"glue_temp", 9, ",\"glue_temp\":"},
                                       {"page", 4, ",\"page\":"}};
static const struct source binder = {
    .id = 1, .machine = "binder-1", .tag_count = sizeof(tags) / sizeof(*tags), .tags = tags};

static const struct payload_clock plain_clock = {0};

static void assert_text(struct text *text, const char *expected)
{
    assert_string_equal(text->data, expected);
    text_free(text);
}

static struct reading one_count(struct sample *sample, int64_t count)
{
    *sample = (struct sample){.tag = 0, .value = {.kind = VALUE_DECIMAL, .mantissa = count}};
    return (struct reading){.source = 1,
                            .count = 1,
                            .at = {.boot_ms = 5000, .wall_ms = 77, .synced = true},
                            .samples = sample};
}

static void test_payload_json_reads_as_the_contract_says(void **state)
{
    (void)state;
    struct text out = {0};
    struct sample samples[] = {
        {.tag = 0, .value = {.kind = VALUE_DECIMAL, .mantissa = 120034}},
        {.tag = 3, .quality = QUALITY_TIMEOUT},
        {.tag = 1, .value = {.kind = VALUE_DECIMAL, .decimals = 1, .mantissa = 56005}},
        {.tag = 2, .value = {.kind = VALUE_TEXT, .length = 10, .text = "production"}},
    };
    struct reading reading = {
        .count = 4, .at = {.wall_ms = 1795412474123, .synced = true}, .samples = samples};
    payload_json_begin_machine(&out, "pinghu-01", "6f1c", "binder-1");
    payload_json_reading(&out, 1041, &reading, &binder, &plain_clock);
    payload_json_end_machine(&out);
    assert_text(&out, "{\"gateway\":\"pinghu-01\",\"store\":\"6f1c\",\"machine\":\"binder-1\","
                      "\"readings\":[{\"seq\":1041,\"ts\":1795412474123,\"values\":{"
                      "\"good_count\":120034,\"speed\":5600.5,\"state\":\"production\"},"
                      "\"bad\":{\"glue_temp\":\"timeout\"}}]}");
}

/* Keys are copied in ways of their own by how long they are. */
static void test_payload_json_writes_names_of_any_length(void **state)
{
    (void)state;
    for (int length = 0; length <= 64; length++) {
        char name[65], key[70], expected[512];
        snprintf(name, sizeof(name), "%.*s", length,
                 "abcdefghijklmnopqrstuvwxyz0123456789_-.ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        snprintf(key, sizeof(key), ",\"%s\":", name);
        struct tag_name *names = calloc(1, sizeof(*names));
        char *own_key = strdup(key); /* on the heap, so that no byte behind it is read unnoticed */
        *names = (struct tag_name){name, (size_t)length, own_key};
        const struct source source = {.id = 1, .machine = "m", .tag_count = 1, .tags = names};
        struct sample samples[] = {{.value = {.kind = VALUE_DECIMAL, .mantissa = 7}},
                                   {.value = {.kind = VALUE_DECIMAL, .mantissa = 8}},
                                   {.value = {.kind = VALUE_BOOL, .boolean = true}}};
        struct reading reading = {.count = 3, .at = {.synced = true}, .samples = samples};
        struct text out = {0};
        payload_json_reading(&out, 1, &reading, &source, &plain_clock);
        snprintf(expected, sizeof(expected),
                 "{\"seq\":1,\"ts\":0,\"values\":{\"%s\":7,\"%s\":8,\"%s\":true}}", name, name,
                 name);
        assert_text(&out, expected);
        free(own_key);
        free(names);
    }
}

static void test_payload_json_keeps_values_when_all_are_bad(void **state)
{
    (void)state;
    struct text out = {0};
    struct sample samples[] = {
        {.tag = 0, .quality = QUALITY_EXCEPTION, .exception = 2},
        {.tag = 3, .quality = QUALITY_LINK},
    };
    struct reading reading = {.count = 2, .at = {.wall_ms = 9, .synced = true}, .samples = samples};
    payload_json_reading(&out, 3, &reading, &binder, &plain_clock);
    assert_text(&out, "{\"seq\":3,\"ts\":9,\"values\":{},"
                      "\"bad\":{\"good_count\":\"exception:2\",\"glue_temp\":\"link\"}}");
}

static void test_payload_json_gathers_machines_by_gateway(void **state)
{
    (void)state;
    struct text out = {0};
    struct sample sample;
    struct reading reading = one_count(&sample, 7);
    payload_json_begin_gateway(&out, "g", "s");
    payload_json_next_machine(&out, "binder-1");
    payload_json_reading(&out, 1, &reading, &binder, &plain_clock);
    payload_json_reading(&out, 2, &reading, &binder, &plain_clock);
    payload_json_next_machine(&out, "binder-2");
    payload_json_reading(&out, 3, &reading, &binder, &plain_clock);
    payload_json_end_gateway(&out);
    assert_text(&out, "{\"gateway\":\"g\",\"store\":\"s\",\"machines\":{"
                      "\"binder-1\":[{\"seq\":1,\"ts\":77,\"values\":{\"good_count\":7}},"
                      "{\"seq\":2,\"ts\":77,\"values\":{\"good_count\":7}}],"
                      "\"binder-2\":[{\"seq\":3,\"ts\":77,\"values\":{\"good_count\":7}}]}}");
}

static void test_payload_json_closes_empty_lists(void **state)
{
    (void)state;
    struct text out = {0};
    payload_json_begin_gateway(&out, "g", "s");
    payload_json_end_gateway(&out);
    assert_text(&out, "{\"gateway\":\"g\",\"store\":\"s\",\"machines\":{}}");
    payload_json_begin_gateway(&out, "g", "s");
    payload_json_next_machine(&out, "a");
    payload_json_next_machine(&out, "b");
    payload_json_end_gateway(&out);
    assert_text(&out, "{\"gateway\":\"g\",\"store\":\"s\",\"machines\":{\"a\":[],\"b\":[]}}");
}

static void test_payload_json_marks_time_that_is_not_plain(void **state)
{
    (void)state;
    struct text out = {0};
    struct sample sample;
    struct reading reading = one_count(&sample, 7);
    struct payload_clock corrected = {.corrected = true, .offset_ms = 1795412000000};
    payload_json_reading(&out, 1, &reading, &binder, &corrected);
    assert_text(&out, "{\"seq\":1,\"ts\":77,\"values\":{\"good_count\":7}}");
    reading.at.synced = false;
    payload_json_reading(&out, 1, &reading, &binder, &plain_clock);
    assert_text(&out, "{\"seq\":1,\"ts\":77,\"clock\":\"unsynced\",\"values\":{\"good_count\":7}}");
    payload_json_reading(&out, 1, &reading, &binder, &corrected);
    assert_text(&out, "{\"seq\":1,\"ts\":1795412005000,\"clock\":\"corrected\","
                      "\"values\":{\"good_count\":7}}");
}

static void test_payload_json_leaves_out_tags_the_source_never_had(void **state)
{
    (void)state;
    struct text out = {0};
    struct sample samples[] = {
        {.tag = 5, .value = {.kind = VALUE_BOOL, .boolean = true}},
        {.tag = 9, .quality = QUALITY_FRAME},
        {.tag = 4, .value = {.kind = VALUE_BOOL, .boolean = true}},
    };
    struct reading reading = {.count = 3, .at = {.wall_ms = 9, .synced = true}, .samples = samples};
    payload_json_reading(&out, 3, &reading, &binder, &plain_clock);
    assert_text(&out, "{\"seq\":3,\"ts\":9,\"values\":{\"page\":true}}");
}

static const struct event stop = {
    .source = 1,
    .count = 3,
    .at = {.boot_ms = 5000, .wall_ms = 77, .synced = true},
    .name = "stop",
    .fields = {{"duration_ms", {.kind = VALUE_DECIMAL, .mantissa = 12500}},
               {"reason", {.kind = VALUE_TEXT, .length = 9, .text = "paper \"A\""}},
               {"order", {.kind = VALUE_NONE}}},
};

static void test_payload_json_event_tells_its_fields_in_order(void **state)
{
    (void)state;
    struct text out = {0};
    payload_json_event(&out, 8, &stop, &binder, &plain_clock, "g", "s");
    assert_text(
        &out,
        "{\"seq\":8,\"ts\":77,\"event\":\"stop\",\"from\":-12423,\"to\":77,\"duration_ms\":12500,"
        "\"reason\":\"paper \\\"A\\\"\",\"order\":null,"
        "\"gateway\":\"g\",\"machine\":\"binder-1\",\"store\":\"s\"}");
    struct event bare = {.at = {.wall_ms = 9, .synced = true}, .name = "reset"};
    payload_json_event(&out, 9, &bare, &binder, &plain_clock, "g", "s");
    assert_text(&out, "{\"seq\":9,\"ts\":9,\"event\":\"reset\",\"gateway\":\"g\","
                      "\"machine\":\"binder-1\",\"store\":\"s\"}");
}

static void test_payload_json_event_of_unknown_length_has_no_beginning(void **state)
{
    (void)state;
    struct text out = {0};
    struct event event = {.at = {.boot_ms = 5000, .wall_ms = 77},
                          .name = "state",
                          .count = 1,
                          .fields = {{"duration_ms", {.kind = VALUE_NONE}}}};
    struct payload_clock corrected = {.corrected = true, .offset_ms = 1795412000000};
    payload_json_event(&out, 1, &event, &binder, &corrected, "g", "s");
    assert_text(&out, "{\"seq\":1,\"ts\":1795412005000,\"clock\":\"corrected\","
                      "\"event\":\"state\",\"from\":null,\"to\":1795412005000,"
                      "\"duration_ms\":null,\"gateway\":\"g\",\"machine\":\"binder-1\","
                      "\"store\":\"s\"}");
}

static void test_payload_json_event_marks_time_that_is_not_plain(void **state)
{
    (void)state;
    struct text out = {0};
    struct event event = {.at = {.boot_ms = 5000, .wall_ms = 77}, .name = "reset"};
    struct payload_clock corrected = {.corrected = true, .offset_ms = 1795412000000};
    payload_json_event(&out, 1, &event, &binder, &plain_clock, "g", "s");
    assert_text(&out, "{\"seq\":1,\"ts\":77,\"clock\":\"unsynced\",\"event\":\"reset\","
                      "\"gateway\":\"g\",\"machine\":\"binder-1\",\"store\":\"s\"}");
    payload_json_event(&out, 1, &event, &binder, &corrected, "g", "s");
    assert_text(&out, "{\"seq\":1,\"ts\":1795412005000,\"clock\":\"corrected\","
                      "\"event\":\"reset\",\"gateway\":\"g\",\"machine\":\"binder-1\","
                      "\"store\":\"s\"}");
}

static void test_payload_json_gap_names_its_numbers_where_it_has_them(void **state)
{
    (void)state;
    struct text out = {0};
    struct gap gap = {.why = GAP_STORE_FULL,
                      .first_seq = 11,
                      .last_seq = 20,
                      .missing = 10,
                      .from_ms = 1000,
                      .to_ms = 2000};
    payload_json_gap(&out, 21, &gap, "g", "s");
    assert_text(&out, "{\"seq\":21,\"from_ts\":1000,\"to_ts\":2000,\"missing\":10,"
                      "\"why\":\"store full\",\"first_seq\":11,\"last_seq\":20,"
                      "\"gateway\":\"g\",\"store\":\"s\"}");
    gap.first_seq = gap.last_seq = 0;
    payload_json_gap(&out, 21, &gap, "g", "s");
    assert_text(&out, "{\"seq\":21,\"from_ts\":1000,\"to_ts\":2000,\"missing\":10,"
                      "\"why\":\"store full\",\"gateway\":\"g\",\"store\":\"s\"}");
}

static void test_payload_json_status_says_who_and_since_when(void **state)
{
    (void)state;
    struct text out = {0};
    struct instant at = {.wall_ms = 1795412474123, .synced = true};
    payload_json_status(&out, true, &at, "6f1c", "b00t");
    assert_text(&out, "{\"online\":true,\"ts\":1795412474123,\"version\":\"" BINDERY_VERSION
                      "\",\"store\":\"6f1c\",\"boot\":\"b00t\"}");
    at.synced = false;
    payload_json_machine_status(&out, &at, false, 1795412000000, STATE_OFFLINE, "line \"A\"");
    assert_text(&out,
                "{\"ts\":1795412474123,\"clock\":\"unsynced\",\"online\":false,"
                "\"state\":\"offline\",\"since\":1795412000000,"
                "\"reason\":\"line \\\"A\\\"\",\"packml\":\"Undefined\",\"xjmf\":\"Offline\"}");
    at.synced = true;
    payload_json_machine_status(&out, &at, true, 5, STATE_PRODUCTION, NULL);
    assert_text(&out, "{\"ts\":1795412474123,\"online\":true,\"state\":\"production\",\"since\":5,"
                      "\"reason\":null,\"packml\":\"Execute\",\"xjmf\":\"Production\"}");
}

static void test_payload_about_machine_describes_every_tag(void **state)
{
    (void)state;
    struct text out = {0};
    struct link link = {.name = "press-1"};
    struct tag about_tags[] = {
        {.name = "glue_temp",
         .unit = "°C",
         .area = AREA_INPUT,
         .address = 7,
         .bit = -1,
         .type = TYPE_S16,
         .every_ms = 1000},
        {.name = "guard",
         .area = AREA_HOLDING,
         .address = 100,
         .bit = 3,
         .type = TYPE_BOOL,
         .every_ms = 500},
        {.name = "job",
         .area = AREA_HOLDING,
         .address = 200,
         .bit = -1,
         .type = TYPE_STRING,
         .string_bytes = 20,
         .every_ms = 5000},
    };
    struct machine machine = {
        .name = "binder-1", .link = &link, .unit = 1, .tags = about_tags, .tag_count = 3};
    payload_about_machine(&out, &machine);
    assert_text(&out, "{\"machine\":\"binder-1\",\"link\":\"press-1\",\"unit\":1,\"profile\":null,"
                      "\"synthetic\":false,\"tags\":["
                      "{\"name\":\"glue_temp\",\"unit\":\"°C\",\"type\":\"s16\","
                      "\"at\":\"input:7\",\"every_ms\":1000,\"kind\":\"value\"},"
                      "{\"name\":\"guard\",\"unit\":null,\"type\":\"bool\","
                      "\"at\":\"holding:100.3\",\"every_ms\":500,\"kind\":\"value\"},"
                      "{\"name\":\"job\",\"unit\":null,\"type\":\"string:20\","
                      "\"at\":\"holding:200\",\"every_ms\":5000,\"kind\":\"value\"}]}");
    machine.profile = "perfect-binder";
    machine.synthetic = true;
    machine.tag_count = 1;
    about_tags[0].detail =
        &(const struct tag_detail){.title = {.zh = "胶温"}, .low = {-5, 1}, .high = {200, 0}};
    payload_about_machine(&out, &machine);
    assert_text(
        &out, "{\"machine\":\"binder-1\",\"link\":\"press-1\",\"unit\":1,"
              "\"profile\":\"perfect-binder\",\"synthetic\":true,\"tags\":["
              "{\"name\":\"glue_temp\",\"unit\":\"°C\",\"type\":\"s16\","
              "\"at\":\"input:7\",\"every_ms\":1000,"
              "\"title\":{\"en\":null,\"zh\":\"胶温\"},\"range\":[-0.5,200],\"kind\":\"value\"}]}");
}

static void test_payload_about_machine_tells_counters_and_what_goes_with_them(void **state)
{
    (void)state;
    struct text out = {0};
    struct link link = {.name = "l"};
    const struct tag_counter counter = {.counts = COUNTS_WASTE};
    const struct tag_detail detail = {.counter = &counter};
    struct tag counted[] = {
        {.name = "w", .area = AREA_INPUT, .bit = -1, .type = TYPE_U16, .detail = &detail}};
    const char *names[] = {"w.epoch", "w.inferred"};
    const struct counter_place place = {
        .tag = 0, .epoch = 1, .inferred = 2, .raw = 3, .config = &counter};
    const struct meaning meaning = {
        .names = names, .told = 2, .kept = 1, .counters = &place, .counter_count = 1};
    struct machine machine = {
        .name = "m", .link = &link, .tags = counted, .tag_count = 1, .meaning = &meaning};
    payload_about_machine(&out, &machine);
    assert_text(&out, "{\"machine\":\"m\",\"link\":\"l\",\"unit\":0,\"profile\":null,"
                      "\"synthetic\":false,\"tags\":[{\"name\":\"w\",\"unit\":null,"
                      "\"type\":\"u16\",\"at\":\"input:0\",\"every_ms\":0,"
                      "\"kind\":\"counter\",\"counts\":\"waste\"},"
                      "{\"name\":\"w.epoch\",\"unit\":null,\"type\":\"u64\","
                      "\"kind\":\"epoch\",\"of\":\"w\"},"
                      "{\"name\":\"w.inferred\",\"unit\":null,\"type\":\"u64\","
                      "\"kind\":\"inferred\",\"of\":\"w\"}]}");
    machine.state = &(const struct state_config){.micro_stop_ms = 1};
    payload_about_machine(&out, &machine);
    assert_non_null(strstr(out.data, "\"of\":\"w\"},{\"name\":\"state\",\"unit\":null,"
                                     "\"type\":\"string\",\"kind\":\"state\"},{\"name\":"
                                     "\"state.reason\",\"unit\":null,\"type\":\"string\","
                                     "\"kind\":\"reason\"}]}"));
    text_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_payload_json_reads_as_the_contract_says),
        cmocka_unit_test(test_payload_json_writes_names_of_any_length),
        cmocka_unit_test(test_payload_json_keeps_values_when_all_are_bad),
        cmocka_unit_test(test_payload_json_gathers_machines_by_gateway),
        cmocka_unit_test(test_payload_json_closes_empty_lists),
        cmocka_unit_test(test_payload_json_marks_time_that_is_not_plain),
        cmocka_unit_test(test_payload_json_leaves_out_tags_the_source_never_had),
        cmocka_unit_test(test_payload_json_event_tells_its_fields_in_order),
        cmocka_unit_test(test_payload_json_event_of_unknown_length_has_no_beginning),
        cmocka_unit_test(test_payload_json_event_marks_time_that_is_not_plain),
        cmocka_unit_test(test_payload_json_gap_names_its_numbers_where_it_has_them),
        cmocka_unit_test(test_payload_json_status_says_who_and_since_when),
        cmocka_unit_test(test_payload_about_machine_describes_every_tag),
        cmocka_unit_test(test_payload_about_machine_tells_counters_and_what_goes_with_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
