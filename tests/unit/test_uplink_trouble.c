#include "broker_fixture.h"
#include "live_alarm.h"

static void test_uplink_keeps_back_what_is_too_large_for_the_broker(void **state)
{
    struct uplink_settings settings = plain_settings(true);
    static const char payload[3000];
    struct driven driven;

    (void)state;
    broker_start(&broker, "allow_anonymous true\nmax_packet_size 2000");
    open_connected(&driven, &settings);
    assert_int_equal(uplink_max_packet(driven.uplink), 2000);
    assert_int_equal(uplink_publish(driven.uplink, "a", payload, sizeof(payload), false, 3, 0), 0);
    struct uplink_event event = driven_next(&driven);
    assert_int_equal(event.kind, UPLINK_FAILED);
    assert_int_equal(event.ticket, 3);
    assert_int_equal(event.reason, 0x95);
    assert_int_equal(
        uplink_publish(driven.uplink, "a", payload, 2000 - 11, false, 4, clock_mono_ns()), 0);
    expect_acknowledged(&driven, 4);
    driven_close(&driven);
}

static void test_uplink_tells_which_message_the_broker_refused(void **state)
{
    struct uplink_settings settings = plain_settings(true);
    struct driven driven;

    (void)state;
    broker_run(&broker, "echo topic write allowed >acl && chmod a+r acl");
    broker_start(&broker, "allow_anonymous true\nacl_file acl");
    open_connected(&driven, &settings);
    driven_publish(&driven, "forbidden", 8);
    struct uplink_event event = driven_next(&driven);
    assert_int_equal(event.kind, UPLINK_FAILED);
    assert_int_equal(event.ticket, 8);
    assert_int_equal(event.reason, 0x87);
    driven_publish(&driven, "allowed", 9);
    expect_acknowledged(&driven, 9);
    driven_close(&driven);
}

static void test_uplink_fails_a_topic_that_is_no_text(void **state)
{
    struct uplink_settings settings = plain_settings(true);
    struct driven driven;

    (void)state;
    broker_start(&broker, OPEN_TO_ALL);
    open_connected(&driven, &settings);
    driven_publish(&driven, "\xFF\xFE", 8);
    struct uplink_event event = driven_next(&driven);
    assert_int_equal(event.kind, UPLINK_FAILED);
    assert_int_equal(event.reason, -1);
    driven_close(&driven);
}

static void write_password(const char *path, const char *password)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    fputs(password, file);
    fclose(file);
}

static void test_uplink_reads_the_password_anew_at_each_connect(void **state)
{
    struct uplink_settings settings = plain_settings(true);
    struct driven driven;
    char path[64];

    (void)state;
    snprintf(path, sizeof(path), "%s/password", broker.directory);
    settings.username = "gateway";
    settings.password_file = path;
    broker_run(&broker, "mosquitto_passwd -b -c users gateway secret && chmod a+r users");
    broker_start(&broker, "password_file users");
    driven_open(&driven, &settings, NULL);
    driven_expect_trouble(&driven, "No such file or directory");
    write_password(path, "guess\n");
    uplink_step(driven.uplink, clock_mono_ns() + 2 * NS_PER_S);
    while (strstr(uplink_trouble(driven.uplink), "No such file") != NULL) {
        driven_sleep(&driven, clock_mono_ns() + NS_PER_S);
        uplink_step(driven.uplink, clock_mono_ns());
    }
    assert_string_equal(uplink_trouble(driven.uplink), "not authorized");
    write_password(path, "secret\n");
    driven_expect(&driven, UPLINK_CONNECTED);
    driven_close(&driven);
}

static void test_uplink_says_that_the_password_is_wrong_with_mqtt_3(void **state)
{
    struct uplink_settings settings = plain_settings(false);
    struct driven driven;

    (void)state;
    settings.username = "gateway";
    broker_run(&broker, "mosquitto_passwd -b -c users gateway secret && chmod a+r users");
    broker_start(&broker, "password_file users");
    driven_open(&driven, &settings, NULL);
    driven_expect_trouble(&driven, "not authorized");
    driven_close(&driven);
}

/* Plays a broker that lets the uplink in and throws it out again, as one does on which a second
 * client has our name. */
static void play_takeover(int listening)
{
    static const uint8_t connack[] = {0x20, 3, 0, 0, 0}, taken_over[] = {0xE0, 1, 0x8E};
    char packet[512];
    int fd = accept(listening, NULL, NULL);

    assert_true(fd >= 0);
    assert_true(read(fd, packet, sizeof(packet)) > 0);
    assert_int_equal(write(fd, connack, sizeof(connack)), sizeof(connack));
    assert_int_equal(write(fd, taken_over, sizeof(taken_over)), sizeof(taken_over));
    while (read(fd, packet, sizeof(packet)) > 0)
        continue;
    close(fd);
}

/* The same with MQTT 3.1.1, which has no word for it. */
static void play_wordless_takeover(int listening)
{
    static const uint8_t connack[] = {0x20, 2, 0, 0};
    char packet[512];
    int fd = accept(listening, NULL, NULL);

    assert_true(fd >= 0);
    assert_true(read(fd, packet, sizeof(packet)) > 0);
    assert_int_equal(write(fd, connack, sizeof(connack)), sizeof(connack));
    close(fd);
}

static int listen_as_broker(void)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(broker.port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

static void test_uplink_backs_off_from_another_client_of_its_name(void **state)
{
    static const int64_t at_least_ns[] = {NS_PER_S / 2, 3 * NS_PER_S / 2, 3 * NS_PER_S};
    struct uplink_settings settings = plain_settings(true);
    struct driven driven;

    (void)state;
    int listening = listen_as_broker();
    settings.host = "127.0.0.1";
    driven_open(&driven, &settings, NULL);
    for (int round = 0; round < 3; round++) {
        uplink_step(driven.uplink, driven_now(&driven));
        play_takeover(listening);
        driven_expect(&driven, UPLINK_CONNECTED);
        driven_expect(&driven, UPLINK_DISCONNECTED);
        assert_string_equal(uplink_trouble(driven.uplink),
                            "another client took over our client id");
        int64_t now_ns = driven_now(&driven);
        int64_t wait_ns = uplink_step(driven.uplink, now_ns) - now_ns;
        assert_true(wait_ns >= at_least_ns[round]);
        driven.ahead_ns += wait_ns;
    }
    driven_close(&driven);
    close(listening);
}

static bool has_alarm(struct live *live, enum live_alarm alarm)
{
    struct text status = {0};

    live_status_json(live, &status);
    bool found = strstr(status.data, live_alarm_name(alarm)) != NULL;
    text_free(&status);
    return found;
}

/* One connection that the play ends, and the wait for the next. */
static void be_thrown_out(struct driven *driven, int listening, void (*play)(int listening))
{
    uplink_step(driven->uplink, driven_now(driven));
    play(listening);
    driven_expect(driven, UPLINK_CONNECTED);
    driven_expect(driven, UPLINK_DISCONNECTED);
    driven->ahead_ns += uplink_step(driven->uplink, driven_now(driven)) - driven_now(driven);
}

static void test_alarm_of_a_second_client_is_over_after_two_minutes_alone(void **state)
{
    struct uplink_settings settings = plain_settings(true);
    struct live *live = live_new();
    struct driven driven;

    (void)state;
    int listening = listen_as_broker();
    settings.host = "127.0.0.1";
    driven_open(&driven, &settings, NULL);
    uplink_alarm_to(driven.uplink, live);
    be_thrown_out(&driven, listening, play_takeover);
    assert_true(has_alarm(live, ALARM_DUPLICATE_CLIENT));
    close(listening);
    broker_start(&broker, OPEN_TO_ALL);
    driven_expect(&driven, UPLINK_CONNECTED);
    uplink_step(driven.uplink, driven_now(&driven) + 119 * NS_PER_S);
    assert_true(has_alarm(live, ALARM_DUPLICATE_CLIENT));
    uplink_step(driven.uplink, driven_now(&driven) + 121 * NS_PER_S);
    assert_false(has_alarm(live, ALARM_DUPLICATE_CLIENT));
    assert_int_equal(uplink_connects(driven.uplink), 2);
    driven_close(&driven);
    live_free(live);
}

static void test_alarm_of_a_second_client_needs_three_times_without_a_word(void **state)
{
    struct uplink_settings settings = plain_settings(false);
    struct live *live = live_new();
    struct driven driven;

    (void)state;
    int listening = listen_as_broker();
    settings.host = "127.0.0.1";
    driven_open(&driven, &settings, NULL);
    uplink_alarm_to(driven.uplink, live);
    be_thrown_out(&driven, listening, play_wordless_takeover);
    be_thrown_out(&driven, listening, play_wordless_takeover);
    assert_false(has_alarm(live, ALARM_DUPLICATE_CLIENT));
    be_thrown_out(&driven, listening, play_wordless_takeover);
    assert_true(has_alarm(live, ALARM_DUPLICATE_CLIENT));
    driven_close(&driven);
    close(listening);
    live_free(live);
}

static void test_uplink_says_that_nobody_listens(void **state)
{
    struct uplink_settings settings = plain_settings(true);
    struct driven driven;

    (void)state;
    driven_open(&driven, &settings, NULL);
    driven_expect_trouble(&driven, "connection refused");
    broker_start(&broker, OPEN_TO_ALL);
    driven_expect(&driven, UPLINK_CONNECTED);
    driven_close(&driven);
}

static void test_uplink_says_that_a_name_is_unknown(void **state)
{
    struct uplink_settings settings = plain_settings(true);
    struct driven driven;

    (void)state;
    settings.host = "no-such-host.invalid";
    driven_open(&driven, &settings, NULL);
    driven_expect_trouble(&driven, "no-such-host.invalid: ");
    driven_close(&driven);
}

/* A proxy for browsers is none for the uplink: nobody listens there. */
static void test_uplink_obeys_no_proxy_of_the_environment(void **state)
{
    struct uplink_settings settings = plain_settings(true);
    struct driven driven;

    (void)state;
    broker_start(&broker, OPEN_TO_ALL);
    open_connected(&driven, &settings);
    driven_close(&driven);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BROKER(test_uplink_reads_the_password_anew_at_each_connect),
        WITH_BROKER(test_uplink_says_that_the_password_is_wrong_with_mqtt_3),
        WITH_BROKER(test_uplink_backs_off_from_another_client_of_its_name),
        WITH_BROKER(test_alarm_of_a_second_client_is_over_after_two_minutes_alone),
        WITH_BROKER(test_alarm_of_a_second_client_needs_three_times_without_a_word),
        WITH_BROKER(test_uplink_says_that_nobody_listens),
        WITH_BROKER(test_uplink_says_that_a_name_is_unknown),
        WITH_BROKER(test_uplink_keeps_back_what_is_too_large_for_the_broker),
        WITH_BROKER(test_uplink_tells_which_message_the_broker_refused),
        WITH_BROKER(test_uplink_fails_a_topic_that_is_no_text),
        WITH_BROKER(test_uplink_obeys_no_proxy_of_the_environment),
    };

    setenv("http_proxy", "http://127.0.0.1:9", 1);
    setenv("https_proxy", "http://127.0.0.1:9", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
