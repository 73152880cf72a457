/* A connection to an SQLite database whose statements stay prepared, and whose errors are errno's.
 * WAL, synchronous=FULL: what COMMIT has confirmed survives a power cut. One thread. Statements may
 * use row_sum(VALUE, …), as of row_sum.h.
 *
 * Errors: -ENOSPC a full disk or the limit, -EROFS, -EACCES, -EBUSY, -ENOMEM, -EIO; -EUCLEAN a
 * damaged file or none of SQLite's; -EEXIST a broken constraint; -EINVAL a statement that does not
 * fit the schema. */
#ifndef BINDERY_SQL_H
#define BINDERY_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A commit writes whole pages, and where little changes they are mostly empty: of 4 KiB they cost a
 * quarter more. */
enum { SQL_PAGE_BYTES = 2048 };

struct sql;
struct sql_query;

/* Opens or creates; a new file gets mode 0640. */
int sql_open(const char *path, struct sql **ret_sql);
void sql_close(struct sql *sql); /* accepts NULL */

/* Closes without a checkpoint: the files stay as they are. Accepts NULL. */
void sql_leave(struct sql *sql);

/* One number out of a database as its file alone has it, without the log. Nothing is locked, and
 * nothing written. Not while it is connected. 0 or negative errno, -ENOENT without a row. */
int sql_peek(const char *path, const char *literal, int64_t *ret_number);

/* How long the database may get (it never shrinks: 1 keeps it from growing), and how many pages
 * the WAL holds before a checkpoint. Its file is kept at that length: on a full disk the space to
 * commit in is already there. 0 or negative errno. */
int sql_limit(struct sql *sql, int64_t max_pages, int checkpoint_pages);

/* Runs statements without parameters or results. */
int sql_exec(struct sql *sql, const char *statements);

/* Whether a transaction is open: after an error SQLite may have ended it by itself. */
bool sql_in_transaction(const struct sql *sql);

/* The kept statement of this text, reset, made at its first use. Never NULL: what is wrong with it
 * is said by sql_step. The text must be a literal. */
struct sql_query *sql_query(struct sql *sql, const char *literal);

/* Parameters count from 1, columns from 0. What is bound must last until the statement ended. */
void sql_bind_int(struct sql_query *query, int parameter, int64_t number);
void sql_bind_seq(struct sql_query *query, int parameter, uint64_t seq); /* INT64_MAX at most */
void sql_bind_text(struct sql_query *query, int parameter, const char *text);
void sql_bind_blob(struct sql_query *query, int parameter, const void *bytes, size_t length);

/* 1 with a row; 0 at the end or negative errno, the statement then being reset. */
int sql_step(struct sql_query *query);

/* Ends a statement whose remaining rows are of no interest; its columns are gone. */
void sql_end(struct sql_query *query);

/* Runs to the end. 0 or negative errno. */
int sql_run(struct sql_query *query);

/* Runs to the end and gives the first row's first column: 0, -ENOENT without a row, or negative
 * errno. */
int sql_number(struct sql_query *query, int64_t *ret_number);

bool sql_is_null(struct sql_query *query, int column);
int64_t sql_int(struct sql_query *query, int column);
const char *sql_text(struct sql_query *query, int column); /* "" for NULL */
const void *sql_blob(struct sql_query *query, int column, size_t *ret_length);

/* Bytes in use: pages less free ones. */
int sql_bytes(struct sql *sql, int64_t *ret_bytes);

#endif
