/* Stopping while the store refuses. */
#include <fcntl.h>

#include "ledger_bench.h"

/* What stopping says. */
static void finish_and_listen(struct bench *bench, char *said, size_t size)
{
    char path[100];
    int before = dup(STDERR_FILENO);
    snprintf(path, sizeof(path), "%s/log", bench->fixture->folder);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(before >= 0 && fd >= 0);
    dup2(fd, STDERR_FILENO);
    finish(bench);
    dup2(before, STDERR_FILENO);
    ssize_t length = pread(fd, said, size - 1, 0);
    assert_true(length >= 0);
    said[length] = '\0';
    close(fd);
    close(before);
}

static void test_ledger_tells_on_stopping_how_many_readings_that_costs(void **state)
{
    struct bench *bench = *state;
    const struct gap gap = {.why = GAP_REFUSED, .first_seq = 7, .last_seq = 9, .missing = 3};
    char said[2000];
    open_always(bench);
    refuse(bench, "1");
    put(bench, 10);
    put(bench, 11);
    ledger_declare(bench->ledger, &gap);
    step(bench);
    put(bench, 12);
    put(bench, 13);
    finish_and_listen(bench, said, sizeof(said));
    assert_non_null(strstr(said, ": 4 readings in memory could not be written"));
    assert_non_null(strstr(said, "the loss of 3 readings before could not be declared"));
}

static void test_ledger_tells_on_stopping_what_was_never_to_be_stored(void **state)
{
    struct bench *bench = *state;
    char said[2000];
    open_outage(bench);
    put(bench, 10);
    put(bench, 11);
    step(bench);
    acknowledge(bench, 1, 2);
    put(bench, 12);
    step(bench);
    refuse(bench, "1");
    put(bench, 13);
    put(bench, 14);
    finish_and_listen(bench, said, sizeof(said));
    assert_non_null(strstr(said, ": 3 readings in memory could not be written"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(test_ledger_tells_on_stopping_how_many_readings_that_costs),
        LEDGER_TEST(test_ledger_tells_on_stopping_what_was_never_to_be_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
