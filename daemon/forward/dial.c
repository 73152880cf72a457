#include "dial.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backoff.h"
#include "clock.h"
#include "live_alarm.h"
#include "log.h"
#include "memory.h"
#include "mqtt_words.h"
#include "reach.h"
#include "resolver.h"
#include "secret.h"

/* Reason codes of MQTT 5. */
enum { NOT_AUTHORISED = 0x87, SESSION_TAKEN_OVER = 0x8E, OVER_QUOTA = 0x97 };

static const int64_t first_wait_ns = 1 * NS_PER_S;
static const int64_t absent_wait_ns = NS_PER_S / 2;
static const int64_t most_wait_ns = 60 * NS_PER_S;
static const int64_t patience_ns = MQTT_CONNECT_TIMEOUT_S * NS_PER_S;
static const int64_t look_again_ns = 20 * NS_PER_MS;

/* Paho tells of its own time-outs, but sleeps by the realtime clock: a step back may keep it from
 * waking. */
static const int64_t connecting_ns = (MQTT_CONNECT_TIMEOUT_S + 15) * NS_PER_S;

enum state {
    STATE_WAITING,    /* until next_ns */
    STATE_RESOLVING,  /* until the resolver answers; from next_ns on, that is trouble */
    STATE_CONNECTING, /* until Paho says, or next_ns */
    STATE_ASKING_WHY, /* Paho could not connect and can't say why: until reach does, or next_ns */
    STATE_CONNECTED,
};

struct dial {
    const struct mqtt_client_setup *setup;
    struct mqtt_client *client;
    struct resolver *resolver;
    enum state state;
    int64_t next_ns;
    int64_t away_since_ns;  /* when the connection went, or it all began */
    struct backoff backoff; /* of a broker that refuses */
    struct backoff absence; /* of one that is not there */
    struct resolver_answer found;
    unsigned attempt;
    int untried; /* addresses, this time round */
    int reach_fd;
    char trouble[RING_WORDS_BYTES], logged[RING_WORDS_BYTES];
};

int dial_new(const struct mqtt_client_setup *setup, int wake_fd, struct dial **ret_dial)
{
    struct mqtt_client *client;
    int error = mqtt_client_new(setup, &client);

    if (error != 0)
        return error;
    struct dial *dial = mem_alloc(sizeof(*dial));
    dial->setup = setup;
    dial->client = client;
    dial->resolver = resolver_new(wake_fd);
    dial->reach_fd = -1;
    dial->next_ns = dial->away_since_ns = clock_mono_ns();
    backoff_init(&dial->backoff, first_wait_ns, most_wait_ns, (uint32_t)dial->next_ns);
    backoff_init(&dial->absence, absent_wait_ns, most_wait_ns, (uint32_t)dial->next_ns);
    *ret_dial = dial;
    return 0;
}

void dial_free(struct dial *dial)
{
    if (dial == NULL)
        return;
    mqtt_client_free(dial->client);
    resolver_free(dial->resolver);
    if (dial->reach_fd >= 0)
        close(dial->reach_fd);
    free(dial);
}

struct mqtt_client *dial_client(const struct dial *dial)
{
    return dial->client;
}

void dial_set_trouble(struct dial *dial, const char *words)
{
    snprintf(dial->trouble, sizeof(dial->trouble), "%s", words);
}

const char *dial_trouble(const struct dial *dial)
{
    return dial->trouble;
}

/* The trouble is logged when it is a new one, not at every attempt. */
static void wait_for_next(struct dial *dial, int64_t wait_ns, int64_t now_ns)
{
    dial->state = STATE_WAITING;
    dial->next_ns = now_ns + wait_ns;
    if (strcmp(dial->logged, dial->trouble) == 0)
        return;
    memcpy(dial->logged, dial->trouble, sizeof(dial->logged));
    log_warn("uplink %s: %s, next try in %.1f s", dial->setup->settings->name, dial->trouble,
             (double)wait_ns / NS_PER_S);
}

static void fail(struct dial *dial, const char *words, int64_t now_ns)
{
    dial_set_trouble(dial, words);
    wait_for_next(dial, backoff_next(&dial->backoff), now_ns);
}

static const struct sockaddr *address_to_try(const struct dial *dial, socklen_t *ret_length)
{
    const struct sockaddr_storage *address =
        &dial->found.addresses[dial->attempt % (unsigned)dial->found.count];

    *ret_length = resolver_address_length(address);
    return (const struct sockaddr *)address;
}

/* TLS checks the certificate against the name, so that Paho gets that and looks it up again, just
 * after it was answered. Plain connections take the addresses in turn. */
static void host_to_try(const struct dial *dial, char host[static NI_MAXHOST])
{
    socklen_t length;
    const struct sockaddr *address = address_to_try(dial, &length);

    snprintf(host, NI_MAXHOST, "%s", dial->setup->settings->host);
    if (dial->setup->settings->scheme == SCHEME_MQTT)
        getnameinfo(address, length, host, NI_MAXHOST, NULL, 0, NI_NUMERICHOST);
}

static void connect_with(struct dial *dial, const char *password, size_t length, int64_t now_ns)
{
    char host[NI_MAXHOST];

    host_to_try(dial, host);
    if (mqtt_client_connect(dial->client, host, password, length) != 0) {
        fail(dial, "user name or will can't be sent", now_ns);
        return;
    }
    dial->state = STATE_CONNECTING;
    dial->next_ns = now_ns + connecting_ns;
}

static void start_connecting(struct dial *dial, int64_t now_ns)
{
    const char *path = dial->setup->settings->password_file;
    char password[SECRET_MAX_BYTES], words[RING_WORDS_BYTES];
    size_t length;

    if (path == NULL) {
        connect_with(dial, NULL, 0, now_ns);
        return;
    }
    int error = secret_read(path, password, &length);
    if (error == 0) {
        connect_with(dial, password, length, now_ns);
    } else {
        snprintf(words, sizeof(words), "password file %.80s: %s", path, strerrordesc_np(-error));
        fail(dial, words, now_ns);
    }
    explicit_bzero(password, sizeof(password));
}

/* Not there, or not yet: unlike a broker that refuses, it may be asked often. */
static void fail_absent(struct dial *dial, const char *words, int64_t now_ns)
{
    dial_set_trouble(dial, words);
    wait_for_next(dial, backoff_absence(&dial->absence, now_ns - dial->away_since_ns), now_ns);
}

/* Nobody listens: the next of the host's addresses may do. */
static void fail_with_errno(struct dial *dial, int error, int64_t now_ns)
{
    char words[RING_WORDS_BYTES];

    if (dial->untried > 0) {
        dial->untried--;
        dial->attempt++;
        start_connecting(dial, now_ns);
        return;
    }
    snprintf(words, sizeof(words), "%s", strerrordesc_np(error));
    words[0] = (char)tolower((unsigned char)words[0]);
    fail_absent(dial, words, now_ns);
}

static void start_resolving(struct dial *dial, int64_t now_ns)
{
    const struct uplink_settings *settings = dial->setup->settings;
    int error = resolver_ask(dial->resolver, settings->host, settings->port, dial);

    assert(error == 0);
    (void)error;
    dial->attempt++;
    dial->state = STATE_RESOLVING;
    dial->next_ns = now_ns + patience_ns;
}

static void take_addresses(struct dial *dial, int64_t now_ns)
{
    char words[RING_WORDS_BYTES];

    if (!resolver_take(dial->resolver, &dial->found)) {
        if (now_ns >= dial->next_ns) {
            dial_set_trouble(dial, "no name server answers");
            dial->next_ns = now_ns + patience_ns;
        }
        return;
    }
    if (dial->found.error == 0) {
        dial->untried = dial->setup->settings->scheme == SCHEME_MQTT ? dial->found.count - 1 : 0;
        start_connecting(dial, now_ns);
        return;
    }
    snprintf(words, sizeof(words), "%.60s: %s", dial->setup->settings->host,
             gai_strerror(dial->found.error));
    fail(dial, words, now_ns);
}

static void start_asking_why(struct dial *dial, int64_t now_ns)
{
    socklen_t length;
    const struct sockaddr *address = address_to_try(dial, &length);
    int error = reach_start(address, length, &dial->reach_fd);

    if (error != 0) {
        fail_with_errno(dial, -error, now_ns);
        return;
    }
    dial->state = STATE_ASKING_WHY;
    dial->next_ns = now_ns + patience_ns;
}

static void ask_why(struct dial *dial, int64_t now_ns)
{
    int error = reach_result(dial->reach_fd);

    if (error == -EINPROGRESS && now_ns < dial->next_ns)
        return;
    close(dial->reach_fd);
    dial->reach_fd = -1;
    if (error == -EINPROGRESS)
        fail_with_errno(dial, ETIMEDOUT, now_ns);
    else if (error != 0)
        fail_with_errno(dial, -error, now_ns);
    else if (dial->setup->settings->scheme == SCHEME_MQTTS)
        fail_absent(dial, "the broker broke off the TLS handshake", now_ns);
    else
        /* as one does that has come up since we were refused */
        fail_absent(dial, "the broker closed the connection", now_ns);
}

/* Codes of a CONNACK that no waiting will mend, of MQTT 3.1.1 and 5. */
static bool is_login_refused(int code)
{
    return code == 0x02 /* client id */ || code == 0x04 /* password */ ||
           code == 0x05 /* not authorised */ || code == 0x85 /* client id */ ||
           code == 0x86 /* password */ || code == NOT_AUTHORISED || code == 0x8A /* banned */ ||
           code == 0x8C /* authentication method */;
}

/* Ours that the broker refuses, or the broker's that we do, in OpenSSL's words or our own. */
static bool is_about_certificate(const char *words)
{
    return strstr(words, "certificate") != NULL || strstr(words, "unknown CA") != NULL;
}

static void raise_refused(struct dial *dial, int code, const char *words)
{
    struct live *live = dial->setup->live;
    const char *name = dial->setup->settings->name;

    if (code <= 0 && is_about_certificate(words))
        live_alarm_raise(live, ALARM_CERTIFICATE_REFUSED, name, "%s", words);
    else if (is_login_refused(code))
        live_alarm_raise(live, ALARM_LOGIN_REFUSED, name, "the broker does not let us in: %s",
                         mqtt_words(code));
    else if (code == OVER_QUOTA)
        live_alarm_raise(live, ALARM_QUOTA_EXCEEDED, name, "the broker does not let us in: %s",
                         mqtt_words(code));
}

void dial_sent_away(struct dial *dial, int code)
{
    const struct uplink_settings *settings = dial->setup->settings;
    struct live *live = dial->setup->live;

    dial_set_trouble(dial, mqtt_words(code));
    if (code == SESSION_TAKEN_OVER)
        live_alarm_raise(live, ALARM_DUPLICATE_CLIENT, settings->name,
                         "another client connects with our client id %s", settings->client_id);
    else if (code == NOT_AUTHORISED || code == OVER_QUOTA)
        live_alarm_raise(live, code == OVER_QUOTA ? ALARM_QUOTA_EXCEEDED : ALARM_NOT_AUTHORISED,
                         settings->name, "the broker has broken off: %s", mqtt_words(code));
}

void dial_refused(struct dial *dial, const struct ring_event *event, int64_t now_ns)
{
    char words[RING_WORDS_BYTES];

    if (dial->state != STATE_CONNECTING)
        return;
    ring_words(dial->setup->ring, words);
    raise_refused(dial, (int)event->code, words);
    if (event->code > 0)
        fail(dial, mqtt_words((int)event->code), now_ns);
    else if (words[0] != '\0')
        fail(dial, words, now_ns);
    else
        start_asking_why(dial, now_ns);
}

void dial_connected(struct dial *dial)
{
    dial->state = STATE_CONNECTED;
    dial->trouble[0] = dial->logged[0] = '\0';
    live_alarm_clear(dial->setup->live, ALARM_LOGIN_REFUSED, dial->setup->settings->name);
    live_alarm_clear(dial->setup->live, ALARM_CERTIFICATE_REFUSED, dial->setup->settings->name);
}

void dial_again(struct dial *dial, bool held, int64_t now_ns)
{
    if (held)
        backoff_reset(&dial->backoff);
    dial->away_since_ns = now_ns;
    wait_for_next(dial, backoff_next(&dial->backoff), now_ns);
}

void dial_renew(struct dial *dial)
{
    mqtt_client_free(dial->client);
    ring_clear(dial->setup->ring);
    int error = mqtt_client_new(dial->setup, &dial->client);

    assert(error == 0);
    (void)error;
}

int64_t dial_step(struct dial *dial, int64_t now_ns)
{
    switch (dial->state) {
    case STATE_WAITING:
        if (now_ns >= dial->next_ns)
            start_resolving(dial, now_ns);
        if (dial->state == STATE_RESOLVING)
            take_addresses(dial, now_ns);
        break;
    case STATE_RESOLVING:
        take_addresses(dial, now_ns);
        break;
    case STATE_CONNECTING:
        if (now_ns >= dial->next_ns) {
            dial_renew(dial);
            fail(dial, "the broker does not answer", now_ns);
        }
        break;
    case STATE_ASKING_WHY:
        ask_why(dial, now_ns);
        break;
    case STATE_CONNECTED:
        break;
    }
    return dial->state == STATE_ASKING_WHY ? now_ns + look_again_ns : dial->next_ns;
}
