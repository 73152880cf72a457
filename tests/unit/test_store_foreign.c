/* What others have put in the store's place, or beside it. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "store_fixture.h"
#include "wreck.h"

static ssize_t read_file(const char *path, char *buffer, size_t size)
{
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t length = read(fd, buffer, size);
    assert_true(length >= 0);
    close(fd);
    return length;
}

static void test_store_leaves_another_programs_database_alone(void **state)
{
    struct fixture *fixture = *state;
    char before[8192], after[8192], log[100];
    fixture_sql(fixture, "CREATE TABLE addresses(name)");
    ssize_t length = read_file(fixture->path, before, sizeof(before));
    assert_int_equal(store_open(&fixture->settings, &fixture->store, &fixture->opened),
                     -EPROTONOSUPPORT);
    assert_int_equal(read_file(fixture->path, after, sizeof(after)), length);
    assert_memory_equal(before, after, (size_t)length);
    snprintf(log, sizeof(log), "%s-wal", fixture->path);
    assert_int_equal(access(log, F_OK), -1);
    fixture_sql(fixture, "INSERT INTO addresses VALUES('still here')");
}

static void make_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
}

static void test_store_sets_a_socket_or_a_pipe_aside(void **state)
{
    struct fixture *fixture = *state;
    struct wreck *wreck = NULL;
    struct store_mark mark;
    struct text salvage = {0};
    struct stat status;
    for (int i = 0; i < 2; i++) {
        if (i == 0)
            make_socket(fixture->path);
        else
            assert_int_equal(mkfifo(fixture->path, 0640), 0);
        fixture_open(fixture);
        assert_int_equal(lstat(fixture->opened.set_aside, &status), 0);
        assert_true(i == 0 ? S_ISSOCK(status.st_mode) : S_ISFIFO(status.st_mode));
        assert_int_equal(store_open_wreck(fixture->store, &wreck, &mark, &salvage), 0);
        wreck_free(wreck);
        text_free(&salvage);
        assert_int_equal(fixture_commit(fixture, 1, 5, 0), 0);
        fixture_close(fixture);
        assert_int_equal(unlink(fixture->path), 0);
    }
}

/* As a crash of that program leaves it: one commit that SQLite would take for the store's. */
static void make_foreign_log(const struct fixture *fixture, int page_bytes)
{
    char statements[300], command[300];
    struct fixture other = *fixture;
    sqlite3 *handle = NULL;
    snprintf(other.path, sizeof(other.path), "%s/other.db", fixture->folder);
    snprintf(statements, sizeof(statements),
             "PRAGMA page_size = %d; PRAGMA journal_mode = WAL; CREATE TABLE addresses(name)",
             page_bytes);
    assert_int_equal(sqlite3_open(other.path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, statements, NULL, NULL, NULL), SQLITE_OK);
    snprintf(command, sizeof(command), "cp %s-wal %s-wal", other.path, fixture->path);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): paths of our own making */
    sqlite3_close(handle);
    unlink(other.path);
}

/* As a kill leaves it soon after the store was begun: all of it is in the log, which then goes. */
static void test_store_that_was_in_its_log_only_is_not_taken_for_a_new_one(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 2; i++) {
        char command[500];
        fixture_open(fixture);
        assert_int_equal(fixture_commit(fixture, 1, 5, 0), 0);
        snprintf(command, sizeof(command), "cp %s %s.early", fixture->path, fixture->path);
        assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): paths of our own making */
        fixture_close(fixture);
        snprintf(command, sizeof(command), "mv %s.early %s", fixture->path, fixture->path);
        assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): paths of our own making */
        if (i == 1)
            make_foreign_log(fixture, 2048);
        fixture_open(fixture);
        assert_string_not_equal(fixture->opened.set_aside, "");
        fixture_close(fixture);
        assert_int_equal(unlink(fixture->path), 0);
    }
}

static void test_store_sets_another_programs_log_aside(void **state)
{
    struct fixture *fixture = *state;
    static const int page_bytes[] = {1024, 2048, 4096};
    for (size_t i = 0; i < sizeof(page_bytes) / sizeof(*page_bytes); i++) {
        struct fixture aside = *fixture;
        fixture_open(fixture);
        assert_int_equal(fixture_commit(fixture, 1, 5, 0), 0);
        fixture_close(fixture);
        make_foreign_log(fixture, page_bytes[i]);
        fixture_open(fixture);
        assert_string_not_equal(fixture->opened.set_aside, "");
        assert_int_equal(fixture_commit(fixture, 1, 5, 0), 0);
        /* the other program's pages did not get into the database */
        char log[sizeof(fixture->opened.set_aside) + 8];
        snprintf(log, sizeof(log), "%s-wal", fixture->opened.set_aside);
        assert_int_equal(unlink(log), 0);
        assert_true(strlen(fixture->opened.set_aside) < sizeof(aside.path));
        strcpy(aside.path, fixture->opened.set_aside);
        fixture_sql(&aside, "SELECT body FROM batch");
        fixture_close(fixture);
        assert_int_equal(unlink(fixture->path), 0);
    }
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_store_leaves_another_programs_database_alone),
        STORE_TEST(test_store_sets_a_socket_or_a_pipe_aside),
        STORE_TEST(test_store_that_was_in_its_log_only_is_not_taken_for_a_new_one),
        STORE_TEST(test_store_sets_another_programs_log_aside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
