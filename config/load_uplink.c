/* uplinks: */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "phrase.h"
#include "text.h"
#include "words.h"

enum { TOPIC_MOST_BYTES = 200 };

static const char url_expected[] = "mqtt://HOST:PORT or mqtts://HOST:PORT";

static const struct choice versions[] = {{"5", true}, {"3.1.1", false}, {NULL, 0}};
static const struct choice gathers[] = {
    {"machine", GATHER_MACHINE}, {"gateway", GATHER_GATEWAY}, {NULL, 0}};

/* One payload so far, so that there is nothing to remember. */
static const struct choice payloads[] = {
    {"json", 0}, {"sparkplug", CHOICE_LATER}, {"thingsboard", CHOICE_LATER}, {NULL, 0}};

struct uplink_draft {
    struct uplink_settings uplink;
    unsigned payload;
};

static field_read_fn read_url;

enum {
    UPLINK_NAME,
    UPLINK_URL,
    UPLINK_CLIENT_ID,
    UPLINK_USERNAME,
    UPLINK_PASSWORD_FILE,
    UPLINK_CA_FILE,
    UPLINK_CERT_FILE,
    UPLINK_KEY_FILE,
    UPLINK_PROXY,
    UPLINK_MQTT,
    UPLINK_PAYLOAD,
    UPLINK_GATHER,
    UPLINK_PUBLISH_EVERY,
    UPLINK_TOPIC,
    UPLINK_FIELDS
};

#define UPLINK_MEMBER(name) offsetof(struct uplink_draft, uplink.name)

static const struct field uplink_fields[UPLINK_FIELDS] = {
    [UPLINK_NAME] = {.key = "name",
                     .read = load_read_name,
                     .offset = UPLINK_MEMBER(name),
                     .required = "the uplink's name"},
    [UPLINK_URL] = {.key = "url", .read = read_url, .required = url_expected},
    [UPLINK_CLIENT_ID] = {.key = "client_id",
                          .read = load_read_text,
                          .offset = UPLINK_MEMBER(client_id),
                          .most = 128},
    [UPLINK_USERNAME] = {.key = "username",
                         .read = load_read_text,
                         .offset = UPLINK_MEMBER(username),
                         .most = 256},
    [UPLINK_PASSWORD_FILE] = {.key = "password_file",
                              .read = load_read_path,
                              .offset = UPLINK_MEMBER(password_file)},
    [UPLINK_CA_FILE] = {.key = "ca_file", .read = load_read_path, .offset = UPLINK_MEMBER(ca_file)},
    [UPLINK_CERT_FILE] = {.key = "cert_file",
                          .read = load_read_path,
                          .offset = UPLINK_MEMBER(cert_file)},
    [UPLINK_KEY_FILE] = {.key = "key_file",
                         .read = load_read_path,
                         .offset = UPLINK_MEMBER(key_file)},
    [UPLINK_PROXY] = {.key = "proxy", .read = load_read_later},
    [UPLINK_MQTT] = {.key = "mqtt",
                     .read = load_read_bool_choice,
                     .offset = UPLINK_MEMBER(mqtt5),
                     .choices = versions},
    [UPLINK_PAYLOAD] = {.key = "payload",
                        .read = load_read_choice,
                        .offset = offsetof(struct uplink_draft, payload),
                        .choices = payloads},
    [UPLINK_GATHER] = {.key = "gather",
                       .read = load_read_choice,
                       .offset = UPLINK_MEMBER(gather),
                       .choices = gathers},
    [UPLINK_PUBLISH_EVERY] = {.key = "publish_every",
                              .read = load_read_duration,
                              .offset = UPLINK_MEMBER(publish_every_ms),
                              .least = 10,
                              .most = 3600000},
    [UPLINK_TOPIC] = {.key = "topic",
                      .read = load_read_text,
                      .offset = UPLINK_MEMBER(topic),
                      .most = TOPIC_MOST_BYTES},
};

static const struct section uplink_section = {"an uplink", uplink_fields, UPLINK_FIELDS};

static const struct {
    const char *prefix;
    enum uplink_scheme scheme;
    uint16_t port;
} schemes[] = {{"mqtt://", SCHEME_MQTT, 1883}, {"mqtts://", SCHEME_MQTTS, 8883}};

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static void read_url(struct load *load, const struct field *field, const struct node *value,
                     void *object)
{
    struct uplink_settings *uplink = &((struct uplink_draft *)object)->uplink;
    const char *text = load_scalar(load, field, value, url_expected);
    const char *expected = NULL;
    char *host = NULL;

    if (!text)
        return;
    if (strchr(text, '@')) { /* not quoted: faults go into logs */
        load_fault(load, value,
                   "%s: a URL with a user in it; expected %s, and the keys username "
                   "and password_file",
                   field->key, url_expected);
        return;
    }
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t length = strlen(schemes[i].prefix);
        if (begins_with(text, schemes[i].prefix) &&
            parse_host_port(text + length, schemes[i].port, &host, &uplink->port, &expected) == 0) {
            uplink->scheme = schemes[i].scheme;
            uplink->host = load_string(load, host);
            free(host);
            return;
        }
    }
    if (begins_with(text, "ws://") || begins_with(text, "wss://"))
        load_refuse(load, field->key, value, "is not supported yet", url_expected);
    else
        load_refuse(load, field->key, value, "is no URL of a broker", "%s", url_expected);
}

static void refuse_without(struct load *load, const struct node *const *seen, size_t field,
                           size_t missing)
{
    if (seen[field] && !seen[missing]) {
        load_fault(load, seen[field], "%s: stands alone; expected %s beside it",
                   uplink_fields[field].key, uplink_fields[missing].key);
    }
}

static void check_security(struct load *load, const struct uplink_settings *uplink,
                           const struct node *const *seen)
{
    static const size_t tls_fields[] = {UPLINK_CA_FILE, UPLINK_CERT_FILE, UPLINK_KEY_FILE};

    refuse_without(load, seen, UPLINK_CERT_FILE, UPLINK_KEY_FILE);
    refuse_without(load, seen, UPLINK_KEY_FILE, UPLINK_CERT_FILE);
    refuse_without(load, seen, UPLINK_PASSWORD_FILE, UPLINK_USERNAME);
    for (size_t i = 0; i < sizeof tls_fields / sizeof *tls_fields; i++) {
        const struct node *key = seen[tls_fields[i]];
        if (key && uplink->host && uplink->scheme == SCHEME_MQTT) {
            load_fault(load, key, "%s: of no use with mqtt://; expected a url with mqtts://",
                       key->text);
        }
    }
}

/* Replaces what stands in braces; -1 at a placeholder that there is none of. */
static int fill_in(const struct plant *plant, const char *pattern, struct text *out)
{
    while (*pattern) {
        if (begins_with(pattern, "{site}")) {
            text_add(out, plant->site);
            pattern += strlen("{site}");
        } else if (begins_with(pattern, "{gateway}")) {
            text_add(out, plant->gateway);
            pattern += strlen("{gateway}");
        } else if (*pattern == '{' || *pattern == '}') {
            return -1;
        } else {
            text_add_char(out, *pattern++);
        }
    }
    return 0;
}

static const char *topic_complaint(const struct text *topic)
{
    if (topic->length == 0)
        return "is empty";
    if (strpbrk(topic->data, "#+"))
        return "has a wildcard in it";
    if (topic->data[0] == '$')
        return "begins with $, which is the broker's own";
    if (topic->data[0] == '/' || topic->data[topic->length - 1] == '/')
        return "begins or ends with a slash";
    return topic->length > TOPIC_MOST_BYTES ? "is too long" : NULL;
}

static void settle_topic(struct load *load, struct uplink_settings *uplink,
                         const struct node *value)
{
    struct text topic = {0};
    const char *complaint = "has an unknown placeholder";

    if (fill_in(load->plant, uplink->topic, &topic) == 0)
        complaint = topic_complaint(&topic);
    if (!complaint) {
        uplink->topic = load_string(load, topic.data);
    } else if (value) {
        load_refuse(load, "topic", value, complaint,
                    "a topic of at most %d bytes such as bindery/{site}/{gateway}",
                    TOPIC_MOST_BYTES);
    }
    text_free(&topic);
}

/* Two clients of one id at one broker would throw each other out for ever. */
static void claim_client_id(struct load *load, const struct uplink_settings *uplink,
                            const struct node *value, struct table *clients)
{
    struct text key = {0};

    for (const char *c = uplink->host; *c; c++)
        text_add_char(&key, (char)tolower((unsigned char)*c));
    text_addf(&key, ":%u %s", uplink->port, uplink->client_id);
    const char *kept = load_string(load, key.data);
    const struct node *other = table_get(clients, kept);
    if (other) {
        load_fault(load, value,
                   "client_id: %s is taken at this broker already, by the uplink at %s:%u; "
                   "expected one of its own",
                   phrase_quote(uplink->client_id).text, load->files[other->file],
                   (unsigned)other->line);
    } else {
        table_set(clients, kept, value);
    }
    text_free(&key);
}

static void load_uplink(struct load *load, const struct node *node, struct table *names,
                        struct table *clients, struct uplink_settings *ret_uplink)
{
    const struct node *seen[UPLINK_FIELDS];
    struct uplink_draft draft = {
        .uplink = {.client_id = load->plant->gateway,
                   .mqtt5 = true,
                   .gather = GATHER_MACHINE,
                   .publish_every_ms = 1000,
                   .topic = "bindery/{site}/{gateway}"},
    };
    struct uplink_settings *uplink = &draft.uplink;

    load_section(load, &uplink_section, node, seen, &draft);
    check_security(load, uplink, seen);
    settle_topic(load, uplink, load_value(seen[UPLINK_TOPIC]));
    if (uplink->name)
        load_claim(load, names, "name", uplink->name, load_value(seen[UPLINK_NAME]));
    if (uplink->host) {
        const struct node *id = load_value(seen[UPLINK_CLIENT_ID]);
        claim_client_id(load, uplink, id ? id : node, clients);
    }
    *ret_uplink = *uplink;
}

void load_uplinks(struct load *load)
{
    const struct load_items *items = &load->items[LIST_UPLINKS];
    struct plant *plant = load->plant;
    struct table names = {0};
    struct table clients = {0};

    plant->uplinks = arena_alloc(&load->home->arena, items->count * sizeof *plant->uplinks);
    plant->uplink_count = items->count;
    for (size_t i = 0; i < items->count; i++)
        load_uplink(load, items->nodes[i], &names, &clients, &plant->uplinks[i]);
    table_free(&names);
    table_free(&clients);
}
