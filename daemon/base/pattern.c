#include "pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <pcre2.h>
#include <stdint.h>
#include <stdlib.h>

#include "memory.h"

/* A sensible pattern takes some hundred steps over a line. */
enum { MOST_STEPS = 50000, MOST_DEPTH = 1000, MOST_KIB = 512, MOST_PARENTHESES = 50 };

struct pattern {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *limits;
};

static void *allocate(size_t size, void *context)
{
    (void)context;
    return mem_alloc(size);
}

static void release(void *memory, void *context)
{
    (void)context;
    free(memory);
}

/* Bytes, and none of what would leave the line, change its encoding or run our code. */
static pcre2_code *compile(pcre2_general_context *memory, const char *text,
                           struct pattern_fault *ret_fault)
{
    const uint32_t options = PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_UTF |
                             PCRE2_NEVER_UCP | PCRE2_DOLLAR_ENDONLY | PCRE2_DOTALL;
    pcre2_compile_context *limits = pcre2_compile_context_create(memory);
    PCRE2_SIZE offset = 0;
    int error = 0;

    pcre2_set_parens_nest_limit(limits, MOST_PARENTHESES);
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, options, &error, &offset, limits);
    pcre2_compile_context_free(limits);
    if (code == NULL) {
        ret_fault->offset = offset;
        pcre2_get_error_message(error, (PCRE2_UCHAR *)ret_fault->message,
                                sizeof ret_fault->message);
    }
    return code;
}

int pattern_new(const char *text, struct pattern **ret_pattern, struct pattern_fault *ret_fault)
{
    pcre2_general_context *memory = pcre2_general_context_create(allocate, release, NULL);
    pcre2_code *code = compile(memory, text, ret_fault);

    if (code != NULL) {
        struct pattern *pattern = mem_alloc(sizeof *pattern);
        pattern->code = code;
        pattern->match = pcre2_match_data_create_from_pattern(code, memory);
        pattern->limits = pcre2_match_context_create(memory);
        pcre2_set_match_limit(pattern->limits, MOST_STEPS);
        pcre2_set_depth_limit(pattern->limits, MOST_DEPTH);
        pcre2_set_heap_limit(pattern->limits, MOST_KIB);
        *ret_pattern = pattern;
    }
    pcre2_general_context_free(memory);
    return code != NULL ? 0 : -EINVAL;
}

void pattern_free(struct pattern *pattern)
{
    if (pattern == NULL)
        return;
    pcre2_match_context_free(pattern->limits);
    pcre2_match_data_free(pattern->match);
    pcre2_code_free(pattern->code);
    free(pattern);
}

int pattern_group(const struct pattern *pattern, const char *name)
{
    int group = pcre2_substring_number_from_name(pattern->code, (PCRE2_SPTR)name);

    return group > 0 ? group : -1;
}

bool pattern_match(struct pattern *pattern, const char *bytes, size_t length)
{
    return pcre2_match(pattern->code, (PCRE2_SPTR)bytes, length, 0, 0, pattern->match,
                       pattern->limits) > 0;
}

bool pattern_span(const struct pattern *pattern, int group, size_t *ret_from, size_t *ret_length)
{
    const PCRE2_SIZE *span = pcre2_get_ovector_pointer(pattern->match) + 2 * (size_t)group;
    PCRE2_SIZE from = span[0], to = span[1];

    /* \K may put a beginning behind its end. */
    if (from == PCRE2_UNSET || to < from)
        return false;
    *ret_from = from;
    *ret_length = to - from;
    return true;
}
