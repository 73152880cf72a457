/* SQLite's write-ahead log, looked at before SQLite does: where a frame's checksum is wrong, SQLite
 * takes the log to end there, without a word, and what was committed after it would be gone and its
 * numbers be given out again. */
#ifndef BINDERY_STORE_LOG_H
#define BINDERY_STORE_LOG_H

/* 0, also where there is none; -EUCLEAN where commits lie behind a damage. The last commit may be
 * incomplete, as a power cut leaves it: nobody was told that it was taken. */
int store_log_check(const char *path);

#endif
