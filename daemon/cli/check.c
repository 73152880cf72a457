/* bindery check: what is wrong with a configuration, before anything is started. */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "memory.h"
#include "plan_load.h"

struct check_options {
    const char *config;
};

static void check_file(const char *uplink, const char *key, const char *path, bool secret)
{
    struct stat about;
    if (!path)
        return;
    if (stat(path, &about) < 0)
        cli_warn("uplink %s: %s %s: %s", uplink, key, path, strerror(errno));
    else if (S_ISDIR(about.st_mode))
        cli_warn("uplink %s: %s %s is a folder, a file is expected", uplink, key, path);
    else if (secret && about.st_mode & (S_IROTH | S_IWOTH))
        cli_warn("uplink %s: %s %s is open to every user of this computer; chmod o= %s", uplink,
                 key, path, path);
}

static void check_uplink(const struct uplink_settings *uplink)
{
    check_file(uplink->name, "password_file", uplink->password_file, true);
    check_file(uplink->name, "key_file", uplink->key_file, true);
    check_file(uplink->name, "cert_file", uplink->cert_file, false);
    check_file(uplink->name, "ca_file", uplink->ca_file, false);
    if (uplink->password_file && uplink->scheme == SCHEME_MQTT)
        cli_warn("uplink %s: mqtt:// sends the password in the clear; mqtts:// does not",
                 uplink->name);
}

static void check_store(const struct store_settings *store)
{
    char *copy = mem_string(store->path);
    const char *folder = dirname(copy);
    struct stat about;
    if (stat(folder, &about) < 0)
        cli_warn("store: folder %s: %s; the daemon does not make it", folder, strerror(errno));
    else if (!S_ISDIR(about.st_mode))
        cli_warn("store: %s is not a folder", folder);
    free(copy);
}

static void check_load(const struct link *link)
{
    struct link_load load = link_load_of(link);
    const char *assumed = "";
    if (link->driver != DRIVER_MODBUS_TCP && line_speed_of(link).assumed)
        assumed = ", if its serial server has 9600 baud";
    switch (link_load_strain(&load)) {
    case LOAD_OVER:
        cli_warn("link %s: its machines take %.0f %% of the line%s: polls will be late; see "
                 "bindery plan %s",
                 link->name, load.busy * 100, assumed, link->name);
        break;
    case LOAD_HIGH:
        cli_warn("link %s: its machines take %.0f %% of the line%s: little is left for retries",
                 link->name, load.busy * 100, assumed);
        break;
    case LOAD_EASY:
        break;
    }
}

static size_t count_tags(const struct plant *plant)
{
    size_t count = 0;
    for (size_t i = 0; i < plant->machine_count; i++)
        count += plant->machines[i].tag_count;
    return count;
}

static void print_summary(const char *path, const struct plant *plant)
{
    char links[CLI_WORDS], machines[CLI_WORDS], tags[CLI_WORDS], uplinks[CLI_WORDS];
    char lines[CLI_WORDS];
    printf("%s: %s, %s, %s, %s", path, cli_count(plant->link_count, "link", links),
           cli_count(plant->machine_count, "machine", machines),
           cli_count(count_tags(plant), "tag", tags),
           cli_count(plant->uplink_count, "uplink", uplinks));
    if (plant->line_count > 0)
        printf(", %s", cli_count(plant->line_count, "line", lines));
    putchar('\n');
}

static int run(const void *block, int argc, char **argv)
{
    (void)argc;
    const struct check_options *options = block;
    const char *path = options->config ? options->config : argv[0] ? argv[0] : BINDERY_CONFIG;
    const struct plant *plant = NULL;
    struct fault_list faults = {0};
    int result = plant_load(path, &plant, &faults);
    for (size_t i = 0; i < faults.count; i++) {
        const struct fault *fault = &faults.items[i];
        printf("%s:%d:%d: %s\n", fault->file, fault->line, fault->column, fault->message);
    }
    fault_list_free(&faults);
    if (result < 0)
        return CLI_FAULT;

    print_summary(path, plant);
    for (size_t i = 0; i < plant->link_count; i++)
        check_load(&plant->links[i]);
    check_store(&plant->store);
    for (size_t i = 0; i < plant->uplink_count; i++)
        check_uplink(&plant->uplinks[i]);
    plant_release(plant);
    return CLI_OK;
}

static const struct option_row rows[] = {OPTION_CONFIG(struct check_options), {0}};

const struct command command_check = {
    .name = "check",
    .arguments = "[FILE]",
    .summary = "Says what is wrong with a configuration, a line a fault",
    .details = "Faults go to standard output as FILE:LINE:COLUMN: what stood there and what was\n"
               "expected; then the exit status is 1. Warnings, as of a password file that is\n"
               "missing or a line with more to do than it can, go to standard error and leave it\n"
               "at 0.\n"
               "\nExamples:\n"
               "  bindery check\n"
               "  bindery check -c plant.yaml\n",
    .options = rows,
    .options_size = sizeof(struct check_options),
    .most_arguments = 1,
    .run = run,
};
