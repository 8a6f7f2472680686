#include "base/assert.h"
#include "base/buf.h"
#include "catalog/catalog.h"
#include "catalog/gen_c.h"
#include "fuzz/fuzz.h"

/* What loads also makes code, the same each time; what does not says why. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct faults faults;
    struct catalog *catalog = NULL;
    struct buf out = {0};
    struct buf again = {0};

    faults = (struct faults){0};
    int r = catalog_parse(str_of((const char *)data, size), "c.yaml", &catalog, &faults);
    ASSERT((r < 0) == (faults.total > 0));
    ASSERT((r < 0) == (catalog == NULL));
    if (catalog != NULL && !catalog->foreign) {
        gen_c_header(catalog, &out);
        gen_c_source(catalog, &out);
        gen_c_header(catalog, &again);
        gen_c_source(catalog, &again);
        ASSERT(out.len > 0 && str_eq(buf_view(&out), buf_view(&again)));
    }
    catalog = catalog_free(catalog);
    buf_done(&out);
    buf_done(&again);
    return 0;
}
