#include <baro/baro.h>

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/attr.h"
#include "testing/test.h"

#define assert_number(got, want) assert_number_(got, want, __LINE__)
static void assert_number_(double got, double want, int line)
{
    if (got != want) {
        print_error("%s:%d: wanted %.17g, got %.17g\n", __FILE__, line, want, got);
        fail();
    }
}

static struct baro_registry *registry_new(void)
{
    struct baro_registry *registry = baro_registry_new(NULL, NULL);

    assert_non_null(registry);
    return registry;
}

/* The exposition of a registry; the caller frees it. */
static char *exposed(struct baro_registry *registry, enum baro_format format)
{
    struct baro_expose_options options = {.format = format};
    char *text = baro_expose_alloc(registry, &options, NULL);

    assert_non_null(text);
    return text;
}

static void assert_exposes(struct baro_registry *registry, enum baro_format format,
                           const char *want)
{
    char *text = exposed(registry, format);

    assert_string_equal(text, want);
    free(text);
}

static const struct baro_label two_labels[] = {{.name = "method"}, {.name = "code"}};
static const struct baro_desc requests = {
    .name = "requests_total",
    .help = "Requests.",
    .type = BARO_COUNTER,
    .labels = two_labels,
    .label_count = 2,
};

TEST(baro_counter_counts)
{
    struct baro_registry *registry = registry_new();
    baro_counter counter = baro_counter_new(registry, "jobs_total", "Jobs.");
    uint64_t misuses = baro_misuse_count();

    baro_counter_inc(counter);
    baro_counter_add(counter, 2);
    baro_counter_add_u64(counter, 4);
    baro_counter_add(counter, 0.25);
    assert_number(baro_counter_value(counter), 7.25);
    assert_int_equal(baro_misuse_count(), misuses);
    baro_counter_add(counter, -1);
    baro_counter_add(counter, __builtin_nan(""));
    baro_counter_inc((baro_counter){0});
    assert_int_equal(baro_misuse_count(), misuses + 3);
    assert_exposes(registry, BARO_TEXT,
                   "# HELP jobs_total Jobs.\n# TYPE jobs_total counter\njobs_total 7.25\n");
    assert_exposes(registry, BARO_OPENMETRICS,
                   "# HELP jobs Jobs.\n# TYPE jobs counter\njobs_total 7.25\n# EOF\n");
    assert_null(baro_registry_free(registry));
}

TEST(baro_gauge_sets_and_adds)
{
    struct baro_registry *registry = registry_new();
    baro_gauge gauge = baro_gauge_new(registry, "temperature", "");

    baro_gauge_set(gauge, 0.1);
    assert_number(baro_gauge_value(gauge), 0.1);
    baro_gauge_add(gauge, 2);
    assert_number(baro_gauge_value(gauge), 2.1);
    baro_gauge_set(gauge, 0.5);
    assert_number(baro_gauge_value(gauge), 0.5);
    baro_gauge_inc(gauge);
    baro_gauge_dec(gauge);
    baro_gauge_sub(gauge, 0.5);
    assert_number(baro_gauge_value(gauge), 0);
    baro_gauge_set(gauge, 0);
    assert_number(baro_gauge_value(gauge), 0);
    baro_gauge_set(gauge, -__builtin_inf());
    assert_exposes(registry, BARO_TEXT, "# TYPE temperature gauge\ntemperature -Inf\n");
    assert_null(baro_registry_free(registry));
}

TEST(baro_histogram_finds_its_bucket)
{
    static const double bounds[] = {-1, 0, 0.5, 1, 1.5, 100};
    static const double positive[] = {0.005, 0.01, 0.5, 1, 1.0625, 1.1, 100};
    static const struct {
        double value;
        size_t bucket;
        size_t bucket_of_positive;
    } cases[] = {
        {-2, 0, 0},
        {-1, 0, 0},
        {-0.5, 1, 0},
        {0, 1, 0},
        {0.005, 2, 0},
        {0.0051, 2, 1},
        {0.5, 2, 2},
        {0.50001, 3, 3},
        {1, 3, 3},
        {1.0625, 4, 4},
        {1.07, 4, 5},
        {1.1, 4, 5},
        {1.1001, 4, 6},
        {99, 5, 6},
        {100, 5, 6},
        {101, 6, 7},
        {__builtin_inf(), 6, 7},
        {-__builtin_inf(), 0, 0},
        {__builtin_nan(""), 6, 7},
    };
    struct baro_registry *registry = registry_new();
    baro_histogram any = baro_histogram_new(registry, "any", "", bounds, ARRAY_COUNT(bounds));
    baro_histogram above =
        baro_histogram_new(registry, "above", "", positive, ARRAY_COUNT(positive));

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        uint64_t before = baro_histogram_bucket(any, cases[i].bucket);
        uint64_t before_positive = baro_histogram_bucket(above, cases[i].bucket_of_positive);
        char name[32];

        (void)snprintf(name, sizeof(name), "%g", cases[i].value);
        test_row(name);
        baro_histogram_observe(any, cases[i].value);
        baro_histogram_observe(above, cases[i].value);
        assert_int_equal(baro_histogram_bucket(any, cases[i].bucket), before + 1);
        assert_int_equal(baro_histogram_bucket(above, cases[i].bucket_of_positive),
                         before_positive + 1);
    }
    test_row(NULL);
    assert_int_equal(baro_histogram_count(any), ARRAY_COUNT(cases));
    assert_null(baro_registry_free(registry));
}

TEST(baro_families_are_checked)
{
    static const struct baro_label le[] = {{.name = "le"}};
    static const struct baro_label twice[] = {{.name = "a"}, {.name = "a"}};
    static const struct baro_label constant[] = {{.name = "zone"}};
    static const struct baro_label hidden[] = {{.name = "__a"}};
    static const double falling[] = {2, 1};
    static const double infinite[] = {1, __builtin_inf(), __builtin_inf()};
    static const struct baro_label own[] = {{.name = "app_state"}};
    static const char *const states[] = {"on"};
    static const struct {
        const char *why;
        struct baro_desc desc;
    } cases[] = {
        {"not a metric name", {.name = "1x", .type = BARO_COUNTER}},
        {"not a metric name", {.name = NULL, .type = BARO_COUNTER}},
        {"there is none", {.name = "x"}},
        {"not a label name, or reserved",
         {.name = "x", .type = BARO_HISTOGRAM, .labels = le, .label_count = 1}},
        {"not a label name, or reserved",
         {.name = "x", .type = BARO_GAUGE, .labels = hidden, .label_count = 1}},
        {"is there twice", {.name = "x", .type = BARO_GAUGE, .labels = twice, .label_count = 2}},
        {"is there twice", {.name = "x", .type = BARO_GAUGE, .labels = constant, .label_count = 1}},
        {"bounds that rise",
         {.name = "x", .type = BARO_HISTOGRAM, .buckets = falling, .bucket_count = 2}},
        {"schema -4 to 8",
         {.name = "x", .type = BARO_HISTOGRAM, .native = {.on = true, .schema = 9}}},
        {"of 0 to 1 that rise",
         {.name = "x", .type = BARO_SUMMARY, .quantiles = falling, .quantile_count = 2}},
        {"bounds that rise",
         {.name = "x", .type = BARO_HISTOGRAM, .buckets = infinite, .bucket_count = 3}},
        {"constant label pid: is reserved",
         {.name = "x", .type = BARO_GAUGE, .multiprocess = BARO_LIVE_ALL}},
        {"1 to 64 states", {.name = "x", .type = BARO_STATESET}},
        {"no colon", {.name = "x:y", .type = BARO_STATESET, .states = states, .state_count = 1}},
        {"not a label name, or reserved",
         {.name = "state",
          .type = BARO_STATESET,
          .states = states,
          .state_count = 1,
          .labels = own,
          .label_count = 1}},
        {"not UTF-8", {.name = "x", .type = BARO_GAUGE, .help = "\xff"}},
    };
    static const struct baro_pair pairs[] = {{"zone", "a"}, {"pid", "b"}};
    const struct baro_registry_options options = {.prefix = "app", .pairs = pairs, .pair_count = 2};
    struct baro_registry *registry = baro_registry_new(&options, NULL);

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct baro_why why = {""};

        test_row(cases[i].why);
        assert_null(baro_family_new(registry, &cases[i].desc, &why));
        assert_non_null(strstr(why.text, cases[i].why));
    }
    test_row(NULL);
    assert_null(baro_registry_free(registry));
}

TEST(baro_constant_labels_are_checked)
{
    static const struct {
        const char *why;
        struct baro_pair pairs[2];
    } cases[] = {
        {"not a label name", {{"a", "1"}, {"b-c", "2"}}},
        {"not a label name", {{"a", "1"}, {"b", NULL}}},
        {"constant label a: is there twice", {{"a", "1"}, {"a", "2"}}},
        {"not UTF-8", {{"a", "1"}, {"b", "\xff"}}},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct baro_registry_options options = {.pairs = cases[i].pairs, .pair_count = 2};
        struct baro_why why = {""};

        test_row(cases[i].why);
        assert_null(baro_registry_new(&options, &why));
        assert_non_null(strstr(why.text, cases[i].why));
    }
    test_row(NULL);
}

TEST(baro_families_tell_the_first_fault)
{
    static const struct baro_desc good = {.name = "good", .type = BARO_GAUGE};
    static const struct baro_desc nameless = {.name = "1", .type = BARO_GAUGE};
    static const struct baro_desc other = {.name = "good", .type = BARO_COUNTER};
    const struct baro_desc *const descs[] = {&good, &nameless, &other};
    struct baro_family *families[3] = {NULL};
    struct baro_registry *registry = registry_new();
    struct baro_why why = {""};

    assert_int_equal(baro_families_new(registry, descs, 3, families, &why), BARO_BAD_NAME);
    assert_non_null(strstr(why.text, "family 1: not a metric name"));
    assert_non_null(families[0]);
    assert_null(families[1]);
    assert_null(families[2]);
    assert_null(baro_registry_free(registry));
}

TEST(baro_family_again_is_the_same)
{
    struct baro_registry *registry = registry_new();
    struct baro_family *family = baro_family_new(registry, &requests, NULL);
    struct baro_desc other = requests;
    struct baro_why why = {""};

    assert_non_null(family);
    assert_ptr_equal(baro_family_new(registry, &requests, NULL), family);
    assert_ptr_equal(baro_family_find(registry, "requests_total"), family);
    other.label_count = 1;
    assert_null(baro_family_new(registry, &other, &why));
    assert_non_null(strstr(why.text, "is registered already"));
    assert_null(baro_registry_free(registry));
}

TEST(baro_labels_are_escaped)
{
    static const struct baro_pair pairs[] = {{"zone", "a\"b"}};
    const struct baro_registry_options options = {.prefix = "app", .pairs = pairs, .pair_count = 1};
    struct baro_registry *registry = baro_registry_new(&options, NULL);
    struct baro_family *family = baro_family_new(registry, &requests, NULL);

    baro_counter_inc(baro_counter_with(family, BARO_VALUES("a\nb", "c\\d\"")));
    baro_counter_inc(baro_counter_with(family, BARO_VALUES("\xff", "caf\xc3\xa9")));
    assert_exposes(registry, BARO_TEXT,
                   "# HELP app_requests_total Requests.\n# TYPE app_requests_total counter\n"
                   "app_requests_total{zone=\"a\\\"b\",method=\"a\\nb\",code=\"c\\\\d\\\"\"} 1\n"
                   "app_requests_total{zone=\"a\\\"b\",method=\"\",code=\"caf\xc3\xa9\"} 1\n");
    assert_null(baro_registry_free(registry));
}

TEST(baro_lookup_is_by_value)
{
    struct baro_registry *registry = registry_new();
    struct baro_family *family = baro_family_new(registry, &requests, NULL);
    uint64_t misuses = baro_misuse_count();
    baro_counter cell = {0};
    char method[8] = "GET";

    for (int i = 0; i < 1000; i++) {
        char code[8];

        (void)snprintf(code, sizeof(code), "%d", i);
        baro_counter_inc(baro_counter_with(family, BARO_VALUES("GET", code)));
    }
    assert_int_equal(baro_family_series_count(family), 1000);
    for (int i = 0; i < 1000; i++) {
        char code[8];

        (void)snprintf(code, sizeof(code), "%d", i);
        assert_number(baro_counter_value(baro_counter_with(family, BARO_VALUES(method, code))), 1);
    }
    baro_counter_inc(baro_counter_cached(&cell, family, BARO_VALUES("GET", "7")));
    assert_true(cell.ref == baro_counter_with(family, BARO_VALUES("GET", "7")).ref);
    assert_int_equal(baro_misuse_count(), misuses);
    assert_true(baro_counter_with(family, BARO_VALUES("GET")).ref == 0);
    assert_true(baro_counter_with(family, NULL).ref == 0);
    assert_true(baro_counter_with(NULL, NULL).ref == 0);
    assert_true(baro_gauge_with(family, BARO_VALUES("GET", "7")).ref == 0);
    assert_int_equal(baro_misuse_count(), misuses + 4);
    assert_null(baro_registry_free(registry));
}

TEST(baro_caps_lead_to_overflow)
{
    static const char *const methods[] = {"GET", "POST"};
    static const struct baro_label labels[] = {
        {.name = "method", .values = methods, .value_count = 2},
        {.name = "reason", .values_max = 2},
        {.name = "id"},
    };
    static const struct baro_desc desc = {.name = "capped",
                                          .type = BARO_COUNTER,
                                          .labels = labels,
                                          .label_count = 3,
                                          .series_max = 4};
    struct baro_registry *registry = registry_new();
    struct baro_family *family = baro_family_new(registry, &desc, NULL);

    baro_counter_inc(baro_counter_with(family, BARO_VALUES("PUT", "a", "1")));
    baro_counter_inc(baro_counter_with(family, BARO_VALUES("GET", "a", "1")));
    baro_counter_inc(baro_counter_with(family, BARO_VALUES("GET", "b", "1")));
    baro_counter_inc(baro_counter_with(family, BARO_VALUES("GET", "c", "1")));
    baro_counter_inc(baro_counter_with(family, BARO_VALUES("GET", "d", "1")));
    for (int i = 0; i < 10; i++) {
        char id[8];

        (void)snprintf(id, sizeof(id), "x%d", i);
        baro_counter_inc(baro_counter_with(family, BARO_VALUES("GET", "a", id)));
    }
    assert_exposes(
        registry, BARO_TEXT,
        "# TYPE capped counter\n"
        "capped{method=\"__overflow__\",reason=\"a\",id=\"1\"} 1\n"
        "capped{method=\"GET\",reason=\"a\",id=\"1\"} 1\n"
        "capped{method=\"GET\",reason=\"b\",id=\"1\"} 1\n"
        "capped{method=\"GET\",reason=\"__overflow__\",id=\"1\"} 2\n"
        "capped{method=\"__overflow__\",reason=\"__overflow__\",id=\"__overflow__\"} 10\n");
    assert_int_equal(baro_family_overflow_count(family), 13);
    assert_null(baro_registry_free(registry));
}

TEST(baro_removed_series_make_handles_stale)
{
    struct baro_registry *registry = registry_new();
    struct baro_family *family = baro_family_new(registry, &requests, NULL);
    baro_counter one = baro_counter_with(family, BARO_VALUES("GET", "1"));
    baro_counter two = baro_counter_with(family, BARO_VALUES("GET", "2"));
    baro_counter cell = one;
    uint64_t misuses = baro_misuse_count();

    baro_counter_inc(two);
    assert_int_equal(baro_series_remove(family, BARO_VALUES("GET", "1")), BARO_OK);
    assert_int_equal(baro_series_remove(family, BARO_VALUES("GET", "1")), BARO_NO_SERIES);
    baro_counter_inc(one);
    assert_int_equal(baro_misuse_count(), misuses + 1);
    assert_exposes(registry, BARO_TEXT,
                   "# HELP requests_total Requests.\n# TYPE requests_total counter\n"
                   "requests_total{method=\"GET\",code=\"2\"} 1\n");
    baro_counter_inc(baro_counter_cached(&cell, family, BARO_VALUES("GET", "1")));
    assert_number(baro_counter_value(cell), 1);
    assert_int_equal(baro_family_clear(family), BARO_OK);
    assert_int_equal(baro_family_series_count(family), 0);
    assert_exposes(registry, BARO_TEXT, "");
    assert_null(baro_registry_free(registry));
    baro_counter_inc(two);
    assert_int_equal(baro_misuse_count(), misuses + 2);
}

TEST(baro_native_counts_all)
{
    static const struct baro_desc desc = {.name = "native",
                                          .type = BARO_HISTOGRAM,
                                          .native = {.on = true, .schema = 8, .buckets_max = 20}};
    struct baro_registry *registry = registry_new();
    baro_histogram native = baro_histogram_with(baro_family_new(registry, &desc, NULL), NULL);
    double sum = 0;

    for (int i = 0; i < 10000; i++) {
        double value = (i % 2 == 0 ? 1 : -1) * (double)(i * i) * 1e-3;

        baro_histogram_observe(native, value);
        sum += value;
    }
    baro_histogram_observe(native, 5e-324);
    baro_histogram_observe(native, 1e308);
    baro_histogram_observe(native, -1e308);
    assert_int_equal(baro_histogram_count(native), 10003);
    assert_true(baro_histogram_sum(native) - sum < 1e300);
    assert_null(baro_registry_free(registry));
}

/* ---- Threads
 * -------------------------------------------------------------------------------------- */

enum { THREADS = 64, ROUNDS = 2000 };

struct shared {
    struct baro_registry *registry;
    struct baro_family *family;
    baro_counter counter;
    baro_gauge gauge;
    baro_histogram histogram;
    baro_histogram native;
    bool stop;
};

static void *hammer(void *context)
{
    struct shared *shared = context;

    for (int i = 0; i < ROUNDS; i++) {
        char code[8];

        (void)snprintf(code, sizeof(code), "%d", i % 50);
        baro_counter_inc(shared->counter);
        baro_gauge_inc(shared->gauge);
        baro_gauge_dec(shared->gauge);
        baro_histogram_observe(shared->histogram, i * 1e-3);
        baro_histogram_observe(shared->native, i * 1e-3);
        baro_counter_add(baro_counter_with(shared->family, BARO_VALUES("GET", code)), 0.5);
    }
    return NULL;
}

static void *scrape(void *context)
{
    struct shared *shared = context;

    while (!__atomic_load_n(&shared->stop, __ATOMIC_ACQUIRE)) {
        char *text = exposed(shared->registry, BARO_OPENMETRICS);

        free(text);
        (void)baro_series_remove(shared->family, BARO_VALUES("PUT", "1"));
        (void)baro_counter_with(shared->family, BARO_VALUES("PUT", "1"));
    }
    return NULL;
}

TEST(baro_sixty_four_threads)
{
    static const struct baro_desc native = {.name = "native",
                                            .type = BARO_HISTOGRAM,
                                            .native = {.on = true, .schema = 8, .buckets_max = 30}};
    struct shared shared = {.registry = registry_new()};
    pthread_t threads[THREADS];
    pthread_t scraper;
    double sum = 0;

    shared.family = baro_family_new(shared.registry, &requests, NULL);
    shared.counter = baro_counter_new(shared.registry, "all_total", "");
    shared.gauge = baro_gauge_new(shared.registry, "level", "");
    shared.histogram = baro_histogram_new(shared.registry, "seconds", "", NULL, 0);
    shared.native = baro_histogram_with(baro_family_new(shared.registry, &native, NULL), NULL);
    assert_int_equal(pthread_create(&scraper, NULL, scrape, &shared), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, &shared), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    __atomic_store_n(&shared.stop, true, __ATOMIC_RELEASE);
    assert_int_equal(pthread_join(scraper, NULL), 0);
    assert_number(baro_counter_value(shared.counter), THREADS * ROUNDS);
    assert_number(baro_gauge_value(shared.gauge), 0);
    assert_int_equal(baro_histogram_count(shared.histogram), THREADS * ROUNDS);
    assert_int_equal(baro_histogram_count(shared.native), THREADS * ROUNDS);
    for (int i = 0; i < 50; i++) {
        char code[8];

        (void)snprintf(code, sizeof(code), "%d", i);
        sum += baro_counter_value(baro_counter_with(shared.family, BARO_VALUES("GET", code)));
    }
    assert_number(sum, THREADS * ROUNDS * 0.5);
    assert_null(baro_registry_free(shared.registry));
}
