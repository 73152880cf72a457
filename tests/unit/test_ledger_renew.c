/* A store that is deleted or damaged under the ledger: taken = acknowledged + stored + declared. */
#include <fcntl.h>
#include <sys/stat.h>

#include "ledger_inventory.h"
#include "sql.h"

static void overwrite(const char *path, off_t at, size_t length)
{
    uint8_t rubbish[1000];
    uint32_t random = 4711;
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    while (length > 0) {
        size_t part = length < sizeof(rubbish) ? length : sizeof(rubbish);
        for (size_t i = 0; i < part; i++) {
            random = random * 1664525U + 1013904223U;
            rubbish[i] = (uint8_t)(random >> 24);
        }
        assert_int_equal(pwrite(fd, rubbish, part, at), part);
        at += (off_t)part;
        length -= part;
    }
    close(fd);
}

static int64_t file_bytes(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_size;
}

/* As a delivery would that is behind. */
static void read_until_damaged(struct bench *bench)
{
    struct batch batch;
    int error = 0;
    for (uint64_t seq = 1; error == 0 && seq < ledger_next_seq(bench->ledger); seq++) {
        batch.body = NULL;
        error = store_read(ledger_store(bench->ledger), seq, seq, &batch);
        free(batch.body);
        error = error == -EBADMSG ? 0 : error;
    }
    assert_int_equal(error, -EUCLEAN);
}

/* Readings that take much of the file. */
static void fill_with_noise(struct bench *bench, int batches, int count, int64_t *value)
{
    char noise[1000];
    for (int i = 0; i < batches * count; i++) {
        for (size_t j = 0; j < sizeof(noise); j++) {
            bench->random = bench->random * 1664525U + 1013904223U;
            noise[j] = (char)('0' + (bench->random >> 24) % 75);
        }
        struct sample samples[] = {
            {.value = {.kind = VALUE_DECIMAL, .mantissa = (*value)++}},
            {.tag = 1, .value = {.kind = VALUE_TEXT, .length = sizeof(noise), .text = noise}}};
        struct reading reading = {
            .source = 1, .count = 2, .at = {.wall_ms = 5, .synced = true}, .samples = samples};
        queue_put(bench->queue, &reading);
        if (i % count == count - 1)
            step(bench);
    }
}

/* --- at work --- */

static void test_ledger_begins_another_store_when_its_file_is_deleted(void **state)
{
    struct bench *bench = *state;
    int64_t value = 0;
    char id[64];
    open_always(bench);
    number_machine(bench);
    fill(bench, 20, 10, &value);
    strcpy(id, store_id(ledger_store(bench->ledger)));
    delete_store(bench);
    step_long(bench); /* noticed without anything to write, within a second */
    assert_string_not_equal(store_id(ledger_store(bench->ledger)), id);
    assert_int_equal(access(bench->fixture->path, F_OK), 0);
    assert_non_null(strstr(trouble(bench), "deleted"));
    finish(bench);
    close_ledger(bench);
    open_always(bench);
    assert_string_equal(store_source(ledger_store(bench->ledger), 1)->machine, "m");
    number_machine(bench);
}

static void test_ledger_loses_nothing_with_a_deleted_file(void **state)
{
    struct bench *bench = *state;
    int64_t value = 0;
    open_always(bench);
    number_machine(bench);
    fill(bench, 300, 10, &value); /* more than memory keeps */
    delete_store(bench);
    fill(bench, 20, 5, &value);
    step_long(bench);
    struct inventory inventory = take_inventory(bench);
    assert_all(&inventory, 0, value - 1);
    assert_int_equal(inventory.gaps, 0);
}

static void test_ledger_writes_nothing_again_that_was_acknowledged(void **state)
{
    struct bench *bench = *state;
    int64_t value = 0;
    open_always(bench);
    number_machine(bench);
    fill(bench, 100, 10, &value);
    acknowledge(bench, 1, 500);
    acknowledge(bench, 901, 950);
    delete_store(bench);
    step_long(bench);
    struct inventory inventory = take_inventory(bench);
    assert_int_equal(inventory.readings, 450);
    for (int64_t i = 0; i < value; i++)
        assert_int_equal(inventory.times[i], i >= 500 && (i < 900 || i >= 950));
}

static void test_ledger_owes_to_each_uplink_what_it_was_owed(void **state)
{
    struct bench *bench = *state;
    struct delivery other = {.settings = {.name = "other", .publish_every_ms = PUBLISH_MS}};
    struct delivery *both[] = {&bench->cloud, &other};
    int64_t value = 0;
    ranges_add(&other.owed, 1, SEQ_END);
    open_always(bench);
    number_machine(bench);
    fill(bench, 200, 10, &value);
    acknowledge(bench, 1, 2000);
    ranges_remove(&other.owed, 11, 1500);
    ranges_remove(&other.owed, 1601, 1990);
    delete_store(bench);
    for (int i = 0; i < 100; i++) {
        bench->now_ns += SALVAGE_STEP_MS * NS_PER_MS;
        ledger_step(bench->ledger, (struct audience){both, 2}, bench->now_ns);
    }
    struct inventory cloud = take_inventory(bench);
    assert_int_equal(cloud.readings, 0);
    ranges_free(&bench->cloud.owed);
    ranges_add(&bench->cloud.owed, 1, SEQ_END);
    struct inventory all = take_inventory(bench);
    assert_int_equal(all.readings, 120);
    assert_int_equal(ranges_count_below(&other.owed, ledger_next_seq(bench->ledger)), 120);
    ranges_free(&other.owed);
}

static void test_ledger_begins_another_store_when_its_file_is_replaced(void **state)
{
    struct bench *bench = *state;
    int64_t value = 0;
    char copy[100];
    open_always(bench);
    number_machine(bench);
    fill(bench, 100, 10, &value);
    snprintf(copy, sizeof(copy), "%s.copy", bench->fixture->path);
    FILE *file = fopen(copy, "w");
    assert_non_null(file);
    fputs("somebody's notes", file);
    fclose(file);
    assert_int_equal(rename(copy, bench->fixture->path), 0);
    let_look(bench, -ESTALE);
    step_long(bench);
    struct inventory inventory = take_inventory(bench);
    assert_all(&inventory, 0, value - 1);
    assert_int_equal(file_bytes(store_wreck_name(ledger_store(bench->ledger))), 16);
}

static void test_ledger_declares_what_a_damaged_file_has_lost(void **state)
{
    struct bench *bench = *state;
    int64_t value = 0;
    open_always(bench);
    number_machine(bench);
    fill_with_noise(bench, 300, 20, &value); /* more than SQLite keeps in memory */
    close_ledger(bench);
    open_always(bench);
    int64_t pages = file_bytes(bench->fixture->path) / SQL_PAGE_BYTES;
    overwrite(bench->fixture->path, pages * 2 / 3 * SQL_PAGE_BYTES, 100 * SQL_PAGE_BYTES);
    read_until_damaged(bench);
    fill(bench, 20, 5, &value);
    step_long(bench);
    struct inventory inventory = take_inventory(bench);
    for (int64_t i = 0; i < value; i++)
        assert_in_range(inventory.times[i], 0, 1);
    assert_int_equal(inventory.readings + inventory.missing, value);
    assert_in_range(inventory.missing, 1, value / 2);
    struct live_store report;
    ledger_report(bench->ledger, &report);
    assert_int_equal(report.lost, inventory.missing);
    assert_non_null(strstr(report.trouble, ".damaged-1"));
}

static void test_ledger_declares_a_file_that_was_cut_to_nothing(void **state)
{
    struct bench *bench = *state;
    char log[100];
    int64_t value = 0;
    open_always(bench);
    number_machine(bench);
    fill(bench, 300, 10, &value);
    snprintf(log, sizeof(log), "%s-wal", bench->fixture->path);
    assert_int_equal(truncate(bench->fixture->path, 0), 0);
    assert_int_equal(truncate(log, 0), 0);
    fill(bench, 100, 5, &value);
    step_long(bench);
    struct inventory inventory = take_inventory(bench);
    assert_int_equal(inventory.readings + inventory.missing, value);
    assert_true(inventory.readings >= 500 + 600); /* what is new, and what was in memory */
}

static void test_ledger_gives_gaps_of_before_no_numbers_of_the_new_store(void **state)
{
    struct bench *bench = *state;
    const struct gap gap = {.why = GAP_REFUSED, .first_seq = 7, .last_seq = 9, .missing = 3};
    int64_t value = 0;
    open_always(bench);
    number_machine(bench);
    ledger_declare(bench->ledger, &gap);
    fill(bench, 100, 1, &value);
    ledger_declare(bench->ledger, &gap);
    fill(bench, 1, 1, &value);
    ledger_declare(bench->ledger, &gap);
    delete_store(bench);
    step_long(bench);
    struct inventory inventory = take_inventory(bench);
    assert_all(&inventory, 0, value - 1);
    assert_int_equal(inventory.gaps, 3);
    assert_int_equal(inventory.missing, 9);
}

static void test_ledger_outage_writes_again_what_was_in_memory_only(void **state)
{
    struct bench *bench = *state;
    int64_t value = 0;
    open_outage(bench);
    number_machine(bench);
    fill(bench, 3, 10, &value);
    assert_int_equal(ledger_stored_end(bench->ledger), 1);
    delete_store(bench);
    step_long(bench);
    fill(bench, 3, 10, &value);
    bench->cloud.connected = false;
    step(bench);
    struct inventory inventory = take_inventory(bench);
    assert_all(&inventory, 0, value - 1);
}

static void test_ledger_waits_until_another_store_can_be_begun(void **state)
{
    struct bench *bench = *state;
    char suspect[100];
    int64_t value = 0;
    open_always(bench);
    number_machine(bench);
    fill(bench, 100, 10, &value);
    snprintf(suspect, sizeof(suspect), "%s.suspect", bench->fixture->path);
    assert_int_equal(mkdir(suspect, 0700), 0); /* in the way */
    delete_store(bench);
    fill(bench, 20, 5, &value);
    assert_string_not_equal(trouble(bench), "");
    assert_string_equal(store_id(ledger_store(bench->ledger)), "");
    assert_int_equal(rmdir(suspect), 0);
    step_after(bench, 2000);
    step_long(bench);
    struct inventory inventory = take_inventory(bench);
    assert_all(&inventory, 0, value - 1);
}

static void test_ledger_brings_all_of_a_deleted_file_before_it_ends(void **state)
{
    struct bench *bench = *state;
    int64_t value = 0;
    open_always(bench);
    number_machine(bench);
    fill(bench, 300, 10, &value);
    delete_store(bench);
    finish(bench);
    close_ledger(bench);
    open_always(bench);
    struct inventory inventory = take_inventory(bench);
    assert_all(&inventory, 0, value - 1);
}

/* --- cut off in the middle --- */

/* The store is given up, one part is brought, and the power goes. */
static void cut_off(struct bench *bench, int64_t *value, bool deleted)
{
    open_always(bench);
    number_machine(bench);
    fill(bench, 400, 5, value);
    if (deleted) {
        delete_store(bench);
    } else {
        unlink_part(bench, ""); /* all is in the log still */
        let_look(bench, -ESTALE);
    }
    step_after(bench, 2000);
    step_after(bench, SALVAGE_STEP_MS);
    struct inventory inventory = take_inventory(bench);
    assert_true(inventory.readings > 64 * 5 && inventory.readings < (uint64_t)*value);
    close_ledger(bench);
    open_always(bench);
}

static void test_ledger_goes_on_salvaging_after_a_power_cut(void **state)
{
    struct bench *bench = *state;
    int64_t value = 0;
    cut_off(bench, &value, false);
    step_long(bench);
    for (int round = 0; round < 2; round++) {
        struct inventory inventory = take_inventory(bench);
        assert_all(&inventory, 0, value - 1);
        close_ledger(bench);
        open_always(bench);
        step_long(bench);
    }
}

/* One uplink has all, another nothing: in the next store the first one's cursor begins behind what
 * is written again for the second, and is saved before it. */
static void test_ledger_stopped_amid_a_renewal_leaves_a_sound_store(void **state)
{
    struct bench *bench = *state;
    struct delivery other = {.settings = {.name = "other"}};
    struct store_settings settings = bench->fixture->settings;
    struct store_opened opened;
    struct store *store;
    char left[80], copy[400];
    int64_t value = 0;
    open_always(bench);
    number_machine(bench);
    ranges_add(&other.owed, 1, SEQ_END);
    bench->deliveries[bench->delivery_count++] = &other;
    fill(bench, 3, 10, &value);
    acknowledge(bench, 1, 30);
    delete_store(bench);
    put(bench, value++);
    ledger_step(bench->ledger, audience(bench), bench->now_ns += COMMIT_MS * NS_PER_MS);
    step_after(bench, 1);
    bench->delivery_count--;

    snprintf(left, sizeof(left), "%.60s/left", bench->fixture->folder);
    snprintf(copy, sizeof(copy), "mkdir %s && cp %.70s* %s", left, bench->fixture->path, left);
    assert_int_equal(system(copy), 0); /* NOLINT(cert-env33-c): paths of our own making */
    snprintf(left + strlen(left), sizeof(left) - strlen(left), "/bindery.db");
    settings.path = left;
    assert_int_equal(store_open(&settings, &store, &opened), 0);
    assert_string_equal(opened.set_aside, "");
    store_close(store);
    ranges_free(&other.owed);
}

static void test_ledger_declares_a_deleted_file_after_a_power_cut(void **state)
{
    struct bench *bench = *state;
    int64_t value = 0;
    cut_off(bench, &value, true);
    step_long(bench);
    struct inventory inventory = take_inventory(bench);
    assert_int_equal(inventory.gaps, 1);
    assert_true(inventory.missing > 0);
    assert_int_equal(inventory.readings + inventory.missing, value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(test_ledger_begins_another_store_when_its_file_is_deleted),
        LEDGER_TEST(test_ledger_loses_nothing_with_a_deleted_file),
        LEDGER_TEST(test_ledger_writes_nothing_again_that_was_acknowledged),
        LEDGER_TEST(test_ledger_owes_to_each_uplink_what_it_was_owed),
        LEDGER_TEST(test_ledger_begins_another_store_when_its_file_is_replaced),
        LEDGER_TEST(test_ledger_declares_what_a_damaged_file_has_lost),
        LEDGER_TEST(test_ledger_declares_a_file_that_was_cut_to_nothing),
        LEDGER_TEST(test_ledger_gives_gaps_of_before_no_numbers_of_the_new_store),
        LEDGER_TEST(test_ledger_outage_writes_again_what_was_in_memory_only),
        LEDGER_TEST(test_ledger_waits_until_another_store_can_be_begun),
        LEDGER_TEST(test_ledger_brings_all_of_a_deleted_file_before_it_ends),
        LEDGER_TEST(test_ledger_goes_on_salvaging_after_a_power_cut),
        LEDGER_TEST(test_ledger_stopped_amid_a_renewal_leaves_a_sound_store),
        LEDGER_TEST(test_ledger_declares_a_deleted_file_after_a_power_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
