/* The profiles of machines that speak in lines: what they make of the lines of their devices, whole
 * and broken. */
#include "config_fixture.h"
#include "decode.h"
#include "text_reader.h"
#include "value.h"

struct line_case {
    const char *line;
    enum text_meaning meaning;
    const char *values; /* "weight=12.345 status=\"ST\" " */
};

static const struct machine *load_profile(struct config *config, const char *keys)
{
    char yaml[512];
    char folder[512];
    const char *slash = strrchr(__FILE__, '/');

    snprintf(folder, sizeof folder, "%.*s../../config/profiles",
             (int)(slash ? slash - __FILE__ + 1 : 0), __FILE__);
    setenv("BINDERY_PROFILES_DIR", folder, 1);
    snprintf(yaml, sizeof yaml,
             "gateway: g\nlinks: [{name: l, driver: serial-text, device: /dev/x}]\n"
             "machines: [{name: m, link: l, %s}]\n",
             keys);
    config_write(config, "plant.yaml", yaml);
    config_expect_plant(config);
    unsetenv("BINDERY_PROFILES_DIR");
    return &config->plant->machines[0];
}

static void write_samples(const struct machine *machine, const struct line_answer *answer,
                          struct text *out)
{
    text_clear(out);
    text_add(out, "");
    for (size_t i = 0; i < answer->count; i++) {
        const struct sample *sample = &answer->samples[i];
        text_addf(out, "%s=", machine->tags[sample->tag].name);
        if (sample->quality == QUALITY_GOOD)
            value_to_json(&sample->value, out);
        else
            text_add(out, quality_name((enum quality)sample->quality));
        text_add_char(out, ' ');
    }
}

static void expect_lines(const struct machine *machine, const struct line_case *cases, size_t count)
{
    struct text_reader *reader = text_reader_new(machine);
    struct sample samples[16];
    char texts[16 * DECODE_TEXT_BYTES];
    struct text out = {0};

    for (size_t i = 0; i < count; i++) {
        struct line_answer answer = {.samples = samples, .texts = texts};
        enum text_meaning meaning =
            text_reader_take(reader, cases[i].line, strlen(cases[i].line), &answer);
        write_samples(machine, &answer, &out);
        if (meaning != cases[i].meaning || strcmp(out.data, cases[i].values) != 0)
            fail_msg("'%s' is %d, %s", cases[i].line, meaning, out.data);
    }
    text_free(&out);
    text_reader_free(reader);
}

#define EXPECT_LINES(machine, cases) expect_lines(machine, cases, sizeof cases / sizeof *cases)

static const struct line_case scale_lines[] = {
    {"ST,GS,+0012.345kg", TEXT_READ, "weight=12.345 status=\"ST\" mode=\"GS\" "},
    {"ST,GS,+  12.345kg", TEXT_READ, "weight=12.345 status=\"ST\" mode=\"GS\" "},
    {"US,NT,-   0.120,kg", TEXT_READ, "weight=-0.12 status=\"US\" mode=\"NT\" "},
    {"ST,NT, 0001.000 kg", TEXT_READ, "weight=1 status=\"ST\" mode=\"NT\" "},
    {"ST,GS 1.000KG", TEXT_READ, "weight=1 status=\"ST\" mode=\"GS\" "},
    {"ST,GS1.000KG", TEXT_READ, "weight=1 status=\"ST\" mode=\"GS\" "},
    {"OL,GS,+999999kg", TEXT_READ, "weight=range status=\"OL\" mode=\"GS\" "},
    {"OL,NT,-------kg", TEXT_READ, "weight=range status=\"OL\" mode=\"NT\" "},
    /* another unit, and what is broken */
    {"ST,GS,+0012.345 g", TEXT_STRANGE, "weight=frame status=frame mode=frame "},
    {"ST,GS,+0012.345lb", TEXT_STRANGE, "weight=frame status=frame mode=frame "},
    {"ST,GS,+00", TEXT_STRANGE, "weight=frame status=frame mode=frame "},
    {",GS,+0012.345kg", TEXT_STRANGE, "weight=frame status=frame mode=frame "},
    {"ST GS +0012.345kg", TEXT_STRANGE, "weight=frame status=frame mode=frame "},
    {"ST,GS,+0012.345kgST,GS,+0012.345kg", TEXT_STRANGE, "weight=frame status=frame mode=frame "},
    {"ST,GS,+00 12.345kg", TEXT_STRANGE, "weight=frame status=frame mode=frame "},
    {"ST,GS,+12,345kg", TEXT_STRANGE, "weight=frame status=frame mode=frame "},
    {"ST,GS,+0012\xff.345kg", TEXT_STRANGE, "weight=frame status=frame mode=frame "},
};

static void test_scales(void **state)
{
    EXPECT_LINES(load_profile(*state, "profile: scale"), scale_lines);
}

static void test_scales_that_are_asked(void **state)
{
    const struct machine *machine =
        load_profile(*state, "profile: scale-asked, parameters: {ask: R}");

    assert_string_equal(machine->text->ask, "R\r\n");
    assert_false(machine_speaks(machine));
    EXPECT_LINES(machine, scale_lines);
}

static void test_mitutoyo_gauges(void **state)
{
    static const struct line_case cases[] = {
        {"01A+0000.123", TEXT_READ, "thickness=0.123 "},
        {"01A-0012.500", TEXT_READ, "thickness=-12.5 "},
        {"01A+00012345", TEXT_READ, "thickness=12345 "},
        {"1A+0000.123", TEXT_STRANGE, "thickness=frame "},
        {"01A+0000.123 ", TEXT_STRANGE, "thickness=frame "},
        {"01A0000.123", TEXT_STRANGE, "thickness=frame "},
        {"01A+", TEXT_STRANGE, "thickness=frame "},
        {"01A+0.0.1", TEXT_STRANGE, "thickness=frame "},
    };

    EXPECT_LINES(load_profile(*state, "profile: mitutoyo-gauge"), cases);
}

static void test_magnescale_gauges(void **state)
{
    static const struct line_case cases[] = {
        {"00NMG-09.9999", TEXT_READ, "thickness=-9.9999 "},
        {"00NMG+00.0001", TEXT_READ, "thickness=0.0001 "},
        {"00NMG  9.9999", TEXT_READ, "thickness=9.9999 "},
        {" Error ", TEXT_NO_READ, "thickness=range "},
        {"Error", TEXT_NO_READ, "thickness=range "},
        {" Error 1", TEXT_STRANGE, "thickness=frame "},
        {"NMG-09.9999", TEXT_STRANGE, "thickness=frame "},
        {"00NMG-09.99 99", TEXT_STRANGE, "thickness=frame "},
    };

    EXPECT_LINES(load_profile(*state, "profile: magnescale-gauge"), cases);
}

static void test_barcode_scanners(void **state)
{
    static const struct line_case any[] = {
        {"4006381333931", TEXT_READ, "code=\"4006381333931\" "},
        {"JOB-17/A b", TEXT_READ, "code=\"JOB-17/A b\" "},
        {"NO LABEL", TEXT_NO_READ, "code=range "},
        {"BADCODE", TEXT_NO_READ, "code=range "},
        {"4006\x01", TEXT_STRANGE, "code=frame "},
        {"\xff\xfe", TEXT_STRANGE, "code=frame "},
    };
    static const struct line_case ean[] = {
        {"4006381333931", TEXT_READ, "code=\"4006381333931\" "},
        {"006381333931", TEXT_STRANGE, "code=frame "},
        {"40063813339314006381333931", TEXT_STRANGE, "code=frame "},
        {"NO LABEL", TEXT_NO_READ, "code=range "},
    };
    const struct machine *machine = load_profile(*state, "profile: barcode-scanner");

    assert_int_equal(machine->text->event, 0);
    assert_true(machine_speaks(machine));
    EXPECT_LINES(machine, any);
    EXPECT_LINES(load_profile(*state, "profile: barcode-scanner, parameters: {code: '\\d{13}'}"),
                 ean);
}

static void test_counter_boxes(void **state)
{
    static const struct line_case cases[] = {
        {"1:00012345", TEXT_READ, "count_1=12345 "},
        {"6:99999999", TEXT_READ, "count_6=99999999 "},
        {"3:7", TEXT_READ, "count_3=7 "},
        {"7:00012345", TEXT_STRANGE,
         "count_1=frame count_2=frame count_3=frame count_4=frame count_5=frame count_6=frame "},
        {"1:000123456", TEXT_STRANGE,
         "count_1=frame count_2=frame count_3=frame count_4=frame count_5=frame count_6=frame "},
    };

    EXPECT_LINES(load_profile(*state, "profile: counter-box"), cases);
}

static void test_a_wrong_checksum_is_a_fault(void **state)
{
    static const struct line_case xor8[] = {
        {"12.5" /* 31^32^2e^35 */ "18", TEXT_READ, "v=12.5 "},
        {"12.519", TEXT_STRANGE, "v=frame "},
        {"12.5", TEXT_STRANGE, "v=frame "},
        {"8", TEXT_STRANGE, "v=frame "},
        {"12.5 8", TEXT_STRANGE, "v=frame "},
    };
    static const struct line_case sum8[] = {
        {"12.5c6", TEXT_READ, "v=12.5 "},     {"12.5C6", TEXT_READ, "v=12.5 "},
        {"21.5C6", TEXT_READ, "v=21.5 "}, /* what a sum does not see */
        {"12.6C6", TEXT_STRANGE, "v=frame "}, {"noneB0", TEXT_NO_READ, "v=range "},
    };

    EXPECT_LINES(load_profile(*state, "text: {patterns: [{match: '(?<v>.+)'}], checksum: xor8}, "
                                      "tags: [{name: v, at: 'text:v'}]"),
                 xor8);
    EXPECT_LINES(load_profile(*state, "text: {patterns: [{match: '(?<v>.+)'}], checksum: sum8, "
                                      "no_read: [none]}, tags: [{name: v, at: 'text:v'}]"),
                 sum8);
}

static void test_the_first_pattern_that_matches_counts(void **state)
{
    static const struct line_case cases[] = {
        {"A1", TEXT_READ, "a=1 "},
        {"B2", TEXT_READ, "b=2 "},
        {"AB", TEXT_READ, "b=range "},
        {"C", TEXT_STRANGE, "a=frame b=frame "},
    };

    EXPECT_LINES(load_profile(*state, "text: {patterns: [{match: 'A(?<a>\\d)'}, "
                                      "{match: '[AB](?<b>.)'}]}, "
                                      "tags: [{name: a, at: 'text:a'}, {name: b, at: 'text:b'}]"),
                 cases);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, config_set_up, config_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_scales),
        TEST(test_scales_that_are_asked),
        TEST(test_mitutoyo_gauges),
        TEST(test_magnescale_gauges),
        TEST(test_barcode_scanners),
        TEST(test_counter_boxes),
        TEST(test_a_wrong_checksum_is_a_fault),
        TEST(test_the_first_pattern_that_matches_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
