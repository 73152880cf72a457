#include "support_bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "cli.h"
#include "clock.h"
#include "memory.h"
#include "record_link.h"
#include "support_run.h"

enum {
    MOST_FILES = 500,          /* of the configuration */
    MOST_FILE_BYTES = 4 << 20, /* of one of them */
    MOST_LINKS = 64,           /* that are listened to */
    LINKS_AT_ONCE = 8,         /* each holds memory of the daemon */
    RUN_MS = 20000,
    LOG_LINES = 5000,
};

static void tell(const struct bundle *bundle, const char *what)
{
    if (bundle->progress)
        fprintf(stderr, "\r%s…\033[K", what);
}

/* Makes the folders above a file. */
static void make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
}

/* The name is relative to the folder. */
static void add_file(struct bundle *bundle, const char *name, bool keys, const struct text *content)
{
    struct text path = {0}, masked = {0};
    text_addf(&path, "%s/%s", bundle->folder, name);
    make_folders(path.data);
    if (content->length > 0)
        support_mask(content->data, content->length, keys, &bundle->secrets, &masked);
    FILE *file = fopen(path.data, "we");
    if (file != NULL) {
        fwrite(masked.data, 1, masked.length, file);
        bundle->files++;
    }
    if (file == NULL || fclose(file) != 0)
        cli_error("%s: %s", path.data, strerror(errno));
    text_free(&path);
    text_free(&masked);
}

/* What a program says, in a file of its own. */
static void add_run(struct bundle *bundle, const char *name, char *const *argv)
{
    struct text output = {0};
    int status = support_run(argv, RUN_MS, &output);
    if (status < 0)
        text_addf(&output, "\n%s: %s\n", argv[0], strerror(-status));
    else
        text_addf(&output, "\nexit status %d\n", status);
    add_file(bundle, name, true, &output);
    text_free(&output);
}

/* --- versions --- */

static void add_program_version(struct text *out, const char *program, const char *option)
{
    char *const argv[] = {(char *)program, (char *)option, NULL};
    struct text said = {0};
    if (support_run(argv, RUN_MS, &said) >= 0 && said.length > 0)
        text_addf(out, "%s", said.data);
    text_free(&said);
}

void bundle_add_versions(struct bundle *bundle)
{
    struct text out = {0};
    struct utsname system = {0};
    char moment[64] = "";
    time_t now = time(NULL);
    struct tm utc;
    tell(bundle, "versions");
    strftime(moment, sizeof(moment), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    uname(&system);
    text_addf(&out, "bindery %s\nmade %s\n%s %s %s %s\n\n", BINDERY_VERSION, moment, system.sysname,
              system.release, system.version, system.machine);
    add_program_version(&out, "binderyd", "--version");
    add_program_version(&out, "cat", "/etc/os-release");
    add_file(bundle, "versions.txt", false, &out);
    text_free(&out);
}

/* --- configuration --- */

static void read_text(const char *path, struct text *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t count = fd < 0 ? -1 : 0;
    while (fd >= 0 && out->length < MOST_FILE_BYTES &&
           (count = read(fd, text_reserve(out, 65536), 65536)) > 0)
        out->length += (size_t)count;
    if (count < 0) {
        text_clear(out);
        text_addf(out, "# %s: %s\n", path, strerror(errno));
    }
    if (fd >= 0)
        close(fd);
}

/* Below config/, by its whole path. */
static void add_config_file(struct bundle *bundle, const char *path)
{
    struct text content = {0}, name = {0};
    char *whole = realpath(path, NULL);
    text_addf(&name, "config/%s", whole != NULL ? whole + 1 : "not-found.yaml");
    read_text(path, &content);
    add_file(bundle, name.data, true, &content);
    free(whole);
    text_free(&content);
    text_free(&name);
}

void bundle_add_config(struct bundle *bundle)
{
    char *const check[] = {"/proc/self/exe", "check", "-c", (char *)bundle->config, NULL};
    char *const plan[] = {"/proc/self/exe", "plan", "-c", (char *)bundle->config, NULL};
    const struct plant *plant = bundle->plant;
    tell(bundle, "configuration");
    if (plant == NULL)
        add_config_file(bundle, bundle->config);
    for (size_t i = 0; plant != NULL && i < plant->file_count && i < MOST_FILES; i++)
        add_config_file(bundle, plant->files[i]);
    add_run(bundle, "check.txt", check);
    add_run(bundle, "plan.txt", plan);
}

/* --- the store, from outside --- */

static void add_store_file(const char *path, const char *end, struct text *out)
{
    struct text name = {0};
    struct stat about;
    char moment[64] = "";
    struct tm utc;
    text_addf(&name, "%s%s", path, end);
    if (stat(name.data, &about) < 0) {
        text_addf(out, "%s: %s\n", name.data, strerror(errno));
    } else {
        strftime(moment, sizeof(moment), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&about.st_mtime, &utc));
        text_addf(out, "%s: %lld bytes, changed %s, mode %o, owner %u:%u\n", name.data,
                  (long long)about.st_size, moment, about.st_mode & 07777U, about.st_uid,
                  about.st_gid);
    }
    text_free(&name);
}

void bundle_add_store(struct bundle *bundle)
{
    static const char *const ends[] = {"",         "-wal",     "-shm", ".lock",
                                       ".reserve", ".suspect", ".sock"};
    struct text out = {0};
    if (bundle->plant == NULL) {
        text_add(&out, "the configuration is faulty, and so it is not known where the store is\n");
    } else {
        const struct store_settings *store = &bundle->plant->store;
        char *path = mem_string(store->path);
        for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
            add_store_file(store->path, ends[i], &out);
        char *const df[] = {"df", "-h", dirname(path), NULL};
        text_addf(&out, "\nmax_size %lld bytes\n\n", (long long)store->max_size);
        support_run(df, RUN_MS, &out);
        free(path);
    }
    add_file(bundle, "store.txt", false, &out);
    text_free(&out);
}

/* --- the log --- */

void bundle_add_log(struct bundle *bundle)
{
    char lines[16];
    snprintf(lines, sizeof(lines), "%d", LOG_LINES);
    char *const journal[] = {"journalctl", "--unit",   "binderyd",          "--lines", lines,
                             "--no-pager", "--output", "short-iso-precise", "--quiet", NULL};
    tell(bundle, "log");
    add_run(bundle, "log.txt", journal);
}

/* --- the running daemon --- */

/* Its answer as JSON, or only one text of it. False where it does not answer. */
static bool add_answer(struct bundle *bundle, const char *name, const char *question,
                       const char *member)
{
    struct text trouble = {0}, out = {0};
    struct node *answer = ask_daemon(bundle->socket, question, &trouble);
    if (answer == NULL)
        text_addf(&out, "%s\n", trouble.data);
    else if (member != NULL)
        text_add(&out, node_text(node_member(answer, member), ""));
    else
        node_to_json(answer, false, &out);
    add_file(bundle, name, false, &out);
    bool answered = answer != NULL;
    node_free(answer);
    text_free(&trouble);
    text_free(&out);
    return answered;
}

bool bundle_add_daemon(struct bundle *bundle)
{
    static char unknown[] =
        "the configuration is faulty, so where the daemon listens is not known; "
        "--socket says it\n";
    tell(bundle, "the daemon's status");
    if (bundle->socket == NULL) {
        add_file(bundle, "status.json", false, &(struct text){unknown, sizeof(unknown) - 1, 0});
        return false;
    }
    if (!add_answer(bundle, "status.json", "status", NULL))
        return false;
    add_answer(bundle, "values.json", "values", NULL);
    add_answer(bundle, "metrics.txt", "metrics", "metrics");
    return true;
}

/* Listens to some links at once; each becomes a recording. */
static void add_some_links(struct bundle *bundle, const struct link *links, size_t count)
{
    struct record_link records[LINKS_AT_ONCE] = {0};
    struct text lines[LINKS_AT_ONCE] = {0};
    struct text trouble = {0}, name = {0};
    for (size_t i = 0; i < count; i++) {
        records[i] = (struct record_link){.socket = bundle->socket, .link = links[i].name};
        record_link_fetch(&records[i], &lines[i], &trouble);
    }
    const struct timespec time = {bundle->listen_ms / 1000, bundle->listen_ms % 1000 * NS_PER_MS};
    nanosleep(&time, NULL);
    for (size_t i = 0; i < count; i++) {
        text_clear(&trouble);
        if (!records[i].begun || record_link_fetch(&records[i], &lines[i], &trouble) < 0)
            text_addf(&lines[i], "# %s\n", trouble.data);
        record_link_end(&records[i]);
        text_clear(&name);
        text_addf(&name, "links/%s.recording", links[i].name);
        add_file(bundle, name.data, false, &lines[i]);
        text_free(&lines[i]);
    }
    text_free(&trouble);
    text_free(&name);
}

void bundle_add_links(struct bundle *bundle)
{
    char words[80];
    size_t count = bundle->plant->link_count < MOST_LINKS ? bundle->plant->link_count : MOST_LINKS;
    for (size_t i = 0; i < count; i += LINKS_AT_ONCE) {
        size_t some = count - i < LINKS_AT_ONCE ? count - i : LINKS_AT_ONCE;
        snprintf(words, sizeof(words), "links, %zu of %zu", i + some, count);
        tell(bundle, words);
        add_some_links(bundle, &bundle->plant->links[i], some);
    }
}
