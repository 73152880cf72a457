/* bindery plan: the requests that will be sent, and what they ask of each line. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "plan_load.h"
#include "text.h"

enum { WIDTH = 100, TAGS_COLUMN = 42, PATTERN_COLUMN = 18 };

struct plan_options {
    const char *config;
};

static const char *function_name(uint8_t function)
{
    static const char *const names[] = {"", "coils", "discrete", "holding", "input"};
    return function < sizeof(names) / sizeof(names[0]) ? names[function] : "";
}

/* 500 -> "500ms", 2000 -> "2s": as it is written in the configuration. */
static const char *period(int64_t ms, char ret_words[24])
{
    if (ms % 1000)
        snprintf(ret_words, 24, "%" PRId64 "ms", ms);
    else if (ms % 60000)
        snprintf(ret_words, 24, "%" PRId64 "s", ms / 1000);
    else
        snprintf(ret_words, 24, "%" PRId64 "m", ms / 60000);
    return ret_words;
}

static void print_tags(const struct machine *machine, const struct modbus_plan *plan,
                       const struct span *span)
{
    size_t column = TAGS_COLUMN;
    for (unsigned i = 0; i < span->tag_count; i++) {
        const char *name = machine->tags[plan->tags[span->first_tag + i]].name;
        if (column > TAGS_COLUMN && column + strlen(name) + 1 > WIDTH) {
            printf("\n%*s", TAGS_COLUMN, "");
            column = TAGS_COLUMN;
        }
        printf(" %s", name);
        column += strlen(name) + 1;
    }
    putchar('\n');
}

static void print_machine(const struct machine *machine, const struct modbus_plan *plan)
{
    printf("  %s, unit %u\n", machine->name, machine->unit);
    for (size_t i = 0; i < plan->span_count; i++) {
        const struct span *span = &plan->spans[i];
        char every[24];
        printf("    %-8s %u %-9s %6u %6u    ", period(span->every_ms, every), span->function,
               function_name(span->function), span->start, span->count);
        print_tags(machine, plan, span);
    }
}

/* As it would stand in double quotes. */
static void add_bytes(struct text *out, const char *bytes)
{
    for (; *bytes; bytes++) {
        if (*bytes == '\r')
            text_add(out, "\\r");
        else if (*bytes == '\n')
            text_add(out, "\\n");
        else if ((unsigned char)*bytes < ' ' || *bytes == 0x7f)
            text_addf(out, "\\x%02x", (unsigned)*bytes);
        else
            text_add_char(out, *bytes);
    }
}

static void print_speaker(const struct machine *machine)
{
    struct text ask = {0};
    char every[24];
    printf("  %s\n", machine->name);
    if (machine->text->ask) {
        add_bytes(&ask, machine->text->ask);
        printf("    %-8s ask  %s\n", period(text_every_ms(machine), every), ask.data);
    } else {
        printf("    speaks of its own accord\n");
    }
    for (size_t i = 0; i < machine->text->pattern_count; i++)
        printf("%*s%s\n", PATTERN_COLUMN, "", machine->text->patterns[i].match);
    text_free(&ask);
}

static const char *load_mark(const struct link_load *load)
{
    static const char *const marks[] = {
        [LOAD_EASY] = "",
        [LOAD_HIGH] = "  << little is left for retries",
        [LOAD_OVER] = "  <<< OVERLOADED: polls will be late",
    };
    return marks[link_load_strain(load)];
}

static void print_line_load(const struct link *link, const struct link_load *load)
{
    struct line_speed speed = line_speed_of(link);
    printf("  load: %.1f %% of the line, %.2f requests/s%s\n", load->busy * 100,
           load->requests_per_s, load_mark(load));
    printf("    %.0f %% of it characters, %u bits each at %u baud%s; %.0f %% waiting:%s\n    %d ms "
           "for the machine to answer, a pause of %" PRId64 " ms\n",
           100 * (1 - load->idle_share), speed.bits_per_char, speed.baud,
           speed.assumed ? " (assumed behind the serial server)" : "", 100 * load->idle_share,
           line_is_ascii(link) || link_driver_is_text(link->driver)
               ? ""
               : " 3.5 characters of silence before each frame,",
           NOMINAL_TURNAROUND_MS, link->pause_ms);
}

static void print_tcp_load(const struct link_load *load)
{
    printf("  load: %.1f %% of the connection, %.2f requests/s, %.3f in flight on average if an "
           "answer takes %d ms%s\n",
           load->busy * 100, load->requests_per_s, load->busy, NOMINAL_TURNAROUND_MS,
           load_mark(load));
}

static void print_machines(const struct link *link)
{
    printf("    %-8s %-11s %6s %6s     %s\n", "every", "function", "start", "count", "tags");
    for (size_t i = 0; i < link->machine_count; i++) {
        struct modbus_plan *plan = modbus_plan_new(link->machines[i], NULL);
        print_machine(link->machines[i], plan);
        modbus_plan_free(plan);
    }
}

static void print_speakers(const struct link *link)
{
    for (size_t i = 0; i < link->machine_count; i++)
        print_speaker(link->machines[i]);
}

static struct link_load print_link(const struct link *link)
{
    struct text place = {0};
    cli_add_place(&place, link);
    printf("link %s, %s, %s\n", link->name, link_driver_name(link->driver), place.data);
    text_free(&place);
    if (link_driver_is_text(link->driver))
        print_speakers(link);
    else
        print_machines(link);
    struct link_load load = link_load_of(link);
    if (link->driver == DRIVER_MODBUS_TCP)
        print_tcp_load(&load);
    else if (load.busy > 0)
        print_line_load(link, &load);
    putchar('\n');
    return load;
}

static int print_plant(const struct plant *plant, const char *only)
{
    if (only && !plant_link(plant, only)) {
        cli_error("no link \"%s\" in the configuration", only);
        return CLI_FAULT;
    }
    double requests_per_s = 0, tcp_in_flight = 0;
    size_t overloaded = 0;
    for (size_t i = 0; i < plant->link_count; i++) {
        const struct link *link = &plant->links[i];
        if (only && strcmp(only, link->name) != 0)
            continue;
        struct link_load load = print_link(link);
        requests_per_s += load.requests_per_s;
        tcp_in_flight += link->driver == DRIVER_MODBUS_TCP ? load.busy : 0;
        overloaded += link_load_strain(&load) == LOAD_OVER;
    }
    if (only)
        return CLI_OK;
    char links[CLI_WORDS];
    printf("all: %.1f requests/s; over Modbus TCP %.2f in flight on average; %s overloaded\n",
           requests_per_s, tcp_in_flight,
           overloaded ? cli_count(overloaded, "link", links) : "no link");
    return CLI_OK;
}

static int run(const void *block, int argc, char **argv)
{
    (void)argc;
    const struct plan_options *options = block;
    const struct plant *plant = NULL;
    int status = cli_load(options->config, &plant);
    if (status != CLI_OK)
        return status;
    status = print_plant(plant, argv[0]);
    plant_release(plant);
    return status;
}

static const struct option_row rows[] = {OPTION_CONFIG(struct plan_options), {0}};

const struct command command_plan = {
    .name = "plan",
    .arguments = "[LINK]",
    .summary = "Prints the requests that will be sent and each line's load",
    .details =
        "The load is reckoned, not measured: a serial line is kept busy by the characters of\n"
        "request and answer (in ASCII two for a byte), in RTU by 3.5 characters of silence\n"
        "before each, by the machine's time to answer (5 ms are taken) and the link's pause.\n"
        "Lines above 80 % and above 100 % are marked.\n"
        "\nExamples:\n"
        "  bindery plan -c plant.yaml\n"
        "  bindery plan -c plant.yaml press-bus\n",
    .options = rows,
    .options_size = sizeof(struct plan_options),
    .most_arguments = 1,
    .run = run,
};
