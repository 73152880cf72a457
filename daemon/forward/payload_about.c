#include "payload_about.h"

#include "value.h"

void payload_about_line(struct text *out, const struct production_line *line)
{
    text_add(out, "{\"line\":");
    text_add_json_string(out, line->name);
    text_add(out, ",\"machines\":[");
    for (size_t i = 0; i < line->machine_count; i++) {
        if (i > 0)
            text_add_char(out, ',');
        text_add_json_string(out, line->machines[i]->name);
    }
    text_add(out, "],\"delivery\":");
    text_add_json_string(out, line->machines[line->delivery]->name);
    text_add_char(out, '}');
}

static void add_decimal(struct text *out, struct decimal decimal)
{
    const struct value value = {
        .kind = VALUE_DECIMAL, .decimals = decimal.decimals, .mantissa = decimal.mantissa};

    value_to_json(&value, out);
}

static void add_detail(struct text *out, const struct tag_detail *detail)
{
    if (detail->title.en || detail->title.zh) {
        text_add(out, ",\"title\":{\"en\":");
        text_add_json_string(out, detail->title.en);
        text_add(out, ",\"zh\":");
        text_add_json_string(out, detail->title.zh);
        text_add_char(out, '}');
    }
    if (detail->low.mantissa != 0 || detail->high.mantissa != 0) {
        text_add(out, ",\"range\":[");
        add_decimal(out, detail->low);
        text_add_char(out, ',');
        add_decimal(out, detail->high);
        text_add_char(out, ']');
    }
}

static void add_tag(struct text *out, const struct tag *tag)
{
    text_add(out, "{\"name\":");
    text_add_json_string(out, tag->name);
    text_add(out, ",\"unit\":");
    text_add_json_string(out, tag->unit);
    text_addf(out, ",\"type\":\"%s", tag_type_name(tag->type));
    if (tag->type == TYPE_STRING)
        text_addf(out, ":%u", (unsigned)tag->string_bytes);
    text_addf(out, "\",\"at\":\"%s:", area_name(tag->area));
    if (tag->area == AREA_TEXT)
        text_add(out, tag->detail->group);
    else
        text_add_uint(out, tag->address);
    if (tag->bit >= 0)
        text_addf(out, ".%d", tag->bit);
    text_add(out, "\",\"every_ms\":");
    text_add_int(out, tag->every_ms);
    if (tag->detail)
        add_detail(out, tag->detail);
    if (tag->detail && tag->detail->counter)
        text_addf(out, ",\"kind\":\"counter\",\"counts\":\"%s\"}",
                  counts_name(tag->detail->counter->counts));
    else
        text_add(out, ",\"kind\":\"value\"}");
}

static void add_made(struct text *out, const struct machine *machine, uint16_t value,
                     const char *kind, uint16_t tag)
{
    if (value < machine_told_values(machine))
        text_addf(out,
                  ",{\"name\":\"%s\",\"unit\":null,\"type\":\"u64\",\"kind\":\"%s\",\"of\":\"%s\"}",
                  machine_value_name(machine, value), kind, machine->tags[tag].name);
}

static void add_company(struct text *out, const struct machine *machine)
{
    for (size_t i = 0; machine->meaning && i < machine->meaning->counter_count; i++) {
        const struct counter_place *place = &machine->meaning->counters[i];
        add_made(out, machine, place->epoch, "epoch", place->tag);
        add_made(out, machine, place->inferred, "inferred", place->tag);
        add_made(out, machine, place->raw, "raw", place->tag);
    }
    if (machine->state)
        text_add(
            out,
            ",{\"name\":\"state\",\"unit\":null,\"type\":\"string\",\"kind\":\"state\"},"
            "{\"name\":\"state.reason\",\"unit\":null,\"type\":\"string\",\"kind\":\"reason\"}");
}

void payload_about_machine(struct text *out, const struct machine *machine)
{
    text_add(out, "{\"machine\":");
    text_add_json_string(out, machine->name);
    text_add(out, ",\"link\":");
    text_add_json_string(out, machine->link->name);
    text_addf(out, ",\"unit\":%u", (unsigned)machine->unit);
    text_add(out, ",\"profile\":");
    text_add_json_string(out, machine->profile);
    text_addf(out, ",\"synthetic\":%s,\"tags\":[", machine->synthetic ? "true" : "false");
    for (size_t i = 0; i < machine->tag_count; i++) {
        if (i > 0)
            text_add_char(out, ',');
        add_tag(out, &machine->tags[i]);
    }
    add_company(out, machine);
    text_add(out, "]}");
}
