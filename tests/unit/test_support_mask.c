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
                                "password_file: /etc/bindery/password\n  token_file: t\nend";

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

static void test_mask_hides_logins_in_urls_and_known_names(void **state)
{
    (void)state;
    expect(false, "mqtt://bob:p/w@broker:1883 up", "mqtt://***@broker:1883 up");
    expect(false, "mqtt://a:x@y@broker", "mqtt://***@broker");
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
        cmocka_unit_test(test_mask_hides_logins_in_urls_and_known_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
