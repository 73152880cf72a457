/* A Modbus RTU or ASCII line, serial or over TCP, its driver and machines, and a slave at the other
 * end. */
#ifndef BINDERY_MODBUS_BENCH_H
#define BINDERY_MODBUS_BENCH_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "decode.h"
#include "line.h"
#include "modbus_slave.h"

enum { TIMEOUT_MS = 100, TAGS = 4, UNITS = 3, SLOW_HOST_MS = 400 };

static const enum link_driver rtu = DRIVER_MODBUS_RTU, rtu_tcp = DRIVER_MODBUS_RTU_TCP,
                              ascii = DRIVER_MODBUS_ASCII, ascii_tcp = DRIVER_MODBUS_ASCII_TCP;

/* Two requests a machine: words 0 to 8, and word 1000, this one every two seconds. */
static struct tag tags[TAGS] = {
    {.name = "far", .address = 1000, .type = TYPE_U16},
    {.name = "near", .address = 0, .type = TYPE_U16},
    {.name = "wide", .address = 1, .type = TYPE_U32},
    {.name = "job", .address = 5, .type = TYPE_STRING, .string_bytes = 8},
};

struct bench {
    struct slave slave;
    struct link link;
    struct machine machines[UNITS];
    const struct line_driver *driver;
    struct line_plan *plan;
    struct line *line;
    struct sample samples[TAGS];
    char texts[TAGS * DECODE_TEXT_BYTES];
    struct line_answer answer;
    int64_t took_ms;
};

static inline int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    enum link_driver driver = *(const enum link_driver *)*state;

    slave_start(&bench->slave, link_driver_is_serial(driver),
                driver == ascii || driver == ascii_tcp);
    bench->link = (struct link){
        .name = "l",
        .driver = driver,
        .host = "127.0.0.1",
        .port = bench->slave.port,
        .device = bench->slave.device,
        .baud = 115200,
        .data_bits = 8,
        .parity = 'N',
        .stop_bits = 1,
        .timeout_ms = TIMEOUT_MS,
        .max_registers = 125,
        .gap = 16,
    };
    for (size_t i = 0; i < TAGS; i++) {
        tags[i].area = AREA_HOLDING;
        tags[i].bit = -1;
        tags[i].scale = (struct decimal){1, 0};
        tags[i].every_ms = i == 0 ? 2000 : 1000;
    }
    for (uint8_t i = 0; i < UNITS; i++)
        bench->machines[i] = (struct machine){
            .name = "m",
            .link = &bench->link,
            .unit = i + 1,
            .tags = tags,
            .tag_count = TAGS,
        };
    bench->driver = line_driver_find(driver);
    bench->plan = bench->driver->prepare(&bench->machines[0], NULL);
    assert_int_equal(bench->driver->open(&bench->link, &bench->line), 0);
    *state = bench;
    return 0;
}

static inline int tear_down(void **state)
{
    struct bench *bench = *state;

    bench->driver->close(bench->line);
    bench->driver->discard(bench->plan);
    slave_end(&bench->slave);
    free(bench);
    return 0;
}

static inline bool always_due(const void *context, int64_t every_ms)
{
    return context == NULL || every_ms == *(const int64_t *)context;
}

static inline int poll_unit_due(struct bench *bench, unsigned unit, const int64_t *every_ms)
{
    int64_t began_ns = clock_mono_ns();
    int result;

    memset(bench->samples, 0xff, sizeof bench->samples);
    bench->answer = (struct line_answer){.samples = bench->samples, .texts = bench->texts};
    result = bench->driver->poll(bench->line, &bench->machines[unit - 1], bench->plan, always_due,
                                 every_ms, &bench->answer);
    bench->took_ms = (clock_mono_ns() - began_ns) / NS_PER_MS;
    return result;
}

static inline int poll_unit(struct bench *bench, unsigned unit)
{
    return poll_unit_due(bench, unit, NULL);
}

static const struct sample *sample_of(const struct bench *bench, uint16_t tag)
{
    for (size_t i = 0; i < bench->answer.count; i++)
        if (bench->samples[i].tag == tag)
            return &bench->samples[i];
    fail_msg("no sample of tag %u", tag);
    return NULL;
}

static inline void assert_quality(const struct bench *bench, uint16_t tag, enum quality quality)
{
    assert_int_equal(sample_of(bench, tag)->quality, quality);
}

static inline void assert_near_quality(const struct bench *bench, enum quality quality)
{
    for (uint16_t tag = 1; tag < TAGS; tag++)
        assert_quality(bench, tag, quality);
}

static inline void assert_far_good(const struct bench *bench, unsigned stamp)
{
    assert_quality(bench, 0, QUALITY_GOOD);
    assert_int_equal(sample_of(bench, 0)->value.mantissa, stamp + 1000);
}

static inline void assert_near_good(const struct bench *bench, unsigned stamp)
{
    assert_quality(bench, 1, QUALITY_GOOD);
    assert_int_equal(sample_of(bench, 1)->value.mantissa, stamp);
    assert_int_equal(sample_of(bench, 2)->value.mantissa, (stamp + 1) << 16 | (stamp + 2));
}

/* The driver's bound: what settling may take, what a request may, and a host that is busy. */
static inline void assert_took_at_most_ms(const struct bench *bench, int64_t ms)
{
    assert_true(bench->took_ms <= ms + SLOW_HOST_MS);
}

static inline void reopen(struct bench *bench)
{
    bench->driver->close(bench->line);
    bench->line = NULL;
    assert_int_equal(bench->driver->open(&bench->link, &bench->line), 0);
}

#define ON(transport, test)                                                               \
    {                                                                                     \
#test ", " #transport, test, set_up, tear_down, (void *)(uintptr_t) & (transport) \
    }
#define RTU(test) ON(rtu, test), ON(rtu_tcp, test)
#define ASCII(test) ON(ascii, test), ON(ascii_tcp, test)
#define SERIAL(test) ON(rtu, test), ON(ascii, test)
#define OVER_TCP(test) ON(rtu_tcp, test), ON(ascii_tcp, test)
#define ALL(test) RTU(test), ASCII(test)

#endif
