#include "plan_load.h"

enum {
    ASSUMED_BAUD = 9600,
    ASSUMED_BITS = 10,
    REQUEST_BYTES = 6, /* unit, function, start, count */
    ANSWER_BYTES = 3,  /* unit, function, byte count; the data comes on top */
    RTU_CHECK = 2,     /* CRC */
    ASCII_CHECK = 1,   /* LRC */
    ASCII_ENDS = 3,    /* ':', CR LF */
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

struct link_load link_load_of(const struct link *link)
{
    struct link_load load = {0};
    for (size_t i = 0; i < link->machine_count; i++) {
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
