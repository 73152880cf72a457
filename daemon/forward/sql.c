#include "sql.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory.h"
#include "row_sum.h"
#include "text.h"

enum { BUSY_TIMEOUT_MS = 2000, MAX_QUERIES = 60 };

/* One thread has connections. */
static bool no_room_to_map;

struct sql_query {
    struct sql *sql;
    const char *literal;
    sqlite3_stmt *statement;
    int error; /* of preparing or binding: an SQLite code */
};

struct sql {
    sqlite3 *handle;
    struct sql_query queries[MAX_QUERIES];
    size_t query_count;
};

/* SQLite makes the log's index longer by one byte in each page. Where the disk's blocks are smaller
 * than that, the rest is a hole, and a full disk would be told by a signal at the first access. */
static void *map_allocated(void *at, size_t length, int protection, int flags, int fd, off_t from)
{
    if ((flags & MAP_SHARED) != 0 && (protection & PROT_WRITE) != 0 &&
        fallocate(fd, 0, from, (off_t)length) < 0 && (errno == ENOSPC || errno == EDQUOT)) {
        no_room_to_map = true;
        return MAP_FAILED;
    }
    return mmap(at, length, protection, flags, fd, from);
}

static void set_up_system_calls(void)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    if (vfs != NULL && vfs->iVersion >= 3)
        vfs->xSetSystemCall(vfs, "mmap", (sqlite3_syscall_ptr)map_allocated);
}

/* row_sum(VALUE, …), of numbers, texts and NULL. */
static void sum_values(sqlite3_context *context, int count, sqlite3_value **values)
{
    uint64_t sum = ROW_SUM_START;
    for (int i = 0; i < count; i++) {
        if (sqlite3_value_type(values[i]) == SQLITE_NULL)
            sum = row_sum_null(sum);
        else if (sqlite3_value_type(values[i]) == SQLITE_INTEGER)
            sum = row_sum_int(sum, sqlite3_value_int64(values[i]));
        else
            sum = row_sum_text(sum, sqlite3_value_text(values[i]),
                               (size_t)sqlite3_value_bytes(values[i]));
    }
    sqlite3_result_int64(context, row_sum_end(sum));
}

static int plain_error(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
        return -ENOSPC;
    case EROFS:
        return -EROFS;
    case EACCES:
    case EPERM:
        return -EACCES;
    case EMFILE:
    case ENFILE:
        return -EMFILE;
    default:
        return -EIO;
    }
}

static int last_error(sqlite3_file *file)
{
    int number = 0;
    if (file != NULL && file->pMethods != NULL)
        file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &number);
    return plain_error(number);
}

/* SQLite folds the system's errors into a few of its own; the plain ones are worth having back. By
 * the end of a statement other calls may have overwritten the one that it remembers; the files
 * still know theirs. */
static int system_error(const struct sql *sql)
{
    sqlite3_file *database = NULL, *log = NULL;
    int rc = plain_error(sqlite3_system_errno(sql->handle));
    if (no_room_to_map)
        rc = -ENOSPC;
    no_room_to_map = false;
    sqlite3_file_control(sql->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, (void *)&log);
    sqlite3_file_control(sql->handle, "main", SQLITE_FCNTL_FILE_POINTER, (void *)&database);
    if (rc == -EIO)
        rc = last_error(log);
    return rc == -EIO ? last_error(database) : rc;
}

static int sql_errno(const struct sql *sql, int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
        return 0;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return -EACCES;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return -EBUSY;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -EUCLEAN;
    case SQLITE_CONSTRAINT:
        return -EEXIST;
    case SQLITE_TOOBIG:
        return -EFBIG;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return system_error(sql);
    default:
        return -EINVAL;
    }
}

/* SQLite would create the file with mode 0644; the WAL beside it takes over the file's mode. */
static int create_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

/* Not every file system can do WAL, and SQLite says so only in the answer. */
static int set_wal(struct sql *sql)
{
    struct sql_query *query = sql_query(sql, "PRAGMA journal_mode = WAL");
    int rc = sql_step(query);
    if (rc == 1)
        rc = strcmp(sql_text(query, 0), "wal") == 0 ? 0 : -ENOTSUP;
    sql_end(query);
    return rc;
}

static int set_up(struct sql *sql)
{
    sqlite3_extended_result_codes(sql->handle, 1);
    sqlite3_busy_timeout(sql->handle, BUSY_TIMEOUT_MS);
    int code =
        sqlite3_create_function(sql->handle, "row_sum", -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                NULL, sum_values, NULL, NULL);
    if (code != SQLITE_OK)
        return sql_errno(sql, code);
    /* secure_delete, on in some builds, rewrites every page that a DELETE frees */
    char pragmas[128];
    snprintf(pragmas, sizeof(pragmas),
             "PRAGMA page_size = %d; PRAGMA auto_vacuum = NONE; PRAGMA secure_delete = OFF",
             SQL_PAGE_BYTES);
    int rc = sql_exec(sql, pragmas);
    if (rc == 0)
        rc = set_wal(sql);
    return rc == 0 ? sql_exec(sql, "PRAGMA synchronous = FULL") : rc;
}

int sql_open(const char *path, struct sql **ret_sql)
{
    int rc = create_file(path);
    if (rc < 0)
        return rc;
    set_up_system_calls();
    struct sql *sql = mem_alloc(sizeof(*sql));
    rc = sqlite3_open_v2(path, &sql->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    rc = rc == SQLITE_OK ? set_up(sql) : sql_errno(sql, rc);
    if (rc < 0) {
        sql_close(sql);
        return rc;
    }
    *ret_sql = sql;
    return 0;
}

static void add_uri(struct text *uri, const char *path)
{
    text_add(uri, path[0] == '/' ? "file://" : "file:");
    for (; *path != '\0'; path++) {
        bool special = strchr("?#%", *path) != NULL;
        text_addf(uri, special ? "%%%02X" : "%c", *path);
    }
    text_add(uri, "?immutable=1");
}

int sql_peek(const char *path, const char *literal, int64_t *ret_number)
{
    struct text uri = {0};
    struct sql *sql = mem_alloc(sizeof(*sql));
    add_uri(&uri, path);
    int code = sqlite3_open_v2(uri.data, &sql->handle,
                               SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, NULL);
    int rc =
        code == SQLITE_OK ? sql_number(sql_query(sql, literal), ret_number) : sql_errno(sql, code);
    sql_close(sql);
    text_free(&uri);
    return rc;
}

int sql_limit(struct sql *sql, int64_t max_pages, int checkpoint_pages)
{
    char pragmas[128];
    snprintf(pragmas, sizeof(pragmas),
             "PRAGMA journal_size_limit = %" PRId64 "; PRAGMA max_page_count = %" PRId64,
             (int64_t)checkpoint_pages * SQL_PAGE_BYTES, max_pages);
    int rc = sqlite3_wal_autocheckpoint(sql->handle, checkpoint_pages);
    return rc == SQLITE_OK ? sql_exec(sql, pragmas) : sql_errno(sql, rc);
}

void sql_close(struct sql *sql)
{
    if (sql == NULL)
        return;
    for (size_t i = 0; i < sql->query_count; i++)
        sqlite3_finalize(sql->queries[i].statement);
    sqlite3_close(sql->handle);
    free(sql);
}

void sql_leave(struct sql *sql)
{
    if (sql != NULL)
        sqlite3_db_config(sql->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sql_close(sql);
}

int sql_exec(struct sql *sql, const char *statements)
{
    return sql_errno(sql, sqlite3_exec(sql->handle, statements, NULL, NULL, NULL));
}

bool sql_in_transaction(const struct sql *sql)
{
    return sqlite3_get_autocommit(sql->handle) == 0;
}

struct sql_query *sql_query(struct sql *sql, const char *literal)
{
    struct sql_query *query = sql->queries;
    struct sql_query *end = sql->queries + sql->query_count;
    while (query < end && strcmp(query->literal, literal) != 0)
        query++;
    if (query == end) {
        assert(sql->query_count < MAX_QUERIES);
        *query = (struct sql_query){.sql = sql, .literal = literal};
        sql->query_count++;
    }
    query->error = SQLITE_OK;
    if (query->statement == NULL)
        query->error = sqlite3_prepare_v3(sql->handle, literal, -1, SQLITE_PREPARE_PERSISTENT,
                                          &query->statement, NULL);
    else
        sqlite3_reset(query->statement);
    return query;
}

static void keep_error(struct sql_query *query, int code)
{
    if (query->error == SQLITE_OK)
        query->error = code;
}

void sql_bind_int(struct sql_query *query, int parameter, int64_t number)
{
    if (query->error == SQLITE_OK)
        keep_error(query, sqlite3_bind_int64(query->statement, parameter, number));
}

void sql_bind_seq(struct sql_query *query, int parameter, uint64_t seq)
{
    sql_bind_int(query, parameter, seq > INT64_MAX ? INT64_MAX : (int64_t)seq);
}

void sql_bind_text(struct sql_query *query, int parameter, const char *text)
{
    if (query->error == SQLITE_OK)
        keep_error(query, sqlite3_bind_text(query->statement, parameter, text, -1, SQLITE_STATIC));
}

void sql_bind_blob(struct sql_query *query, int parameter, const void *bytes, size_t length)
{
    if (query->error == SQLITE_OK)
        keep_error(query,
                   sqlite3_bind_blob64(query->statement, parameter, bytes, length, SQLITE_STATIC));
}

int sql_step(struct sql_query *query)
{
    int code = query->error;
    if (code == SQLITE_OK)
        code = sqlite3_step(query->statement);
    if (code == SQLITE_ROW)
        return 1;
    /* the reset could disturb what the handle remembers of the error */
    int rc = sql_errno(query->sql, code);
    sql_end(query);
    return rc;
}

void sql_end(struct sql_query *query)
{
    if (query->statement == NULL)
        return;
    sqlite3_reset(query->statement);
    sqlite3_clear_bindings(query->statement);
}

int sql_run(struct sql_query *query)
{
    int rc;
    do
        rc = sql_step(query);
    while (rc == 1);
    return rc;
}

int sql_number(struct sql_query *query, int64_t *ret_number)
{
    int rc = sql_step(query);
    if (rc <= 0)
        return rc == 0 ? -ENOENT : rc;
    int64_t number = sql_int(query, 0);
    /* to the end: a statement that writes commits there, and only there says that it could not */
    rc = sql_run(query);
    if (rc == 0)
        *ret_number = number;
    return rc;
}

bool sql_is_null(struct sql_query *query, int column)
{
    return sqlite3_column_type(query->statement, column) == SQLITE_NULL;
}

int64_t sql_int(struct sql_query *query, int column)
{
    return sqlite3_column_int64(query->statement, column);
}

const char *sql_text(struct sql_query *query, int column)
{
    const unsigned char *text = sqlite3_column_text(query->statement, column);
    return text != NULL ? (const char *)text : "";
}

const void *sql_blob(struct sql_query *query, int column, size_t *ret_length)
{
    const void *blob = sqlite3_column_blob(query->statement, column);
    *ret_length = (size_t)sqlite3_column_bytes(query->statement, column);
    return blob;
}

int sql_bytes(struct sql *sql, int64_t *ret_bytes)
{
    int64_t pages, free_pages, page_bytes;
    int rc = sql_number(sql_query(sql, "PRAGMA page_count"), &pages);
    if (rc == 0)
        rc = sql_number(sql_query(sql, "PRAGMA freelist_count"), &free_pages);
    if (rc == 0)
        rc = sql_number(sql_query(sql, "PRAGMA page_size"), &page_bytes);
    if (rc == 0)
        *ret_bytes = (pages - free_pages) * page_bytes;
    return rc;
}
