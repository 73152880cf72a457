/* A Modbus TCP server of libmodbus's for the end-to-end tests: one client at a time, on loopback.
 *
 *   libmodbus_server PORT < IMAGE
 *
 * IMAGE has a line a value, "AREA ADDRESS VALUE" with the areas of the configuration. All four
 * areas begin at 0 and end at 1000, so that what lies beyond answers exception 2. Says "ready" on
 * stdout, and ends by a signal. */
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { AREA_SIZE = 1000 };

static void image_set(modbus_mapping_t *image, const char *area, unsigned address, unsigned value)
{
    if (address >= AREA_SIZE)
        return;
    if (strcmp(area, "holding") == 0)
        image->tab_registers[address] = (uint16_t)value;
    else if (strcmp(area, "input") == 0)
        image->tab_input_registers[address] = (uint16_t)value;
    else if (strcmp(area, "coil") == 0)
        image->tab_bits[address] = (uint8_t)value;
    else if (strcmp(area, "discrete") == 0)
        image->tab_input_bits[address] = (uint8_t)value;
}

static void image_read(modbus_mapping_t *image)
{
    char line[100], area[16];
    unsigned address, value;

    while (fgets(line, sizeof(line), stdin) != NULL)
        if (sscanf(line, "%15s %u %u", area, &address, &value) == 3)
            image_set(image, area, address, value);
}

static void serve(modbus_t *server, modbus_mapping_t *image)
{
    uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
    int length;

    while ((length = modbus_receive(server, request)) >= 0)
        if (length > 0)
            modbus_reply(server, request, length, image);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: libmodbus_server PORT < IMAGE\n");
        return 2;
    }
    modbus_t *server = modbus_new_tcp("127.0.0.1", atoi(argv[1]));
    modbus_mapping_t *image = modbus_mapping_new(AREA_SIZE, AREA_SIZE, AREA_SIZE, AREA_SIZE);
    int listener = modbus_tcp_listen(server, 1);
    if (server == NULL || image == NULL || listener < 0) {
        fprintf(stderr, "libmodbus_server: %s\n", modbus_strerror(errno));
        return 1;
    }
    image_read(image);
    puts("ready");
    fflush(stdout);
    while (modbus_tcp_accept(server, &listener) >= 0) {
        serve(server, image);
        modbus_close(server);
    }
    return 1;
}
