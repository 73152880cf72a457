#include "link_driver.h"

/* RTU's bytes are whole; ASCII and text are made of characters. */
static const struct driver_traits traits[] = {
    [DRIVER_MODBUS_TCP] = {"modbus-tcp", PLACE_ADDRESS, 0, DRIVER_MODBUS_TCP},
    [DRIVER_MODBUS_RTU] = {"modbus-rtu", PLACE_DEVICE, 8, DRIVER_MODBUS_RTU_TCP},
    [DRIVER_MODBUS_RTU_TCP] = {"modbus-rtu-tcp", PLACE_ADDRESS, 0, DRIVER_MODBUS_RTU_TCP},
    [DRIVER_MODBUS_ASCII] = {"modbus-ascii", PLACE_DEVICE, 7, DRIVER_MODBUS_ASCII_TCP},
    [DRIVER_MODBUS_ASCII_TCP] = {"modbus-ascii-tcp", PLACE_ADDRESS, 0, DRIVER_MODBUS_ASCII_TCP},
    [DRIVER_SERIAL_TEXT] = {"serial-text", PLACE_DEVICE, 7, DRIVER_SERIAL_TEXT_TCP},
    [DRIVER_SERIAL_TEXT_TCP] = {"serial-text-tcp", PLACE_ADDRESS, 0, DRIVER_SERIAL_TEXT_TCP},
    [DRIVER_RECORDING] = {"recording", PLACE_NONE, 0, DRIVER_RECORDING},
};

const struct driver_traits *link_driver_traits(enum link_driver driver)
{
    return &traits[driver];
}

const char *link_driver_name(enum link_driver driver)
{
    return traits[driver].name;
}

bool link_driver_is_text(enum link_driver driver)
{
    return driver == DRIVER_SERIAL_TEXT || driver == DRIVER_SERIAL_TEXT_TCP;
}

bool link_driver_is_serial(enum link_driver driver)
{
    return traits[driver].place == PLACE_DEVICE;
}
