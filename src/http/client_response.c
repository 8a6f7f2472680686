#include "http/client_response.h"

#include "base/assert.h"

enum {
    ROOM_FIRST = 64 << 10,
    ROOM_MAX = 256 << 10,
    ROOM_BEHIND = 64, /* so that garbage behind a body is seen with the body */
};

void response_reset(struct response *response, uint64_t body_bytes_max)
{
    struct buf bytes = response->bytes;

    ASSERT(body_bytes_max > 0);
    buf_reset(&bytes);
    *response = (struct response){.bytes = bytes, .body_bytes_max = body_bytes_max};
}

void response_done(struct response *response)
{
    buf_done(&response->bytes);
}

size_t response_room(const struct response *response)
{
    if (response->phase != RESPONSE_LENGTH && response->phase != RESPONSE_CHUNK_DATA) {
        return ROOM_FIRST;
    }
    return (response->left < ROOM_MAX ? (size_t)response->left : ROOM_MAX) + ROOM_BEHIND;
}

static int malformed(struct baro_error *err, const char *what)
{
    return error_set(err, BARO_ENETWORK, "malformed HTTP response: %s", what);
}

static int too_long(struct response *response, struct baro_error *err)
{
    response->is_too_long = true;
    return error_set(err, BARO_ELIMIT, "body size limit exceeded");
}

/* The next line without its end: 1 when there is one, 0 when it has not come. A bare line feed ends
 * a line too, as in curl and Go. */
static int line_next(struct response *response, str *ret)
{
    const struct buf *bytes = &response->bytes;
    const size_t from = response->scanned > response->at ? response->scanned : response->at;
    const char *end = from < bytes->len ? memchr(bytes->ptr + from, '\n', bytes->len - from) : NULL;
    str line = STR_NULL;

    if (end == NULL) {
        response->scanned = bytes->len;
        return 0;
    }
    line = str_of(bytes->ptr + response->at, (size_t)(end - bytes->ptr) - response->at);
    response->at += line.len + 1;
    if (line.len > 0 && line.ptr[line.len - 1] == '\r') {
        line.len--;
    }
    *ret = line;
    return 1;
}

/* ---- head ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void status_keep(struct response *response, str text)
{
    text = str_slice(text, 0, sizeof(response->status_text) - 1);
    for (size_t i = 0; i < text.len; i++) {
        response->status_text[i] = text.ptr[i] >= ' ' && text.ptr[i] < 127 ? text.ptr[i] : '?';
    }
    response->status_text[text.len] = '\0';
}

static int status_read(struct response *response, str line, struct baro_error *err)
{
    const bool is_known =
        str_has_prefix(line, STR("HTTP/1.1 ")) || str_has_prefix(line, STR("HTTP/1.0 "));
    str text = str_trim(str_from_index(line, sizeof("HTTP/1.1 ") - 1));

    if (!is_known) {
        return malformed(err, "it does not begin with HTTP/1.1 or HTTP/1.0");
    }
    if (text.len < 3 || text.ptr[0] < '1' || !is_digit(text.ptr[0]) || !is_digit(text.ptr[1]) ||
        !is_digit(text.ptr[2]) || (text.len > 3 && text.ptr[3] != ' ')) {
        return malformed(err, "status code is not three digits");
    }
    response->is_old = line.ptr[sizeof("HTTP/1.") - 1] == '0';
    response->status = (text.ptr[0] - '0') * 100 + (text.ptr[1] - '0') * 10 + (text.ptr[2] - '0');
    status_keep(response, text);
    response->stays_open = !response->is_old;
    response->is_packed = false;
    response->has_length = false;
    response->is_chunked = false;
    response->type_len = 0;
    response->phase = RESPONSE_HEADERS;
    return 0;
}

/* One number only: two that differ would frame the body in two ways. */
static int length_read(struct response *response, str value, struct baro_error *err)
{
    uint64_t length = 0;

    for (size_t i = 0; i < value.len; i++) {
        if (!is_digit(value.ptr[i]) || __builtin_mul_overflow(length, UINT64_C(10), &length) ||
            __builtin_add_overflow(length, (uint64_t)(value.ptr[i] - '0'), &length)) {
            return malformed(err, "Content-Length is not a number");
        }
    }
    if (value.len == 0) {
        return malformed(err, "Content-Length is not a number");
    }
    if (response->has_length && length != response->content_length) {
        return malformed(err, "several Content-Length headers differ");
    }
    response->has_length = true;
    response->content_length = length;
    return 0;
}

static int coding_read(struct response *response, str value, struct baro_error *err)
{
    if (response->is_old || response->is_chunked || !str_eq_nocase(value, STR("chunked"))) {
        return malformed(err, "unsupported Transfer-Encoding");
    }
    response->is_chunked = true;
    return 0;
}

static void connection_read(struct response *response, str value)
{
    str part = STR_NULL;

    while (str_split_next(&value, ',', &part)) {
        if (str_eq_nocase(str_trim(part), STR("close"))) {
            response->stays_open = false;
        }
    }
}

static bool is_token(str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] <= ' ' || name.ptr[i] >= 127 ||
            strchr("\"(),/:;<=>?@[\\]{}", name.ptr[i]) != NULL) {
            return false;
        }
    }
    return name.len > 0;
}

static int header_read(struct response *response, str line, struct baro_error *err)
{
    const size_t colon = str_index_char(line, ':');
    const str name = str_slice(line, 0, colon != SIZE_MAX ? colon : 0);
    const str value = str_trim(str_from_index(line, name.len + 1));

    /* A folded line begins with a blank, which no name does. */
    if (!is_token(name) || str_index_char(value, '\r') != SIZE_MAX ||
        str_index_char(value, '\0') != SIZE_MAX) {
        return malformed(err, "a header line is not \"Name: value\"");
    }
    if (str_eq_nocase(name, STR("content-length"))) {
        return length_read(response, value, err);
    }
    if (str_eq_nocase(name, STR("transfer-encoding"))) {
        return coding_read(response, value, err);
    }
    if (str_eq_nocase(name, STR("content-type"))) {
        response->type_at = (size_t)(value.ptr - response->bytes.ptr);
        response->type_len = value.len;
    } else if (str_eq_nocase(name, STR("content-encoding"))) {
        response->is_packed = str_eq_nocase(value, STR("gzip"));
    } else if (str_eq_nocase(name, STR("connection"))) {
        connection_read(response, value);
    }
    return 0;
}

/* The empty line has come: how does the body end? */
static int head_end(struct response *response, struct baro_error *err)
{
    response->body_at = response->at;
    if (response->status < 200) {
        if (response->status == 101 || ++response->interim_count > RESPONSE_INTERIM_MAX) {
            return malformed(err, "unexpected 1xx response");
        }
        response->phase = RESPONSE_STATUS;
    } else if (response->status == 204 || response->status == 304) {
        response->phase = RESPONSE_COMPLETE;
    } else if (response->is_chunked) {
        /* With a length beside it the peer is confused: believe the chunks, but nothing after. */
        response->stays_open = response->stays_open && !response->has_length;
        response->phase = RESPONSE_CHUNK_SIZE;
    } else if (response->has_length) {
        response->left = response->content_length;
        response->phase = RESPONSE_LENGTH;
        if (response->left >= response->body_bytes_max) {
            return too_long(response, err);
        }
    } else {
        response->stays_open = false;
        response->phase = RESPONSE_UNTIL_CLOSE;
    }
    return 0;
}

static int head_step(struct response *response, struct baro_error *err)
{
    const str begun = str_slice(buf_view(&response->bytes), response->at, response->at + 5);
    str line = STR_NULL;
    int result = 0;

    if (response->phase == RESPONSE_STATUS && !str_has_prefix(STR("HTTP/"), begun)) {
        return malformed(err, "it does not begin with HTTP/1.1 or HTTP/1.0");
    }
    result = line_next(response, &line);
    if ((result > 0 ? response->at : response->bytes.len) > RESPONSE_HEAD_BYTES_MAX) {
        return error_set(err, BARO_ELIMIT, "response headers exceed %d bytes",
                         (int)RESPONSE_HEAD_BYTES_MAX);
    }
    if (result == 0) {
        return 0;
    }
    if (response->phase == RESPONSE_STATUS) {
        result = status_read(response, line, err);
    } else {
        result = line.len > 0 ? header_read(response, line, err) : head_end(response, err);
    }
    return result < 0 ? result : 1;
}

/* ---- body ---- */

static int length_step(struct response *response)
{
    const size_t there = response->bytes.len - response->at;
    const size_t more = response->left < there ? (size_t)response->left : there;

    response->at += more;
    response->body_len += more;
    response->left -= more;
    if (response->left == 0) {
        response->phase = RESPONSE_COMPLETE;
    }
    return 0;
}

static int hex_value(char c)
{
    return is_digit(c)              ? c - '0'
           : (c >= 'a' && c <= 'f') ? c - 'a' + 10
           : (c >= 'A' && c <= 'F') ? c - 'A' + 10
                                    : -1;
}

static int chunk_size_read(struct response *response, str line, struct baro_error *err)
{
    uint64_t size = 0;
    size_t digits = 0;

    while (digits < line.len && hex_value(line.ptr[digits]) >= 0 && digits < 16) {
        size = size << 4 | (uint64_t)hex_value(line.ptr[digits]);
        digits++;
    }
    line = str_trim(str_from_index(line, digits));
    if (digits == 0 || (line.len > 0 && line.ptr[0] != ';')) {
        return malformed(err, "chunk size is not a number");
    }
    if (size >= response->body_bytes_max - response->body_len) {
        return too_long(response, err);
    }
    response->left = size;
    response->phase = size > 0 ? RESPONSE_CHUNK_DATA : RESPONSE_TRAILER;
    return 1;
}

static int chunk_size_step(struct response *response, struct baro_error *err)
{
    const size_t before = response->at;
    str line = STR_NULL;
    const int result = line_next(response, &line);

    if ((result > 0 ? response->at : response->bytes.len) - before >
        RESPONSE_CHUNK_LINE_BYTES_MAX) {
        return malformed(err, "chunk size line is too long");
    }
    return result > 0 ? chunk_size_read(response, line, err) : 0;
}

/* Moves what has come of the chunk behind what came before. */
static int chunk_data_step(struct response *response)
{
    const size_t there = response->bytes.len - response->at;
    const size_t more = response->left < there ? (size_t)response->left : there;
    char *end = response->bytes.ptr + response->body_at + response->body_len;

    if (end != response->bytes.ptr + response->at) {
        memmove(end, response->bytes.ptr + response->at, more);
    }
    response->at += more;
    response->body_len += more;
    response->left -= more;
    if (response->left == 0) {
        response->phase = RESPONSE_CHUNK_END;
        return 1;
    }
    return 0;
}

static int chunk_end_step(struct response *response, struct baro_error *err)
{
    str rest = str_from_index(buf_view(&response->bytes), response->at);

    if (rest.len > 0 && rest.ptr[0] == '\n') {
        response->at++;
    } else if (str_has_prefix(rest, STR("\r\n"))) {
        response->at += 2;
    } else if (rest.len == 0 || str_is(rest, "\r")) {
        return 0;
    } else {
        return malformed(err, "a chunk does not end where it should");
    }
    response->phase = RESPONSE_CHUNK_SIZE;
    return 1;
}

/* Headers behind the last chunk are read over. */
static int trailer_step(struct response *response, struct baro_error *err)
{
    const size_t before = response->at;
    str line = STR_NULL;
    const int result = line_next(response, &line);
    const size_t bytes = (result > 0 ? response->at : response->bytes.len) - before;

    if (response->trailer_bytes + bytes > RESPONSE_HEAD_BYTES_MAX) {
        return error_set(err, BARO_ELIMIT, "response trailers exceed %d bytes",
                         (int)RESPONSE_HEAD_BYTES_MAX);
    }
    if (result == 0) {
        return 0;
    }
    response->trailer_bytes += bytes;
    if (line.len == 0) {
        response->phase = RESPONSE_COMPLETE;
    }
    return 1;
}

static int until_close_step(struct response *response, struct baro_error *err)
{
    response->at = response->bytes.len;
    response->body_len = response->at - response->body_at;
    return response->body_len >= response->body_bytes_max ? too_long(response, err) : 0;
}

/* Brings the few unread bytes behind the body, so that what comes next lies where it belongs. */
static void close_gap(struct response *response)
{
    const size_t end = response->body_at + response->body_len;
    const size_t rest = response->bytes.len - response->at;

    if (end == response->at) {
        return;
    }
    ASSERT(end < response->at);
    memmove(response->bytes.ptr + end, response->bytes.ptr + response->at, rest);
    response->at = end;
    response->bytes.len = end + rest;
    response->scanned = response->phase == RESPONSE_CHUNK_END ? end : response->bytes.len;
}

/* 1 = the next step can go on, 0 = more bytes must come (or the response is complete). */
static int step(struct response *response, struct baro_error *err)
{
    switch (response->phase) {
    case RESPONSE_STATUS:
    case RESPONSE_HEADERS:
        return head_step(response, err);
    case RESPONSE_LENGTH:
        return length_step(response);
    case RESPONSE_CHUNK_SIZE:
        return chunk_size_step(response, err);
    case RESPONSE_CHUNK_DATA:
        return chunk_data_step(response);
    case RESPONSE_CHUNK_END:
        return chunk_end_step(response, err);
    case RESPONSE_TRAILER:
        return trailer_step(response, err);
    case RESPONSE_UNTIL_CLOSE:
        return until_close_step(response, err);
    case RESPONSE_COMPLETE:
        return 0;
    }
    return 0;
}

int response_advance(struct response *response, struct baro_error *err)
{
    int result = 1;

    /* Bounded: every step that returns 1 reads at least a byte or leaves its phase for good. */
    while (result > 0) {
        result = step(response, err);
    }
    if (result < 0) {
        return result;
    }
    if (response->phase == RESPONSE_COMPLETE) {
        response->stays_open = response->stays_open && response->at == response->bytes.len;
        return 1;
    }
    if (response->phase >= RESPONSE_CHUNK_SIZE && response->phase <= RESPONSE_TRAILER) {
        close_gap(response);
    }
    return 0;
}

int response_end(struct response *response, struct baro_error *err)
{
    response->stays_open = false;
    switch (response->phase) {
    case RESPONSE_COMPLETE:
    case RESPONSE_UNTIL_CLOSE:
        return 0;
    case RESPONSE_STATUS:
        if (response->bytes.len == 0) {
            return error_set(err, BARO_ENETWORK, "Empty reply from server");
        }
        return error_set(err, BARO_ENETWORK, "unexpected EOF: transfer closed inside the headers");
    case RESPONSE_HEADERS:
        return error_set(err, BARO_ENETWORK, "unexpected EOF: transfer closed inside the headers");
    case RESPONSE_LENGTH:
        return error_set(err, BARO_ENETWORK,
                         "unexpected EOF: transfer closed with %llu bytes remaining to read",
                         (unsigned long long)response->left);
    case RESPONSE_CHUNK_SIZE:
    case RESPONSE_CHUNK_DATA:
    case RESPONSE_CHUNK_END:
    case RESPONSE_TRAILER:
        return error_set(err, BARO_ENETWORK,
                         "unexpected EOF: transfer closed with outstanding read data remaining");
    }
    return 0;
}
