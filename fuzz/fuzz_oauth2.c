#include "base/arena.h"
#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "http/client_grant.h"

/* The first byte says whether the answer of a token endpoint is a form. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct client_grant_answer answer = {0};
    struct baro_error err = {0};
    str text = str_of((const char *)data, size);
    str type = size > 0 && data[0] == 'f' ? STR("text/plain") : STR("application/json");
    int r = client_grant_read(&arena, type, str_from_index(text, size > 0 ? 1 : 0), &answer, &err);

    ASSERT((r < 0) == (err.code < 0));
    ASSERT(answer.expires_s >= 0);
    ASSERT(r >= 0 || answer.token.len == 0);
    arena_done(&arena);
    return 0;
}
