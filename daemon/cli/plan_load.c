#include "plan_load.h"

#include <string.h>

enum {
    ASSUMED_BAUD = 9600,
    ASSUMED_BITS = 10,
    REQUEST_CHARS = 8, /* unit, function, start, count, CRC */
    LINE_CHARS = 20,
    CHECKSUM_CHARS = 2,
    ANSWER_CHARS = 5, /* unit, function, byte count, CRC; the data comes on top */
};

struct line_speed line_speed_of(const struct link *link)
{
    if (!link_driver_is_serial(link->driver))
        return (struct line_speed){ASSUMED_BAUD, ASSUMED_BITS, true};
    unsigned parity = link->parity == 'N' ? 0 : 1;
    return (struct line_speed){link->baud, 1 + link->data_bits + parity + link->stop_bits, false};
}

static unsigned answer_chars(const struct span *span)
{
    bool bits = span->function <= 2;
    return ANSWER_CHARS + (bits ? (span->count + 7U) / 8 : 2U * span->count);
}

static double char_ms(const struct link *link)
{
    struct line_speed speed = line_speed_of(link);
    return 1000.0 * speed.bits_per_char / speed.baud;
}

/* Modbus over Serial Line V1.02, 2.5.1.1 */
static double silence_ms(const struct link *link)
{
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
    return span_idle_ms(link) + (REQUEST_CHARS + answer_chars(span)) * char_ms(link);
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

void link_load_add_text(struct link_load *load, const struct link *link,
                        const struct machine *machine)
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
