/* Pictures of strangers: never a crash, never more pixels than the bound; what was read is scaled,
 * its subject found, and a relief of it is closed. */
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "image.h"
#include "mask.h"
#include "relief.h"

enum { PIXELS_MAX = 1 << 20, SIDE = 32 };

static void raise_it(const struct image *image, const struct mask *mask)
{
    struct relief_options options = {
        .cells = SIDE, .size_mm = 100, .relief_mm = 8, .base_mm = 0.5, .is_cutout = true};
    struct relief relief = {0};
    struct mesh_report report = {0};

    if (relief_make(image, mask, &options, &relief, NULL) < 0) {
        return;
    }
    if (mesh_check(&relief.mesh, &report, NULL) < 0 || !report.is_manifold) {
        abort();
    }
    relief_done(&relief);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image image = {0}, small = {0};
    struct mask mask = {0};

    if (image_load(data, size, &image, NULL) < 0) {
        return 0;
    }
    if ((uint64_t)image.width * image.height > IMAGE_PIXELS_MAX) {
        abort();
    }
    if ((uint64_t)image.width * image.height <= PIXELS_MAX &&
        image_scale(&image, SIDE, &small, NULL) == 0 && mask_find(&small, &mask, NULL) == 0) {
        raise_it(&small, &mask);
    }
    mask_done(&mask);
    image_done(&small);
    image_done(&image);
    return 0;
}
