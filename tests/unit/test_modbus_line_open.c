#include <fcntl.h>
#include <sys/resource.h>

#include "modbus_bench.h"

static void test_line_serves_descriptors_beyond_select(void **state)
{
    struct bench *bench = *state;
    struct rlimit before, more;
    int spare[1100];
    size_t count = 0;

    getrlimit(RLIMIT_NOFILE, &before);
    more = before;
    more.rlim_cur = before.rlim_max < 2048 ? before.rlim_max : 2048;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &more), 0);
    while (count < 1100 && (spare[count] = open("/dev/null", O_RDONLY)) >= 0)
        count++;
    if (count == 1100) {
        reopen(bench);
        assert_int_equal(poll_unit(bench, 1), 0);
        assert_near_good(bench, 100);
    }
    while (count > 0)
        close(spare[--count]);
    setrlimit(RLIMIT_NOFILE, &before);
}

static void test_line_shares_a_port_with_nobody(void **state)
{
    struct bench *bench = *state;
    struct line *other = NULL;

    assert_int_equal(bench->driver->open(&bench->link, &other), -EBUSY);
    assert_null(other);
    assert_int_equal(poll_unit(bench, 1), 0);
    reopen(bench);
}

static void test_line_opens_what_is_a_port_only(void **state)
{
    struct bench *bench = *state;
    struct line *other = NULL;

    bench->link.device = "/dev/null";
    assert_int_equal(bench->driver->open(&bench->link, &other), -ENOTTY);
    bench->link.device = "/nonexistent/ttyUSB0";
    assert_int_equal(bench->driver->open(&bench->link, &other), -ENOENT);
    assert_null(other);
}

static void test_line_refuses_a_rate_that_would_silently_be_another(void **state)
{
    struct bench *bench = *state;

    bench->driver->close(bench->line);
    bench->line = NULL;
    bench->link.baud = 12345;
    assert_int_equal(bench->driver->open(&bench->link, &bench->line), -EINVAL);
}

static void test_line_opens_a_pseudo_terminal_whatever_its_format(void **state)
{
    struct bench *bench = *state;

    bench->link.data_bits = 7;
    bench->link.parity = 'E';
    bench->link.baud = 9600;
    bench->link.rs485 = true;
    assert_null(bench->driver->remark(bench->line));
    reopen(bench);
    assert_non_null(strstr(bench->driver->remark(bench->line), "rs485"));
    assert_int_equal(poll_unit(bench, 1), 0);
    assert_near_good(bench, 100);
}

static void test_line_says_why_a_port_does_not_open(void **state)
{
    struct bench *bench = *state;
    const struct link server = {.driver = DRIVER_MODBUS_RTU_TCP};

    assert_non_null(strstr(line_open_trouble(&bench->link, -EBUSY), "another program"));
    assert_non_null(strstr(line_open_trouble(&bench->link, -EINVAL), "baud rate"));
    assert_non_null(strstr(line_open_trouble(&bench->link, -ENOTTY), "no serial port"));
    assert_string_equal(line_open_trouble(&bench->link, -ENOENT), strerror(ENOENT));
    assert_string_equal(line_open_trouble(&server, -EINVAL), strerror(EINVAL));
}

static void test_line_is_refused_where_nobody_listens(void **state)
{
    struct bench *bench = *state;
    struct line *other = NULL;
    struct slave gone;

    slave_start(&gone, false, false);
    bench->link.port = gone.port;
    slave_end(&gone);
    assert_int_equal(bench->driver->open(&bench->link, &other), -ECONNREFUSED);
    assert_null(other);
}

/* A listener whose queue is full lets further callers wait. */
static void test_line_waits_for_a_connection_only_so_long(void **state)
{
    struct bench *bench = *state;
    struct slave full = {.peer = -1};
    struct line *lines[8] = {NULL};
    int64_t began_ns = clock_mono_ns();
    int error = 0;

    slave_listen(&full);
    assert_int_equal(listen(full.listener, 0), 0);
    bench->link.port = full.port;
    for (size_t i = 0; i < 8 && error == 0; i++) {
        began_ns = clock_mono_ns();
        error = bench->driver->open(&bench->link, &lines[i]);
    }
    assert_int_equal(error, -ETIMEDOUT);
    assert_true(clock_mono_ns() - began_ns < (TIMEOUT_MS + SLOW_HOST_MS) * NS_PER_MS);
    for (size_t i = 0; i < 8; i++)
        bench->driver->close(lines[i]);
    close(full.listener);
}

static void test_line_drivers_bear_the_names_of_the_configuration(void **state)
{
    (void)state;
    for (enum link_driver driver = rtu; driver <= ascii_tcp; driver++)
        assert_string_equal(line_driver_find(driver)->name, link_driver_name(driver));
    assert_null(line_driver_find(DRIVER_MODBUS_TCP));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALL(test_line_serves_descriptors_beyond_select),
        SERIAL(test_line_shares_a_port_with_nobody),
        SERIAL(test_line_opens_what_is_a_port_only),
        SERIAL(test_line_refuses_a_rate_that_would_silently_be_another),
        SERIAL(test_line_opens_a_pseudo_terminal_whatever_its_format),
        SERIAL(test_line_says_why_a_port_does_not_open),
        OVER_TCP(test_line_is_refused_where_nobody_listens),
        OVER_TCP(test_line_waits_for_a_connection_only_so_long),
        cmocka_unit_test(test_line_drivers_bear_the_names_of_the_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
