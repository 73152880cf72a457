/* A batch's body as it lies on the disk: daemon/forward/body.c.
 *
 * Input: a packed body. Mutations go through the compression, else hardly any would get beyond its
 * checksum. */
#include <errno.h>
#include <zstd.h>

#include "body.h"
#include "fuzz.h"
#include "record.h"

/* Larger ones only take time: what they are held against is the same for all. */
enum { MOST_BYTES = 1 << 20 };

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

static struct body_packer *packer;

static struct body_packer *the_packer(void)
{
    if (packer == NULL)
        packer = body_packer_new();
    return packer;
}

/* Whether it is worth the time: refused at once, or of a bearable size. */
static bool is_bearable(const uint8_t *data, size_t size)
{
    unsigned long long length = size > 1 ? ZSTD_getFrameContentSize(data + 1, size - 1) : 0;

    return length <= MOST_BYTES || length > BODY_MAX_BYTES;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    uint8_t *body = NULL;
    size_t length, room = 4 * most;
    struct text packed = {0};

    if (seed % 4 == 0 || !is_bearable(data, size) ||
        body_unpack(the_packer(), data, size, &body, &length) != 0 || length > room) {
        free(body);
        return LLVMFuzzerMutate(data, size, most);
    }
    body = realloc(body, room);
    length = LLVMFuzzerMutate(body, length, room);
    body_pack(the_packer(), body, length, &packed);
    size = packed.length < most ? packed.length : most;
    memcpy(data, packed.data, size);
    text_free(&packed);
    free(body);
    return size;
}

static void check_records(const uint8_t *body, size_t length)
{
    struct record_reader reader = {0};
    struct record record;
    uint32_t count = 0;
    int status;

    record_reader_start(&reader, body, length);
    while ((status = record_next(&reader, &record)) == 1)
        count++;
    CLAIM(status == 0 || status == -EBADMSG);
    CLAIM(count <= reader.passed && 2 * (size_t)reader.passed <= length);
    record_reader_free(&reader);
}

static void check_packed_again(const uint8_t *body, size_t length)
{
    struct text packed = {0};
    uint8_t *again = NULL;
    size_t again_length = 0;

    body_pack(the_packer(), body, length, &packed);
    CLAIM(body_unpack(the_packer(), packed.data, packed.length, &again, &again_length) == 0);
    CLAIM(again_length == length && (length == 0 || memcmp(again, body, length) == 0));
    text_free(&packed);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *body = NULL;
    size_t length = 77;

    if (!is_bearable(data, size))
        return 0;
    int result = body_unpack(the_packer(), data, size, &body, &length);
    if (result != 0) {
        CLAIM(result == -EBADMSG && body == NULL && length == 77);
        return 0;
    }
    CLAIM(length <= BODY_MAX_BYTES);
    check_records(body, length);
    check_packed_again(body, length);
    free(body);
    return 0;
}
