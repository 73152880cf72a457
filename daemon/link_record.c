#include "link_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "plant.h"

/* What stood behind `record `. */
struct request {
    char link[LIVE_NAME_BYTES];
    uint64_t next; /* the number of the first chunk that is wanted */
    int64_t began_ns;
    bool begins, ends;
};

/* "LINK", "LINK NEXT BEGAN" or "LINK end". */
static bool parse(const char *arguments, struct request *ret_request)
{
    char word[21], began[20];
    int words = 0, end = 0;

    words = sscanf(arguments, "%64[^ ]%n %20s%n %19[0-9]%n", ret_request->link, &end, word, &end,
                   began, &end);
    if (words < 1 || arguments[end] != '\0')
        return false;
    ret_request->begins = words == 1;
    ret_request->ends = words == 2 && strcmp(word, "end") == 0;
    if (words < 3)
        return ret_request->begins || ret_request->ends;
    if (strspn(word, "0123456789") != strlen(word))
        return false;
    ret_request->next = strtoull(word, NULL, 10);
    ret_request->began_ns = strtoll(began, NULL, 10);
    return true;
}

static void begin(const struct live_link *link, struct request *request, struct text *lines)
{
    struct instant now;
    const char *driver = link_driver_name(link->config->driver);

    request->began_ns = clock_mono_ns();
    clock_now(&now);
    request->next = tap_begin(link->tap);
    recording_add_head(lines, link->config->name, driver, now.wall_ms);
    for (size_t i = 0; i < link->config->machine_count; i++) {
        const struct machine *machine = link->config->machines[i];
        const char *profile = machine->profile != NULL ? machine->profile : "none";
        text_addf(lines, "# machine %s, unit %u, profile %s\n", machine->name, machine->unit,
                  profile);
    }
}

static void add_lines(const struct live_link *link, struct request *request, struct text *out)
{
    struct text lines = {0};
    uint64_t lost = 0;

    if (request->begins)
        begin(link, request, &lines);
    int error =
        tap_fetch(link->tap, request->next, request->began_ns, &lines, &request->next, &lost);
    if (error < 0) {
        text_add(out, "{\"error\":\"the recording has ended, since the link was changed or it was "
                      "not fetched for a minute\"}\n");
    } else {
        text_addf(out,
                  "{\"next\":%" PRIu64 ",\"began\":%" PRId64 ",\"lost\":%" PRIu64 ",\"lines\":",
                  request->next, request->began_ns, lost);
        text_add_json(out, lines.length > 0 ? lines.data : "", lines.length);
        text_add(out, "}\n");
    }
    text_free(&lines);
}

void link_record_answer(struct live *live, const char *arguments, struct text *out)
{
    struct request request = {0};

    if (!parse(arguments, &request)) {
        text_add(out, "{\"error\":\"expected a link, and with it two numbers, end or nothing\"}\n");
        return;
    }
    const struct live_link *link = live_find_link(live, request.link);
    if (link == NULL) {
        text_add(out, "{\"error\":\"there is no such link\"}\n");
    } else if (request.ends) {
        tap_end(link->tap);
        text_add(out, "{\"ended\":true}\n");
    } else {
        add_lines(link, &request, out);
    }
}
