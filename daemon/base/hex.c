#include "hex.h"

#include <errno.h>
#include <string.h>

void hex_add(struct text *out, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        text_addf(out, "%02X", bytes[i]);
}

static unsigned digit_value(char digit)
{
    return (unsigned)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
}

int hex_parse(const char *text, uint8_t *ret_bytes, size_t room)
{
    size_t length = strlen(text);
    if (length % 2 != 0 || length / 2 > room || strspn(text, "0123456789abcdefABCDEF") != length)
        return -EINVAL;
    for (size_t i = 0; i < length / 2; i++)
        ret_bytes[i] = (uint8_t)(digit_value(text[2 * i]) << 4 | digit_value(text[2 * i + 1]));
    return (int)(length / 2);
}
