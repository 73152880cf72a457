#include "sheet_yaml.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

void sheet_yaml_end(struct sheet_yaml *yaml, size_t row, size_t column)
{
    text_add_char(&yaml->text, '\n');
    if (yaml->line_count == yaml->capacity) {
        yaml->capacity = yaml->capacity ? yaml->capacity * 2 : 256;
        yaml->places = mem_resize(yaml->places, yaml->capacity * sizeof *yaml->places);
    }
    yaml->places[yaml->line_count++] = (struct line_place){row, column};
}

void sheet_yaml_free(struct sheet_yaml *yaml)
{
    text_free(&yaml->text);
    free(yaml->places);
    *yaml = (struct sheet_yaml){0};
}

/* The character that the bytes begin with, and how many they are. They are UTF-8. */
static uint32_t take_character(const char *text, size_t *ret_length)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t length = at[0] < 0x80 ? 1 : at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : 4;
    uint32_t point = length == 1 ? at[0] : at[0] & (0x7Fu >> length);

    for (size_t i = 1; i < length; i++)
        point = point << 6 | (at[i] & 0x3F);
    *ret_length = length;
    return point;
}

/* Whether YAML takes it as it is (1.2.2, 5.1); line ends beyond ASCII are told by their numbers. */
static bool is_printable(uint32_t point)
{
    return (point >= ' ' && point < 0x7F) ||
           (point >= 0xA0 && point < 0xD800 && point != 0x2028 && point != 0x2029) ||
           (point >= 0xE000 && point < 0xFFFE && point != 0xFEFF) || point >= 0x10000;
}

static bool is_plain_scalar(const char *text)
{
    const char *first = LETTERS DIGITS ".-";
    const char *others = LETTERS DIGITS " ._-+/%()$^*~;=<>&";
    size_t length = strlen(text), character = 1;

    if (length == 0 || text[length - 1] == ' ' ||
        ((unsigned char)text[0] < 0x80 && !strchr(first, text[0])) ||
        (strchr(".-", text[0]) && (text[1] == '\0' || !strchr(DIGITS, text[1]))))
        return false;
    for (; *text; text += character) {
        uint32_t point = take_character(text, &character);
        if (point < 0x80 ? !strchr(others, (int)point) : !is_printable(point) || point == 0xA0)
            return false;
    }
    return true;
}

void sheet_yaml_scalar(struct text *out, const char *text)
{
    size_t character = 1;

    if (is_plain_scalar(text)) {
        text_add(out, text);
        return;
    }
    text_add_char(out, '"');
    for (; *text; text += character) {
        uint32_t point = take_character(text, &character);
        if (!is_printable(point))
            text_addf(out, point < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)point);
        else if (point == '"' || point == '\\')
            text_addf(out, "\\%c", (char)point);
        else
            text_add_bytes(out, text, character);
    }
    text_add_char(out, '"');
}

/* Where line `line` of the file is from; NULL: nowhere in the YAML. */
static const struct line_place *find_place(const struct yaml_reading *reading, size_t line)
{
    size_t before = reading->lines_before;

    if (line <= before || line - before > reading->yaml->line_count)
        return NULL;
    const struct line_place *place = &reading->yaml->places[line - before - 1];
    return place->row > 0 ? place : NULL;
}

/* Over "LINE" or "LINE:COLUMN". */
static size_t pass_numbers(const char *text)
{
    size_t length = strspn(text, DIGITS);

    if (text[length] == ':' && strspn(text + length + 1, DIGITS) > 0)
        length += 1 + strspn(text + length + 1, DIGITS);
    return length;
}

void sheet_yaml_words(const struct yaml_reading *reading, const char *message, struct text *out)
{
    size_t path = strlen(reading->yaml_path);
    const char *found = NULL;

    text_add(out, "");
    while ((found = strstr(message, reading->yaml_path)) != NULL) {
        const char *number = found + path + 1;
        text_add_bytes(out, message, (size_t)(found - message));
        text_add(out, reading->sheet_path);
        message = found + path;
        if (*message != ':')
            continue;
        const struct line_place *place = find_place(reading, strtoul(number, NULL, 10));
        message = number + pass_numbers(number);
        if (place)
            text_addf(out, ":%zu", place->row);
    }
    text_add(out, message);
}

/* The message without what speaks of a line of YAML, where the row says as much. */
static void cut_lines(struct text *message)
{
    char *begin = message->length > 0 ? strstr(message->data, ", first on line ") : NULL;
    char *end = begin ? strchr(begin, ';') : NULL;

    if (end) {
        memmove(begin, end, strlen(end) + 1);
        text_cut(message, strlen(message->data));
    }
}

/* The message without its key, which the column's name stands for. */
static const char *without_key(const char *message)
{
    const char *colon = strstr(message, ": ");

    return colon ? colon + 2 : message;
}

/* The kind of column whose key the message begins with. */
static size_t kind_of_message(const struct yaml_reading *reading, const char *message)
{
    size_t length = strspn(message, LETTERS "_");

    if (message[length] != ':')
        return reading->kind_count;
    return columns_of_key(reading->kinds, reading->kind_count, message, length);
}

bool sheet_yaml_fault(const struct yaml_reading *reading, const struct fault *fault,
                      struct sheet_faults *faults)
{
    const struct line_place *place = NULL;
    size_t kind = kind_of_message(reading, fault->message);
    size_t column = SHEET_NO_COLUMN;
    struct text message = {0};

    if (strcmp(fault->file, reading->yaml_path) != 0)
        return false;
    place = find_place(reading, (size_t)fault->line);
    if (place && reading->row_failed && reading->row_failed[place->row] &&
        kind < reading->kind_count && reading->kinds[kind].of_type)
        return true;
    if (place)
        column = place->column;
    bool has_column = kind < reading->kind_count && reading->columns->at[kind] != SHEET_NO_COLUMN;
    if (has_column)
        column = reading->columns->at[kind];
    sheet_yaml_words(reading, has_column ? without_key(fault->message) : fault->message, &message);
    cut_lines(&message);
    sheet_fault_add(faults, place ? place->row : 0, column, "%s", message.data);
    text_free(&message);
    return true;
}
