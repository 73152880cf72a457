/* What a broker's codes mean, in words. Pure. */
#ifndef BINDERY_MQTT_WORDS_H
#define BINDERY_MQTT_WORDS_H

/* The code of a CONNACK, PUBACK, SUBACK or DISCONNECT, of MQTT 5 (0x80 and above) or 3.1.1
 * (CONNACK's 1 to 5). Never NULL. */
const char *mqtt_words(int code);

#endif
