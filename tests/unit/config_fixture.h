/* A folder of its own for each test, files in it, and what plant_load makes of them. */
#ifndef BINDERY_CONFIG_FIXTURE_H
#define BINDERY_CONFIG_FIXTURE_H

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "memory.h"
#include "plant.h"
#include "text.h"

struct config {
    char folder[64];
    const struct plant *plant;
    struct fault_list faults;
};

static inline int config_set_up(void **state)
{
    struct config *config = mem_alloc(sizeof *config);

    strcpy(config->folder, "/tmp/bindery-config-XXXXXX");
    *state = config;
    return mkdtemp(config->folder) ? 0 : -1;
}

static inline int config_remove(const char *path, const struct stat *status, int kind,
                                struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static inline int config_tear_down(void **state)
{
    struct config *config = *state;

    nftw(config->folder, config_remove, 8, FTW_DEPTH | FTW_PHYS);
    fault_list_free(&config->faults);
    plant_release(config->plant);
    free(config);
    return 0;
}

static inline char *config_path(const struct config *config, const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", config->folder, name);
    return path;
}

/* Writes a file, and the folder it is in. */
static inline void config_write_bytes(const struct config *config, const char *name,
                                      const char *content, size_t length)
{
    char *path = config_path(config, name);
    char *slash = strrchr(path, '/');

    *slash = '\0';
    mkdir(path, 0700);
    *slash = '/';
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static inline void config_write(const struct config *config, const char *name, const char *content)
{
    config_write_bytes(config, name, content, strlen(content));
}

/* Reads plant.yaml, in place of whatever was read before. */
static inline int config_load(struct config *config)
{
    fault_list_free(&config->faults);
    plant_release(config->plant);
    config->plant = NULL;
    return plant_load(config_path(config, "plant.yaml"), &config->plant, &config->faults);
}

static inline int config_load_text(struct config *config, const char *content)
{
    config_write(config, "plant.yaml", content);
    return config_load(config);
}

static inline void config_print_faults(const struct config *config)
{
    for (size_t i = 0; i < config->faults.count; i++) {
        const struct fault *fault = &config->faults.items[i];
        print_message("%s:%d:%d: %s\n", fault->file, fault->line, fault->column, fault->message);
    }
}

/* Asserts that it loads, and shows why it did not. */
static inline void config_expect_plant(struct config *config)
{
    int error = config_load(config);

    config_print_faults(config);
    assert_int_equal(error, 0);
    assert_non_null(config->plant);
    assert_int_equal(config->faults.count, 0);
}

/* Asserts that there is exactly this fault: "FILE:LINE:COLUMN: PART OF THE MESSAGE". */
static inline void config_expect_fault(const struct config *config, size_t i, const char *expected)
{
    char place[128];
    const struct fault *fault = &config->faults.items[i];
    const char *message = strstr(expected, ": ") + 2;
    const char *slash = strrchr(fault->file, '/');

    snprintf(place, sizeof place, "%s:%d:%d: ", slash ? slash + 1 : fault->file, fault->line,
             fault->column);
    if (strlen(place) != (size_t)(message - expected) ||
        strncmp(place, expected, strlen(place)) != 0 || !strstr(fault->message, message))
        fail_msg("expected %s\n     found %s%s", expected, place, fault->message);
}

#endif
