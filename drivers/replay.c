#include "replay.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "modbus_frame.h"

enum { INPUT_BYTES = 2 * RECORDING_MAX_CHUNK, TRANSACTION = 2 };

#define REPEAT_NS NS_PER_S

/* A request and the chunks that came until the next one. */
struct exchange {
    const struct recording_chunk *request;
    size_t first, end; /* chunks of the recording */
    size_t next_same;  /* the next exchange that has the same request, or its own index */
};

/* Each request that occurs, once, with the exchange that answers it next. */
struct question {
    size_t first, next; /* next: the count of exchanges where all have been asked */
};

struct replay {
    const struct recording *recording;
    struct replay_options options;
    bool tcp; /* requests have a transaction id that the answers repeat */
    struct exchange *exchanges;
    size_t exchange_count;
    struct question *questions;
    size_t question_count;

    bool entered;    /* somebody came, ever */
    bool answering;  /* the chunks are an exchange's, not what is said unasked */
    size_t at, end;  /* chunks to be said */
    int64_t zero_ns; /* when they began to be played; recorded, that was at since_ns */
    int64_t since_ns;
    struct text answer; /* on TCP: what the exchange's chunks say to this very request */
    size_t answer_said; /* of it */
    uint8_t input[INPUT_BYTES];
    size_t have;
    uint64_t unknown, asked;
};

/* --- preparing --- */

static bool is_request(const struct recording_chunk *chunk)
{
    return chunk->kind == RECORDING_SENT;
}

/* Whether `length` bytes begin the request, transactions apart. */
static bool begins(const struct replay *replay, const struct recording_chunk *request,
                   const uint8_t *bytes, size_t length)
{
    size_t skip = replay->tcp ? TRANSACTION : 0;

    return length <= skip || memcmp(request->bytes + skip, bytes + skip, length - skip) == 0;
}

/* A piece of a transaction's number, which would be like every request. */
static bool is_nameless(const struct replay *replay, const struct recording_chunk *request)
{
    return replay->tcp && request->length <= TRANSACTION;
}

static void find_exchanges(struct replay *replay)
{
    const struct recording *recording = replay->recording;
    size_t count = 0;

    for (size_t i = 0; i < recording->count; i++)
        count += is_request(&recording->chunks[i]);
    replay->exchanges = mem_array(count + 1, sizeof *replay->exchanges);
    for (size_t i = 0; i < recording->count; i++) {
        if (!is_request(&recording->chunks[i]))
            continue;
        size_t index = replay->exchange_count++;
        size_t end = i + 1;
        while (end < recording->count && !is_request(&recording->chunks[end]))
            end++;
        replay->exchanges[index] = (struct exchange){&recording->chunks[i], i + 1, end, index};
    }
}

/* Equal requests beside each other, in the order in which they were asked. */
static int compare_exchanges(const void *left, const void *right, void *context)
{
    const struct replay *replay = context;
    size_t a = *(const size_t *)left, b = *(const size_t *)right;
    const struct recording_chunk *x = replay->exchanges[a].request;
    const struct recording_chunk *y = replay->exchanges[b].request;
    size_t skip = replay->tcp && x->length >= TRANSACTION ? TRANSACTION : 0;

    if (x->length != y->length)
        return x->length < y->length ? -1 : 1;
    int order = memcmp(x->bytes + skip, y->bytes + skip, x->length - skip);
    if (order != 0)
        return order;
    return a < b ? -1 : a > b;
}

static void find_questions(struct replay *replay)
{
    size_t count = replay->exchange_count;
    size_t *order = mem_array(count + 1, sizeof *order);

    replay->questions = mem_array(count + 1, sizeof *replay->questions);
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    qsort_r(order, count, sizeof *order, compare_exchanges, replay);
    for (size_t i = 0; i < count; i++) {
        const struct recording_chunk *request = replay->exchanges[order[i]].request;
        const struct recording_chunk *before =
            i > 0 ? replay->exchanges[order[i - 1]].request : NULL;
        if (before && before->length == request->length &&
            begins(replay, before, request->bytes, request->length))
            replay->exchanges[order[i - 1]].next_same = order[i];
        else
            replay->questions[replay->question_count++] = (struct question){order[i], order[i]};
    }
    free(order);
}

struct replay *replay_new(const struct recording *recording, const struct replay_options *options)
{
    struct replay *replay = mem_alloc(sizeof *replay);

    replay->recording = recording;
    replay->options = *options;
    replay->tcp = strcmp(recording->driver, "modbus-tcp") == 0;
    find_exchanges(replay);
    find_questions(replay);
    return replay;
}

void replay_free(struct replay *replay)
{
    if (!replay)
        return;
    free(replay->exchanges);
    free(replay->questions);
    text_free(&replay->answer);
    free(replay);
}

/* --- playing --- */

/* What Modbus machines say before the first request answers one that was not recorded. */
static size_t unasked_end(const struct replay *replay)
{
    if (strncmp(replay->recording->driver, "modbus-", 7) == 0)
        return 0;
    return replay->exchange_count > 0 ? replay->exchanges[0].first - 1 : replay->recording->count;
}

static void say_unasked(struct replay *replay, int64_t from_ns)
{
    replay->at = 0;
    replay->end = unasked_end(replay);
    replay->zero_ns = from_ns;
    replay->since_ns = 0;
}

void replay_enter(struct replay *replay, int64_t now_ns)
{
    replay->have = 0;
    if (!replay->entered)
        say_unasked(replay, now_ns);
    replay->entered = true;
}

void replay_leave(struct replay *replay)
{
    replay->have = 0;
    if (replay->answering)
        replay->at = replay->end;
    replay->answering = false;
}

bool replay_listens(const struct replay *replay)
{
    return !replay->answering;
}

/* The answers with the transaction ids of this request: each as far from its own as it was. */
static void translate_answers(struct replay *replay, const struct exchange *exchange,
                              const uint8_t *request)
{
    struct modbus_frame frame;
    const uint8_t *then = exchange->request->bytes;
    unsigned shift = (unsigned)(request[0] << 8 | request[1]) - (unsigned)(then[0] << 8 | then[1]);

    for (size_t i = exchange->first; i < exchange->end; i++) {
        const struct recording_chunk *chunk = &replay->recording->chunks[i];
        if (chunk->kind == RECORDING_HEARD)
            text_add_bytes(&replay->answer, chunk->bytes, chunk->length);
    }
    for (size_t at = 0; at < replay->answer.length;) {
        uint8_t *bytes = (uint8_t *)replay->answer.data + at;
        int length = modbus_tcp_parse(bytes, replay->answer.length - at, &frame);
        if (length <= 0)
            break;
        unsigned transaction = frame.transaction + shift;
        bytes[0] = (uint8_t)(transaction >> 8);
        bytes[1] = (uint8_t)transaction;
        at += (size_t)length;
    }
}

static void answer(struct replay *replay, int64_t now_ns, struct question *question)
{
    size_t index = question->next;

    if (index == replay->exchange_count) {
        replay->unknown++;
        return;
    }
    const struct exchange *exchange = &replay->exchanges[index];
    if (exchange->next_same != index)
        question->next = exchange->next_same;
    else
        question->next = replay->options.repeat ? question->first : replay->exchange_count;
    replay->asked++;
    replay->at = exchange->first;
    replay->end = exchange->end;
    replay->zero_ns = now_ns;
    replay->since_ns = exchange->request->at_ns;
    replay->answer_said = 0;
    text_clear(&replay->answer);
    replay->answering = replay_next(replay, &(struct replay_line){0});
    if (replay->answering && replay->tcp && exchange->request->length >= TRANSACTION)
        translate_answers(replay, exchange, replay->input);
}

static void drop_input(struct replay *replay, size_t length)
{
    replay->have -= length;
    memmove(replay->input, replay->input + length, replay->have);
}

/* The longest question that stands at the input's front; NULL for none, with whether the input may
 * yet become one. */
static struct question *find_question(const struct replay *replay, bool *ret_unfinished)
{
    struct question *found = NULL;
    size_t longest = 0;

    *ret_unfinished = false;
    for (size_t i = 0; i < replay->question_count; i++) {
        const struct recording_chunk *request =
            replay->exchanges[replay->questions[i].first].request;
        size_t length = request->length < replay->have ? request->length : replay->have;
        if (is_nameless(replay, request) || !begins(replay, request, replay->input, length))
            continue;
        if (length < request->length) {
            *ret_unfinished = true;
        } else if (length > longest) {
            found = &replay->questions[i];
            longest = length;
        }
    }
    return found;
}

/* What nobody asked when it was recorded: a whole request on TCP, else a byte, to look again behind
 * it. False where more must come first. */
static bool pass_unknown(struct replay *replay)
{
    struct modbus_frame frame;
    int length = replay->tcp ? modbus_tcp_parse(replay->input, replay->have, &frame) : 1;

    if (length == 0)
        return false;
    drop_input(replay, length > 0 ? (size_t)length : replay->have);
    replay->unknown++;
    return true;
}

static void look(struct replay *replay, int64_t now_ns)
{
    bool unfinished = false;

    while (!replay->answering && replay->have > 0) {
        struct question *question = find_question(replay, &unfinished);
        if (question) {
            size_t length = replay->exchanges[question->first].request->length;
            answer(replay, now_ns, question);
            drop_input(replay, length);
        } else if (unfinished || !pass_unknown(replay)) {
            return;
        }
    }
}

void replay_hear(struct replay *replay, int64_t now_ns, const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        if (replay->have == sizeof replay->input)
            drop_input(replay, replay->have / 2);
        size_t room = sizeof replay->input - replay->have;
        size_t taken = length < room ? length : room;
        memcpy(replay->input + replay->have, bytes, taken);
        replay->have += taken;
        bytes += taken;
        length -= taken;
        look(replay, now_ns);
    }
}

static bool is_closed(const struct recording_chunk *chunk)
{
    static const char closed[] = "closed";

    return chunk->kind == RECORDING_MARK && chunk->length >= sizeof closed - 1 &&
           memcmp(chunk->bytes, closed, sizeof closed - 1) == 0;
}

/* What is said unasked has its own time, however fast it is asked. */
static int64_t due_ns(const struct replay *replay, const struct recording_chunk *chunk)
{
    uint16_t speed = replay->options.speed;

    if (speed == 0 && replay->answering)
        return replay->zero_ns;
    return replay->zero_ns + (chunk->at_ns - replay->since_ns) / (speed > 0 ? speed : 1);
}

bool replay_next(struct replay *replay, struct replay_line *ret_line)
{
    for (; replay->at < replay->end; replay->at++) {
        const struct recording_chunk *chunk = &replay->recording->chunks[replay->at];
        *ret_line = (struct replay_line){.due_ns = due_ns(replay, chunk)};
        if (chunk->kind == RECORDING_HEARD) {
            bool translated = replay->answering && replay->answer.length > 0;
            ret_line->bytes =
                translated ? (uint8_t *)replay->answer.data + replay->answer_said : chunk->bytes;
            ret_line->length = chunk->length;
            return true;
        }
        ret_line->closed = is_closed(chunk);
        if (ret_line->closed)
            return true;
    }
    return false;
}

void replay_said(struct replay *replay, int64_t now_ns)
{
    const struct recording_chunk *chunk = &replay->recording->chunks[replay->at++];

    if (chunk->kind == RECORDING_HEARD)
        replay->answer_said += chunk->length;
    if (replay_next(replay, &(struct replay_line){0}))
        return;
    /* A round takes a while, also where all that is said has the same time. */
    if (!replay->answering && replay->options.repeat)
        say_unasked(replay, now_ns + REPEAT_NS);
    replay->answering = false;
    look(replay, now_ns);
}

struct replay_totals replay_totals(const struct replay *replay)
{
    return (struct replay_totals){replay->exchange_count, replay->asked, replay->unknown};
}
