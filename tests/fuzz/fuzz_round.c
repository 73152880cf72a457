/* Batches from the store, or what a damaged disk left of them, on their way into messages:
 * daemon/forward/round.c.
 *
 * Input: what the messages are like, then up to three batches: how many records each is said to
 * hold, its boot, its length, its body. */
#include "fuzz.h"
#include "node.h"

#include "round.c"

enum { MOST_BATCHES = 3, SOURCES = 3, CORRECTED_BOOT = 1 };

static const struct tag_name names[] = {
    {"good", 4, ",\"good\":"}, {"state", 5, ",\"state\":"}, {"glue_temp", 9, ",\"glue_temp\":"}};

const char *store_id(const struct store *store)
{
    (void)store;
    return "0123456789abcdef0123456789abcdef";
}

const struct source *store_source(struct store *store, uint32_t id)
{
    static const struct source sources[SOURCES] = {
        {1, "binder-1", 3, names}, {2, "binder-2", 2, names}, {3, "folder", 1, names}};

    (void)store;
    return id >= 1 && id <= SOURCES ? &sources[id - 1] : NULL;
}

bool store_boot_offset(const struct store *store, uint32_t boot, int64_t *ret_offset_ms)
{
    (void)store;
    if (boot == CORRECTED_BOOT)
        *ret_offset_ms = 0;
    return boot == CORRECTED_BOOT;
}

static size_t take_batches(struct input *input, struct held_batch **ret_batches)
{
    size_t count = (size_t)input_between(input, 1, MOST_BATCHES);
    uint64_t seq = 1;

    for (size_t i = 0; i < count; i++) {
        struct batch batch = {.first_seq = seq};
        batch.count = (uint32_t)input_between(input, 1, 300);
        batch.boot = input_byte(input) % 3;
        size_t length = input_number(input, 2);
        struct input body = {input->at, length < input->left ? length : input->left};
        batch.body = input_copy(&body);
        batch.length = body.left;
        input->at = body.left > 0 ? input->at + body.left : input->at;
        input->left -= body.left;
        seq += batch.count;
        ret_batches[i] = held_batch_new(&batch, 0);
    }
    return count;
}

/* Readings, events and gaps in a message: a quotation mark inside a text has a backslash before it.
 */
static size_t count_told(const struct text *payload)
{
    static const char record[] = "{\"seq\":";
    size_t count = 0;

    for (const char *at = payload->data; (at = strstr(at, record)) != NULL; at++)
        count++;
    return count;
}

static bool ends_with(const struct text *text, const char *end)
{
    size_t length = strlen(end);
    return text->length >= length && strcmp(text->data + text->length - length, end) == 0;
}

/* Whether the message is of the kind that its topic says. */
static bool is_on_its_topic(const struct text *topic, const struct text *payload)
{
    bool is_one = strncmp(payload->data, "{\"seq\":", 7) == 0;
    bool is_event = is_one && strstr(payload->data, ",\"event\":\"") != NULL;
    if (ends_with(topic, "/events"))
        return is_event;
    if (ends_with(topic, "/gaps"))
        return is_one && !is_event;
    return ends_with(topic, "/readings") && !is_one;
}

static void check_message(const struct text *topic, const struct text *payload)
{
    struct text wrong = {0};
    struct node *root = node_parse(payload->data, payload->length, &wrong);

    CLAIM(strncmp(topic->data, "root/", 5) == 0 && is_on_its_topic(topic, payload));
    /* Two samples of one tag, or fields of one key, make two members of one name; a text may have a
     * zero in it, which is JSON, but nothing for this reader. */
    CLAIM(root != NULL || strstr(wrong.data, "duplicate") || strstr(wrong.data, "\\u0000"));
    CLAIM(strlen(payload->data) == payload->length);
    node_free(root);
    text_free(&wrong);
}

/* All messages in turn; returns how many records they tell of, and puts them into `all`. */
static size_t tell(struct round *round, const struct round_context *context, struct text *all)
{
    struct text topic = {0}, payload = {0};
    size_t told = 0, items = 0;

    while (round_next(round, context, &topic, &payload)) {
        const struct round_message *message = &round->messages[round->message_count - 1];
        CLAIM(message->first_item == items && message->item_count > 0);
        items += message->item_count;
        CLAIM(count_told(&payload) <= message->item_count);
        told += count_told(&payload);
        check_message(&topic, &payload);
        text_add_bytes(all, payload.data, payload.length);
        CLAIM(!round_is_done(round));
        round->acknowledged++;
    }
    CLAIM(items == round->item_count && round_is_done(round));
    text_free(&topic);
    text_free(&payload);
    return told;
}

static void check_round(struct round *round, const struct round_context *context)
{
    struct text first = {0}, again = {0};

    CLAIM(round->item_count <= round->record_count);
    for (size_t i = 0; i < round->item_count; i++)
        CLAIM(round->items[i].seq >= round_first_seq(round) &&
              round->items[i].seq <= round_last_seq(round));
    size_t told = tell(round, context, &first);
    CLAIM(told + round_damaged(round) == round->record_count);
    round_rewind(round);
    CLAIM(tell(round, context, &again) == told);
    CLAIM(told + round_damaged(round) == round->record_count);
    CLAIM(first.length == again.length);
    CLAIM(first.length == 0 || memcmp(first.data, again.data, first.length) == 0);
    text_free(&first);
    text_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct held_batch *batches[MOST_BATCHES];
    struct uplink_settings uplink = {.topic = "root"};
    struct round_context context = {.gateway = "g", .uplink = &uplink};

    uplink.gather = input_byte(&input) & 1 ? GATHER_GATEWAY : GATHER_MACHINE;
    context.message_limit = input_number(&input, 2);
    size_t count = take_batches(&input, batches);
    struct round *round = round_new(batches, count, NULL);
    check_round(round, &context);
    round_free(round);
    for (size_t i = 0; i < count; i++)
        held_batch_drop(batches[i]);
    return 0;
}
