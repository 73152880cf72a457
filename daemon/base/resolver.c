#include "resolver.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "memory.h"

enum { MAX_THREADS = 8, MAX_WAITING = 4096 };

struct lookup {
    struct lookup *next;
    char *host;
    uint16_t port;
    struct resolver_answer answer;
};

struct lookup_list {
    struct lookup *first, **end;
};

/* getaddrinfo can't be broken off, so that the state outlives resolver_free until the last thread
 * has left it. */
struct resolver {
    pthread_mutex_t lock;
    struct lookup_list questions, answers;
    struct lookup *running[MAX_THREADS]; /* a forgotten one has lost its place */
    unsigned waiting;                    /* questions, running ones and answers */
    unsigned threads;
    int wake_fd;
    bool closed;
};

static void list_init(struct lookup_list *list)
{
    list->first = NULL;
    list->end = &list->first;
}

static void list_add(struct lookup_list *list, struct lookup *lookup)
{
    lookup->next = NULL;
    *list->end = lookup;
    list->end = &lookup->next;
}

static struct lookup *list_take(struct lookup_list *list)
{
    struct lookup *lookup = list->first;

    if (lookup == NULL)
        return NULL;
    list->first = lookup->next;
    if (list->first == NULL)
        list->end = &list->first;
    return lookup;
}

static void lookup_free(struct lookup *lookup)
{
    free(lookup->host);
    free(lookup);
}

/* Frees them all, or those of the context; returns how many. */
static unsigned list_drop(struct lookup_list *list, bool all, const void *context)
{
    struct lookup_list kept;
    struct lookup *lookup;
    unsigned dropped = 0;

    list_init(&kept);
    while ((lookup = list_take(list)) != NULL) {
        if (all || lookup->answer.context == context) {
            lookup_free(lookup);
            dropped++;
        } else {
            list_add(&kept, lookup);
        }
    }
    list_init(list);
    if (kept.first != NULL)
        *list = kept;
    return dropped;
}

struct resolver *resolver_new(int wake_fd)
{
    struct resolver *resolver = mem_alloc(sizeof(*resolver));

    pthread_mutex_init(&resolver->lock, NULL);
    list_init(&resolver->questions);
    list_init(&resolver->answers);
    resolver->wake_fd = wake_fd;
    return resolver;
}

static void destroy(struct resolver *resolver)
{
    pthread_mutex_destroy(&resolver->lock);
    free(resolver);
}

void resolver_free(struct resolver *resolver)
{
    if (resolver == NULL)
        return;
    pthread_mutex_lock(&resolver->lock);
    list_drop(&resolver->questions, true, NULL);
    list_drop(&resolver->answers, true, NULL);
    memset(resolver->running, 0, sizeof(resolver->running));
    resolver->closed = true;
    bool last = resolver->threads == 0;
    pthread_mutex_unlock(&resolver->lock);
    if (last)
        destroy(resolver);
}

socklen_t resolver_address_length(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                          : sizeof(struct sockaddr_in);
}

static void set_port(struct sockaddr_storage *address, uint16_t port)
{
    if (address->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)address)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)address)->sin_port = htons(port);
}

static void look_up(const char *host, uint16_t port, int flags, struct resolver_answer *answer)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags};
    struct addrinfo *found = NULL;

    answer->error = getaddrinfo(host, NULL, &hints, &found);
    if (answer->error != 0)
        return;
    for (const struct addrinfo *at = found; at != NULL; at = at->ai_next) {
        if (at->ai_family != AF_INET && at->ai_family != AF_INET6)
            continue;
        if (answer->count == RESOLVER_MAX_ADDRESSES)
            break;
        struct sockaddr_storage *address = &answer->addresses[answer->count++];
        memcpy(address, at->ai_addr, at->ai_addrlen);
        set_port(address, port);
    }
    freeaddrinfo(found);
    if (answer->count == 0)
        answer->error = EAI_NONAME;
}

static void give_answer(struct resolver *resolver, struct lookup *lookup)
{
    list_add(&resolver->answers, lookup);
    if (resolver->wake_fd >= 0)
        eventfd_write(resolver->wake_fd, 1);
}

static unsigned find_running(const struct resolver *resolver, const struct lookup *lookup)
{
    unsigned place = 0;

    while (place < MAX_THREADS && resolver->running[place] != lookup)
        place++;
    return place;
}

static void *run(void *argument)
{
    struct resolver *resolver = argument;
    struct lookup *lookup;

    pthread_mutex_lock(&resolver->lock);
    while ((lookup = list_take(&resolver->questions)) != NULL) {
        resolver->running[find_running(resolver, NULL)] = lookup;
        pthread_mutex_unlock(&resolver->lock);
        look_up(lookup->host, lookup->port, 0, &lookup->answer);
        pthread_mutex_lock(&resolver->lock);
        unsigned place = find_running(resolver, lookup);
        if (place == MAX_THREADS) {
            lookup_free(lookup);
            continue;
        }
        resolver->running[place] = NULL;
        give_answer(resolver, lookup);
    }
    resolver->threads--;
    bool last = resolver->closed && resolver->threads == 0;
    pthread_mutex_unlock(&resolver->lock);
    if (last)
        destroy(resolver);
    return NULL;
}

static void start_thread(struct resolver *resolver)
{
    pthread_attr_t attributes;
    pthread_t thread;

    if (resolver->threads == MAX_THREADS)
        return;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &attributes, run, resolver) == 0)
        resolver->threads++;
    pthread_attr_destroy(&attributes);
}

/* No thread could be started and none runs, so that the one question would wait for ever. */
static void refuse_question(struct resolver *resolver)
{
    struct lookup *lookup = list_take(&resolver->questions);

    lookup->answer.error = EAI_AGAIN;
    give_answer(resolver, lookup);
}

int resolver_ask(struct resolver *resolver, const char *host, uint16_t port, void *context)
{
    struct lookup *lookup = mem_alloc(sizeof(*lookup));
    int error = 0;

    lookup->host = mem_string(host);
    lookup->port = port;
    lookup->answer.context = context;
    bool literal = resolver_literal(host, port, &lookup->answer.addresses[0]) == 0;
    lookup->answer.count = literal ? 1 : 0;

    pthread_mutex_lock(&resolver->lock);
    if (resolver->waiting == MAX_WAITING) {
        error = -EAGAIN;
    } else if (literal) {
        resolver->waiting++;
        give_answer(resolver, lookup);
    } else {
        resolver->waiting++;
        list_add(&resolver->questions, lookup);
        start_thread(resolver);
        if (resolver->threads == 0)
            refuse_question(resolver);
    }
    pthread_mutex_unlock(&resolver->lock);
    if (error != 0)
        lookup_free(lookup);
    return error;
}

bool resolver_take(struct resolver *resolver, struct resolver_answer *ret_answer)
{
    pthread_mutex_lock(&resolver->lock);
    struct lookup *lookup = list_take(&resolver->answers);
    if (lookup != NULL)
        resolver->waiting--;
    pthread_mutex_unlock(&resolver->lock);
    if (lookup == NULL)
        return false;
    *ret_answer = lookup->answer;
    lookup_free(lookup);
    return true;
}

void resolver_forget(struct resolver *resolver, const void *context)
{
    pthread_mutex_lock(&resolver->lock);
    resolver->waiting -= list_drop(&resolver->questions, false, context);
    resolver->waiting -= list_drop(&resolver->answers, false, context);
    for (unsigned i = 0; i < MAX_THREADS; i++) {
        if (resolver->running[i] != NULL && resolver->running[i]->answer.context == context) {
            resolver->running[i] = NULL;
            resolver->waiting--;
        }
    }
    pthread_mutex_unlock(&resolver->lock);
}

int resolver_literal(const char *host, uint16_t port, struct sockaddr_storage *ret_address)
{
    struct resolver_answer answer = {0};

    look_up(host, port, AI_NUMERICHOST, &answer);
    if (answer.error != 0)
        return -EINVAL;
    *ret_address = answer.addresses[0];
    return 0;
}
