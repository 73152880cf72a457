#include "broker_fixture.h"

/* One authority, and beside it one that nobody knows; certificates of the server for the right
 * name, a wrong one, and a time that has passed; one of a client. */
static void make_certificates(void)
{
    static const char later[] = "20991231235959Z", before[] = "20210101000000Z";
    static const struct {
        const char *name, *subject, *until;
    } leaves[] = {
        {"right", "localhost", later},
        {"wrong", "elsewhere.example", later},
        {"expired", "localhost", before},
        {"client", "gateway", later},
    };

    for (int i = 0; i < 2; i++)
        broker_run(&broker,
                   "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=%s "
                   "-keyout %s.key -out %s.pem",
                   i ? "other" : "ca", i ? "other" : "ca", i ? "other" : "ca");
    broker_run(&broker, ": >index.txt && printf '[ca]\\ndefault_ca=here\\n[here]\\ndir=.\\n"
                        "database=index.txt\\nnew_certs_dir=.\\ndefault_md=sha256\\n"
                        "policy=any\\nrand_serial=yes\\nunique_subject=no\\n"
                        "[any]\\ncommonName=supplied\\n' >ca.conf");
    for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
        const char *name = leaves[i].name;
        broker_run(&broker,
                   "openssl req -newkey rsa:2048 -nodes -subj /CN=%s -keyout %s.key -out %s.csr && "
                   "echo subjectAltName=DNS:%s >%s.ext && "
                   "openssl ca -batch -notext -config ca.conf -cert ca.pem -keyfile ca.key "
                   "-startdate 20200101000000Z -enddate %s -extfile %s.ext -in %s.csr -out %s.pem",
                   leaves[i].subject, name, name, leaves[i].subject, name, leaves[i].until, name,
                   name, name);
    }
}

static char ca_path[64], other_path[64], cert_path[64], key_path[64];

static int set_up_authority(void **state)
{
    (void)state;
    broker_init(&broker);
    make_certificates();
    snprintf(ca_path, sizeof(ca_path), "%s/ca.pem", broker.directory);
    snprintf(other_path, sizeof(other_path), "%s/other.pem", broker.directory);
    snprintf(cert_path, sizeof(cert_path), "%s/client.pem", broker.directory);
    snprintf(key_path, sizeof(key_path), "%s/client.key", broker.directory);
    return 0;
}

static int tear_down_authority(void **state)
{
    (void)state;
    broker_end(&broker);
    return 0;
}

static int kill_broker(void **state)
{
    (void)state;
    broker_kill(&broker);
    return 0;
}

static void start_with(const char *certificate, const char *more)
{
    char settings[256];

    snprintf(settings, sizeof(settings),
             "allow_anonymous true\ncafile ca.pem\ncertfile %s.pem\nkeyfile %s.key\n%s",
             certificate, certificate, more);
    broker_start(&broker, settings);
}

static struct uplink_settings tls_settings(void)
{
    return (struct uplink_settings){.name = "cloud",
                                    .scheme = SCHEME_MQTTS,
                                    .host = "localhost",
                                    .port = broker.port,
                                    .client_id = "gateway",
                                    .ca_file = ca_path,
                                    .mqtt5 = true};
}

static void expect_accepted(const struct uplink_settings *settings)
{
    struct driven driven;

    driven_open(&driven, settings, NULL);
    driven_expect(&driven, UPLINK_CONNECTED);
    driven_publish(&driven, "t", 5);
    driven_expect(&driven, UPLINK_ACKNOWLEDGED);
    assert_string_equal(uplink_trouble(driven.uplink), "");
    driven_close(&driven);
}

static void expect_refused(const struct uplink_settings *settings, const char *words)
{
    struct driven driven;

    driven_open(&driven, settings, NULL);
    driven_expect_trouble(&driven, words);
    driven_close(&driven);
}

static void test_uplink_accepts_the_right_certificate(void **state)
{
    struct uplink_settings settings = tls_settings();

    (void)state;
    start_with("right", "");
    expect_accepted(&settings);
    settings.mqtt5 = false;
    expect_accepted(&settings);
}

static void test_uplink_refuses_a_certificate_for_another_name(void **state)
{
    struct uplink_settings settings = tls_settings();

    (void)state;
    start_with("wrong", "");
    expect_refused(&settings, "certificate verify failed: hostname mismatch");
    settings.mqtt5 = false;
    expect_refused(&settings, "certificate verify failed: hostname mismatch");
}

static void test_uplink_refuses_a_name_where_the_address_is_meant(void **state)
{
    struct uplink_settings settings = tls_settings();

    (void)state;
    settings.host = "127.0.0.1";
    start_with("right", "");
    expect_refused(&settings, "certificate verify failed: hostname mismatch");
}

static void test_uplink_refuses_an_unknown_authority(void **state)
{
    struct uplink_settings settings = tls_settings();

    (void)state;
    start_with("right", "");
    settings.ca_file = other_path;
    expect_refused(&settings, "certificate verify failed: unknown CA");
    settings.ca_file = NULL;
    expect_refused(&settings, "certificate verify failed: unknown CA");
}

static void test_uplink_refuses_an_expired_certificate(void **state)
{
    struct uplink_settings settings = tls_settings();

    (void)state;
    start_with("expired", "");
    expect_refused(&settings, "certificate verify failed: certificate expired");
}

static void test_uplink_shows_its_own_certificate(void **state)
{
    struct uplink_settings settings = tls_settings();

    (void)state;
    start_with("right", "require_certificate true");
    settings.cert_file = cert_path;
    settings.key_file = key_path;
    expect_accepted(&settings);
}

static void test_uplink_says_that_a_certificate_is_demanded(void **state)
{
    struct uplink_settings settings = tls_settings();

    (void)state;
    start_with("right", "require_certificate true");
    expect_refused(&settings, "a certificate");
}

static void test_uplink_never_falls_back_to_plaintext(void **state)
{
    struct uplink_settings settings = tls_settings();

    (void)state;
    broker_start(&broker, "allow_anonymous true");
    expect_refused(&settings, "TLS");
}

static void test_uplink_says_that_nobody_listens(void **state)
{
    struct uplink_settings settings = tls_settings();

    (void)state;
    settings.port = free_port();
    expect_refused(&settings, "connection refused");
}

static void test_uplink_open_names_the_file_that_is_missing(void **state)
{
    struct uplink_settings settings = tls_settings();
    struct text error = {0};
    struct uplink *uplink = NULL;

    (void)state;
    settings.ca_file = "/nowhere/ca.pem";
    assert_int_equal(uplink_open(&settings, NULL, NULL, -1, &uplink, &error), -ENOENT);
    assert_string_equal(error.data, "ca_file /nowhere/ca.pem: No such file or directory");
    assert_null(uplink);
    text_free(&error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_uplink_accepts_the_right_certificate, kill_broker),
        cmocka_unit_test_teardown(test_uplink_refuses_a_certificate_for_another_name, kill_broker),
        cmocka_unit_test_teardown(test_uplink_refuses_a_name_where_the_address_is_meant,
                                  kill_broker),
        cmocka_unit_test_teardown(test_uplink_refuses_an_unknown_authority, kill_broker),
        cmocka_unit_test_teardown(test_uplink_refuses_an_expired_certificate, kill_broker),
        cmocka_unit_test_teardown(test_uplink_shows_its_own_certificate, kill_broker),
        cmocka_unit_test_teardown(test_uplink_says_that_a_certificate_is_demanded, kill_broker),
        cmocka_unit_test_teardown(test_uplink_never_falls_back_to_plaintext, kill_broker),
        cmocka_unit_test(test_uplink_says_that_nobody_listens),
        cmocka_unit_test(test_uplink_open_names_the_file_that_is_missing),
    };

    return cmocka_run_group_tests(tests, set_up_authority, tear_down_authority);
}
