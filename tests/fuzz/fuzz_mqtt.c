/* What Paho tells of a broker and of TLS: the callbacks of daemon/forward/mqtt_client.c, the words
 * of tls_words.c and mqtt_words.c, the acknowledgements of window.c.
 *
 * Input: events with a byte 0 between them, each a byte of its kind, then its content. What Paho
 * itself reads off the wire is not ours. */
#include <MQTTAsync.h>

#include "fuzz.h"
#include "mqtt_words.h"
#include "window.h"

/* Paho's own want its whole machinery. */
static void message_free(MQTTAsync_message **message)
{
    free((*message)->payload);
    free(*message);
    *message = NULL;
}

#define MQTTAsync_freeMessage message_free
#define MQTTAsync_free free
#include "mqtt_client.c"

struct told {
    unsigned messages;
    const struct input *topic, *payload;
};

static struct told told;

static void on_message(void *context, const char *topic, size_t topic_length, const void *payload,
                       size_t length, bool retained)
{
    (void)retained;
    CLAIM(context == &told);
    CLAIM(topic_length == told.topic->left && length == told.payload->left);
    CLAIM(topic_length == 0 || memcmp(topic, told.topic->at, topic_length) == 0);
    CLAIM(length == 0 || memcmp(payload, told.payload->at, length) == 0);
    told.messages++;
}

/* A topic with or without its length, which Paho gives where there is a zero byte in it. */
static void arrive(const struct mqtt_client *client, struct input *event)
{
    MQTTAsync_message initial = MQTTAsync_message_initializer;
    struct mqtt_client_setup setup = *client->setup;
    struct mqtt_client listener = {.setup = &setup};
    uint8_t shape = input_byte(event);
    bool counted = shape & 1, heard = (shape & 2) == 0;
    struct input topic = input_part(event, '\n');
    MQTTAsync_message *message = malloc(sizeof *message);

    *message = initial;
    message->payload = input_copy(event);
    message->payloadlen = (int)event->left;
    told = (struct told){.topic = &topic, .payload = event};
    if (!heard)
        setup.on_message = NULL;
    CLAIM(on_arrived(&listener, input_string(&topic), counted ? (int)topic.left : 0, message) == 1);
    CLAIM(told.messages == heard);
}

/* Just this one. */
static void expect_event(struct ring *ring, enum ring_kind kind, uint32_t number, int64_t code)
{
    struct ring_event event = {0};

    CLAIM(ring_take(ring, &event));
    CLAIM(event.kind == kind && event.number == number && event.code == code);
    CLAIM(!ring_take(ring, &event));
    CLAIM(mqtt_words((int)event.code)[0] != '\0');
}

static void connect5(struct mqtt_client *client, struct input *event)
{
    uint8_t which = input_byte(event) & 3;
    MQTTProperty all[] = {{.identifier = MQTTPROPERTY_CODE_RECEIVE_MAXIMUM},
                          {.identifier = MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE}};

    all[0].value.integer2 = (uint16_t)input_number(event, 2);
    all[1].value.integer4 = (uint32_t)input_number(event, 4);
    MQTTAsync_successData5 data = {.properties = {.array = which == 2 ? &all[1] : all,
                                                  .count = (which + 1) / 2,
                                                  .max_count = 2}};
    on_connected5(client, &data);
    expect_event(client->setup->ring, RING_CONNECTED, which & 1 ? all[0].value.integer2 : 0,
                 which & 2 ? all[1].value.integer4 : 0);
}

static void refuse(struct mqtt_client *client, struct input *event)
{
    uint8_t shape = input_byte(event);
    int code = (int8_t)input_byte(event);
    char *message = shape & 1 ? input_string(event) : NULL;
    char words[RING_WORDS_BYTES];

    if (shape & 2) {
        MQTTAsync_failureData5 data = {.code = code, .message = message};
        on_refused5(client, &data);
    } else {
        MQTTAsync_failureData data = {.code = code, .message = message};
        on_refused(client, &data);
    }
    expect_event(client->setup->ring, RING_REFUSED, 0, code > 0 ? code : -1);
    ring_words(client->setup->ring, words);
    CLAIM(strnlen(words, sizeof words) < sizeof words);
    /* What was kept for this refusal is not told of the next one. */
    tls_words_take(NULL, words);
    CLAIM(words[0] == '\0');
    free(message);
}

static void trace(struct input *event)
{
    char *line = input_string(event);

    on_trace(MQTTASYNC_TRACE_PROTOCOL, line);
    free(line);
}

/* OpenSSL gives a length; nothing is promised beyond it. */
static void fail_tls(struct input *event)
{
    uint8_t *line = input_copy(event);

    CLAIM(on_tls_error((const char *)line, event->left, NULL) == 1);
    free(line);
}

/* PUBACKs: each is told of first, then what it was for, if anything was on its way. */
static void take(struct mqtt_client *client, uint8_t shape, MQTTAsync_failureData5 *failed)
{
    struct ring *ring = client->setup->ring;
    MQTTAsync_successData5 good5 = {.token = failed->token};
    MQTTAsync_successData good = {.token = failed->token};

    on_acknowledgement(client, failed->token);
    if (shape & 16) {
        on_acknowledgement(client, failed->token);
        expect_event(ring, RING_STRAY, 0, 0);
    }
    if ((shape & 3) == 0)
        on_taken5(client, &good5);
    else if ((shape & 3) == 1)
        on_taken(client, &good);
    else
        on_not_taken5(client, failed);
    if ((shape & 3) < 2)
        expect_event(ring, RING_TAKEN, (uint32_t)failed->token, 0);
    else if (failed->code == 0)
        expect_event(ring, RING_NOT_TAKEN, (uint32_t)failed->token, failed->reasonCode);
    client->unclaimed = false;
}

static void answer(struct mqtt_client *client, struct input *event)
{
    struct ring *ring = client->setup->ring;
    uint8_t shape = input_byte(event);
    MQTTAsync_failureData5 failed = {.code = shape & 8 ? -1 : 0};
    failed.token = (int)input_number(event, 2);
    failed.reasonCode = (enum MQTTReasonCodes)input_byte(event);
    MQTTAsync_failureData refused = {.code = failed.reasonCode};
    struct ring_event none;

    if ((shape & 7) < 3) {
        take(client, shape, &failed);
    } else if ((shape & 7) == 3) {
        on_not_subscribed5(ring, &failed);
        if (failed.code == 0)
            expect_event(ring, RING_NOT_SUBSCRIBED, 0, failed.reasonCode);
    } else if ((shape & 7) == 4) {
        on_not_subscribed(ring, &refused);
        if (refused.code == MQTT_BAD_SUBSCRIBE)
            expect_event(ring, RING_NOT_SUBSCRIBED, 0, refused.code);
    } else if ((shape & 7) == 5) {
        on_sent_away(client, NULL, failed.reasonCode);
        expect_event(ring, RING_SENT_AWAY, 0, failed.reasonCode);
    } else if ((shape & 7) == 6) {
        on_lost(client, NULL);
        expect_event(ring, RING_LOST, 0, 0);
    } else {
        on_connected(client, NULL);
        expect_event(ring, RING_CONNECTED, 0, 0);
    }
    CLAIM(!ring_take(ring, &none));
}

/* Tokens acknowledged in any order, repeated, made up: each flight lands once. */
static void acknowledge(struct input *event)
{
    struct window window = {0};
    bool flying[UINT8_MAX + 1] = {0};
    unsigned count = 0;

    window_reset(&window, input_byte(event));
    CLAIM(window.size >= 1 && window.size <= WINDOW_MAX);
    while (event->left > 0) {
        uint8_t token = input_byte(event);
        bool send = event->left % 2 && !flying[token] && window_room(&window) > 0;
        uint32_t ticket = 0;
        if (send) {
            window_add(&window, token, token + 1000U, 1);
        } else {
            CLAIM(window_take(&window, token, 2, &ticket) == flying[token]);
            CLAIM(ticket == (flying[token] ? token + 1000U : 0));
        }
        count = count + send - (!send && flying[token]);
        flying[token] = send;
        CLAIM(window.count == count && window_room(&window) == window.size - count);
        CLAIM(!window_is_stuck(&window, 10, 10) &&
              (count > 0 || !window_is_stuck(&window, 10, 12)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct ring *ring = ring_new(-1);
    struct mqtt_client_setup setup = {
        .ring = ring, .on_message = on_message, .message_context = &told};
    struct mqtt_client client = {.setup = &setup};

    tls_words_forget();
    while (input.left > 0) {
        struct input event = input_part(&input, 0);
        switch (input_byte(&event)) {
        case 't':
            trace(&event);
            break;
        case 'e':
            fail_tls(&event);
            break;
        case 'r':
            refuse(&client, &event);
            break;
        case 'c':
            connect5(&client, &event);
            break;
        case 'a':
            answer(&client, &event);
            break;
        case 'm':
            arrive(&client, &event);
            break;
        case 'w':
            acknowledge(&event);
            break;
        default:
            start_trace(&client);
        }
    }
    stop_trace(&client);
    ring_free(ring);
    return 0;
}
