#include "http/client_response.h"

#include "testing/test.h"

enum { BODY_MAX = 100 };

#define OK_HEAD "HTTP/1.1 200 OK\r\n"

/* `want` is 1 (complete), 0 (ends with the connection) or the code of the refusal. */
static const struct {
    const char *name;
    const char *bytes;
    int want;
    const char *body; /* or what the error says */
    bool stays_open;
} cases[] = {
    {"length", OK_HEAD "Content-Length: 3\r\n\r\nabc", 1, "abc", true},
    {"empty", OK_HEAD "Content-Length: 0\r\n\r\n", 1, "", true},
    {"bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", 1, "abc", true},
    {"no reason", "HTTP/1.1 200\r\nContent-Length: 1\r\n\r\na", 1, "a", true},
    {"blanks", OK_HEAD "Content-Length: \t 3  \r\n\r\nabc", 1, "abc", true},
    {"same length twice", OK_HEAD "Content-Length: 3\r\nCONTENT-LENGTH: 3\r\n\r\nabc", 1, "abc",
     true},
    {"close", OK_HEAD "Connection: x, Close\r\nContent-Length: 1\r\n\r\na", 1, "a", false},
    {"garbage behind", OK_HEAD "Content-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\n", 1, "abc", false},
    {"old", "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", 1, "abc", false},
    {"old until close", "HTTP/1.0 200 OK\r\n\r\nabc", 0, "abc", false},
    {"until close", OK_HEAD "\r\nabc", 0, "abc", false},
    {"204", "HTTP/1.1 204 No Content\r\n\r\n", 1, "", true},
    {"304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 1, "", true},
    {"interim", "HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" OK_HEAD "Content-Length: 1\r\n\r\na", 1,
     "a", true},
    {"chunks", OK_HEAD "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n2;x=\"y\"\r\nde\r\n0\r\n\r\n",
     1, "abcde", true},
    {"chunk sizes", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n0000a \r\n0123456789\r\n0\r\n\r\n",
     1, "0123456789", true},
    {"trailer", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nA: b\r\n\r\n", 1, "a",
     true},
    {"chunks and length",
     OK_HEAD "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", 1, "ab",
     false},
    {"length and chunks twice",
     OK_HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", BARO_ENETWORK,
     "Transfer-Encoding", false},
    {"gzip coding", OK_HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n", BARO_ENETWORK,
     "Transfer-Encoding", false},
    {"old and chunks", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", BARO_ENETWORK,
     "Transfer-Encoding", false},
    {"lengths differ", OK_HEAD "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", BARO_ENETWORK,
     "differ", false},
    {"length list", OK_HEAD "Content-Length: 3, 3\r\n\r\nabc", BARO_ENETWORK, "not a number",
     false},
    {"negative length", OK_HEAD "Content-Length: -1\r\n\r\n", BARO_ENETWORK, "not a number", false},
    {"signed length", OK_HEAD "Content-Length: +1\r\n\r\na", BARO_ENETWORK, "not a number", false},
    {"empty length", OK_HEAD "Content-Length:\r\n\r\n", BARO_ENETWORK, "not a number", false},
    {"huge length", OK_HEAD "Content-Length: 18446744073709551616\r\n\r\n", BARO_ENETWORK,
     "not a number", false},
    {"length at the limit", OK_HEAD "Content-Length: 100\r\n\r\n", BARO_ELIMIT, "body size limit",
     false},
    {"largest length", OK_HEAD "Content-Length: 18446744073709551615\r\n\r\n", BARO_ELIMIT,
     "body size limit", false},
    {"no chunk size", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n\r\n", BARO_ENETWORK, "chunk size",
     false},
    {"bad chunk size", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc", BARO_ENETWORK,
     "chunk size", false},
    {"negative chunk", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n-3\r\nabc", BARO_ENETWORK,
     "chunk size", false},
    {"17 digits", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n10000000000000001\r\n", BARO_ENETWORK,
     "chunk size", false},
    {"largest chunk", OK_HEAD "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", BARO_ELIMIT,
     "body size limit", false},
    {"chunk that goes on", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", BARO_ENETWORK,
     "does not end", false},
    {"not HTTP", "SSH-2.0-OpenSSH_9\r\n", BARO_ENETWORK, "does not begin", false},
    {"HTTP/2", "HTTP/2 200\r\n\r\n", BARO_ENETWORK, "does not begin", false},
    {"short status", "HTTP/1.1 20\r\n\r\n", BARO_ENETWORK, "three digits", false},
    {"long status", "HTTP/1.1 2000 OK\r\n\r\n", BARO_ENETWORK, "three digits", false},
    {"odd status", "HTTP/1.1 2x0 OK\r\n\r\n", BARO_ENETWORK, "three digits", false},
    {"status 0", "HTTP/1.1 000 OK\r\n\r\n", BARO_ENETWORK, "three digits", false},
    {"switching", "HTTP/1.1 101 Switching\r\n\r\n", BARO_ENETWORK, "1xx", false},
    {"no colon", OK_HEAD "nonsense\r\n\r\n", BARO_ENETWORK, "header line", false},
    {"no name", OK_HEAD ": x\r\n\r\n", BARO_ENETWORK, "header line", false},
    {"blank before colon", OK_HEAD "Content-Length : 3\r\n\r\n", BARO_ENETWORK, "header line",
     false},
    {"folded", OK_HEAD "A: b\r\n c: d\r\n\r\n", BARO_ENETWORK, "header line", false},
    {"carriage return inside", OK_HEAD "A: b\rc\r\n\r\n", BARO_ENETWORK, "header line", false},
    {"nothing", "", BARO_ENETWORK, "Empty reply", false},
    {"cut in status", "HTTP/1.1 2", BARO_ENETWORK, "unexpected EOF", false},
    {"cut in head", OK_HEAD "A: b\r\n", BARO_ENETWORK, "unexpected EOF", false},
    {"cut in body", OK_HEAD "Content-Length: 5\r\n\r\nabc", BARO_ENETWORK,
     "unexpected EOF: transfer closed with 2 bytes", false},
    {"cut in size", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n3", BARO_ENETWORK, "unexpected EOF",
     false},
    {"cut in chunk", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nab", BARO_ENETWORK,
     "unexpected EOF", false},
    {"cut before the end", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n", BARO_ENETWORK,
     "unexpected EOF", false},
    {"cut in trailer", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b", BARO_ENETWORK,
     "unexpected EOF", false},
};

/* Feeds the text in parts of `size` bytes; garbage may arrive after the end. */
static int feed(struct response *response, str text, size_t size, struct baro_error *err)
{
    int result = 0;

    for (size_t i = 0; i < text.len && result == 0; i += size) {
        str part = str_slice(text, i, i + size);

        (void)buf_reserve(&response->bytes, response_room(response));
        buf_str(&response->bytes, part);
        result = response_advance(response, err);
    }
    return result != 0 ? result : response_end(response, err);
}

TEST(client_response_reads_whole_and_byte_by_byte)
{
    static const size_t sizes[] = {100000, 1, 2, 7};
    struct response response = {0};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        for (size_t k = 0; k < ARRAY_COUNT(sizes); k++) {
            struct baro_error err = {0};
            str body = STR_NULL;

            test_row(cases[i].name);
            response_reset(&response, BODY_MAX);
            assert_int_equal(feed(&response, str_from(cases[i].bytes), sizes[k], &err),
                             cases[i].want);
            if (cases[i].want < 0) {
                assert_true(str_contains(str_from(err.message), str_from(cases[i].body)));
                assert_int_equal(response.is_too_long, cases[i].want == BARO_ELIMIT);
                continue;
            }
            body = str_slice(buf_view(&response.bytes), response.body_at,
                             response.body_at + response.body_len);
            assert_true(str_is(body, cases[i].body));
            /* What lies behind is seen when it comes with the end. */
            if (sizes[k] == sizes[0]) {
                assert_int_equal(response.stays_open, cases[i].stays_open);
            }
        }
    }
    test_row(NULL);
    response_done(&response);
}

TEST(client_response_keeps_what_the_head_says)
{
    static const char text[] = "HTTP/1.1 404 Not\tFound \r\nContent-Type:  text/plain; a=b \r\n"
                               "Content-Encoding: GZIP\r\nContent-Length: 1\r\n\r\na";
    struct response response = {0};
    struct baro_error err = {0};

    response_reset(&response, BODY_MAX);
    assert_int_equal(feed(&response, str_from(text), 5, &err), 1);
    assert_int_equal(response.status, 404);
    assert_string_equal(response.status_text, "404 Not?Found");
    assert_true(response.is_packed);
    assert_true(str_is(str_of(response.bytes.ptr + response.type_at, response.type_len),
                       "text/plain; a=b"));
    response_done(&response);
}

/* What repeats without end is cut off: `head` once, then `part` until the refusal. */
TEST(client_response_is_bounded)
{
    static const struct {
        const char *head;
        const char *part;
        int want;
        const char *text;
    } floods[] = {
        {"HTTP/1.1 200 ", "x", BARO_ELIMIT, "headers exceed"},
        {OK_HEAD, "A: b\r\n", BARO_ELIMIT, "headers exceed"},
        {"", "HTTP/1.1 100 Continue\r\n\r\n", BARO_ENETWORK, "1xx"},
        {OK_HEAD "\r\n", "x", BARO_ELIMIT, "body size limit"},
        {OK_HEAD "Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", BARO_ELIMIT,
         "body size limit"},
        {OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1", ";x", BARO_ENETWORK, "too long"},
        {OK_HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n", "A: b\r\n", BARO_ELIMIT, "trailers"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(floods); i++) {
        struct response response = {0};
        struct baro_error err = {0};
        int result = 0;

        test_row(floods[i].text);
        response_reset(&response, BODY_MAX);
        buf_c(&response.bytes, floods[i].head);
        for (int k = 0; k < RESPONSE_HEAD_BYTES_MAX + 100 && result == 0; k++) {
            buf_c(&response.bytes, floods[i].part);
            result = response_advance(&response, &err);
        }
        assert_int_equal(result, floods[i].want);
        assert_true(str_contains(str_from(err.message), str_from(floods[i].text)));
        assert_true(response.bytes.len <= RESPONSE_HEAD_BYTES_MAX + 100);
        response_done(&response);
    }
    test_row(NULL);
}
