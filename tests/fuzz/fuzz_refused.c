/* The registers that machines refused: refused.c of daemon/poll. Input: the file. */
#include "fuzz.h"
#include "refused.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    char *bytes = (char *)input_copy(&input);
    struct tag tags[] = {{.area = AREA_COIL, .address = 1}, {.area = AREA_HOLDING, .address = 20}};
    const struct machine machine = {.name = "m", .tags = tags, .tag_count = 2};
    struct refused refused = {0};

    refused_parse(&refused, bytes, size);
    bool *found = refused_tags(&refused, &machine);
    CLAIM(found == NULL || found[0] || found[1]);
    CLAIM(found == NULL || !found[0] || memmem(bytes, size, "m coil:1", 8) != NULL);
    CLAIM(found == NULL || !found[1] || memmem(bytes, size, "m holding:20", 12) != NULL);
    free(found);
    refused_forget(&refused);
    CLAIM(refused_tags(&refused, &machine) == NULL);
    refused_free(&refused);
    free(bytes);
    return 0;
}
