/* What a gateway is made of: gateway.c wires it, gateway_call.c hands on what is asked of links. */
#ifndef BINDERY_GATEWAY_INTERNAL_H
#define BINDERY_GATEWAY_INTERNAL_H

#include "forward.h"
#include "gateway.h"
#include "line_thread.h"
#include "machine.h"
#include "playback.h"
#include "poller.h"
#include "queue.h"
#include "refused.h"

/* A link in service. Its machines change hands between here and the thread that polls them. */
struct link_run {
    const struct plant *plant; /* retained */
    const struct link *config;
    struct playback *playback; /* of a recording */
    struct live_link *live;
    struct machine_run **machines;
    size_t machine_count;
    struct tcp_link *tcp; /* one of these two */
    struct line_thread *line;
};

struct gateway {
    const struct plant *plant; /* retained */
    struct queue *queue;
    struct live *live;
    struct standings standings; /* of machines that are out of service */
    struct refused refused;
    int64_t save_ns; /* when that is to be written down */
    struct poll_output output;
    struct poller *poller;
    struct forward *forward;
    struct link_run **links;
    size_t link_count;
    unsigned machine_number; /* of the next machine, for spreading polls */
    char stalled[80];        /* what gateway_stalled says */
};

#endif
