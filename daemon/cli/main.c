/* bindery: a table of subcommands, which prints the usage too. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "memory.h"

static const struct command *const commands[] = {
    &command_check,   &command_plan,     &command_status,  &command_watch,
    &command_metrics, &command_counter,  &command_read,    &command_write,
    &command_scan,    &command_guess,    &command_tags,    &command_record,
    &command_replay,  &command_simulate, &command_support, &command_verify,
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static void print_usage(FILE *to)
{
    fputs("Usage: bindery SUBCOMMAND [OPTION]... [ARGUMENT]...\n\nSubcommands:\n", to);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(to, "  %-10s%s\n", commands[i]->name, commands[i]->summary);
    fputs("  help      this, or with a subcommand's name its options and examples\n\n"
          "bindery --version prints the version. Every subcommand takes --help.\n"
          "Exit status: 0 all well, 1 a fault or no answer, 2 a wrong command line.\n",
          to);
}

static void print_help(const struct command *command)
{
    printf("Usage: bindery %s [OPTION]...%s%s\n\n%s.\n\nOptions:\n", command->name,
           command->arguments[0] ? " " : "", command->arguments, command->summary);
    options_print(command->options);
    printf("\n%s", command->details);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    void *options = mem_alloc(command->options_size);
    if (command->defaults)
        memcpy(options, command->defaults, command->options_size);
    int first = 0;
    bool help = false;
    int status = options_parse(command, argc, argv, options, &first, &help);
    if (status == CLI_OK && help)
        print_help(command);
    else if (status == CLI_OK && argc - first > command->most_arguments)
        status = cli_usage(command, "one argument too many: \"%s\"",
                           argv[first + command->most_arguments]);
    else if (status == CLI_OK)
        status = command->run(options, argc - first, argv + first);
    options_free(command->options, options);
    return status;
}

static int run_help(int argc, char **argv)
{
    if (argc < 1) {
        print_usage(stdout);
        return CLI_OK;
    }
    const struct command *command = find_command(argv[0]);
    if (!command) {
        cli_error("no subcommand \"%s\"; \"bindery help\" lists them", argv[0]);
        return CLI_USAGE;
    }
    print_help(command);
    return CLI_OK;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return CLI_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0) {
        puts("bindery " BINDERY_VERSION);
        return CLI_OK;
    }
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return run_help(argc - 2, argv + 2);
    const struct command *command = find_command(name);
    if (!command) {
        cli_error("no subcommand \"%s\"; \"bindery help\" lists them", name);
        return CLI_USAGE;
    }
    return run_command(command, argc - 1, argv + 1);
}
