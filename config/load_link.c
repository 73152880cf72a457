/* links: */
#include <stdlib.h>
#include <string.h>

#include "link_driver.h"
#include "load.h"
#include "phrase.h"
#include "recording.h"
#include "words.h"

/* A link, and whether its driver was understood. */
struct link_draft {
    struct link link;
    struct link_recording recording; /* of the driver of that name */
    unsigned driver;                 /* enum link_driver, or DRIVER_UNKNOWN */
};

enum { DRIVER_UNKNOWN = 0xff, MOST_SPEED = 1000, END_MOST_BYTES = 8 };

static const struct choice drivers[] = {
    {"modbus-tcp", DRIVER_MODBUS_TCP},
    {"modbus-rtu", DRIVER_MODBUS_RTU},
    {"modbus-rtu-tcp", DRIVER_MODBUS_RTU_TCP},
    {"modbus-ascii", DRIVER_MODBUS_ASCII},
    {"modbus-ascii-tcp", DRIVER_MODBUS_ASCII_TCP},
    {"serial-text", DRIVER_SERIAL_TEXT},
    {"serial-text-tcp", DRIVER_SERIAL_TEXT_TCP},
    {"recording", DRIVER_RECORDING},
    {NULL, 0},
};

static const struct choice switches[] = {
    {"on", true}, {"off", false}, {"true", true}, {"false", false}, {NULL, 0}};

static field_read_fn read_address, read_device, read_baud, read_format, read_end, read_speed;

enum {
    LINK_NAME,
    LINK_DRIVER,
    LINK_ADDRESS,
    LINK_DEVICE,
    LINK_BAUD,
    LINK_FORMAT,
    LINK_RS485,
    LINK_TIMEOUT,
    LINK_MAX_REGISTERS,
    LINK_GAP,
    LINK_PAUSE,
    LINK_END,
    LINK_LENGTH,
    LINK_IDLE,
    LINK_FILE,
    LINK_SPEED,
    LINK_REPEAT,
    LINK_FIELDS
};

#define LINK_MEMBER(name) offsetof(struct link_draft, link.name)

static const struct field link_fields[LINK_FIELDS] = {
    [LINK_NAME] = {.key = "name",
                   .read = load_read_name,
                   .offset = LINK_MEMBER(name),
                   .required = "the link's name"},
    [LINK_DRIVER] = {.key = "driver",
                     .read = load_read_choice,
                     .offset = offsetof(struct link_draft, driver),
                     .choices = drivers,
                     .required = "modbus-tcp, modbus-rtu, serial-text or another driver"},
    [LINK_ADDRESS] = {.key = "address", .read = read_address},
    [LINK_DEVICE] = {.key = "device", .read = read_device, .offset = LINK_MEMBER(device)},
    [LINK_BAUD] = {.key = "baud", .read = read_baud, .offset = LINK_MEMBER(baud)},
    [LINK_FORMAT] = {.key = "format", .read = read_format},
    [LINK_RS485] = {.key = "rs485",
                    .read = load_read_bool_choice,
                    .offset = LINK_MEMBER(rs485),
                    .choices = switches},
    [LINK_TIMEOUT] = {.key = "timeout",
                      .read = load_read_duration,
                      .offset = LINK_MEMBER(timeout_ms),
                      .least = 10,
                      .most = 60000},
    [LINK_MAX_REGISTERS] = {.key = "max_registers",
                            .read = load_read_u16,
                            .offset = LINK_MEMBER(max_registers),
                            .least = 1,
                            .most = 125},
    [LINK_GAP] = {.key = "gap", .read = load_read_u16, .offset = LINK_MEMBER(gap), .most = 125},
    [LINK_PAUSE] = {.key = "pause",
                    .read = load_read_duration,
                    .offset = LINK_MEMBER(pause_ms),
                    .most = 10000},
    [LINK_END] = {.key = "end",
                  .read = read_end,
                  .offset = LINK_MEMBER(framing.end),
                  .most = END_MOST_BYTES},
    [LINK_LENGTH] = {.key = "length",
                     .read = load_read_u16,
                     .offset = LINK_MEMBER(framing.length),
                     .least = 1,
                     .most = 1024},
    [LINK_IDLE] = {.key = "idle",
                   .read = load_read_duration,
                   .offset = LINK_MEMBER(framing.idle_ms),
                   .least = 5,
                   .most = 1000},
    [LINK_FILE] = {.key = "file",
                   .read = load_read_path,
                   .offset = offsetof(struct link_draft, recording.file)},
    [LINK_SPEED] = {.key = "speed", .read = read_speed},
    [LINK_REPEAT] = {.key = "repeat",
                     .read = load_read_bool_choice,
                     .offset = offsetof(struct link_draft, recording.repeat),
                     .choices = switches},
};

static const struct section link_section = {"a link", link_fields, LINK_FIELDS};

static void read_address(struct load *load, const struct field *field, const struct node *value,
                         void *object)
{
    struct link *link = &((struct link_draft *)object)->link;
    const char *expected = "a host and a port, such as 192.168.1.10:502";
    const char *text = load_scalar(load, field, value, expected);
    char *host = NULL;

    if (!text)
        return;
    if (parse_host_port(text, 502, &host, &link->port, &expected) != 0) {
        load_refuse(load, field->key, value, "is no address", "%s", expected);
        return;
    }
    link->host = load_string(load, host);
    free(host);
}

static void read_device(struct load *load, const struct field *field, const struct node *value,
                        void *object)
{
    static const char expected[] = "an absolute path such as /dev/serial/by-id/usb-...";
    const char *text = load_scalar(load, field, value, expected);

    if (text && text[0] != '/')
        load_refuse(load, field->key, value, "is no absolute path", expected);
    else if (text)
        load_read_path(load, field, value, object);
}

static void read_baud(struct load *load, const struct field *field, const struct node *value,
                      void *object)
{
    static const char expected[] = "a rate of serial ports, such as 9600, 19200, 115200";
    const char *text = load_scalar(load, field, value, expected);
    int64_t rate = 0;

    if (text && (parse_whole(text, &rate) != 0 || !is_baud(rate)))
        load_refuse(load, field->key, value, "is no baud rate", expected);
    else if (text)
        ((struct link_draft *)object)->link.baud = (uint32_t)rate;
}

static void read_format(struct load *load, const struct field *field, const struct node *value,
                        void *object)
{
    static const char expected[] = "data bits, parity (N E O) and stop bits, such as 8N1 or 8E1";
    struct link *link = &((struct link_draft *)object)->link;
    const char *text = load_scalar(load, field, value, expected);

    if (text && parse_format(text, &link->data_bits, &link->parity, &link->stop_bits) != 0)
        load_refuse(load, field->key, value, "is no format", expected);
}

/* "crlf", "cr", "lf", or the bytes themselves. */
static void read_end(struct load *load, const struct field *field, const struct node *value,
                     void *object)
{
    static const char *const words[][2] = {{"crlf", "\r\n"}, {"cr", "\r"}, {"lf", "\n"}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (value->kind == NODE_SCALAR && strcmp(value->text, words[i][0]) == 0) {
            ((struct link_draft *)object)->link.framing.end = words[i][1];
            return;
        }
    }
    load_read_bytes(load, field, value, object);
}

static void read_speed(struct load *load, const struct field *field, const struct node *value,
                       void *object)
{
    static const char expected[] = "fast, or a whole number from 1 to 1000";
    const char *text = load_scalar(load, field, value, expected);
    int64_t times = 0;

    if (!text)
        return;
    bool fast = strcmp(text, "fast") == 0;
    if (!fast && (parse_whole(text, &times) != 0 || times < 1 || times > MOST_SPEED))
        load_refuse(load, field->key, value, "is no speed", expected);
    else
        ((struct link_draft *)object)->recording.speed = (uint16_t)times;
}

/* Refuses the key where it stands: it goes with other drivers than this one. */
static void refuse_for_driver(struct load *load, const struct node *key, const char *driver,
                              const char *instead)
{
    if (key)
        load_fault(load, key, "%s: does not go with %s; expected %s", key->text, driver, instead);
}

static void require_for_driver(struct load *load, const struct node *node,
                               const struct node *const *seen, size_t field, const char *driver)
{
    if (!seen[field]) {
        load_fault(load, node, "%s: missing in a link; expected one with %s",
                   link_fields[field].key, driver);
    }
}

static void check_data_bits(struct load *load, const struct link_draft *draft,
                            const struct driver_traits *traits, const struct node *format)
{
    if (draft->link.data_bits < traits->least_data_bits) {
        load_refuse(load, "format", load_value(format), "has 7 data bits",
                    "8 of them: RTU's bytes are whole");
    }
}

/* Its place, and what goes with places of that kind only. */
static void check_transport(struct load *load, const struct node *node,
                            const struct link_draft *draft, const struct node *const *seen)
{
    static const char *const places[] = {
        [PLACE_ADDRESS] = "an address", [PLACE_DEVICE] = "a device", [PLACE_NONE] = "neither"};
    static const size_t serial_fields[] = {LINK_BAUD, LINK_FORMAT, LINK_RS485};
    const struct driver_traits *traits = link_driver_traits((enum link_driver)draft->driver);
    const char *instead = places[traits->place];

    if (traits->place == PLACE_ADDRESS)
        require_for_driver(load, node, seen, LINK_ADDRESS, traits->name);
    else
        refuse_for_driver(load, seen[LINK_ADDRESS], traits->name, instead);
    if (traits->place == PLACE_DEVICE) {
        require_for_driver(load, node, seen, LINK_DEVICE, traits->name);
        check_data_bits(load, draft, traits, seen[LINK_FORMAT]);
        return;
    }
    refuse_for_driver(load, seen[LINK_DEVICE], traits->name, instead);
    for (size_t i = 0; i < sizeof serial_fields / sizeof *serial_fields; i++)
        refuse_for_driver(load, seen[serial_fields[i]], traits->name,
                          "it with serial drivers only");
}

/* Words are gathered from registers, lines end in some one way. */
static void check_kind(struct load *load, const struct link_draft *draft,
                       const struct node *const *seen)
{
    static const size_t of_registers[] = {LINK_MAX_REGISTERS, LINK_GAP};
    static const size_t of_text[] = {LINK_END, LINK_LENGTH, LINK_IDLE};
    bool is_text = link_driver_is_text((enum link_driver)draft->driver);
    const char *driver = link_driver_name((enum link_driver)draft->driver);
    const struct node *framing = NULL;

    for (size_t i = 0; is_text && i < sizeof of_registers / sizeof *of_registers; i++)
        refuse_for_driver(load, seen[of_registers[i]], driver, "it with registers only");
    for (size_t i = 0; i < sizeof of_text / sizeof *of_text; i++) {
        const struct node *key = seen[of_text[i]];
        if (!is_text)
            refuse_for_driver(load, key, driver, "it with serial-text only");
        else if (key && framing)
            load_fault(load, key, "%s: stands beside %s; expected one of end, length and idle",
                       key->text, framing->text);
        framing = framing ? framing : key;
    }
}

/* The driver that the machines were asked with when the recording was made, as it is spoken over
 * TCP; DRIVER_UNKNOWN after adding a fault. */
static unsigned recorded_driver(struct load *load, const struct link_draft *draft,
                                const struct node *key)
{
    struct recording *recording = NULL;
    struct text trouble = {0};
    const struct choice *choice = drivers;

    if (recording_read(draft->recording.file, &recording, &trouble) != 0)
        load_fault(load, load_value(key), "file: %s", trouble.data);
    text_free(&trouble);
    if (!recording)
        return DRIVER_UNKNOWN;
    while (choice->word && strcmp(choice->word, recording->driver) != 0)
        choice++;
    bool known = choice->word && choice->value != CHOICE_LATER && choice->value != DRIVER_RECORDING;
    if (!known)
        load_fault(load, load_value(key), "file: %s: driver %s is unknown; expected %s",
                   draft->recording.file, phrase_quote(recording->driver).text,
                   "one that a link may have");
    recording_free(recording);
    return known ? link_driver_traits((enum link_driver)choice->value)->over_tcp : DRIVER_UNKNOWN;
}

/* From here on it is a link like others, but for its place. */
static void check_recording(struct load *load, const struct node *node, struct link_draft *draft,
                            const struct node *const *seen)
{
    static const size_t fields[] = {LINK_FILE, LINK_SPEED, LINK_REPEAT};
    struct link_recording *recording;

    if (draft->driver != DRIVER_RECORDING) {
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
            refuse_for_driver(load, seen[fields[i]], link_driver_name(draft->driver),
                              "it with recording only");
        return;
    }
    require_for_driver(load, node, seen, LINK_FILE, "recording");
    if (!draft->recording.file)
        return;
    draft->driver = recorded_driver(load, draft, seen[LINK_FILE]);
    recording = arena_alloc(&load->home->arena, sizeof *recording);
    *recording = draft->recording;
    draft->link.recording = recording;
    draft->link.host = load_string(load, "127.0.0.1");
}

static void load_link(struct load *load, const struct node *node, struct table *names,
                      struct table *devices, struct link *ret_link)
{
    const struct node *seen[LINK_FIELDS];
    struct link_draft draft = {
        .driver = DRIVER_UNKNOWN,
        .recording = {.speed = 1},
        .link = {.name = "",
                 .baud = 9600,
                 .data_bits = 8,
                 .parity = 'N',
                 .stop_bits = 1,
                 .timeout_ms = 500,
                 .max_registers = 125,
                 .gap = 16},
    };

    load_section(load, &link_section, node, seen, &draft);
    if (draft.link.name[0] != '\0')
        load_claim(load, names, "name", draft.link.name, load_value(seen[LINK_NAME]));
    if (draft.link.device)
        load_claim(load, devices, "device", draft.link.device, load_value(seen[LINK_DEVICE]));
    if (draft.driver != DRIVER_UNKNOWN) {
        check_transport(load, node, &draft, seen);
        check_recording(load, node, &draft, seen);
    }
    if (draft.driver != DRIVER_UNKNOWN) {
        check_kind(load, &draft, seen);
        draft.link.driver = (enum link_driver)draft.driver;
    }
    *ret_link = draft.link;
}

void load_links(struct load *load)
{
    const struct load_items *items = &load->items[LIST_LINKS];
    struct plant *plant = load->plant;
    struct table names = {0};
    struct table devices = {0};

    plant->links = arena_alloc(&load->home->arena, items->count * sizeof *plant->links);
    plant->link_count = items->count;
    for (size_t i = 0; i < items->count; i++)
        load_link(load, items->nodes[i], &names, &devices, &plant->links[i]);
    plant_home_index_links(load->home);
    table_free(&names);
    table_free(&devices);
}
