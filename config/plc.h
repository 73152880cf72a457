/* Controllers, and where their registers stand in Modbus's tables. Pure, constant. */
#ifndef BINDERY_PLC_H
#define BINDERY_PLC_H

#include <stdbool.h>
#include <stdint.h>

#include "plant.h"

/* How a name's number counts: D100, X17 in octal, a counter of two words, I0.7, VW100, VD100, and
 * V100.7 as a bit of the word in which that byte lies. */
enum plc_count {
    PLC_DECIMAL,
    PLC_OCTAL,
    PLC_PAIRS,
    PLC_BYTE_BITS,
    PLC_BYTES_OF_WORDS,
    PLC_BYTES_OF_PAIRS,
    PLC_BYTES_OF_BITS
};

/* Registers of one letter that stand in one piece. */
struct plc_range {
    const char *letters;
    enum plc_count count;
    enum area area;
    uint16_t first, last; /* numbers; of bytes where it counts bytes */
    uint16_t address;     /* where the first one stands */
    bool confirmed;       /* by a manual, all of it */
};

enum { PLC_MOST_RANGES = 13 };

struct plc {
    const char *name;
    uint8_t order; /* ORDER_ flags of what has several words */
    bool order_confirmed;
    struct plc_range ranges[PLC_MOST_RANGES]; /* ended by one without letters */
};

/* All of them, ended by one without a name. */
extern const struct plc plcs[];

/* NULL where there is none. */
const struct plc *plc_find(const char *name);

#endif
