/* Configurations on their way into a support bundle: daemon/cli/support_mask.c.
 *
 * Input: whether it is a configuration, then the text. A word that is known to be a secret stands
 * nowhere in the result, nor does a URL's login; lines stay lines, but where there are zero bytes.
 */
#include <ctype.h>

#include "fuzz.h"
#include "support_mask.h"

static const char *const words[] = {"joe"};

static size_t count_lines(const char *text, size_t length)
{
    size_t lines = 0;

    for (size_t i = 0; i < length; i++)
        lines += text[i] == '\n';
    return lines;
}

static void check_words(const struct text *out)
{
    for (size_t i = 0; i + 3 <= out->length; i++) {
        const char *at = out->data + i;
        bool begins = i == 0 || !isalnum((unsigned char)at[-1]);
        bool ends = i + 3 == out->length || !isalnum((unsigned char)at[3]);
        CLAIM(memcmp(at, "joe", 3) != 0 || !begins || !ends);
    }
}

/* "://" is not followed by an @ in the same word, but for a masked one. */
static void check_urls(const struct text *out)
{
    for (size_t i = 3; i < out->length; i++) {
        if (memcmp(out->data + i - 3, "://", 3) != 0)
            continue;
        size_t end = i, login = 0;
        while (end < out->length && !isspace((unsigned char)out->data[end])) {
            if (out->data[end] == '@')
                login = end - i;
            end++;
        }
        CLAIM(login == 0 || memcmp(out->data + i, "***", 3) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct secrets secrets = {words, 1};
    struct input input = {data, size};
    bool keys = input_byte(&input) & 1;
    char *text = (char *)input_copy(&input);
    struct text out = {0};

    support_mask(text, input.left, keys, &secrets, &out);
    if (input.left == 0 || memchr(text, '\0', input.left) == NULL)
        CLAIM(count_lines(out.data, out.length) == count_lines(text, input.left));
    if (out.length > 0) {
        check_words(&out);
        check_urls(&out);
    }
    text_free(&out);
    free(text);
    return 0;
}
