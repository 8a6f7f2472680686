#include "storage/storage.h"

#include "base/attr.h"
#include "base/mem.h"
#include "testing/test.h"

static struct labels labels_of(struct arena *arena, const char *name, const char *job)
{
    struct label pairs[] = {{LABEL_METRIC_NAME, str_from(name)}, {STR("job"), str_from(job)}};

    return labels_from_pairs(arena, pairs, job[0] != '\0' ? 2 : 1);
}

static void add(struct memstore *store, const char *name, const char *job, ts t, double v)
{
    struct arena arena = {0};
    struct baro_error err = {0};

    assert_ok(memstore_append(store, labels_of(&arena, name, job), t, v, &err), &err);
    arena_done(&arena);
}

static struct querier *open_part(struct memstore *store)
{
    struct querier *querier = NULL;
    struct queryable *queryable = memstore_queryable(store);

    assert_int_equal(queryable->querier(queryable, INT64_MIN, INT64_MAX, &querier, NULL), 0);
    return querier;
}

static struct series_list select_all(struct querier *querier, struct arena *arena, bool sorted,
                                     size_t limit)
{
    struct select_hints hints = {.sorted = sorted, .limit = limit};
    struct series_list list = {0};

    assert_int_equal(
        querier->ops->select(querier, arena, &hints, (struct matchers){0}, NULL, &list, NULL), 0);
    return list;
}

static const struct series *find(struct series_list list, const char *name, const char *job)
{
    for (size_t i = 0; i < list.count; i++) {
        str has = labels_get(list.items[i].labels, STR("job"));

        if (str_is(labels_get(list.items[i].labels, LABEL_METRIC_NAME), name) &&
            str_eq(has, str_from(job))) {
            return &list.items[i];
        }
    }
    return NULL;
}

/* Three parts: two that overlap in time and one that follows. */
struct world {
    struct memstore *stores[3];
    struct querier *merged;
    struct arena arena;
};

static void world_open(struct world *world)
{
    struct querier *parts[3];

    *world = (struct world){0};
    for (int i = 0; i < 3; i++) {
        world->stores[i] = memstore_new();
    }
    add(world->stores[0], "up", "a", 10, 1);
    add(world->stores[0], "up", "a", 20, 1);
    add(world->stores[0], "up", "a", 30, 1);
    add(world->stores[1], "up", "a", 15, 2);
    add(world->stores[1], "up", "a", 20, 2);
    add(world->stores[2], "up", "a", 40, 3);
    add(world->stores[0], "only", "x", 5, 9);
    add(world->stores[2], "up", "b", 40, 4);
    add(world->stores[1], "up", "b", 50, 5);
    for (int i = 0; i < 3; i++) {
        parts[i] = open_part(world->stores[i]);
    }
    world->merged = querier_merge(parts, 3);
}

static void world_close(struct world *world)
{
    querier_close(world->merged);
    arena_done(&world->arena);
    for (int i = 0; i < 3; i++) {
        (void)memstore_free(world->stores[i]);
    }
}

static void assert_merged(struct world *world, struct series_list list)
{
    static const ts want_t[] = {10, 15, 20, 30, 40};
    static const double want_v[] = {1, 2, 2, 1, 3};
    struct sample_buf samples = {0};
    const struct series *a = find(list, "up", "a");
    const struct series *b = find(list, "up", "b");
    struct sample last = {0};

    assert_int_equal(list.count, 3);
    assert_non_null(a);
    assert_non_null(b);
    assert_int_equal(
        world->merged->ops->samples(world->merged, a, INT64_MIN, INT64_MAX, &samples, NULL), 0);
    assert_int_equal(samples.count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(samples.t[i], want_t[i]);
        assert_true(samples.v[i] == want_v[i]);
    }
    assert_int_equal(world->merged->ops->last_sample(world->merged, a, 0, 25, NULL, &last, NULL),
                     1);
    assert_int_equal(last.t, 20);
    assert_true(last.v == 2);
    assert_int_equal(world->merged->ops->last_sample(world->merged, a, 0, 9, NULL, &last, NULL), 0);
    assert_int_equal(world->merged->ops->last_sample(world->merged, b, 0, 99, NULL, &last, NULL),
                     1);
    assert_int_equal(last.t, 50);
    sample_buf_done(&samples);
}

TEST(querier_merge_makes_one_series_of_equal_labels)
{
    struct world world;
    struct series_list list;

    world_open(&world);
    assert_merged(&world, select_all(world.merged, &world.arena, false, 0));
    list = select_all(world.merged, &world.arena, true, 0);
    assert_merged(&world, list);
    assert_true(find(list, "only", "x") == &list.items[0]);
    assert_int_equal(select_all(world.merged, &world.arena, true, 2).count, 2);
    world_close(&world);
}

TEST(querier_merge_unites_names_and_values)
{
    struct world world;
    struct str_list list = {0};

    world_open(&world);
    assert_int_equal(world.merged->ops->label_values(world.merged, &world.arena, STR("job"),
                                                     (struct matchers){0}, NULL, &list, NULL),
                     0);
    assert_int_equal(list.count, 3);
    assert_str_equal(list.items[0], STR("a"));
    assert_str_equal(list.items[2], STR("x"));
    assert_int_equal(world.merged->ops->label_names(world.merged, &world.arena,
                                                    (struct matchers){0}, NULL, &list, NULL),
                     0);
    assert_int_equal(list.count, 2);
    world_close(&world);
}

TEST(querier_merge_of_none_and_of_one)
{
    struct memstore *store = memstore_new();
    struct querier *one = open_part(store);
    struct querier *none = querier_merge(NULL, 0);
    struct arena arena = {0};

    assert_true(querier_merge(&one, 1) == one);
    assert_int_equal(select_all(none, &arena, false, 0).count, 0);
    querier_close(none);
    querier_close(one);
    (void)memstore_free(store);
    arena_done(&arena);
}

TEST(memstore_refuses_time_that_does_not_rise)
{
    CLEANUP(memstore_freep) struct memstore *store = memstore_new();
    struct arena arena = {0};
    struct labels labels = labels_of(&arena, "up", "");

    add(store, "up", "", 10, 1);
    assert_int_equal(memstore_append(store, labels, 10, 1, NULL), BARO_EDUPLICATE);
    assert_int_equal(memstore_append(store, labels, 9, 1, NULL), BARO_EOUTOFORDER);
    arena_done(&arena);
}

TEST(memstore_matches_and_clips)
{
    CLEANUP(memstore_freep) struct memstore *store = memstore_new();
    struct queryable *queryable = memstore_queryable(store);
    struct matcher job = {.op = MATCHER_EQUAL, .name = STR("job"), .value = STR("")};
    struct arena arena = {0};
    struct series_list list = {0};
    struct querier *querier = NULL;
    struct sample_buf samples = {0};

    add(store, "up", "a", 10, 1);
    add(store, "up", "", 10, 2);
    add(store, "up", "", 20, 3);
    add(store, "old", "", 1, 3);
    assert_int_equal(queryable->querier(queryable, 5, 15, &querier, NULL), 0);
    assert_int_equal(
        querier->ops->select(querier, &arena, NULL, (struct matchers){&job, 1}, NULL, &list, NULL),
        0);
    assert_int_equal(list.count, 1);
    assert_int_equal(querier->ops->samples(querier, &list.items[0], 0, 100, &samples, NULL), 0);
    assert_int_equal(samples.count, 1);
    assert_true(samples.v[0] == 2);
    sample_buf_done(&samples);
    querier_close(querier);
    arena_done(&arena);
}

TEST(cancel_tells_flag_and_deadline)
{
    _Atomic bool flag = false;
    struct cancel cancel = {.flag = &flag};

    assert_int_equal(cancel_check(NULL, NULL), 0);
    assert_int_equal(cancel_check(&cancel, NULL), 0);
    cancel.deadline = 1;
    assert_int_equal(cancel_check(&cancel, NULL), BARO_ETIMEOUT);
    flag = true;
    assert_int_equal(cancel_check(&cancel, NULL), BARO_ECANCELED);
}

/* ---- what parts know of their samples ---- */

/* A part whose only series lies in one piece. */
struct piece_querier {
    struct querier querier;
    const ts *t;
    const double *v;
    size_t count;
    struct sample_facts facts;
};

static const struct piece_querier *piece_of(struct querier *querier)
{
    return CONTAINER_OF(querier, struct piece_querier, querier);
}

static int piece_select(UNUSED struct querier *querier, struct arena *arena,
                        UNUSED const struct select_hints *hints, UNUSED struct matchers matchers,
                        UNUSED const struct cancel *cancel, struct series_list *ret,
                        UNUSED struct baro_error *err)
{
    static const struct label pairs[] = {{STR_INIT("a"), STR_INIT("b")}};

    *ret = (struct series_list){ARENA_ARRAY(arena, struct series, 1), 1};
    ret->items[0].labels = (struct labels){(struct label *)(uintptr_t)pairs, 1};
    return 0;
}

static int piece_samples(struct querier *querier, UNUSED const struct series *series,
                         UNUSED ts start, UNUSED ts end, struct sample_buf *ret,
                         UNUSED struct baro_error *err)
{
    const struct piece_querier *piece = piece_of(querier);

    assert_true(sample_buf_reserve(ret, piece->count));
    memcpy(ret->t + ret->count, piece->t, piece->count * sizeof(*piece->t));
    memcpy(ret->v + ret->count, piece->v, piece->count * sizeof(*piece->v));
    ret->count += piece->count;
    ret->facts = piece->facts;
    return 0;
}

static int piece_view(struct querier *querier, UNUSED const struct series *series, UNUSED ts start,
                      UNUSED ts end, struct sample_view *ret)
{
    const struct piece_querier *piece = piece_of(querier);

    *ret = (struct sample_view){piece->t, piece->v, piece->count, piece->facts};
    return 1;
}

static void piece_close(UNUSED struct querier *querier)
{
}

static const struct querier_ops piece_ops = {
    .select = piece_select, .samples = piece_samples, .view = piece_view, .close = piece_close};

TEST(querier_merge_joins_what_is_known)
{
    static const struct {
        const char *name;
        ts t[2]; /* of the second part's samples; the first has 10 and 20 */
        double v[2];
        struct sample_facts facts;
        struct sample_facts want;
        bool has_pieces;
        bool never_falls; /* of the pieces */
    } cases[] = {
        {"goes on", {30, 40}, {3, 4}, {10, true, true}, {10, true, true}, true, true},
        {"falls between", {30, 40}, {1, 4}, {10, true, true}, {10, true, false}, true, false},
        {"falls within", {30, 40}, {5, 4}, {10, true, false}, {10, true, false}, true, false},
        {"a gap", {40, 50}, {3, 4}, {10, true, true}, {0, true, true}, false, false},
        {"another distance", {30, 50}, {3, 4}, {20, true, true}, {0, true, true}, false, false},
        {"a NaN", {30, 40}, {3, 4}, {10, false, false}, {10, false, false}, false, false},
        {"unknown", {30, 40}, {3, 4}, {0, false, false}, {0, false, false}, false, false},
        {"overlap", {20, 30}, {3, 4}, {10, true, true}, {0, true, false}, false, false},
        {"before", {0, 5}, {3, 4}, {5, true, true}, {0, true, false}, false, false},
    };
    static const ts first_t[] = {10, 20};
    static const double first_v[] = {1, 2};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct piece_querier pieces[2] = {
            {{&piece_ops}, first_t, first_v, 2, {10, true, true}},
            {{&piece_ops}, cases[i].t, cases[i].v, 2, cases[i].facts}};
        struct querier *parts[2] = {&pieces[0].querier, &pieces[1].querier};
        struct querier *merged = querier_merge(parts, 2);
        struct sample_pieces got = {0};
        struct sample_buf samples = {0};
        struct series_list list = {0};
        struct arena arena = {0};

        test_row(cases[i].name);
        assert_int_equal(
            merged->ops->select(merged, &arena, NULL, (struct matchers){0}, NULL, &list, NULL), 0);
        assert_int_equal(list.count, 1);
        assert_int_equal(merged->ops->samples(merged, &list.items[0], 0, 100, &samples, NULL), 0);
        assert_int_equal(samples.facts.distance, cases[i].want.distance);
        assert_int_equal(samples.facts.no_nan, cases[i].want.no_nan);
        assert_int_equal(samples.facts.never_falls, cases[i].want.never_falls);
        assert_int_equal(merged->ops->pieces(merged, &list.items[0], 0, 100, &got),
                         cases[i].has_pieces);
        if (cases[i].has_pieces) {
            assert_int_equal(got.count, 4);
            assert_int_equal(got.first, 10);
            assert_int_equal(got.never_falls, cases[i].never_falls);
            assert_int_equal(got.pieces[1].begin, 2);
            assert_int_equal(got.pieces[1].end, 4);
            assert_true(got.pieces[1].v == cases[i].v);
        }
        sample_buf_done(&samples);
        arena_done(&arena);
        querier_close(merged);
    }
    test_row(NULL);
}

/* A part whose series are kept. */
struct kept_part {
    struct querier querier;
    struct labels labels[2];
    _Atomic uint64_t sames[2];
    str values[2];
    _Atomic uint64_t values_same;
};

static int kept_select(struct querier *base, struct arena *arena, const struct select_hints *hints,
                       struct matchers matchers, const struct cancel *cancel,
                       struct series_list *ret, struct baro_error *err)
{
    struct kept_part *part = CONTAINER_OF(base, struct kept_part, querier);
    struct series *items = ARENA_ARRAY(arena, struct series, 2);

    (void)hints;
    (void)matchers;
    (void)cancel;
    (void)err;
    for (size_t i = 0; i < 2; i++) {
        /* All hashes are alike: labels must tell. */
        items[i] = (struct series){.labels = part->labels[i], .hash = 1, .same = &part->sames[i]};
    }
    *ret = (struct series_list){items, 2};
    return 0;
}

static int kept_values(struct querier *base, struct arena *arena, str name,
                       struct matchers matchers, const struct cancel *cancel, struct str_list *ret,
                       struct baro_error *err)
{
    struct kept_part *part = CONTAINER_OF(base, struct kept_part, querier);

    (void)arena;
    (void)name;
    (void)matchers;
    (void)cancel;
    (void)err;
    *ret = (struct str_list){part->values, 2, &part->values_same};
    return 0;
}

static void kept_close(struct querier *base)
{
    (void)base;
}

TEST(querier_merge_compares_kept_labels_once)
{
    static const struct querier_ops ops = {.select = kept_select, .close = kept_close};
    struct arena arena = {0};
    struct kept_part parts[3] = {0};

    for (int i = 0; i < 3; i++) {
        parts[i].querier.ops = &ops;
        parts[i].labels[0] = labels_of(&arena, "up", "a");
        parts[i].labels[1] = labels_of(&arena, "up", "b");
    }
    for (int round = 0; round < 3; round++) {
        struct querier *queriers[] = {&parts[0].querier, &parts[1].querier, &parts[2].querier};
        struct querier *merged = querier_merge(queriers, 3);
        struct series_list list = select_all(merged, &arena, false, 0);

        assert_int_equal(list.count, 2);
        assert_non_null(find(list, "up", "a"));
        assert_non_null(find(list, "up", "b"));
        assert_int_equal(list.items[0].id, 3);
        assert_int_equal(list.items[1].id, 3);
        for (int k = 0; k < 2; k++) {
            assert_true(parts[0].sames[k] != 0);
            assert_true(parts[1].sames[k] == parts[0].sames[k]);
            assert_true(parts[2].sames[k] == parts[0].sames[k]);
        }
        assert_true(parts[0].sames[0] != parts[0].sames[1]);
        querier_close(merged);
        if (round == 1) { /* the number is what tells: these are not looked at any more */
            parts[2].labels[0] = labels_of(&arena, "up", "c");
        }
    }
    arena_done(&arena);
}

TEST(querier_merge_compares_kept_values_once)
{
    static const struct querier_ops ops = {.label_values = kept_values, .close = kept_close};
    struct arena arena = {0};
    struct kept_part parts[3] = {0};

    for (int i = 0; i < 3; i++) {
        parts[i].querier.ops = &ops;
        parts[i].values[0] = STR("a");
        parts[i].values[1] = i == 1 ? STR("c") : STR("b");
    }
    for (int round = 0; round < 3; round++) {
        struct querier *queriers[] = {&parts[0].querier, &parts[2].querier};
        struct querier *merged = querier_merge(queriers, 2);
        struct str_list list = {0};

        assert_int_equal(merged->ops->label_values(merged, &arena, STR("job"), (struct matchers){0},
                                                   NULL, &list, NULL),
                         0);
        assert_int_equal(list.count, 2);
        assert_str_equal(list.items[1], round < 2 ? STR("b") : STR("d"));
        assert_true(parts[0].values_same != 0 && parts[0].values_same == parts[2].values_same);
        querier_close(merged);
        queriers[1] = &parts[1].querier; /* another list */
        queriers[0] = &parts[0].querier;
        merged = querier_merge(queriers, 2);
        assert_int_equal(merged->ops->label_values(merged, &arena, STR("job"), (struct matchers){0},
                                                   NULL, &list, NULL),
                         0);
        assert_int_equal(list.count, 3);
        assert_true(parts[1].values_same == 0);
        querier_close(merged);
        if (round == 1) { /* the number is what tells: these are not looked at any more */
            parts[2].values[1] = STR("d");
        }
    }
    arena_done(&arena);
}
