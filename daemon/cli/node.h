/* JSON that came in, as a tree of nodes. Every reader takes NULL for a member that is not there,
 * and answers with what the caller wants in its place. One thread. */
#ifndef BINDERY_NODE_H
#define BINDERY_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

struct node; /* part of a tree; lives as long as its root */

/* The root, to be freed; or NULL with a sentence of what is wrong added to ret_error. Whole
 * numbers beyond 63 bits come as reals. */
struct node *node_parse(const char *bytes, size_t length, struct text *ret_error);
void node_free(struct node *root); /* accepts NULL */

/* NULL where the node is no object or has no such member. */
const struct node *node_member(const struct node *object, const char *name);

const char *node_text(const struct node *node, const char *otherwise);
int64_t node_int(const struct node *node, int64_t otherwise); /* reals are cut */
bool node_bool(const struct node *node, bool otherwise);
bool node_is_object(const struct node *node);

/* The items of an array; 0 and NULL for what is none. */
size_t node_count(const struct node *array);
const struct node *node_item(const struct node *array, size_t index);

/* Walks over an object's members: begin with *place NULL; false at the end. */
bool node_each(const struct node *object, void **place, const char **ret_name,
               const struct node **ret_value);

/* Appends the node as compact JSON: for people, members in their order and reals with at most 15
 * digits; sorted for comparing, members by name and reals to their last bit. */
void node_to_json(const struct node *node, bool sorted, struct text *out);

#endif
