/* timezone: and calendars: of a plant, calendar: of a machine. */
#include <errno.h>

#include "config_fixture.h"
#include "date.h"

#define TOP "gateway: g\nlinks: [{name: l, driver: modbus-tcp, address: h}]\n"
#define MACHINE(name, keys) \
    "- {name: " name ", link: l, " keys "tags: [{name: t, at: 'holding:1'}]}\n"
/* Shifts of the one calendar, a line each from line 6 on. */
#define CALENDAR(shifts, rest) \
    TOP "calendars:\n- name: c\n  shifts:\n" shifts "  " rest "\nmachines:\n" MACHINE("m", "")
#define EARLY "  - {name: early, days: [mon-fri], from: '06:00', to: '14:00'}\n"
#define NIGHT "  - {name: night, days: [mon-fri], from: '22:00', to: '06:00'}\n"

static const struct plant *load_plant(struct config *config, const char *text)
{
    config_write(config, "plant.yaml", text);
    config_expect_plant(config);
    return config->plant;
}

static void expect_fault(struct config *config, const char *plant, const char *fault)
{
    config_write(config, "plant.yaml", plant);
    assert_int_equal(config_load(config), -EINVAL);
    config_expect_fault(config, 0, fault);
    if (config->faults.count != 1) {
        config_print_faults(config);
        fail_msg("%zu faults in:\n%s", config->faults.count, plant);
    }
}

static void test_every_key_of_a_calendar_reaches_the_plant(void **state)
{
    const struct plant *plant = load_plant(
        *state, CALENDAR("  - {name: night, days: [mon, wed-fri], from: '22:00', to: '6:00',"
                         " breaks: [['02:00', '02:30'], ['23:45', '00:15']]}\n"
                         "  - {name: late, days: sat-sun, from: '14:00', to: '24:00'}\n",
                         "holidays: [2026-10-03..2026-10-07, 2027-01-01, 2026-10-01, 2026-10-02]"));
    const struct calendar *calendar = plant->calendars;
    const struct shift *late = &calendar->shifts[0], *night = &calendar->shifts[1];
    assert_int_equal(plant->calendar_count, 1);
    assert_string_equal(calendar->name, "c");
    assert_int_equal(calendar->shift_count, 2);
    assert_string_equal(late->name, "late");
    assert_true(late->days == 0x60 && late->from == 14 * 60 && late->to == 24 * 60);
    assert_int_equal(late->break_count, 0);
    assert_string_equal(night->name, "night");
    assert_true(night->days == 0x1d && night->from == 22 * 60 && night->to == 30 * 60);
    assert_int_equal(night->break_count, 2);
    assert_true(night->breaks[0].from == 23 * 60 + 45 && night->breaks[0].to == 24 * 60 + 15);
    assert_true(night->breaks[1].from == 26 * 60 && night->breaks[1].to == 26 * 60 + 30);
    assert_int_equal(calendar->holiday_count, 2);
    assert_int_equal(calendar->holidays[0].first, date_to_day(2026, 10, 1));
    assert_int_equal(calendar->holidays[0].last, date_to_day(2026, 10, 7));
    assert_int_equal(calendar->holidays[1].first, date_to_day(2027, 1, 1));
    assert_int_equal(calendar->holidays[1].last, date_to_day(2027, 1, 1));
}

static void test_one_calendar_is_that_of_all_machines(void **state)
{
    const struct plant *plant = load_plant(*state, CALENDAR(EARLY, ""));
    assert_ptr_equal(plant->machines[0].calendar, &plant->calendars[0]);
}

static void test_of_several_calendars_a_machine_has_the_one_it_names(void **state)
{
    const struct plant *plant = load_plant(
        *state, TOP "calendars:\n- {name: a, shifts: [{name: s, days: mon, from: '6:00', to: "
                    "'7:00'}]}\n- {name: b, shifts: [{name: s, days: mon, from: '6:00', to: "
                    "'7:00'}]}\nmachines:\n" MACHINE("m", "calendar: b, ") MACHINE("n", ""));
    assert_ptr_equal(plant->machines[0].calendar, &plant->calendars[1]);
    assert_null(plant->machines[1].calendar);
}

static void test_without_calendars_no_machine_has_shifts(void **state)
{
    const struct plant *plant = load_plant(*state, TOP "machines:\n" MACHINE("m", ""));
    assert_null(plant->machines[0].calendar);
    assert_null(plant->timezone);
    assert_null(plant_calendar(plant, "c"));
}

static void test_calendars_may_stand_in_included_files(void **state)
{
    struct config *config = *state;
    config_write(config, "more.yaml",
                 "calendars:\n- {name: c, shifts: [{name: s, days: [mon], from: '6:00', to: "
                 "'7:00'}]}\n");
    const struct plant *plant =
        load_plant(config, TOP "include: more.yaml\nmachines:\n" MACHINE("m", "calendar: c, "));
    assert_ptr_equal(plant->machines[0].calendar, plant_calendar(plant, "c"));
    assert_non_null(plant->machines[0].calendar);
}

static void test_time_zone_is_one_that_the_system_knows(void **state)
{
    static const char *const wrong[] = {"Asia/Pinghu", "Asia",           "/usr/share/zoneinfo/UTC",
                                        "../passwd",   "zone.tab",       "UTC+8",
                                        "Asia/",       "'Asia Shanghai'"};
    struct config *config = *state;
    assert_string_equal(load_plant(config, TOP "timezone: Asia/Shanghai\n")->timezone,
                        "Asia/Shanghai");
    assert_string_equal(load_plant(config, TOP "timezone: UTC\n")->timezone, "UTC");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct text plant = {0};
        text_addf(&plant, TOP "timezone: %s\n", wrong[i]);
        assert_int_equal(config_load_text(config, plant.data), -EINVAL);
        config_expect_fault(config, 0, "plant.yaml:3:11: timezone: ");
        assert_non_null(strstr(config->faults.items[0].message,
                               "is no time zone; expected one below /usr/share/zoneinfo/"));
        text_free(&plant);
    }
}

static void test_shifts_that_touch_or_have_other_days_do_not_overlap(void **state)
{
    load_plant(*state, CALENDAR("  - {name: a, days: [mon-sun], from: '06:00', to: '18:00'}\n"
                                "  - {name: b, days: [mon-sun], from: '18:00', to: '06:00'}\n",
                                ""));
    load_plant(*state,
               CALENDAR("  - {name: a, days: [mon-sun], from: '06:00', to: '06:00'}\n", ""));
    load_plant(*state, CALENDAR(EARLY "  - {name: early, days: sat, from: '06:00', to: '12:00'}\n"
                                      "  - {name: sun, days: sat, from: '12:00', to: '06:00'}\n",
                                ""));
}

static void test_calendars_that_differ_make_machines_differ(void **state)
{
    struct config *config = *state, other = *config;
    static const char *const others[] = {
        CALENDAR(EARLY, ""),
        CALENDAR(NIGHT, "holidays: [2026-10-01]"),
        CALENDAR(EARLY, "holidays: [2026-10-02]"),
        CALENDAR(EARLY NIGHT, "holidays: [2026-10-01]"),
        CALENDAR("  - {name: early, days: [mon-fri], from: '06:00', to: '14:00',"
                 " breaks: [['7:00', '8:00']]}\n",
                 "holidays: [2026-10-01]"),
        TOP "machines:\n" MACHINE("m", ""),
    };
    const char *plant = CALENDAR(EARLY, "holidays: [2026-10-01]");
    const struct machine *machine = load_plant(config, plant)->machines;
    other.plant = NULL;
    other.faults = (struct fault_list){0};
    assert_true(machine_equal(machine, load_plant(&other, plant)->machines));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(machine_equal(machine, load_plant(&other, others[i])->machines));
    plant_release(other.plant);
}

#define SHIFT(keys) CALENDAR("  - {name: s, " keys "}\n", "")
#define BREAKS(breaks) SHIFT("days: mon, from: '22:00', to: '06:00', breaks: " breaks)
#define HOLIDAYS(holidays) CALENDAR(EARLY, "holidays: " holidays)

static void test_faults_of_shifts(void **state)
{
    const struct {
        const char *plant, *fault;
    } cases[] = {
        {SHIFT("from: '06:00', to: '14:00'"),
         "plant.yaml:6:5: days: missing in a shift; expected the weekdays on which it begins"},
        {SHIFT("days: mon, to: '14:00'"), "plant.yaml:6:5: from: missing in a shift"},
        {SHIFT("days: mon, from: '14:00'"), "plant.yaml:6:5: to: missing in a shift"},
        {SHIFT("days: [], from: '06:00', to: '14:00'"),
         "plant.yaml:6:21: days: an empty list stands here; expected at least one weekday"},
        {SHIFT("days: [mon, funday], from: '06:00', to: '14:00'"),
         "plant.yaml:6:27: days: \"funday\" is no weekday; expected mon, tue"},
        {SHIFT("days: [mon-wed, wed], from: '06:00', to: '14:00'"),
         "plant.yaml:6:31: days: \"wed\" names a day again; expected each day once"},
        {SHIFT("days: mon, from: '24:00', to: '14:00'"),
         "plant.yaml:6:32: from: \"24:00\" is no such time; expected a time of day from 00:00 to "
         "23:59"},
        {SHIFT("days: mon, from: '06:00', to: '2 pm'"),
         "plant.yaml:6:45: to: \"2 pm\" is no such time; expected a time of day from 00:00 to "
         "24:00"},
        {SHIFT("days: mon, from: '06:00', to: '14:00', pause: 1"),
         "plant.yaml:6:54: \"pause\" is no key of a shift"},
        {BREAKS("[['21:30', '22:30']]"),
         "plant.yaml:6:63: breaks: this one is not within its shift; expected one from 22:00 to "
         "06:00"},
        {BREAKS("[['05:30', '06:01']]"), "plant.yaml:6:63: breaks: this one is not within"},
        {BREAKS("[['02:00', '03:00'], ['02:59', '04:00']]"),
         "plant.yaml:6:62: breaks: two overlap at 02:59"},
        {BREAKS("['02:00']"),
         "plant.yaml:6:63: breaks: \"02:00\" is no break; expected two times of day"},
        {BREAKS("[['02:00']]"),
         "plant.yaml:6:63: breaks: a list stands here; expected two times of day"},
        {BREAKS("02:00"), "plant.yaml:6:62: breaks: \"02:00\" is no list; expected a list"},
        {CALENDAR(EARLY "  - {name: b, days: sun, from: '22:00', to: '06:01'}\n", ""),
         "plant.yaml:7:5: shifts: \"b\" and \"early\" overlap on mon at 06:00; expected shifts "
         "that are apart"},
        {CALENDAR(NIGHT "  - {name: b, days: [sat], from: '05:00', to: '12:00'}\n", ""),
         "plant.yaml:7:5: shifts: \"b\" and \"night\" overlap on sat at 05:00"},
        {CALENDAR(EARLY "  - {name: early, days: [fri], from: '20:00', to: '21:00'}\n", ""),
         "plant.yaml:7:5: name: \"early\" has one of these days already, on line 6"},
        {HOLIDAYS("[2026-02-30]"), "plant.yaml:7:14: holidays: \"2026-02-30\" is no date and no "
                                   "range; expected dates such as 2026-10-01"},
        {HOLIDAYS("[2026-10-07..2026-10-01]"), "plant.yaml:7:14: holidays: "},
        {HOLIDAYS("2026-10-01"), "plant.yaml:7:13: holidays: \"2026-10-01\" is no list"},
        {CALENDAR("", ""), "plant.yaml:5:10: shifts: none stand here; expected at least one"},
        {TOP "calendars: [{name: c}]\n", "plant.yaml:3:13: shifts: missing in a calendar"},
        {TOP "calendars: [{name: c, shifts: []}]\n", "plant.yaml:3:31: shifts: none stand here"},
        {CALENDAR(EARLY, "") MACHINE("n", "calendar: d, "),
         "plant.yaml:10:32: calendar: \"d\" is no calendar; expected the name of one under "
         "\"calendars\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_fault(*state, cases[i].plant, cases[i].fault);
}

static void test_names_of_calendars_are_each_their_own(void **state)
{
    expect_fault(*state,
                 TOP "calendars:\n- {name: c, shifts: [{name: s, days: mon, from: '6:00', to: "
                     "'7:00'}]}\n- {name: c, shifts: [{name: s, days: mon, from: '6:00', to: "
                     "'7:00'}]}\n",
                 "plant.yaml:5:10: name: \"c\" is taken already");
}

static void test_more_than_there_may_be_is_a_fault(void **state)
{
    struct config *config = *state;
    struct text plant = {0};
    text_add(&plant, TOP "calendars:\n- name: c\n  shifts:\n");
    for (int i = 0; i < 65; i++)
        text_addf(&plant, "  - {name: s%d, days: mon, from: '%d:%02d', to: '%d:%02d'}\n", i, i / 60,
                  i % 60, (i + 1) / 60, (i + 1) % 60);
    expect_fault(config, plant.data, "plant.yaml:70:5: shifts: one too many; expected at most 64");
    text_free(&plant);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, config_set_up, config_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_key_of_a_calendar_reaches_the_plant),
        TEST(test_one_calendar_is_that_of_all_machines),
        TEST(test_of_several_calendars_a_machine_has_the_one_it_names),
        TEST(test_without_calendars_no_machine_has_shifts),
        TEST(test_calendars_may_stand_in_included_files),
        TEST(test_time_zone_is_one_that_the_system_knows),
        TEST(test_shifts_that_touch_or_have_other_days_do_not_overlap),
        TEST(test_calendars_that_differ_make_machines_differ),
        TEST(test_faults_of_shifts),
        TEST(test_names_of_calendars_are_each_their_own),
        TEST(test_more_than_there_may_be_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
