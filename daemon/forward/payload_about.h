/* What is published of a machine or a line once: which it is and what it can tell. Pure. */
#ifndef BINDERY_PAYLOAD_ABOUT_H
#define BINDERY_PAYLOAD_ABOUT_H

#include "plant.h"
#include "text.h"

/* root/MACHINE/about: {"machine":…,"link":…,"unit":…,"profile":…,"synthetic":…,
 * "tags":[{"name":…,"unit":…,"type":…,"at":"holding:100","every_ms":…,"kind":"value"}]}, where
 * they were said "title":{"en":…,"zh":…} and "range":[…,…] behind every_ms; for a counter
 * "kind":"counter","counts":"good", and behind all tags what goes with it: {"name":…,"unit":null,
 * "type":"u64","kind":"epoch","of":…} */
void payload_about_machine(struct text *out, const struct machine *machine);

/* root/LINE/about: {"line":…,"machines":[…],"delivery":…}, names of machines */
void payload_about_line(struct text *out, const struct production_line *line);

#endif
