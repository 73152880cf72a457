#include "sim_random.h"

/* splitmix64 */
uint64_t sim_mix(uint64_t number)
{
    number += 0x9e3779b97f4a7c15U;
    number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9U;
    number = (number ^ (number >> 27)) * 0x94d049bb133111ebU;
    return number ^ (number >> 31);
}

/* FNV-1a */
uint64_t sim_seed(uint64_t seed, const char *name)
{
    uint64_t hash = 0xcbf29ce484222325U ^ seed;
    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * 0x100000001b3U;
    return hash;
}

double sim_share(uint64_t seed, uint64_t salt)
{
    return (double)(sim_mix(seed ^ sim_mix(salt)) >> 11) / 9007199254740992.0;
}
