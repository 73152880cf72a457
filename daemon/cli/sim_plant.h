/* The simulated side of the plant: what listens at one address, the units behind it, and their
 * answers. A request is answered from the tags' values at that moment; nothing is stored. Pure but
 * for allocation. One thread. */
#ifndef BINDERY_SIM_PLANT_H
#define BINDERY_SIM_PLANT_H

#include <stddef.h>
#include <stdint.h>

#include "modbus_frame.h"
#include "plant.h"
#include "sim_tale.h"
#include "sim_text.h"
#include "sim_values.h"

struct sim_point {
    const struct tag *tag;
    uint64_t seed;
    enum sim_kind kind;
    struct sim_tale *tale; /* the bus's; NULL: its machine has none */
    size_t index;          /* among its machine's tags */
};

/* Addresses that a unit has; others answer exception 2. */
struct sim_extent {
    enum area area;
    uint32_t first, last;
};

struct sim_unit {
    uint8_t unit;
    struct sim_point *points; /* by area, address, bit */
    size_t point_count;
    struct sim_extent *extents; /* ascending, apart from each other */
    size_t extent_count;
};

struct sim_bus {
    const struct link *link; /* the first of those with this address */
    struct sim_unit *units;
    size_t unit_count;
    struct sim_tale **tales; /* of those machines that have one */
    size_t tale_count;
    struct sim_speaker **speakers; /* its machines, where they speak in lines */
    size_t speaker_count;
};

/* Adds a machine; two with the same unit are one PLC, and those of a Modbus TCP link are a line.
 * Before the first answer, sim_bus_settle. */
void sim_bus_add(struct sim_bus *bus, const struct machine *machine, uint64_t seed);
void sim_bus_settle(struct sim_bus *bus);
void sim_bus_free(struct sim_bus *bus); /* what it owns, not itself */

/* The PDU that answers, and its length; 0 where nobody has that unit, or while its
 * controller starts anew: silence. */
size_t sim_bus_answer(const struct sim_bus *bus, const struct modbus_frame *request,
                      int64_t time_ms, uint8_t ret_pdu[MODBUS_MAX_PDU]);

#endif
