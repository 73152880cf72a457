/* Profiles: where they are found, and what stands in their files. */
#include "profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "memory.h"
#include "phrase.h"
#include "text.h"

static field_read_fn read_own_name;

static const struct choice truths[] = {{"true", true}, {"false", false}, {NULL, 0}};

enum {
    PROFILE_NAME,
    PROFILE_TITLE,
    PROFILE_SYNTHETIC,
    PROFILE_EXTENDS,
    PROFILE_PARAMETERS,
    PROFILE_TAGS,
    PROFILE_STATE,
    PROFILE_JOB,
    PROFILE_TEXT,
    PROFILE_IDEAL_RATE,
    PROFILE_FORMATS,
    PROFILE_FIELDS
};

static const struct field profile_fields[PROFILE_FIELDS] = {
    [PROFILE_NAME] = {.key = "profile",
                      .read = read_own_name,
                      .required = "the profile's name, which is its file's"},
    [PROFILE_TITLE] = {.key = "title",
                       .read = load_read_title,
                       .offset = offsetof(struct profile, title)},
    [PROFILE_SYNTHETIC] = {.key = "synthetic",
                           .read = load_read_bool_choice,
                           .offset = offsetof(struct profile, synthetic),
                           .choices = truths},
    [PROFILE_EXTENDS] = {.key = "extends"},
    [PROFILE_PARAMETERS] = {.key = "parameters"},
    [PROFILE_TAGS] = {.key = "tags", .read = load_read_list},
    [PROFILE_STATE] = {.key = "state"},
    [PROFILE_JOB] = {.key = "job"},
    [PROFILE_TEXT] = {.key = "text"},
    [PROFILE_IDEAL_RATE] = {.key = "ideal_rate"},
    [PROFILE_FORMATS] = {.key = "formats", .read = load_read_list},
};

static const struct section profile_section = {"a profile", profile_fields, PROFILE_FIELDS};

static const struct profile *find_profile(struct load *load, const char *key,
                                          const struct node *value);

static struct profiles *profiles_of(struct load *load)
{
    if (!load->profiles)
        load->profiles = mem_alloc(sizeof *load->profiles);
    return load->profiles;
}

void profiles_free(struct profiles *profiles)
{
    if (profiles) {
        table_free(&profiles->by_name);
        table_free(&profiles->expanded);
        free(profiles);
    }
}

static void read_own_name(struct load *load, const struct field *field, const struct node *value,
                          void *object)
{
    const struct profile *profile = object;
    const char *text = load_scalar(load, field, value, "the profile's name, which is its file's");

    if (text && strcmp(text, profile->name) != 0) {
        load_refuse(load, field->key, value, "is not what its file is called", "\"%s\"",
                    profile->name);
    }
}

/* The folder of the profiles that were installed. */
static const char *installed_folder(void)
{
    const char *folder = getenv("BINDERY_PROFILES_DIR");

    return folder && folder[0] != '\0' ? folder : BINDERY_PROFILES;
}

/* Whether a file is there, readable or not: why it is not is for whoever reads it to say. */
static bool is_there(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/* The folder beside the main file comes first, so that a plant can have its own of any name. */
static bool find_file(const struct load *load, const char *name, struct text *path)
{
    const char *main_file = load->files[0];

    text_add_bytes(path, main_file, load_folder_length(main_file));
    text_addf(path, "profiles/%s.yaml", name);
    if (is_there(path->data))
        return true;
    text_clear(path);
    text_addf(path, "%s/%s.yaml", installed_folder(), name);
    return is_there(path->data);
}

static void refuse_missing(struct load *load, const char *key, const struct node *value)
{
    const char *main_file = load->files[0];

    load_refuse(load, key, value, "is no profile",
                "a file of that name and .yaml in %.*sprofiles "
                "or %s",
                (int)load_folder_length(main_file), main_file, installed_folder());
}

/* False after adding a fault. */
static bool extend(struct load *load, struct profile *profile, const struct node *value)
{
    if (profiles_of(load)->reading == PROFILE_MAX_CHAIN) {
        load_refuse(load, "extends", value, "is one too many",
                    "at most %d profiles, each extended by the next", PROFILE_MAX_CHAIN);
        return false;
    }
    const struct profile *base = find_profile(load, "extends", value);
    if (!base)
        return false;
    if (base->chain == PROFILE_MAX_CHAIN) {
        load_refuse(load, "extends", value, "is made of too many",
                    "at most %d profiles, each extended by the next", PROFILE_MAX_CHAIN);
        return false;
    }
    profile->base = base;
    profile->chain = base->chain + 1;
    profile->synthetic = profile->synthetic || base->synthetic;
    profile->defaults = base->defaults;
    profile->of_state = base->of_state;
    profile->of_job = base->of_job;
    profile->of_text = base->of_text;
    profile->of_ideal = base->of_ideal;
    profile->formats = base->formats;
    profile->format_count = base->format_count;
    return true;
}

/* Whether it came out so well that there is sense in its tags. */
static bool read_profile(struct load *load, struct profile *profile, const char *path)
{
    const struct node *seen[PROFILE_FIELDS];
    const struct node *root = NULL;

    if (load_tree(load, path, &root) != 0)
        return false;
    if (!root || root->kind != NODE_MAPPING) {
        faults_add(
            &load->faults,
            (struct fault_place){.file = (uint16_t)(load->file_count - 1), .line = 1, .column = 1},
            "the profile is empty or no mapping; expected at least \"profile: %s\"", profile->name);
        return false;
    }
    load_section(load, &profile_section, root, seen, profile);
    if (seen[PROFILE_EXTENDS] && !extend(load, profile, load_value(seen[PROFILE_EXTENDS])))
        return false;
    if (seen[PROFILE_PARAMETERS]) {
        profile_read_parameters(load, load_value(seen[PROFILE_PARAMETERS]), true,
                                &profile->defaults);
    }
    profile->tags = load_value(seen[PROFILE_TAGS]);
    if (seen[PROFILE_STATE])
        profile->of_state = load_value(seen[PROFILE_STATE]);
    if (seen[PROFILE_JOB])
        profile->of_job = load_value(seen[PROFILE_JOB]);
    if (seen[PROFILE_TEXT])
        profile->of_text = load_value(seen[PROFILE_TEXT]);
    if (seen[PROFILE_IDEAL_RATE])
        profile->of_ideal = load_value(seen[PROFILE_IDEAL_RATE]);
    if (seen[PROFILE_FORMATS])
        load_formats(load, load_value(seen[PROFILE_FORMATS]), &profile->formats,
                     &profile->format_count);
    return true;
}

/* Finds and reads it, once for all who will name it. */
static struct profile *new_profile(struct load *load, const char *name)
{
    struct profiles *profiles = profiles_of(load);
    struct profile *profile = arena_alloc(&load->tree.arena, sizeof *profile);
    struct text path = {0};

    *profile = (struct profile){.name = name, .chain = 1, .state = PROFILE_READING};
    table_set(&profiles->by_name, name, profile);
    if (find_file(load, name, &path)) {
        profiles->reading++;
        profile->state = read_profile(load, profile, path.data) ? PROFILE_READ : PROFILE_BROKEN;
        profiles->reading--;
    } else {
        profile->state = PROFILE_MISSING;
    }
    text_free(&path);
    return profile;
}

/* The profile; NULL where it is at fault, which has been told. */
static const struct profile *find_profile(struct load *load, const char *key,
                                          const struct node *value)
{
    const struct field field = {.key = key};
    const char *name = NULL;

    load_read_name(load, &field, value, &name);
    if (!name)
        return NULL;
    const struct profile *profile = table_get(&profiles_of(load)->by_name, name);
    if (!profile)
        profile = new_profile(load, name);
    if (profile->state == PROFILE_READING) {
        load_refuse(load, key, value, "is extended by itself in the end",
                    "a profile that is not made of this one");
    } else if (profile->state == PROFILE_MISSING) {
        refuse_missing(load, key, value);
    }
    return profile->state == PROFILE_READ ? profile : NULL;
}

void profile_apply(struct load *load, const struct profile_use *use, struct machine *machine)
{
    const struct profile *profile = find_profile(load, "profile", use->name);

    if (profile) {
        machine->profile = profile->name;
        machine->synthetic = profile->synthetic;
        profile_expand(load, profile, use, machine);
    } else if (use->tags) {
        load_tags(load, use->tags, &use->sections, machine);
    }
}
