/* What is kept of a machine's state, shifts and job with its readings, for the next run to go on
 * from. By whoever polls the machine. */
#ifndef BINDERY_MACHINE_KEEP_H
#define BINDERY_MACHINE_KEEP_H

#include "machine.h"

enum { MACHINE_KEEP_SAMPLES = STATE_KEPT_VALUES + SHIFT_KEPT_VALUES + JOB_KEPT_VALUES };

/* What is to be kept now, into the room for MACHINE_KEEP_SAMPLES; `told`: beside a reading that is
 * told anyway. Returns how many samples it took. */
uint16_t machine_keep(struct machine_run *run, const struct instant *at, struct sample *samples,
                      bool told);

/* What was kept did not get to the store. */
void machine_keep_failed(struct machine_run *run);

/* All of it up to now, which nothing else may have told, as the machine goes out of service. */
void machine_keep_last(struct machine_run *run, struct queue *queue);

#endif
