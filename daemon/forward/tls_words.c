#include "tls_words.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "mqtt_client.h"

static _Thread_local struct {
    char error[80];
    char alert[60];
    bool wrong_name, shaken;
} tls;

static const char *after_last(const char *string, char separator)
{
    const char *found = strrchr(string, separator);

    return found ? found + 1 : string;
}

void tls_words_trace(const char *message)
{
    if (strstr(message, "X509_check_host for hostname"))
        tls.wrong_name = true;
    else if (strstr(message, "SSL handshake done"))
        tls.shaken = true;
    else if (strstr(message, "SSL alert ") && strstr(message, ":fatal:"))
        snprintf(tls.alert, sizeof(tls.alert), "%s", after_last(message, ':'));
}

/* The first error is the cause. */
void tls_words_error(const char *line, size_t length)
{
    char copy[256];
    char *rest = copy;
    const char *reason = NULL;

    snprintf(copy, sizeof(copy), "%.*s", (int)length, line);
    for (int field = 0; field < 6 && rest != NULL; field++)
        reason = strsep(&rest, ":");
    if (tls.error[0] == '\0' && reason != NULL)
        snprintf(tls.error, sizeof(tls.error), "%s", reason);
}

/* In TLS 1.3 a server refuses a client's certificate, or its absence, only after the handshake;
 * OpenSSL 3.0 does not know the alert's name. */
void tls_words_take(const char *message, char ret_words[static RING_WORDS_BYTES])
{
    const bool in_handshake = message != NULL && strstr(message, "TCP/TLS connect failure");

    ret_words[0] = '\0';
    if (tls.error[0] != '\0' && tls.alert[0] != '\0')
        snprintf(ret_words, RING_WORDS_BYTES, "%s: %s", tls.error, tls.alert);
    else if (tls.error[0] != '\0')
        snprintf(ret_words, RING_WORDS_BYTES, "TLS: %s", tls.error);
    else if (strcmp(tls.alert, "unknown") == 0)
        snprintf(ret_words, RING_WORDS_BYTES, "TLS: the broker demands a certificate");
    else if (tls.alert[0] != '\0')
        snprintf(ret_words, RING_WORDS_BYTES, "TLS: the broker says %s", tls.alert);
    else if (tls.wrong_name && in_handshake)
        snprintf(ret_words, RING_WORDS_BYTES, "certificate verify failed: hostname mismatch");
    else if (tls.shaken && in_handshake)
        snprintf(ret_words, RING_WORDS_BYTES,
                 "TLS: the broker hung up, maybe for want of a certificate");
    else if (message != NULL && strstr(message, "timeout"))
        snprintf(ret_words, RING_WORDS_BYTES, "no answer within %d s", MQTT_CONNECT_TIMEOUT_S);
    else if (message != NULL && !in_handshake)
        snprintf(ret_words, RING_WORDS_BYTES, "the broker closed the connection");
    tls_words_forget();
}

void tls_words_forget(void)
{
    memset(&tls, 0, sizeof(tls));
}
