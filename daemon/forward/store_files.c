#include "store_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "clock.h"
#include "memory.h"
#include "sql.h"
#include "store_log.h"
#include "wreck_page.h"

/* A full disk is left by a checkpoint, which may have to lengthen the database by all the WAL
 * holds; only then is the WAL's own space free again to delete and commit in. Hence a reserve of
 * what the WAL holds, and half as much again for the commit that came on top; and where the
 * reserve is used up the store must not grow, so that no later checkpoint needs another one. On a
 * small disk both are smaller. */
enum { CHECKPOINT_PAGES = 1000, MIN_CHECKPOINT_PAGES = 16 };

static const int64_t reserve_max_bytes = (int64_t)CHECKPOINT_PAGES * SQL_PAGE_BYTES * 3 / 2;

/* What part of the space that the store has or could have the reserve is, at most. */
enum { RESERVE_PART = 4 };

#define RESERVE_TRY_NS (5 * NS_PER_S)

enum { MAX_SET_ASIDE = 10000 };

/* The database's header: what stands where, and where it can't be otherwise. SQLite believes some
 * of it, opens the file for reading only for instance, and finds no damage. */
enum {
    HEADER_BYTES = 100,
    HEADER_VERSIONS = 18, /* to write and to read: 1 or 2, a log */
    HEADER_RESERVED = 20, /* bytes a page: none */
    HEADER_FORMAT = 44,   /* of the schema, four bytes: up to 4; 0 while there is no table */
    HEADER_ENCODING = 59, /* 1: UTF-8; likewise */
};

struct name {
    char text[PATH_MAX];
};

/* A database that has no log yet, or is somebody else's, may say 1. */
static bool is_header(const uint8_t header[static HEADER_BYTES], bool log)
{
    static const char magic[] = "SQLite format 3";
    uint8_t version = header[HEADER_VERSIONS];
    return memcmp(header, magic, sizeof(magic)) == 0 && (version == 2 || (version == 1 && !log)) &&
           header[HEADER_VERSIONS + 1] == version && header[HEADER_RESERVED] == 0 &&
           wreck_u32(header + HEADER_FORMAT) <= 4 && header[HEADER_ENCODING] <= 1;
}

static struct name beside(const struct store_files *files, const char *suffix)
{
    struct name name;
    snprintf(name.text, sizeof(name.text), "%s%s", files->path, suffix);
    return name;
}

static int64_t file_bytes(const struct store_files *files, const char *suffix)
{
    struct stat status;
    return stat(beside(files, suffix).text, &status) == 0 ? (int64_t)status.st_size : 0;
}

int store_files_lock(struct store_files *files, const char *path)
{
    if (strlen(path) + sizeof(".damaged-10000-wal") > PATH_MAX)
        return -ENAMETOOLONG;
    *files = (struct store_files){
        .path = mem_string(path), .lock_fd = -1, .database = {.fd = -1}, .wal = {.fd = -1}};
    /* not the database itself: a reader may open that, and SQLite's own locks lie there */
    struct name lock = beside(files, ".lock");
    int fd = open(lock.text, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    int rc = 0;
    if (fd < 0)
        rc = -errno;
    else if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
    files->lock_fd = fd;
    /* a power cut while it was made may have left it empty */
    files->reserve_bytes = file_bytes(files, ".reserve");
    files->reserve = files->reserve_bytes > 0;
    if (rc < 0)
        store_files_unlock(files);
    return rc;
}

void store_files_unlock(struct store_files *files)
{
    /* the lock file stays: deleting it would race with the next one to take it */
    if (files->lock_fd >= 0)
        close(files->lock_fd);
    free(files->path);
    *files = (struct store_files){.lock_fd = -1, .database = {.fd = -1}, .wal = {.fd = -1}};
}

static int64_t disk_free_bytes(const struct store_files *files)
{
    struct statvfs disk;
    if (statvfs(files->path, &disk) < 0)
        return 0;
    uint64_t blocks = disk.f_bavail < UINT32_MAX ? disk.f_bavail : UINT32_MAX;
    return (int64_t)(blocks * disk.f_frsize);
}

bool store_files_keep_reserve(struct store_files *files, int64_t now_ns)
{
    if (files->reserve || now_ns < files->reserve_try_ns)
        return false;
    files->reserve_try_ns = now_ns + RESERVE_TRY_NS;
    int64_t free_bytes = disk_free_bytes(files);
    int64_t share = (free_bytes + file_bytes(files, "") + file_bytes(files, "-wal")) / RESERVE_PART;
    files->reserve_bytes = share < reserve_max_bytes ? share : reserve_max_bytes;
    /* as much again must be left to others, or the reserve would fill the disk by itself */
    if (files->reserve_bytes == 0 || free_bytes < 2 * files->reserve_bytes)
        return false;
    struct name reserve = beside(files, ".reserve");
    int fd = open(reserve.text, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return false;
    files->reserve = posix_fallocate(fd, 0, files->reserve_bytes) == 0;
    close(fd);
    if (!files->reserve)
        unlink(reserve.text);
    return files->reserve;
}

int store_files_checkpoint_pages(const struct store_files *files)
{
    int64_t pages = files->reserve_bytes * 2 / 3 / SQL_PAGE_BYTES;
    return pages > MIN_CHECKPOINT_PAGES ? (int)pages : MIN_CHECKPOINT_PAGES;
}

void store_files_release_reserve(struct store_files *files)
{
    unlink(beside(files, ".reserve").text);
    /* each retry on a full disk comes here: it must not put off the next reserve for ever */
    if (files->reserve)
        files->reserve_try_ns = clock_mono_ns() + RESERVE_TRY_NS;
    files->reserve = false;
}

static int file_status(const struct store_files *files, const char *suffix, struct stat *ret_status)
{
    if (stat(beside(files, suffix).text, ret_status) == 0)
        return 0;
    return errno == ENOENT ? -ESTALE : -errno;
}

int store_files_look(const struct store_files *files)
{
    uint8_t header[HEADER_BYTES];
    struct stat status, log_status = {0};
    int rc = file_status(files, "-wal", &log_status);
    if (rc < 0 && rc != -ESTALE)
        return rc;
    bool log = log_status.st_size > 0;
    rc = file_status(files, "", &status);
    if (rc == -ESTALE)
        return log ? -EUCLEAN : 0;
    if (rc < 0)
        return rc;
    if (S_ISBLK(status.st_mode) || S_ISCHR(status.st_mode))
        return -EPROTONOSUPPORT;
    if (!S_ISREG(status.st_mode))
        return -EUCLEAN;
    int fd = open(files->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    bool whole = read(fd, header, sizeof(header)) == sizeof(header);
    close(fd);
    if (!whole || !is_header(header, log))
        return -EUCLEAN;
    return store_log_check(beside(files, "-wal").text);
}

static int note(const struct store_files *files, const char *suffix, struct store_file *file)
{
    struct stat status;
    int fd = open(beside(files, suffix).text, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) < 0) {
        int rc = errno == ENOENT ? -ESTALE : -errno;
        if (fd >= 0)
            close(fd);
        return rc;
    }
    *file = (struct store_file){status.st_dev, status.st_ino, fd, (int64_t)status.st_size};
    /* cppcheck-suppress resourceLeak ; store_files_forget closes it */
    return 0;
}

int store_files_note(struct store_files *files)
{
    store_files_forget(files);
    int rc = note(files, "", &files->database);
    return rc == 0 ? note(files, "-wal", &files->wal) : rc;
}

void store_files_forget(struct store_files *files)
{
    if (files->database.fd >= 0)
        close(files->database.fd);
    if (files->wal.fd >= 0)
        close(files->wal.fd);
    files->database.fd = files->wal.fd = -1;
}

static int check(const struct store_files *files, const char *suffix, const struct store_file *file,
                 int64_t *ret_bytes)
{
    struct stat status;
    int rc = file_status(files, suffix, &status);
    if (rc < 0)
        return rc;
    *ret_bytes = (int64_t)status.st_size;
    return status.st_dev == file->device && status.st_ino == file->inode ? 0 : -ESTALE;
}

/* SQLite goes on writing behind the place where a log was cut, and leaves a hole there. */
static bool is_log(const struct store_files *files, int64_t bytes)
{
    static const uint8_t magic[] = {0x37, 0x7f, 0x06};
    uint8_t begin[sizeof(magic)];
    return bytes == 0 || pread(files->wal.fd, begin, sizeof(begin), 0) != sizeof(begin) ||
           memcmp(begin, magic, sizeof(magic)) == 0;
}

int store_files_check(struct store_files *files)
{
    int64_t bytes, log_bytes;
    int rc = check(files, "", &files->database, &bytes);
    if (rc == 0)
        rc = check(files, "-wal", &files->wal, &log_bytes);
    if (rc < 0)
        return rc;
    if (bytes < files->database.bytes || !is_log(files, log_bytes))
        return -EUCLEAN;
    files->database.bytes = bytes;
    return 0;
}

void store_files_drop_wal(const struct store_files *files)
{
    struct stat wal;
    /* one that came along with the new database is not ours to delete */
    if (file_status(files, "-wal", &wal) < 0 || wal.st_dev != files->wal.device ||
        wal.st_ino != files->wal.inode)
        return;
    unlink(beside(files, "-wal").text);
    unlink(beside(files, "-shm").text);
}

/* --- the way aside --- */

/* PATH.suspect has no lines while a database is only under suspicion, then the name that it is set
 * aside under, and "moved" when that is done. */
static const char moved[] = "moved";

static bool read_suspect(const struct store_files *files, struct name *ret_name, bool *ret_moved)
{
    FILE *file = fopen(beside(files, ".suspect").text, "r");
    struct name name = {""}, state = {""};
    if (file == NULL)
        return false;
    bool named = fgets(name.text, sizeof(name.text), file) != NULL &&
                 strchr(name.text, '\n') != NULL && name.text[0] != '\n';
    *ret_moved = named && fgets(state.text, sizeof(state.text), file) != NULL &&
                 strncmp(state.text, moved, strlen(moved)) == 0;
    fclose(file);
    name.text[strcspn(name.text, "\n")] = '\0';
    if (named)
        *ret_name = name;
    return named;
}

static int add_to_suspect(const struct store_files *files, const char *line)
{
    int rc = 0;
    int fd = open(beside(files, ".suspect").text, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (fd < 0)
        return -errno;
    if (dprintf(fd, "%s\n", line) < 0 || fdatasync(fd) < 0)
        rc = -errno;
    close(fd);
    return rc;
}

static struct name unused_name(const struct store_files *files)
{
    struct name aside, log;
    char suffix[32];
    int number = 0;
    do {
        snprintf(suffix, sizeof(suffix), ".damaged-%d", ++number);
        aside = beside(files, suffix);
        snprintf(suffix, sizeof(suffix), ".damaged-%d-wal", number);
        log = beside(files, suffix);
    } while ((access(aside.text, F_OK) == 0 || access(log.text, F_OK) == 0) &&
             number < MAX_SET_ASIDE);
    return aside;
}

/* The database first: were the WAL moved first and the power cut then, the database would pass for
 * sound without its newest commits. What was moved before the power was cut is not moved again. */
static int move_parts(const struct store_files *files, const struct name *aside)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    const struct store_files to = {.path = (char *)aside->text};
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        struct name target = beside(&to, parts[i]);
        if (access(target.text, F_OK) < 0 &&
            rename(beside(files, parts[i]).text, target.text) < 0 && errno != ENOENT)
            return -errno;
    }
    return store_files_sync_folder(files);
}

int store_files_set_aside(const struct store_files *files, char *ret_name, size_t size)
{
    struct name aside;
    bool done = false;
    int rc = 0;
    if (!read_suspect(files, &aside, &done)) {
        aside = unused_name(files);
        rc = add_to_suspect(files, aside.text);
        if (rc == 0)
            rc = store_files_sync_folder(files);
    }
    if (rc == 0 && !done) {
        rc = move_parts(files, &aside);
        if (rc == 0)
            rc = add_to_suspect(files, moved);
    }
    if (rc == 0)
        snprintf(ret_name, size, "%s", aside.text);
    return rc;
}

void store_files_settle(const struct store_files *files)
{
    unlink(beside(files, ".suspect").text);
    store_files_sync_folder(files);
}

void store_files_suspect(const struct store_files *files)
{
    int fd = open(beside(files, ".suspect").text, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
    if (fd >= 0)
        close(fd);
}

bool store_files_are_suspect(const struct store_files *files)
{
    return access(beside(files, ".suspect").text, F_OK) == 0;
}

void store_files_drop_empty(const struct store_files *files)
{
    struct stat status;
    if (stat(files->path, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 0)
        unlink(files->path);
}

int store_files_sync_folder(const struct store_files *files)
{
    struct name folder = beside(files, "");
    char *slash = strrchr(folder.text, '/');
    if (slash == NULL)
        strcpy(folder.text, ".");
    else
        slash[slash == folder.text ? 1 : 0] = '\0';
    int fd = open(folder.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = fsync(fd) == 0 ? 0 : -errno;
    close(fd);
    return rc;
}
