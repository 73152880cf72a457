/* What goes into a support bundle: a folder of files, each without secrets. Nothing in it that
 * fails keeps the rest from coming: the file then says why it is empty. */
#ifndef BINDERY_SUPPORT_BUNDLE_H
#define BINDERY_SUPPORT_BUNDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "plant.h"
#include "support_mask.h"

struct bundle {
    const char *folder;        /* where the files go */
    const char *config;        /* the configuration's path */
    const char *socket;        /* the daemon's; NULL: not known */
    const struct plant *plant; /* NULL: the configuration is faulty */
    int64_t listen_ms;         /* to each link */
    struct secrets secrets;
    bool progress;
    unsigned files;
};

/* Versions of everything, configuration with its check and plan, the store's files, the log. */
void bundle_add_versions(struct bundle *bundle);
void bundle_add_config(struct bundle *bundle);
void bundle_add_store(struct bundle *bundle);
void bundle_add_log(struct bundle *bundle);

/* What the running daemon says; false where it does not. Then what is on its links. */
bool bundle_add_daemon(struct bundle *bundle);
void bundle_add_links(struct bundle *bundle);

#endif
