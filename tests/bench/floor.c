/* The floor: the cheapest thing that asks the machines as the daemon does. */
#include <err.h>
#include <getopt.h>
#include <stdio.h>

#include "floor_loop.h"

static void read_options(int argc, char **argv, struct floor_settings *set)
{
    static const struct option names[] = {{"port", 1, NULL, 0},      {"count", 1, NULL, 0},
                                          {"registers", 1, NULL, 0}, {"every-ms", 1, NULL, 0},
                                          {"tick-ms", 1, NULL, 0},   {NULL, 0, NULL, 0}};
    struct {
        long *value, lowest, highest;
    } numbers[] = {{&set->port, 1, 65535},
                   {&set->count, 1, 20000},
                   {&set->registers, 1, 125},
                   {&set->every_ms, 1, 60000},
                   {&set->tick_ms, 1, 1000}};
    int index, option;
    while ((option = getopt_long(argc, argv, "", names, &index)) == 0)
        *numbers[index].value =
            bench_number(names[index].name, optarg, numbers[index].lowest, numbers[index].highest);
    if (option != -1 || optind < argc || set->port == 0 || set->count == 0 ||
        set->port + set->count > 65536)
        errx(2, "usage: bench_floor --port P --count N [--registers 40] [--every-ms 1000] "
                "[--tick-ms 20]");
}

static void report(const struct floor *floor)
{
    printf("{");
    floor_print(floor);
    puts("}");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct floor_settings set = FLOOR_SETTINGS_USUAL;
    read_options(argc, argv, &set);
    struct floor *floor = floor_open(&set);
    bench_ready();
    floor_start(floor);
    enum order order;
    while ((order = floor_run(floor)) != ORDER_END) {
        if (order == ORDER_MARK)
            floor_mark(floor);
        else if (order == ORDER_REPORT)
            report(floor);
    }
    floor_close(floor);
    return 0;
}
