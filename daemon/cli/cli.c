#include "cli.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>

#include "text.h"

static void say(const char *before, const char *format, va_list args, const char *after)
    __attribute__((format(printf, 2, 0)));
static void say(const char *before, const char *format, va_list args, const char *after)
{
    struct text line = {0};
    text_add(&line, before);
    text_addv(&line, format, args);
    text_addf(&line, "\n%s", after);
    fputs(line.data, stderr);
    text_free(&line);
}

void cli_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say("bindery: ", format, args, "");
    va_end(args);
}

void cli_warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say("warning: ", format, args, "");
    va_end(args);
}

int cli_usage(const struct command *command, const char *format, ...)
{
    char before[64], after[64];
    snprintf(before, sizeof(before), "bindery %s: ", command->name);
    snprintf(after, sizeof(after), "\"bindery %s --help\" shows the options.\n", command->name);
    va_list args;
    va_start(args, format);
    say(before, format, args, after);
    va_end(args);
    return CLI_USAGE;
}

int cli_load(const char *path, const struct plant **ret_plant)
{
    struct fault_list faults = {0};
    int result = plant_load(path ? path : BINDERY_CONFIG, ret_plant, &faults);
    for (size_t i = 0; i < faults.count; i++) {
        const struct fault *fault = &faults.items[i];
        fprintf(stderr, "%s:%d:%d: %s\n", fault->file, fault->line, fault->column, fault->message);
    }
    fault_list_free(&faults);
    return result < 0 ? CLI_FAULT : CLI_OK;
}

const char *cli_bytes(uint64_t bytes, char ret_words[CLI_WORDS])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double amount = (double)bytes;
    size_t unit = 0;
    while (amount >= 1024 && unit < sizeof(units) / sizeof(units[0]) - 1) {
        amount /= 1024;
        unit++;
    }
    snprintf(ret_words, CLI_WORDS, unit ? "%.1f %s" : "%.0f %s", amount, units[unit]);
    return ret_words;
}

const char *cli_number(uint64_t number, char ret_words[CLI_WORDS])
{
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%" PRIu64, number);
    size_t out = 0;
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            ret_words[out++] = ',';
        ret_words[out++] = digits[i];
    }
    ret_words[out] = '\0';
    return ret_words;
}

const char *cli_duration(int64_t ms, char ret_words[CLI_WORDS])
{
    int64_t s = ms < 0 ? 0 : ms / 1000;
    if (s < 60)
        snprintf(ret_words, CLI_WORDS, "%" PRId64 " s", s);
    else if (s < 3600)
        snprintf(ret_words, CLI_WORDS, "%" PRId64 " min", s / 60);
    else if (s < INT64_C(2) * 86400)
        snprintf(ret_words, CLI_WORDS, "%" PRId64 " h %" PRId64 " min", s / 3600, s / 60 % 60);
    else
        snprintf(ret_words, CLI_WORDS, "%" PRId64 " days", s / 86400);
    return ret_words;
}

const char *cli_count(uint64_t count, const char *noun, char ret_words[CLI_WORDS])
{
    char number[CLI_WORDS];
    snprintf(ret_words, CLI_WORDS, "%.26s %.19s%s", cli_number(count, number), noun,
             count == 1 ? "" : "s");
    return ret_words;
}

void cli_add_place(struct text *out, const struct link *link)
{
    if (link->recording)
        text_addf(out, "recording %s", link->recording->file);
    else if (link->device)
        text_addf(out, "%s %u %u%c%u", link->device, link->baud, link->data_bits, link->parity,
                  link->stop_bits);
    else
        text_addf(out, strchr(link->host, ':') ? "[%s]:%u" : "%s:%u", link->host, link->port);
}

int cli_open_signals(void)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    return signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
}
