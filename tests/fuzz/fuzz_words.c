/* Words of the configuration and the command line: config/words.c, config/phrase.c, decimals.
 *
 * Input: one word. What is understood is written in its plain form, and that means the same. */
#include <errno.h>
#include <math.h>

#include "fuzz.h"
#include "node.h"
#include "phrase.h"
#include "plant.h"
#include "text.h"
#include "words.h"

static void check_duration(const char *word)
{
    int64_t ms = -7, again = -7;
    const char *expected = NULL;

    if (parse_duration(word, &ms, &expected) != 0) {
        CLAIM(ms == -7 && expected != NULL);
        return;
    }
    CLAIM(ms >= 0 && expected == NULL);
    CLAIM(parse_duration(phrase_duration(ms).text, &again, &expected) == 0 && again == ms);
}

static void check_size(const char *word)
{
    int64_t bytes = -7, again = -7;
    const char *expected = NULL;

    if (parse_size(word, &bytes, &expected) != 0) {
        CLAIM(bytes == -7 && expected != NULL);
        return;
    }
    CLAIM(bytes >= 0 && bytes % 1024 == 0);
    if (bytes > 0)
        CLAIM(parse_size(phrase_size(bytes).text, &again, &expected) == 0 && again == bytes);
}

static void check_host_port(const char *word)
{
    char *host = NULL, *host_again = NULL;
    uint16_t port = 7, port_again = 7;
    const char *expected = NULL;
    struct text plain = {0};

    if (parse_host_port(word, 502, &host, &port, &expected) != 0) {
        CLAIM(host == NULL && port == 7 && expected != NULL);
        return;
    }
    CLAIM(port > 0 && strlen(host) >= 1 && strlen(host) <= 253);
    CLAIM(strpbrk(host, "[] /@\t\n") == NULL);
    bool v6 = strchr(host, ':') != NULL;
    text_addf(&plain, v6 ? "[%s]:%u" : "%s:%u", host, port);
    CLAIM(parse_host_port(plain.data, 1, &host_again, &port_again, &expected) == 0);
    CLAIM(strcmp(host, host_again) == 0 && port == port_again);
    text_free(&plain);
    free(host);
    free(host_again);
}

static void check_at(const char *word)
{
    enum area area = AREA_INPUT, area_again = AREA_INPUT;
    uint16_t address = 7, address_again = 7;
    int8_t bit = -7, bit_again = -7;
    const char *expected = NULL;
    struct text plain = {0};

    if (parse_at(word, &area, &address, &bit, &expected) != 0) {
        CLAIM(area == AREA_INPUT && address == 7 && bit == -7 && expected != NULL);
        return;
    }
    CLAIM(bit >= -1 && bit <= 15 && (bit < 0 || area == AREA_INPUT || area == AREA_HOLDING));
    text_addf(&plain, "%s:%u", area_name(area), address);
    if (bit >= 0)
        text_addf(&plain, ".%d", bit);
    CLAIM(parse_at(plain.data, &area_again, &address_again, &bit_again, &expected) == 0);
    CLAIM(area == area_again && address == address_again && bit == bit_again);
    text_free(&plain);
}

static void check_type(const char *word)
{
    enum tag_type type = TYPE_BCD16, again = TYPE_BCD16;
    uint16_t bytes = 777, bytes_again = 777;
    const char *expected = NULL;
    struct text plain = {0};

    if (parse_type(word, &type, &bytes, &expected) != 0) {
        CLAIM(type == TYPE_BCD16 && bytes == 777 && expected != NULL);
        return;
    }
    CLAIM(type == TYPE_STRING ? bytes >= 1 && bytes <= 250 : bytes == 0);
    text_add(&plain, tag_type_name(type));
    if (type == TYPE_STRING)
        text_addf(&plain, ":%u", bytes);
    CLAIM(parse_type(plain.data, &again, &bytes_again, &expected) == 0);
    CLAIM(type == again && bytes == bytes_again);
    text_free(&plain);
}

static void check_order(const char *word)
{
    uint8_t order = 77;
    const char *expected = NULL;

    if (parse_order(word, &order, &expected) == 0)
        CLAIM(order <= 3 && (strlen(word) == 4 || strlen(word) == 8));
    else
        CLAIM(order == 77 && expected != NULL);
}

static void check_format(const char *word)
{
    uint8_t data_bits = 77, stop_bits = 77;
    char parity = '?', again[8];

    if (parse_format(word, &data_bits, &parity, &stop_bits) != 0) {
        CLAIM(data_bits == 77 && stop_bits == 77 && parity == '?');
        return;
    }
    snprintf(again, sizeof again, "%u%c%u", data_bits, parity, stop_bits);
    CLAIM(strcmp(word, again) == 0);
}

static void check_whole(const char *word)
{
    int64_t number = -7;
    char *end = NULL;

    if (parse_whole(word, &number) != 0) {
        CLAIM(number == -7);
        return;
    }
    errno = 0;
    CLAIM(number == strtoll(word, &end, 10) && errno == 0 && *end == '\0');
    CLAIM(!is_baud(number) || (number >= 50 && number <= 4000000));
}

static void check_decimal(const char *word)
{
    struct decimal decimal = {.mantissa = 7, .decimals = 77}, again = {0};
    struct text plain = {0};

    if (decimal_parse(word, &decimal) != 0) {
        CLAIM(decimal.mantissa == 7 && decimal.decimals == 77);
        return;
    }
    double near = strtod(word, NULL);
    CLAIM(decimal.decimals <= DECIMAL_MAX_DECIMALS);
    CLAIM(llabs(decimal.mantissa) < INT64_C(1000000000000000000));
    CLAIM(decimal.decimals == 0 || decimal.mantissa % 10 != 0);
    CLAIM(fabs(decimal_number(decimal) - near) <= fabs(near) * 0x1p-51);
    const struct value value = {
        .kind = VALUE_DECIMAL, .mantissa = decimal.mantissa, .decimals = decimal.decimals};
    value_to_json(&value, &plain);
    CLAIM(decimal_parse(plain.data, &again) == 0);
    CLAIM(again.mantissa == decimal.mantissa && again.decimals == decimal.decimals);
    text_free(&plain);
}

static void check_name(const char *word)
{
    if (!is_name(word))
        return;
    CLAIM(strlen(word) >= 1 && strlen(word) <= 64);
    CLAIM(strpbrk(word, "/ #+\",\\$") == NULL);
}

/* Quoted for a fault, and written as JSON, it is harmless. */
static void check_quoting(const char *word)
{
    struct phrase quoted = phrase_quote(word);
    struct text list = {0}, wrong = {0};

    CLAIM(strnlen(quoted.text, sizeof quoted.text) < sizeof quoted.text);
    for (const char *c = quoted.text; *c != '\0'; c++)
        CLAIM((unsigned char)*c >= ' ' && *c != 0x7f);
    text_add_char(&list, '[');
    text_add_json(&list, word, strlen(word));
    text_add_char(&list, ']');
    struct node *root = node_parse(list.data, list.length, &wrong);
    CLAIM(root != NULL);
    const char *back = node_text(node_item(root, 0), NULL);
    CLAIM(back != NULL);
    if (strstr(list.data, "\xEF\xBF\xBD") == NULL)
        CLAIM(strcmp(back, word) == 0);
    node_free(root);
    text_free(&list);
    text_free(&wrong);
}

static void check_distance(const char *word)
{
    static const char other[] = "max_registers";
    size_t distance = phrase_distance(word, other);

    CLAIM(distance == phrase_distance(other, word));
    CLAIM((distance == 0) == (strcmp(word, other) == 0));
    CLAIM(phrase_distance(word, word) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    char *word = input_string(&input);

    check_duration(word);
    check_size(word);
    check_host_port(word);
    check_at(word);
    check_type(word);
    check_order(word);
    check_format(word);
    check_whole(word);
    check_decimal(word);
    check_name(word);
    check_quoting(word);
    check_distance(word);
    free(word);
    return 0;
}
