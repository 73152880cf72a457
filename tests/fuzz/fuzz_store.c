/* A store's file after damage: opening it, reading everything back, bringing what is left of it
 * into a new one, going on: store_open.c, store.c, store_space.c, catalog.c, round.c, salvage.c and
 * wreck.c of daemon/forward.
 *
 * Input: changes to a small sound store, each with a byte of its kind: 'b' puts a byte at an
 * offset of the file (three bytes); others change a value of a row by SQL, as rows[] says: a byte
 * of length, then a number or text. The rows' sums are made right again, or the store would be set
 * aside at once, unless a change is of the kind 'K'. The file lies in a folder of memory's. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "record.h"
#include "round.h"
#include "salvage.h"
#include "sql.h"
#include "store.h"

enum { BATCHES = 3, MOST_READS = 64, MAX_SIZE = 1 << 20 };

/* A copy of the sound store is open there, for a store that says it comes after that one. */
enum { FORMER_FD = 700 };
#define FORMER_PATH "/proc/self/fd/700"

/* The value goes in between, a text as x'…'. */
static const struct {
    char kind;
    bool text;
    const char *before, *after;
} rows[] = {
    {'n', false, "UPDATE batch SET count = ", " WHERE first_seq = 3"},
    {'N', false, "UPDATE batch SET count = ", " WHERE first_seq = 5"},
    {'f', false, "UPDATE batch SET first_seq = ", " WHERE first_seq = 3"},
    {'F', false, "UPDATE batch SET first_seq = ", " WHERE first_seq = 5"},
    {'o', false, "UPDATE batch SET boot = ", " WHERE first_seq = 3"},
    {'g', false, "UPDATE batch SET age_ms = ", ""},
    {'d', true, "UPDATE batch SET body = ", " WHERE first_seq = 3"},
    {'c', true, "UPDATE cursor SET owed = CAST(", " AS TEXT)"},
    {'u', true, "UPDATE cursor SET uplink = CAST(", " AS TEXT)"},
    {'s', false, "UPDATE source SET id = ", " WHERE id = 1"},
    {'m', true, "UPDATE source SET machine = CAST(", " AS TEXT)"},
    {'t', true, "UPDATE source SET tags = CAST(", " AS TEXT)"},
    {'i', false, "UPDATE boot SET id = ", ""},
    {'O', false, "UPDATE boot SET offset_ms = ", ""},
    {'S', false, "UPDATE meta SET value = ", " WHERE key = 'settled'"},
    {'R', false, "UPDATE meta SET value = ", " WHERE key = 'reserved'"},
    {'V', false, "UPDATE meta SET value = ", " WHERE key = 'schema'"},
    {'I', true, "UPDATE meta SET value = CAST(", " AS TEXT) WHERE key = 'store'"},
    {'w', true,
     "INSERT INTO meta(key, value, sum) VALUES('wreck', '" FORMER_PATH "', 0), ('salvage', CAST(",
     " AS TEXT), 0)"},
    {'x', false, "DELETE FROM meta WHERE rowid = ", ""},
    {'D', false, "DROP TABLE cursor; SELECT ", ""},
};

static char folder[128], path[sizeof folder + 16];
static struct store_settings settings = {.path = path, .max_size = MAX_SIZE};
static uint8_t *sound;
static size_t sound_length;

static struct tag tags[] = {{.name = "good"}, {.name = "state"}};
static const struct machine machine = {.name = "m", .tags = tags, .tag_count = 2};

static void clear_folder(void)
{
    DIR *listing = opendir(folder);
    const struct dirent *entry;
    char file[sizeof folder + 256];

    while (listing != NULL && (entry = readdir(listing)) != NULL) {
        snprintf(file, sizeof file, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            unlink(file);
    }
    closedir(listing);
}

static void remove_folder(void)
{
    clear_folder();
    rmdir(folder);
}

static void write_file(const char *name, const void *bytes, size_t length)
{
    char file[sizeof path + 16];

    snprintf(file, sizeof file, "%s%s", path, name);
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CLAIM(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
    close(fd);
}

/* A body of a reading and an event or, in the second batch, a gap. */
static int add_batch(struct store *store, uint32_t source, uint32_t boot, uint64_t seq)
{
    struct sample sample = {.value = {.kind = VALUE_DECIMAL, .mantissa = 1234, .decimals = 1}};
    const struct reading reading = {
        .source = source, .count = 1, .at = {.wall_ms = 1795412474123}, .samples = &sample};
    const struct event event = {.source = source,
                                .count = 1,
                                .at = reading.at,
                                .name = "stop",
                                .fields = {{"ms", sample.value}}};
    const struct gap gap = {.why = GAP_STORE_FULL, .missing = 3};
    struct text body = {0};

    record_add_reading(&body, &reading);
    if (seq == 3)
        record_add_gap(&body, &gap);
    else
        record_add_event(&body, &event);
    const struct batch batch = {.first_seq = seq,
                                .count = 2,
                                .boot = boot,
                                .body = (uint8_t *)body.data,
                                .length = body.length};
    int rc = store_append(store, &batch);
    text_free(&body);
    return rc;
}

/* Keeps what the store's file now is. */
static void keep_sound(void)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), former = memfd_create("former", MFD_CLOEXEC);
    struct stat status;

    CLAIM(fd >= 0 && fstat(fd, &status) == 0);
    sound_length = (size_t)status.st_size;
    sound = malloc(sound_length);
    CLAIM(read(fd, sound, sound_length) == (ssize_t)sound_length);
    CLAIM(write(former, sound, sound_length) == (ssize_t)sound_length);
    CLAIM(dup2(former, FORMER_FD) == FORMER_FD);
    close(former);
    close(fd);
}

static void make_sound(void)
{
    struct store *store = NULL;
    struct store_opened opened;
    struct ranges owed = {0};
    uint32_t source, boot;

    snprintf(folder, sizeof folder, "%s/store-XXXXXX", fuzz_memory());
    CLAIM(mkdtemp(folder) != NULL);
    atexit(remove_folder);
    snprintf(path, sizeof path, "%s/store.db", folder);
    CLAIM(store_open(&settings, &store, &opened) == 0);
    CLAIM(store_boot(store, "a boot", &boot) == 0);
    CLAIM(store_set_boot_offset(store, boot, 1795412000000) == 0);
    CLAIM(store_begin(store) == 0);
    CLAIM(store_source_id(store, &machine, &source) == 0);
    for (uint64_t seq = 1; seq < 2 * BATCHES; seq += 2)
        CLAIM(add_batch(store, source, boot, seq) == 0);
    ranges_add(&owed, 3, SEQ_END);
    CLAIM(store_save_cursor(store, "cloud", &owed) == 0 && store_commit(store) == 0);
    ranges_free(&owed);
    store_close(store);
    keep_sound();
}

static const char right_sums[] = "UPDATE batch SET sum = row_sum(first_seq, count, boot);"
                                 "UPDATE cursor SET sum = row_sum(uplink, owed);"
                                 "UPDATE source SET sum = row_sum(id, machine, tags);"
                                 "UPDATE boot SET sum = row_sum(id, boot_id, offset_ms);"
                                 "UPDATE meta SET sum = row_sum(key, value);";

static void change_row(struct sql *sql, uint8_t kind, struct input *input)
{
    struct input value = {.left = input_byte(input)};
    struct text statement = {0};
    size_t row = 0;

    while (row < sizeof rows / sizeof *rows && rows[row].kind != kind)
        row++;
    if (row == sizeof rows / sizeof *rows)
        return;
    value.left = value.left < input->left ? value.left : input->left;
    value.at = input->at;
    text_add(&statement, rows[row].before);
    if (rows[row].text) {
        text_add(&statement, "x'");
        for (size_t i = 0; i < value.left; i++)
            text_addf(&statement, "%02x", value.at[i]);
        text_add(&statement, "'");
    } else {
        struct input number = value;
        unsigned width = (unsigned)(value.left < 8 ? value.left : 8);
        text_addf(&statement, "%" PRId64, (int64_t)input_number(&number, width));
    }
    text_add(&statement, rows[row].after);
    sql_exec(sql, statement.data); /* what can't be is left as it was */
    text_free(&statement);
    input->at = value.left > 0 ? input->at + value.left : input->at;
    input->left -= value.left;
}

/* Bytes first, on the file; what is left of it is then changed by rows. */
static void damage(struct input *input)
{
    uint8_t *bytes = malloc(sound_length);
    struct sql *sql = NULL;

    memcpy(bytes, sound, sound_length);
    while (input->left >= 4 && *input->at == 'b') {
        input_byte(input);
        size_t offset = input_number(input, 2) % sound_length;
        bytes[offset] = input_byte(input);
    }
    clear_folder();
    write_file("", bytes, sound_length);
    /* Else a new one is made each time. */
    write_file(".reserve", "x", 1);
    free(bytes);
    if (input->left == 0 || sql_open(path, &sql) < 0)
        return;
    bool keep_sums = false;
    while (input->left > 0) {
        uint8_t kind = input_byte(input);
        keep_sums = keep_sums || kind == 'K';
        change_row(sql, kind, input);
    }
    if (!keep_sums)
        sql_exec(sql, right_sums);
    sql_close(sql);
}

static void read_round(struct store *store, struct batch *batch)
{
    const struct uplink_settings uplink = {.topic = "root"};
    const struct round_context context = {
        .store = store, .gateway = "g", .uplink = &uplink, .message_limit = 1000};
    struct held_batch *held = held_batch_new(batch, 0);
    struct round *round = round_new(&held, 1, store);
    struct text topic = {0}, payload = {0};

    while (round_next(round, &context, &topic, &payload))
        CLAIM(payload.length > 0);
    CLAIM(round_damaged(round) <= round->record_count);
    round_free(round);
    held_batch_drop(held);
    text_free(&topic);
    text_free(&payload);
}

/* Batches come in order and each once, whatever their numbers say. */
static void read_all(struct store *store)
{
    struct batch batch = {0};
    uint64_t seq = 0;
    int rc = 0;

    for (int i = 0; i < MOST_READS && (rc == 0 || rc == -EBADMSG); i++) {
        rc = store_read(store, seq, INT64_MAX, &batch);
        if (rc != 0 && rc != -EBADMSG)
            break;
        CLAIM(batch.first_seq + batch.count > seq);
        seq = batch.first_seq + batch.count;
        if (rc == 0)
            read_round(store, &batch);
    }
    CLAIM(rc < 0);
}

static void load_cursor(void *context, const char *uplink)
{
    struct ranges owed = {0};
    int rc = store_load_cursor(context, uplink, &owed);

    CLAIM(rc <= 0 && (rc == 0 || owed.count == 0));
    ranges_free(&owed);
}

/* What is brought has as many records as it says, and stands for numbers that only ever grow. */
static void check_salvaged(const struct salvaged *salvaged, uint64_t before)
{
    struct record_reader reader = {0};
    struct record record;
    uint32_t count = 0;

    CLAIM(salvaged->batch.count > 0 && salvaged->end > before);
    record_reader_start(&reader, salvaged->batch.body, salvaged->batch.length);
    while (record_next(&reader, &record) == 1)
        count++;
    CLAIM(count == salvaged->batch.count);
    record_reader_free(&reader);
}

static void salvage_all(struct store *store)
{
    struct salvage *salvage = NULL;
    struct salvaged salvaged;
    struct text kept = {0};
    uint64_t from = 0, before = 0;
    int rc = 1;

    if (salvage_open(store, &salvage) < 0)
        return;
    while (!salvage_survey(salvage))
        ;
    salvage_add_uplink(salvage, "cloud");
    for (int i = 0; i < MOST_READS && rc >= 0; i++) {
        rc = salvage_next(salvage, &from, &salvaged);
        if (rc <= 0)
            continue;
        check_salvaged(&salvaged, before);
        before = salvaged.end;
        free(salvaged.batch.body);
    }
    salvage_keep(salvage, before, 1, &kept);
    CLAIM(kept.length > 0);
    text_free(&kept);
    salvage_free(salvage);
}

/* One more batch: what was committed is read back, or it is said that it was not. */
static void go_on(struct store *store)
{
    const struct ranges owed = {0};
    struct batch batch;
    struct gap gap;
    uint64_t seq = store_next_seq(store);
    uint32_t source, boot;

    if (store_boot(store, "another boot", &boot) < 0 ||
        store_source_id(store, &machine, &source) < 0 || seq > INT64_MAX - 2)
        return;
    if (store_trim(store, 1) < 0 || store_make_room(store, &owed, &gap) < 0 ||
        store_begin(store) < 0 || add_batch(store, source, boot, seq) < 0 ||
        store_commit(store) < 0)
        return;
    CLAIM(store_next_seq(store) == seq + 2);
    if (store_read(store, seq, seq, &batch) == 0) {
        CLAIM(batch.first_seq == seq && batch.count == 2);
        free(batch.body);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct store *store = NULL;
    struct store_opened opened = {0};

    if (sound == NULL)
        make_sound();
    damage(&input);
    int rc = store_open(&settings, &store, &opened);
    CLAIM(rc <= 0 && (store != NULL) == (rc == 0));
    if (rc == 0) {
        CLAIM(strlen(store_id(store)) == 32);
        CLAIM(opened.set_aside[0] == '\0' || access(opened.set_aside, F_OK) == 0);
        store_each_cursor(store, load_cursor, store);
        read_all(store);
        salvage_all(store);
        go_on(store);
    }
    store_close(store);
    return 0;
}
