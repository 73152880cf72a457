/* What the command line tool shows of a daemon's answer, whatever stands in it: status_view.c,
 * watch_view.c.
 *
 * Input: JSON. */
#include "fuzz.h"
#include "node.h"
#include "status_view.h"
#include "text.h"
#include "watch_view.h"

#define NOW_MS INT64_C(1795412474123)

typedef void show_fn(const struct node *root, struct text *out);

static void show_status(const struct node *root, struct text *out)
{
    status_view(root, NOW_MS, out);
}

static void show_table(const struct node *root, struct text *out)
{
    watch_view_table(root, NOW_MS, out);
}

/* The same twice, ended by a newline, and no longer than its columns' padding explains. */
static void check_shown(const struct node *root, size_t size, show_fn *show)
{
    struct text shown = {0}, again = {0};

    show(root, &shown);
    show(root, &again);
    CLAIM(shown.length == again.length);
    CLAIM(shown.length == 0 || memcmp(shown.data, again.data, shown.length) == 0);
    CLAIM(shown.length == 0 || shown.data[shown.length - 1] == '\n');
    CLAIM(shown.length <= (size + 16) * (2 * size + 256));
    text_free(&shown);
    text_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct text wrong = {0};
    char *bytes = (char *)input_copy(&input);
    struct node *root = node_parse(bytes, size, &wrong);

    if (root != NULL) {
        check_shown(root, size, show_status);
        check_shown(root, size, show_table);
        check_shown(root, size, watch_view_lines);
    }
    node_free(root);
    text_free(&wrong);
    free(bytes);
    return 0;
}
