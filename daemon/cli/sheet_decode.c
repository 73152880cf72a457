/* The bytes of a CSV file as UTF-8: the only file that includes iconv.h. */
#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"
#include "sheet.h"

#define NO_CONVERTER ((size_t)-1)

#define UTF8_MARK "\xEF\xBB\xBF"

enum { MOST_GROWTH = 3 }; /* two bytes of GBK or UTF-16 become at most three, one at most one */

/* What these are called by people, and by iconv. */
static const struct {
    const char *name, *iconv_name;
} encodings[] = {
    {"utf-8", "UTF-8"}, {"utf8", "UTF-8"},     {"gb18030", "GB18030"},
    {"gbk", "GB18030"}, {"gb2312", "GB18030"}, {"utf-16", "UTF-16"},
};

static const char *iconv_name(const char *encoding)
{
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++)
        if (strcasecmp(encodings[i].name, encoding) == 0)
            return encodings[i].iconv_name;
    return NULL;
}

/* The whole of it converted, or NULL with what went wrong in errno and where in *ret_at. */
static char *convert(iconv_t descriptor, const char *bytes, size_t length, size_t *ret_length,
                     size_t *ret_at)
{
    size_t room = length * MOST_GROWTH + MOST_GROWTH, left = length;
    char *converted = mem_alloc(room + 1), *out = converted;
    char *in = (char *)bytes; /* iconv does not write there */

    if (iconv(descriptor, &in, &left, &out, &room) == (size_t)-1 || left > 0) {
        *ret_at = length - left;
        free(converted);
        return NULL;
    }
    *ret_length = (size_t)(out - converted);
    *out = '\0';
    return converted;
}

/* NULL, quietly, where the bytes are not of that encoding, with *ret_at where they are not; or
 * with NO_CONVERTER where the system knows no such encoding, as one of the smallest may. */
static char *decode(const char *bytes, size_t length, const char *name, size_t *ret_length,
                    size_t *ret_at)
{
    iconv_t descriptor = iconv_open("UTF-8", name);
    char *decoded = NULL;

    *ret_at = NO_CONVERTER;
    if ((intptr_t)descriptor == -1)
        return NULL;
    decoded = convert(descriptor, bytes, length, ret_length, ret_at);
    iconv_close(descriptor);
    return decoded;
}

static bool has_utf16_mark(const char *bytes, size_t length)
{
    return length >= 2 && (memcmp(bytes, "\xFF\xFE", 2) == 0 || memcmp(bytes, "\xFE\xFF", 2) == 0);
}

/* By its mark; else UTF-8 where it could be that, which other text hardly ever is by chance. */
static char *find_out(const char *bytes, size_t length, const char **ret_found, size_t *ret_length,
                      size_t *ret_at)
{
    char *decoded = NULL;

    if (has_utf16_mark(bytes, length)) {
        *ret_found = "UTF-16";
        return decode(bytes, length, "UTF-16", ret_length, ret_at);
    }
    decoded = decode(bytes, length, "UTF-8", ret_length, ret_at);
    *ret_found = decoded ? "UTF-8" : "GB18030";
    return decoded ? decoded : decode(bytes, length, "GB18030", ret_length, ret_at);
}

/* The row in which a byte stands, as far as line ends tell it. */
static size_t row_of(const char *bytes, size_t at)
{
    size_t row = 1;

    for (size_t i = 0; i < at; i++)
        row += bytes[i] == '\n';
    return row;
}

static void drop_mark(char *text, size_t *length)
{
    size_t mark = strlen(UTF8_MARK);

    if (*length >= mark && memcmp(text, UTF8_MARK, mark) == 0) {
        *length -= mark;
        memmove(text, text + mark, *length + 1);
    }
}

char *sheet_decode(const char *bytes, size_t length, const char *encoding, const char **ret_found,
                   size_t *ret_length, struct sheet_faults *faults)
{
    const char *found = encoding ? iconv_name(encoding) : NULL;
    char *decoded = NULL;
    size_t at = 0;

    if (encoding && !found) {
        sheet_fault_add(faults, 0, SHEET_NO_COLUMN,
                        "the encoding is unknown; expected utf-8, gbk, gb18030 or utf-16");
        return NULL;
    }
    decoded = found ? decode(bytes, length, found, ret_length, &at)
                    : find_out(bytes, length, &found, ret_length, &at);
    if (decoded && *ret_length > SHEET_MOST_BYTES) {
        free(decoded);
        decoded = NULL;
        sheet_fault_add(faults, 0, SHEET_NO_COLUMN, "is too large; expected at most 16 MiB");
    } else if (!decoded && at == NO_CONVERTER) {
        sheet_fault_add(faults, 0, SHEET_NO_COLUMN,
                        "is %s, which this system can't convert (package "
                        "libc-gconv-modules-extra); expected UTF-8",
                        found);
    } else if (!decoded) {
        sheet_fault_add(faults, row_of(bytes, at), SHEET_NO_COLUMN,
                        "bytes that are no text in %s%s; expected UTF-8, GBK, GB18030, or UTF-16 "
                        "with its mark",
                        encoding ? "" : "UTF-8 or ", found);
    } else {
        drop_mark(decoded, ret_length);
        *ret_found = found;
    }
    return decoded;
}

/* malloc'ed; NULL after adding a fault. */
static char *read_bytes(const char *path, size_t *ret_length, struct sheet_faults *faults)
{
    char *bytes = NULL;
    FILE *stream = fopen(path, "re");

    if (!stream) {
        sheet_fault_add(faults, 0, SHEET_NO_COLUMN, "can't be read: %s; expected a CSV file",
                        strerrordesc_np(errno));
        return NULL;
    }
    bytes = mem_alloc((size_t)SHEET_MOST_BYTES + 2);
    *ret_length = fread(bytes, 1, (size_t)SHEET_MOST_BYTES + 1, stream);
    if (ferror(stream)) {
        sheet_fault_add(faults, 0, SHEET_NO_COLUMN, "can't be read: %s; expected a CSV file",
                        strerrordesc_np(errno));
    } else if (*ret_length > SHEET_MOST_BYTES) {
        sheet_fault_add(faults, 0, SHEET_NO_COLUMN, "is too large; expected at most 16 MiB");
    } else {
        fclose(stream);
        return bytes;
    }
    fclose(stream);
    free(bytes);
    return NULL;
}

void sheet_read_file(const char *path, const char *encoding, struct sheet *ret_sheet,
                     const char **ret_found, struct sheet_faults *faults)
{
    size_t length = 0, text_length = 0;
    char *bytes = read_bytes(path, &length, faults);
    char *text =
        bytes ? sheet_decode(bytes, length, encoding, ret_found, &text_length, faults) : NULL;

    free(bytes);
    *ret_sheet = (struct sheet){0};
    if (text)
        sheet_parse(text, text_length, ret_sheet, faults);
}
