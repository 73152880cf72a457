/* Stores that were damaged while nobody looked, in a hundred ways, by seed: the ledger starts all
 * the same, what can be read arrives, and the rest is declared. */
#include <fcntl.h>
#include <sys/stat.h>

#include "ledger_bench.h"

enum { SEEDS = 50, BATCHES = 150, BATCH = 20, VALUES = BATCHES * BATCH, ACKNOWLEDGED = 600 };

/* What an uplink got that takes all it is owed, at once. */
struct receiver {
    unsigned times[VALUES];
    uint64_t gaps, declared, doubled, wrong;
};

static uint32_t next_random(uint32_t *random)
{
    *random = *random * 1664525U + 1013904223U;
    return *random >> 8;
}

static void copy_file(const char *from, const char *to)
{
    char command[700];
    snprintf(command, sizeof(command), "cp %s %s 2>/dev/null || rm -f %s", from, to, to);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): paths of our own making */
}

static void copy_store(const char *from, const char *to)
{
    static const char *const parts[] = {"", "-wal", "-shm", ".suspect", ".lock"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        char source[200], target[200];
        snprintf(source, sizeof(source), "%s%s", from, parts[i]);
        snprintf(target, sizeof(target), "%s%s", to, parts[i]);
        copy_file(source, target);
    }
}

/* A store with what is owed, to be damaged again and again: as an orderly end leaves it, or with
 * the newest half in its log. */
static void make_original(struct bench *bench, const char *original, bool orderly)
{
    uint32_t source;
    int64_t value = 0;
    open_always(bench);
    assert_int_equal(ledger_sources(bench->ledger, bench->plant, &source), 0);
    for (int i = 0; i < BATCHES; i++) {
        if (i == BATCHES / 2) {
            close_ledger(bench);
            open_always(bench);
        }
        for (int j = 0; j < BATCH; j++)
            put(bench, value++);
        step(bench);
    }
    acknowledge(bench, 1, ACKNOWLEDGED);
    ledger_save_cursors(bench->ledger, audience(bench));
    if (!orderly)
        copy_store(bench->fixture->path, original);
    close_ledger(bench);
    if (orderly)
        copy_store(bench->fixture->path, original);
}

static int64_t file_bytes(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? (int64_t)status.st_size : 0;
}

static void flip_bits(int fd, int64_t bytes, uint32_t *random)
{
    for (uint32_t i = 0, count = 1 + next_random(random) % 30; i < count; i++) {
        off_t at = (off_t)(next_random(random) % (uint32_t)bytes);
        uint8_t byte;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= (uint8_t)(1U << next_random(random) % 8);
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
}

static void write_over(int fd, int64_t bytes, bool zeros, uint32_t *random)
{
    uint8_t rubbish[8192] = {0};
    size_t length = 1 + next_random(random) % sizeof(rubbish);
    for (size_t i = 0; i < length && !zeros; i++)
        rubbish[i] = (uint8_t)next_random(random);
    off_t at = (off_t)(next_random(random) % (uint32_t)bytes);
    if (at + (off_t)length > bytes)
        length = (size_t)(bytes - at);
    assert_int_equal(pwrite(fd, rubbish, length, at), length);
}

/* A log may end anywhere, so that it does not show where it was cut off. */
static void damage(const char *path, bool log, uint32_t seed)
{
    uint32_t random = seed * 2654435761U;
    int64_t bytes = file_bytes(path);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0 && bytes > 0);
    switch (seed % (log ? 4 : 5)) {
    case 0:
    case 1:
        flip_bits(fd, bytes, &random);
        break;
    case 2:
        write_over(fd, bytes, false, &random);
        break;
    case 3:
        write_over(fd, bytes, true, &random);
        break;
    default:
        assert_int_equal(ftruncate(fd, (off_t)(next_random(&random) % (uint32_t)bytes)), 0);
    }
    close(fd);
}

static void receive(struct receiver *receiver, const struct record *record)
{
    if (record->kind == RECORD_GAP) {
        receiver->gaps++;
        receiver->declared += record->gap.missing;
        return;
    }
    assert_int_equal(record->kind, RECORD_READING);
    int64_t value = record->reading.samples[0].value.mantissa;
    if (record->reading.count != 1 || record->reading.source != 1 || value < 0 || value >= VALUES)
        receiver->wrong++;
    else if (receiver->times[value]++ > 0)
        receiver->doubled++;
}

static void receive_batch(struct bench *bench, const struct batch *batch, struct receiver *receiver)
{
    struct record_reader reader = {0};
    struct record record;
    record_reader_start(&reader, batch->body, batch->length);
    while (record_next(&reader, &record) == 1)
        if (ranges_contains(&bench->cloud.owed, batch->first_seq + reader.passed - 1))
            receive(receiver, &record);
    record_reader_free(&reader);
}

static void declare(struct receiver *receiver, uint64_t missing)
{
    receiver->gaps++;
    receiver->declared += missing;
}

static bool miss(struct bench *bench, struct receiver *receiver, uint64_t first, uint64_t end)
{
    int error = store_miss(ledger_store(bench->ledger), first);
    if (error == -ENOENT)
        declare(receiver, ranges_count_below(&bench->cloud.owed, end) -
                              ranges_count_below(&bench->cloud.owed, first));
    if (error == 0 || error == -ENOENT)
        acknowledge(bench, first, end - 1);
    return error == 0 || error == -ENOENT;
}

/* As delivery_rounds.c does. False when nothing is owed any more, or nothing can be read. */
static bool deliver_next(struct bench *bench, struct receiver *receiver)
{
    struct batch batch = {0};
    uint64_t seq, end = ledger_next_seq(bench->ledger);
    if (!ranges_next(&bench->cloud.owed, 0, &seq) || seq >= end)
        return false;
    int error = store_read(ledger_store(bench->ledger), seq, end - 1, &batch);
    if (error == -ENOENT)
        return miss(bench, receiver, seq, end);
    if (error < 0 && error != -EBADMSG)
        return false;
    if (batch.first_seq > seq && !miss(bench, receiver, seq, batch.first_seq)) {
        free(batch.body);
        return false;
    }
    if (error == 0)
        receive_batch(bench, &batch, receiver);
    else
        declare(receiver, batch.count);
    free(batch.body);
    acknowledge(bench, seq, batch.first_seq + batch.count - 1);
    return true;
}

static void deliver_all(struct bench *bench, struct receiver *receiver)
{
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 20; i++)
            step_after(bench, 20);
        while (deliver_next(bench, receiver))
            ;
        store_check(ledger_store(bench->ledger), true);
    }
}

/* As delivery_new does. */
static void load_cursor(struct bench *bench)
{
    ranges_free(&bench->cloud.owed);
    if (store_load_cursor(ledger_store(bench->ledger), "cloud", &bench->cloud.owed) < 0)
        ranges_add(&bench->cloud.owed, ledger_next_seq(bench->ledger), SEQ_END);
}

static uint64_t count_received(const struct receiver *receiver)
{
    uint64_t received = 0;
    for (int value = ACKNOWLEDGED; value < VALUES; value++)
        received += receiver->times[value] > 0;
    return received;
}

static void start_on(struct bench *bench, struct receiver *receiver)
{
    uint32_t source;
    open_always(bench);
    int error = ledger_sources(bench->ledger, bench->plant, &source);
    if (error < 0 && ledger_mend(bench->ledger, (struct audience){0}))
        error = ledger_sources(bench->ledger, bench->plant, &source);
    assert_int_equal(error, 0);
    load_cursor(bench);
    deliver_all(bench, receiver);
    assert_string_not_equal(store_id(ledger_store(bench->ledger)), "");
    close_ledger(bench);
}

struct sum {
    uint64_t received, declared, undeclared,
        doubled;    /* undeclared: there is a gap, of unknown size */
    unsigned clean; /* stores of which all arrived */
};

static void remove_mark(const char *path)
{
    char lock[140];
    snprintf(lock, sizeof(lock), "%s.lock", path);
    assert_int_equal(unlink(lock), 0);
}

static void survive_damages(struct bench *bench, bool orderly, struct sum *sum)
{
    char original[120], target[140], aside[140];
    snprintf(original, sizeof(original), "%s/original", bench->fixture->folder);
    make_original(bench, original, orderly);
    for (uint32_t seed = 0; seed < SEEDS; seed++) {
        struct receiver receiver = {0};
        copy_store(original, bench->fixture->path);
        bool log = !orderly && seed % 2 == 1;
        snprintf(target, sizeof(target), "%s%s", bench->fixture->path, log ? "-wal" : "");
        damage(target, log, seed);
        bool marked = seed % 4 < 2;
        if (!marked)
            remove_mark(bench->fixture->path);
        start_on(bench, &receiver);
        assert_int_equal(receiver.wrong, 0);
        uint64_t owed = VALUES - ACKNOWLEDGED, received = count_received(&receiver);
        uint64_t known = received + receiver.declared;
        sum->received += received;
        sum->declared += receiver.declared;
        sum->doubled += receiver.doubled;
        sum->clean += received == owed;
        if (known < owed) {
            print_message("seed %u: %d of %d neither arrived nor declared\n", seed,
                          (int)(owed - known), (int)owed);
            assert_true(!marked && receiver.gaps > 0);
            sum->undeclared += owed - known;
        }
        snprintf(aside, sizeof(aside), "rm -f %s*damaged*", bench->fixture->path);
        assert_int_equal(system(aside), 0); /* NOLINT(cert-env33-c): a path of our own making */
    }
    print_message("of %d readings each: %d received, %d declared, %d neither, %d doubled; %u of "
                  "%d stores gave all\n",
                  VALUES - ACKNOWLEDGED, (int)(sum->received / SEEDS), (int)(sum->declared / SEEDS),
                  (int)(sum->undeclared / SEEDS), (int)(sum->doubled / SEEDS), sum->clean, SEEDS);
}

static void test_ledger_survives_damage_to_a_store_at_rest(void **state)
{
    struct sum sum = {0};
    survive_damages(*state, true, &sum);
}

static void test_ledger_survives_damage_to_a_store_with_a_log(void **state)
{
    struct sum sum = {0};
    survive_damages(*state, false, &sum);
}

/* Of a file that begins with rubbish the machines' numbers are known, but the new store begins with
 * numbers of its own. */
static void test_ledger_salvages_an_event_under_its_machines_new_number(void **state)
{
    struct bench *bench = *state;
    struct tag tag = {.name = "t"};
    const struct machine gone = {.name = "gone", .tags = &tag, .tag_count = 1};
    struct event event = {.at = {.wall_ms = 77, .synced = true}, .name = "stop"};
    struct record record;
    uint32_t source;
    open_always(bench);
    assert_int_equal(store_source_id(ledger_store(bench->ledger), &gone, &source), 0);
    assert_int_equal(ledger_sources(bench->ledger, bench->plant, &event.source), 0);
    assert_int_not_equal(event.source, 1);
    queue_event(bench, &event);
    step(bench);
    ledger_save_cursors(bench->ledger, audience(bench));
    close_ledger(bench);
    int fd = open(bench->fixture->path, O_RDWR);
    assert_int_equal(pwrite(fd, "rubbish", 7, 0), 7);
    close(fd);

    open_always(bench);
    assert_int_equal(ledger_sources(bench->ledger, bench->plant, &source), 0);
    assert_int_equal(source, 1);
    for (int i = 0; i < 20; i++)
        step_after(bench, 20);
    assert_true(read_record(bench, 1, &record));
    assert_int_equal(record.kind, RECORD_EVENT);
    assert_int_equal(record.event.source, 1);
    assert_int_equal(record.event.at.wall_ms, 77);
    assert_string_equal(record.event.name, "stop");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(test_ledger_survives_damage_to_a_store_at_rest),
        LEDGER_TEST(test_ledger_survives_damage_to_a_store_with_a_log),
        LEDGER_TEST(test_ledger_salvages_an_event_under_its_machines_new_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
