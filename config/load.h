/* How a tree of YAML becomes a plant: what the files load*.c and include.c share.
 *
 * Each section of the configuration is a table of fields, one a key; a field's reader checks the
 * value and sets a member of the object that is being filled. What a reader refuses becomes a
 * fault and leaves the member at its default, so that one run finds all faults there are. Checks
 * that need more than one key follow when the section has been read. */
#ifndef BINDERY_LOAD_H
#define BINDERY_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "faults.h"
#include "plant.h"
#include "plant_home.h"
#include "table.h"
#include "yaml_tree.h"

enum {
    LOAD_MAX_FILES = 16384,
    LOAD_MAX_UPLINKS = 64,
    LOAD_MAX_LINKS = 65535,
    LOAD_MAX_MACHINES = 65535,
    LOAD_MAX_CALENDARS = 256,
    LOAD_MAX_LINES = 4096,
    LOAD_MAX_MACHINE_TAGS = 4096,
    LOAD_MAX_MACHINE_PERIODS = 8,
    LOAD_MAX_PERIOD_MS = 24 * 3600 * 1000,
    LOAD_MAX_TAGS = 4000000, /* of all machines, each counted, shared lists too */
};

enum load_list { LIST_UPLINKS, LIST_LINKS, LIST_MACHINES, LIST_CALENDARS, LIST_LINES, LIST_COUNT };

/* The items of one kind out of all files. */
struct load_items {
    const struct node **nodes;
    size_t count, capacity;
};

/* A machine that is named as what says the job of another: it may stand behind that. */
struct load_source {
    struct load_source *next;
    const struct node *value;
};

struct load {
    struct plant_home *home;
    struct plant *plant;  /* home's */
    struct table strings; /* of the plant, each kept once */
    struct yaml_tree tree;
    struct faults faults;
    const char **files; /* their paths, as named or included; in the tree */
    const struct node **roots;
    size_t file_count;
    struct table file_ids; /* which files these are, whatever their paths */
    bool incomplete;       /* a file could not be read: what seems missing may stand in it */
    struct load_items items[LIST_COUNT];
    struct tag_lists *tag_lists;
    struct table names;  /* of machines and lines, to the nodes where they stand */
    struct table states; /* every state_config once */
    struct table jobs;   /* likewise every job_config */
    struct load_source *job_sources;
    struct profiles *profiles;
};

struct field;

/* Checks the value and sets what stands at field->offset of the object, or adds a fault. */
typedef void field_read_fn(struct load *load, const struct field *field, const struct node *value,
                           void *object);

struct choice {
    const char *word;
    int value; /* CHOICE_LATER: known, but not supported yet */
};

enum { CHOICE_LATER = -1 };

struct field {
    const char *key;
    field_read_fn *read; /* NULL: the section's loader looks at the value itself */
    size_t offset;
    int64_t least, most;          /* numbers, durations, sizes; texts: bytes */
    const struct choice *choices; /* ended by one without a word */
    const char *required;         /* what was expected where the key is missing; NULL: optional */
};

struct section {
    const char *what; /* "a link" */
    const struct field *fields;
    size_t count;
};

/* Reads a mapping into the object. seen[i] becomes the node of the i-th field's key, NULL where it
 * is missing. Unknown, repeated and missing keys are faults. */
void load_section(struct load *load, const struct section *section, const struct node *mapping,
                  const struct node **seen, void *object);

/* The value behind a key that load_section has seen; NULL for NULL. */
const struct node *load_value(const struct node *key);

/* Readers, by the type of the member. */
field_read_fn load_read_name;        /* const char * */
field_read_fn load_read_text;        /* const char *: least to most bytes, no control characters */
field_read_fn load_read_path;        /* const char *: taken relative to its file's folder */
field_read_fn load_read_duration;    /* int64_t, milliseconds */
field_read_fn load_read_size;        /* int64_t, bytes */
field_read_fn load_read_u8;          /* uint8_t */
field_read_fn load_read_u16;         /* uint16_t */
field_read_fn load_read_u32;         /* uint32_t */
field_read_fn load_read_u64;         /* uint64_t */
field_read_fn load_read_choice;      /* an enum or unsigned */
field_read_fn load_read_bool_choice; /* bool */
field_read_fn load_read_list;        /* nothing is set: a list, perhaps empty */
field_read_fn load_read_title;       /* struct title */
field_read_fn load_read_later;       /* nothing is set: not supported yet */

/* So many in so many seconds. */
struct rate {
    double number, seconds;
};

/* Reads "20000/h", "300/min", "5.5/s", above 0 and at most 1e9 an hour. False after adding a fault
 * that says what the rate is. */
bool load_rate(struct load *load, const char *key, const struct node *value, const char *what,
               struct rate *ret_rate);

/* Reads [0, 18000], the first being lower. False after adding a fault. */
bool load_range(struct load *load, const struct field *field, const struct node *value,
                const char *expected, struct decimal *ret_low, struct decimal *ret_high);

/* What a machine can make. */
void load_formats(struct load *load, const struct node *list,
                  const struct machine_format **ret_formats, size_t *ret_count);

/* A machine's ideal rate as milliseconds an item: double. */
field_read_fn load_read_ideal_rate;

/* For readers: the text of a scalar that is not empty; NULL after adding a fault. */
const char *load_scalar(struct load *load, const struct field *field, const struct node *value,
                        const char *expected);

/* The same of a decimal number; false, and *ret_decimal untouched, after adding a fault. */
bool load_decimal(struct load *load, const struct field *field, const struct node *value,
                  const char *expected, struct decimal *ret_decimal);

/* Adds the fault: KEY: "TEXT" COMPLAINT; expected EXPECTED */
void load_refuse(struct load *load, const char *key, const struct node *value,
                 const char *complaint, const char *expected_format, ...)
    __attribute__((format(printf, 5, 6)));

/* Adds a fault in words of its own at a node. */
void load_fault(struct load *load, const struct node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Notes in `taken` that `value` has the text for its own; a fault where another has it already. */
void load_claim(struct load *load, struct table *taken, const char *key, const char *text,
                const struct node *value);

/* A string of the plant. */
const char *load_string(struct load *load, const char *text);

/* The length of a path's folder, slash included; 0 where there is none. */
size_t load_folder_length(const char *path);

/* Reads one more file. 0 with its root, NULL for an empty one; -EINVAL after adding a fault. */
int load_tree(struct load *load, const char *path, const struct node **ret_root);

/* Reads one more file of the configuration; what can't be read is a fault. A file that was read
 * before is passed over. */
void load_file(struct load *load, const char *path);

field_read_fn load_read_include;

field_read_fn load_read_timezone; /* const char *: one that the system knows */

/* Each after the ones above it; they fill the plant from load->items. */
void load_links(struct load *load);
void load_uplinks(struct load *load);
void load_calendars(struct load *load);
void load_machines(struct load *load);
void load_lines(struct load *load);

/* Refuses a period, where one was given, that is shorter than the tick. */
void load_check_period(struct load *load, int64_t every_ms, const struct node *value);

/* What a machine says beside its tags: the values of these keys, NULL where one is missing. */
struct load_sections {
    const struct node *state, *job, *text;
};

/* The tags of a machine whose other keys have been read, and what speaks of them. */
void load_tags(struct load *load, const struct node *list, const struct load_sections *sections,
               struct machine *machine);

/* Counts a machine's tags against all limits; false after adding a fault at the node. */
bool load_count_tags(struct load *load, const struct node *node, size_t count);

/* One tag, with what its machine gives it; returns what stands at its `every`, or the tag. */
const struct node *load_tag(struct load *load, const struct node *node,
                            const struct machine *machine, struct table *names,
                            struct tag *ret_tag);

/* The plant's copy of what is said of a tag; its counter and states may be anywhere. */
const struct tag_detail *load_detail(struct load *load, const struct tag_detail *detail);

/* The names of what goes with a counter's total. */
#define LOAD_EPOCH ".epoch"
#define LOAD_INFERRED ".inferred"
#define LOAD_RAW ".raw"
enum { LOAD_MADE_OF_COUNTER = 4 }; /* values, those that are only kept included */

/* Keys of the tag beside its counter or states that don't go with it; NULL where one is missing. */
enum { TAG_COMPANY_KEYS = 3 };
struct tag_company {
    const struct node *keys[TAG_COMPANY_KEYS];
};

/* Reads a tag's counter; the tag's type and period are known. False after adding a fault. */
bool load_counter(struct load *load, const struct node *value, const struct tag *tag,
                  const struct tag_company *company, struct tag_counter *ret_counter);

/* Reads a tag's states, into the tree's memory; as load_counter. */
bool load_states(struct load *load, const struct node *value, const struct tag *tag,
                 const struct tag_company *company, struct tag_states *ret_states);

/* Reads a tag's limits; the tag's type is known. False after adding a fault. */
bool load_limits(struct load *load, const struct node *value, const struct tag *tag,
                 struct tag_limits *ret_limits);

/* The tags that a machine's state may speak of. */
struct load_tag_names {
    const struct tag *tags; /* names are NULL where they are at fault */
    size_t count;
    const struct table *names; /* of them all, to the nodes where they stand */
    const struct node *place;  /* of the list */
    bool doubtful;             /* some are at fault: what seems missing may be there */
};

/* The index of the tag with the name in the first `length` bytes, or -1. */
int load_find_tag(const struct load_tag_names *tags, const char *name, size_t length);

/* The index of the tag that is named there; -1 after adding a fault. */
int load_named_tag(struct load *load, const char *key, const struct node *value,
                   const struct load_tag_names *tags, const char *expected);

/* What the section says, or the defaults where it is NULL, with one copy of what is equal. NULL:
 * nothing tells a state, or after adding a fault. */
const struct state_config *load_state(struct load *load, const struct node *section,
                                      const struct load_tag_names *tags);

/* What the section says, NULL where it is or after adding a fault; one copy of what is equal. The
 * state is what load_state returned for the machine. */
const struct job_config *load_job(struct load *load, const struct node *section,
                                  const struct load_tag_names *tags,
                                  const struct state_config *state);

/* Once all machines stand: whether those that say the jobs of others are there, and can. */
void load_check_job_sources(struct load *load);

/* What the section says; NULL where it is, or after adding a fault. The place is the machine's. */
struct text_config *load_text(struct load *load, const struct node *section,
                              const struct node *place, const struct link *link,
                              const struct node **ret_event);

/* Which of the tags it is that the section tells as an event. */
void load_text_event(struct load *load, const struct node *value, const struct load_tag_names *tags,
                     struct text_config *config);

/* Of a tag: the group that it names, "text:GROUP"; whether that, or the address of another, goes
 * with its machine; whether its type, which is known, goes with what stands in a line. False after
 * adding a fault. */
bool load_text_group(struct load *load, const struct field *field, const struct node *value,
                     const char **ret_group);
bool load_text_place(struct load *load, const struct tag *tag, const char *group,
                     const struct machine *machine, const struct node *at);
bool load_text_type(struct load *load, const struct tag *tag, const struct node *value);

/* For fields: bytes to send or to find, const char *, control characters among them. */
field_read_fn load_read_bytes;

/* Pieces of a state, in the tree's memory: how many there are. */
size_t load_state_rules(struct load *load, const struct node *list,
                        const struct load_tag_names *tags, const struct state_rule **ret_rules);
size_t load_reasons(struct load *load, const struct node *value,
                    const struct state_reason **ret_reasons);

enum { LOAD_REASON_MOST_BYTES = 64 };

field_read_fn load_read_state; /* enum machine_state: one that a machine can tell */

/* What the values of these tags, which are the plant's, are made into; NULL: nothing. */
const struct meaning *load_meaning(struct load *load, const struct tag *tags, size_t count);

void load_tag_lists_free(struct tag_lists *lists);

#endif
