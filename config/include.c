/* The key include: paths and patterns of further files. */
#include <glob.h>
#include <string.h>

#include "load.h"
#include "text.h"

static const char expected_pattern[] = "a path or pattern such as machines.d/*.yaml, or a list of "
                                       "them";

/* The pattern with the folder of its file in front, whose own name is meant as it stands. */
static void make_absolute_pattern(const char *base, const char *pattern, struct text *out)
{
    size_t folder = pattern[0] == '/' ? 0 : load_folder_length(base);

    for (size_t i = 0; i < folder; i++) {
        if (strchr("*?[\\", base[i]))
            text_add_char(out, '\\');
        text_add_char(out, base[i]);
    }
    text_add(out, pattern);
}

static void include_pattern(struct load *load, const struct node *pattern)
{
    struct text absolute = {0};
    glob_t found = {0};

    make_absolute_pattern(load->files[pattern->file], pattern->text, &absolute);
    int error = glob(absolute.data, 0, NULL, &found);
    if (error == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++)
            load_file(load, found.gl_pathv[i]);
    } else if (error != GLOB_NOMATCH) {
        load_refuse(load, "include", pattern, "can't be searched", "%s", expected_pattern);
    } else if (!strpbrk(pattern->text, "*?[")) {
        load_refuse(load, "include", pattern, "does not exist", "a file");
        load->incomplete = true;
    }
    globfree(&found);
    text_free(&absolute);
}

void load_read_include(struct load *load, const struct field *field, const struct node *value,
                       void *object)
{
    (void)object;
    if (value->kind != NODE_LIST) {
        if (load_scalar(load, field, value, expected_pattern))
            include_pattern(load, value);
        return;
    }
    for (const struct node *item = value->first; item; item = item->next) {
        const struct node *pattern = node_target(item);
        if (load_scalar(load, field, pattern, expected_pattern))
            include_pattern(load, pattern);
    }
}
