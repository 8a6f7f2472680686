#include "tsdb/head_slots.h"

#include "base/random.h"
#include "testing/test.h"

/* Numbers come and go in any order, and are found where they stand. */
TEST(head_slots_are_found)
{
    enum { SLOTS = 200, STEPS = 5000 };
    struct head_slots list = {0};
    struct random random = {11};
    uint32_t slots[SLOTS];
    uint32_t moved[SLOTS];
    bool is_there[SLOTS] = {false};
    size_t count = 0;

    for (uint32_t i = 0; i < SLOTS; i++) {
        slots[i] = moved[i] = i * 3;
    }
    for (size_t step = 0; step < STEPS; step++) {
        size_t i = (size_t)random_below(&random, SLOTS);

        if (is_there[i]) {
            assert_int_equal(**head_slots_find(&list, slots[i]), slots[i]);
            *head_slots_find(&list, slots[i]) = &moved[i];
            assert_true(*head_slots_find(&list, slots[i]) == &moved[i]);
            head_slots_remove(&list, slots[i]);
            count--;
        } else {
            head_slots_add(&list, &slots[i]);
            count++;
        }
        is_there[i] = !is_there[i];
        assert_int_equal(list.items.count, count);
        for (size_t k = 1; k < count; k++) {
            assert_true(*list.items.items[k - 1] < *list.items.items[k]);
        }
    }
    vec_done(&list.items);
}
