/* Bytes as hexadecimal digits, two each, and back. */
#ifndef BINDERY_HEX_H
#define BINDERY_HEX_H

#include "text.h"

void hex_add(struct text *out, const uint8_t *bytes, size_t length);

/* The number of bytes, or -EINVAL where it is no hex or more than there is room for. */
int hex_parse(const char *text, uint8_t *ret_bytes, size_t room);

#endif
