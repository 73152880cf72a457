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

struct name {
    char text[PATH_MAX];
};

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
    *files = (struct store_files){.path = mem_string(path), .lock_fd = -1};
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
    *files = (struct store_files){.lock_fd = -1};
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
    files->reserve = false;
    files->reserve_try_ns = clock_mono_ns() + RESERVE_TRY_NS;
}

static int file_status(const struct store_files *files, const char *suffix, struct stat *ret_status)
{
    if (stat(beside(files, suffix).text, ret_status) == 0)
        return 0;
    return errno == ENOENT ? -ESTALE : -errno;
}

int store_files_note(struct store_files *files)
{
    struct stat database = {0};
    struct stat wal = {0};
    int rc = file_status(files, "", &database);
    if (rc == 0)
        rc = file_status(files, "-wal", &wal);
    if (rc < 0)
        return rc;
    files->database.device = database.st_dev;
    files->database.inode = database.st_ino;
    files->wal.device = wal.st_dev;
    files->wal.inode = wal.st_ino;
    return 0;
}

int store_files_check(const struct store_files *files)
{
    struct store_files now = {.path = files->path};
    int rc = store_files_note(&now);
    if (rc < 0)
        return rc;
    bool same = now.database.device == files->database.device &&
                now.database.inode == files->database.inode &&
                now.wal.device == files->wal.device && now.wal.inode == files->wal.inode;
    return same ? 0 : -ESTALE;
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

static int rename_if_there(const char *from, const char *to)
{
    return rename(from, to) == 0 || errno == ENOENT ? 0 : -errno;
}

int store_files_set_aside(const struct store_files *files, char *ret_name, size_t size)
{
    /* The database first: were the WAL moved first and the power cut then, the database would
     * pass for sound without its newest commits. A WAL left alone is no harm, SQLite deletes it
     * beside an empty database. */
    static const char *const parts[] = {"", "-wal", "-shm"};
    struct name aside;
    char suffix[32];
    int number = 0;
    do
        snprintf(suffix, sizeof(suffix), ".damaged-%d", ++number);
    while (aside = beside(files, suffix), access(aside.text, F_OK) == 0 && number < MAX_SET_ASIDE);

    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        snprintf(suffix, sizeof(suffix), ".damaged-%d%s", number, parts[i]);
        int rc = rename_if_there(beside(files, parts[i]).text, beside(files, suffix).text);
        if (rc < 0)
            return rc;
    }
    unlink(beside(files, ".suspect").text);
    snprintf(ret_name, size, "%s", aside.text);
    return store_files_sync_folder(files);
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
