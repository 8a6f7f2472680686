#include "svc_ws_frame.h"

#include "testing/test.h"

TEST(svc_ws_accept_matches_the_rfc)
{
    char got[SVC_WS_ACCEPT_SIZE];

    assert_true(svc_ws_accept("dGhlIHNhbXBsZSBub25jZQ==", got)); /* RFC 6455, 1.3 */
    assert_string_equal(got, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_false(svc_ws_accept("", got));
    assert_false(svc_ws_accept("dGhlIHNhbXBsZSBub25jZQ=", got));
    assert_false(svc_ws_accept("dGhlIHNhbXBsZSBub25jZQ!=", got));
}

TEST(svc_ws_frame_read_takes_and_refuses)
{
    static const struct {
        const char *name;
        uint8_t bytes[16];
        size_t len;
        int64_t want;
    } cases[] = {
        {"hello of the RFC",
         {0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58},
         11,
         11},
        {"nothing", {0}, 0, 0},
        {"half a head", {0x81}, 1, 0},
        {"no mask bytes yet", {0x81, 0x85, 1, 2}, 4, 0},
        {"half a payload", {0x81, 0x85, 1, 2, 3, 4, 5}, 7, 0},
        {"not masked", {0x81, 0x05, 'H'}, 3, -1002},
        {"reserved bit", {0xc1, 0x80, 1, 2, 3, 4}, 6, -1002},
        {"unknown opcode", {0x83, 0x80, 1, 2, 3, 4}, 6, -1002},
        {"unknown control", {0x8b, 0x80, 1, 2, 3, 4}, 6, -1002},
        {"fragmented ping", {0x09, 0x80, 1, 2, 3, 4}, 6, -1002},
        {"long ping", {0x89, 0xfe, 0, 126}, 4, -1002},
        {"length in too many bytes", {0x81, 0xfe, 0, 125}, 4, -1002},
        {"length in far too many bytes", {0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 10, -1002},
        {"larger than the bound", {0x81, 0xfe, 0x03, 0xe9}, 4, -1009},
        {"huge", {0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 10, -1009},
        {"empty ping", {0x89, 0x80, 1, 2, 3, 4}, 6, 6},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct svc_ws_frame frame = {0};
        uint8_t bytes[16];

        test_row(cases[i].name);
        memcpy(bytes, cases[i].bytes, sizeof(bytes));
        assert_int_equal(svc_ws_frame_read(bytes, cases[i].len, 1000, &frame), cases[i].want);
        if (i == 0) {
            assert_int_equal(frame.opcode, SVC_WS_TEXT);
            assert_true(frame.is_final);
            assert_int_equal(frame.len, 5);
            assert_memory_equal(frame.payload, "Hello", 5);
        }
    }
    test_row(NULL);
}

TEST(svc_ws_frame_write_uses_the_shortest_length)
{
    static const struct {
        size_t len, header;
        uint8_t second;
    } cases[] = {{0, 2, 0}, {125, 2, 125}, {126, 4, 126}, {65535, 4, 126}, {65536, 10, 127}};
    static uint8_t payload[65536];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct svc_bytes out = {.max = 100000};

        svc_ws_frame_write(&out, SVC_WS_TEXT, payload, cases[i].len);
        assert_int_equal(out.len, cases[i].header + cases[i].len);
        assert_int_equal(out.ptr[0], 0x81);
        assert_int_equal(out.ptr[1], cases[i].second);
        if (cases[i].header == 10) {
            assert_int_equal(out.ptr[7], 1); /* 65,536 = 0x10000 */
        }
        svc_bytes_done(&out);
    }
}

TEST(svc_ws_message_joins_fragments)
{
    static const struct {
        const char *name;
        struct svc_ws_frame frames[3];
        int want[3];
    } cases[] = {
        {"one", {{SVC_WS_TEXT, true, (uint8_t *)"ab", 2}}, {1}},
        {"three",
         {{SVC_WS_TEXT, false, (uint8_t *)"ab", 2},
          {SVC_WS_CONTINUATION, false, (uint8_t *)"", 0},
          {SVC_WS_CONTINUATION, true, (uint8_t *)"c", 1}},
         {0, 0, 1}},
        {"rest of none", {{SVC_WS_CONTINUATION, true, (uint8_t *)"a", 1}}, {-1002}},
        {"message inside a message",
         {{SVC_WS_TEXT, false, (uint8_t *)"a", 1}, {SVC_WS_TEXT, true, (uint8_t *)"b", 1}},
         {0, -1002}},
        {"binary", {{SVC_WS_BINARY, true, (uint8_t *)"a", 1}}, {-1003}},
        {"together too long",
         {{SVC_WS_TEXT, false, (uint8_t *)"aaaa", 4},
          {SVC_WS_CONTINUATION, true, (uint8_t *)"bb", 2}},
         {0, -1009}},
        {"a character across fragments",
         {{SVC_WS_TEXT, false, (uint8_t *)"\xc3", 1},
          {SVC_WS_CONTINUATION, true, (uint8_t *)"\xa4", 1}},
         {0, 1}},
        {"half a character", {{SVC_WS_TEXT, true, (uint8_t *)"\xc3", 1}}, {-1007}},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct svc_ws_message message = {.bytes.max = 5};

        test_row(cases[i].name);
        for (size_t k = 0; k < 3 && cases[i].frames[k].payload != NULL; k++) {
            assert_int_equal(svc_ws_message_take(&message, &cases[i].frames[k]), cases[i].want[k]);
        }
        svc_bytes_done(&message.bytes);
    }
    test_row(NULL);
}

TEST(svc_utf8_refuses_what_is_not)
{
    static const struct {
        const char *text;
        bool want;
    } cases[] = {
        {"", true},
        {"plain", true},
        {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", true},
        {"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf", true},
        {"\x80", false},
        {"\xc0\xaf", false},         /* overlong */
        {"\xe0\x9f\xbf", false},     /* overlong */
        {"\xf0\x8f\xbf\xbf", false}, /* overlong */
        {"\xed\xa0\x80", false},     /* surrogate */
        {"\xf4\x90\x80\x80", false}, /* beyond U+10FFFF */
        {"\xe2\x82", false},
        {"\xe2\x82 ", false},
        {"\xff", false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_row(cases[i].text);
        assert_int_equal(svc_utf8_is_valid((const uint8_t *)cases[i].text, strlen(cases[i].text)),
                         cases[i].want);
    }
    test_row(NULL);
}
