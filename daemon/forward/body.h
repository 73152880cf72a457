/* A batch's body as it lies on the disk: a byte of format version, then the records compressed as
 * one zstd frame that carries their length and a checksum. Pure but for allocation. */
#ifndef BINDERY_BODY_H
#define BINDERY_BODY_H

#include <stddef.h>
#include <stdint.h>

#include "text.h"

/* What a length in a damaged frame is held against, before it is believed. */
#define BODY_MAX_BYTES ((size_t)256 << 20)

struct body_packer;

struct body_packer *body_packer_new(void);
void body_packer_free(struct body_packer *packer); /* accepts NULL */

/* Replaces the content of out, a byte buffer. */
void body_pack(struct body_packer *packer, const void *body, size_t length, struct text *out);

/* 0 with a malloc'ed body, or -EBADMSG. */
int body_unpack(struct body_packer *packer, const void *packed, size_t packed_length,
                uint8_t **ret_body, size_t *ret_length);

#endif
