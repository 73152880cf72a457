/* What each driver wants of a link. Pure. */
#ifndef BINDERY_LINK_DRIVER_H
#define BINDERY_LINK_DRIVER_H

#include <stdint.h>

#include "plant.h"

enum link_place {
    PLACE_ADDRESS, /* a host and a port */
    PLACE_DEVICE,  /* a serial port, with its settings */
    PLACE_NONE,    /* neither */
};

struct driver_traits {
    const char *name;
    enum link_place place;
    uint8_t least_data_bits;   /* of a character; serial drivers */
    enum link_driver over_tcp; /* what speaks the same over TCP */
};

const struct driver_traits *link_driver_traits(enum link_driver driver);

#endif
