#include "rules/rule_manager.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"
#include "client/self.h"
#include "rules/rule_labels.h"
#include "sys/clock.h"

enum {
    THREADS_DEFAULT = 4,
    THREADS_MAX = 64,
    LATE_MAX = 10 * DUR_SECOND, /* beyond two intervals: then evaluation is not well */
    RESTORE_AFTER = 2, /* evaluations: the first one may come before there are enough samples */
};

struct group_state {
    struct rule_group *group;
    ts next;              /* when it is due */
    uint32_t evaluations; /* since the start */
    bool is_busy;
    bool restores; /* was there at the start of the program: alerts of before come back */
};

struct rule_manager {
    struct rule_manager_options options;
    struct lock lock;       /* guards what follows */
    pthread_cond_t changed; /* groups, busy, stop */
    VEC(struct group_state *) groups;
    struct labels external_labels; /* owned */
    dur query_offset;
    size_t busy;
    bool paused; /* a reload waits, or runs */
    bool was_applied;
    _Atomic bool stop;
    pthread_t threads[THREADS_MAX];
    size_t thread_count;
};

static ts first_time(const struct rule_group *group, ts now)
{
    dur interval = rule_group_interval(group);
    dur slot = rule_group_slot(rule_group_file(group), rule_group_name(group), interval);
    ts shifted = now - slot;

    return shifted - shifted % interval + slot + interval;
}

static struct rule_env env_of(struct rule_manager *manager)
{
    struct rule_env env = {.queryable = manager->options.queryable,
                           .appendable = manager->options.appendable,
                           .external_labels = manager->external_labels,
                           .external_url = str_from(manager->options.external_url),
                           .query_offset = manager->query_offset,
                           .resend_delay = manager->options.resend_delay,
                           .sink = manager->options.sink,
                           .cancel = &manager->stop,
                           .missing = manager->options.missing};

    manager->options.engine(manager->options.context, &env.engine);
    return env;
}

/* ---- Evaluation ---- */

/* The group that is due first, or NULL and when to look again. */
static struct group_state *next_due_locked(struct rule_manager *manager, ts now, ts *ret_next)
{
    struct group_state *first = NULL;

    lock_assert_held(&manager->lock);
    *ret_next = INT64_MAX;
    for (size_t i = 0; i < manager->groups.count && !manager->paused; i++) {
        struct group_state *state = manager->groups.items[i];

        if (!state->is_busy && (first == NULL || state->next < first->next)) {
            first = state;
        }
    }
    if (first != NULL && first->next > now) {
        *ret_next = first->next;
        return NULL;
    }
    return first;
}

static void evaluate(struct rule_manager *manager, struct group_state *state,
                     const struct rule_env *env)
{
    const struct rule_manager_options *options = &manager->options;
    ts t = state->next;
    mono start = clock_mono(options->clock);
    int failed = rule_group_eval(state->group, env, t);

    state->evaluations++;
    if (state->restores && state->evaluations == RESTORE_AFTER) {
        rule_group_restore(state->group, env, t, options->outage_tolerance, options->grace_period);
        state->restores = false;
    }
    self_add(SELF_RULE_GROUP_COUNT, 1);
    self_add(SELF_RULE_GROUP_SUM,
             (double)(clock_mono(options->clock) - start) / (double)MONO_PER_SECOND);
    if (failed > 0) {
        log_warn("rules of a group failed", log_str("group", rule_group_name(state->group)),
                 log_str("file", rule_group_file(state->group)), log_int("failed", failed));
    }
}

/* When the group is due again; what has been slept through is left out and counted. */
static void advance_locked(struct rule_manager *manager, struct group_state *state)
{
    dur interval = rule_group_interval(state->group);
    ts late = clock_now(manager->options.clock) - state->next;
    uint64_t missed = late >= 2 * interval ? (uint64_t)(late / interval - 1) : 0;

    lock_assert_held(&manager->lock);
    state->next += (ts)(missed + 1) * interval;
    if (missed > 0) {
        rule_group_missed(state->group, missed);
    }
}

static void evaluate_locked(struct rule_manager *manager, struct group_state *state)
{
    struct rule_env env;

    state->is_busy = true;
    manager->busy++;
    lock_release(&manager->lock);
    env = env_of(manager);
    evaluate(manager, state, &env);
    lock_acquire(&manager->lock);
    state->is_busy = false;
    manager->busy--;
    advance_locked(manager, state);
    (void)pthread_cond_broadcast(&manager->changed);
}

static void *run(void *context)
{
    struct rule_manager *manager = context;

    lock_acquire(&manager->lock);
    while (!atomic_load_explicit(&manager->stop, memory_order_relaxed)) {
        ts now = clock_now(manager->options.clock);
        ts next = 0;
        struct group_state *state = next_due_locked(manager, now, &next);

        if (state != NULL) {
            evaluate_locked(manager, state);
        } else {
            mono until =
                next == INT64_MAX ? 0 : clock_mono(clock_real()) + (next - now) * MONO_PER_MS;

            (void)lock_wait(&manager->lock, &manager->changed, until);
        }
    }
    lock_release(&manager->lock);
    return NULL;
}

/* ---- Reload ---- */

static struct group_state *state_free(struct group_state *state)
{
    if (state != NULL) {
        (void)rule_group_free(state->group);
    }
    return mem_free(state);
}

/* A reload at work. */
struct swap {
    struct rule_manager *manager;
    struct rule_env env;
    ts now;
    bool *is_taken; /* of the groups that were: does one of the new ones go on with it? */
    VEC(struct group_state *) groups;
    VEC(struct group_state *) gone;
};

/* The group of before with the same name and file, and its place; NULL when there is none. */
static struct group_state *find_before(const struct swap *swap, const struct rule_group *like,
                                       size_t *ret_index)
{
    for (size_t i = 0; i < swap->manager->groups.count; i++) {
        struct group_state *state = swap->manager->groups.items[i];

        if (!swap->is_taken[i] && str_eq(rule_group_name(state->group), rule_group_name(like)) &&
            str_eq(rule_group_file(state->group), rule_group_file(like))) {
            *ret_index = i;
            return state;
        }
    }
    return NULL;
}

/* A group that did not change goes on as it is; one that did takes over what it knew. */
static void add_group(struct swap *swap, struct rule_group *group)
{
    size_t index = 0;
    struct group_state *before = find_before(swap, group, &index);
    struct group_state *state;

    if (before != NULL) {
        swap->is_taken[index] = true;
    }
    if (before != NULL && rule_group_is_same(before->group, group)) {
        (void)rule_group_free(group);
        vec_push(&swap->groups, before);
        return;
    }
    state = MEM_NEW(struct group_state);
    *state = (struct group_state){.group = group,
                                  .next = first_time(group, swap->now),
                                  .restores = !swap->manager->was_applied};
    if (before != NULL) {
        rule_group_take(group, before->group, &swap->env, swap->now);
        state->restores = before->restores;
        vec_push(&swap->gone, before);
    }
    vec_push(&swap->groups, state);
}

static void end_others(struct swap *swap)
{
    for (size_t i = 0; i < swap->manager->groups.count; i++) {
        if (!swap->is_taken[i]) {
            rule_group_end(swap->manager->groups.items[i]->group, &swap->env, swap->now);
            vec_push(&swap->gone, swap->manager->groups.items[i]);
        }
    }
}

static int compare_states(const void *a, const void *b)
{
    const struct rule_group *x = (*(struct group_state *const *)a)->group;
    const struct rule_group *y = (*(struct group_state *const *)b)->group;
    int order = str_cmp(rule_group_file(x), rule_group_file(y));

    return order != 0 ? order : str_cmp(rule_group_name(x), rule_group_name(y));
}

/* No evaluation runs, and none begins: the threads see `paused`. Viewers see the groups of before
 * until the new ones stand. */
static void swap_groups(struct rule_manager *manager, const struct rule_settings *settings)
{
    struct swap swap = {
        .manager = manager, .env = env_of(manager), .now = clock_now(manager->options.clock)};

    swap.is_taken = mem_alloc_zero(manager->groups.count + 1);
    for (size_t i = 0; i < settings->file_count; i++) {
        for (size_t k = 0; k < settings->files[i].count; k++) {
            add_group(&swap, rule_group_new(&settings->files[i].groups[k], settings->paths[i],
                                            settings->interval));
        }
    }
    end_others(&swap);
    if (swap.groups.count > 1) {
        qsort(swap.groups.items, swap.groups.count, sizeof(*swap.groups.items), compare_states);
    }
    lock_acquire(&manager->lock);
    vec_reset(&manager->groups);
    for (size_t i = 0; i < swap.groups.count; i++) {
        vec_push(&manager->groups, swap.groups.items[i]);
    }
    lock_release(&manager->lock);
    for (size_t i = 0; i < swap.gone.count; i++) {
        (void)state_free(swap.gone.items[i]);
    }
    vec_done(&swap.groups);
    vec_done(&swap.gone);
    (void)mem_free(swap.is_taken);
}

void rule_manager_apply(struct rule_manager *manager, const struct rule_settings *settings)
{
    lock_acquire(&manager->lock);
    manager->paused = true;
    while (manager->busy > 0) {
        (void)lock_wait(&manager->lock, &manager->changed, 0);
    }
    rule_labels_free(manager->external_labels);
    manager->external_labels = rule_labels_copy(settings->external_labels);
    manager->query_offset = settings->query_offset;
    lock_release(&manager->lock);
    swap_groups(manager, settings);
    lock_acquire(&manager->lock);
    manager->was_applied = true;
    manager->paused = false;
    (void)pthread_cond_broadcast(&manager->changed);
    lock_release(&manager->lock);
}

/* ---- Life ---- */

int rule_manager_new(const struct rule_manager_options *options, struct rule_manager **ret,
                     struct baro_error *err)
{
    struct rule_manager *manager = MEM_NEW(struct rule_manager);
    size_t wanted = options->thread_count > 0 ? options->thread_count : THREADS_DEFAULT;

    manager->options = *options;
    manager->options.resend_delay = options->resend_delay > 0 ? options->resend_delay : DUR_MINUTE;
    manager->options.outage_tolerance =
        options->outage_tolerance > 0 ? options->outage_tolerance : DUR_HOUR;
    manager->options.grace_period =
        options->grace_period > 0 ? options->grace_period : 10 * (dur)DUR_MINUTE;
    lock_init(&manager->lock, LOCK_RULES);
    lock_condition_init(&manager->changed);
    while (manager->thread_count < wanted && manager->thread_count < THREADS_MAX) {
        int failed = pthread_create(&manager->threads[manager->thread_count], NULL, run, manager);

        if (failed != 0) {
            (void)rule_manager_free(manager);
            return error_system(err, failed, "rules: start a thread");
        }
        manager->thread_count++;
    }
    *ret = manager;
    return 0;
}

void rule_manager_stop(struct rule_manager *manager)
{
    lock_acquire(&manager->lock);
    atomic_store_explicit(&manager->stop, true, memory_order_relaxed);
    (void)pthread_cond_broadcast(&manager->changed);
    lock_release(&manager->lock);
    for (size_t i = 0; i < manager->thread_count; i++) {
        (void)pthread_join(manager->threads[i], NULL);
    }
    manager->thread_count = 0;
}

struct rule_manager *rule_manager_free(struct rule_manager *manager)
{
    if (manager != NULL) {
        rule_manager_stop(manager);
        for (size_t i = 0; i < manager->groups.count; i++) {
            (void)state_free(manager->groups.items[i]);
        }
        vec_done(&manager->groups);
        rule_labels_free(manager->external_labels);
        (void)pthread_cond_destroy(&manager->changed);
        lock_done(&manager->lock);
    }
    return mem_free(manager);
}

static void view_groups(struct rule_manager *manager, struct arena *arena,
                        void (*view)(struct rule_group *, struct arena *, struct rule_group_view *),
                        struct rule_group_view **ret, size_t *ret_count)
{
    lock_acquire(&manager->lock);
    *ret = ARENA_ARRAY(arena, struct rule_group_view, manager->groups.count);
    *ret_count = 0;
    for (size_t i = 0; i < manager->groups.count; i++) {
        view(manager->groups.items[i]->group, arena, &(*ret)[(*ret_count)++]);
    }
    lock_release(&manager->lock);
}

bool rule_manager_is_well(struct rule_manager *manager, struct buf *ret_why)
{
    ts now = clock_now(manager->options.clock);
    bool good = true;

    lock_acquire(&manager->lock);
    for (size_t i = 0; i < manager->groups.count && good; i++) {
        struct group_state *state = manager->groups.items[i];
        str name = rule_group_name(state->group);

        if (now - state->next > 2 * rule_group_interval(state->group) + LATE_MAX) {
            buf_printf(ret_why, "rule group %.*s is not evaluated", STR_ARG(name));
            good = false;
        } else if (rule_group_is_failing(state->group)) {
            buf_printf(ret_why, "all rules of group %.*s fail", STR_ARG(name));
            good = false;
        }
    }
    lock_release(&manager->lock);
    return good;
}

void rule_manager_figures(struct rule_manager *manager, struct arena *arena,
                          struct rule_group_view **ret, size_t *ret_count)
{
    view_groups(manager, arena, rule_group_figures, ret, ret_count);
}

void rule_manager_view(struct rule_manager *manager, struct arena *arena,
                       struct rule_group_view **ret, size_t *ret_count)
{
    view_groups(manager, arena, rule_group_view, ret, ret_count);
}
