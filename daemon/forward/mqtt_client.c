#include "mqtt_client.h"

#include <MQTTAsync.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "text.h"
#include "tls_words.h"

enum { KEEP_ALIVE_S = 20 };

/* Paho counts and wakes badly near its own limits; the window is kept by the uplink. */
enum { PAHO_IN_FLIGHT = 65535 };

struct mqtt_client {
    const struct mqtt_client_setup *setup;
    MQTTAsync paho;
    atomic_bool traced;
    int keep_alive_s; /* for the next connection */
    bool unclaimed;   /* an acknowledgement has come, and nobody has said yet that it was awaited;
                         Paho's receiving thread's alone */
};

/* Paho's trace costs a fifth of a publish: it is on only while a TLS handshake may fail. */
static atomic_uint traced_clients;

static void start_trace(struct mqtt_client *client)
{
    if (atomic_exchange(&client->traced, true))
        return;
    if (atomic_fetch_add(&traced_clients, 1) == 0)
        MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_PROTOCOL);
}

static void stop_trace(struct mqtt_client *client)
{
    if (!atomic_exchange(&client->traced, false))
        return;
    if (atomic_fetch_sub(&traced_clients, 1) == 1)
        MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_ERROR);
}

static void on_trace(enum MQTTASYNC_TRACE_LEVELS level, char *message)
{
    (void)level;
    tls_words_trace(message);
}

static int on_tls_error(const char *line, size_t length, void *context)
{
    (void)context;
    tls_words_error(line, length);
    return 1;
}

static void put_refused(struct mqtt_client *client, int code, const char *message)
{
    char words[RING_WORDS_BYTES];

    stop_trace(client);
    tls_words_take(message, words);
    ring_put_refused(client->setup->ring, code > 0 ? code : -1, words);
}

static void on_refused(void *context, MQTTAsync_failureData *data)
{
    put_refused(context, data->code, data->message);
}

static void on_refused5(void *context, MQTTAsync_failureData5 *data)
{
    put_refused(context, data->code, data->message);
}

static void put_connected(struct mqtt_client *client, int64_t window, int64_t most_bytes)
{
    stop_trace(client);
    tls_words_forget();
    ring_put(client->setup->ring, (struct ring_event){.kind = RING_CONNECTED,
                                                      .number = (uint32_t)window,
                                                      .code = (uint32_t)most_bytes});
}

static void on_connected(void *context, MQTTAsync_successData *data)
{
    (void)data;
    put_connected(context, 0, 0);
}

static int64_t property(MQTTProperties *properties, enum MQTTPropertyCodes code)
{
    if (!MQTTProperties_hasProperty(properties, code))
        return 0;
    return MQTTProperties_getNumericValue(properties, code);
}

/* Paho does not heed a keep-alive that the broker sets (MQTT 5, 3.2.2.3.14): the connection is made
 * anew with one that need not be changed. */
static void refuse_keep_alive(struct mqtt_client *client, int keep_alive_s)
{
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
    char words[RING_WORDS_BYTES];

    stop_trace(client);
    tls_words_forget();
    client->keep_alive_s = keep_alive_s;
    MQTTAsync_disconnect(client->paho, &options);
    snprintf(words, sizeof(words), "the broker wants a keep-alive of %d s", keep_alive_s);
    ring_put_refused(client->setup->ring, -1, words);
}

static void on_connected5(void *context, MQTTAsync_successData5 *data)
{
    struct mqtt_client *client = context;
    int keep_alive_s = (int)property(&data->properties, MQTTPROPERTY_CODE_SERVER_KEEP_ALIVE);

    if (keep_alive_s > 0 && keep_alive_s < client->keep_alive_s) {
        refuse_keep_alive(client, keep_alive_s);
        return;
    }
    put_connected(context, property(&data->properties, MQTTPROPERTY_CODE_RECEIVE_MAXIMUM),
                  property(&data->properties, MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE));
}

static void on_sent_away(void *context, MQTTProperties *properties, enum MQTTReasonCodes reason)
{
    const struct mqtt_client *client = context;

    (void)properties;
    ring_put(client->setup->ring, (struct ring_event){.kind = RING_SENT_AWAY, .code = reason});
}

static void on_lost(void *context, __attribute__((unused)) char *cause)
{
    const struct mqtt_client *client = context;

    tls_words_forget();
    ring_put(client->setup->ring, (struct ring_event){.kind = RING_LOST});
}

static void on_left(void *context, MQTTAsync_successData *data)
{
    (void)data;
    ring_put(context, (struct ring_event){.kind = RING_LEFT});
}

static void on_left5(void *context, MQTTAsync_successData5 *data)
{
    (void)data;
    ring_put(context, (struct ring_event){.kind = RING_LEFT});
}

/* Paho tells of every PUBACK, and then, if something with its id was on its way, of that. One that
 * comes twice, or with an id of nobody's, is known for that when the next one comes. */
static void on_acknowledgement(void *context, MQTTAsync_token token)
{
    struct mqtt_client *client = context;

    (void)token;
    if (client->unclaimed)
        ring_put(client->setup->ring, (struct ring_event){.kind = RING_STRAY});
    client->unclaimed = true;
}

static void put_taken(struct mqtt_client *client, MQTTAsync_token token)
{
    client->unclaimed = false;
    ring_put(client->setup->ring,
             (struct ring_event){.kind = RING_TAKEN, .number = (uint32_t)token});
}

static void on_taken(void *context, MQTTAsync_successData *data)
{
    put_taken(context, data->token);
}

static void on_taken5(void *context, MQTTAsync_successData5 *data)
{
    put_taken(context, data->token);
}

/* A publish fails in Paho itself only with its connection, and RING_LOST tells of that for all. */
static void on_not_taken5(void *context, MQTTAsync_failureData5 *data)
{
    struct mqtt_client *client = context;

    if (data->code != 0)
        return;
    client->unclaimed = false;
    ring_put(client->setup->ring, (struct ring_event){.kind = RING_NOT_TAKEN,
                                                      .number = (uint32_t)data->token,
                                                      .code = data->reasonCode});
}

static void on_not_subscribed(void *context, MQTTAsync_failureData *data)
{
    if (data->code == MQTT_BAD_SUBSCRIBE)
        ring_put(context, (struct ring_event){.kind = RING_NOT_SUBSCRIBED, .code = data->code});
}

static void on_not_subscribed5(void *context, MQTTAsync_failureData5 *data)
{
    if (data->code == 0)
        ring_put(context,
                 (struct ring_event){.kind = RING_NOT_SUBSCRIBED, .code = data->reasonCode});
}

static int on_arrived(void *context, char *topic, int topic_length, MQTTAsync_message *message)
{
    const struct mqtt_client_setup *setup = ((const struct mqtt_client *)context)->setup;
    size_t length = topic_length > 0 ? (size_t)topic_length : strlen(topic);

    if (setup->on_message != NULL)
        setup->on_message(setup->message_context, topic, length, message->payload,
                          (size_t)message->payloadlen, message->retained != 0);
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

/* Paho 1.3.12 obeys a proxy meant for web browsers. OpenSSL, left to itself, makes itself ready at
 * the first connection that wants it, and costs nothing where none does. */
static void prepare_process(void)
{
    MQTTAsync_init_options options = MQTTAsync_init_options_initializer;

    unsetenv("http_proxy");
    unsetenv("https_proxy");
    options.do_openssl_init = 0;
    MQTTAsync_global_init(&options);
    MQTTAsync_setTraceCallback(on_trace);
    MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_ERROR);
}

static void host_to_url(const struct uplink_settings *settings, const char *host, struct text *url)
{
    const char *scheme = settings->scheme == SCHEME_MQTTS ? "ssl" : "tcp";
    bool v6 = strchr(host, ':') != NULL;

    text_addf(url, "%s://%s%s%s:%u", scheme, v6 ? "[" : "", host, v6 ? "]" : "",
              (unsigned)settings->port);
}

int mqtt_client_new(const struct mqtt_client_setup *setup, struct mqtt_client **ret_client)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
    struct mqtt_client *client = mem_alloc(sizeof(*client));
    struct text url = {0};

    pthread_once(&once, prepare_process);
    client->setup = setup;
    client->keep_alive_s = KEEP_ALIVE_S;
    options.MQTTVersion = setup->settings->mqtt5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1;
    options.maxBufferedMessages = PAHO_IN_FLIGHT;
    options.sendWhileDisconnected = 0;
    host_to_url(setup->settings, setup->settings->host, &url);
    int code = MQTTAsync_createWithOptions(&client->paho, url.data, setup->settings->client_id,
                                           MQTTCLIENT_PERSISTENCE_NONE, NULL, &options);
    text_free(&url);
    if (code != MQTTASYNC_SUCCESS) {
        free(client);
        return -EINVAL;
    }
    MQTTAsync_setCallbacks(client->paho, client, on_lost, on_arrived, on_acknowledgement);
    MQTTAsync_setDisconnected(client->paho, client, on_sent_away);
    *ret_client = client;
    return 0;
}

void mqtt_client_free(struct mqtt_client *client)
{
    if (client == NULL)
        return;
    MQTTAsync_destroy(&client->paho);
    stop_trace(client);
    free(client);
}

static void fill_version(struct mqtt_client *client, MQTTAsync_connectOptions *options)
{
    if (client->setup->settings->mqtt5) {
        options->MQTTVersion = MQTTVERSION_5;
        options->cleansession = 0;
        options->cleanstart = 1;
        options->onSuccess5 = on_connected5;
        options->onFailure5 = on_refused5;
    } else {
        options->MQTTVersion = MQTTVERSION_3_1_1;
        options->cleansession = 1;
        options->onSuccess = on_connected;
        options->onFailure = on_refused;
    }
    options->context = client;
}

static void fill_tls(const struct uplink_settings *settings, MQTTAsync_SSLOptions *options)
{
    options->trustStore = settings->ca_file;
    options->keyStore = settings->cert_file;
    options->privateKey = settings->key_file;
    options->enableServerCertAuth = 1;
    options->verify = 1;
    options->sslVersion = MQTT_SSL_VERSION_TLS_1_2;
    options->ssl_error_cb = on_tls_error;
}

int mqtt_client_connect(struct mqtt_client *client, const char *host, const void *password,
                        size_t password_length)
{
    const struct uplink_settings *settings = client->setup->settings;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    MQTTAsync_SSLOptions tls_options = MQTTAsync_SSLOptions_initializer;
    MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
    struct text url = {0};

    fill_version(client, &options);
    fill_tls(settings, &tls_options);
    host_to_url(settings, host, &url);
    options.serverURIs = &url.data;
    options.serverURIcount = 1;
    options.keepAliveInterval = client->keep_alive_s;
    options.connectTimeout = MQTT_CONNECT_TIMEOUT_S;
    options.maxInflight = PAHO_IN_FLIGHT;
    options.username = settings->username;
    options.binarypwd.data = password;
    options.binarypwd.len = (int)password_length;
    if (settings->scheme == SCHEME_MQTTS) {
        options.ssl = &tls_options;
        start_trace(client);
    }
    will.topicName = client->setup->will_topic;
    will.message = client->setup->will_payload;
    will.retained = 1;
    will.qos = 1;
    if (will.topicName != NULL)
        options.will = &will;
    int code = MQTTAsync_connect(client->paho, &options);
    text_free(&url);
    return code == MQTTASYNC_SUCCESS ? 0 : -EINVAL;
}

void mqtt_client_disconnect(struct mqtt_client *client)
{
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;

    options.context = client->setup->ring;
    if (client->setup->settings->mqtt5)
        options.onSuccess5 = on_left5;
    else
        options.onSuccess = on_left;
    MQTTAsync_disconnect(client->paho, &options);
}

int mqtt_client_send(struct mqtt_client *client, const char *topic, const void *payload,
                     size_t length, bool retain, uint32_t *ret_token)
{
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;

    if (length > INT_MAX)
        return -EINVAL;
    options.context = client;
    if (client->setup->settings->mqtt5) {
        options.onSuccess5 = on_taken5;
        options.onFailure5 = on_not_taken5;
    } else {
        options.onSuccess = on_taken;
    }
    int code = MQTTAsync_send(client->paho, topic, (int)length, payload, 1, retain, &options);
    if (code != MQTTASYNC_SUCCESS)
        return code == MQTTASYNC_DISCONNECTED ? -ENOTCONN : -EINVAL;
    *ret_token = (uint32_t)options.token;
    return 0;
}

int mqtt_client_subscribe(struct mqtt_client *client, const char *topic)
{
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;

    options.context = client->setup->ring;
    if (client->setup->settings->mqtt5)
        options.onFailure5 = on_not_subscribed5;
    else
        options.onFailure = on_not_subscribed;
    int code = MQTTAsync_subscribe(client->paho, topic, 1, &options);
    return code == MQTTASYNC_SUCCESS ? 0 : -ENOTCONN;
}
