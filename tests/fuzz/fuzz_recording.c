/* Recordings and who plays them: recording.c of daemon/base, drivers/replay.c.
 *
 * Input: how it is played, then the recording up to a zero byte, then what clients do: a byte that
 * says so, and what is sent. What is read is written so that it reads the same; what is said is
 * what was heard, and nothing else; its time never goes back. */
#include "clock.h"
#include "fuzz.h"
#include "recording.h"
#include "replay.h"

/* What a client does next. */
enum { LEAVES = 0, ENTERS = 1, LISTENS = 2 };

static void check_same(const struct recording *a, const struct recording *b)
{
    CLAIM(a->count == b->count && strcmp(a->driver, b->driver) == 0);
    for (size_t i = 0; i < a->count; i++) {
        const struct recording_chunk *x = &a->chunks[i], *y = &b->chunks[i];
        CLAIM(x->kind == y->kind && x->length == y->length);
        CLAIM(memcmp(x->bytes, y->bytes, x->length) == 0);
        /* the text has microseconds */
        CLAIM(x->at_ns / 1000 == y->at_ns / 1000);
    }
}

static void check_written(const struct recording *recording)
{
    struct recording *again = NULL;
    struct text out = {0}, trouble = {0};

    recording_add_head(&out, recording->link ? recording->link : "l", recording->driver, 0);
    for (size_t i = 0; i < recording->count; i++) {
        const struct recording_chunk *chunk = &recording->chunks[i];
        CLAIM(chunk->length > 0 && chunk->length <= RECORDING_MAX_CHUNK);
        CLAIM(i == 0 || chunk->at_ns >= chunk[-1].at_ns);
        recording_add_chunk(&out, chunk);
    }
    CLAIM(recording_parse(out.data, out.length, &again, &trouble) == 0);
    check_same(recording, again);
    recording_free(again);
    text_free(&out);
    text_free(&trouble);
}

/* Whether the bytes are those of some chunk that was heard; on TCP but for transactions. */
static bool was_heard(const struct recording *recording, const struct replay_line *line)
{
    for (size_t i = 0; i < recording->count; i++) {
        const struct recording_chunk *chunk = &recording->chunks[i];
        if (chunk->kind != RECORDING_HEARD || chunk->length != line->length)
            continue;
        if (strcmp(recording->driver, "modbus-tcp") == 0 ||
            memcmp(chunk->bytes, line->bytes, line->length) == 0)
            return true;
    }
    return false;
}

static void listen(const struct recording *recording, struct replay *replay, int64_t *now_ns)
{
    struct replay_line line;

    for (int i = 0; i < 64 && replay_next(replay, &line); i++) {
        CLAIM(line.closed ? line.length == 0 : was_heard(recording, &line));
        if (line.due_ns > *now_ns)
            *now_ns = line.due_ns;
        replay_said(replay, *now_ns);
    }
}

static void play(const struct recording *recording, uint8_t how, struct input *input)
{
    const struct replay_options options = {how >> 1, how & 1};
    struct replay *replay = replay_new(recording, &options);
    int64_t now_ns = 0;

    while (input->left > 0) {
        uint8_t what = input_byte(input);
        struct input sent = {input->at, what > LISTENS && what <= input->left ? what : 0};
        uint8_t *bytes = input_copy(&sent);
        if (what == LEAVES)
            replay_leave(replay);
        else if (what == ENTERS)
            replay_enter(replay, now_ns);
        else if (what == LISTENS)
            listen(recording, replay, &now_ns);
        else
            replay_hear(replay, now_ns, bytes, sent.left);
        input->at += sent.left;
        input->left -= sent.left;
        free(bytes);
    }
    struct replay_totals totals = replay_totals(replay);
    CLAIM(options.repeat || totals.asked <= totals.requests);
    replay_free(replay);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    uint8_t how = input_byte(&input);
    struct input text = input_part(&input, 0);
    struct recording *recording = NULL;
    struct text trouble = {0};
    uint8_t *copy = input_copy(&text);

    if (recording_parse((char *)copy, text.left, &recording, &trouble) == 0) {
        CLAIM(recording->driver != NULL && trouble.length == 0);
        check_written(recording);
        play(recording, how, &input);
        recording_free(recording);
    } else {
        CLAIM(recording == NULL && strncmp(trouble.data, "line ", 5) == 0);
    }
    text_free(&trouble);
    free(copy);
    return 0;
}
