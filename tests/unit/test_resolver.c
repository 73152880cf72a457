#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "resolver.h"

enum { PATIENCE_MS = 20000 };

static int wake_fd;

static int set_up(void **state)
{
    (void)state;
    wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return wake_fd < 0;
}

static int tear_down(void **state)
{
    (void)state;
    return close(wake_fd);
}

static bool woken(int timeout_ms)
{
    struct pollfd wake = {.fd = wake_fd, .events = POLLIN};
    eventfd_t count;

    if (poll(&wake, 1, timeout_ms) <= 0)
        return false;
    eventfd_read(wake_fd, &count);
    return true;
}

static struct resolver_answer wait_for_answer(struct resolver *resolver)
{
    struct resolver_answer answer;

    while (!resolver_take(resolver, &answer))
        assert_true(woken(PATIENCE_MS));
    return answer;
}

static void test_resolver_answers_a_literal_at_once(void **state)
{
    struct resolver *resolver = resolver_new(wake_fd);
    struct resolver_answer answer;
    int context;

    (void)state;
    assert_int_equal(resolver_ask(resolver, "192.0.2.7", 502, &context), 0);
    assert_true(woken(0));
    assert_true(resolver_take(resolver, &answer));
    assert_int_equal(answer.error, 0);
    assert_int_equal(answer.count, 1);
    assert_ptr_equal(answer.context, &context);
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&answer.addresses[0];
    assert_int_equal(v4->sin_family, AF_INET);
    assert_int_equal(ntohs(v4->sin_port), 502);
    assert_int_equal(ntohl(v4->sin_addr.s_addr), 0xC0000207);
    assert_false(resolver_take(resolver, &answer));
    resolver_free(resolver);
}

static void test_resolver_reads_a_literal_of_version_six(void **state)
{
    struct sockaddr_storage address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address;

    (void)state;
    assert_int_equal(resolver_literal("2001:db8::1", 8883, &address), 0);
    assert_int_equal(v6->sin6_family, AF_INET6);
    assert_int_equal(ntohs(v6->sin6_port), 8883);
    assert_int_equal(resolver_address_length(&address), sizeof(*v6));
}

static void test_resolver_takes_no_name_for_a_literal(void **state)
{
    static const char *const names[] = {"localhost", "1.2.3.4.example", "1.2.3.256", "", "[::1]"};
    struct sockaddr_storage address = {.ss_family = AF_UNIX};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(resolver_literal(names[i], 1, &address), -EINVAL);
    assert_int_equal(address.ss_family, AF_UNIX);
}

static void test_resolver_looks_up_a_name(void **state)
{
    struct resolver *resolver = resolver_new(wake_fd);

    (void)state;
    assert_int_equal(resolver_ask(resolver, "localhost", 1883, resolver), 0);
    struct resolver_answer answer = wait_for_answer(resolver);
    assert_int_equal(answer.error, 0);
    assert_in_range(answer.count, 1, RESOLVER_MAX_ADDRESSES);
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&answer.addresses[0];
    assert_int_equal(ntohs(v4->sin_port), 1883);
    resolver_free(resolver);
}

static void test_resolver_tells_why_a_name_has_no_address(void **state)
{
    struct resolver *resolver = resolver_new(wake_fd);

    (void)state;
    assert_int_equal(resolver_ask(resolver, "no-such-host.invalid", 1883, NULL), 0);
    struct resolver_answer answer = wait_for_answer(resolver);
    assert_true(answer.error == EAI_NONAME || answer.error == EAI_AGAIN);
    assert_int_equal(answer.count, 0);
    resolver_free(resolver);
}

static void test_resolver_answers_every_question_of_many(void **state)
{
    enum { QUESTIONS = 200 };
    struct resolver *resolver = resolver_new(wake_fd);
    static bool answered[QUESTIONS];

    (void)state;
    for (size_t i = 0; i < QUESTIONS; i++)
        assert_int_equal(resolver_ask(resolver, "localhost", 1, &answered[i]), 0);
    for (size_t i = 0; i < QUESTIONS; i++) {
        bool *which = wait_for_answer(resolver).context;
        assert_false(*which);
        *which = true;
    }
    resolver_free(resolver);
}

static void test_resolver_is_bounded(void **state)
{
    struct resolver *resolver = resolver_new(-1);
    struct resolver_answer answer;
    int asked = 0;

    (void)state;
    while (resolver_ask(resolver, "127.0.0.1", 1, NULL) == 0)
        asked++;
    assert_int_equal(asked, 4096);
    assert_true(resolver_take(resolver, &answer));
    assert_int_equal(resolver_ask(resolver, "127.0.0.1", 1, NULL), 0);
    assert_int_equal(resolver_ask(resolver, "127.0.0.1", 1, NULL), -EAGAIN);
    resolver_free(resolver);
}

static void test_resolver_forgets_a_context(void **state)
{
    struct resolver *resolver = resolver_new(wake_fd);
    struct resolver_answer answer;
    int gone, kept;

    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(resolver_ask(resolver, "localhost", 1, &gone), 0);
        assert_int_equal(resolver_ask(resolver, "127.0.0.1", 1, &gone), 0);
    }
    assert_int_equal(resolver_ask(resolver, "localhost", 1, &kept), 0);
    resolver_forget(resolver, &gone);
    assert_ptr_equal(wait_for_answer(resolver).context, &kept);
    assert_false(resolver_take(resolver, &answer));
    resolver_free(resolver);
}

static void test_resolver_goes_with_lookups_under_way(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        struct resolver *resolver = resolver_new(wake_fd);
        for (int i = 0; i < 20; i++)
            assert_int_equal(resolver_ask(resolver, "no-such-host.invalid", 1, NULL), 0);
        resolver_free(resolver);
    }
    resolver_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_resolver_answers_a_literal_at_once, set_up, tear_down),
        cmocka_unit_test(test_resolver_reads_a_literal_of_version_six),
        cmocka_unit_test(test_resolver_takes_no_name_for_a_literal),
        cmocka_unit_test_setup_teardown(test_resolver_looks_up_a_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_resolver_tells_why_a_name_has_no_address, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_resolver_answers_every_question_of_many, set_up,
                                        tear_down),
        cmocka_unit_test(test_resolver_is_bounded),
        cmocka_unit_test_setup_teardown(test_resolver_forgets_a_context, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_resolver_goes_with_lookups_under_way, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
