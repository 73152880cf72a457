#include "guess_keep.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "words.h"

static const char head[] = "bindery guess 1\n";

static const char *const orders[] = {
    [0] = "ABCD",
    [ORDER_SWAP_WORDS] = "CDAB",
    [ORDER_SWAP_BYTES] = "BADC",
    [ORDER_SWAP_WORDS | ORDER_SWAP_BYTES] = "DCBA",
};

void guess_keep_format(const struct guess_list *list, struct text *out)
{
    text_add(out, head);
    for (size_t i = 0; i < list->count; i++) {
        const struct guess *guess = &list->items[i];
        text_addf(out, "%s %u %s %s %d\n", area_name(guess->area), guess->address,
                  tag_type_name(guess->type), orders[guess->order], guess->exponent);
    }
}

static bool parse_line(const char *line, struct guess *ret_guess)
{
    char area[8], address[6], type[8], order[5], power[3], at[16];
    const char *expected = NULL;
    struct decimal exponent;
    uint16_t string_bytes;
    int8_t bit;
    int end = 0;
    if (sscanf(line, "%7[a-z] %5[0-9] %7[a-z0-9] %4[A-D] %2[-0-9]%n", area, address, type, order,
               power, &end) != 5 ||
        line[end] != '\n')
        return false;
    snprintf(at, sizeof(at), "%s:%s", area, address);
    if (parse_at(at, &ret_guess->area, &ret_guess->address, &bit, &expected) != 0 ||
        parse_type(type, &ret_guess->type, &string_bytes, &expected) != 0 ||
        parse_order(order, &ret_guess->order, &expected) != 0 ||
        decimal_parse(power, &exponent) != 0)
        return false;
    ret_guess->exponent = (int8_t)exponent.mantissa;
    return (ret_guess->area == AREA_HOLDING || ret_guess->area == AREA_INPUT) &&
           ret_guess->type != TYPE_BOOL && ret_guess->type != TYPE_STRING &&
           exponent.mantissa >= GUESS_LEAST_EXPONENT && exponent.mantissa <= GUESS_MOST_EXPONENT;
}

int guess_keep_parse(const char *text, struct guess_list *list)
{
    size_t before = list->count;
    int line = 1;
    if (strncmp(text, head, strlen(head)) != 0)
        return line;
    for (text += strlen(head); *text != '\0'; text = strchr(text, '\n') + 1) {
        struct guess guess = {0};
        line++;
        if (line > GUESS_KEEP_MOST || !parse_line(text, &guess)) {
            list->count = before;
            return line;
        }
        guess_add(list, &guess);
    }
    return 0;
}

int guess_keep_load(const char *path, struct guess_list *list)
{
    enum { CHUNK = 65536, MOST_BYTES = 32 << 20 };
    struct text text = {0};
    int line = 1;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        cli_error("%s: %s", path, strerror(errno));
        return CLI_FAULT;
    }
    size_t got = 1;
    while (text.length < MOST_BYTES && got > 0) {
        got = fread(text_reserve(&text, CHUNK), 1, CHUNK, file);
        text.length += got;
    }
    fclose(file);
    text_add_char(&text, '\0');
    if (strlen(text.data) == text.length - 1 && text.length < MOST_BYTES)
        line = guess_keep_parse(text.data, list);
    if (line != 0)
        cli_error("%s:%d: this is no file that \"bindery guess --keep\" wrote", path, line);
    text_free(&text);
    return line == 0 ? CLI_OK : CLI_FAULT;
}

int guess_keep_save(const char *path, const struct guess_list *list)
{
    struct text text = {0};
    guess_keep_format(list, &text);
    FILE *file = fopen(path, "we");
    bool kept = file != NULL && fwrite(text.data, 1, text.length, file) == text.length;
    if (file != NULL)
        kept = fclose(file) == 0 && kept;
    if (!kept)
        cli_error("%s: %s", path, strerror(errno));
    text_free(&text);
    return kept ? CLI_OK : CLI_FAULT;
}
