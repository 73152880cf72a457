/* What the ledger's files share: ledger_open.c opens, ledger.c decides, ledger_commit.c writes,
 * ledger_unstored.c has what is in memory only, ledger_standing.c knows how machines stand,
 * ledger_renew.c begins another store and brings to it what was in the last. */
#ifndef BINDERY_LEDGER_INTERNAL_H
#define BINDERY_LEDGER_INTERNAL_H

#include "ledger.h"
#include "lines.h"
#include "loads.h"
#include "salvage.h"

/* Where counters and states stand, by what has a number. */
struct ledger_standing {
    struct standings all;
    struct followed_source *sources; /* by their numbers */
    size_t source_count;
    uint64_t seq;     /* what is below is in what was written down */
    int64_t write_ns; /* when to write again */
    bool counts;      /* some machine has counters or a state */
    bool changed;     /* since it was written */
    bool urgent;      /* an event came: what it told must not be told again */
    bool passing;     /* the batches to be committed are older than what is known */
    bool doubtful;    /* at the start not all was known that had been told */
};

struct ledger {
    const struct plant *plant; /* retained */
    const struct store_settings *settings;
    struct queue *queue;
    struct store *store;
    uint32_t boot;
    bool boot_offset_known;
    struct queue_content content;
    struct text declared; /* gaps waiting for the next batch, as records */
    uint32_t declared_count;
    struct recent recent;
    struct held_batch *unwritten; /* its commit failed; nothing new is taken until it succeeds */
    uint64_t next_seq, reserved;
    uint64_t lost, dropped[LIVE_GAP_WHYS]; /* readings, in all and by reason */
    int wake_fd;                           /* -1: none */
    unsigned empty_takes;                  /* in a row */
    bool asleep;                           /* until the queue gets something */
    int64_t take_ns, cursor_ns, housekeeping_ns, retry_ns;
    int trouble; /* errno of the last commit; 0: fine */
    int64_t check_ns;

    int broken;              /* -ESTALE or -EUCLEAN: the store must be begun anew; 0: it is fine */
    bool given_up;           /* what is in memory has the numbers of the next store */
    struct text owed_then;   /* what salvage_describe says of the store that is given up */
    struct ranges rewritten; /* its numbers that are in memory, to be written again */
    char event[160];         /* what happened to the store since the start, for the status */

    struct salvage *salvage; /* NULL: there is nothing to salvage */
    bool salvage_claimed;
    bool salvage_due; /* salvage_kept goes along with the next commit */
    struct text salvage_kept;
    uint64_t salvaged, unsalvaged; /* readings */
    int64_t salvage_ns;
    struct ledger_standing standing;
    struct lines *lines;    /* NULL: the plant has none */
    struct loads *loads;    /* NULL: no capacity is published */
    struct text lines_told; /* records of theirs that go along with what was taken */
};

/* Commits batches, oldest first, and the cursors; drops what a full store has no room for and
 * declares it in a batch of its own, in the same transaction. On failure, which has been logged,
 * nothing is changed. */
int ledger_commit(struct ledger *ledger, struct held_batch *const *batches, size_t count,
                  struct audience audience, int64_t now_ns);

/* Commits batches, and with them those before them that exist in memory only: what lies below a
 * stored batch counts as settled after an unclean stop. */
int ledger_commit_in_order(struct ledger *ledger, struct held_batch *const *helds, size_t count,
                           struct audience audience, int64_t now_ns);

/* The lowest number that somebody is owed; where the stored ones end without any. */
uint64_t ledger_first_owed(const struct ledger *ledger, struct audience audience);

/* From the store as it was left. Where not all that was told is in it (`incomplete`) or can be
 * read, epochs are raised. 0 or negative errno. */
int ledger_load_standings(struct ledger *ledger, bool incomplete);
void ledger_forget_standings(struct ledger *ledger);

/* Machines of this plant will be followed if they have counters or states. */
void ledger_count_plant(struct ledger *ledger, const struct plant *plant);

/* Takes what a batch says that has its number for good, and is taken for the first time. False
 * where not all of it makes sense. */
bool ledger_follow(struct ledger *ledger, const struct batch *batch);

/* In a transaction: writes down what changed, which is all that is said below seq. After its
 * commit, the same seq. */
int ledger_write_standings(struct ledger *ledger, uint64_t seq);
void ledger_standings_written(struct ledger *ledger, uint64_t seq, int64_t now_ns);

/* The same in a transaction of its own, where something changed. */
void ledger_commit_standings(struct ledger *ledger, int64_t now_ns);

/* Another store was begun, which has none of them. */
void ledger_standings_lost(struct ledger *ledger);

static inline void ledger_count_lost(struct ledger *ledger, enum gap_why why, uint64_t missing)
{
    ledger->lost += missing;
    ledger->dropped[why] += missing;
}

/* Logs the changes between working and not; returns error. */
int ledger_note_trouble(struct ledger *ledger, int error, int64_t now_ns);

void ledger_commit_cursors(struct ledger *ledger, struct audience audience, int64_t now_ns);

/* Reserves numbers below `end`. 0 or negative errno, logged. */
int ledger_reserve(struct ledger *ledger, uint64_t end, int64_t now_ns);

/* Takes over the holder's share. */
void ledger_add_recent(struct ledger *ledger, struct held_batch *held);

/* Whether some uplink owes one of the batch's numbers. */
bool ledger_is_owed(const struct batch *batch, struct audience audience);

/* Lets a batch be sent from memory. 0, or negative errno: then it has to be committed first. */
int ledger_release(struct ledger *ledger, struct held_batch *held, struct audience audience,
                   int64_t now_ns);

/* Commits what is in memory only and has waited long enough, or all of it. */
void ledger_settle(struct ledger *ledger, struct audience audience, bool all, int64_t now_ns);

/* Begins another store, after which the deliveries owe other numbers. 0 or negative errno, logged;
 * then it is to be called again at retry_ns, and nothing else until it succeeds. */
int ledger_renew(struct ledger *ledger, struct audience audience, int64_t now_ns);

/* Logs, and tells the status, that the store is a new one, and why. */
void ledger_tell_renewed(struct ledger *ledger, const char *why);

/* Brings the next part of what is to be salvaged. Returns when to come again at the latest. */
int64_t ledger_salvage(struct ledger *ledger, struct audience audience, int64_t now_ns);

/* Before the end: brings what the next process will not find any more. */
void ledger_salvage_rest(struct ledger *ledger, struct audience audience);

#endif
