/* From a path to a plant: the files, their outermost keys, and the order of it all. */
#include "load.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "memory.h"
#include "profile.h"
#include "text.h"

#define SOCKET_SUFFIX ".sock"

enum { SOCKET_PATH_MOST = sizeof((struct sockaddr_un *)0)->sun_path - 1 };

static const struct choice log_levels[] = {
    {"error", LOG_LEVEL_ERROR},
    {"warning", LOG_LEVEL_WARNING},
    {"info", LOG_LEVEL_INFO},
    {"debug", LOG_LEVEL_DEBUG},
    {NULL, 0},
};

static const struct choice durabilities[] = {
    {"always", DURABILITY_ALWAYS}, {"outage", DURABILITY_OUTAGE}, {NULL, 0}};

static const struct choice publishes[] = {{"on", true}, {"off", false}, {NULL, 0}};

enum { CAPACITY_PUBLISH, CAPACITY_EVERY, CAPACITY_FIELDS };

static const struct field capacity_fields[CAPACITY_FIELDS] = {
    [CAPACITY_PUBLISH] = {.key = "publish",
                          .read = load_read_bool_choice,
                          .offset = offsetof(struct capacity_settings, publish),
                          .choices = publishes},
    [CAPACITY_EVERY] = {.key = "every",
                        .read = load_read_duration,
                        .offset = offsetof(struct capacity_settings, every_ms),
                        .least = 10000,
                        .most = LOAD_MAX_PERIOD_MS},
};

static const struct section capacity_section = {"the capacity", capacity_fields, CAPACITY_FIELDS};

enum { STORE_PATH, STORE_MAX_SIZE, STORE_COMMIT, STORE_DURABILITY, STORE_REPLAY, STORE_FIELDS };

static const struct field store_fields[STORE_FIELDS] = {
    [STORE_PATH] = {.key = "path",
                    .read = load_read_path,
                    .offset = offsetof(struct store_settings, path)},
    [STORE_MAX_SIZE] = {.key = "max_size",
                        .read = load_read_size,
                        .offset = offsetof(struct store_settings, max_size),
                        .least = INT64_C(1) << 20,
                        .most = INT64_C(1) << 40},
    [STORE_COMMIT] = {.key = "commit_every",
                      .read = load_read_duration,
                      .offset = offsetof(struct store_settings, commit_every_ms),
                      .least = 10,
                      .most = 60000},
    [STORE_DURABILITY] = {.key = "durability",
                          .read = load_read_choice,
                          .offset = offsetof(struct store_settings, durability),
                          .choices = durabilities},
    [STORE_REPLAY] = {.key = "replay_window",
                      .read = load_read_duration,
                      .offset = offsetof(struct store_settings, replay_window_ms),
                      .most = INT64_C(720) * 3600000},
};

static const struct section store_section = {"the store", store_fields, STORE_FIELDS};

enum {
    TOP_UPLINKS,
    TOP_LINKS,
    TOP_MACHINES,
    TOP_CALENDARS,
    TOP_LINES,
    TOP_GATEWAY,
    TOP_SITE,
    TOP_TIMEZONE,
    TOP_LOG,
    TOP_TICK,
    TOP_CONTROL,
    TOP_STORE,
    TOP_CAPACITY,
    TOP_HTTP,
    TOP_INCLUDE,
    TOP_FIELDS
};

_Static_assert((int)TOP_UPLINKS == (int)LIST_UPLINKS && (int)TOP_LINKS == (int)LIST_LINKS &&
                   (int)TOP_MACHINES == (int)LIST_MACHINES &&
                   (int)TOP_CALENDARS == (int)LIST_CALENDARS && (int)TOP_LINES == (int)LIST_LINES,
               "the lists' fields come first, so that both kinds of file begin with them");

static const struct field top_fields[TOP_FIELDS] = {
    [TOP_UPLINKS] = {.key = "uplinks", .read = load_read_list},
    [TOP_LINKS] = {.key = "links", .read = load_read_list},
    [TOP_MACHINES] = {.key = "machines", .read = load_read_list},
    [TOP_CALENDARS] = {.key = "calendars", .read = load_read_list},
    [TOP_LINES] = {.key = "lines", .read = load_read_list},
    [TOP_GATEWAY] = {.key = "gateway",
                     .read = load_read_name,
                     .offset = offsetof(struct plant, gateway),
                     .required = "the gateway's name"},
    [TOP_SITE] = {.key = "site", .read = load_read_name, .offset = offsetof(struct plant, site)},
    [TOP_TIMEZONE] = {.key = "timezone",
                      .read = load_read_timezone,
                      .offset = offsetof(struct plant, timezone)},
    [TOP_LOG] = {.key = "log",
                 .read = load_read_choice,
                 .offset = offsetof(struct plant, log_level),
                 .choices = log_levels},
    [TOP_TICK] = {.key = "tick",
                  .read = load_read_duration,
                  .offset = offsetof(struct plant, tick_ms),
                  .least = 1,
                  .most = 1000},
    [TOP_CONTROL] = {.key = "control",
                     .read = load_read_path,
                     .offset = offsetof(struct plant, control)},
    [TOP_STORE] = {.key = "store"},
    [TOP_CAPACITY] = {.key = "capacity"},
    [TOP_HTTP] = {.key = "http", .read = load_read_later},
    [TOP_INCLUDE] = {.key = "include", .read = load_read_include},
};

static const struct section main_section = {"the configuration", top_fields, TOP_FIELDS};
static const struct section included_section = {"an included file", top_fields, LIST_COUNT};

static void set_defaults(struct plant *plant)
{
    plant->gateway = "unnamed"; /* until its key is read, which is required */
    plant->site = "default";
    plant->log_level = LOG_LEVEL_INFO;
    plant->tick_ms = 20;
    plant->capacity.every_ms = INT64_C(5) * 60000;
    plant->store = (struct store_settings){
        .path = "/var/lib/bindery/bindery.db",
        .max_size = INT64_C(1) << 30,
        .commit_every_ms = 200,
        .durability = DURABILITY_ALWAYS,
        .replay_window_ms = INT64_C(10) * 60000,
    };
}

/* Whether the file is new: a pattern may well match what another has, or the main file itself. */
static bool claim_file(struct load *load, const char *path)
{
    struct stat status;
    char id[48];

    if (stat(path, &status) != 0)
        return true;
    int length =
        snprintf(id, sizeof id, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    const char *kept = arena_string(&load->tree.arena, id, (size_t)length);
    return table_set(&load->file_ids, kept, kept) == NULL;
}

int load_tree(struct load *load, const char *path, const struct node **ret_root)
{
    if (load->file_count == LOAD_MAX_FILES) {
        faults_add(&load->faults, (struct fault_place){0},
                   "%s is one file too many; expected at most %d", path, LOAD_MAX_FILES);
        return -EINVAL;
    }
    size_t file = load->file_count++;
    load->files = mem_resize(load->files, load->file_count * sizeof *load->files);
    load->roots = mem_resize(load->roots, load->file_count * sizeof(const struct node *));
    load->files[file] = arena_string(&load->tree.arena, path, strlen(path));
    load->roots[file] = NULL;
    int error =
        yaml_tree_read(&load->tree, path, (uint16_t)file, &load->faults, &load->roots[file]);
    if (!error)
        *ret_root = load->roots[file];
    return error;
}

void load_file(struct load *load, const char *path)
{
    const struct node *root = NULL;

    if (claim_file(load, path) && load_tree(load, path, &root) != 0)
        load->incomplete = true;
}

static void collect_item(struct load *load, enum load_list list, const struct node *item)
{
    static const size_t most[] = {[LIST_UPLINKS] = LOAD_MAX_UPLINKS,
                                  [LIST_LINKS] = LOAD_MAX_LINKS,
                                  [LIST_MACHINES] = LOAD_MAX_MACHINES,
                                  [LIST_CALENDARS] = LOAD_MAX_CALENDARS,
                                  [LIST_LINES] = LOAD_MAX_LINES};
    struct load_items *items = &load->items[list];

    if (items->count == most[list]) {
        load_fault(load, item, "%s: one too many; expected at most %zu", top_fields[list].key,
                   most[list]);
        return;
    }
    if (items->count == items->capacity) {
        items->capacity = items->capacity ? items->capacity * 2 : 16;
        items->nodes = mem_resize(items->nodes, items->capacity * sizeof(const struct node *));
    }
    items->nodes[items->count++] = node_target(item);
}

static void collect_items(struct load *load, const struct node *const *seen)
{
    for (enum load_list list = 0; list < LIST_COUNT; list++) {
        const struct node *value = load_value(seen[list]);
        if (value && value->kind == NODE_LIST)
            for (const struct node *item = value->first; item; item = item->next)
                collect_item(load, list, item);
    }
}

/* The socket's path must fit where connect(2) takes it. */
static void settle_control(struct load *load, const struct node *control,
                           const struct node *store_path)
{
    struct plant *plant = load->plant;
    struct text path = {0};

    if (!plant->control) {
        text_addf(&path, "%s" SOCKET_SUFFIX, plant->store.path);
        plant->control = load_string(load, path.data);
        text_free(&path);
    }
    if (strlen(plant->control) <= SOCKET_PATH_MOST)
        return;
    if (control) {
        load_refuse(load, "control", control, "is too long for a socket",
                    "at most %d bytes, its folder included", SOCKET_PATH_MOST);
    } else if (store_path) {
        load_refuse(load, "path", store_path, "is too long for the socket beside it",
                    "at most %d bytes, its folder included, or a key \"control\"",
                    SOCKET_PATH_MOST - (int)strlen(SOCKET_SUFFIX));
    }
}

static void load_main(struct load *load)
{
    const struct node *seen[TOP_FIELDS];
    const struct node *store_seen[STORE_FIELDS] = {0};
    const struct node *capacity_seen[CAPACITY_FIELDS] = {0};

    if (!load->roots[0]) {
        faults_add(&load->faults, (struct fault_place){.line = 1, .column = 1},
                   "the configuration is empty; expected at least \"gateway: NAME\"");
        return;
    }
    load_section(load, &main_section, load->roots[0], seen, load->plant);
    collect_items(load, seen);
    if (seen[TOP_STORE]) {
        load_section(load, &store_section, load_value(seen[TOP_STORE]), store_seen,
                     &load->plant->store);
    }
    if (seen[TOP_CAPACITY]) {
        load_section(load, &capacity_section, load_value(seen[TOP_CAPACITY]), capacity_seen,
                     &load->plant->capacity);
    }
    settle_control(load, load_value(seen[TOP_CONTROL]), load_value(store_seen[STORE_PATH]));
}

static void load_included(struct load *load)
{
    const struct node *seen[TOP_FIELDS];

    for (size_t i = 1; i < load->file_count; i++) {
        if (load->roots[i]) {
            load_section(load, &included_section, load->roots[i], seen, NULL);
            collect_items(load, seen);
        }
    }
}

static void load_all(struct load *load, const char *path, const struct plant_change *change)
{
    load_file(load, path);
    if (load->incomplete)
        return;
    if (change && change->file)
        claim_file(load, change->file);
    load_main(load);
    if (change)
        load_file(load, change->by);
    load_included(load);
    load_links(load);
    load_uplinks(load);
    load_calendars(load);
    load_machines(load);
    load_lines(load);
}

static const char *file_path(const void *context, uint16_t file)
{
    const struct load *load = context;

    return load->files[file];
}

static void keep_files(struct load *load)
{
    struct plant *plant = load->plant;

    plant->files = arena_alloc(&load->home->arena, load->file_count * sizeof *plant->files);
    plant->file_count = load->file_count;
    for (size_t i = 0; i < load->file_count; i++)
        plant->files[i] = load_string(load, load->files[i]);
}

/* Everything but the plant. */
static void load_end(struct load *load)
{
    for (enum load_list list = 0; list < LIST_COUNT; list++)
        free(load->items[list].nodes);
    load_tag_lists_free(load->tag_lists);
    profiles_free(load->profiles);
    table_free(&load->strings);
    table_free(&load->names);
    table_free(&load->states);
    table_free(&load->jobs);
    table_free(&load->file_ids);
    yaml_tree_free(&load->tree);
    free(load->files);
    free(load->roots);
    malloc_trim(0); /* the tree of a large plant is larger than the plant */
}

int plant_load(const char *path, const struct plant **ret_plant, struct fault_list *ret_faults)
{
    return plant_load_changed(path, NULL, ret_plant, ret_faults);
}

int plant_load_changed(const char *path, const struct plant_change *change,
                       const struct plant **ret_plant, struct fault_list *ret_faults)
{
    struct load load = {.home = plant_home_new()};
    int error = 0;

    load.plant = &load.home->plant;
    set_defaults(load.plant);
    load_all(&load, path, change);
    *ret_faults = faults_finish(&load.faults, file_path, &load);
    if (ret_faults->count > 0) {
        plant_release(load.plant);
        error = -EINVAL;
    } else {
        plant_home_index_machines(load.home);
        keep_files(&load);
        *ret_plant = load.plant;
    }
    load_end(&load);
    return error;
}
