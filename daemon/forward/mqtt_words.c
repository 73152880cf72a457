#include "mqtt_words.h"

#include <stddef.h>

static const struct {
    int code;
    const char *words;
} reasons[] = {
    {0x01, "the broker does not speak this version of MQTT"},
    {0x02, "the broker does not like the client id"},
    {0x03, "the broker is unavailable"},
    {0x04, "wrong user name or password"},
    {0x05, "not authorized"},
    {0x80, "the broker gave no reason"},
    {0x81, "the broker found a packet malformed"},
    {0x82, "the broker found a protocol error"},
    {0x83, "the broker refused for a reason of its own"},
    {0x84, "the broker does not speak this version of MQTT"},
    {0x85, "the broker does not like the client id"},
    {0x86, "wrong user name or password"},
    {0x87, "not authorized"},
    {0x88, "the broker is unavailable"},
    {0x89, "the broker is busy"},
    {0x8A, "banned by the broker"},
    {0x8B, "the broker is shutting down"},
    {0x8C, "the broker wants another way to authenticate"},
    {0x8D, "the broker missed our keep-alive"},
    {0x8E, "another client took over our client id"},
    {0x8F, "the broker does not like a topic filter"},
    {0x90, "the broker does not like a topic"},
    {0x93, "the broker found too many messages in flight"},
    {0x94, "the broker does not like a topic alias"},
    {0x95, "a packet was too large for the broker"},
    {0x96, "the broker found the messages too frequent"},
    {0x97, "over the broker's quota"},
    {0x98, "disconnected by the broker's administrator"},
    {0x99, "the broker does not like a payload's format"},
    {0x9A, "the broker retains no messages"},
    {0x9B, "the broker does not take QoS 1"},
    {0x9C, "the broker wants us to use another server"},
    {0x9D, "the broker has moved to another server"},
    {0x9F, "too many connections, says the broker"},
    {0xA0, "connected for as long as the broker allows"},
};

const char *mqtt_words(int code)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].code == code)
            return reasons[i].words;
    }
    return "the broker refused with a code unknown to us";
}
