#include "trial.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "output.h"

static const char *path_in(const struct trial *trial, const char *name, struct text *ret_path)
{
    text_clear(ret_path);
    text_addf(ret_path, "%s/%s", trial->folder.data, name);
    return ret_path->data;
}

int trial_open(struct trial *trial)
{
    const char *base = getenv("TMPDIR");
    struct text path = {0};
    int status = CLI_OK;

    *trial = (struct trial){0};
    text_addf(&trial->folder, "%s/bindery-XXXXXX", base && base[0] == '/' ? base : "/tmp");
    if (!mkdtemp(trial->folder.data)) {
        cli_error("no folder can be made at %s: %s", trial->folder.data, strerror(errno));
        text_free(&trial->folder);
        return CLI_FAULT;
    }
    if (mkdir(path_in(trial, "profiles", &path), 0700) != 0) {
        cli_error("%s: %s", path.data, strerror(errno));
        status = CLI_FAULT;
    }
    text_free(&path);
    return status;
}

void trial_close(struct trial *trial)
{
    struct text path = {0};

    for (size_t i = 0; i < trial->file_count; i++) {
        unlink(trial->files[i].data);
        text_free(&trial->files[i]);
    }
    if (trial->folder.length > 0) {
        rmdir(path_in(trial, "profiles", &path));
        rmdir(trial->folder.data);
    }
    text_free(&path);
    text_free(&trial->folder);
}

const char *trial_write(struct trial *trial, const char *name, const char *content, size_t length)
{
    struct text *path = &trial->files[trial->file_count++];
    const struct output output = {.path = path_in(trial, name, path)};

    return output_write(&output, content, length) == CLI_OK ? path->data : NULL;
}

/* The profile of that name in the folder, if there is one, becomes one of the trial's. */
static bool link_profile(struct trial *trial, const char *profile, const char *folder)
{
    struct text there = {0}, name = {0};
    char *real = NULL;
    bool linked = true;

    text_addf(&there, "%s/profiles/%s.yaml", folder, profile);
    real = realpath(there.data, NULL);
    if (real) {
        struct text *path = &trial->files[trial->file_count++];
        text_addf(&name, "profiles/%s.yaml", profile);
        linked = symlink(real, path_in(trial, name.data, path)) == 0;
        if (!linked)
            cli_error("%s: %s", path->data, strerror(errno));
    }
    free(real);
    text_free(&there);
    text_free(&name);
    return linked;
}

int trial_load_profile(struct trial *trial, const char *profile, const char *folder,
                       const struct plant **ret_plant, struct fault_list *ret_faults)
{
    struct text plant = {0};
    const char *path = NULL;
    int result = -EIO;

    text_addf(&plant,
              "gateway: trial\n"
              "tick: 1ms\n"
              "links: [{name: trial, driver: modbus-tcp, address: localhost}]\n"
              "machines: [{name: " TRIAL_MACHINE ", link: trial, profile: %s}]\n",
              profile);
    if (!folder || link_profile(trial, profile, folder))
        path = trial_write(trial, TRIAL_MAIN, plant.data, plant.length);
    if (path)
        result = plant_load(path, ret_plant, ret_faults);
    text_free(&plant);
    return result;
}

void trial_add_words(const struct trial *trial, const char *message, const char *folder,
                     struct text *out)
{
    const char *found = NULL;

    while ((found = strstr(message, trial->folder.data)) != NULL) {
        text_add_bytes(out, message, (size_t)(found - message));
        text_add(out, folder ? folder : ".");
        message = found + trial->folder.length;
    }
    text_add(out, message);
}
