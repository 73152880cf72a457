/* Names to addresses, off every loop: a lookup takes as long as the name servers please. An asker
 * puts a question, is woken through its eventfd and takes the answer.
 *
 * All calls to one resolver from one thread; a loop that asks has its own. The lookups run in
 * threads of the resolver's own, a few at a time and only while there is something to look up. */
#ifndef BINDERY_RESOLVER_H
#define BINDERY_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum { RESOLVER_MAX_ADDRESSES = 4 };

struct resolver;

struct resolver_answer {
    void *context;
    int error; /* 0 with at least one address, or one of getaddrinfo(3)'s EAI_ codes */
    int count;
    struct sockaddr_storage addresses[RESOLVER_MAX_ADDRESSES]; /* best first, with the port */
};

/* wake_fd is an eventfd that is written to when an answer has come; -1: none. */
struct resolver *resolver_new(int wake_fd);

/* Forgets what was asked, at once: a lookup under way ends by itself and touches neither context
 * nor wake_fd. Accepts NULL. */
void resolver_free(struct resolver *resolver);

/* Asks for a host, given as name or literal address (IPv6 without brackets); a literal's answer is
 * there when the call returns. 0, or -EAGAIN when 4096 questions and answers are already waiting.
 */
int resolver_ask(struct resolver *resolver, const char *host, uint16_t port, void *context);

/* Takes the next answer; false when there is none. */
bool resolver_take(struct resolver *resolver, struct resolver_answer *ret_answer);

/* Drops the questions and answers of a context that is about to go. */
void resolver_forget(struct resolver *resolver, const void *context);

/* A literal address, without any lookup: 0, or -EINVAL for what would need one. */
int resolver_literal(const char *host, uint16_t port, struct sockaddr_storage *ret_address);

/* Bytes of the address that are in use, as connect(2) wants them. */
socklen_t resolver_address_length(const struct sockaddr_storage *address);

#endif
