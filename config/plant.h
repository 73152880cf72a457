/* The plant: what the configuration says, checked, complete and immutable.
 *
 * link > machine > tag, and the uplinks beside them. Everything in a plant, strings included,
 * belongs to it and lives until the last plant_release. Durations are in milliseconds. Immutable,
 * so any thread may read it. */
#ifndef BINDERY_PLANT_H
#define BINDERY_PLANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "calendar.h"
#include "log.h"
#include "tag.h"
#include "value.h"

/* A counter among a machine's tags, and the numbers of the values that go with its total. */
struct counter_place {
    uint16_t tag, epoch, inferred, raw, known;
    const struct tag_counter *config;
};

/* Values that are not read but made of a list of tags, numbered behind them: first those that are
 * told, in the order of their names; then, STATE_VALUES on, those that are only kept. */
struct meaning {
    const char *const *names; /* "good_count.epoch" */
    size_t told, kept;
    const struct counter_place *counters; /* by ascending tag */
    size_t counter_count;
};

enum state_operator {
    STATE_EQUAL,
    STATE_UNEQUAL,
    STATE_ABOVE,
    STATE_AT_LEAST,
    STATE_BELOW,
    STATE_AT_MOST
};

/* TAG OP NUMBER, of the tag's scaled value; a bool is 0 or 1. */
struct state_condition {
    uint16_t tag;
    enum state_operator op;
    struct decimal number;
};

/* Holds where all its conditions do, of which there may be none. */
struct state_rule {
    enum machine_state state;
    const char *reason; /* NULL: none */
    const struct state_condition *conditions;
    size_t count;
};

struct state_reason {
    int64_t code;
    const char *reason;
};

enum { STATE_NO_TAG = UINT16_MAX, STATE_MAX_RULES = 64 };

/* How a machine's state comes about. Tags are indices into the machine's. */
struct state_config {
    uint16_t from;                  /* the tag that tells it where no rule does, or STATE_NO_TAG */
    uint16_t reason;                /* the tag whose number is the reason, or STATE_NO_TAG */
    const struct tag_states *codes; /* those of `from`; NULL without it */
    const struct state_rule *rules; /* the first that holds decides */
    size_t rule_count;              /* at most STATE_MAX_RULES */
    const struct state_reason *reasons; /* by ascending code */
    size_t reason_count;
    int64_t debounce_ms;      /* what is shorter and returns to the state before is passed over */
    int64_t offline_after_ms; /* the longest silence that is passed over likewise */
    int64_t micro_stop_ms;    /* what a shorter stop is called */
};

enum { JOB_MAX_FORMAT = 8, JOB_NO_TAG = UINT16_MAX };

/* What says which job a machine is on. Tags are indices into the machine's. */
struct job_config {
    uint16_t id;      /* a string or a whole number; "" and 0 are no job; JOB_NO_TAG with from */
    const char *from; /* the machine whose reads (text_config.event) say it, or NULL */
    uint16_t format[JOB_MAX_FORMAT]; /* what is told with a job; format_count of them */
    size_t format_count;
};

struct text_pattern {
    const char *match;   /* PCRE2, of the whole line; it compiles */
    const char *example; /* a line that it matches; NULL: none was given */
};

enum text_checksum { CHECKSUM_NONE, CHECKSUM_XOR8, CHECKSUM_SUM8 };

enum { TEXT_MAX_PATTERNS = 32, TEXT_MAX_BYTES = 64 /* of what is asked */ };
enum { TEXT_NO_TAG = UINT16_MAX };

/* How a machine that speaks in lines of text is understood. */
struct text_config {
    const char *ask; /* NULL: it speaks of its own accord */
    const char *ack; /* sent for each line that was understood; NULL: nothing is */
    const struct text_pattern *patterns; /* the first that matches counts; from 1 on */
    size_t pattern_count;
    const char *const *no_read; /* lines that say there is no value, blanks around them left out */
    size_t no_read_count;
    enum text_checksum checksum; /* of two hexadecimal digits at the end of a line */
    uint16_t event;              /* the tag that each line tells as an event, or TEXT_NO_TAG */
    int64_t silent_after_ms;     /* it is offline then; 0: silence says nothing */
};

/* What a machine can make, in one respect. */
struct machine_format {
    const char *name; /* "block_width" */
    struct decimal low, high;
    const char *unit; /* NULL: none was given */
};

struct machine {
    const char *name;
    const struct link *link;
    uint8_t unit; /* 0 to 255 on Modbus TCP, 1 to 247 on a line; 1 where lines are of text */
    int64_t every_ms;
    struct tag *tags;
    size_t tag_count;                 /* 1 to 4096 */
    const struct meaning *meaning;    /* NULL: values are told as they are read */
    const struct state_config *state; /* NULL: nothing tells its state */
    const struct job_config *job;     /* NULL: it tells no jobs */
    const struct text_config *text;   /* not NULL where link_driver_is_text */
    const struct calendar *calendar;  /* NULL: it has no shifts */
    double ideal_ms;                  /* what an item takes at the ideal rate; 0: not known */
    bool priority;                    /* polled before others of its link that are due too */
    const struct machine_format *formats;
    size_t format_count; /* 0: nothing was said */
    const char *profile; /* the name of the one it was made from; NULL: none */
    bool synthetic;      /* that profile's addresses are made up, of no real machine */
};

enum { PRODUCTION_LINE_MOST = 12 };

/* Machines that are run as one. */
struct production_line {
    const char *name;                      /* no machine's */
    const struct machine *const *machines; /* in the order in which the product passes them */
    size_t machine_count;                  /* 1 to PRODUCTION_LINE_MOST, each in no other line */
    size_t delivery;                       /* where its output is counted: one with a state */
};

enum link_driver {
    DRIVER_MODBUS_TCP,
    DRIVER_MODBUS_RTU,
    DRIVER_MODBUS_RTU_TCP,
    DRIVER_MODBUS_ASCII,
    DRIVER_MODBUS_ASCII_TCP,
    DRIVER_SERIAL_TEXT,
    DRIVER_SERIAL_TEXT_TCP,
    DRIVER_RECORDING,
};

/* What ends a line of text: one of these, or else each CR LF, CR or LF. */
struct text_framing {
    const char *end; /* these bytes; NULL: none */
    uint16_t length; /* so many bytes make a line; 0: none */
    int64_t idle_ms; /* a silence so long; 0: none */
};

/* A link whose machines are played from a file; see recording.h. */
struct link_recording {
    const char *file;
    uint16_t speed; /* so many times faster than recorded; 0: as fast as it is asked */
    bool repeat;
};

struct link {
    const char *name;
    enum link_driver driver; /* of a recording: what was spoken, over TCP; never DRIVER_RECORDING */
    const struct link_recording *recording; /* NULL: it is none */
    const char *host; /* NULL for a serial link; without brackets for IPv6; loopback, with port 0,
                         for a recording */
    uint16_t port;
    const char *device; /* NULL for a link over TCP */
    uint32_t baud;      /* one of termios's rates */
    uint8_t data_bits;  /* 7 or 8 */
    char parity;        /* 'N' 'E' 'O' */
    uint8_t stop_bits;  /* 1 or 2 */
    bool rs485;
    int64_t timeout_ms;
    int64_t pause_ms;
    uint16_t max_registers;          /* 1 to 125 */
    uint16_t gap;                    /* words read in vain to save a request */
    struct text_framing framing;     /* drivers of text */
    const struct machine **machines; /* those on this link, in the file's order */
    size_t machine_count;
};

enum uplink_scheme { SCHEME_MQTT, SCHEME_MQTTS };
enum uplink_gather { GATHER_MACHINE, GATHER_GATEWAY };

struct uplink_settings {
    const char *name;
    enum uplink_scheme scheme;
    const char *host;
    uint16_t port;
    const char *client_id;
    const char *username;             /* NULL: none */
    const char *password_file;        /* NULL: none; this and the next three are paths */
    const char *ca_file;              /* NULL: the system's certificates */
    const char *cert_file, *key_file; /* both or neither */
    bool mqtt5;
    enum uplink_gather gather;
    int64_t publish_every_ms;
    const char *topic; /* the root, {site} and {gateway} filled in */
};

struct capacity_settings {
    bool publish;
    int64_t every_ms; /* at most so often for each machine and line */
};

enum durability { DURABILITY_ALWAYS, DURABILITY_OUTAGE };

struct store_settings {
    const char *path;
    int64_t max_size; /* bytes */
    int64_t commit_every_ms;
    enum durability durability;
    int64_t replay_window_ms;
};

struct plant {
    const char *gateway, *site;
    const char *control; /* the local socket on which bindery asks; by default PATH.sock */
    enum log_level log_level;
    int64_t tick_ms;
    const char *timezone; /* of the calendars, "Asia/Shanghai"; NULL: the system's */
    struct store_settings store;
    struct capacity_settings capacity;
    struct calendar *calendars;
    size_t calendar_count;
    struct uplink_settings *uplinks;
    size_t uplink_count;
    struct link *links;
    size_t link_count;
    struct machine *machines;
    size_t machine_count;
    const char **files; /* that it was read from, profiles too */
    size_t file_count;
    struct production_line *lines;
    size_t line_count;
};

/* A fault of a configuration. */
struct fault {
    char *file;       /* as it was named or included */
    int line, column; /* from 1; 0 where the fault is of the whole file */
    char *message;    /* what stood there and what was expected */
};

struct fault_list {
    struct fault *items;
    size_t count;
};

/* Reads a configuration and what it includes. 0 with a plant whose one reference is the caller's,
 * or -EINVAL with every fault found, sorted as they stand in the files; *ret_plant is untouched.
 * Free the faults in either case. */
int plant_load(const char *path, const struct plant **ret_plant, struct fault_list *ret_faults);

/* A file that is not yet where it is to be included from. */
struct plant_change {
    const char *file; /* passed over where it is included; it need not be there. NULL: none */
    const char *by;   /* read in its place, or beside all others */
};

/* plant_load as it would be with the change; NULL: with none. */
int plant_load_changed(const char *path, const struct plant_change *change,
                       const struct plant **ret_plant, struct fault_list *ret_faults);

void fault_list_free(struct fault_list *faults);

/* References to the plant; any thread. The last release frees it; NULL is ignored. */
const struct plant *plant_retain(const struct plant *plant);
void plant_release(const struct plant *plant);

/* Whether two come to the same, names and all: what a reload leaves alone. link_equal compares
 * a link's own settings, not its machines. */
bool tag_equal(const struct tag *a, const struct tag *b);
bool machine_equal(const struct machine *a, const struct machine *b);
bool state_config_equal(const struct state_config *a, const struct state_config *b); /* or NULL */
bool job_config_equal(const struct job_config *a, const struct job_config *b);       /* or NULL */
bool text_config_equal(const struct text_config *a, const struct text_config *b);    /* or NULL */
bool calendar_equal(const struct calendar *a, const struct calendar *b);             /* or NULL */
bool link_equal(const struct link *a, const struct link *b);
bool uplink_settings_equal(const struct uplink_settings *a, const struct uplink_settings *b);

/* NULL where there is none of that name. */
const struct calendar *plant_calendar(const struct plant *plant, const char *name);
const struct link *plant_link(const struct plant *plant, const char *name);
const struct machine *plant_machine(const struct plant *plant, const char *name);
const struct production_line *plant_line(const struct plant *plant, const char *name);

/* How many values of a machine are told, and how many there are with those that are only kept.
 * Behind the tags come what is made of counters and, of a machine with a state, "state" and
 * "state.reason"; then what is kept of counters, of the state, of shifts (what holds for all of
 * them, the shift that is on, and the one before), and of the job. Before the last two lie numbers
 * that an earlier version kept for them, with less of what holds for all shifts and nothing of the
 * job's format: a store may hold these. Where a layout changes, its numbers move likewise. */
enum { STATE_VALUES = 2, STATE_KEPT_VALUES = 5 };
enum {
    SHIFT_BASE_VALUES = 22,
    SHIFT_PERIOD_VALUES = 32,
    SHIFT_KEPT_VALUES = SHIFT_BASE_VALUES + 2 * SHIFT_PERIOD_VALUES
};
enum {
    JOB_BASE_VALUES = 32,
    JOB_FORMAT_VALUES = 2 * JOB_MAX_FORMAT,
    JOB_KEPT_VALUES = JOB_BASE_VALUES + JOB_FORMAT_VALUES
};
enum {
    FORMER_BASE_VALUES = 9,
    FORMER_KEPT_VALUES = FORMER_BASE_VALUES + 2 * SHIFT_PERIOD_VALUES + JOB_BASE_VALUES
};
size_t machine_told_values(const struct machine *machine);
size_t machine_values(const struct machine *machine);

/* Whether it speaks of its own accord, and is not asked. */
bool machine_speaks(const struct machine *machine);

/* The numbers of a state's first value that is told, and of the first that is kept. */
size_t machine_state_value(const struct machine *machine);
size_t machine_state_kept(const struct machine *machine);

/* Whether there is a record of each of its shifts: it has a calendar, and something to tell. The
 * number of the first value that is kept of them. */
bool machine_has_shifts(const struct machine *machine);
size_t machine_shift_kept(const struct machine *machine);
size_t machine_job_kept(const struct machine *machine); /* likewise of its job */

/* The tag that tells how fast it works, by its name "speed"; STATE_NO_TAG: none. */
uint16_t machine_speed_tag(const struct machine *machine);

/* The name of a value that is told: its tag's, or that of what is made. */
const char *machine_value_name(const struct machine *machine, size_t value);

/* "good", "waste", "gross", "other". */
const char *counts_name(enum counts counts);

/* "production" and the like. PackML's and XJMF's (DeviceStatus) nearest words for it; NULL where
 * there is none that would be true: XJMF has no word for what is unknown. */
const char *machine_state_name(enum machine_state state);
const char *machine_state_packml(enum machine_state state);
const char *machine_state_xjmf(enum machine_state state);

/* A reason in 32 bits, which stays the same whatever else is configured, so that it can be kept.
 * 0: none; up to INT32_MAX: a number that no text was given for; else a text's. No two texts of a
 * machine have the same. */
uint32_t state_reason_of_text(const char *text);
uint32_t state_reason_of_number(int64_t number);

/* The reason in words: a text of the configuration, or the number, written into the room. NULL for
 * none, and where the text is not of this configuration. */
enum { STATE_REASON_ROOM = 12 };
const char *state_reason_text(const struct state_config *config, uint32_t reason,
                              char room[STATE_REASON_ROOM]);

/* "=", "!=", ">", ">=", "<", "<=". */
const char *state_operator_name(enum state_operator op);

/* Whether its links are serial ports of this computer: they have a device, and no host. */
bool link_driver_is_serial(enum link_driver driver);

/* Whether machines speak in lines of text on its links. */
bool link_driver_is_text(enum link_driver driver);

/* The names of the contract: "modbus-tcp", "u32", "holding", "ABCD". */
const char *link_driver_name(enum link_driver driver);
const char *tag_type_name(enum tag_type type);
const char *area_name(enum area area);

#endif
