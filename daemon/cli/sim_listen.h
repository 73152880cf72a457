/* A listening socket, and why there is none. */
#ifndef BINDERY_SIM_LISTEN_H
#define BINDERY_SIM_LISTEN_H

#include <stdint.h>

#include "text.h"

/* A non-blocking socket; or -1 with address, cause and what to do in *ret_trouble. */
int sim_listen(const char *host, uint16_t port, struct text *ret_trouble);

#endif
