#include "remote/remote_write.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/sha256.h"
#include "http/client.h"
#include "model/relabel.h"
#include "remote/remote_position.h"
#include "remote/remote_write_priv.h"
#include "sys/fs.h"

enum { KEY_BYTES = 8, NAME_CHARS = 6 };

#define POSITION_SUFFIX ".position"

struct remote_write *remote_write_new(const struct remote_write_options *options)
{
    struct remote_write *remote = MEM_NEW(struct remote_write);
    struct arena arena = {0};

    remote->options = *options;
    remote->options.fs = options->fs != NULL ? options->fs : fs_real();
    remote->wal_dir = str_dup_c(str_from(fs_path(&arena, options->data_dir, "wal")));
    remote->dir = str_dup_c(str_from(fs_path(&arena, options->data_dir, "remote")));
    lock_init(&remote->lock, LOCK_REMOTE);
    arena_done(&arena);
    return remote;
}

static void entry_done(struct remote_entry *entry)
{
    (void)remote_queue_free(entry->queue);
    (void)prom_config_unref(entry->config);
    (void)mem_free(entry->stats);
    (void)mem_free(entry->key);
    (void)mem_free(entry->name);
    (void)mem_free(entry->position_path);
    *entry = (struct remote_entry){0};
}

/* Ends queues, all at the same time. */
static void entries_end(struct remote_write *remote, struct remote_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        remote_queue_stop(entries[i].queue, remote->options.flush_deadline);
    }
    for (size_t i = 0; i < count; i++) {
        entry_done(&entries[i]);
    }
}

/* Takes all queues out of sight of other threads. */
static remote_entries entries_take(struct remote_write *remote)
{
    remote_entries list;

    lock_acquire(&remote->lock);
    list = remote->entries;
    remote->entries = (remote_entries){0};
    lock_release(&remote->lock);
    return list;
}

/* Shows queues to other threads, beside those that they see; empties the list. */
static void entries_show(struct remote_write *remote, remote_entries *list)
{
    lock_acquire(&remote->lock);
    for (size_t i = 0; i < list->count; i++) {
        vec_push(&remote->entries, list->items[i]);
    }
    lock_release(&remote->lock);
    vec_done(list);
}

void remote_write_stop(struct remote_write *remote)
{
    remote_entries list = entries_take(remote);

    entries_end(remote, list.items, list.count);
    vec_done(&list);
}

struct remote_write *remote_write_free(struct remote_write *remote)
{
    if (remote != NULL) {
        remote_write_stop(remote);
        lock_done(&remote->lock);
        (void)mem_free(remote->wal_dir);
        (void)mem_free(remote->dir);
    }
    return mem_free(remote);
}

/* ---- names ---- */

/* The name of a section, or its URL and how many before it have the same: what names a remote from
 * one start to the next. */
static void identity_put(const struct prom_config *config, size_t index, struct buf *buf)
{
    const struct prom_remote_write *settings = prom_config_remote_write(config, index);
    size_t before = 0;

    for (size_t i = 0; i < index; i++) {
        const struct prom_remote_write *other = prom_config_remote_write(config, i);

        before += other->name.len == 0 && str_eq(other->url, settings->url);
    }
    if (settings->name.len > 0) {
        buf_printf(buf, "name %.*s", STR_ARG(settings->name));
    } else {
        buf_printf(buf, "url %zu %.*s", before, STR_ARG(settings->url));
    }
}

static char *key_make(const struct prom_config *config, size_t index)
{
    uint8_t digest[SHA256_BYTES];
    struct buf text = {0}, key = {0};

    identity_put(config, index, &text);
    sha256_digest(buf_view(&text), digest);
    for (size_t i = 0; i < KEY_BYTES; i++) {
        buf_printf(&key, "%02x", digest[i]);
    }
    buf_done(&text);
    return buf_take_c(&key);
}

/* ---- applying ---- */

static int section_check(const struct prom_config *config, size_t index, struct baro_error *err)
{
    const struct prom_remote_write *settings = prom_config_remote_write(config, index);
    CLEANUP(relabel_rules_freep) struct relabel_rules *rules = NULL;
    int r = http_client_check(settings->http, err);

    r = r < 0 ? r : relabel_rules_new(settings->relabel_configs, false, &rules, err);
    for (size_t i = 0; r >= 0 && i < index; i++) {
        if (prom_config_remote_is_same(config, i, config, index)) {
            r = error_set(err, BARO_EINVALID,
                          "duplicate remote write configs are not allowed: it is that of line %u",
                          prom_config_remote_write(config, i)->place.line);
        }
    }
    return r < 0 ? error_wrap(err, r, "remote_write in line %u", settings->place.line) : 0;
}

static int entry_start(struct remote_write *remote, struct prom_config *config, size_t index,
                       struct remote_entry *ret, struct baro_error *err)
{
    const struct prom_remote_write *settings = prom_config_remote_write(config, index);
    struct arena arena = {0};
    struct remote_entry entry = {
        .stats = MEM_NEW(struct remote_stats),
        .config = prom_config_ref(config),
        .index = index,
        .settings = settings,
        .key = key_make(config, index),
    };
    int r;

    entry.name = str_dup_c(settings->name.len > 0 ? settings->name : str_of(entry.key, NAME_CHARS));
    entry.position_path =
        str_dup_c(arena_printf(&arena, "%s/%s" POSITION_SUFFIX, remote->dir, entry.key));
    r = remote_queue_new(
        &(struct remote_queue_options){
            .fs = remote->options.fs,
            .wal_dir = remote->wal_dir,
            .position_path = entry.position_path,
            .name = entry.name,
            .config = config,
            .settings = settings,
            .stats = entry.stats,
            .user_agent = remote->options.user_agent,
            .metadata = remote->options.metadata,
            .context = remote->options.context,
        },
        &entry.queue, err);
    arena_done(&arena);
    if (r < 0) {
        entry_done(&entry);
        return error_wrap(err, r, "remote_write in line %u", settings->place.line);
    }
    *ret = entry;
    return 0;
}

/* The running queue of a section that has not changed, taken out of the list. */
static bool entry_keep(remote_entries *running, const struct prom_config *config, size_t index,
                       struct remote_entry *ret)
{
    for (size_t i = 0; i < running->count; i++) {
        struct remote_entry *entry = &running->items[i];

        if (prom_config_remote_is_same(entry->config, entry->index, config, index)) {
            *ret = *entry;
            *entry = running->items[--running->count];
            return true;
        }
    }
    return false;
}

/* Positions of remotes that are no more: should they come back, they begin anew. One whose queue
 * could not be started keeps its own. */
static void positions_clean(struct remote_write *remote, const struct prom_config *config,
                            size_t section_count)
{
    struct arena arena = {0};
    struct fs_entry *files = NULL;
    char **keys = mem_alloc((section_count + 1) * sizeof(*keys));
    size_t count = 0;

    for (size_t i = 0; i < section_count; i++) {
        keys[i] = key_make(config, i);
    }

    if (remote->options.fs->list(remote->options.fs, &arena, remote->dir, &files, &count, NULL) <
        0) {
        count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        bool is_used = !str_has_suffix(files[i].name, STR(POSITION_SUFFIX));

        for (size_t k = 0; k < section_count; k++) {
            is_used = is_used || str_has_prefix(files[i].name, str_from(keys[k]));
        }
        if (!is_used) {
            (void)remote->options.fs->remove(remote->options.fs,
                                             fs_path(&arena, remote->dir, files[i].name.ptr), NULL);
        }
    }
    for (size_t i = 0; i < section_count; i++) {
        (void)mem_free(keys[i]);
    }
    (void)mem_free(keys);
    arena_done(&arena);
}

static int entries_start(struct remote_write *remote, struct prom_config *config,
                         const bool *is_kept, remote_entries *entries, struct baro_error *err)
{
    int r = 0;

    for (size_t i = 0; prom_config_remote_write(config, i) != NULL; i++) {
        struct remote_entry entry = {0};
        struct baro_error fault = {0};
        int started = is_kept[i] ? 1 : entry_start(remote, config, i, &entry, &fault);

        if (started == 0) {
            vec_push(entries, entry);
        } else if (started < 0) {
            log_error("a remote_write queue cannot be started", log_err(&fault));
            r = started;
            *err = fault;
        }
    }
    return r;
}

int remote_write_apply(struct remote_write *remote, struct prom_config *config,
                       struct baro_error *err)
{
    remote_entries running, kept = {0}, started = {0};
    struct baro_error fault = {0};
    size_t count = 0;
    bool *is_kept;
    int r = 0;

    for (; r >= 0 && prom_config_remote_write(config, count) != NULL; count++) {
        r = section_check(config, count, err);
    }
    r = r < 0 || count == 0 ? r : fs_make_path(remote->options.fs, remote->dir, err);
    if (r < 0) {
        return r;
    }
    is_kept = mem_alloc_zero(count + 1);
    running = entries_take(remote);
    for (size_t i = 0; i < count; i++) {
        struct remote_entry entry = {0};

        is_kept[i] = entry_keep(&running, config, i, &entry);
        if (is_kept[i]) {
            vec_push(&kept, entry);
        }
    }
    /* The others may take long to end. */
    entries_show(remote, &kept);
    /* A queue begins where the one before it on the same file has ended. */
    entries_end(remote, running.items, running.count);
    vec_done(&running);
    r = entries_start(remote, config, is_kept, &started, &fault);
    positions_clean(remote, config, count);
    (void)mem_free(is_kept);
    entries_show(remote, &started);
    if (r < 0 && err != NULL) {
        *err = fault;
    }
    return r;
}
