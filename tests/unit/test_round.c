#include <string.h>

#include "round.h"
#include "store_fixture.h"

enum { RECORD_FROM_THE_FUTURE = 9 };

static const struct tag tags[] = {{.name = "count"}};
static const struct machine binder = {
    .name = "binder-1", .tags = (struct tag *)tags, .tag_count = 1};
static const struct machine trimmer = {
    .name = "trimmer-1", .tags = (struct tag *)tags, .tag_count = 1};

struct bench {
    struct fixture *fixture;
    uint32_t binder, trimmer; /* sources */
    struct uplink_settings uplink;
    struct round_context context;
    struct text body; /* of the batch that is being made */
    uint32_t count;
    struct held_batch *batches[4];
    size_t batch_count;
    uint64_t next_seq;
    struct round *round;
    struct text topic, payload;
};

static int set_up(void **state)
{
    struct bench *bench = mem_alloc(sizeof(*bench));
    void *fixture;
    if (fixture_set_up(&fixture) != 0)
        return -1;
    bench->fixture = fixture;
    fixture_open(bench->fixture);
    store_source_id(bench->fixture->store, &binder, &bench->binder);
    store_source_id(bench->fixture->store, &trimmer, &bench->trimmer);
    bench->uplink = (struct uplink_settings){.name = "cloud", .topic = "plant"};
    bench->context = (struct round_context){.store = bench->fixture->store,
                                            .gateway = "gateway-1",
                                            .uplink = &bench->uplink,
                                            .message_limit = 64 * 1024};
    bench->next_seq = 1;
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    void *fixture = bench->fixture;
    round_free(bench->round);
    for (size_t i = 0; i < bench->batch_count; i++) {
        assert_int_equal(bench->batches[i]->holders, 1);
        held_batch_drop(bench->batches[i]);
    }
    text_free(&bench->body);
    text_free(&bench->topic);
    text_free(&bench->payload);
    free(bench);
    return fixture_tear_down(&fixture);
}

static void add(struct bench *bench, uint32_t source, int64_t value)
{
    struct sample sample = {.value = {.kind = VALUE_DECIMAL, .mantissa = value}};
    struct reading reading = {
        .source = source, .count = 1, .at = {.wall_ms = 5, .synced = true}, .samples = &sample};
    record_add_reading(&bench->body, &reading);
    bench->count++;
}

static void add_event(struct bench *bench, uint32_t source, const char *name)
{
    struct event event = {.source = source,
                          .count = 1,
                          .at = {.boot_ms = 3, .wall_ms = 6, .synced = true},
                          .fields = {{"ms", {.kind = VALUE_DECIMAL, .mantissa = 20}}}};
    strcpy(event.name, name);
    record_add_event(&bench->body, &event);
    bench->count++;
}

static void add_gap(struct bench *bench)
{
    const struct gap gap = {.why = GAP_STORE_FULL, .missing = 7, .from_ms = 1, .to_ms = 2};
    record_add_gap(&bench->body, &gap);
    bench->count++;
}

static void close_batch(struct bench *bench)
{
    struct batch batch = {.first_seq = bench->next_seq,
                          .count = bench->count,
                          .boot = 1,
                          .body = (uint8_t *)bench->body.data,
                          .length = bench->body.length};
    bench->batches[bench->batch_count++] = held_batch_new(&batch, 0);
    bench->next_seq += bench->count;
    bench->body = (struct text){0};
    bench->count = 0;
}

static void start(struct bench *bench)
{
    if (bench->count > 0)
        close_batch(bench);
    bench->round = round_new(bench->batches, bench->batch_count, bench->fixture->store);
}

static void begin_again(struct bench *bench)
{
    round_free(bench->round);
    bench->round = NULL;
    while (bench->batch_count > 0)
        held_batch_drop(bench->batches[--bench->batch_count]);
    bench->next_seq = 1;
}

static bool next(struct bench *bench)
{
    return round_next(bench->round, &bench->context, &bench->topic, &bench->payload);
}

static void assert_next(struct bench *bench, const char *topic, const char *part)
{
    assert_true(next(bench));
    assert_string_equal(bench->topic.data, topic);
    if (strstr(bench->payload.data, part) == NULL)
        fail_msg("%s is not in %s", part, bench->payload.data);
}

/* How often a number stands in the message as a reading's. */
static unsigned count_seq(const struct text *payload)
{
    unsigned count = 0;
    for (const char *at = payload->data; (at = strstr(at, "\"seq\":")) != NULL; at++)
        count++;
    return count;
}

static void test_round_makes_a_message_a_machine_over_all_its_batches(void **state)
{
    struct bench *bench = *state;
    add(bench, bench->binder, 10);
    add(bench, bench->trimmer, 20);
    close_batch(bench);
    add(bench, bench->binder, 11);
    start(bench);
    assert_int_equal(round_damaged(bench->round), 0);
    assert_next(bench, "plant/binder-1/readings", "\"seq\":1,\"ts\":5,\"values\":{\"count\":10}");
    assert_non_null(strstr(bench->payload.data, "\"seq\":3,\"ts\":5,\"values\":{\"count\":11}"));
    assert_int_equal(count_seq(&bench->payload), 2);
    assert_next(bench, "plant/trimmer-1/readings", "\"seq\":2,");
    assert_int_equal(count_seq(&bench->payload), 1);
    assert_false(next(bench));
}

static void test_round_gathers_all_machines_of_a_gateway(void **state)
{
    struct bench *bench = *state;
    bench->uplink.gather = GATHER_GATEWAY;
    add(bench, bench->trimmer, 20);
    add(bench, bench->binder, 10);
    start(bench);
    assert_next(bench, "plant/readings", "\"binder-1\":[{\"seq\":2,");
    assert_non_null(strstr(bench->payload.data, "\"trimmer-1\":[{\"seq\":1,"));
    assert_false(next(bench));
}

static void test_round_sends_each_gap_by_itself(void **state)
{
    struct bench *bench = *state;
    add_gap(bench);
    add(bench, bench->binder, 10);
    add_gap(bench);
    start(bench);
    assert_next(bench, "plant/gaps", "\"seq\":1,");
    assert_non_null(strstr(bench->payload.data, "\"missing\":7,\"why\":\"store full\""));
    assert_next(bench, "plant/gaps", "\"seq\":3,");
    assert_next(bench, "plant/binder-1/readings", "\"seq\":2,");
    assert_false(next(bench));
}

static void test_round_sends_each_event_by_itself_on_its_machines_topic(void **state)
{
    struct bench *bench = *state;
    for (int gather = GATHER_MACHINE; gather <= GATHER_GATEWAY; gather++) {
        bench->uplink.gather = (enum uplink_gather)gather;
        add(bench, bench->binder, 10);
        add_event(bench, bench->binder, "stop");
        add(bench, bench->binder, 11);
        add_event(bench, bench->trimmer, "reset");
        add_event(bench, bench->binder, "stop");
        start(bench);
        assert_int_equal(round_damaged(bench->round), 0);
        assert_next(bench, "plant/binder-1/events",
                    "{\"seq\":2,\"ts\":6,\"event\":\"stop\",\"ms\":20,\"gateway\":\"gateway-1\","
                    "\"machine\":\"binder-1\",\"store\":\"");
        assert_next(bench, "plant/binder-1/events", "{\"seq\":5,");
        assert_next(bench, "plant/trimmer-1/events", "{\"seq\":4,");
        assert_next(bench, gather == GATHER_GATEWAY ? "plant/readings" : "plant/binder-1/readings",
                    "{\"seq\":1,");
        assert_int_equal(count_seq(&bench->payload), 2);
        assert_false(next(bench));
        begin_again(bench);
    }
}

static void test_round_corrects_an_events_time_as_a_readings(void **state)
{
    struct bench *bench = *state;
    struct event event = {
        .source = bench->binder, .at = {.boot_ms = 1000, .wall_ms = 6}, .name = "stop"};
    uint32_t boot;
    assert_int_equal(store_boot(bench->fixture->store, "b00t", &boot), 0);
    assert_int_equal(boot, 1);
    record_add_event(&bench->body, &event);
    bench->count++;
    start(bench);
    assert_next(bench, "plant/binder-1/events", "\"ts\":6,\"clock\":\"unsynced\",\"event\"");
    assert_int_equal(store_set_boot_offset(bench->fixture->store, boot, 50000), 0);
    round_rewind(bench->round);
    assert_next(bench, "plant/binder-1/events", "\"ts\":51000,\"clock\":\"corrected\",\"event\"");
}

static void test_round_divides_what_passes_the_limit_and_skips_nothing(void **state)
{
    struct bench *bench = *state;
    unsigned readings = 0, messages = 0;
    bench->context.message_limit = 300;
    for (int i = 0; i < 50; i++)
        add(bench, bench->binder, i);
    start(bench);
    while (next(bench)) {
        assert_true(bench->payload.length < 400);
        const struct round_message *message = &bench->round->messages[messages++];
        assert_int_equal(message->first_item, readings);
        assert_int_equal(message->item_count, count_seq(&bench->payload));
        readings += message->item_count;
    }
    assert_int_equal(readings, 50);
    assert_true(messages > 5);
}

static void test_round_tells_a_single_reading_beyond_the_limit(void **state)
{
    struct bench *bench = *state;
    bench->context.message_limit = 1;
    for (int gather = GATHER_MACHINE; gather <= GATHER_GATEWAY; gather++)
        add(bench, bench->binder, gather);
    start(bench);
    assert_next(bench, "plant/binder-1/readings", "\"seq\":1,");
    assert_next(bench, "plant/binder-1/readings", "\"seq\":2,");
    assert_false(next(bench));
}

static void test_round_is_done_when_all_is_sent_and_acknowledged(void **state)
{
    struct bench *bench = *state;
    add(bench, bench->binder, 10);
    add(bench, bench->trimmer, 20);
    start(bench);
    assert_false(round_is_done(bench->round));
    assert_true(next(bench));
    bench->round->acknowledged++;
    assert_false(round_is_done(bench->round));
    assert_true(next(bench));
    assert_false(round_is_done(bench->round));
    bench->round->acknowledged++;
    assert_true(round_is_done(bench->round));
}

static void test_round_says_the_same_again_after_a_rewind(void **state)
{
    struct bench *bench = *state;
    add(bench, bench->binder, 10);
    add(bench, bench->trimmer, 20);
    start(bench);
    assert_true(next(bench));
    char *before = mem_string(bench->payload.data);
    bench->round->acknowledged++;
    round_rewind(bench->round);
    assert_false(round_is_done(bench->round));
    assert_int_equal(bench->round->message_count, 0);
    assert_true(next(bench));
    assert_string_equal(bench->payload.data, before);
    assert_true(next(bench));
    assert_false(next(bench));
    free(before);
}

static void test_round_keeps_its_batches_while_others_let_go(void **state)
{
    struct bench *bench = *state;
    add(bench, bench->binder, 10);
    start(bench);
    held_batch_drop(bench->batches[0]);
    bench->batch_count = 0;
    assert_next(bench, "plant/binder-1/readings", "\"seq\":1,");
}

static void test_round_knows_the_numbers_it_covers(void **state)
{
    struct bench *bench = *state;
    bench->next_seq = 100;
    add(bench, bench->binder, 10);
    close_batch(bench);
    add(bench, bench->binder, 11);
    add(bench, bench->binder, 12);
    start(bench);
    assert_int_equal(round_first_seq(bench->round), 100);
    assert_int_equal(round_last_seq(bench->round), 102);
}

static void test_round_leaves_out_and_counts_an_unknown_source(void **state)
{
    struct bench *bench = *state;
    add(bench, bench->binder, 10);
    add(bench, 77, 0);
    add(bench, bench->binder, 12);
    start(bench);
    assert_int_equal(round_damaged(bench->round), 1);
    assert_next(bench, "plant/binder-1/readings", "\"seq\":3,\"ts\":5,\"values\":{\"count\":12}");
    assert_int_equal(count_seq(&bench->payload), 2);
    assert_false(next(bench));
}

static void test_round_leaves_out_and_counts_an_event_of_an_unknown_source(void **state)
{
    struct bench *bench = *state;
    add_event(bench, 77, "stop");
    add(bench, bench->binder, 12);
    start(bench);
    assert_int_equal(round_damaged(bench->round), 1);
    assert_next(bench, "plant/binder-1/readings", "\"seq\":2,");
    assert_false(next(bench));
}

static void test_round_sends_an_event_of_the_gateways_own_beside_the_machines(void **state)
{
    struct bench *bench = *state;
    add_event(bench, 0, "clock_step");
    start(bench);
    assert_int_equal(round_damaged(bench->round), 0);
    assert_next(bench, "plant/events", "\"event\":\"clock_step\"");
    assert_null(strstr(bench->payload.data, "machine"));
    assert_false(next(bench));
}

static void test_round_counts_a_damaged_event_and_all_behind_it(void **state)
{
    struct bench *bench = *state;
    add(bench, bench->binder, 10);
    add_event(bench, bench->binder, "stop");
    bench->body.data[bench->body.length - 3] = 14; /* the form, before two bytes of value */
    add(bench, bench->binder, 12);
    start(bench);
    assert_int_equal(round_damaged(bench->round), 2);
    assert_next(bench, "plant/binder-1/readings", "\"seq\":1,");
    assert_false(next(bench));
}

static void test_round_counts_all_behind_the_first_damaged_record(void **state)
{
    struct bench *bench = *state;
    add(bench, bench->binder, 10);
    size_t length = bench->body.length;
    add(bench, bench->binder, 11);
    add(bench, bench->binder, 12);
    bench->body.data[length] = 0;
    start(bench);
    assert_int_equal(round_damaged(bench->round), 2);
    assert_next(bench, "plant/binder-1/readings", "\"seq\":1,");
    assert_int_equal(count_seq(&bench->payload), 1);
}

static void test_round_leaves_out_and_counts_a_reading_with_damaged_samples(void **state)
{
    struct bench *bench = *state;
    add(bench, bench->binder, 10);
    add(bench, bench->binder, 11);
    size_t length = bench->body.length;
    add(bench, bench->binder, 12);
    bench->body.data[length - 3] = 14; /* the form of the only run, before two bytes of value */
    start(bench);
    for (int i = 0; i < 2; i++) {
        assert_next(bench, "plant/binder-1/readings", "\"seq\":3,");
        assert_int_equal(count_seq(&bench->payload), 2);
        assert_false(next(bench));
        assert_int_equal(round_damaged(bench->round), 1);
        round_rewind(bench->round);
    }
}

static void test_round_of_damage_alone_is_done_at_once(void **state)
{
    struct bench *bench = *state;
    add(bench, 77, 0);
    start(bench);
    assert_int_equal(round_damaged(bench->round), 1);
    assert_true(round_is_done(bench->round));
    assert_false(next(bench));
}

/* A later version's records have numbers like all others, though we can't tell what they say. */
static void test_round_numbers_rightly_behind_a_record_of_unknown_kind(void **state)
{
    struct bench *bench = *state;
    add(bench, bench->binder, 10);
    text_add_bytes(&bench->body, (const char[]){RECORD_FROM_THE_FUTURE, 2, 1, 1}, 4);
    bench->count++;
    add(bench, bench->binder, 12);
    start(bench);
    assert_int_equal(round_damaged(bench->round), 1);
    assert_next(bench, "plant/binder-1/readings", "\"seq\":3,\"ts\":5,\"values\":{\"count\":12}");
}

#define ROUND_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROUND_TEST(test_round_makes_a_message_a_machine_over_all_its_batches),
        ROUND_TEST(test_round_gathers_all_machines_of_a_gateway),
        ROUND_TEST(test_round_sends_each_gap_by_itself),
        ROUND_TEST(test_round_sends_each_event_by_itself_on_its_machines_topic),
        ROUND_TEST(test_round_corrects_an_events_time_as_a_readings),
        ROUND_TEST(test_round_divides_what_passes_the_limit_and_skips_nothing),
        ROUND_TEST(test_round_tells_a_single_reading_beyond_the_limit),
        ROUND_TEST(test_round_is_done_when_all_is_sent_and_acknowledged),
        ROUND_TEST(test_round_says_the_same_again_after_a_rewind),
        ROUND_TEST(test_round_keeps_its_batches_while_others_let_go),
        ROUND_TEST(test_round_knows_the_numbers_it_covers),
        ROUND_TEST(test_round_leaves_out_and_counts_an_unknown_source),
        ROUND_TEST(test_round_sends_an_event_of_the_gateways_own_beside_the_machines),
        ROUND_TEST(test_round_leaves_out_and_counts_an_event_of_an_unknown_source),
        ROUND_TEST(test_round_counts_a_damaged_event_and_all_behind_it),
        ROUND_TEST(test_round_counts_all_behind_the_first_damaged_record),
        ROUND_TEST(test_round_leaves_out_and_counts_a_reading_with_damaged_samples),
        ROUND_TEST(test_round_of_damage_alone_is_done_at_once),
        ROUND_TEST(test_round_numbers_rightly_behind_a_record_of_unknown_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
