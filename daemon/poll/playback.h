/* A recorded link in service: its file is played by a thread of its own on a port of the loopback
 * interface, and the link's driver asks there as it asked the machines. So what is tried is the
 * very code that talks to machines. */
#ifndef BINDERY_PLAYBACK_H
#define BINDERY_PLAYBACK_H

#include "plant.h"

struct playback;

/* Logs what is wrong with the file, which then plays as machines that are silent. 0 or negative
 * errno. The link must outlive it. */
int playback_start(const struct link *link, struct playback **ret_playback);
void playback_stop(struct playback *playback); /* accepts NULL; nobody may ask any more */

/* The link as it is to be asked: with the port where it is played. */
const struct link *playback_link(const struct playback *playback);

#endif
