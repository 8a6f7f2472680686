#include "remote/wire_read.h"

#include "base/assert.h"
#include "base/vec.h"
#include "codec/protobuf.h"
#include "model/matcher.h"
#include "remote/wire_fields.h"

enum { READ_QUERY = 1, READ_ACCEPTED };
enum { QUERY_START = 1, QUERY_END, QUERY_MATCHER, QUERY_HINTS };
enum { MATCHER_TYPE = 1, MATCHER_NAME, MATCHER_VALUE };
enum {
    HINT_STEP = 1,
    HINT_FUNC,
    HINT_START,
    HINT_END,
    HINT_GROUPING,
    HINT_BY,
    HINT_RANGE,
};

STATIC_ASSERT(MATCHER_EQUAL == 0 && MATCHER_NOT_EQUAL == 1 && MATCHER_REGEX == 2 &&
                  MATCHER_NOT_REGEX == 3,
              "the message has the order of enum matcher_op");

static int damaged(struct baro_error *err)
{
    return error_set(err, BARO_EPARSE, "remote read request: the message is damaged");
}

/* ---- requests in ---- */

static size_t count_of(str message, uint32_t number)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};
    size_t count = 0;

    while (protobuf_next(&rd, &field)) {
        count += field.number == number;
    }
    return count;
}

static struct wire_matcher read_matcher(struct reader *outer, str message)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};
    struct wire_matcher matcher = {.name = STR(""), .value = STR("")};

    while (protobuf_next(&rd, &field)) {
        if (field.number == MATCHER_TYPE) {
            const uint64_t op = protobuf_uint(&rd, &field);

            rd.failed = rd.failed || op > MATCHER_NOT_REGEX;
            matcher.op = rd.failed ? 0 : (int)op;
        } else if (field.number == MATCHER_NAME) {
            matcher.name = protobuf_bytes(&rd, &field);
        } else if (field.number == MATCHER_VALUE) {
            matcher.value = protobuf_bytes(&rd, &field);
        }
    }
    protobuf_fail_with(outer, &rd);
    return matcher;
}

static int read_hints(struct reader *outer, str message, struct arena *arena,
                      struct wire_read_hints *ret, struct baro_error *err)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};
    const size_t count = count_of(message, HINT_GROUPING);
    str *grouping;

    if (count > WIRE_GROUPING_MAX) {
        return error_set(err, BARO_ELIMIT, "remote read request: more than %d labels of a grouping",
                         WIRE_GROUPING_MAX);
    }
    grouping = ARENA_ARRAY(arena, str, count);
    ret->func = STR("");
    ret->grouping = grouping;
    while (protobuf_next(&rd, &field)) {
        switch (field.number) {
        case HINT_STEP:
            ret->step = protobuf_int(&rd, &field);
            break;
        case HINT_FUNC:
            ret->func = protobuf_bytes(&rd, &field);
            break;
        case HINT_START:
            ret->start = protobuf_int(&rd, &field);
            break;
        case HINT_END:
            ret->end = protobuf_int(&rd, &field);
            break;
        case HINT_GROUPING:
            grouping[ret->grouping_count++] = protobuf_bytes(&rd, &field);
            break;
        case HINT_BY:
            ret->by = protobuf_uint(&rd, &field) != 0;
            break;
        case HINT_RANGE:
            ret->range = protobuf_int(&rd, &field);
            break;
        default:
            break;
        }
    }
    protobuf_fail_with(outer, &rd);
    return 0;
}

static int read_query(str message, struct arena *arena, struct wire_query *ret,
                      struct baro_error *err)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};
    const size_t count = count_of(message, QUERY_MATCHER);
    struct wire_matcher *matchers = NULL;
    int r = 0;

    if (count > WIRE_MATCHERS_MAX) {
        return error_set(err, BARO_ELIMIT, "remote read request: more than %d matchers",
                         WIRE_MATCHERS_MAX);
    }
    matchers = ARENA_ARRAY(arena, struct wire_matcher, count);
    ret->matchers = matchers;
    while (r >= 0 && protobuf_next(&rd, &field)) {
        switch (field.number) {
        case QUERY_START:
            ret->start = protobuf_int(&rd, &field);
            break;
        case QUERY_END:
            ret->end = protobuf_int(&rd, &field);
            break;
        case QUERY_MATCHER:
            matchers[ret->matcher_count++] = read_matcher(&rd, protobuf_bytes(&rd, &field));
            break;
        case QUERY_HINTS:
            ret->has_hints = true;
            ret->hints = (struct wire_read_hints){0};
            r = read_hints(&rd, protobuf_bytes(&rd, &field), arena, &ret->hints, err);
            break;
        default:
            break;
        }
    }
    return r < 0 ? r : rd.failed ? damaged(err) : 0;
}

/* Types that are not known are passed over, as is one that comes again. */
static void read_accepted(struct reader *rd, const struct protobuf_field *field,
                          enum wire_response room[WIRE_RESPONSE_COUNT],
                          struct wire_read_request *request)
{
    struct protobuf_items items = protobuf_items(rd, field, PROTOBUF_VARINT);
    uint64_t value = 0;

    while (protobuf_items_next(&items, &value)) {
        bool known = value < WIRE_RESPONSE_COUNT;

        request->has_accepted = true;
        for (size_t i = 0; i < request->accepted_count; i++) {
            known = known && room[i] != value;
        }
        if (known) {
            room[request->accepted_count++] = (enum wire_response)value;
        }
    }
}

int wire_read_request_read(str body, struct arena *arena, struct wire_read_request *ret,
                           struct baro_error *err)
{
    struct reader rd = reader_over(body);
    struct protobuf_field field = {0};
    struct wire_read_request request = {0};
    enum wire_response *accepted = ARENA_ARRAY(arena, enum wire_response, WIRE_RESPONSE_COUNT);
    const size_t count = count_of(body, READ_QUERY);
    struct wire_query *queries;

    if (count > WIRE_QUERIES_MAX) {
        return error_set(err, BARO_ELIMIT, "remote read request: more than %d queries",
                         WIRE_QUERIES_MAX);
    }
    queries = ARENA_ARRAY(arena, struct wire_query, count);
    while (protobuf_next(&rd, &field)) {
        if (field.number == READ_QUERY) {
            int r = read_query(protobuf_bytes(&rd, &field), arena, &queries[request.query_count++],
                               err);

            if (r < 0) {
                return r;
            }
        } else if (field.number == READ_ACCEPTED) {
            read_accepted(&rd, &field, accepted, &request);
        }
    }
    if (rd.failed) {
        return damaged(err);
    }
    request.queries = queries;
    request.accepted = accepted;
    *ret = request;
    return 0;
}

/* ---- requests out ---- */

static void put_int(struct buf *buf, uint32_t number, int64_t value)
{
    if (value != 0) {
        protobuf_put_int(buf, number, value);
    }
}

static void put_text(struct buf *buf, uint32_t number, str text)
{
    if (text.len > 0) {
        protobuf_put_bytes(buf, number, text);
    }
}

static void put_hints(struct buf *buf, const struct wire_read_hints *hints)
{
    put_int(buf, HINT_STEP, hints->step);
    put_text(buf, HINT_FUNC, hints->func);
    put_int(buf, HINT_START, hints->start);
    put_int(buf, HINT_END, hints->end);
    for (size_t i = 0; i < hints->grouping_count; i++) {
        protobuf_put_bytes(buf, HINT_GROUPING, hints->grouping[i]);
    }
    put_int(buf, HINT_BY, hints->by);
    put_int(buf, HINT_RANGE, hints->range);
}

static void put_query(struct buf *query, struct buf *part, const struct wire_query *from)
{
    put_int(query, QUERY_START, from->start);
    put_int(query, QUERY_END, from->end);
    for (size_t i = 0; i < from->matcher_count; i++) {
        buf_reset(part);
        put_int(part, MATCHER_TYPE, from->matchers[i].op);
        put_text(part, MATCHER_NAME, from->matchers[i].name);
        put_text(part, MATCHER_VALUE, from->matchers[i].value);
        protobuf_put_bytes(query, QUERY_MATCHER, buf_view(part));
    }
    if (from->has_hints) {
        buf_reset(part);
        put_hints(part, &from->hints);
        protobuf_put_bytes(query, QUERY_HINTS, buf_view(part));
    }
}

void wire_read_request_put(struct buf *buf, const struct wire_read_request *request)
{
    struct buf query = {0};
    struct buf part = {0};

    for (size_t i = 0; i < request->query_count; i++) {
        buf_reset(&query);
        put_query(&query, &part, &request->queries[i]);
        protobuf_put_bytes(buf, READ_QUERY, buf_view(&query));
    }
    buf_reset(&part);
    for (size_t i = 0; i < request->accepted_count; i++) {
        write_uvarint(&part, (uint64_t)request->accepted[i]);
    }
    put_text(buf, READ_ACCEPTED, buf_view(&part));
    buf->failed = buf->failed || query.failed || part.failed;
    buf_done(&query);
    buf_done(&part);
}
