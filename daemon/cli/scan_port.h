/* The settings that a serial line is tried with, the likeliest first. Pure. */
#ifndef BINDERY_SCAN_PORT_H
#define BINDERY_SCAN_PORT_H

#include <stdbool.h>
#include <stddef.h>

#include "modbus_ask.h"

/* How many there are that agree with what was given of baud, format and framing: at least one. */
size_t scan_port_count(const struct modbus_place *given);

/* Puts number `index` of them into the link: driver, baud and format. */
void scan_port_use(const struct modbus_place *given, size_t index, struct link *link);

#endif
