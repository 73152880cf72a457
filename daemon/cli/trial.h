/* A folder with a configuration that is only read: what is to be written is read first. Needs the
 * environment's TMPDIR, or /tmp. One thread. */
#ifndef BINDERY_TRIAL_H
#define BINDERY_TRIAL_H

#include "plant.h"
#include "text.h"

enum { TRIAL_MOST_FILES = 4 };

struct trial {
    struct text folder;
    struct text files[TRIAL_MOST_FILES];
    size_t file_count;
};

/* A machine by this name is on the link by this name. */
#define TRIAL_MACHINE "trial"

/* The file's name in which nothing is the user's. */
#define TRIAL_MAIN "trial.yaml"

/* Makes the folder, and `profiles` in it. CLI_OK, or CLI_FAULT after saying why not; close it in
 * either case. */
int trial_open(struct trial *trial);
void trial_close(struct trial *trial);

/* Adds a file; its path is the trial's. NULL after saying why not. */
const char *trial_write(struct trial *trial, const char *name, const char *content, size_t length);

/* Loads a plant of one machine that has this profile, which stands in the trial's folder, in
 * `folder` (NULL: none) or where profiles are installed. As plant_load. */
int trial_load_profile(struct trial *trial, const char *profile, const char *folder,
                       const struct plant **ret_plant, struct fault_list *ret_faults);

/* The message with the trial's folder called what it stands for (NULL: the profile's own). */
void trial_add_words(const struct trial *trial, const char *message, const char *folder,
                     struct text *out);

#endif
