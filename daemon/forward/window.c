#include "window.h"

#include <assert.h>
#include <string.h>

/* Paho stops sending, and starts again late, when the Receive Maximum is reached. */
enum { MARGIN = 2 };

void window_reset(struct window *window, uint32_t receive_maximum)
{
    window->count = 0;
    window->skipped_ns = 0;
    window->size = WINDOW_MAX;
    if (receive_maximum > 0 && receive_maximum < WINDOW_MAX + MARGIN)
        window->size = receive_maximum > MARGIN ? receive_maximum - MARGIN : 1;
}

unsigned window_room(const struct window *window)
{
    return window->size - window->count;
}

void window_add(struct window *window, uint32_t token, uint32_t ticket, int64_t now_ns)
{
    assert(window->count < window->size);
    if (window->count == 0)
        window->progress_ns = now_ns;
    window->flights[window->count].token = token;
    window->flights[window->count].ticket = ticket;
    window->count++;
}

bool window_take(struct window *window, uint32_t token, int64_t now_ns, uint32_t *ret_ticket)
{
    unsigned place = 0;

    while (place < window->count && window->flights[place].token != token)
        place++;
    if (place == window->count)
        return false;
    *ret_ticket = window->flights[place].ticket;
    if (place == 0)
        window->skipped_ns = 0;
    else if (window->skipped_ns == 0)
        window->skipped_ns = now_ns;
    window->count--;
    memmove(&window->flights[place], &window->flights[place + 1],
            (window->count - place) * sizeof(window->flights[0]));
    window->progress_ns = now_ns;
    return true;
}

bool window_is_stuck(const struct window *window, int64_t patience_ns, int64_t now_ns)
{
    bool skipped = window->skipped_ns > 0 && now_ns - window->skipped_ns >= patience_ns;

    return window->count > 0 && (skipped || now_ns - window->progress_ns >= patience_ns);
}
