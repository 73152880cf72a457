#include "plan_load.h"

#include <string.h>

enum {
    ASSUMED_BAUD = 9600,
    ASSUMED_BITS = 10,
    REQUEST_BYTES = 6, /* unit, function, start, count */
    ANSWER_BYTES = 3,  /* unit, function, byte count; the data comes on top */
    RTU_CHECK = 2,     /* CRC */
    ASCII_CHECK = 1,   /* LRC */
    ASCII_ENDS = 3,    /* ':', CR LF */
    LINE_CHARS = 20,   /* of text, where no example says it */
    CHECKSUM_CHARS = 2,
};

struct line_speed line_speed_of(const struct link *link)
{
    if (!link_driver_is_serial(link->driver))
        return (struct line_speed){ASSUMED_BAUD, ASSUMED_BITS, true};
    unsigned parity = link->parity == 'N' ? 0 : 1;
    return (struct line_speed){link->baud, 1 + link->data_bits + parity + link->stop_bits, false};
}

bool line_is_ascii(const struct link *link)
{
    return link->driver == DRIVER_MODBUS_ASCII || link->driver == DRIVER_MODBUS_ASCII_TCP;
}

static unsigned frame_chars(const struct link *link, unsigned bytes)
{
    return line_is_ascii(link) ? 2 * (bytes + ASCII_CHECK) + ASCII_ENDS : bytes + RTU_CHECK;
}

static unsigned span_chars(const struct link *link, const struct span *span)
{
    bool bits = span->function <= 2;
    unsigned data = bits ? (span->count + 7U) / 8 : 2U * span->count;
    return frame_chars(link, REQUEST_BYTES) + frame_chars(link, ANSWER_BYTES + data);
}

static double char_ms(const struct link *link)
{
    struct line_speed speed = line_speed_of(link);
    return 1000.0 * speed.bits_per_char / speed.baud;
}

/* Modbus over Serial Line V1.02, 2.5.1.1; in ASCII a frame's ends are told by characters. */
static double silence_ms(const struct link *link)
{
    if (line_is_ascii(link))
        return 0;
    return line_speed_of(link).baud > 19200 ? 1.75 : 3.5 * char_ms(link);
}

static double span_idle_ms(const struct link *link)
{
    double idle_ms = (double)NOMINAL_TURNAROUND_MS + (double)link->pause_ms;
    return link->driver == DRIVER_MODBUS_TCP ? idle_ms : idle_ms + 2 * silence_ms(link);
}

double span_busy_ms(const struct link *link, const struct span *span)
{
    if (link->driver == DRIVER_MODBUS_TCP)
        return span_idle_ms(link);
    return span_idle_ms(link) + span_chars(link, span) * char_ms(link);
}

void link_load_add(struct link_load *load, const struct link *link, const struct modbus_plan *plan)
{
    double idle = load->idle_share * load->busy;
    for (size_t i = 0; i < plan->span_count; i++) {
        const struct span *span = &plan->spans[i];
        double per_s = 1000.0 / (double)span->every_ms;
        load->requests_per_s += per_s;
        load->busy += per_s * span_busy_ms(link, span) / 1000;
        idle += per_s * span_idle_ms(link) / 1000;
    }
    load->idle_share = load->busy > 0 ? idle / load->busy : 0;
}

int64_t text_every_ms(const struct machine *machine)
{
    int64_t every_ms = machine->tags[0].every_ms;
    for (size_t i = 1; i < machine->tag_count; i++)
        if (machine->tags[i].every_ms < every_ms)
            every_ms = machine->tags[i].every_ms;
    return every_ms;
}

static size_t line_chars(const struct link *link, const struct text_config *text)
{
    size_t longest = 0;
    for (size_t i = 0; i < text->pattern_count; i++) {
        const char *example = text->patterns[i].example;
        if (example && strlen(example) > longest)
            longest = strlen(example);
    }
    size_t end = link->framing.end ? strlen(link->framing.end) : strlen("\r\n");
    return (longest > 0 ? longest : LINE_CHARS) + end +
           (text->checksum != CHECKSUM_NONE ? CHECKSUM_CHARS : 0);
}

static void add_text(struct link_load *load, const struct link *link, const struct machine *machine)
{
    const struct text_config *text = machine->text;
    if (!text->ask)
        return;
    double idle = load->idle_share * load->busy;
    double per_s = 1000.0 / (double)text_every_ms(machine);
    size_t chars = strlen(text->ask) + line_chars(link, text) + (text->ack ? strlen(text->ack) : 0);
    double idle_ms = (double)NOMINAL_TURNAROUND_MS + (double)link->pause_ms;
    load->requests_per_s += per_s;
    load->busy += per_s * (idle_ms + (double)chars * char_ms(link)) / 1000;
    idle += per_s * idle_ms / 1000;
    load->idle_share = load->busy > 0 ? idle / load->busy : 0;
}

struct link_load link_load_of(const struct link *link)
{
    struct link_load load = {0};
    for (size_t i = 0; i < link->machine_count; i++) {
        if (link->machines[i]->text) {
            add_text(&load, link, link->machines[i]);
            continue;
        }
        struct modbus_plan *plan = modbus_plan_new(link->machines[i], NULL);
        link_load_add(&load, link, plan);
        modbus_plan_free(plan);
    }
    return load;
}

enum load_strain link_load_strain(const struct link_load *load)
{
    if (load->busy > 1)
        return LOAD_OVER;
    return load->busy > 0.8 ? LOAD_HIGH : LOAD_EASY;
}
