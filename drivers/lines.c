#include "line.h"

#include <errno.h>
#include <string.h>

extern const struct line_driver modbus_rtu_driver, modbus_rtu_tcp_driver;
extern const struct line_driver serial_text_driver, serial_text_tcp_driver;
extern const struct line_driver modbus_ascii_driver, modbus_ascii_tcp_driver;

static const struct line_driver *const drivers[] = {
    [DRIVER_MODBUS_RTU] = &modbus_rtu_driver,
    [DRIVER_MODBUS_RTU_TCP] = &modbus_rtu_tcp_driver,
    [DRIVER_SERIAL_TEXT] = &serial_text_driver,
    [DRIVER_SERIAL_TEXT_TCP] = &serial_text_tcp_driver,
    [DRIVER_MODBUS_ASCII] = &modbus_ascii_driver,
    [DRIVER_MODBUS_ASCII_TCP] = &modbus_ascii_tcp_driver,
};

const struct line_driver *line_driver_find(enum link_driver driver)
{
    return driver < sizeof drivers / sizeof drivers[0] ? drivers[driver] : NULL;
}

const char *line_open_trouble(const struct link *link, int error)
{
    if (link_driver_is_serial(link->driver) && error == -EBUSY)
        return "another program has the port";
    if (link_driver_is_serial(link->driver) && error == -ENOTTY)
        return "that is no serial port";
    if (link_driver_is_serial(link->driver) && error == -EINVAL)
        return "the port does not take this baud rate and format";
    return strerrordesc_np(-error);
}
