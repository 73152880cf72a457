/* What the harnesses share: taking an input apart, and stopping where a claim does not hold.
 *
 * A harness calls what reads bytes from outside, and claims more of it than that it does not
 * crash: what was read is written the same, limits hold, results in refused cases are untouched.
 * What the code under test gets is copied into blocks of its exact size, so that a byte read or
 * written beyond is seen. */
#ifndef BINDERY_FUZZ_H
#define BINDERY_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Unlike assert(3) in every kind of build. */
#define CLAIM(claim) ((claim) ? (void)0 : fuzz_refute(#claim, __FILE__, __LINE__))

_Noreturn static inline void fuzz_refute(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, claim);
    abort();
}

/* Where a harness that needs files may make a folder: on a disk it would wear that out. */
static inline const char *fuzz_memory(void)
{
    const char *folder = getenv("TMPDIR");

    return folder != NULL && strlen(folder) < 64 ? folder : "/dev/shm";
}

/* What is left of an input. Beyond its end there are zeros. */
struct input {
    const uint8_t *at;
    size_t left;
};

static inline uint8_t input_byte(struct input *input)
{
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->at++;
}

/* Highest byte first. */
static inline uint64_t input_number(struct input *input, unsigned bytes)
{
    uint64_t number = 0;

    while (bytes-- > 0)
        number = number << 8 | input_byte(input);
    return number;
}

/* From least to most, both included. */
static inline int64_t input_between(struct input *input, int64_t least, int64_t most)
{
    uint64_t choices = (uint64_t)most - (uint64_t)least + 1;

    return least + (int64_t)(input_number(input, choices > 256 ? 2 : 1) % choices);
}

/* The bytes up to the next separator, which is passed over, or to the end. */
static inline struct input input_part(struct input *input, uint8_t separator)
{
    struct input part = {input->at, input->left};
    const uint8_t *end = input->left > 0 ? memchr(input->at, separator, input->left) : NULL;

    if (end != NULL)
        part.left = (size_t)(end - input->at);
    size_t passed = part.left + (end != NULL);
    input->at = passed > 0 ? input->at + passed : input->at;
    input->left -= passed;
    return part;
}

/* Copies that are to be freed: of the bytes alone, and as a string with its zero. */
static inline uint8_t *input_copy(const struct input *input)
{
    uint8_t *copy = malloc(input->left > 0 ? input->left : 1);

    if (input->left > 0)
        memcpy(copy, input->at, input->left);
    return copy;
}

static inline char *input_string(const struct input *input)
{
    char *string = malloc(input->left + 1);

    if (input->left > 0)
        memcpy(string, input->at, input->left);
    string[input->left] = '\0';
    return string;
}

#endif
