/* A plant with what it owns, as only those who build it see it. */
#ifndef BINDERY_PLANT_HOME_H
#define BINDERY_PLANT_HOME_H

#include <stdatomic.h>

#include "arena.h"
#include "plant.h"

struct plant_home {
    struct plant plant; /* first: the address of one is that of the other */
    atomic_uint references;
    struct arena arena; /* everything in the plant, itself and its indexes excepted */
    const struct link **links_by_name;
    const struct machine **machines_by_name;
};

/* Empty, with one reference. */
struct plant_home *plant_home_new(void);

/* Makes plant_link work, once all links stand; likewise plant_machine, and the links' lists of
 * their machines. */
void plant_home_index_links(struct plant_home *home);
void plant_home_index_machines(struct plant_home *home);

#endif
