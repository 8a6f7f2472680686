#include "tsdb/compact.h"

#include "testing/test.h"

/* Times in tests are small: the least range is 20. */
struct plan_block {
    ts mint;
    ts maxt;
    uint64_t tombstones;
    bool has_failed;
    bool is_out_of_order;
};

struct plan_case {
    const char *name;
    struct plan_block blocks[12];
    size_t count;
    size_t want[12];
    size_t want_count;
};

static const struct plan_case plan_cases[] = {
    {"nothing", {{0}}, 0, {0}, 0},
    {"out of order, over what is in order",
     {{0, 20, 0, false, false}, {0, 20, 0, false, true}, {20, 40, 0, false, false}},
     3,
     {0, 1},
     2},
    {"out of order, where the head is in order still",
     {{0, 20, 0, false, false},
      {20, 40, 0, false, false},
      {40, 60, 0, false, true},
      {40, 60, 0, false, true},
      {60, 80, 0, false, true}},
     5,
     {0},
     0},
    {"behind one that is left alone",
     {{0, 40, 0, false, true}, {0, 20, 0, false, false}, {0, 20, 0, false, true}},
     3,
     {1, 2},
     2},
    {"one block", {{0, 20, 0, false, false}}, 1, {0}, 0},
    {"two make no range of three",
     {{0, 20, 0, false, false}, {20, 40, 0, false, false}},
     2,
     {0},
     0},
    {"a full range, but its last is the newest",
     {{0, 20, 0, false, false}, {20, 40, 0, false, false}, {40, 60, 0, false, false}},
     3,
     {0},
     0},
    {"a full range",
     {{0, 20, 0, false, false},
      {20, 40, 0, false, false},
      {40, 60, 0, false, false},
      {60, 80, 0, false, false}},
     4,
     {0, 1, 2},
     3},
    {"a range with a gap that nothing fills any more",
     {{0, 20, 0, false, false},
      {40, 60, 0, false, false},
      {60, 80, 0, false, false},
      {80, 100, 0, false, false}},
     4,
     {0, 1},
     2},
    {"a range that may still be filled",
     {{60, 80, 0, false, false}, {80, 100, 0, false, false}, {100, 120, 0, false, false}},
     3,
     {0},
     0},
    {"times before 1970",
     {{-60, -40, 0, false, false},
      {-40, -20, 0, false, false},
      {-20, 0, 0, false, false},
      {0, 20, 0, false, false}},
     4,
     {0, 1, 2},
     3},
    {"one of them failed before",
     {{0, 20, 0, false, false},
      {20, 40, 0, true, false},
      {40, 60, 0, false, false},
      {60, 80, 0, false, false}},
     4,
     {0},
     0},
    {"the next range",
     {{0, 60, 0, false, false},
      {60, 120, 0, false, false},
      {120, 180, 0, false, false},
      {180, 200, 0, false, false}},
     4,
     {0, 1, 2},
     3},
    {"small ranges first",
     {{0, 60, 0, false, false},
      {60, 120, 0, false, false},
      {120, 180, 0, false, false},
      {180, 200, 0, false, false},
      {200, 220, 0, false, false},
      {220, 240, 0, false, false},
      {240, 260, 0, false, false}},
     7,
     {3, 4, 5},
     3},
    {"a block across the range is passed over",
     {{10, 30, 0, false, false},
      {60, 80, 0, false, false},
      {80, 100, 0, false, false},
      {100, 120, 0, false, false},
      {120, 140, 0, false, false}},
     5,
     {1, 2, 3},
     3},
    {"overlap goes before all",
     {{0, 20, 0, false, false},
      {20, 40, 0, false, false},
      {30, 50, 0, false, false},
      {50, 60, 0, false, false},
      {60, 80, 0, false, false}},
     5,
     {1, 2},
     2},
    {"overlap over several",
     {{0, 100, 0, false, false},
      {20, 40, 0, false, false},
      {90, 110, 0, false, false},
      {110, 120, 0, false, false}},
     4,
     {0, 1, 2},
     3},
    {"the newest may overlap", {{0, 20, 0, false, false}, {10, 30, 0, false, false}}, 2, {0, 1}, 2},
    {"overlap that failed", {{0, 20, 0, true, false}, {10, 30, 0, false, false}}, 2, {0}, 0},
    {"many deletions in a large block",
     {{0, 180, 10, false, false}, {180, 240, 0, false, false}},
     2,
     {0},
     1},
    {"few deletions", {{0, 180, 5, false, false}, {180, 240, 0, false, false}}, 2, {0}, 0},
    {"a small block that is deleted whole",
     {{0, 20, 100, false, false}, {60, 80, 0, false, false}},
     2,
     {0},
     1},
    {"a small block with many deletions",
     {{0, 20, 99, false, false}, {60, 80, 0, false, false}},
     2,
     {0},
     0},
};

TEST(compact_plan_chooses)
{
    const struct compact_ranges ranges = {.items = {20, 60, 180}, .count = 3};

    for (size_t i = 0; i < ARRAY_COUNT(plan_cases); i++) {
        const struct plan_case *row = &plan_cases[i];
        struct block_meta metas[12] = {0};
        const struct block_meta *list[12] = {0};
        struct compact_plan plan;

        test_row(row->name);
        for (size_t k = 0; k < row->count; k++) {
            metas[k] = (struct block_meta){.mint = row->blocks[k].mint,
                                           .maxt = row->blocks[k].maxt,
                                           .series_count = 100,
                                           .tombstone_count = row->blocks[k].tombstones,
                                           .has_failed = row->blocks[k].has_failed,
                                           .is_out_of_order = row->blocks[k].is_out_of_order};
            list[k] = &metas[k];
        }
        compact_plan(list, row->count, &ranges, &plan);
        assert_int_equal(plan.count, row->want_count);
        for (size_t k = 0; k < plan.count; k++) {
            assert_int_equal(plan.items[k], row->want[k]);
        }
    }
    test_row(NULL);
}

TEST(compact_ranges_follow_retention)
{
    static const struct {
        const char *name;
        dur retention;
        size_t want_count;
        dur want_last;
    } cases[] = {
        {"for ever", 0, 6, (dur)486 * DUR_HOUR},
        {"fifteen days", (dur)15 * DUR_DAY, 3, (dur)18 * DUR_HOUR},
        {"a day", DUR_DAY, 1, (dur)2 * DUR_HOUR},
        {"ten hours", (dur)10 * DUR_HOUR, 1, (dur)2 * DUR_HOUR},
        {"two years", (dur)730 * DUR_DAY, 6, (dur)486 * DUR_HOUR},
        {"sixty hours", (dur)60 * DUR_HOUR, 2, (dur)6 * DUR_HOUR},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct compact_ranges ranges = compact_ranges_for((dur)2 * DUR_HOUR, cases[i].retention);

        test_row(cases[i].name);
        assert_int_equal(ranges.count, cases[i].want_count);
        assert_int_equal(ranges.items[0], (dur)2 * DUR_HOUR);
        assert_int_equal(ranges.items[ranges.count - 1], cases[i].want_last);
    }
    test_row(NULL);
}
