#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>

#include <cmocka.h>

#include "clock.h"
#include "mailbox.h"

enum { CALLERS = 4, CALLS = 200 };

#define FAR_NS (60 * NS_PER_S)

/* A thread that owns a mailbox and serves it until it is told to stop. */
struct owner {
    struct mailbox *mailbox;
    pthread_t thread;
    bool stopping;        /* the owner's alone, so that TSan would see a call elsewhere */
    unsigned served;      /* likewise */
    atomic_uint returned; /* from mailbox_wait */
};

static void *own(void *argument)
{
    struct owner *owner = argument;
    while (!owner->stopping) {
        mailbox_wait(owner->mailbox, clock_mono_ns() + FAR_NS);
        atomic_fetch_add(&owner->returned, 1);
    }
    return NULL;
}

static int set_up(void **state)
{
    static struct owner owner;
    owner = (struct owner){.mailbox = mailbox_new()};
    *state = &owner;
    return pthread_create(&owner.thread, NULL, own, &owner);
}

static void stop(void *argument)
{
    struct owner *owner = argument;
    owner->stopping = true;
}

static int tear_down(void **state)
{
    struct owner *owner = *state;
    mailbox_call(owner->mailbox, stop, owner);
    pthread_join(owner->thread, NULL);
    mailbox_free(owner->mailbox);
    return 0;
}

struct visit {
    struct owner *owner;
    pthread_t thread;
};

static void visit(void *argument)
{
    struct visit *visited = argument;
    visited->thread = pthread_self();
    visited->owner->served++;
}

static void test_mailbox_runs_a_call_on_its_owners_thread(void **state)
{
    struct visit visited = {.owner = *state, .thread = pthread_self()};
    mailbox_call(visited.owner->mailbox, visit, &visited);
    assert_true(pthread_equal(visited.thread, visited.owner->thread));
}

static void test_mailbox_returns_when_the_call_is_over(void **state)
{
    struct visit visited = {.owner = *state};
    for (unsigned i = 1; i <= CALLS; i++) {
        mailbox_call(visited.owner->mailbox, visit, &visited);
        assert_int_equal(visited.owner->served, i);
    }
}

static void *call_often(void *argument)
{
    struct visit visited = {.owner = argument};
    for (unsigned i = 0; i < CALLS; i++)
        mailbox_call(visited.owner->mailbox, visit, &visited);
    return NULL;
}

static void test_mailbox_serves_every_call_of_several_threads_once(void **state)
{
    struct owner *owner = *state;
    pthread_t callers[CALLERS];
    for (int i = 0; i < CALLERS; i++)
        assert_int_equal(pthread_create(&callers[i], NULL, call_often, owner), 0);
    for (int i = 0; i < CALLERS; i++)
        pthread_join(callers[i], NULL);
    struct visit visited = {.owner = owner};
    mailbox_call(owner->mailbox, visit, &visited);
    assert_int_equal(owner->served, CALLERS * CALLS + 1);
}

static void test_mailbox_wakes_its_owner_for_whoever_writes(void **state)
{
    struct owner *owner = *state;
    unsigned before = atomic_load(&owner->returned);
    assert_int_equal(eventfd_write(mailbox_fd(owner->mailbox), 1), 0);
    while (atomic_load(&owner->returned) == before)
        poll(NULL, 0, 1);
}

/* The owner and the caller may be one here, since nothing is posted. */
static void test_mailbox_wait_ends_at_its_time(void **state)
{
    struct mailbox *mailbox = mailbox_new();
    int64_t until_ns = clock_mono_ns() + 20 * NS_PER_MS;
    (void)state;
    mailbox_wait(mailbox, until_ns);
    assert_true(clock_mono_ns() >= until_ns);
    mailbox_wait(mailbox, 0);
    mailbox_wait(mailbox, INT64_MIN / 2);
    mailbox_free(mailbox);
}

static void test_mailbox_wait_uses_up_what_woke_it(void **state)
{
    struct mailbox *mailbox = mailbox_new();
    struct pollfd wake = {.fd = mailbox_fd(mailbox), .events = POLLIN};
    (void)state;
    eventfd_write(wake.fd, 1);
    eventfd_write(wake.fd, 1);
    assert_int_equal(poll(&wake, 1, 0), 1);
    mailbox_wait(mailbox, clock_mono_ns() + FAR_NS);
    assert_int_equal(poll(&wake, 1, 0), 0);
    mailbox_free(mailbox);
}

static void test_mailbox_serves_a_call_though_its_time_has_passed(void **state)
{
    struct owner late = {.mailbox = mailbox_new()};
    pthread_t caller;
    (void)state;
    assert_int_equal(pthread_create(&caller, NULL, call_often, &late), 0);
    while (late.served < CALLS)
        mailbox_wait(late.mailbox, 0);
    pthread_join(caller, NULL);
    assert_int_equal(late.served, CALLS);
    mailbox_free(late.mailbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_mailbox_runs_a_call_on_its_owners_thread, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_mailbox_returns_when_the_call_is_over, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_mailbox_serves_every_call_of_several_threads_once,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mailbox_wakes_its_owner_for_whoever_writes, set_up,
                                        tear_down),
        cmocka_unit_test(test_mailbox_wait_ends_at_its_time),
        cmocka_unit_test(test_mailbox_wait_uses_up_what_woke_it),
        cmocka_unit_test(test_mailbox_serves_a_call_though_its_time_has_passed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
