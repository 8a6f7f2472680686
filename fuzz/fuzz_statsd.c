/* StatsD lines through a mapping to metrics: whatever is sent, the exposition is one that reads. */
#include "fuzz/fuzz.h"

#include "base/assert.h"
#include "exporter/statsd_store.h"
#include "sys/clock.h"

static const char yaml[] =
    "defaults: {ttl: 1s}\n"
    "mappings:\n"
    "- {match: a.*.c, name: 'a_$1', labels: {x: $1, y: '${1}-$2'}}\n"
    "- {match: '^t(.*)$', match_type: regex, name: t, labels: {rest: $1}, timer_type: histogram}\n"
    "- {match: d.*, action: drop}\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct statsd_map *map;
    struct faults faults = {0};
    struct clock_fake clock;
    CLEANUP(statsd_store_freep) struct statsd_store *store = NULL;
    struct emit_collector collector = {statsd_store_collect, NULL};
    struct buf text = {0};

    if (map == NULL) {
        ASSERT(statsd_map_parse(str_from(yaml), "m", &map, &faults) >= 0);
    }
    clock_fake_init(&clock, 1000000);
    store = statsd_store_new(map, &clock.clock);
    statsd_store_lines(store, str_of((const char *)data, size), STATSD_UDP, true);
    collector.context = store;
    ASSERT(emit_text(&text, &collector));
    ASSERT(utf8_is_valid(buf_view(&text)));
    buf_done(&text);
    return 0;
}
