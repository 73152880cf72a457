/* YAML files as small trees whose every node knows where it stood.
 *
 * Scalars are text and nothing else: what a word means is decided by whoever asks for it. Equal
 * scalars share their text. An alias is a node that points to the anchor's, so that a list which
 * many machines share stands in memory once, and nothing an alias does can blow a tree up.
 * Refused with a fault: more than one document, YAML tags (!!int), keys that are no plain words,
 * aliases to what is not complete, zero bytes in scalars, and what is beyond the limits below. */
#ifndef BINDERY_YAML_TREE_H
#define BINDERY_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "faults.h"
#include "table.h"

enum {
    TREE_MAX_FILE_BYTES = 16 * 1024 * 1024,
    TREE_MAX_DEPTH = 32,
    TREE_MAX_SCALAR_BYTES = 4096,
    TREE_MAX_NODES = 4 * 1024 * 1024, /* of all files together */
};

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAPPING, NODE_ALIAS };

struct node {
    union {
        const char *text;          /* NODE_SCALAR */
        const struct node *first;  /* NODE_LIST: its items; NODE_MAPPING: key, value, key, ... */
        const struct node *target; /* NODE_ALIAS */
    };
    const struct node *next;
    uint32_t line : 29, kind : 3;
    uint16_t column; /* from 1, as the line */
    uint16_t file;   /* whatever yaml_tree_read was given */
};

struct yaml_tree {
    struct arena arena;
    struct table texts;
    size_t node_count;
};

/* Adds a file to the tree. 0 with its root, NULL for an empty one; -EINVAL with a fault added and
 * *ret_root untouched. `file` goes into the nodes and the faults. */
int yaml_tree_read(struct yaml_tree *tree, const char *path, uint16_t file, struct faults *faults,
                   const struct node **ret_root);

/* Frees the nodes and texts of all files. */
void yaml_tree_free(struct yaml_tree *tree);

/* The node itself, or what an alias stands for. */
const struct node *node_target(const struct node *node);

struct fault_place node_place(const struct node *node);

/* Whether nothing stands there, as behind a key whose value was left out. */
bool node_is_empty(const struct node *node);

/* How many items a list has. */
size_t node_count_items(const struct node *list);

#endif
