/* libmodbus opens and configures serial ports. Its own reading calls can't tell a damaged answer
 * from silence, know exception codes up to 11 only, and wait with select(2), which ends the process
 * on descriptors of 1024 and above. */
#include "line_port.h"

#include <errno.h>
#include <fcntl.h>
#include <modbus/modbus.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "clock.h"
#include "line_io.h"
#include "line_speed.h"
#include "memory.h"
#include "tap.h"

struct line_port {
    modbus_t *serial; /* NULL over TCP */
    int lock;         /* holds the port against other processes; -1 over TCP */
    int fd;
    bool one_way; /* the adapter refused to switch the line's direction */
};

static bool is_pseudo_terminal(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && major(status.st_rdev) >= 136 && major(status.st_rdev) <= 143;
}

/* Locks the device before anything is changed on it. */
static int lock_device(const char *device, int *ret_lock)
{
    int error = 0;
    int fd = open(device, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    if (!isatty(fd))
        error = -ENOTTY;
    else if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        error = errno == EWOULDBLOCK ? -EBUSY : -errno;
    if (error != 0)
        close(fd);
    else
        *ret_lock = fd;
    return error;
}

/* libmodbus takes 9600 for a rate it doesn't know, and an adapter the next that it can divide its
 * clock to; neither says anything. A receiver bears a fortieth. */
static int check_speed(int fd, uint32_t baud)
{
    uint32_t taken;
    int error = line_speed_get(fd, &taken);

    if (error != 0)
        return error;
    return taken >= baud - baud / 40 && taken <= baud + baud / 40 ? 0 : -EINVAL;
}

/* What libmodbus leaves to do on a port it has opened. */
static int finish_serial(struct line_port *port, const struct link *link)
{
    int error = check_speed(port->fd, link->baud);

    if (error != 0)
        return error;
    port->one_way = link->rs485 && modbus_rtu_set_serial_mode(port->serial, MODBUS_RTU_RS485) != 0;
    /* A pseudo-terminal keeps this beyond our death, and it would lock out our next start. */
    if (!is_pseudo_terminal(port->fd) && ioctl(port->fd, TIOCEXCL) != 0)
        return -errno;
    return 0;
}

static int open_serial(struct line_port *port, const struct link *link)
{
    int error = lock_device(link->device, &port->lock);

    if (error != 0)
        return error;
    port->serial = modbus_new_rtu(link->device, (int)link->baud, link->parity, link->data_bits,
                                  link->stop_bits);
    if (port->serial == NULL || modbus_connect(port->serial) != 0)
        return -errno;
    port->fd = modbus_get_socket(port->serial);
    return finish_serial(port, link);
}

int line_port_open(const struct link *link, struct line_port **ret_port)
{
    struct line_port *port = mem_alloc(sizeof *port);
    int64_t until_ns = clock_mono_ns() + link->timeout_ms * NS_PER_MS;
    int error;

    port->fd = port->lock = -1;
    if (link_driver_is_serial(link->driver))
        error = open_serial(port, link);
    else
        error = line_io_dial(link->host, link->port, until_ns, &port->fd);
    if (error != 0)
        line_port_close(port);
    else
        *ret_port = port;
    return error;
}

int line_port_read(struct line_port *port, int64_t until_ns, uint8_t *ret_bytes, size_t room)
{
    int count = line_io_read(port->fd, until_ns, ret_bytes, room);

    if (count > 0)
        tap_put(tap_used(), RECORDING_HEARD, ret_bytes, (size_t)count);
    return count;
}

int line_port_write(struct line_port *port, int64_t until_ns, const uint8_t *bytes, size_t length)
{
    int error = line_io_write(port->fd, until_ns, bytes, length);

    if (error == 0)
        tap_put(tap_used(), RECORDING_SENT, bytes, length);
    return error;
}

void line_port_flush(struct line_port *port)
{
    if (port->serial != NULL)
        tcflush(port->fd, TCIOFLUSH);
}

int line_port_descriptor(const struct line_port *port)
{
    return port->fd;
}

bool line_port_is_serial(const struct line_port *port)
{
    return port->serial != NULL;
}

const char *line_port_remark(const struct line_port *port)
{
    return port->one_way ? "rs485: on is refused by the adapter; it has to switch the line's "
                           "direction by itself"
                         : NULL;
}

void line_port_close(struct line_port *port)
{
    if (port == NULL)
        return;
    if (port->serial != NULL) {
        /* Else closing would wait for what a stuck adapter never sends. */
        if (port->fd >= 0)
            tcflush(port->fd, TCIOFLUSH);
        modbus_close(port->serial);
        modbus_free(port->serial);
    } else if (port->fd >= 0) {
        close(port->fd);
    }
    if (port->lock >= 0)
        close(port->lock);
    free(port);
}
