/* No secret leaves with a support bundle, however it is written down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "support_mask.h"

static const char *const names[] = {"joe", "ab"};
static const struct secrets secrets = {names, 2};

static void expect(bool keys, const char *text, const char *masked)
{
    struct text out = {0};

    text_add(&out, "");
    support_mask(text, strlen(text), keys, &secrets, &out);
    assert_string_equal(out.data, masked);
    text_free(&out);
}

static void test_mask_leaves_what_is_no_secret(void **state)
{
    static const char plain[] = "gateway: g\nlinks:\n  - {name: l, address: 10.0.0.1:502}\n\n"
                                "# a comment: with colons, a @ and an url mqtt://broker:1883/x\n"
                                "password_file: /etc/bindery/password\n  token_file: ./t\nend";

    (void)state;
    expect(true, plain, plain);
    expect(true, "", "");
}

static void test_mask_hides_values_behind_keys(void **state)
{
    (void)state;
    expect(true, "  - username: bob  # me\n    name: cloud\n",
           "  - username: ***\n    name: cloud\n");
    expect(true, "{name: u, username: bob, client_id: c}\n", "{name: u, username: ***\n");
    expect(true, " \"username\" : \"bob\",\n \"x\": 1\n", " \"username\" : ***\n \"x\": 1\n");
    expect(true, "# Password: hunter2\na: b\n", "# Password: ***\na: b\n");
    expect(true, "api-token: x\nauth:y\n", "api-token: ***\nauth: ***\n");
}

static void test_mask_hides_what_goes_on_below(void **state)
{
    (void)state;
    expect(true, "username: >\n  bob\n\n  by\nsite: s\n", "username: ***\n***\n\n***\nsite: s\n");
    expect(true, "username:\n  bob\n  by\nsite: s\n", "username: ***\n***\n***\nsite: s\n");
    expect(true, "username: bob\n  by\nsite: s\n", "username: ***\n***\nsite: s\n");
    expect(true, "{ username:\nbob, x: 1}\nsite: s\n", "{ username: ***\n***\nsite: s\n");
    expect(true, "- username: \"bob\nand\n ann\"\nsite: s\n",
           "- username: ***\n***\n***\nsite: s\n");
    expect(true, "- username: u\n  user2: v\n  x: y\n", "- username: ***\n  user2: ***\n  x: y\n");
}

static void test_mask_hides_what_comments_tell(void **state)
{
    (void)state;
    expect(true, "# the mqtt password is hunter2\n    a: b\n",
           "# the mqtt password ***\n    a: b\n");
    expect(true, "a: b # pwd hunter2\n", "a: b # pwd ***\n");
    expect(true, "# password:\n#   hunter2\na: b\n", "# password: ***\n***\na: b\n");
    expect(true, "# 密码hunter2\n# 用户名：bob\n", "# 密码 ***\n# 用户名： ***\n");
    expect(true, "密码: hunter2\n", "密码: ***\n");
    expect(true, "client_id: user-3 # here\n", "client_id: user-3 # here\n");
}

static void test_mask_hides_what_yaml_allows(void **state)
{
    (void)state;
    expect(true, "? password\n: hunter2\na: b\n", "? password ***\n***\na: b\n");
    expect(true, "tokens:\n- a\n- b\nx: y\n", "tokens: ***\n***\n***\nx: y\n");
    expect(true, "my-user: &n \"a\\\"\nb\" \nx: y\n", "my-user: ***\n***\nx: y\n");
    expect(true, "user: 'it''s\nb'\nx: y\n", "user: ***\n***\nx: y\n");
    expect(true, "password_file: hunter2\nx: y\n", "password_file: ***\nx: y\n");
    expect(true, "key: |\n  -----BEGIN RSA KEY-----\n MIIE\n\n Q\n  -----END RSA KEY-----\nx: y\n",
           "key: |\n  -----BEGIN ***\n***\n\n***\n***\nx: y\n");
    expect(true, "url: http://h/send?access_token=abc\n", "url: http://h/send?access_token= ***\n");
}

static void test_mask_leaves_out_what_is_no_utf8(void **state)
{
    static const char utf16[] = "u\0s\0e\0r\0:\0 \0j\0o\0e\0";
    struct text out = {0};

    (void)state;
    support_mask(utf16, sizeof utf16, true, &secrets, &out);
    assert_non_null(strstr(out.data, "left out"));
    assert_null(strchr(out.data, 'j'));
    text_free(&out);
}

static void test_mask_hides_logins_in_urls_and_known_names(void **state)
{
    (void)state;
    expect(false, "mqtt://bob:p/w@broker:1883 up", "mqtt://***@broker:1883 up");
    expect(false, "mqtt://a:x@y@broker", "mqtt://***@broker");
    expect(false, "mqtt://broker a@b", "mqtt://broker a@b");
    expect(true, "url: mqtt://user:pw@broker\n", "url: mqtt://*** ***\n");
    expect(true, "url: mqtt://bob:p w@broker\n", "url: mqtt://***@broker\n");
    expect(false, "user joe, joey and joe.", "user ***, joey and ***.");
    expect(false, "password: x\n", "password: x\n");
    expect(false, "ab is too short to be hidden", "ab is too short to be hidden");
    expect(true, "client_id: joe\n", "client_id: ***\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mask_leaves_what_is_no_secret),
        cmocka_unit_test(test_mask_hides_values_behind_keys),
        cmocka_unit_test(test_mask_hides_what_goes_on_below),
        cmocka_unit_test(test_mask_hides_what_comments_tell),
        cmocka_unit_test(test_mask_hides_what_yaml_allows),
        cmocka_unit_test(test_mask_leaves_out_what_is_no_utf8),
        cmocka_unit_test(test_mask_hides_logins_in_urls_and_known_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
