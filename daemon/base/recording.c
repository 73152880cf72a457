#include "recording.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "memory.h"

static const char first_line[] = "# bindery recording 1";

enum { QUOTED_MOST = 60 };

/* --- writing --- */

void recording_add_head(struct text *out, const char *link, const char *driver, int64_t began_ms)
{
    time_t seconds = (time_t)(began_ms / 1000);
    struct tm utc;
    char moment[64] = "";

    gmtime_r(&seconds, &utc);
    strftime(moment, sizeof moment, "%Y-%m-%dT%H:%M:%S", &utc);
    text_addf(out, "%s\nlink %s\ndriver %s\nbegan %s.%03dZ\n", first_line, link, driver, moment,
              (int)(began_ms % 1000));
}

static bool is_text(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((bytes[i] < ' ' && bytes[i] != '\r' && bytes[i] != '\n') || bytes[i] > '~')
            return false;
    return true;
}

static void add_quoted(struct text *out, const uint8_t *bytes, size_t length)
{
    text_add(out, "  # \"");
    for (size_t i = 0; i < length && i < QUOTED_MOST; i++) {
        if (bytes[i] == '\r')
            text_add(out, "\\r");
        else if (bytes[i] == '\n')
            text_add(out, "\\n");
        else
            text_add_char(out, (char)bytes[i]);
    }
    text_add(out, length > QUOTED_MOST ? "…" : "\"");
}

void recording_add_chunk(struct text *out, const struct recording_chunk *chunk)
{
    text_addf(out, "+%lld.%06lld %c", (long long)(chunk->at_ns / NS_PER_S),
              (long long)(chunk->at_ns % NS_PER_S / 1000), "><!"[chunk->kind]);
    if (chunk->kind == RECORDING_MARK) {
        text_add_char(out, ' ');
        text_add_bytes(out, chunk->bytes, chunk->length);
    } else {
        for (size_t i = 0; i < chunk->length; i++)
            text_addf(out, " %02X", chunk->bytes[i]);
        if (is_text(chunk->bytes, chunk->length))
            add_quoted(out, chunk->bytes, chunk->length);
    }
    text_add_char(out, '\n');
}

/* --- reading --- */

struct reader {
    struct recording *recording;
    const char *at, *end; /* of the line, without what is no part of it */
    const char *expected; /* what else; NULL while all is well */
    size_t line;
    size_t byte_count;
};

static bool take(struct reader *reader, char c)
{
    if (reader->at == reader->end || *reader->at != c)
        return false;
    reader->at++;
    return true;
}

static void pass_blanks(struct reader *reader)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t'))
        reader->at++;
}

/* Cuts off what is blank at the line's end. */
static void cut_blanks(struct reader *reader)
{
    while (reader->at < reader->end && isspace((unsigned char)reader->end[-1]))
        reader->end--;
}

static bool is_word(const char *at, const char *end)
{
    for (; at < end; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return false;
    return true;
}

/* Digits as a number: how many there were, at most `most`. */
static int take_digits(struct reader *reader, int most, int64_t *ret_number)
{
    int count = 0;

    *ret_number = 0;
    while (count < most && reader->at < reader->end && isdigit((unsigned char)*reader->at)) {
        *ret_number = *ret_number * 10 + (*reader->at++ - '0');
        count++;
    }
    return count;
}

/* "0.000123": seconds with at most nine decimals. */
static bool take_time(struct reader *reader, int64_t *ret_ns)
{
    int64_t seconds = 0, part = 0;

    if (take_digits(reader, 8, &seconds) == 0)
        return false;
    if (take(reader, '.')) {
        int digits = take_digits(reader, 9, &part);
        if (digits == 0)
            return false;
        for (; digits < 9; digits++)
            part *= 10;
    }
    *ret_ns = seconds * NS_PER_S + part;
    return reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t');
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The bytes of the line into the recording's. */
static bool take_bytes(struct reader *reader, struct recording_chunk *chunk)
{
    uint8_t *out = reader->recording->bytes + reader->byte_count;
    size_t count = 0;

    pass_blanks(reader);
    while (reader->at < reader->end && *reader->at != '#') {
        int high = hex_digit(reader->at[0]);
        int low = reader->at + 1 < reader->end ? hex_digit(reader->at[1]) : -1;
        if (high < 0 || low < 0 || count == RECORDING_MAX_CHUNK)
            return false;
        out[count++] = (uint8_t)(high << 4 | low);
        reader->at += 2;
        pass_blanks(reader);
    }
    chunk->bytes = out;
    chunk->length = (uint16_t)count;
    return count > 0;
}

static bool take_mark(struct reader *reader, struct recording_chunk *chunk)
{
    const char *comment = memchr(reader->at, '#', (size_t)(reader->end - reader->at));
    uint8_t *out = reader->recording->bytes + reader->byte_count;

    if (comment)
        reader->end = comment;
    pass_blanks(reader);
    cut_blanks(reader);
    size_t length = (size_t)(reader->end - reader->at);
    if (length == 0 || length > RECORDING_MAX_CHUNK || !is_word(reader->at, reader->end))
        return false;
    memcpy(out, reader->at, length);
    chunk->bytes = out;
    chunk->length = (uint16_t)length;
    return true;
}

/* Room for one more; it doubles at each power of two. */
static struct recording_chunk *next_chunk(struct recording *recording)
{
    size_t count = recording->count;

    if ((count & (count - 1)) == 0)
        recording->chunks =
            mem_resize(recording->chunks, (count == 0 ? 1 : 2 * count) * sizeof *recording->chunks);
    return &recording->chunks[count];
}

static const char *read_chunk(struct reader *reader)
{
    struct recording *recording = reader->recording;
    struct recording_chunk *chunk = next_chunk(recording);
    int64_t before_ns = recording->count > 0 ? chunk[-1].at_ns : 0;

    if (!take_time(reader, &chunk->at_ns))
        return "a time as +0.000123, in seconds since the begin";
    if (chunk->at_ns < before_ns)
        return "a time that is not before the line's above";
    pass_blanks(reader);
    if (take(reader, '>'))
        chunk->kind = RECORDING_SENT;
    else if (take(reader, '<'))
        chunk->kind = RECORDING_HEARD;
    else if (take(reader, '!'))
        chunk->kind = RECORDING_MARK;
    else
        return "> for what was sent, < for what was heard, or ! for what happened";
    if (chunk->kind == RECORDING_MARK) {
        if (!take_mark(reader, chunk))
            return "words, as: ! closed";
    } else if (!take_bytes(reader, chunk)) {
        return "1 to 1024 bytes, each as two hexadecimal digits";
    }
    reader->byte_count += chunk->length;
    recording->count++;
    return NULL;
}

/* What is left of the line, one word of ASCII. */
static const char *keep(char **place, const struct reader *reader)
{
    for (const char *at = reader->at; at < reader->end; at++)
        if (*at <= ' ' || *at > '~')
            return "one word of ASCII, as: driver modbus-rtu";
    free(*place);
    *place = mem_alloc((size_t)(reader->end - reader->at) + 1);
    memcpy(*place, reader->at, (size_t)(reader->end - reader->at));
    return NULL;
}

/* "driver modbus-rtu". What is meant for others than us is passed over. */
static const char *read_head(struct reader *reader)
{
    static const char *const others[] = {"began", "machine", "options"};
    const char *word = reader->at;

    while (reader->at < reader->end && !isspace((unsigned char)*reader->at))
        reader->at++;
    size_t length = (size_t)(reader->at - word);
    pass_blanks(reader);
    cut_blanks(reader);
    if (reader->at == reader->end || !is_word(reader->at, reader->end))
        return "a word and what it is, as: driver modbus-rtu";
    if (reader->recording->count > 0)
        return "this above the first bytes";
    if (length == 4 && memcmp(word, "link", length) == 0)
        return keep(&reader->recording->link, reader);
    if (length == 6 && memcmp(word, "driver", length) == 0)
        return keep(&reader->recording->driver, reader);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (length == strlen(others[i]) && memcmp(word, others[i], length) == 0)
            return NULL;
    return "link, driver, began, machine, options, or + and a time";
}

static const char *read_line(struct reader *reader)
{
    pass_blanks(reader);
    cut_blanks(reader);
    if (reader->line == 1) {
        size_t length = (size_t)(reader->end - reader->at);
        bool same = length == strlen(first_line) && memcmp(reader->at, first_line, length) == 0;
        return same ? NULL : "\"# bindery recording 1\", which begins a recording";
    }
    if (reader->at == reader->end || *reader->at == '#')
        return NULL;
    return take(reader, '+') ? read_chunk(reader) : read_head(reader);
}

static const char *read_lines(struct reader *reader, const char *text, size_t length)
{
    const char *end = text + length;
    const char *wrong = NULL;

    for (const char *line = text; !wrong && (line < end || reader->line == 0);) {
        const char *stop = line < end ? memchr(line, '\n', (size_t)(end - line)) : NULL;
        reader->line++;
        reader->at = line;
        reader->end = stop ? stop : end;
        wrong = read_line(reader);
        line = stop ? stop + 1 : end;
    }
    if (!wrong && !reader->recording->driver)
        wrong = "a line as: driver modbus-rtu";
    return wrong;
}

int recording_parse(const char *text, size_t length, struct recording **ret_recording,
                    struct text *ret_trouble)
{
    struct reader reader = {.recording = mem_alloc(sizeof *reader.recording)};
    const char *wrong = "at most 64 MiB";

    if (length <= RECORDING_MAX_BYTES) {
        /* A byte takes a character of the text at least. */
        reader.recording->bytes = mem_alloc(length + 1);
        wrong = read_lines(&reader, text, length);
    }
    if (wrong) {
        text_addf(ret_trouble, "line %zu: expected %s", reader.line, wrong);
        recording_free(reader.recording);
        return -EINVAL;
    }
    *ret_recording = reader.recording;
    return 0;
}

void recording_free(struct recording *recording)
{
    if (!recording)
        return;
    free(recording->link);
    free(recording->driver);
    free(recording->chunks);
    free(recording->bytes);
    free(recording);
}

/* --- a file --- */

/* The whole file, or negative errno. */
static int read_file(const char *path, struct text *ret_content)
{
    struct stat about;
    ssize_t count = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return -errno;
    if (fstat(fd, &about) == 0 && !S_ISREG(about.st_mode)) {
        close(fd);
        return -EINVAL;
    }
    do {
        count = read(fd, text_reserve(ret_content, 65536), 65536);
        ret_content->length += count > 0 ? (size_t)count : 0;
    } while (count > 0 && ret_content->length <= RECORDING_MAX_BYTES);
    int error = count < 0 ? -errno : 0;
    close(fd);
    return error;
}

int recording_read(const char *path, struct recording **ret_recording, struct text *ret_trouble)
{
    struct text content = {0};
    size_t before = ret_trouble->length;

    text_add(&content, "");
    int error = read_file(path, &content);
    text_addf(ret_trouble, "%s: ", path);
    if (error == 0)
        error = recording_parse(content.data, content.length, ret_recording, ret_trouble);
    else
        text_add(ret_trouble, strerror(-error));
    if (error == 0)
        text_cut(ret_trouble, before);
    text_free(&content);
    return error;
}
