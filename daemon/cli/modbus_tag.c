#include "modbus_tag.h"

#include <stdio.h>

#include "decode.h"
#include "text.h"
#include "words.h"

bool modbus_tag_is_bit(const struct tag *tag)
{
    return tag->area == AREA_COIL || tag->area == AREA_DISCRETE;
}

/* The first parser that refuses its word is told of. */
int modbus_tag_parse(const struct command *command, const struct modbus_what *what, const char *at,
                     struct tag *ret_tag)
{
    const char *expected = NULL;
    struct tag *tag = ret_tag;
    *tag = (struct tag){.name = "value", .scale = {.mantissa = 1}, .every_ms = 1000};
    if (parse_at(at, &tag->area, &tag->address, &tag->bit, &expected) < 0)
        return cli_usage(command, "\"%s\" where %s is expected", at, expected);
    bool bit = tag->bit >= 0 || modbus_tag_is_bit(tag);
    const char *type = what->type ? what->type : bit ? "bool" : "u16";
    if (parse_type(type, &tag->type, &tag->string_bytes, &expected) < 0)
        return cli_usage(command, "--type: \"%s\" where %s is expected", type, expected);
    if (bit && tag->type != TYPE_BOOL)
        return cli_usage(command, "--type: a bit is a bool, not \"%s\"", type);
    if (what->order && parse_order(what->order, &tag->order, &expected) < 0)
        return cli_usage(command, "--order: \"%s\" where %s is expected", what->order, expected);
    if (what->scale && decimal_parse(what->scale, &tag->scale) < 0)
        return cli_usage(command, "--scale: \"%s\" where a number as 0.1 is expected", what->scale);
    if (tag->address + tag_width(tag) > 65536)
        return cli_usage(command, "addresses end at 65535");
    return CLI_OK;
}

struct span modbus_tag_span(const struct tag *tag, uint16_t count)
{
    static const uint8_t functions[] = {
        [AREA_COIL] = 1, [AREA_DISCRETE] = 2, [AREA_INPUT] = 4, [AREA_HOLDING] = 3};
    return (struct span){.function = functions[tag->area],
                         .start = tag->address,
                         .count = (uint16_t)(count * tag_width(tag))};
}

void modbus_tag_print(const struct tag *tag, const uint16_t *words)
{
    char text[DECODE_TEXT_BYTES];
    struct sample sample = {0};
    struct text out = {0};

    text_addf(&out, "%s:%u", area_name(tag->area), tag->address);
    if (tag->bit >= 0)
        text_addf(&out, ".%d", tag->bit);
    printf("%-16s", out.data);
    for (unsigned i = 0; i < tag_width(tag); i++)
        printf(" 0x%04X", words[i]);

    text_clear(&out);
    decode_tag(tag, words, text, &sample);
    if (sample.quality == QUALITY_GOOD)
        value_to_json(&sample.value, &out);
    else
        text_addf(&out, "no value of type %s", tag_type_name(tag->type));
    printf("  %s\n", out.data);
    text_free(&out);
}
