#include "base/assert.h"
#include "codec/regex.h"
#include "fuzz/fuzz.h"
#include "model/matcher.h"

enum { PATTERN_BYTES_MAX = 256 };

/* The input is a pattern, a line feed and a text: the matcher's fast paths and the regex engine
 * must agree, and whatever the pattern accepts begins with its prefix. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str input = str_of((const char *)data, size);
    size_t line_feed = str_index_char(input, '\n');
    str pattern = str_slice(input, 0, line_feed);
    str text = line_feed == SIZE_MAX ? STR("") : str_from_index(input, line_feed + 1);
    struct matcher matcher = {0};
    struct regex *regex = NULL;
    struct buf out = {0};
    str groups[8];
    bool matches;
    int r;

    if (pattern.len > PATTERN_BYTES_MAX || !utf8_is_valid(text)) {
        return 0;
    }
    r = regex_new(pattern, true, &regex, NULL);
    ASSERT((r < 0) == (matcher_init(&matcher, MATCHER_REGEX, STR("l"), pattern, NULL) < 0));
    if (r < 0) {
        return 0;
    }
    matches = regex_match(regex, text);
    ASSERT(matcher_matches(&matcher, text) == matches);
    ASSERT(!matches || str_has_prefix(text, matcher_prefix(&matcher)));
    if (matches && regex_find(regex, text, groups, 8)) {
        regex_expand(regex, &out, pattern, groups, 8);
    }
    buf_done(&out);
    matcher_done(&matcher);
    (void)regex_free(regex);
    return 0;
}
