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
    struct store_file {
        dev_t device;
        ino_t inode;
        int fd;        /* for reading what is left after it was deleted; -1: none */
        int64_t bytes; /* at least: a database never gets shorter */
    } database, wal;   /* as they were when the connection was made */
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

/* What shows without a connection: 0, or -EUCLEAN for a header that is none, a file of no bytes, a
 * folder, socket or pipe, or a WAL that has lost its database; -EPROTONOSUPPORT for a device; or
 * another negative errno where it can't be told what is there. 0 also where there is nothing. Not
 * while it is connected. */
int store_files_look(const struct store_files *files);

/* Remembers which files the database and its WAL are, and keeps them open. Their descriptors must
 * not be closed before the connection is: SQLite's locks would go with them. 0 or negative errno.
 */
int store_files_note(struct store_files *files);

/* Closes what store_files_note opened; after the connection was closed. */
void store_files_forget(struct store_files *files);

/* 0 as long as they are the same; -ESTALE when one was deleted or replaced, -EUCLEAN when one was
 * cut, which SQLite, with pages in memory, may not notice for long; or negative errno. */
int store_files_check(struct store_files *files);

/* Deletes the WAL of a database that was deleted or replaced: SQLite leaves it, and would take it
 * for that of whatever database comes to the same path. After the connection was closed. */
void store_files_drop_wal(const struct store_files *files);

/* Renames the database, its WAL and its shm to PATH.damaged-N, -wal and -shm, as far as they are
 * there; ret_name holds `size` bytes. Once this is done, and until store_files_settle, a further
 * call only tells the name, in whichever process. 0 or negative errno. */
int store_files_set_aside(const struct store_files *files, char *ret_name, size_t size);

/* Another database, which knows the name, is in its place. */
void store_files_settle(const struct store_files *files);

/* Damage found at work is noted in PATH.suspect, for it may lie where opening does not look. */
void store_files_suspect(const struct store_files *files);
bool store_files_are_suspect(const struct store_files *files);

/* Deletes a database of no bytes, which an opening that failed may have left. */
void store_files_drop_empty(const struct store_files *files);

/* Makes renames and new files survive a power cut. 0 or negative errno. */
int store_files_sync_folder(const struct store_files *files);

#endif
