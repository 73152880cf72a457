#include "body.h"

#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

#include "memory.h"

enum { FORMAT_ZSTD_RECORDS = 2 };

/* Higher levels save little on readings, which differ in every batch, and cost CPU and memory. A
 * large body is a busy plant's: the level below 0, which leaves literals uncompressed, packs it in
 * a third of the time, to 3 % more. Of a small one the bytes count, as two of them fit in a page.
 */
enum { LARGE_BYTES = 4096, LEVEL = 1, LARGE_LEVEL = -6 };

struct body_packer {
    ZSTD_CCtx *compressor;
    ZSTD_DCtx *decompressor;
};

struct body_packer *body_packer_new(void)
{
    struct body_packer *packer = mem_alloc(sizeof(*packer));
    packer->compressor = ZSTD_createCCtx();
    packer->decompressor = ZSTD_createDCtx();
    if (packer->compressor == NULL || packer->decompressor == NULL)
        abort();
    ZSTD_CCtx_setParameter(packer->compressor, ZSTD_c_checksumFlag, 1);
    return packer;
}

void body_packer_free(struct body_packer *packer)
{
    if (packer == NULL)
        return;
    ZSTD_freeCCtx(packer->compressor);
    ZSTD_freeDCtx(packer->decompressor);
    free(packer);
}

void body_pack(struct body_packer *packer, const void *body, size_t length, struct text *out)
{
    text_clear(out);
    size_t room = ZSTD_compressBound(length);
    char *at = text_reserve(out, room + 1);
    at[0] = FORMAT_ZSTD_RECORDS;
    ZSTD_CCtx_setParameter(packer->compressor, ZSTD_c_compressionLevel,
                           length < LARGE_BYTES ? LEVEL : LARGE_LEVEL);
    size_t written = ZSTD_compress2(packer->compressor, at + 1, room, body, length);
    /* with room for the worst case only memory can run out, and that ends the process anyway */
    if (ZSTD_isError(written))
        abort();
    at[written + 1] = '\0';
    out->length = written + 1;
}

int body_unpack(struct body_packer *packer, const void *packed, size_t packed_length,
                uint8_t **ret_body, size_t *ret_length)
{
    const uint8_t *bytes = packed;
    if (packed_length < 1 || bytes[0] != FORMAT_ZSTD_RECORDS)
        return -EBADMSG;
    /* "unknown" and "error" are the two largest numbers */
    unsigned long long length = ZSTD_getFrameContentSize(bytes + 1, packed_length - 1);
    if (length > BODY_MAX_BYTES)
        return -EBADMSG;
    uint8_t *body = mem_resize(NULL, (size_t)length);
    size_t read = ZSTD_decompressDCtx(packer->decompressor, body, (size_t)length, bytes + 1,
                                      packed_length - 1);
    if (ZSTD_isError(read) || read != length) {
        free(body);
        return -EBADMSG;
    }
    *ret_body = body;
    *ret_length = read;
    return 0;
}
