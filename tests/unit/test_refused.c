#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "refused.h"

static const struct link wire = {.name = "l"};
static struct tag tags[] = {
    {.name = "speed", .area = AREA_HOLDING, .address = 100},
    {.name = "glue", .area = AREA_HOLDING, .address = 104},
    {.name = "door", .area = AREA_COIL, .address = 104},
};
static struct machine binder = {.name = "binder-1", .link = &wire, .tags = tags, .tag_count = 3};
static struct machine folder = {.name = "folder-1", .link = &wire, .tags = tags, .tag_count = 3};

struct world {
    char path[40];
    struct refused refused;
    struct live *live;
    struct live_machine *binder, *folder;
};

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    strcpy(world->path, "/tmp/bindery-refused-XXXXXX");
    close(mkstemp(world->path));
    refused_load(&world->refused, world->path);
    world->live = live_new();
    world->binder = live_add_machine(world->live, &binder);
    world->folder = live_add_machine(world->live, &folder);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    refused_free(&world->refused);
    live_remove_machine(world->live, world->binder);
    live_remove_machine(world->live, world->folder);
    live_free(world->live);
    unlink(world->path);
    free(world);
    return 0;
}

static void answer(struct world *world, struct live_machine *machine, uint16_t tag,
                   uint8_t exception)
{
    struct instant now;
    struct sample sample = {.tag = tag, .exception = exception};
    clock_now(&now);
    sample.quality = exception > 0 ? QUALITY_EXCEPTION : QUALITY_GOOD;
    live_polled(world->live, machine, &sample, 1, &now, QUALITY_GOOD);
}

/* As at a restart. */
static void save_and_load(struct world *world)
{
    assert_int_equal(refused_save(&world->refused, world->live), 0);
    refused_free(&world->refused);
    refused_load(&world->refused, world->path);
}

static void assert_refused(struct world *world, const struct machine *machine, const bool *expected)
{
    bool *found = refused_tags(&world->refused, machine);
    bool any = expected[0] || expected[1] || expected[2];
    assert_int_equal(found != NULL, any);
    for (size_t i = 0; any && i < 3; i++)
        assert_int_equal(found[i], expected[i]);
    free(found);
}

static const bool none[3] = {false, false, false}, glue[3] = {false, true, false};

static void test_what_is_refused_is_known_after_a_restart(void **state)
{
    struct world *world = *state;
    answer(world, world->binder, 0, 0);
    answer(world, world->binder, 1, EXCEPTION_ILLEGAL_ADDRESS);
    answer(world, world->folder, 2, 4);
    save_and_load(world);
    assert_refused(world, &binder, glue);
    assert_refused(world, &folder, none);
}

static void test_what_answers_again_is_forgotten(void **state)
{
    struct world *world = *state;
    answer(world, world->binder, 1, EXCEPTION_ILLEGAL_ADDRESS);
    save_and_load(world);
    answer(world, world->binder, 1, 0);
    save_and_load(world);
    assert_refused(world, &binder, none);
    assert_int_not_equal(access(world->path, F_OK), 0);
}

static void test_a_machine_that_has_not_answered_yet_is_known_as_before(void **state)
{
    struct world *world = *state;
    answer(world, world->binder, 1, EXCEPTION_ILLEGAL_ADDRESS);
    save_and_load(world);
    live_remove_machine(world->live, world->binder);
    world->binder = live_add_machine(world->live, &binder);
    answer(world, world->folder, 0, 0);
    save_and_load(world);
    assert_refused(world, &binder, glue);
}

static void test_after_a_reload_nothing_is_known(void **state)
{
    struct world *world = *state;
    answer(world, world->binder, 1, EXCEPTION_ILLEGAL_ADDRESS);
    save_and_load(world);
    refused_forget(&world->refused);
    assert_refused(world, &binder, none);
}

static void test_a_file_of_rubbish_is_as_none(void **state)
{
    struct world *world = *state;
    static const char rubbish[] = "binder-1\0 holding:104\n\n\xff\nbinder-1 holding:1040\nbinder-";
    refused_parse(&world->refused, rubbish, sizeof(rubbish) - 1);
    assert_refused(world, &binder, none);
    refused_parse(&world->refused, "", 0);
    assert_refused(world, &binder, none);
    refused_parse(&world->refused, "binder-1 holding:104", 20);
    assert_refused(world, &binder, glue);
}

static void test_a_folder_that_is_gone_is_told(void **state)
{
    struct world *world = *state;
    refused_free(&world->refused);
    refused_load(&world->refused, "/nonexistent/bindery.db.refused");
    answer(world, world->binder, 1, EXCEPTION_ILLEGAL_ADDRESS);
    assert_true(refused_save(&world->refused, world->live) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_refused_is_known_after_a_restart, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_answers_again_is_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_machine_that_has_not_answered_yet_is_known_as_before,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_after_a_reload_nothing_is_known, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_of_rubbish_is_as_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_folder_that_is_gone_is_told, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
