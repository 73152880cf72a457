/* bindery support: everything that helps to help, in one archive, without secrets. */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "cli.h"
#include "memory.h"
#include "support_bundle.h"
#include "support_run.h"

enum { TAR_MS = 120000, MOST_LISTEN_MS = 60000 };

struct support_options {
    const char *config, *socket, *output;
    int64_t listen_ms;
};

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void)about;
    (void)kind;
    (void)place;
    return remove(path);
}

static void remove_folder(const char *path)
{
    nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* The plant where the configuration has no fault; what is wrong with it is the bundle's affair. */
static const struct plant *load_quietly(const char *path)
{
    const struct plant *plant = NULL;
    struct fault_list faults = {0};
    plant_load(path, &plant, &faults);
    fault_list_free(&faults);
    return plant;
}

/* What is to be a file's name, and may be what should be in the file. */
static const char *mistaken_file(const char *path)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    return slash != NULL && access(path, F_OK) != 0 ? slash + 1 : NULL;
}

static void take_secrets(const struct plant *plant, struct secrets *ret_secrets)
{
    const char **words = mem_array((plant ? 2 * plant->uplink_count : 0) + 1, sizeof(*words));
    size_t count = 0;
    for (size_t i = 0; plant && i < plant->uplink_count; i++) {
        const char *mistaken = mistaken_file(plant->uplinks[i].password_file);
        if (plant->uplinks[i].username)
            words[count++] = plant->uplinks[i].username;
        if (mistaken)
            words[count++] = mistaken;
    }
    *ret_secrets = (struct secrets){words, count};
}

static void fill(struct bundle *bundle)
{
    bundle_add_versions(bundle);
    bundle_add_config(bundle);
    bundle_add_store(bundle);
    bundle_add_log(bundle);
    if (bundle_add_daemon(bundle) && bundle->plant)
        bundle_add_links(bundle);
    if (bundle->progress)
        fputs("\r\033[K", stderr);
}

/* The folder, named as the archive unpacks it, into the archive. */
static int pack(const char *above, const char *name, const char *output)
{
    struct text said = {0};
    char *const argv[] = {"tar",          "--create",    "--gzip",      "--force-local", "--file",
                          (char *)output, "--directory", (char *)above, (char *)name,    NULL};
    int status = support_run(argv, TAR_MS, &said);
    if (status != 0)
        cli_error("%s could not be written: %s", output,
                  status < 0 ? strerror(-status) : said.data);
    text_free(&said);
    return status == 0 ? CLI_OK : CLI_FAULT;
}

static void print_result(const struct bundle *bundle, const char *output)
{
    char files[CLI_WORDS], bytes[CLI_WORDS];
    struct stat about = {0};
    stat(output, &about);
    printf("%s: %s, %s\nUser names, passwords and tokens are left out; look it through all the "
           "same before you pass it on.\n",
           output, cli_count(bundle->files, "file", files),
           cli_bytes((uint64_t)about.st_size, bytes));
}

static int make(const struct support_options *options, const char *name, const char *output)
{
    struct text above = {0}, folder = {0};
    const char *temporary = getenv("TMPDIR");
    text_addf(&above, "%s/bindery-support-XXXXXX", temporary ? temporary : "/tmp");
    umask(077);
    if (!mkdtemp(above.data)) {
        cli_error("%s: %s", above.data, strerror(errno));
        text_free(&above);
        return CLI_FAULT;
    }
    text_addf(&folder, "%s/%s", above.data, name);
    struct bundle bundle = {
        .folder = folder.data,
        .config = options->config ? options->config : BINDERY_CONFIG,
        .listen_ms = options->listen_ms,
        .progress = isatty(STDERR_FILENO),
    };
    bundle.plant = load_quietly(bundle.config);
    bundle.socket = options->socket ? options->socket : bundle.plant ? bundle.plant->control : NULL;
    take_secrets(bundle.plant, &bundle.secrets);
    fill(&bundle);
    int status = pack(above.data, name, output);
    if (status == CLI_OK)
        print_result(&bundle, output);
    remove_folder(above.data);
    free((void *)bundle.secrets.words);
    plant_release(bundle.plant);
    text_free(&above);
    text_free(&folder);
    return status;
}

static int run(const void *block, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    const struct support_options *options = block;
    char name[64], output[96];
    time_t now = time(NULL);
    struct tm local;
    if (options->listen_ms > MOST_LISTEN_MS)
        return cli_usage(&command_support, "--listen: at most %d s", MOST_LISTEN_MS / 1000);
    if (options->output && strcmp(options->output, "-") == 0)
        return cli_usage(&command_support, "-o: expected a file's name");
    strftime(name, sizeof(name), "bindery-support-%Y%m%d-%H%M%S", localtime_r(&now, &local));
    snprintf(output, sizeof(output), "%s.tar.gz", name);
    return make(options, name, options->output ? options->output : output);
}

static const struct support_options defaults = {.listen_ms = 3000};

static const struct option_row rows[] = {
    OPTION_CONFIG(struct support_options),
    {"socket", 0, OPTION_TEXT, offsetof(struct support_options, socket), "PATH",
     "the daemon's socket, instead of the one the configuration names"},
    {"output", 'o', OPTION_TEXT, offsetof(struct support_options, output), "FILE",
     "the archive, by default bindery-support-DATE-TIME.tar.gz"},
    {"listen", 0, OPTION_DURATION, offsetof(struct support_options, listen_ms), "TIME",
     "how long the bytes of each link are recorded; 3s by default"},
    {0},
};

const struct command command_support = {
    .name = "support",
    .arguments = "",
    .summary = "Gathers what helps to help into one archive, without secrets",
    .details =
        "Versions, the configuration with what check and plan say of it, the log, facts of the\n"
        "store; and where the daemon runs, its status, values and metrics, and some seconds of\n"
        "the bytes of each link. Files of passwords, tokens and keys are not read; user names\n"
        "and what URLs say of logins is masked.\n"
        "\nExamples:\n"
        "  bindery support\n"
        "  bindery support -c plant.yaml -o /tmp/plant.tar.gz\n",
    .options = rows,
    .defaults = &defaults,
    .options_size = sizeof(struct support_options),
    .run = run,
};
