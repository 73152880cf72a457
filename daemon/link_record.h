/* The request `record` of the local socket: the bytes of a link, for bindery record. Main thread.
 *
 *     record LINK             begins; {"next":N,"began":NS,"lost":0,"lines":"# bindery recording…"}
 *     record LINK NEXT BEGAN  goes on, with both numbers of the answer before: what is new
 *     record LINK end         ends; {"ended":true}
 *
 * `lines` are those of a recording; `lost` chunks were not fetched in time. */
#ifndef BINDERY_LINK_RECORD_H
#define BINDERY_LINK_RECORD_H

#include "live.h"

/* Appends the answer to what stood behind `record `. */
void link_record_answer(struct live *live, const char *arguments, struct text *out);

#endif
