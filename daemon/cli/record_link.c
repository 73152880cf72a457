#include "record_link.h"

#include <inttypes.h>

#include "ask.h"

int record_link_fetch(struct record_link *record, struct text *ret_lines, struct text *ret_trouble)
{
    struct text question = {0};
    text_addf(&question, "record %s", record->link);
    if (record->begun)
        text_addf(&question, " %" PRId64 " %" PRId64, record->next, record->began_ns);
    struct node *answer = ask_daemon(record->socket, question.data, ret_trouble);
    text_free(&question);
    if (answer == NULL)
        return -1;
    text_add(ret_lines, node_text(node_member(answer, "lines"), ""));
    record->next = node_int(node_member(answer, "next"), 0);
    record->began_ns = node_int(node_member(answer, "began"), 0);
    record->begun = true;
    node_free(answer);
    return 0;
}

void record_link_end(struct record_link *record)
{
    struct text question = {0}, trouble = {0};
    if (!record->begun)
        return;
    text_addf(&question, "record %s end", record->link);
    node_free(ask_daemon(record->socket, question.data, &trouble));
    record->begun = false;
    text_free(&question);
    text_free(&trouble);
}
