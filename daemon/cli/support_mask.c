#include "support_mask.h"

#include <ctype.h>
#include <string.h>

enum { KEY_BYTES = 64, SHORTEST_WORD = 3 };

static const char mask[] = "***";

struct line {
    const char *at, *end;
};

/* Where a value that is secret goes on in the lines below. */
struct below {
    bool masks;
    size_t column; /* all that stands further right */
    bool next;     /* the next line too, wherever it stands */
    char quote;    /* until this one closes; 0: none is open */
};

static bool is_key_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static bool ends_with(const char *word, const char *end)
{
    size_t length = strlen(word), tail = strlen(end);

    return length >= tail && strcmp(word + length - tail, end) == 0;
}

static bool is_secret_key(const char *at, size_t length)
{
    static const char *const parts[] = {"pass",  "secret", "token",   "user",   "credential",
                                        "login", "auth",   "api_key", "private"};
    char key[KEY_BYTES + 1] = "";

    for (size_t i = 0; i < length && i < KEY_BYTES; i++)
        key[i] = (char)tolower((unsigned char)at[i]);
    if (ends_with(key, "_file"))
        return false;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(key, parts[i]) != NULL)
            return true;
    return false;
}

/* The first key of the line that is secret; NULL for none. *ret_value is behind its colon. */
static const char *find_secret_key(const struct line *line, const char **ret_value)
{
    for (const char *at = line->at; at < line->end;) {
        const char *key = at;
        while (at < line->end && is_key_char(*at))
            at++;
        if (at == key) {
            at++;
            continue;
        }
        const char *colon = at;
        while (colon < line->end && strchr(" \t\"'", *colon) != NULL)
            colon++;
        if (colon < line->end && *colon == ':' && is_secret_key(key, (size_t)(at - key))) {
            *ret_value = colon + 1;
            return key;
        }
    }
    return NULL;
}

/* Whether a quote that the value begins with is closed on its line. */
static char open_quote(const char *value, const char *end)
{
    if (value == end || (*value != '"' && *value != '\''))
        return 0;
    return memchr(value + 1, *value, (size_t)(end - value) - 1) != NULL ? 0 : *value;
}

static struct below below_of(const struct line *line, const char *key, const char *value)
{
    while (value < line->end && isspace((unsigned char)*value))
        value++;
    return (struct below){
        .masks = true,
        .column = (size_t)(key - line->at),
        .next = value == line->end || *value == '#' || *value == '|' || *value == '>',
        .quote = open_quote(value, line->end),
    };
}

/* Whether the line still belongs to the value above. */
static bool is_below(struct below *below, const struct line *line)
{
    const char *at = line->at;

    if (!below->masks)
        return false;
    while (at < line->end && isspace((unsigned char)*at))
        at++;
    if (at == line->end)
        return true;
    if (below->quote != 0) {
        if (memchr(at, below->quote, (size_t)(line->end - at)) != NULL)
            below->quote = 0;
        return true;
    }
    bool belongs = below->next || (size_t)(at - line->at) > below->column;
    below->next = false;
    below->masks = belongs;
    return belongs;
}

static bool is_word_at(const char *at, const struct line *line, const char *word)
{
    size_t length = strlen(word);

    if (length < SHORTEST_WORD || (size_t)(line->end - at) < length ||
        memcmp(at, word, length) != 0)
        return false;
    bool begins = at == line->at || !isalnum((unsigned char)at[-1]);
    return begins && (at + length == line->end || !isalnum((unsigned char)at[length]));
}

/* How much of the line from here on is a known secret. */
static size_t secret_length(const char *at, const struct line *line, const struct secrets *secrets)
{
    for (size_t i = 0; i < secrets->count; i++)
        if (is_word_at(at, line, secrets->words[i]))
            return strlen(secrets->words[i]);
    return 0;
}

/* Behind "://": what is in front of the last @ of the URL. */
static size_t credentials_length(const char *at, const struct line *line)
{
    size_t found = 0;

    for (const char *end = at; end < line->end && !isspace((unsigned char)*end); end++)
        if (*end == '@')
            found = (size_t)(end - at);
    return found;
}

/* URLs and known words of a line. */
static void mask_words(const struct line *line, const struct secrets *secrets, struct text *out)
{
    for (const char *at = line->at; at < line->end;) {
        size_t length = secret_length(at, line, secrets);
        if (length == 0 && at - line->at >= 3 && memcmp(at - 3, "://", 3) == 0)
            length = credentials_length(at, line);
        if (length > 0) {
            text_add(out, mask);
            at += length;
        } else {
            text_add_char(out, *at++);
        }
    }
}

static void mask_line(const struct line *line, bool keys, struct below *below,
                      const struct secrets *secrets, struct text *out)
{
    const char *value = NULL;
    const char *key = keys ? find_secret_key(line, &value) : NULL;

    if (is_below(below, line)) {
        text_add(out, line->at < line->end ? mask : "");
    } else if (key != NULL) {
        mask_words(&(struct line){line->at, value}, secrets, out);
        text_add_char(out, ' ');
        text_add(out, mask);
        *below = below_of(line, key, value);
    } else {
        mask_words(line, secrets, out);
    }
}

void support_mask(const char *text, size_t length, bool keys, const struct secrets *secrets,
                  struct text *out)
{
    struct below below = {0};
    const char *end = text + length;

    for (const char *at = text; at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        struct line line = {at, stop != NULL ? stop : end};
        mask_line(&line, keys, &below, secrets, out);
        if (stop != NULL)
            text_add_char(out, '\n');
        at = stop != NULL ? stop + 1 : end;
    }
}
