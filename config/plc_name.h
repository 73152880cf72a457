/* Registers by the names that a controller has for them. Pure. */
#ifndef BINDERY_PLC_NAME_H
#define BINDERY_PLC_NAME_H

#include "register_name.h"

/* Where "D100" stands as the manual has it; what is behind a point is `bit`, NULL: nothing. It is
 * part of a name such as I0.7, and left to the caller with others. The kind tells the contact of a
 * timer from its value. 0; or -EINVAL with what was expected added. */
int plc_name_parse(const struct plc *plc, const char *name, const char *bit,
                   enum register_kind kind, struct register_place *ret_place,
                   struct text *ret_expected);

/* Digits of base 8, 10 or 16, all of the text and at most six. 0 or -EINVAL. */
int plc_number_parse(const char *text, int base, uint32_t *ret_number);

#endif
