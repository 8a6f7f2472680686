/* Values of parameters: times print and read back as themselves; durations and names never crash.
 */
#include "api/api_priv.h"
#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "http/server_priv.h"

/* Years that RFC 3339 can write, in ms. */
#define YEAR_0    INT64_C(-62167219200000)
#define YEAR_9999 INT64_C(253402300799999)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = str_of((const char *)data, size);
    struct arena arena = {0};
    struct buf shown = {0};
    str path = STR("");
    str query = STR("");
    dur length = 0;
    ts t = 0;
    ts back = 0;

    if (api_parse_time(text, &t)) {
        ASSERT(t >= API_TIME_MIN && t <= API_TIME_MAX);
        api_format_time(&shown, t);
        if (t >= YEAR_0 && t <= YEAR_9999) {
            ASSERT(api_parse_time(buf_view(&shown), &back) && back == t);
        }
    }
    (void)api_parse_duration(text, &length, NULL);
    ASSERT(api_unescape_name(&arena, text).len <= size);
    (void)server_accepts_gzip(text);
    server_target_split(text, &path, &query);
    ASSERT(path.len + query.len <= size + 1);
    (void)server_route_find((const struct http_route[]){{HTTP_GET, "/a/:b/c", NULL, false}}, 1,
                            HTTP_GET, path);
    buf_done(&shown);
    arena_done(&arena);
    return 0;
}
