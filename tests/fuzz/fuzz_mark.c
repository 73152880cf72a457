/* The mark beside a store: store_mark.c of daemon/forward. Input: the file. */
#include "fuzz.h"
#include "store_mark.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    char *bytes = (char *)input_copy(&input);
    struct store_mark mark = store_mark_parse(bytes, size);
    char text[STORE_MARK_BYTES + 1];

    CLAIM(mark.id[0] == '\0' || strlen(mark.id) == STORE_ID_DIGITS);
    if (mark.id[0] != '\0') {
        struct store_mark again;
        store_mark_to_text(&mark, text);
        again = store_mark_parse(text, STORE_MARK_BYTES);
        CLAIM(memcmp(&again, &mark, sizeof mark) == 0);
    }
    free(bytes);
    return 0;
}
