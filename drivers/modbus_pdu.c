#include "modbus_pdu.h"

#include <errno.h>
#include <string.h>

enum {
    WRITE_COIL = 5,
    WRITE_WORD = 6,
    WRITE_COILS = 15,
    WRITE_WORDS = 16,
    ENCAPSULATED = 43,
    DEVICE_IDENTITY = 14,
    BASIC_IDENTITY = 1,
    AHEAD_OF_WRITTEN = 6, /* function, address, quantity, count of bytes */
    AHEAD_OF_OBJECTS = 7, /* function, type, code, conformity, more, next, count */
    MOST_WRITTEN_WORDS = 123,
    MOST_WRITTEN_BITS = 1968,
};

static uint16_t get_word(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void put_word(uint8_t *bytes, uint16_t word)
{
    bytes[0] = (uint8_t)(word >> 8);
    bytes[1] = (uint8_t)word;
}

static size_t build_one(bool coil, uint16_t address, uint16_t word, uint8_t *ret_pdu)
{
    ret_pdu[0] = coil ? WRITE_COIL : WRITE_WORD;
    put_word(ret_pdu + 1, address);
    put_word(ret_pdu + 3, coil ? (word != 0 ? 0xff00 : 0) : word);
    return 5;
}

size_t modbus_build_write(bool coil, uint16_t address, const uint16_t *words, uint16_t count,
                          bool several, uint8_t ret_pdu[MODBUS_MAX_PDU])
{
    if (count == 1 && !several)
        return build_one(coil, address, words[0], ret_pdu);
    ret_pdu[0] = coil ? WRITE_COILS : WRITE_WORDS;
    put_word(ret_pdu + 1, address);
    put_word(ret_pdu + 3, count);
    ret_pdu[5] = (uint8_t)(coil ? 1 : 2 * count);
    if (coil)
        ret_pdu[6] = words[0] != 0;
    for (size_t i = 0; !coil && i < count; i++)
        put_word(ret_pdu + AHEAD_OF_WRITTEN + 2 * i, words[i]);
    return AHEAD_OF_WRITTEN + ret_pdu[5];
}

size_t modbus_build_identity(uint8_t object, uint8_t ret_pdu[MODBUS_IDENTITY_PDU])
{
    ret_pdu[0] = ENCAPSULATED;
    ret_pdu[1] = DEVICE_IDENTITY;
    ret_pdu[2] = BASIC_IDENTITY;
    ret_pdu[3] = object;
    return MODBUS_IDENTITY_PDU;
}

static bool is_write_of_several(const uint8_t *pdu, size_t length)
{
    if (length <= AHEAD_OF_WRITTEN || length != AHEAD_OF_WRITTEN + (size_t)pdu[5])
        return false;
    uint16_t count = get_word(pdu + 3);
    if (count == 0 || get_word(pdu + 1) + count > UINT16_MAX + 1)
        return false;
    if (pdu[0] == WRITE_WORDS)
        return count <= MOST_WRITTEN_WORDS && pdu[5] == 2 * count;
    return count <= MOST_WRITTEN_BITS && pdu[5] == (count + 7) / 8;
}

bool modbus_is_request(const uint8_t *pdu, size_t length)
{
    struct span span;

    if (length == 0)
        return false;
    switch (pdu[0]) {
    case WRITE_COIL:
        return length == 5 && (get_word(pdu + 3) == 0xff00 || get_word(pdu + 3) == 0);
    case WRITE_WORD:
        return length == 5;
    case WRITE_COILS:
    case WRITE_WORDS:
        return is_write_of_several(pdu, length);
    case ENCAPSULATED:
        return length == MODBUS_IDENTITY_PDU && pdu[1] == DEVICE_IDENTITY;
    default:
        return modbus_parse_read(pdu, length, &span) == 0;
    }
}

bool modbus_is_write(const uint8_t *request)
{
    return request[0] > 4 && request[0] != ENCAPSULATED;
}

int modbus_check_answer(const uint8_t *request, size_t request_length, const uint8_t *pdu,
                        size_t length)
{
    if (length == 0 || !modbus_answers(request, request_length, pdu, length))
        return -EBADMSG;
    return pdu[0] == request[0] ? 0 : pdu[1];
}

static char *identity_field(struct modbus_identity *identity, uint8_t object)
{
    char *const fields[] = {identity->vendor, identity->product, identity->revision};

    return object < sizeof fields / sizeof fields[0] ? fields[object] : NULL;
}

static void take_text(const uint8_t *bytes, size_t length, char *ret_text)
{
    for (size_t i = 0; i < length; i++)
        ret_text[i] = bytes[i] >= ' ' && bytes[i] <= '~' ? (char)bytes[i] : '?';
    ret_text[length] = '\0';
}

int modbus_take_identity(const uint8_t *pdu, size_t length, struct modbus_identity *identity)
{
    struct modbus_identity told = *identity;
    size_t at = AHEAD_OF_OBJECTS;

    if (length < AHEAD_OF_OBJECTS || length > MODBUS_MAX_PDU || pdu[0] != ENCAPSULATED ||
        pdu[1] != DEVICE_IDENTITY)
        return -EBADMSG;
    for (unsigned i = 0; i < pdu[6]; i++) {
        if (length - at < 2 || length - at - 2 < pdu[at + 1])
            return -EBADMSG;
        char *field = identity_field(&told, pdu[at]);
        if (field != NULL)
            take_text(pdu + at + 2, pdu[at + 1], field);
        at += 2 + (size_t)pdu[at + 1];
    }
    *identity = told;
    return pdu[4] == 0xff ? pdu[5] : 0;
}
