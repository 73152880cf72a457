/* The readers that many fields share. */
#include <limits.h>
#include <string.h>

#include "load.h"
#include "phrase.h"
#include "text.h"
#include "words.h"

enum { TITLE_MOST_BYTES = 128 };

#define RATE_MOST 1e9 /* an hour's, as all that is expected of a machine */

static void *member_of(const struct field *field, void *object)
{
    return (char *)object + field->offset;
}

void load_read_name(struct load *load, const struct field *field, const struct node *value,
                    void *object)
{
    static const char expected[] = "1 to 64 letters, digits, '.', '_' or '-'";
    const char *text = load_scalar(load, field, value, expected);

    if (!text)
        return;
    if (!is_name(text)) {
        load_refuse(load, field->key, value, "is no name", expected);
        return;
    }
    *(const char **)member_of(field, object) = load_string(load, text);
}

void load_read_text(struct load *load, const struct field *field, const struct node *value,
                    void *object)
{
    const char *text = load_scalar(load, field, value, "a text");

    if (!text)
        return;
    if (strlen(text) > (size_t)field->most || !is_plain(text)) {
        load_refuse(load, field->key, value, "does not fit",
                    "1 to %lld bytes without control characters", (long long)field->most);
        return;
    }
    *(const char **)member_of(field, object) = load_string(load, text);
}

void load_read_path(struct load *load, const struct field *field, const struct node *value,
                    void *object)
{
    const char *text = load_scalar(load, field, value, "the path of a file");

    if (!text)
        return;
    const char *base = load->files[value->file];
    size_t folder = text[0] == '/' ? 0 : load_folder_length(base);
    struct text path = {0};
    text_add_bytes(&path, base, folder);
    text_add(&path, text);
    if (path.length >= PATH_MAX || path.data[path.length - 1] == '/' || !is_plain(text))
        load_refuse(load, field->key, value, "is no file's path", "the path of a file");
    else
        *(const char **)member_of(field, object) = load_string(load, path.data);
    text_free(&path);
}

static const char *complain_of_unit(const char *text, const char *otherwise)
{
    int64_t number = 0;

    return parse_whole(text, &number) == 0 ? "has no unit" : otherwise;
}

void load_read_duration(struct load *load, const struct field *field, const struct node *value,
                        void *object)
{
    const char *expected = "a duration such as 500ms, 1s, 5m, 8h";
    const char *text = load_scalar(load, field, value, expected);
    int64_t ms = 0;

    if (!text)
        return;
    if (parse_duration(text, &ms, &expected) != 0) {
        load_refuse(load, field->key, value, complain_of_unit(text, "is no duration"), "%s",
                    expected);
    } else if (ms < field->least || ms > field->most) {
        load_refuse(load, field->key, value, "is out of range", "%s to %s",
                    phrase_duration(field->least).text, phrase_duration(field->most).text);
    } else {
        *(int64_t *)member_of(field, object) = ms;
    }
}

void load_read_size(struct load *load, const struct field *field, const struct node *value,
                    void *object)
{
    const char *expected = "a size such as 64KiB, 256MiB, 1GiB";
    const char *text = load_scalar(load, field, value, expected);
    int64_t bytes = 0;

    if (!text)
        return;
    if (parse_size(text, &bytes, &expected) != 0) {
        load_refuse(load, field->key, value, complain_of_unit(text, "is no size"), "%s", expected);
    } else if (bytes < field->least || bytes > field->most) {
        load_refuse(load, field->key, value, "is out of range", "%s to %s",
                    phrase_size(field->least).text, phrase_size(field->most).text);
    } else {
        *(int64_t *)member_of(field, object) = bytes;
    }
}

/* A whole number in the field's range; -1 after adding a fault. */
static int64_t read_number(struct load *load, const struct field *field, const struct node *value)
{
    const char *text = load_scalar(load, field, value, "a whole number");
    int64_t number = -1;

    if (!text)
        return -1;
    bool whole = parse_whole(text, &number) == 0;
    if (!whole || number < field->least || number > field->most) {
        load_refuse(load, field->key, value, whole ? "is out of range" : "is no whole number",
                    "a whole number from %lld to %lld", (long long)field->least,
                    (long long)field->most);
        return -1;
    }
    return number;
}

void load_read_u8(struct load *load, const struct field *field, const struct node *value,
                  void *object)
{
    int64_t number = read_number(load, field, value);

    if (number >= 0)
        *(uint8_t *)member_of(field, object) = (uint8_t)number;
}

void load_read_u16(struct load *load, const struct field *field, const struct node *value,
                   void *object)
{
    int64_t number = read_number(load, field, value);

    if (number >= 0)
        *(uint16_t *)member_of(field, object) = (uint16_t)number;
}

void load_read_u32(struct load *load, const struct field *field, const struct node *value,
                   void *object)
{
    int64_t number = read_number(load, field, value);

    if (number >= 0)
        *(uint32_t *)member_of(field, object) = (uint32_t)number;
}

void load_read_u64(struct load *load, const struct field *field, const struct node *value,
                   void *object)
{
    int64_t number = read_number(load, field, value);

    if (number >= 0)
        *(uint64_t *)member_of(field, object) = (uint64_t)number;
}

/* "modbus-tcp, modbus-rtu or modbus-rtu-tcp": those that are supported. */
static void list_choices(const struct choice *choices, struct text *out)
{
    const char *last = NULL;

    for (const struct choice *choice = choices; choice->word; choice++) {
        if (choice->value == CHOICE_LATER)
            continue;
        if (last)
            text_addf(out, "%s%s", out->length > 0 ? ", " : "", last);
        last = choice->word;
    }
    text_addf(out, "%s%s", out->length > 0 ? " or " : "", last);
}

/* The value of the chosen word; CHOICE_LATER after adding a fault. */
static int read_choice(struct load *load, const struct field *field, const struct node *value)
{
    const struct choice *choice = field->choices;
    struct text words = {0};

    while (choice->word && (value->kind != NODE_SCALAR || strcmp(choice->word, value->text) != 0))
        choice++;
    if (choice->word && choice->value != CHOICE_LATER)
        return choice->value;
    list_choices(field->choices, &words);
    load_refuse(load, field->key, value, choice->word ? "is not supported yet" : "is unknown", "%s",
                words.data);
    text_free(&words);
    return CHOICE_LATER;
}

void load_read_choice(struct load *load, const struct field *field, const struct node *value,
                      void *object)
{
    int chosen = read_choice(load, field, value);

    if (chosen != CHOICE_LATER)
        *(unsigned *)member_of(field, object) = (unsigned)chosen;
}

void load_read_bool_choice(struct load *load, const struct field *field, const struct node *value,
                           void *object)
{
    int chosen = read_choice(load, field, value);

    if (chosen != CHOICE_LATER)
        *(bool *)member_of(field, object) = chosen != 0;
}

void load_read_list(struct load *load, const struct field *field, const struct node *value,
                    void *object)
{
    (void)object;
    if (value->kind != NODE_LIST && !node_is_empty(value))
        load_refuse(load, field->key, value, "is no list", "a list");
}

void load_read_title(struct load *load, const struct field *field, const struct node *value,
                     void *object)
{
    static const struct field fields[] = {
        {.key = "en",
         .read = load_read_text,
         .offset = offsetof(struct title, en),
         .most = TITLE_MOST_BYTES},
        {.key = "zh",
         .read = load_read_text,
         .offset = offsetof(struct title, zh),
         .most = TITLE_MOST_BYTES},
    };
    static const struct section section = {"a title", fields, sizeof fields / sizeof *fields};
    const struct node *seen[sizeof fields / sizeof *fields];

    load_section(load, &section, value, seen, member_of(field, object));
}

/* False where it is none, or out of range. */
static bool parse_rate(const char *text, struct rate *ret_rate)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"/s", 1}, {"/min", 60}, {"/h", 3600}};
    struct decimal number = {0};
    char digits[32] = "";
    size_t length = strcspn(text, "/"), i = 0;

    while (i < sizeof units / sizeof *units && strcmp(text + length, units[i].unit) != 0)
        i++;
    if (i == sizeof units / sizeof *units || length >= sizeof digits)
        return false;
    memcpy(digits, text, length);
    if (decimal_parse(digits, &number) != 0)
        return false;
    *ret_rate = (struct rate){decimal_number(number), units[i].seconds};
    return ret_rate->number > 0 && ret_rate->number / ret_rate->seconds * 3600 <= RATE_MOST;
}

bool load_rate(struct load *load, const char *key, const struct node *value, const char *what,
               struct rate *ret_rate)
{
    static const char likes[] = "such as 20000/h, 300/min or 5/s, above 0 and at most 1000000000/h";
    const struct field field = {.key = key};
    struct text expected = {0};
    struct rate rate = {0};

    text_addf(&expected, "%s, %s", what, likes);
    const char *text = load_scalar(load, &field, value, expected.data);
    bool parsed = text && parse_rate(text, &rate);
    if (text && !parsed)
        load_refuse(load, key, value, "is no such rate", "%s", expected.data);
    if (parsed)
        *ret_rate = rate;
    text_free(&expected);
    return parsed;
}

void load_read_ideal_rate(struct load *load, const struct field *field, const struct node *value,
                          void *object)
{
    struct rate rate = {0};

    if (load_rate(load, field->key, value, "what the machine makes when all goes well", &rate))
        *(double *)member_of(field, object) = rate.seconds * 1000 / rate.number;
}

void load_read_later(struct load *load, const struct field *field, const struct node *value,
                     void *object)
{
    (void)value;
    (void)object;
    load_fault(load, value, "%s: not supported yet; expected this key to be left out", field->key);
}
