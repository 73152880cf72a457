#include "line.h"

extern const struct line_driver modbus_rtu_driver, modbus_rtu_tcp_driver;
extern const struct line_driver modbus_ascii_driver, modbus_ascii_tcp_driver;

static const struct line_driver *const drivers[] = {
    [DRIVER_MODBUS_RTU] = &modbus_rtu_driver,
    [DRIVER_MODBUS_RTU_TCP] = &modbus_rtu_tcp_driver,
    [DRIVER_MODBUS_ASCII] = &modbus_ascii_driver,
    [DRIVER_MODBUS_ASCII_TCP] = &modbus_ascii_tcp_driver,
};

const struct line_driver *line_driver_find(enum link_driver driver)
{
    return driver < sizeof drivers / sizeof drivers[0] ? drivers[driver] : NULL;
}
