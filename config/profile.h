/* Machine profiles: a file describes a kind of machine, and becomes the tags of those that name it.
 *
 * Each file is read once, whoever names it. What it comes to is worked out once for each set of
 * parameters: a plant of one kind of machine has one list of tags. A fault in a profile stands
 * where it is in that file, and is told for the first machine that it was found for. */
#ifndef BINDERY_PROFILE_H
#define BINDERY_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "load.h"

struct text;

enum {
    PROFILE_MAX_CHAIN = 8, /* a profile, the one it extends, and so on */
    PROFILE_MAX_PARAMETERS = 64,
    PROFILE_MAX_VALUE_BYTES = 64,
    PROFILE_MAX_BYTES = 16 * 1024 * 1024, /* of one with its parameters filled in */
};

/* Names and values live as long as the tree. */
struct parameters {
    struct {
        const char *name, *value;
    } items[PROFILE_MAX_PARAMETERS];
    size_t count;
};

struct profile {
    const char *name;
    struct title title;
    const struct profile *base;           /* what it extends; NULL: nothing */
    const struct node *tags;              /* its own list; NULL: none */
    const struct node *of_state;          /* its `state`, or its base's; NULL: none */
    const struct node *of_job;            /* its `job`, or its base's; NULL: none */
    const struct node *of_text;           /* its `text`, or its base's; NULL: none */
    const struct node *of_ideal;          /* its `ideal_rate`, or its base's; NULL: none */
    const struct machine_format *formats; /* its own, or its base's */
    size_t format_count;
    struct parameters defaults; /* its own and its base's */
    unsigned chain;             /* how many it is made of, itself included */
    bool synthetic;
    enum { PROFILE_READING, PROFILE_READ, PROFILE_MISSING, PROFILE_BROKEN } state;
};

struct profiles {
    struct table by_name;
    struct table expanded; /* what has been worked out, see profile_tags.c */
    size_t reading;        /* how many are being read, each for the one before */
};

/* What a machine says: the values of its keys, NULL where one is missing. */
struct profile_use {
    const struct node *name; /* not NULL */
    const struct node *parameters;
    const struct node *tags;       /* added, or in the place of the profile's of that name */
    struct load_sections sections; /* each in the place of the profile's */
};

/* Gives the machine, whose other keys have been read, its profile and all its tags. */
void profile_apply(struct load *load, const struct profile_use *use, struct machine *machine);

/* profile_apply's second half, in profile_tags.c. */
void profile_expand(struct load *load, const struct profile *profile, const struct profile_use *use,
                    struct machine *machine);

/* Takes the values that stand in a mapping; those of new names too, or else they are faults. */
void profile_read_parameters(struct load *load, const struct node *mapping, bool may_be_new,
                             struct parameters *parameters);

/* The index of the name in the first `length` bytes; -1 where there is none. */
int profile_find_parameter(const struct parameters *parameters, const char *name, size_t length);

/* Adds the names: "base order". */
void profile_list_parameters(const struct parameters *parameters, struct text *out);

/* NULL is ignored. */
void profiles_free(struct profiles *profiles);

#endif
