/* Configurations, and what is planned from them: plant_load, drivers/modbus_plan.c,
 * daemon/account/shift.c.
 *
 * Input: up to six files, with a byte 0x1C between them: plant.yaml, a.yaml, b.yaml, c.yaml, and
 * profiles p and q. They are written into a folder of memory's, beside a folder no.file. Patterns
 * of `include` that lead out of it find nothing; profiles are looked for there, too. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "modbus_plan.h"
#include "node.h"
#include "plant.h"
#include "shift.h"
#include "text.h"
#include "text_reader.h"
#include "words.h"
#include "zone.h"

enum { FILES = 6, SEPARATOR = 0x1c, MOST_PERIODS = 8, BOUNDARIES = 40 };

#define BEFORE_SUMMER_MS INT64_C(1774567000000) /* two days before clocks are put forward */

static const char *const file_names[FILES] = {"plant.yaml", "a.yaml",          "b.yaml",
                                              "c.yaml",     "profiles/p.yaml", "profiles/q.yaml"};
static char folder[128];

/* The folder as a pattern: its own name has a bracket in it. */
static char pattern_of_folder[sizeof folder + 1];

/* The linker puts these in the place of glob(3). */
int __real_glob(const char *pattern, int flags, int (*on_error)(const char *, int), glob_t *found);
int __wrap_glob(const char *pattern, int flags, int (*on_error)(const char *, int), glob_t *found);

int __wrap_glob(const char *pattern, int flags, int (*on_error)(const char *, int), glob_t *found)
{
    if (strncmp(pattern, pattern_of_folder, strlen(pattern_of_folder)) != 0)
        return GLOB_NOMATCH;
    if (strstr(pattern, "..") != NULL)
        return GLOB_ABORTED;
    return __real_glob(pattern, flags, on_error, found);
}

static const char *path_of(const char *name)
{
    static char path[sizeof folder + 16];

    snprintf(path, sizeof path, "%s%s", folder, name);
    return path;
}

static void remove_files(void)
{
    for (size_t i = 0; i < FILES; i++)
        unlink(path_of(file_names[i]));
    rmdir(path_of("no.file"));
    rmdir(path_of("profiles"));
    rmdir(folder);
}

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "%s/config[-XXXXXX", fuzz_memory());
    CLAIM(mkdtemp(folder) != NULL);
    strcat(folder, "/");
    int bracket = (int)(strchr(folder, '[') - folder);
    snprintf(pattern_of_folder, sizeof pattern_of_folder, "%.*s\\%s", bracket, folder,
             folder + bracket);
    CLAIM(mkdir(path_of("no.file"), 0700) == 0);
    CLAIM(mkdir(path_of("profiles"), 0700) == 0);
    CLAIM(setenv("BINDERY_PROFILES_DIR", path_of("no.file"), 1) == 0);
    zone_use("Europe/Berlin");
    atexit(remove_files);
}

static void write_files(struct input *input)
{
    for (size_t i = 0; i < FILES; i++) {
        unlink(path_of(file_names[i]));
        if (input->left == 0)
            continue;
        struct input part = input_part(input, SEPARATOR);
        int fd = open(path_of(file_names[i]), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        CLAIM(fd >= 0);
        CLAIM(part.left == 0 || write(fd, part.at, part.left) == (ssize_t)part.left);
        close(fd);
    }
}

/* In order, in words, on one line of characters that a terminal can be given. */
static void check_faults(const struct fault_list *faults)
{
    for (size_t i = 0; i < faults->count; i++) {
        const struct fault *fault = &faults->items[i], *before = &faults->items[i - (i > 0)];
        struct text quoted = {0};
        CLAIM(fault->line >= 0 && fault->column >= 0 && fault->message[0] != '\0');
        CLAIM(strncmp(fault->file, folder, strlen(folder)) == 0);
        for (const char *c = fault->message; *c != '\0'; c++)
            CLAIM((unsigned char)*c >= ' ' && *c != 0x7f);
        text_add_json(&quoted, fault->message, strlen(fault->message));
        CLAIM(strstr(quoted.data, "\xEF\xBF\xBD") == NULL ||
              strstr(fault->message, "\xEF\xBF\xBD"));
        if (strcmp(fault->file, before->file) == 0)
            CLAIM(fault->line > before->line ||
                  (fault->line == before->line && fault->column >= before->column));
        text_free(&quoted);
    }
}

static void check_link(const struct plant *plant, const struct link *link)
{
    bool line = link->driver != DRIVER_MODBUS_TCP, serial = link_driver_is_serial(link->driver);
    bool whole_bytes = link->driver == DRIVER_MODBUS_RTU;

    CLAIM(is_name(link->name) && plant_link(plant, link->name) == link);
    CLAIM((link->device != NULL) == serial && (link->host != NULL) == !serial);
    CLAIM(link->timeout_ms >= 10 && link->timeout_ms <= 60000);
    CLAIM(link->pause_ms >= 0 && link->pause_ms <= 10000);
    CLAIM(!link->framing.end || (link->framing.length == 0 && link->framing.idle_ms == 0));
    CLAIM(link->framing.length == 0 || link->framing.idle_ms == 0);
    CLAIM(link_driver_is_text(link->driver) || !link->framing.end);
    CLAIM(link->max_registers >= 1 && link->max_registers <= 125 && link->gap <= 125);
    CLAIM(!serial || is_baud(link->baud));
    CLAIM(link->data_bits == 8 || (link->data_bits == 7 && serial && !whole_bytes));
    for (size_t i = 0; i < link->machine_count; i++) {
        CLAIM(link->machines[i]->link == link);
        CLAIM(!line || (link->machines[i]->unit >= 1 && link->machines[i]->unit <= 247));
    }
}

static void check_tag(const struct tag *tag, const struct link *link, int64_t tick_ms)
{
    bool table_of_bits = tag->area == AREA_COIL || tag->area == AREA_DISCRETE;

    CLAIM(is_name(tag->name) && tag->bit >= -1 && tag->bit <= 15);
    CLAIM(!table_of_bits || (tag->type == TYPE_BOOL && tag->bit < 0));
    CLAIM(tag->bit < 0 || tag->type == TYPE_BOOL);
    CLAIM((tag->area == AREA_TEXT) == link_driver_is_text(link->driver));
    CLAIM((tag->area == AREA_TEXT) == (tag->detail && tag->detail->group));
    CLAIM(tag->type != TYPE_DECIMAL || tag->area == AREA_TEXT);
    CLAIM(tag->address + tag_width(tag) <= UINT16_MAX + 1);
    CLAIM(tag_width(tag) >= 1 && tag_width(tag) <= link->max_registers);
    CLAIM(tag->type != TYPE_STRING || (tag->string_bytes >= 1 && tag->string_bytes <= 250));
    CLAIM(tag->scale.mantissa != 0 && tag->deadband >= 0 && isfinite(tag->deadband));
    CLAIM(tag->every_ms >= 10 && tag->every_ms <= 24 * 3600 * 1000);
    CLAIM(tag->every_ms >= tick_ms);
    CLAIM(tag->heartbeat_ms >= 0 && tag->heartbeat_ms <= 24 * 3600 * 1000);
}

static void check_codes(const struct tag *tag)
{
    const struct tag_states *states = tag->detail ? tag->detail->states : NULL;

    for (size_t i = 0; states && i < states->count; i++) {
        CLAIM(i == 0 || states->codes[i - 1].code < states->codes[i].code);
        CLAIM(states->codes[i].state != STATE_OFFLINE);
        CLAIM(states->codes[i].state <= STATE_MAINTENANCE);
    }
    CLAIM(!states || (states->count >= 1 && tag->type != TYPE_STRING));
}

/* Whoever evaluates it need not ask whether its tags are there. */
static void check_state(const struct machine *machine)
{
    const struct state_config *state = machine->state;

    CLAIM(state->rule_count <= STATE_MAX_RULES && (state->codes || state->rule_count > 0));
    CLAIM((state->from == STATE_NO_TAG) == !state->codes);
    CLAIM(!state->codes || (state->from < machine->tag_count &&
                            machine->tags[state->from].detail->states == state->codes));
    CLAIM(state->reason == STATE_NO_TAG || state->reason < machine->tag_count);
    CLAIM(state->reason != STATE_NO_TAG || state->reason_count == 0);
    for (size_t i = 0; i < state->rule_count; i++) {
        const struct state_rule *rule = &state->rules[i];
        CLAIM(rule->state != STATE_OFFLINE && rule->state <= STATE_MAINTENANCE);
        CLAIM(rule->count > 0 || i + 1 == state->rule_count);
        for (size_t k = 0; k < rule->count; k++) {
            CLAIM(rule->conditions[k].tag < machine->tag_count);
            CLAIM(machine->tags[rule->conditions[k].tag].type != TYPE_STRING);
        }
    }
    for (size_t i = 0; i < state->reason_count; i++)
        CLAIM(state->reasons[i].reason &&
              (i == 0 || state->reasons[i - 1].code < state->reasons[i].code));
    for (size_t i = 0; i < machine->tag_count; i++)
        CLAIM(strcmp(machine->tags[i].name, "state") != 0 &&
              strcmp(machine->tags[i].name, "state.reason") != 0);
}

/* Every tag lies in one request, whole, and no request asks for more than it may. */
static void check_plan(const struct machine *machine, const struct modbus_plan *plan)
{
    bool *planned = calloc(machine->tag_count + 1, sizeof *planned);
    size_t tags = 0;

    for (size_t i = 0; i < plan->span_count; i++) {
        const struct span *span = &plan->spans[i];
        bool bits = span->function <= 2;
        CLAIM(span->function >= 1 && span->function <= 4 && span->count >= 1);
        CLAIM(span->count <= machine->link->max_registers * (bits ? 16 : 1));
        CLAIM(span->first_tag + span->tag_count <= machine->tag_count && span->tag_count >= 1);
        CLAIM(span->start + span->count <= UINT16_MAX + 1);
        for (size_t k = 0; k < span->tag_count; k++) {
            uint16_t index = plan->tags[span->first_tag + k];
            const struct tag *tag = &machine->tags[index];
            CLAIM(!planned[index]);
            planned[index] = true;
            CLAIM(tag->every_ms == span->every_ms && tag->address >= span->start);
            CLAIM(tag->address + tag_width(tag) <= span->start + span->count);
            CLAIM(bits == (tag->area == AREA_COIL || tag->area == AREA_DISCRETE));
        }
        tags += span->tag_count;
    }
    free(planned);
    CLAIM(tags == machine->tag_count);
    if (machine->job)
        CLAIM(modbus_plan_find(plan, machine->job->id) == plan->span_count - 1);
}

static void check_planning(const struct machine *machine)
{
    struct modbus_plan *plan = modbus_plan_new(machine, NULL);
    size_t i = 0;

    check_plan(machine, plan);
    while (i < plan->span_count) {
        size_t spans = plan->span_count;
        bool split = modbus_plan_heard(plan, machine, i, EXCEPTION_ILLEGAL_ADDRESS, 0);
        CLAIM(plan->span_count == spans + split);
        i += !split;
        if (spans < 64)
            check_plan(machine, plan);
    }
    CLAIM(plan->span_count == machine->tag_count);
    modbus_plan_free(plan);
}

/* Its patterns compile, and each tag's group is in one of them. */
static void check_text(const struct machine *machine)
{
    const struct text_config *text = machine->text;

    CLAIM(text->pattern_count >= 1 && text->pattern_count <= TEXT_MAX_PATTERNS);
    CLAIM(text->event == TEXT_NO_TAG || text->event < machine->tag_count);
    CLAIM(text->ask || machine->link->machine_count == 1);
    text_reader_free(text_reader_new(machine));
}

static void check_machine(const struct plant *plant, const struct machine *machine)
{
    size_t periods = 0;

    CLAIM(is_name(machine->name) && plant_machine(plant, machine->name) == machine);
    CLAIM(machine->link >= plant->links && machine->link < plant->links + plant->link_count);
    CLAIM(machine->tag_count >= 1 && machine->tag_count <= 4096);
    CLAIM(machine->format_count <= 16);
    for (size_t i = 0; i < machine->format_count; i++)
        CLAIM(is_name(machine->formats[i].name) &&
              decimal_number(machine->formats[i].low) < decimal_number(machine->formats[i].high));
    for (size_t i = 0; i < machine->tag_count; i++) {
        bool first = true;
        check_tag(&machine->tags[i], machine->link, plant->tick_ms);
        check_codes(&machine->tags[i]);
        for (size_t k = 0; k < i; k++)
            first = first && machine->tags[k].every_ms != machine->tags[i].every_ms;
        periods += first;
    }
    CLAIM(periods <= MOST_PERIODS);
    if (machine->state)
        check_state(machine);
    CLAIM(isfinite(machine->ideal_ms) && machine->ideal_ms >= 0);
    CLAIM((machine->text != NULL) == link_driver_is_text(machine->link->driver));
    if (machine->text)
        check_text(machine);
    else
        check_planning(machine);
}

static void check_shift(const struct shift *shift)
{
    CLAIM(is_name(shift->name) && shift->days > 0 && shift->days < 1 << 7);
    CLAIM(shift->from < 1440 && shift->from < shift->to && shift->to - shift->from <= 1440);
    for (size_t i = 0; i < shift->break_count; i++) {
        const struct shift_break *pause = &shift->breaks[i];
        CLAIM(shift->from <= pause->from && pause->from < pause->to && pause->to <= shift->to);
        CLAIM(i == 0 || shift->breaks[i - 1].to <= pause->from);
    }
}

/* What is on changes when it was said to, and one shift at most is on. */
static void check_shifts(const struct calendar *calendar)
{
    struct shift_now now = shift_at(calendar, BEFORE_SUMMER_MS);
    int64_t at = BEFORE_SUMMER_MS, end = INT64_MIN;
    char room[SHIFT_KEY_ROOM];

    for (int i = 0; i < BOUNDARIES && now.next_ms != SHIFT_NEVER; i++) {
        const struct shift_instance *instance = &now.instance;
        CLAIM(now.next_ms > at && instance->begin_ms < instance->end_ms);
        CLAIM(now.running == (instance->begin_ms <= at) && at < instance->end_ms);
        CLAIM(instance->busy_ms >= 0);
        CLAIM(instance->busy_ms <= instance->end_ms - instance->begin_ms);
        CLAIM(!now.in_break || now.running);
        CLAIM(instance->begin_ms >= end || instance->end_ms == end);
        CLAIM(strlen(shift_key(instance, room)) == 11 + strlen(instance->shift->name));
        end = instance->end_ms;
        at = now.next_ms;
        now = shift_at(calendar, at);
    }
}

static void check_calendar(const struct plant *plant, const struct calendar *calendar)
{
    CLAIM(is_name(calendar->name) && plant_calendar(plant, calendar->name) == calendar);
    CLAIM(calendar->shift_count >= 1);
    for (size_t i = 0; i < calendar->shift_count; i++) {
        check_shift(&calendar->shifts[i]);
        CLAIM(i == 0 || calendar->shifts[i - 1].from <= calendar->shifts[i].from);
    }
    for (size_t i = 0; i < calendar->holiday_count; i++) {
        CLAIM(calendar->holidays[i].first <= calendar->holidays[i].last);
        CLAIM(i == 0 || calendar->holidays[i - 1].last + 1 < calendar->holidays[i].first);
    }
    check_shifts(calendar);
}

static void check_uplink(const struct uplink_settings *uplink)
{
    size_t length = strlen(uplink->topic);

    CLAIM(is_name(uplink->name) && uplink->host != NULL && uplink->port > 0);
    CLAIM(length >= 1 && length <= 200 && strpbrk(uplink->topic, "#+{}") == NULL);
    CLAIM(uplink->topic[0] != '$' && uplink->topic[0] != '/' && uplink->topic[length - 1] != '/');
    CLAIM(!uplink->cert_file == !uplink->key_file);
    CLAIM(!uplink->password_file || uplink->username);
    CLAIM(uplink->scheme == SCHEME_MQTTS || (!uplink->ca_file && !uplink->cert_file));
    CLAIM(uplink->publish_every_ms >= 10 && uplink->publish_every_ms <= 3600000);
}

static void check_line(const struct plant *plant, const struct production_line *line)
{
    CLAIM(is_name(line->name) && plant_machine(plant, line->name) == NULL);
    CLAIM(plant_line(plant, line->name) == line);
    CLAIM(line->machine_count >= 1 && line->machine_count <= PRODUCTION_LINE_MOST);
    CLAIM(line->delivery < line->machine_count && line->machines[line->delivery]->state != NULL);
    for (size_t i = 0; i < line->machine_count; i++)
        CLAIM(plant_machine(plant, line->machines[i]->name) == line->machines[i]);
}

static void check_plant(const struct plant *plant)
{
    size_t on_links = 0;

    CLAIM(is_name(plant->gateway) && is_name(plant->site) && strlen(plant->control) <= 107);
    CLAIM(plant->tick_ms >= 1 && plant->tick_ms <= 1000);
    CLAIM(plant->capacity.every_ms >= 10000 && plant->capacity.every_ms <= 24 * 3600 * 1000);
    CLAIM(plant->store.max_size >= 1 << 20 && plant->store.max_size <= INT64_C(1) << 40);
    CLAIM(plant->store.commit_every_ms >= 10 && plant->store.commit_every_ms <= 60000);
    CLAIM(strlen(plant->store.path) < PATH_MAX);
    for (size_t i = 0; i < plant->link_count; i++) {
        check_link(plant, &plant->links[i]);
        on_links += plant->links[i].machine_count;
    }
    CLAIM(on_links == plant->machine_count);
    for (size_t i = 0; i < plant->machine_count; i++)
        check_machine(plant, &plant->machines[i]);
    for (size_t i = 0; i < plant->uplink_count; i++)
        check_uplink(&plant->uplinks[i]);
    for (size_t i = 0; i < plant->calendar_count; i++)
        check_calendar(plant, &plant->calendars[i]);
    for (size_t i = 0; i < plant->line_count; i++)
        check_line(plant, &plant->lines[i]);
}

static void check_same_faults(const struct fault_list *a, const struct fault_list *b)
{
    CLAIM(a->count == b->count);
    for (size_t i = 0; i < a->count; i++) {
        CLAIM(a->items[i].line == b->items[i].line && a->items[i].column == b->items[i].column);
        CLAIM(strcmp(a->items[i].file, b->items[i].file) == 0);
        CLAIM(strcmp(a->items[i].message, b->items[i].message) == 0);
    }
}

/* A reload of the same files finds nothing to change. */
static void check_same_plant(const struct plant *a, const struct plant *b)
{
    CLAIM(a->link_count == b->link_count && a->machine_count == b->machine_count);
    CLAIM(a->uplink_count == b->uplink_count && strcmp(a->control, b->control) == 0);
    CLAIM(a->calendar_count == b->calendar_count && a->line_count == b->line_count);
    for (size_t i = 0; i < a->calendar_count; i++)
        CLAIM(calendar_equal(&a->calendars[i], &b->calendars[i]));
    for (size_t i = 0; i < a->link_count; i++)
        CLAIM(link_equal(&a->links[i], &b->links[i]));
    for (size_t i = 0; i < a->machine_count; i++)
        CLAIM(machine_equal(&a->machines[i], &b->machines[i]));
    for (size_t i = 0; i < a->uplink_count; i++)
        CLAIM(uplink_settings_equal(&a->uplinks[i], &b->uplinks[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    const struct plant *plant = NULL, *again = NULL;
    struct fault_list faults = {0}, faults_again = {0};

    if (folder[0] == '\0')
        make_folder();
    write_files(&input);
    int result = plant_load(path_of(file_names[0]), &plant, &faults);
    CLAIM(result == (faults.count > 0 ? -EINVAL : 0));
    CLAIM((plant == NULL) == (result != 0));
    CLAIM(plant_load(path_of(file_names[0]), &again, &faults_again) == result);
    check_faults(&faults);
    check_same_faults(&faults, &faults_again);
    if (plant != NULL) {
        check_plant(plant);
        check_same_plant(plant, again);
    }
    fault_list_free(&faults);
    fault_list_free(&faults_again);
    plant_release(plant);
    plant_release(again);
    return 0;
}
