#include "guess_read.h"

#include <errno.h>
#include <string.h>

enum { NO_SUCH_FUNCTION = 1, GATEWAY_PATH = 10, GATEWAY_TARGET = 11 };

/* 0, an exception's code, or negative errno. Whatever gets lost once is asked for once more. */
static int read_span(struct guess_reader *reader, struct guess_image *image, uint16_t start,
                     uint16_t count)
{
    const struct span span = {
        .function = image->area == AREA_HOLDING ? 3 : 4, .start = start, .count = count};
    uint16_t *words = image->words + start;
    int result = modbus_ask_read(reader->ask, reader->unit, &span, words);
    if (result == -ETIMEDOUT || result == -EBADMSG)
        result = modbus_ask_read(reader->ask, reader->unit, &span, words);
    if (result == GATEWAY_PATH || result == GATEWAY_TARGET)
        return -ETIMEDOUT;
    memset(image->known + start, result == 0, count);
    return result;
}

/* Halves what is refused. */
static int read_block(struct guess_reader *reader, struct guess_image *image, uint16_t start,
                      uint16_t count)
{
    progress_tell(reader->progress, area_name(image->area), reader->done, reader->whole);
    int result = read_span(reader, image, start, count);
    if (result < 0 || result == NO_SUCH_FUNCTION)
        return result;
    if (result == 0 || count == 1) {
        reader->done += count;
        return 0;
    }
    uint16_t half = count / 2;
    result = read_block(reader, image, start, half);
    return result != 0 ? result : read_block(reader, image, (uint16_t)(start + half), count - half);
}

int guess_read(struct guess_reader *reader, struct guess_image *image, uint16_t from, uint16_t to)
{
    for (uint32_t start = from; start <= to; start += reader->most) {
        uint32_t left = to - start + 1u;
        uint16_t count = (uint16_t)(left < reader->most ? left : reader->most);
        int result = read_block(reader, image, (uint16_t)start, count);
        if (result < 0)
            return result;
        if (result == NO_SUCH_FUNCTION) {
            reader->done += left;
            return 0;
        }
    }
    return 0;
}
