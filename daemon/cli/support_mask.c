#include "support_mask.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { SHORTEST_WORD = 3 };

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
    bool pem;      /* until a key that stands there ends */
};

static const char *find_text(const struct line *line, const char *text)
{
    return memmem(line->at, (size_t)(line->end - line->at), text, strlen(text));
}

static bool is_key_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static bool ends_with(const char *word, size_t length, const char *end)
{
    size_t tail = strlen(end);

    return length >= tail && strncasecmp(word + length - tail, end, tail) == 0;
}

/* What a key of a secret has in it, the Chinese ones in a text without spaces; and how
 * a key in PEM begins, which needs no name. */
static const char *const secret_words[] = {"-----BEGIN", "pass",       "pwd",   "secret", "token",
                                           "user",       "credential", "login", "auth",   "api_key",
                                           "apikey",     "private",    "psk",   "用户名", "账号",
                                           "帐号",       "密码",       "口令",  "密钥",   "令牌"};

/* How much from here on is such a word, with all of the key that it is part of; 0: none. */
static size_t secret_word_length(const char *at, const struct line *line)
{
    size_t left = (size_t)(line->end - at);

    for (size_t i = 0; i < sizeof secret_words / sizeof *secret_words; i++) {
        size_t length = strlen(secret_words[i]);
        if (length > left || strncasecmp(at, secret_words[i], length) != 0)
            continue;
        while (isalnum((unsigned char)secret_words[i][0]) && length < left &&
               is_key_char(at[length]))
            length++;
        return length;
    }
    return 0;
}

/* What stands between a key and its value; 0: it is no key here. */
static size_t separator_length(const char *at, const char *end)
{
    static const char wide_colon[] = "：";
    const char *from = at;

    while (at < end && strchr(" \t\"'", *at) != NULL)
        at++;
    if (at < end && (*at == ':' || *at == '='))
        return (size_t)(at + 1 - from);
    size_t wide = sizeof wide_colon - 1;
    bool is_wide = (size_t)(end - at) >= wide && memcmp(at, wide_colon, wide) == 0;
    return is_wide ? (size_t)(at - from) + wide : 0;
}

/* The path of a file says nothing; a word that is none may be what should be in the file. */
static bool names_file(const char *key, const char *end, const struct line *line)
{
    return ends_with(key, (size_t)(end - key), "_file") &&
           memchr(end, '/', (size_t)(line->end - end)) != NULL;
}

static const char *pass_blanks(const char *at, const char *end)
{
    while (at < end && isspace((unsigned char)*at))
        at++;
    return at;
}

/* Behind the # of a comment, and the ? of YAML, a key needs no colon. */
static bool is_loose_from(const char *at, const struct line *line)
{
    bool begins_word = at == line->at || isspace((unsigned char)at[-1]);

    return (*at == '#' && begins_word) || (*at == '?' && pass_blanks(line->at, line->end) == at);
}

/* The first key of the line that is secret; NULL for none. *ret_value is behind its colon. */
static const char *find_secret_key(const struct line *line, const char **ret_value)
{
    bool loose = false;

    for (const char *at = line->at; at < line->end;) {
        size_t length = secret_word_length(at, line);
        if (length > 0 && !names_file(at, at + length, line)) {
            size_t separator = separator_length(at + length, line->end);
            *ret_value = at + length + separator;
            if (loose || separator > 0 || *at == '-')
                return at;
        }
        loose = loose || is_loose_from(at, line);
        at += length > 0 ? length : 1;
    }
    return NULL;
}

/* Whether the quote that is open closes before the end. */
static bool closes(const char *at, const char *end, char quote)
{
    for (; at < end; at++) {
        bool pair = at + 1 < end && ((quote == '"' && *at == '\\') ||
                                     (quote == '\'' && *at == '\'' && at[1] == '\''));
        if (!pair && *at == quote)
            return true;
        at += pair;
    }
    return false;
}

/* Over blanks, and an anchor and a tag. */
static const char *pass_properties(const char *at, const char *end)
{
    at = pass_blanks(at, end);
    while (at < end && (*at == '&' || *at == '!')) {
        while (at < end && !isspace((unsigned char)*at))
            at++;
        at = pass_blanks(at, end);
    }
    return at;
}

/* The quote that the value begins with and that is not closed on its line. */
static char open_quote(const char *value, const char *end)
{
    if (value == end || (*value != '"' && *value != '\''))
        return 0;
    return closes(value + 1, end, *value) ? 0 : *value;
}

static struct below below_of(const struct line *line, const char *key, const char *value)
{
    bool comment = *pass_blanks(line->at, line->end) == '#';

    value = pass_properties(value, line->end);
    /* The key may have begun before the word in it, and quoted. */
    while (key > line->at && (is_key_char(key[-1]) || strchr("\"'", key[-1]) != NULL))
        key--;
    return (struct below){
        .masks = true,
        .column = comment ? SIZE_MAX : (size_t)(key - line->at),
        .next = value == line->end || *value == '#' || *value == '|' || *value == '>',
        .quote = comment ? 0 : open_quote(value, line->end),
        .pem = find_text(line, "-----BEGIN") != NULL && find_text(line, "-----END") == NULL,
    };
}

/* Whether the line still belongs to the value above. */
static bool is_below(struct below *below, const struct line *line)
{
    const char *at = pass_blanks(line->at, line->end);
    size_t column = (size_t)(at - line->at);

    if (!below->masks)
        return false;
    if (at == line->end)
        return true;
    if (below->pem) {
        below->pem = find_text(line, "-----END") == NULL;
        return true;
    }
    if (below->quote != 0) {
        if (closes(at, line->end, below->quote))
            below->quote = 0;
        return true;
    }
    bool is_item = *at == '-' && pass_blanks(at + 1, line->end) != at + 1;
    bool belongs = below->next || column > below->column || (is_item && column == below->column);
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

/* Behind "://": what is in front of the last @ of the URL; of the line, where a person wrote it,
 * who may have a blank in a password. */
static size_t credentials_length(const char *at, const struct line *line, bool whole)
{
    size_t found = 0;

    for (const char *end = at; end < line->end && (whole || !isspace((unsigned char)*end)); end++)
        if (*end == '@')
            found = (size_t)(end - at);
    return found;
}

/* URLs and known words of a line, as far as `stop`. */
static void mask_words(const struct line *line, const char *stop, bool keys,
                       const struct secrets *secrets, struct text *out)
{
    for (const char *at = line->at; at < stop;) {
        size_t length = secret_length(at, line, secrets);
        if (length == 0 && at - line->at >= 3 && memcmp(at - 3, "://", 3) == 0)
            length = credentials_length(at, line, keys);
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
        mask_words(line, value, keys, secrets, out);
        text_add_char(out, ' ');
        text_add(out, mask);
        *below = below_of(line, key, value);
    } else {
        mask_words(line, line->end, keys, secrets, out);
    }
}

void support_mask(const char *text, size_t length, bool keys, const struct secrets *secrets,
                  struct text *out)
{
    struct below below = {0};
    const char *end = text + length;

    if (memchr(text, '\0', length) != NULL) { /* YAML may be UTF-16, in which no word is found */
        text_add(out, "left out: it has zero bytes, so that secrets in it are not found\n");
        return;
    }
    for (const char *at = text; at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        struct line line = {at, stop != NULL ? stop : end};
        mask_line(&line, keys, &below, secrets, out);
        if (stop != NULL)
            text_add_char(out, '\n');
        at = stop != NULL ? stop + 1 : end;
    }
}
