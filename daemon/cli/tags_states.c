/* The states of a tag in one cell: "1=production; 2=stopped; 11=fault: guard open". In a reason a
 * backslash stands before a semicolon, before itself, and before a space at either end. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sheet_yaml.h"
#include "tags.h"
#include "words.h"

static const char *pass_spaces(const char *text)
{
    return text + strspn(text, " \t\r\n");
}

/* What stands before the stop, without spaces behind it; the stop's place. NULL: there is none. */
static const char *take_word(const char *text, const char *stops, struct text *word)
{
    size_t length = strcspn(text, stops);

    text_clear(word);
    text_add_bytes(word, text, length);
    while (word->length > 0 && word->data[word->length - 1] == ' ')
        text_cut(word, word->length - 1);
    return word->length > 0 ? text + length : NULL;
}

/* Up to the next semicolon or line end that is meant as one. */
static const char *take_reason(const char *text, struct text *reason)
{
    size_t kept = 0;

    text_clear(reason);
    for (; *text && !strchr(";\r\n", *text); text++) {
        bool escaped = *text == '\\' && text[1] != '\0' && strchr("\\; ", text[1]);
        text += escaped;
        text_add_char(reason, *text);
        if (escaped || *text != ' ')
            kept = reason->length;
    }
    text_cut(reason, kept);
    return text;
}

static bool is_code(const char *text)
{
    int64_t number = 0;

    return parse_whole(text + (text[0] == '-'), &number) == 0;
}

/* "11=fault: guard open" up to what ends it; NULL where it is no such entry. */
static const char *take_entry(const char *text, struct text *word, struct text *out)
{
    text = take_word(text, "=;\r\n", word);
    if (!text || *text != '=' || !is_code(word->data))
        return NULL;
    text_addf(out, "%s: ", word->data);
    text = take_word(pass_spaces(text + 1), ":;\r\n", word);
    if (!text)
        return NULL;
    if (*text != ':') {
        sheet_yaml_scalar(out, word->data);
        return text;
    }
    text_add(out, "{state: ");
    sheet_yaml_scalar(out, word->data);
    text = take_reason(pass_spaces(text + 1), word);
    text_add(out, ", reason: ");
    sheet_yaml_scalar(out, word->length > 0 ? word->data : "");
    text_add(out, "}");
    return text;
}

bool tags_states_to_yaml(const char *cell, struct text *out)
{
    struct text word = {0};
    const char *at = pass_spaces(cell);
    bool first = true;

    text_add(out, "{");
    while (at && *at) {
        text_add(out, first ? "" : ", ");
        first = false;
        at = take_entry(at, &word, out);
        if (at)
            at += strspn(at, "; \t\r\n");
    }
    text_add(out, "}");
    text_free(&word);
    return at && !first;
}

static void add_reason(const char *reason, struct text *out)
{
    size_t length = strlen(reason);

    text_add(out, ": ");
    for (size_t i = 0; i < length; i++) {
        bool is_end = i == 0 || i + 1 == length;
        if (strchr("\\;", reason[i]) || (is_end && reason[i] == ' '))
            text_add_char(out, '\\');
        text_add_char(out, reason[i]);
    }
}

void tags_states_to_cell(const struct tag_states *states, struct text *out)
{
    for (size_t i = 0; i < states->count; i++) {
        const struct state_code *code = &states->codes[i];
        text_addf(out, "%s%" PRId64 "=%s", i > 0 ? "; " : "", code->code,
                  machine_state_name(code->state));
        if (code->reason)
            add_reason(code->reason, out);
    }
}
