/* The files of a store beside what is in the database: the lock that keeps a second daemon out,
 * the reserve that a full disk is met with, and a damaged database's way aside. */
#ifndef BINDERY_STORE_FILES_H
#define BINDERY_STORE_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct store_files {
    char *path;
    int lock_fd;
    bool reserve;           /* PATH.reserve is there: the store may grow */
    int64_t reserve_bytes;  /* its size, there or not */
    int64_t reserve_try_ns; /* when it may be made anew */
    struct {
        dev_t device;
        ino_t inode;
    } database, wal; /* as they were when the connection was made */
};

/* Takes PATH.lock: 0, -EBUSY if another process has it, or negative errno. */
int store_files_lock(struct store_files *files, const char *path);
void store_files_unlock(struct store_files *files);

/* Makes the reserve where it is missing and the disk has space enough for it and others; tried
 * every five seconds. Returns whether it is there now and was not before. */
bool store_files_keep_reserve(struct store_files *files, int64_t now_ns);

/* How many pages the WAL may hold, so that the reserve is enough for a checkpoint. */
int store_files_checkpoint_pages(const struct store_files *files);

/* Gives the reserve's space back to the disk. */
void store_files_release_reserve(struct store_files *files);

/* Remembers which files the database and its WAL are. 0 or negative errno. */
int store_files_note(struct store_files *files);

/* 0 as long as they are the same; -ESTALE when one was deleted or replaced; or negative errno. */
int store_files_check(const struct store_files *files);

/* Deletes the WAL of a database that was deleted or replaced: SQLite leaves it, and would take it
 * for that of whatever database comes to the same path. After the connection was closed. */
void store_files_drop_wal(const struct store_files *files);

/* Renames the database, its WAL and its shm to PATH.damaged-N, -wal and -shm, and lifts the
 * suspicion; ret_name holds `size` bytes. 0 or negative errno. */
int store_files_set_aside(const struct store_files *files, char *ret_name, size_t size);

/* Damage found at work is noted in PATH.suspect, for it may lie where opening does not look. */
void store_files_suspect(const struct store_files *files);
bool store_files_are_suspect(const struct store_files *files);

/* Makes renames and new files survive a power cut. 0 or negative errno. */
int store_files_sync_folder(const struct store_files *files);

#endif
