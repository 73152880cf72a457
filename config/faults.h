/* Faults as they are found, in any order; told in the order of the files. One thread. */
#ifndef BINDERY_FAULTS_H
#define BINDERY_FAULTS_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "plant.h"
#include "table.h"

/* Beyond these the rest is only counted: a hostile file has as many faults as it likes. */
enum { FAULTS_MAX = 100000 };

struct fault_place {
    uint16_t file; /* an index, in the order in which the files are to be told */
    uint32_t line, column;
};

/* The machine for which a file is read that many may share. */
struct fault_user {
    const char *machine; /* NULL: it has no name; else to live until faults_finish */
    struct fault_place place;
};

struct faults {
    struct found_fault *items;
    size_t count, capacity;
    size_t dropped;
    struct fault_user user; /* who is told with a fault in a file from shared_from on; the same
                               fault is told for the first of them only */
    uint16_t shared_from;   /* 0: no file is shared */
    struct table shared;    /* the faults of such files, so that no flood of them hides others */
    struct arena arena;
};

void faults_add(struct faults *faults, struct fault_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void faults_addv(struct faults *faults, struct fault_place place, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

/* Moves them into a list, sorted, each once; file_path(context, index) names the files. */
struct fault_list faults_finish(struct faults *faults,
                                const char *(*file_path)(const void *context, uint16_t file),
                                const void *context);

#endif
