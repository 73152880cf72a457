/* rules: of a machine's state. */
#include <string.h>

#include "load.h"
#include "phrase.h"

enum { CONDITIONS_MOST = 16 };

#define SPACES " \t"
#define OPERATOR_CHARACTERS "=!<>"

static field_read_fn read_when;

/* A rule in the making, and whose tags it speaks of. */
struct rule_draft {
    struct state_rule rule;
    const struct load_tag_names *tags;
};

enum { RULE_STATE, RULE_WHEN, RULE_REASON, RULE_FIELDS };

static const struct field rule_fields[RULE_FIELDS] = {
    [RULE_STATE] = {.key = "state",
                    .read = load_read_state,
                    .offset = offsetof(struct rule_draft, rule.state),
                    .required = "the state that it decides for"},
    [RULE_WHEN] = {.key = "when", .read = read_when},
    [RULE_REASON] = {.key = "reason",
                     .read = load_read_text,
                     .offset = offsetof(struct rule_draft, rule.reason),
                     .most = LOAD_REASON_MOST_BYTES},
};

static const struct section rule_section = {"a rule", rule_fields, RULE_FIELDS};

/* Cuts "speed >= 500" into its pieces; false where it is none. The name is not checked. */
static bool split_condition(const char *text, const char **ret_name, size_t *ret_name_length,
                            enum state_operator *ret_op, struct decimal *ret_number)
{
    size_t name_length = strcspn(text, SPACES OPERATOR_CHARACTERS);
    const char *op = text + name_length + strspn(text + name_length, SPACES);
    size_t op_length = strspn(op, OPERATOR_CHARACTERS);
    const char *number = op + op_length + strspn(op + op_length, SPACES);

    if (name_length == 0 || decimal_parse(number, ret_number) != 0)
        return false;
    for (unsigned i = STATE_EQUAL; i <= STATE_AT_MOST; i++) {
        const char *name = state_operator_name((enum state_operator)i);
        if (strlen(name) == op_length && strncmp(name, op, op_length) == 0) {
            *ret_name = text;
            *ret_name_length = name_length;
            *ret_op = (enum state_operator)i;
            return true;
        }
    }
    return false;
}

static bool read_condition(struct load *load, const struct node *value,
                           const struct load_tag_names *tags, struct state_condition *ret_condition)
{
    static const char expected[] =
        "TAG OP NUMBER such as \"speed >= 500\", OP being one of = != > >= < <=";
    const struct field field = {.key = "when"};
    const char *text = load_scalar(load, &field, value, expected);
    const char *name = NULL;
    size_t length = 0;

    if (!text)
        return false;
    if (!split_condition(text, &name, &length, &ret_condition->op, &ret_condition->number)) {
        load_refuse(load, "when", value, "is no condition", "%s", expected);
        return false;
    }
    int tag = load_find_tag(tags, name, length);
    if (tag < 0) {
        load_refuse(load, "when", value, "begins with no tag of the machine", "%s", expected);
        return false;
    }
    if (tags->tags[tag].type == TYPE_STRING) {
        load_refuse(load, "when", value, "compares a string", "a tag that is a number or a bool");
        return false;
    }
    ret_condition->tag = (uint16_t)tag;
    return true;
}

static void read_when(struct load *load, const struct field *field, const struct node *value,
                      void *object)
{
    struct rule_draft *draft = object;
    size_t count = value->kind == NODE_LIST ? node_count_items(value) : 0;

    if (count == 0) {
        load_refuse(load, field->key, value, "is no list",
                    "a list of conditions such as [\"speed >= 500\"]");
        return;
    }
    if (count > CONDITIONS_MOST) {
        load_fault(load, value, "when: %zu of them; expected at most %d a rule", count,
                   CONDITIONS_MOST);
        return;
    }
    struct state_condition *conditions = arena_alloc(&load->tree.arena, count * sizeof *conditions);
    for (const struct node *item = value->first; item; item = item->next)
        draft->rule.count +=
            read_condition(load, node_target(item), draft->tags, &conditions[draft->rule.count]);
    draft->rule.conditions = conditions;
}

size_t load_state_rules(struct load *load, const struct node *list,
                        const struct load_tag_names *tags, const struct state_rule **ret_rules)
{
    size_t most = list->kind == NODE_LIST ? node_count_items(list) : 0, count = 0;
    const struct node *seen[RULE_FIELDS];
    bool decided = false;

    if (most == 0) {
        load_refuse(load, "rules", list, "is no list",
                    "a list of rules such as {state: production, when: [\"speed >= 500\"]}");
        return 0;
    }
    if (most > STATE_MAX_RULES) {
        load_fault(load, list, "rules: %zu of them; expected at most %d a machine", most,
                   STATE_MAX_RULES);
        return 0;
    }
    struct state_rule *rules = arena_alloc(&load->tree.arena, most * sizeof *rules);
    for (const struct node *item = list->first; item; item = item->next) {
        struct rule_draft draft = {.tags = tags};
        const struct node *node = node_target(item);
        if (decided) {
            load_fault(load, node,
                       "rules: this is never reached; expected a rule without when to "
                       "be the last one");
            break;
        }
        load_section(load, &rule_section, node, seen, &draft);
        decided = node->kind == NODE_MAPPING && !seen[RULE_WHEN];
        rules[count++] = draft.rule;
    }
    *ret_rules = rules;
    return count;
}
