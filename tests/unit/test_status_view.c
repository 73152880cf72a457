#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "status_view.h"
#include "watch_view.h"

static const int64_t now_ms = 1795412474123;

static const char well[] =
    "{\"gateway\":\"g\",\"site\":\"s\",\"version\":\"1\",\"pid\":1,\"started_ms\":1795412464123,"
    "\"clock\":{\"synced\":true},"
    "\"store\":{\"id\":\"a\",\"bytes\":2048,\"next_seq\":10,\"trouble\":\"\"},"
    "\"queue\":{\"lost\":0},"
    "\"uplinks\":[{\"name\":\"cloud\",\"connected\":true,\"pending\":0,\"acknowledged\":9,"
    "\"trouble\":\"\"}],"
    "\"links\":[{\"name\":\"press-1\",\"driver\":\"modbus-tcp\",\"up\":true,\"trouble\":\"\"}],"
    "\"machines\":[{\"name\":\"binder-1\",\"link\":\"press-1\",\"unit\":1,\"online\":true,"
    "\"since_ms\":1795412464123,\"reason\":null,\"last_ms\":1795412474000},"
    "{\"name\":\"not-asked-yet\",\"online\":false,\"since_ms\":0,\"reason\":null}]}";

static const char ill[] =
    "{\"alarms\":[{\"name\":\"duplicate_client\",\"subject\":\"uplink cloud\","
    "\"since_ms\":1795412354123,\"synced\":true,\"text\":\"another client\"}],"
    "\"clock\":{\"synced\":false},\"store\":{\"trouble\":\"disk full\"},\"queue\":{\"lost\":2},"
    "\"uplinks\":[{\"name\":\"cloud\",\"connected\":false,\"pending\":12,"
    "\"trouble\":\"connection refused\"}],"
    "\"links\":[{\"name\":\"press-1\",\"up\":false,\"trouble\":\"no route\"}],"
    "\"machines\":[{\"name\":\"binder-1\",\"online\":false,\"since_ms\":1795412174123,"
    "\"reason\":\"timeout\"}]}";

static const char states[] =
    "{\"machines\":[{\"name\":\"binder-1\",\"online\":true,\"since_ms\":1795412174123,"
    "\"reason\":null,\"state\":{\"name\":\"fault\",\"since_ms\":1795412354123,"
    "\"reason\":\"paper jam\"}},"
    "{\"name\":\"folder-1\",\"online\":true,\"since_ms\":1795412174123,"
    "\"state\":{\"name\":\"production\",\"since_ms\":1795412464123,\"reason\":\"\"}},"
    "{\"name\":\"gone-1\",\"online\":false,\"since_ms\":1795412174123,\"reason\":\"timeout\","
    "\"state\":{\"name\":\"production\",\"since_ms\":1795412464123,\"reason\":\"\"}}]}";

static struct text view(const char *json)
{
    struct text out = {0}, wrong = {0};
    struct node *status = node_parse(json, strlen(json), &wrong);
    assert_non_null(status);
    status_view(status, now_ms, &out);
    node_free(status);
    text_free(&wrong);
    return out;
}

static void test_status_view_tells_of_no_trouble_where_there_is_none(void **state)
{
    (void)state;
    struct text out = view(well);
    assert_int_equal(strncmp(out.data, "gateway g, site s", 17), 0);
    assert_null(strstr(out.data, "TROUBLE"));
    assert_non_null(strstr(out.data, "2.0 KiB, next seq 10"));
    text_free(&out);
}

static void test_status_view_begins_with_every_trouble(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "alarm duplicate_client, uplink cloud, for 2 min: another client",
        "store: disk full",
        "queue: 2 readings lost",
        "clock: not synchronised",
        "uplink cloud: not connected, connection refused; 12 readings waiting",
        "link press-1: down, no route",
        "machine binder-1: offline, 5 min: timeout",
    };
    struct text out = view(ill);
    assert_int_equal(strncmp(out.data, "TROUBLE\n", 8), 0);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        assert_non_null(strstr(out.data, expected[i]));
    text_free(&out);
}

static void test_status_view_shows_what_machines_do_and_since_when(void **state)
{
    (void)state;
    struct text out = view(states);
    assert_non_null(strstr(out.data, "  machine binder-1: fault, 2 min: paper jam\n"));
    assert_non_null(strstr(out.data, "  machine gone-1: offline, 5 min: timeout\n"));
    assert_null(strstr(out.data, "machine folder-1:"));
    assert_non_null(strstr(out.data, " fault              2 min "));
    assert_non_null(strstr(out.data, " production          10 s "));
    text_free(&out);
}

static void test_views_show_the_shift_that_is_on_and_what_it_made(void **state)
{
    (void)state;
    static const char json[] =
        "{\"machines\":[{\"name\":\"a\",\"machine\":\"a\",\"online\":true,\"ts\":1795412474123,"
        "\"shift\":{\"key\":\"2026-11-27/night\",\"good\":12,\"waste\":null}},"
        "{\"name\":\"b\",\"machine\":\"b\",\"online\":true,\"ts\":1795412474123}]}";
    struct text status = view(json), watch = {0}, wrong = {0}, without = view(states);
    struct node *values = node_parse(json, strlen(json), &wrong);
    watch_view_table(values, now_ms, &watch);
    assert_non_null(strstr(status.data, "         good     waste  shift\n"));
    assert_non_null(strstr(status.data, "           12         -  2026-11-27/night"));
    assert_null(strstr(without.data, "shift"));
    assert_non_null(strstr(watch.data, "a  online, shift 2026-11-27/night: 12 good\n"));
    assert_non_null(strstr(watch.data, "b  online\n"));
    node_free(values);
    text_free(&status);
    text_free(&watch);
    text_free(&wrong);
    text_free(&without);
}

/* Also one that has not told it, and one that can't. */
static void test_views_show_what_a_machine_does_since_when_and_how_fast(void **state)
{
    (void)state;
    static const char json[] =
        "{\"machines\":[{\"name\":\"a\",\"machine\":\"a\",\"online\":true,\"ts\":1795412474123,"
        "\"state\":{\"name\":\"stopped\",\"since_ms\":1795412354123,\"reason\":\"paper jam\"},"
        "\"speed\":{\"value\":5600.5,\"unit\":\"cycles/h\"}},"
        "{\"name\":\"b\",\"machine\":\"b\",\"online\":true,\"ts\":1795412474123,"
        "\"speed\":{\"value\":null,\"unit\":\"\"}},"
        "{\"name\":\"c\",\"machine\":\"c\",\"online\":true,\"ts\":1795412474123}]}";
    struct text status = view(json), watch = {0}, wrong = {0}, without = view(states);
    struct node *values = node_parse(json, strlen(json), &wrong);
    watch_view_table(values, now_ms, &watch);
    assert_non_null(strstr(status.data, "    failed            speed\n"));
    assert_non_null(strstr(status.data, "         0  5600.5 cycles/h  paper jam\n"));
    assert_non_null(strstr(status.data, "         0                -\n"));
    assert_null(strstr(without.data, "speed"));
    assert_non_null(strstr(watch.data, "a  stopped for 2 min: paper jam, 5600.5 cycles/h\n"));
    assert_non_null(strstr(watch.data, "b  online\n"));
    assert_non_null(strstr(watch.data, "c  online\n"));
    node_free(values);
    text_free(&status);
    text_free(&watch);
    text_free(&wrong);
    text_free(&without);
}

static void test_status_view_bears_an_answer_without_anything(void **state)
{
    (void)state;
    struct text out = view("{}");
    assert_non_null(strstr(out.data, "gateway ?"));
    text_free(&out);
}

static void test_watch_view_lets_no_control_character_through(void **state)
{
    (void)state;
    const char json[] = "{\"machines\":[{\"machine\":\"m\",\"online\":true,\"ts\":1795412474123,"
                        "\"values\":{\"job\":\"\\u001b[2J\",\"temp\":168.7},"
                        "\"bad\":{\"glue\":\"timeout\"},\"units\":{\"temp\":\"C\"}}]}";
    struct text lines = {0}, table = {0}, wrong = {0};
    struct node *values = node_parse(json, strlen(json), &wrong);
    watch_view_lines(values, &lines);
    watch_view_table(values, now_ms, &table);
    assert_null(strchr(lines.data, '\033'));
    assert_null(strchr(table.data, '\033'));
    assert_non_null(strstr(lines.data, " temp=168.7 glue=bad:timeout\n"));
    assert_non_null(strstr(table.data, "168.7 C\n"));
    node_free(values);
    text_free(&lines);
    text_free(&table);
    text_free(&wrong);
}

static void test_views_show_what_lines_do_and_what_holds_them_up(void **state)
{
    (void)state;
    const char json[] =
        "{\"machines\":[],\"lines\":[{\"name\":\"binding-1\",\"delivery\":\"t\",\"state\":"
        "\"fault\",\"since_ms\":1795412464123,\"cause\":\"binder-1\",\"reason\":\"jam\","
        "\"bottleneck\":\"binder-1\",\"shift\":{\"key\":\"2026-11-23/early\",\"good\":1200,"
        "\"waste\":null}},{\"name\":\"new-1\",\"state\":\"unknown\",\"since_ms\":0}]}";
    struct text status = view(json), table = {0}, wrong = {0};
    struct node *values = node_parse(json, strlen(json), &wrong);
    watch_view_table(values, now_ms, &table);
    assert_non_null(strstr(status.data, "binding-1  fault               10 s  binder-1   "));
    assert_non_null(strstr(status.data, "2026-11-23/early    binder-1: jam\n"));
    assert_non_null(strstr(status.data, "\nnew-1      -      "));
    assert_non_null(strstr(table.data, "binding-1  fault for 10 s, binder-1: jam, bottleneck "
                                       "binder-1, shift 2026-11-23/early: 1,200 good\n"));
    assert_non_null(strstr(table.data, "new-1  nothing known yet\n"));
    node_free(values);
    text_free(&status);
    text_free(&table);
    text_free(&wrong);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_view_tells_of_no_trouble_where_there_is_none),
        cmocka_unit_test(test_status_view_begins_with_every_trouble),
        cmocka_unit_test(test_status_view_shows_what_machines_do_and_since_when),
        cmocka_unit_test(test_views_show_the_shift_that_is_on_and_what_it_made),
        cmocka_unit_test(test_views_show_what_a_machine_does_since_when_and_how_fast),
        cmocka_unit_test(test_status_view_bears_an_answer_without_anything),
        cmocka_unit_test(test_watch_view_lets_no_control_character_through),
        cmocka_unit_test(test_views_show_what_lines_do_and_what_holds_them_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
