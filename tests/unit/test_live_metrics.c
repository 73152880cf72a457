/* Reads what live_metrics writes by the rules of Prometheus's text format 0.0.4, as promtool does,
 * and looks values up in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "live.h"
#include "live_alarm.h"
#include "log.h"
#include "memory.h"

enum { MAX_FAMILIES = 64, MAX_SAMPLES = 512 };

struct sample_line {
    char name[96], labels[256];
    double value;
};

struct family {
    char name[96], type[16];
    size_t first_sample;
};

struct exposition {
    struct family families[MAX_FAMILIES];
    size_t family_count;
    struct sample_line samples[MAX_SAMPLES];
    size_t sample_count;
};

static bool is_name(const char *name)
{
    if (!isalpha((unsigned char)name[0]) && name[0] != '_')
        return false;
    for (const char *at = name; *at != '\0'; at++)
        if (!isalnum((unsigned char)*at) && *at != '_')
            return false;
    return true;
}

static void take_family(struct exposition *out, const char *line)
{
    struct family *family = &out->families[out->family_count++];
    assert_int_equal(sscanf(line, "# TYPE %95s %15s", family->name, family->type), 2);
    assert_true(is_name(family->name));
    assert_true(strcmp(family->type, "counter") == 0 || strcmp(family->type, "gauge") == 0 ||
                strcmp(family->type, "histogram") == 0);
    /* promtool: only counters are totals, and all of them are */
    size_t length = strlen(family->name);
    bool total = length > 6 && strcmp(family->name + length - 6, "_total") == 0;
    assert_int_equal(total, strcmp(family->type, "counter") == 0);
    for (size_t i = 0; i + 1 < out->family_count; i++)
        assert_string_not_equal(out->families[i].name, family->name);
    family->first_sample = out->sample_count;
}

/* {a="b",c="d"}: returns what follows the brace. */
static const char *check_labels(const char *at)
{
    char name[64];
    do {
        size_t length = strcspn(++at, "=");
        assert_true(length < sizeof(name));
        snprintf(name, sizeof(name), "%.*s", (int)length, at);
        assert_true(is_name(name));
        at += length + 1;
        assert_int_equal(*at++, '"');
        for (; *at != '"'; at++) {
            assert_true(*at != '\0');
            if (*at == '\\')
                assert_non_null(strchr("\\\"n", *++at));
        }
        at++;
    } while (*at == ',');
    assert_int_equal(*at, '}');
    return at + 1;
}

static void take_sample(struct exposition *out, const char *line)
{
    struct sample_line *sample = &out->samples[out->sample_count++];
    assert_true(out->sample_count < MAX_SAMPLES);
    size_t length = strcspn(line, "{ ");
    snprintf(sample->name, sizeof(sample->name), "%.*s", (int)length, line);
    assert_true(is_name(sample->name));
    const char *at = line + length;
    if (*at == '{') {
        const char *end = check_labels(at);
        snprintf(sample->labels, sizeof(sample->labels), "%.*s", (int)(end - at), at);
        at = end;
    }
    assert_int_equal(*at, ' ');
    char *end;
    sample->value = strtod(at + 1, &end);
    assert_int_equal(*end, '\0');
    assert_true(isfinite(sample->value));
    /* each sample belongs to the family just begun, and none comes twice */
    const struct family *family = &out->families[out->family_count - 1];
    assert_int_equal(strncmp(sample->name, family->name, strlen(family->name)), 0);
    if (strcmp(family->type, "histogram") != 0)
        assert_string_equal(sample->name, family->name);
    for (size_t i = 0; i + 1 < out->sample_count; i++)
        assert_false(strcmp(out->samples[i].name, sample->name) == 0 &&
                     strcmp(out->samples[i].labels, sample->labels) == 0);
}

static struct exposition *parse(const struct text *text)
{
    struct exposition *out = mem_alloc(sizeof(*out));
    char *copy = mem_string(text->data), *rest = copy, *line;
    char helped[96] = "";
    assert_int_equal(text->data[text->length - 1], '\n');
    assert_int_equal(strlen(text->data), text->length);
    while ((line = strsep(&rest, "\n")) != NULL && rest != NULL) {
        if (strncmp(line, "# HELP ", 7) == 0) {
            assert_int_equal(sscanf(line, "# HELP %95s", helped), 1);
            assert_true(strlen(line) > 7 + strlen(helped) + 1);
        } else if (strncmp(line, "# TYPE ", 7) == 0) {
            take_family(out, line);
            assert_string_equal(out->families[out->family_count - 1].name, helped);
        } else {
            take_sample(out, line);
        }
    }
    free(copy);
    return out;
}

static double value_of(const struct exposition *from, const char *name, const char *labels)
{
    for (size_t i = 0; i < from->sample_count; i++)
        if (strcmp(from->samples[i].name, name) == 0 &&
            strcmp(from->samples[i].labels, labels) == 0)
            return from->samples[i].value;
    fail_msg("no %s%s", name, labels);
    return 0;
}

/* --- a plant of one machine on each of two links --- */

static struct tag tags[] = {{.name = "a", .type = TYPE_U16}};
static const struct link links[] = {{.name = "l1"}, {.name = "l2"}};
static const struct machine machines[] = {
    {.name = "m1", .link = &links[0], .tags = tags, .tag_count = 1},
    {.name = "m2", .link = &links[1], .tags = tags, .tag_count = 1},
    {.name = "m3", .link = &links[1], .tags = tags, .tag_count = 1},
};
static const struct plant plant = {.gateway = "gw", .site = "s\\i\"t\ne"};

struct bench {
    struct live *live;
    struct live_link *links[2];
    struct live_machine *machines[3];
};

static struct bench bench_new(void)
{
    struct bench bench = {.live = live_new()};
    for (size_t i = 0; i < 2; i++)
        bench.links[i] = live_add_link(bench.live, &links[i]);
    for (size_t i = 0; i < 3; i++)
        bench.machines[i] = live_add_machine(bench.live, &machines[i]);
    return bench;
}

static void bench_free(struct bench *bench)
{
    for (size_t i = 0; i < 3; i++)
        live_remove_machine(bench->live, bench->machines[i]);
    for (size_t i = 0; i < 2; i++)
        live_remove_link(bench->live, bench->links[i]);
    live_free(bench->live);
}

static struct exposition *expose(const struct bench *bench)
{
    struct text text = {0};
    struct instant now = {.synced = true};
    live_metrics(bench->live, &plant, &now, &text);
    struct exposition *exposition = parse(&text);
    text_free(&text);
    return exposition;
}

static void polled(struct bench *bench, size_t machine, enum quality reason)
{
    const struct instant at = {.wall_ms = 1};
    live_polled(bench->live, bench->machines[machine], NULL, 0, &at, reason);
}

static void test_metrics_of_a_gateway_that_has_done_nothing_are_well_formed(void **state)
{
    struct bench bench = bench_new();
    (void)state;
    struct exposition *all = expose(&bench);
    assert_true(value_of(all, "bindery_readings_taken_total", "") == 0);
    assert_true(value_of(all, "bindery_clock_synchronised", "") == 1);
    assert_true(value_of(all, "bindery_poll_duration_seconds_count", "") == 0);
    free(all);
    bench_free(&bench);
}

static void test_metrics_count_polls_by_link_and_result(void **state)
{
    struct bench bench = bench_new();
    (void)state;
    for (int i = 0; i < 3; i++)
        polled(&bench, 0, QUALITY_GOOD);
    polled(&bench, 1, QUALITY_TIMEOUT);
    polled(&bench, 1, QUALITY_FRAME);
    atomic_fetch_add(&bench.links[1]->discarded, 4);
    struct exposition *all = expose(&bench);
    const char *name = "bindery_polls_total";
    assert_true(value_of(all, name, "{link=\"l1\",result=\"good\"}") == 3);
    assert_true(value_of(all, name, "{link=\"l1\",result=\"timeout\"}") == 0);
    assert_true(value_of(all, name, "{link=\"l2\",result=\"timeout\"}") == 1);
    assert_true(value_of(all, name, "{link=\"l2\",result=\"frame\"}") == 1);
    assert_true(value_of(all, "bindery_frames_discarded_total", "{link=\"l2\"}") == 4);
    assert_true(value_of(all, "bindery_machine_online", "{machine=\"m1\"}") == 1);
    assert_true(value_of(all, "bindery_machine_online", "{machine=\"m2\"}") == 0);
    assert_true(value_of(all, "bindery_machines", "{state=\"online\"}") == 1);
    assert_true(value_of(all, "bindery_machines", "{state=\"offline\"}") == 1);
    assert_true(value_of(all, "bindery_machines", "{state=\"unknown\"}") == 1);
    free(all);
    bench_free(&bench);
}

static void test_metrics_tell_of_store_and_uplinks(void **state)
{
    struct bench bench = bench_new();
    const struct live_store store = {
        .id = "a", .bytes = 4096, .next_seq = 101, .dropped = {[GAP_REFUSED] = 5}, .error = 28};
    const struct live_uplink uplinks[] = {
        {.name = "cloud", .connected = true, .pending = 7, .acknowledged = 93, .connects = 2},
        {.name = "other", .strays = 1}};
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    live_set_store(bench.live, &store);
    live_set_uplinks(bench.live, uplinks, 2);
    struct exposition *all = expose(&bench);
    assert_true(value_of(all, "bindery_readings_taken_total", "") == 100);
    assert_true(value_of(all, "bindery_store_bytes", "") == 4096);
    assert_true(value_of(all, "bindery_store_writable", "") == 0);
    assert_true(
        value_of(all, "bindery_readings_dropped_total", "{reason=\"refused by the broker\"}") == 5);
    assert_true(value_of(all, "bindery_readings_dropped_total", "{reason=\"store full\"}") == 0);
    assert_true(value_of(all, "bindery_readings_pending", "{uplink=\"cloud\"}") == 7);
    assert_true(value_of(all, "bindery_readings_acknowledged_total", "{uplink=\"cloud\"}") == 93);
    assert_true(value_of(all, "bindery_uplink_connected", "{uplink=\"cloud\"}") == 1);
    assert_true(value_of(all, "bindery_uplink_connected", "{uplink=\"other\"}") == 0);
    assert_true(value_of(all, "bindery_uplink_connects_total", "{uplink=\"cloud\"}") == 2);
    assert_true(
        value_of(all, "bindery_uplink_stray_acknowledgements_total", "{uplink=\"other\"}") == 1);
    assert_true(value_of(all, "bindery_alarm", "{name=\"disk_full\",subject=\"store\"}") == 1);
    free(all);
    bench_free(&bench);
}

static void test_metrics_escape_what_labels_may_not_hold(void **state)
{
    struct bench bench = bench_new();
    (void)state;
    struct exposition *all = expose(&bench);
    assert_true(value_of(all, "bindery_info",
                         "{gateway=\"gw\",site=\"s\\\\i\\\"t\\ne\",version=\"" BINDERY_VERSION
                         "\"}") == 1);
    free(all);
    bench_free(&bench);
}

/* Buckets grow, the last is the count, and each holds what lies at or below its bound. */
static void check_histogram(const struct exposition *all, const char *name, const double *values,
                            size_t count)
{
    char bucket[96], total[96], sum[96];
    double before = -1, bound_before = -1, expected_sum = 0;
    size_t buckets = 0;
    snprintf(bucket, sizeof(bucket), "%s_bucket", name);
    snprintf(total, sizeof(total), "%s_count", name);
    snprintf(sum, sizeof(sum), "%s_sum", name);
    for (size_t i = 0; i < all->sample_count; i++) {
        const struct sample_line *sample = &all->samples[i];
        if (strcmp(sample->name, bucket) != 0)
            continue;
        double bound = strtod(strchr(sample->labels, '"') + 1, NULL);
        double below = 0;
        for (size_t j = 0; j < count; j++)
            below += values[j] <= bound;
        assert_true(sample->value == below);
        assert_true(bound > bound_before && sample->value >= before);
        before = sample->value;
        bound_before = bound;
        buckets++;
    }
    assert_true(buckets >= 10 && isinf(bound_before));
    assert_true(value_of(all, total, "") == before);
    for (size_t j = 0; j < count; j++)
        expected_sum += values[j];
    assert_true(fabs(value_of(all, sum, "") - expected_sum) < 1e-6);
}

static void test_metrics_histograms_hold_what_was_observed(void **state)
{
    static const double lateness[] = {0, 0.0004, 0.0031, 0.0031, 0.0195, 0.3, 0.999, 1.7, 70};
    static const double duration[] = {0.0001, 0.001, 0.0011, 0.02, 0.02, 0.26, 1, 4.9, 5.1, 60};
    struct bench bench = bench_new();
    (void)state;
    for (size_t i = 0; i < sizeof(lateness) / sizeof(lateness[0]); i++)
        live_lateness(bench.live, (int64_t)llround(lateness[i] * 1e9));
    for (size_t i = 0; i < sizeof(duration) / sizeof(duration[0]); i++)
        live_duration(bench.live, (int64_t)llround(duration[i] * 1e9));
    struct exposition *all = expose(&bench);
    check_histogram(all, "bindery_poll_lateness_seconds", lateness,
                    sizeof(lateness) / sizeof(lateness[0]));
    check_histogram(all, "bindery_poll_duration_seconds", duration,
                    sizeof(duration) / sizeof(duration[0]));
    free(all);
    bench_free(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics_of_a_gateway_that_has_done_nothing_are_well_formed),
        cmocka_unit_test(test_metrics_count_polls_by_link_and_result),
        cmocka_unit_test(test_metrics_tell_of_store_and_uplinks),
        cmocka_unit_test(test_metrics_escape_what_labels_may_not_hold),
        cmocka_unit_test(test_metrics_histograms_hold_what_was_observed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
