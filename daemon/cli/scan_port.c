#include "scan_port.h"

#include <string.h>

#include "words.h"

struct port {
    uint32_t baud;
    char format[4];
    bool ascii;
};

/* 9600 baud is the makers' most common default, 8N1 most often in spite of the specification, whose
 * own default is 19200 8E1. Delta's controllers come with ASCII 9600 7E1, its drives with ASCII
 * 9600 7N2, Inovance's drives with 9600 8N2. After the defaults come the rates that people set for
 * speed, and then what is left. */
static const struct port ports[] = {
    {9600, "8N1", false},  {19200, "8E1", false},  {9600, "8E1", false},  {9600, "7E1", true},
    {19200, "8N1", false}, {115200, "8N1", false}, {38400, "8N1", false}, {9600, "8N2", false},
    {9600, "7N2", true},   {57600, "8N1", false},  {38400, "8E1", false}, {115200, "8E1", false},
    {19200, "8N2", false}, {19200, "7E1", true},   {38400, "7E1", true},  {4800, "8N1", false},
    {9600, "8O1", false},  {19200, "8O1", false},  {57600, "8E1", false}, {9600, "8N1", true},
    {4800, "8E1", false},  {2400, "8N1", false},   {115200, "7E1", true}, {9600, "7O1", true},
    {38400, "8N2", false}, {115200, "8N2", false}, {19200, "8N1", true},  {2400, "8E1", false},
    {1200, "8N1", false},
};

enum { PORT_COUNT = sizeof(ports) / sizeof(ports[0]) };

static bool agrees(const struct port *port, const struct modbus_place *given)
{
    return (given->baud == 0 || given->baud == port->baud) &&
           (given->format == NULL || strcmp(given->format, port->format) == 0) &&
           !(given->ascii && !port->ascii) && !(given->rtu && port->ascii);
}

/* NULL where there are not so many. */
static const struct port *find(const struct modbus_place *given, size_t index)
{
    for (size_t i = 0; i < PORT_COUNT; i++)
        if (agrees(&ports[i], given) && index-- == 0)
            return &ports[i];
    return NULL;
}

size_t scan_port_count(const struct modbus_place *given)
{
    size_t count = 0;
    while (find(given, count) != NULL)
        count++;
    return count > 0 ? count : 1;
}

void scan_port_use(const struct modbus_place *given, size_t index, struct link *link)
{
    const struct port *port = find(given, index);
    if (port == NULL) /* all was given, and is in no row: as modbus_ask_new took it */
        return;
    link->driver = port->ascii ? DRIVER_MODBUS_ASCII : DRIVER_MODBUS_RTU;
    link->baud = port->baud;
    parse_format(port->format, &link->data_bits, &link->parity, &link->stop_bits);
}
