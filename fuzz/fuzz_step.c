/* STEP and IFC models: never a crash, and a refusal says where and why; what is taken out stays
 * within its bounds. */
#include <stdlib.h>

#include "doc.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct doc doc;
    struct svc_error err = {0};

    if (doc_parse(DOC_STEP, data, size, &doc, &err) < 0) {
        (void)(err.text[0] == '\0' ? abort() : (void)0);
    } else if (doc.text.len > DOC_TEXT_BYTES_MAX + 1 || !json_is_object(doc.summary)) {
        abort();
    }
    doc_done(&doc);
    return 0;
}
