#include "plc.h"

#include <string.h>

/* Digits after 0 are octal as the maker counts: 0377 is the number in X377.
 *
 * What is not confirmed is from other sources than a manual, or its end was concluded from where
 * the next range begins; too far an end can only make a request that the controller refuses. */
const struct plc plcs[] = {
    {
        /* Delta, DVP-ES2/EX2/SS2/SA2/SX2/SE operation manual, 4.4. The low word first, and D4096
         * and above: from other sources. C200 and above are 32 bits wide: manual of the DVP. */
        .name = "delta-dvp",
        .order = ORDER_SWAP_WORDS,
        .ranges =
            {
                {"S", PLC_DECIMAL, AREA_COIL, 0, 1023, 0x0000, true},
                {"X", PLC_OCTAL, AREA_DISCRETE, 0, 0377, 0x0400, true},
                {"Y", PLC_OCTAL, AREA_COIL, 0, 0377, 0x0500, true},
                {"T", PLC_DECIMAL, AREA_COIL, 0, 255, 0x0600, true},
                {"T", PLC_DECIMAL, AREA_HOLDING, 0, 255, 0x0600, true},
                {"M", PLC_DECIMAL, AREA_COIL, 0, 1535, 0x0800, true},
                {"M", PLC_DECIMAL, AREA_COIL, 1536, 4095, 0xB000, true},
                {"C", PLC_DECIMAL, AREA_COIL, 0, 255, 0x0E00, true},
                {"C", PLC_DECIMAL, AREA_HOLDING, 0, 199, 0x0E00, true},
                {"C", PLC_PAIRS, AREA_HOLDING, 200, 255, 0x0700, true},
                {"D", PLC_DECIMAL, AREA_HOLDING, 0, 4095, 0x1000, true},
                {"D", PLC_DECIMAL, AREA_HOLDING, 4096, 9999, 0x9000, false},
            },
    },
    {
        /* Inovance, manual of the H5U and Easy series: beginnings and the order. That X and Y are
         * asked for as coils, and the ends of M, D and R: from other sources. */
        .name = "inovance-h5u",
        .order = ORDER_SWAP_WORDS,
        .order_confirmed = true,
        .ranges =
            {
                {"M", PLC_DECIMAL, AREA_COIL, 0, 7999, 0x0000, true},
                {"X", PLC_OCTAL, AREA_COIL, 0, 01777, 0xF800, false},
                {"Y", PLC_OCTAL, AREA_COIL, 0, 01777, 0xFC00, true},
                {"D", PLC_DECIMAL, AREA_HOLDING, 0, 7999, 0x0000, true},
                {"R", PLC_DECIMAL, AREA_HOLDING, 0, 32767, 0x3000, true},
            },
    },
    {
        /* Xinje, manual of the XD series: beginnings. That M begins at 0, that X is asked for as
         * coils, and the order: from other sources. Inputs and outputs of extension modules (X10000
         * and above) stand elsewhere. */
        .name = "xinje-xd",
        .order = ORDER_SWAP_WORDS,
        .ranges =
            {
                {"M", PLC_DECIMAL, AREA_COIL, 0, 20479, 0x0000, false},
                {"X", PLC_OCTAL, AREA_COIL, 0, 077, 0x5000, false},
                {"Y", PLC_OCTAL, AREA_COIL, 0, 077, 0x6000, true},
                {"D", PLC_DECIMAL, AREA_HOLDING, 0, 20479, 0x0000, true},
                {"CD", PLC_DECIMAL, AREA_HOLDING, 0, 4095, 0x9000, true},
                {"HD", PLC_DECIMAL, AREA_HOLDING, 0, 6143, 0xA080, true},
            },
    },
    {
        /* Xinje, manual of the XC series: beginnings. That X is asked for as coils, and the order:
         * from other sources. M8000, D8000 and above are special and stand elsewhere. */
        .name = "xinje-xc",
        .order = ORDER_SWAP_WORDS,
        .ranges =
            {
                {"M", PLC_DECIMAL, AREA_COIL, 0, 7999, 0x0000, true},
                {"X", PLC_OCTAL, AREA_COIL, 0, 01777, 0x4000, false},
                {"Y", PLC_OCTAL, AREA_COIL, 0, 01777, 0x4800, true},
                {"D", PLC_DECIMAL, AREA_HOLDING, 0, 7999, 0x0000, true},
                {"CD", PLC_DECIMAL, AREA_HOLDING, 0, 635, 0x3800, true},
            },
    },
    {
        /* Siemens, S7-200 SMART system manual V2.3, table 9-1: what a slave of the library has,
         * with HoldStart at VB0. How far V goes is the model's. The bytes of V, Siemens's way: the
         * lower one is the high half of a word, the lower word the high half of 32 bits; not
         * confirmed over Modbus. */
        .name = "siemens-s7-200-smart",
        .order = 0,
        .ranges =
            {
                {"Q", PLC_BYTE_BITS, AREA_COIL, 0, 31, 0, true},
                {"I", PLC_BYTE_BITS, AREA_DISCRETE, 0, 31, 0, true},
                {"AIW", PLC_BYTES_OF_WORDS, AREA_INPUT, 0, 110, 0, true},
                {"VW", PLC_BYTES_OF_WORDS, AREA_HOLDING, 0, 20478, 0, true},
                {"VD", PLC_BYTES_OF_PAIRS, AREA_HOLDING, 0, 20476, 0, true},
                {"V", PLC_BYTES_OF_BITS, AREA_HOLDING, 0, 20479, 0, false},
            },
    },
    {
        /* Mitsubishi, FX3U MODBUS serial communication edition, 9.3: bits, and the order. That D0
         * stands at 0 is not confirmed. */
        .name = "mitsubishi-fx3u",
        .order = ORDER_SWAP_WORDS,
        .order_confirmed = true,
        .ranges =
            {
                {"M", PLC_DECIMAL, AREA_COIL, 0, 7679, 0x0000, true},
                {"M", PLC_DECIMAL, AREA_COIL, 8000, 8511, 0x1E00, true},
                {"S", PLC_DECIMAL, AREA_COIL, 0, 4095, 0x2000, true},
                {"TS", PLC_DECIMAL, AREA_COIL, 0, 511, 0x3000, true},
                {"CS", PLC_DECIMAL, AREA_COIL, 0, 255, 0x3200, true},
                {"Y", PLC_OCTAL, AREA_COIL, 0, 0377, 0x3300, true},
                {"X", PLC_OCTAL, AREA_DISCRETE, 0, 0377, 0x3400, true},
                {"D", PLC_DECIMAL, AREA_HOLDING, 0, 7999, 0x0000, false},
            },
    },
    {.name = NULL},
};

const struct plc *plc_find(const char *name)
{
    for (const struct plc *plc = plcs; plc->name; plc++)
        if (strcmp(plc->name, name) == 0)
            return plc;
    return NULL;
}
