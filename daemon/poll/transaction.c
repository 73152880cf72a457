#include "transaction.h"

#include <sys/eventfd.h>

#include "clock.h"

static bool answers_polls(const struct transaction *transaction,
                          struct machine_run *const *machines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (machines[i]->config->unit == transaction->unit)
            return machines[i]->state == QUALITY_GOOD;
    return false;
}

bool transaction_may_begin(const struct transaction *transaction,
                           struct machine_run *const *machines, size_t count, int64_t now_ns,
                           int64_t longest_ns)
{
    if (count == 0 || now_ns - transaction->since_ns >= TRANSACTION_PATIENCE_MS * NS_PER_MS)
        return true;
    int64_t left_ns =
        schedule_next(&machine_run_next(machines, count, INT64_MIN)->schedule) - now_ns;
    return left_ns > (answers_polls(transaction, machines, count) ? 0 : longest_ns);
}

void transaction_end(struct transaction *transaction, int result)
{
    int done_fd = transaction->done_fd;
    transaction->result = result;
    atomic_store(&transaction->done, true);
    eventfd_write(done_fd, 1);
}
