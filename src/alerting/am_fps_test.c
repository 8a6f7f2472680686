#include "alerting/am_fps.h"

#include "base/random.h"
#include "testing/test.h"

enum { KEYS = 300, STEPS = 20000 };

/* Against a plain array: the keys are few, so that probing runs cross and wrap. */
TEST(am_fps_is_a_map)
{
    struct random random = {42};
    static int values[KEYS];
    bool there[KEYS] = {0};
    struct am_fps fps = {0};
    size_t count = 0;

    assert_null(am_fps_get(&fps, 7));
    assert_null(am_fps_remove(&fps, 7));
    for (int i = 0; i < STEPS; i++) {
        size_t key = (size_t)random_below(&random, KEYS);
        uint64_t fp = (uint64_t)key << 20; /* neighbours */
        void *want = there[key] ? &values[key] : NULL;

        if (random_below(&random, 2) == 0) {
            assert_ptr_equal(am_fps_put(&fps, fp, &values[key]), want);
            count += there[key] ? 0 : 1;
            there[key] = true;
        } else {
            assert_ptr_equal(am_fps_remove(&fps, fp), want);
            count -= there[key] ? 1 : 0;
            there[key] = false;
        }
        assert_ptr_equal(am_fps_get(&fps, fp), there[key] ? &values[key] : NULL);
        assert_int_equal(fps.count, count);
    }
    for (size_t index = 0; am_fps_next(&fps, &index) != NULL;) {
        count--;
    }
    assert_int_equal(count, 0);
    am_fps_done(&fps);
}
