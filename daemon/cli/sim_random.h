/* Numbers that look like chance and always come out the same. Pure. */
#ifndef BINDERY_SIM_RANDOM_H
#define BINDERY_SIM_RANDOM_H

#include <stdint.h>

/* Neighbouring inputs give unrelated numbers. */
uint64_t sim_mix(uint64_t number);

/* A seed for what bears that name, the same wherever it stands. */
uint64_t sim_seed(uint64_t seed, const char *name);

/* From 0 up to, but not including, 1. */
double sim_share(uint64_t seed, uint64_t salt);

#endif
