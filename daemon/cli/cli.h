/* bindery, the command-line tool: what its subcommands share.
 *
 * A subcommand is one file that ends with one `const struct command`, and one row in main.c. Its
 * options are a table of rows that say where in its options block a value goes; the same table
 * prints the help. */
#ifndef BINDERY_CLI_H
#define BINDERY_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plant.h"

enum { CLI_OK = 0, CLI_FAULT = 1, CLI_USAGE = 2 };

enum option_kind {
    OPTION_FLAG,     /* bool */
    OPTION_TEXT,     /* const char *, pointing into argv */
    OPTION_NUMBER,   /* int64_t, not negative */
    OPTION_DURATION, /* int64_t milliseconds, above 0 */
    OPTION_LIST,     /* struct option_list: may be given several times */
};

struct option_row {
    const char *name; /* NULL ends the table */
    char letter;      /* 0: only the long name */
    enum option_kind kind;
    size_t offset; /* of its value in the options block */
    const char *argument;
    const char *what;
};

struct option_list {
    const char **items;
    size_t count;
};

struct command {
    const char *name;
    const char *arguments; /* behind the options in the usage; "" for none */
    const char *summary;
    const char *details; /* more for its own help, with examples; ends with a newline */
    const struct option_row *options;
    const void *defaults; /* an options block */
    size_t options_size;
    int most_arguments;
    /* Gets its options block and what is left of the arguments; returns the exit status. */
    int (*run)(const void *options, int argc, char **argv);
};

extern const struct command command_check, command_plan, command_status, command_watch,
    command_metrics, command_counter, command_read, command_write, command_scan, command_guess,
    command_tags, command_simulate, command_record, command_replay, command_support, command_verify;

/* The row that most tables begin with. */
#define OPTION_CONFIG(type)                                         \
    {                                                               \
        "config", 'c', OPTION_TEXT, offsetof(type, config), "FILE", \
            "the configuration, by default " BINDERY_CONFIG         \
    }

/* Reads the arguments behind the subcommand's name into the block, which holds the defaults.
 * CLI_OK with the first argument that is no option; CLI_USAGE after saying what is wrong. Sets
 * *ret_help instead where help was asked for. */
int options_parse(const struct command *command, int argc, char **argv, void *block, int *ret_first,
                  bool *ret_help);
void options_print(const struct option_row *rows);
void options_free(const struct option_row *rows, void *block);

/* "bindery: …" and "warning: …" on stderr; cli_usage adds where help is to be had and returns
 * CLI_USAGE. */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void cli_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
int cli_usage(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A descriptor to read SIGINT and SIGTERM from, which end nothing by themselves any more; or -1. */
int cli_open_signals(void);

/* Loads `path`, or the default configuration for NULL. CLI_OK with the plant, or CLI_FAULT after
 * printing its faults on stderr. */
int cli_load(const char *path, const struct plant **ret_plant);

/* "1.5 MiB", "12,345", "3 h 12 min", "1 machine" and "2 machines": for people. The buffer is
 * returned. */
enum { CLI_WORDS = 48 };
const char *cli_bytes(uint64_t bytes, char ret_words[CLI_WORDS]);
const char *cli_number(uint64_t number, char ret_words[CLI_WORDS]);
const char *cli_duration(int64_t ms, char ret_words[CLI_WORDS]);
const char *cli_count(uint64_t count, const char *noun, char ret_words[CLI_WORDS]);

/* "192.168.1.10:502", "[::1]:502" or "/dev/ttyUSB0 9600 8N1" of a link. */
struct text;
void cli_add_place(struct text *out, const struct link *link);

#endif
