/* Which machine with which tags a reading's source number stands for, and which boot its time
 * belongs to: kept in memory as well. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "store_inside.h"

/* The update changes nothing, but makes a row that is there return its number: one whose commit
 * failed may have reached the disk all the same. */
static int keep_source(struct store *store, uint32_t id, const char *machine, const char *tags,
                       int64_t *ret_id)
{
    struct sql_query *query =
        sql_query(store->sql, "INSERT INTO source(id, machine, tags, sum)"
                              " VALUES(?1, ?2, ?3, row_sum(?1, ?2, ?3)) ON CONFLICT(machine, tags)"
                              " DO UPDATE SET tags = excluded.tags RETURNING id");
    sql_bind_int(query, 1, id);
    sql_bind_text(query, 2, machine);
    sql_bind_text(query, 3, tags);
    return sql_number(query, ret_id);
}

static int keep_boot(struct store *store, const struct store_boot *boot, int64_t *ret_id)
{
    struct sql_query *query =
        sql_query(store->sql, "INSERT INTO boot(id, boot_id, offset_ms, sum)"
                              " VALUES(?1, ?2, ?3, row_sum(?1, ?2, ?3)) ON CONFLICT(boot_id)"
                              " DO UPDATE SET boot_id = excluded.boot_id RETURNING id");
    sql_bind_int(query, 1, boot->id);
    sql_bind_text(query, 2, boot->boot_id);
    if (boot->offset_known)
        sql_bind_int(query, 3, boot->offset_ms);
    return sql_number(query, ret_id);
}

int store_keep_source(struct store *store, const struct source *source)
{
    int64_t id;
    return keep_source(store, source->id, source->machine, catalog_joined(source), &id);
}

int store_keep_boot(struct store *store, const struct store_boot *boot)
{
    int64_t id;
    return keep_boot(store, boot, &id);
}

/* --- sources --- */

static int number_source(struct store *store, const char *machine, const char *tags,
                         uint32_t *ret_id)
{
    const struct catalog *catalog = &store->catalog;
    uint32_t last = catalog->count > 0 ? catalog->items[catalog->count - 1].id : 0;
    int64_t id;
    int rc = keep_source(store, last + 1, machine, tags, &id);
    if (rc < 0)
        return store_failed(store, rc);
    catalog_add(&store->catalog, (uint32_t)id, machine, tags);
    *ret_id = (uint32_t)id;
    return 0;
}

int store_source_id(struct store *store, const struct machine *machine, uint32_t *ret_id)
{
    const struct source *known = catalog_by_content(&store->catalog, machine);
    if (known != NULL) {
        *ret_id = known->id;
        return 0;
    }
    int rc = store->open_transaction ? 0 : store_ready(store);
    if (rc < 0)
        return rc;
    text_clear(&store->scratch);
    catalog_tags(machine, &store->scratch);
    return number_source(store, machine->name, store->scratch.data, ret_id);
}

int store_adopt_source(struct store *store, const char *machine, const char *tags, uint32_t *ret_id)
{
    const struct source *known = catalog_by_names(&store->catalog, machine, tags);
    if (known != NULL) {
        *ret_id = known->id;
        return 0;
    }
    int rc = store->open_transaction ? 0 : store_ready(store);
    return rc < 0 ? rc : number_source(store, machine, tags, ret_id);
}

uint32_t store_last_source(const struct store *store)
{
    const struct catalog *catalog = &store->catalog;
    return catalog->count > 0 ? catalog->items[catalog->count - 1].id : 0;
}

bool store_has_source(struct store *store, const struct machine *machine)
{
    return catalog_by_content(&store->catalog, machine) != NULL;
}

const struct source *store_source(struct store *store, uint32_t id)
{
    return catalog_by_id(&store->catalog, id);
}

/* --- boots --- */

void store_add_boot(struct store *store, uint32_t id, const char *boot_id, bool offset_known,
                    int64_t offset_ms)
{
    for (size_t i = 0; i < store->boot_count; i++) {
        if (store->boots[i].id == id)
            return;
    }
    store->boots = mem_resize(store->boots, (store->boot_count + 1) * sizeof(*store->boots));
    store->boots[store->boot_count++] =
        (struct store_boot){id, mem_string(boot_id), offset_known, offset_ms};
}

int store_boot(struct store *store, const char *boot_id, uint32_t *ret_boot)
{
    assert(!store->open_transaction);
    for (size_t i = 0; i < store->boot_count; i++) {
        if (strcmp(store->boots[i].boot_id, boot_id) == 0) {
            *ret_boot = store->boots[i].id;
            return 0;
        }
    }
    int rc = store_ready(store);
    if (rc < 0)
        return rc;
    uint32_t last = store->boot_count > 0 ? store->boots[store->boot_count - 1].id : 0;
    struct store_boot boot = {.id = last + 1, .boot_id = (char *)boot_id};
    int64_t id;
    rc = keep_boot(store, &boot, &id);
    if (rc < 0)
        return store_failed(store, rc);
    store_add_boot(store, (uint32_t)id, boot_id, false, 0);
    *ret_boot = (uint32_t)id;
    return 0;
}

int store_set_boot_offset(struct store *store, uint32_t boot, int64_t offset_ms)
{
    assert(!store->open_transaction);
    int rc = store_ready(store);
    if (rc < 0)
        return rc;
    struct sql_query *query = sql_query(store->sql, "UPDATE boot SET offset_ms = ?1,"
                                                    " sum = row_sum(id, boot_id, ?1)"
                                                    " WHERE id = ?2");
    sql_bind_int(query, 1, offset_ms);
    sql_bind_int(query, 2, boot);
    rc = sql_run(query);
    if (rc < 0)
        return store_failed(store, rc);
    for (size_t i = 0; i < store->boot_count; i++) {
        if (store->boots[i].id == boot) {
            store->boots[i].offset_known = true;
            store->boots[i].offset_ms = offset_ms;
        }
    }
    return 0;
}

bool store_boot_offset(const struct store *store, uint32_t boot, int64_t *ret_offset_ms)
{
    for (size_t i = store->boot_count; i-- > 0;) {
        if (store->boots[i].id == boot && store->boots[i].offset_known) {
            *ret_offset_ms = store->boots[i].offset_ms;
            return true;
        }
    }
    return false;
}
