/* promqltest: no script crashes the runner or the engine under it. */
#include "fuzz/fuzz.h"
#include "promql/promqltest.h"

/* Long scripts find nothing that short ones do not, but take long. */
enum { SCRIPT_BYTES_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct promqltest_options options = {.thorough = true};
    struct promqltest_report report = {0};
    struct baro_error err = {0};

    if (size > SCRIPT_BYTES_MAX) {
        return 0;
    }
    (void)promqltest_run(STR("fuzz"), str_of((const char *)data, size), &options, &report, &err);
    promqltest_report_done(&report);
    return 0;
}
