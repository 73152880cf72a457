#include <stdatomic.h>

#include "broker_fixture.h"
#include "window.h"

/* Ends this process's connections to the broker without a word of MQTT. */
static void cut_connections(void)
{
    struct sockaddr_in peer;

    for (int fd = 0; fd < 256; fd++) {
        socklen_t length = sizeof(peer);
        if (getpeername(fd, (struct sockaddr *)&peer, &length) == 0 && peer.sin_family == AF_INET &&
            ntohs(peer.sin_port) == broker.port)
            shutdown(fd, SHUT_RDWR);
    }
}

static void check_acknowledgements(bool mqtt5)
{
    struct uplink_settings settings = plain_settings(mqtt5);
    struct driven driven;

    broker_start(&broker, OPEN_TO_ALL);
    open_connected(&driven, &settings);
    assert_int_equal(uplink_room(driven.uplink), WINDOW_MAX);
    for (uint32_t ticket = 1; ticket <= WINDOW_MAX; ticket++)
        driven_publish(&driven, "a/b", ticket);
    assert_int_equal(uplink_room(driven.uplink), 0);
    assert_int_equal(uplink_publish(driven.uplink, "a/b", "x", 1, false, 7, 0), -EAGAIN);
    for (uint32_t ticket = 1; ticket <= WINDOW_MAX; ticket++)
        expect_acknowledged(&driven, ticket);
    assert_int_equal(uplink_room(driven.uplink), WINDOW_MAX);
    driven_close(&driven);
}

static void test_uplink_gets_acknowledgements_with_mqtt_5(void **state)
{
    (void)state;
    check_acknowledgements(true);
}

static void test_uplink_gets_acknowledgements_with_mqtt_3(void **state)
{
    (void)state;
    check_acknowledgements(false);
}

static void test_uplink_tells_nothing_of_ticket_zero(void **state)
{
    struct uplink_settings settings = plain_settings(true);
    struct driven driven;

    (void)state;
    broker_start(&broker, OPEN_TO_ALL);
    open_connected(&driven, &settings);
    driven_publish(&driven, "a", 0);
    driven_publish(&driven, "a", 1);
    expect_acknowledged(&driven, 1);
    driven_close(&driven);
}

static void check_outage(bool mqtt5)
{
    struct uplink_settings settings = plain_settings(mqtt5);
    struct driven driven;

    broker_start(&broker, OPEN_TO_ALL);
    open_connected(&driven, &settings);
    assert_int_equal(kill(broker.pid, SIGSTOP), 0);
    for (uint32_t ticket = 1; ticket <= 10; ticket++)
        driven_publish(&driven, "a/b", ticket);
    broker_kill(&broker);
    driven_expect(&driven, UPLINK_DISCONNECTED);
    assert_false(uplink_connected(driven.uplink));
    assert_int_equal(uplink_room(driven.uplink), 0);
    assert_int_equal(uplink_publish(driven.uplink, "a/b", "x", 1, false, 11, 0), -ENOTCONN);
    broker_start(&broker, OPEN_TO_ALL);
    driven_expect(&driven, UPLINK_CONNECTED);
    assert_int_equal(uplink_room(driven.uplink), WINDOW_MAX);
    driven_publish(&driven, "a/b", 12);
    expect_acknowledged(&driven, 12);
    driven_close(&driven);
}

static void test_uplink_comes_back_after_an_outage_with_mqtt_5(void **state)
{
    (void)state;
    check_outage(true);
}

static void test_uplink_comes_back_after_an_outage_with_mqtt_3(void **state)
{
    (void)state;
    check_outage(false);
}

static void test_uplink_leaves_a_broker_that_acknowledges_nothing(void **state)
{
    struct uplink_settings settings = plain_settings(true);
    struct driven driven;

    (void)state;
    broker_start(&broker, OPEN_TO_ALL);
    open_connected(&driven, &settings);
    assert_int_equal(kill(broker.pid, SIGSTOP), 0);
    driven_publish(&driven, "a", 1);
    uplink_step(driven.uplink, clock_mono_ns() + 29 * NS_PER_S);
    assert_int_equal(uplink_next_event(driven.uplink).kind, UPLINK_NONE);
    uplink_step(driven.uplink, clock_mono_ns() + 31 * NS_PER_S);
    assert_int_equal(uplink_next_event(driven.uplink).kind, UPLINK_DISCONNECTED);
    assert_string_equal(uplink_trouble(driven.uplink), "the broker acknowledges nothing");
    kill(broker.pid, SIGCONT);
    driven_expect(&driven, UPLINK_CONNECTED);
    driven_close(&driven);
}

struct inbox {
    atomic_uint count;
    int wake_fd;
    char topic[32], payload[32];
    bool retained;
};

static void keep_message(void *context, const char *topic, size_t topic_length, const void *payload,
                         size_t length, bool retained)
{
    struct inbox *inbox = context;

    snprintf(inbox->topic, sizeof(inbox->topic), "%.*s", (int)topic_length, topic);
    snprintf(inbox->payload, sizeof(inbox->payload), "%.*s", (int)length, (const char *)payload);
    inbox->retained = retained;
    atomic_fetch_add(&inbox->count, 1);
    eventfd_write(inbox->wake_fd, 1);
}

static void open_subscriber(struct driven *driven, const char *topic, struct inbox *inbox)
{
    struct uplink_settings settings = plain_settings(true);

    settings.client_id = "subscriber";
    driven_open(driven, &settings, NULL);
    inbox->wake_fd = driven->wake_fd;
    uplink_subscribe(driven->uplink, topic, keep_message, inbox);
    driven_expect(driven, UPLINK_CONNECTED);
}

static void wait_for_messages(struct driven *driven, struct inbox *inbox, unsigned count)
{
    const int64_t give_up_ns = clock_mono_ns() + PATIENCE_NS;

    while (atomic_load(&inbox->count) < count) {
        uplink_step(driven->uplink, clock_mono_ns());
        assert_true(clock_mono_ns() < give_up_ns);
        driven_sleep(driven, clock_mono_ns() + NS_PER_S);
    }
}

static void test_uplink_gives_a_subscriber_what_arrives(void **state)
{
    struct inbox inbox = {0};
    struct driven driven;

    (void)state;
    broker_start(&broker, OPEN_TO_ALL);
    open_subscriber(&driven, "root/+/command", &inbox);
    driven_publish(&driven, "root/binder-1/command", 0);
    wait_for_messages(&driven, &inbox, 1);
    assert_string_equal(inbox.topic, "root/binder-1/command");
    assert_string_equal(inbox.payload, "payload");
    assert_false(inbox.retained);
    driven_close(&driven);
}

static void test_uplink_subscribes_again_after_a_cut(void **state)
{
    struct inbox inbox = {0};
    struct driven driven;

    (void)state;
    broker_start(&broker, OPEN_TO_ALL);
    open_subscriber(&driven, "a", &inbox);
    cut_connections();
    driven_expect(&driven, UPLINK_DISCONNECTED);
    driven_expect(&driven, UPLINK_CONNECTED);
    driven_publish(&driven, "a", 0);
    wait_for_messages(&driven, &inbox, 1);
    driven_close(&driven);
}

static void test_uplink_leaves_its_will_retained(void **state)
{
    struct uplink_settings settings = plain_settings(true);
    struct driven gateway, subscriber;
    struct inbox inbox = {0};

    (void)state;
    broker_start(&broker, OPEN_TO_ALL);
    driven_open(&gateway, &settings, "root/status");
    driven_expect(&gateway, UPLINK_CONNECTED);
    cut_connections();
    driven_expect(&gateway, UPLINK_DISCONNECTED);
    open_subscriber(&subscriber, "root/status", &inbox);
    wait_for_messages(&subscriber, &inbox, 1);
    assert_string_equal(inbox.topic, "root/status");
    assert_string_equal(inbox.payload, "gone");
    assert_true(inbox.retained);
    driven_close(&subscriber);
    driven_close(&gateway);
}

static void test_uplink_close_sends_what_is_in_flight_and_no_will(void **state)
{
    struct uplink_settings settings = plain_settings(true);
    struct driven gateway, subscriber;
    struct inbox inbox = {0};

    (void)state;
    broker_start(&broker, OPEN_TO_ALL);
    open_subscriber(&subscriber, "root/#", &inbox);
    driven_open(&gateway, &settings, "root/will");
    driven_expect(&gateway, UPLINK_CONNECTED);
    for (int i = 0; i < 50; i++)
        driven_publish(&gateway, "root/last", 0);
    driven_close(&gateway);
    driven_publish(&subscriber, "root/after", 0);
    wait_for_messages(&subscriber, &inbox, 51);
    assert_string_equal(inbox.topic, "root/after");
    assert_int_equal(atomic_load(&inbox.count), 51);
    driven_close(&subscriber);
}

static void test_uplink_keeps_to_the_receive_maximum(void **state)
{
    enum { MESSAGES = 500, RECEIVE_MAXIMUM = 10 };
    struct uplink_settings settings = plain_settings(true);
    struct driven driven;
    uint32_t sent = 0, acknowledged = 0;

    (void)state;
    broker_start(&broker, "allow_anonymous true\nmax_inflight_messages 10");
    open_connected(&driven, &settings);
    assert_in_range(uplink_room(driven.uplink), 1, RECEIVE_MAXIMUM);
    while (acknowledged < MESSAGES) {
        while (sent < MESSAGES && uplink_room(driven.uplink) > 0)
            driven_publish(&driven, "a", ++sent);
        expect_acknowledged(&driven, ++acknowledged);
        assert_in_range(uplink_room(driven.uplink), 0, RECEIVE_MAXIMUM);
    }
    driven_close(&driven);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BROKER(test_uplink_gets_acknowledgements_with_mqtt_5),
        WITH_BROKER(test_uplink_gets_acknowledgements_with_mqtt_3),
        WITH_BROKER(test_uplink_tells_nothing_of_ticket_zero),
        WITH_BROKER(test_uplink_comes_back_after_an_outage_with_mqtt_5),
        WITH_BROKER(test_uplink_comes_back_after_an_outage_with_mqtt_3),
        WITH_BROKER(test_uplink_leaves_a_broker_that_acknowledges_nothing),
        WITH_BROKER(test_uplink_gives_a_subscriber_what_arrives),
        WITH_BROKER(test_uplink_subscribes_again_after_a_cut),
        WITH_BROKER(test_uplink_leaves_its_will_retained),
        WITH_BROKER(test_uplink_close_sends_what_is_in_flight_and_no_will),
        WITH_BROKER(test_uplink_keeps_to_the_receive_maximum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
