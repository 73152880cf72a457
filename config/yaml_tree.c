#include "yaml_tree.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

#include "phrase.h"

/* A list or mapping that is not complete yet. The first is the file itself, a list of documents'
 * roots. */
struct level {
    struct node *node;
    const struct node **tail;
    const char *anchor; /* NULL: none */
    bool takes_key;     /* in a mapping: a key comes next */
};

struct builder {
    struct yaml_tree *tree;
    struct faults *faults;
    uint16_t file;
    struct table anchors;
    struct level levels[TREE_MAX_DEPTH + 1];
    size_t depth;
};

static struct fault_place place_of(const struct builder *builder, yaml_mark_t mark)
{
    return (struct fault_place){.file = builder->file,
                                .line = (uint32_t)mark.line + 1,
                                .column = (uint32_t)mark.column + 1};
}

static int refuse(struct builder *builder, const yaml_event_t *event, const char *message)
{
    faults_add(builder->faults, place_of(builder, event->start_mark), "%s", message);
    return -EINVAL;
}

static const char *intern(struct builder *builder, const yaml_char_t *bytes, size_t length)
{
    return table_intern(&builder->tree->texts, &builder->tree->arena, (const char *)bytes, length);
}

/* Adds a node where the walk stands. */
static int add_node(struct builder *builder, const yaml_event_t *event, enum node_kind kind,
                    struct node **ret_node)
{
    struct level *level = &builder->levels[builder->depth];
    struct fault_place place = place_of(builder, event->start_mark);

    if (level->takes_key && kind != NODE_SCALAR)
        return refuse(builder, event, "a list, mapping or alias as a key; expected a plain word");
    if (builder->tree->node_count == TREE_MAX_NODES) {
        return refuse(builder, event,
                      "the configuration is too large; expected at most 4194304 "
                      "keys, values and items in all its files");
    }
    struct node *node = arena_alloc(&builder->tree->arena, sizeof *node);
    builder->tree->node_count++;
    node->line = place.line & 0x1fffffff;
    node->column = place.column < UINT16_MAX ? (uint16_t)place.column : UINT16_MAX;
    node->file = builder->file;
    node->kind = kind & 7;
    assert(level->tail);
    *level->tail = node;
    level->tail = &node->next;
    if (level->node && level->node->kind == NODE_MAPPING)
        level->takes_key = !level->takes_key;
    *ret_node = node;
    return 0;
}

static void set_anchor(struct builder *builder, const char *anchor, const struct node *node)
{
    if (anchor)
        table_set(&builder->anchors, anchor, node);
}

static const char *anchor_name(struct builder *builder, const yaml_char_t *anchor)
{
    return anchor ? intern(builder, anchor, strlen((const char *)anchor)) : NULL;
}

static int add_scalar(struct builder *builder, const yaml_event_t *event)
{
    const yaml_char_t *bytes = event->data.scalar.value;
    size_t length = event->data.scalar.length;
    struct node *node = NULL;

    if (event->data.scalar.tag)
        return refuse(builder, event, "a YAML tag stands here; expected a plain value");
    if (length > TREE_MAX_SCALAR_BYTES)
        return refuse(builder, event, "a text this long stands here; expected at most 4096 bytes");
    if (memchr(bytes, '\0', length))
        return refuse(builder, event, "a text with a zero byte stands here; expected none");
    int error = add_node(builder, event, NODE_SCALAR, &node);
    if (error)
        return error;
    node->text = intern(builder, bytes, length);
    set_anchor(builder, anchor_name(builder, event->data.scalar.anchor), node);
    return 0;
}

static int add_alias(struct builder *builder, const yaml_event_t *event)
{
    const char *name = anchor_name(builder, event->data.alias.anchor);
    const struct node *target = table_get(&builder->anchors, name);
    struct node *node = NULL;

    if (!target) {
        faults_add(builder->faults, place_of(builder, event->start_mark),
                   "alias %s has no complete anchor before it in this file; expected &%s",
                   phrase_quote(name).text, name);
        return -EINVAL;
    }
    int error = add_node(builder, event, NODE_ALIAS, &node);
    if (error)
        return error;
    node->target = target;
    return 0;
}

static int open_level(struct builder *builder, const yaml_event_t *event, enum node_kind kind,
                      const yaml_char_t *tag, const yaml_char_t *anchor)
{
    struct node *node = NULL;

    if (tag)
        return refuse(builder, event, "a YAML tag stands here; expected a plain list or mapping");
    if (builder->depth == TREE_MAX_DEPTH)
        return refuse(builder, event, "this stands too deep; expected at most 32 levels");
    int error = add_node(builder, event, kind, &node);
    if (error)
        return error;
    builder->levels[++builder->depth] = (struct level){
        .node = node,
        .tail = &node->first,
        .anchor = anchor_name(builder, anchor),
        .takes_key = kind == NODE_MAPPING,
    };
    return 0;
}

static void close_level(struct builder *builder)
{
    const struct level *level = &builder->levels[builder->depth--];

    set_anchor(builder, level->anchor, level->node);
}

static int take_event(struct builder *builder, const yaml_event_t *event,
                      const struct node *const *root)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return *root ? refuse(builder, event, "a second document; expected one a file") : 0;
    case YAML_SCALAR_EVENT:
        return add_scalar(builder, event);
    case YAML_ALIAS_EVENT:
        return add_alias(builder, event);
    case YAML_SEQUENCE_START_EVENT:
        return open_level(builder, event, NODE_LIST, event->data.sequence_start.tag,
                          event->data.sequence_start.anchor);
    case YAML_MAPPING_START_EVENT:
        return open_level(builder, event, NODE_MAPPING, event->data.mapping_start.tag,
                          event->data.mapping_start.anchor);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        close_level(builder);
        return 0;
    default:
        return 0;
    }
}

/* Where byte `offset` of the file stands: for errors of the encoding, which libyaml places by
 * their offset alone. */
static yaml_mark_t mark_of_offset(FILE *stream, size_t offset)
{
    yaml_mark_t mark = {0};

    rewind(stream);
    for (; mark.index < offset; mark.index++) {
        int c = getc(stream);
        if (c == '\n') {
            mark.line++;
            mark.column = 0;
        } else if ((c & 0xc0) != 0x80) {
            mark.column++;
        }
    }
    return mark;
}

static void add_syntax_fault(struct builder *builder, const yaml_parser_t *parser, FILE *stream)
{
    yaml_mark_t mark = parser->problem_mark;
    const char *problem = parser->problem ? parser->problem : "it can't be read";

    if (parser->error == YAML_READER_ERROR)
        mark = mark_of_offset(stream, parser->problem_offset);
    faults_add(builder->faults, place_of(builder, mark), "no valid YAML%s%s: %s",
               parser->context ? " " : "", parser->context ? parser->context : "", problem);
}

/* Walks over the events of the whole stream. */
static int build(struct builder *builder, yaml_parser_t *parser, FILE *stream,
                 const struct node *const *root)
{
    int error = 0;
    bool ended = false;

    while (!error && !ended) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event)) {
            add_syntax_fault(builder, parser, stream);
            return -EINVAL;
        }
        error = take_event(builder, &event, root);
        ended = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    return error;
}

static int fault_of_file(struct builder *builder, const char *message)
{
    faults_add(builder->faults, (struct fault_place){.file = builder->file}, "%s", message);
    return -EINVAL;
}

/* Opens a regular file of a bearable size; the file name is the fault's own. */
static int open_file(struct builder *builder, const char *path, FILE **ret_stream)
{
    struct stat status;

    if (stat(path, &status) != 0) {
        faults_add(builder->faults, (struct fault_place){.file = builder->file},
                   "can't be read: %s; expected a YAML file", strerrordesc_np(errno));
        return -EINVAL;
    }
    if (!S_ISREG(status.st_mode))
        return fault_of_file(builder, "is no regular file; expected a YAML file");
    if (status.st_size > TREE_MAX_FILE_BYTES)
        return fault_of_file(builder, "is too large; expected at most 16MiB a file");
    FILE *stream = fopen(path, "re");
    if (!stream) {
        faults_add(builder->faults, (struct fault_place){.file = builder->file},
                   "can't be read: %s; expected a YAML file", strerrordesc_np(errno));
        return -EINVAL;
    }
    *ret_stream = stream;
    return 0;
}

int yaml_tree_read(struct yaml_tree *tree, const char *path, uint16_t file, struct faults *faults,
                   const struct node **ret_root)
{
    struct builder builder = {.tree = tree, .faults = faults, .file = file};
    const struct node *root = NULL;
    yaml_parser_t parser;
    FILE *stream = NULL;

    int error = open_file(&builder, path, &stream);
    if (error)
        return error;
    builder.levels[0].tail = &root;
    if (!yaml_parser_initialize(&parser)) {
        error = fault_of_file(&builder, "can't be read: out of memory");
        goto cleanup;
    }
    yaml_parser_set_input_file(&parser, stream);
    error = build(&builder, &parser, stream, &root);
    yaml_parser_delete(&parser);
    if (!error)
        *ret_root = root;

cleanup:
    table_free(&builder.anchors);
    fclose(stream);
    return error;
}

void yaml_tree_free(struct yaml_tree *tree)
{
    table_free(&tree->texts);
    arena_free(&tree->arena);
    *tree = (struct yaml_tree){0};
}

const struct node *node_target(const struct node *node)
{
    return node->kind == NODE_ALIAS ? node->target : node;
}

struct fault_place node_place(const struct node *node)
{
    return (struct fault_place){.file = node->file, .line = node->line, .column = node->column};
}

bool node_is_empty(const struct node *node)
{
    return node->kind == NODE_SCALAR && node->text[0] == '\0';
}

size_t node_count_items(const struct node *list)
{
    size_t count = 0;

    for (const struct node *item = list->first; item; item = item->next)
        count++;
    return count;
}
