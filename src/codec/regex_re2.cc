#include "codec/regex_priv.h"

#include <cstring>
#include <new>
#include <string>

#include <re2/re2.h>

static enum regex_fault fault_of(RE2::ErrorCode code)
{
    switch (code) {
    case RE2::NoError:
        return REGEX_FAULT_NONE;
    case RE2::ErrorInternal:
        return REGEX_FAULT_INTERNAL;
    case RE2::ErrorBadEscape:
        return REGEX_FAULT_ESCAPE;
    case RE2::ErrorBadCharClass:
        return REGEX_FAULT_CLASS;
    case RE2::ErrorBadCharRange:
        return REGEX_FAULT_RANGE;
    case RE2::ErrorMissingBracket:
        return REGEX_FAULT_BRACKET;
    case RE2::ErrorMissingParen:
        return REGEX_FAULT_PAREN;
    case RE2::ErrorUnexpectedParen:
        return REGEX_FAULT_UNEXPECTED_PAREN;
    case RE2::ErrorTrailingBackslash:
        return REGEX_FAULT_BACKSLASH;
    case RE2::ErrorRepeatArgument:
        return REGEX_FAULT_REPEAT_ARGUMENT;
    case RE2::ErrorRepeatSize:
        return REGEX_FAULT_REPEAT_SIZE;
    case RE2::ErrorRepeatOp:
        return REGEX_FAULT_REPEAT_OP;
    case RE2::ErrorBadPerlOp:
        return REGEX_FAULT_PERL;
    case RE2::ErrorBadUTF8:
        return REGEX_FAULT_UTF8;
    case RE2::ErrorBadNamedCapture:
        return REGEX_FAULT_CAPTURE;
    case RE2::ErrorPatternTooLarge:
        return REGEX_FAULT_TOO_LARGE;
    }
    return REGEX_FAULT_INTERNAL;
}

static RE2 *compile(const char *pattern, size_t len, size_t bytes_max)
{
    RE2::Options options;

    options.set_log_errors(false);
    options.set_dot_nl(true);
    options.set_max_mem(static_cast<int64_t>(bytes_max));
    return new RE2(re2::StringPiece(len > 0 ? pattern : "", len), options);
}

extern "C" void *regex_re2_new(const char *pattern, size_t len, size_t bytes_max,
                               enum regex_fault *ret_fault, char *ret_part, size_t size)
{
    RE2 *re2 = nullptr;

    ret_part[0] = '\0';
    try {
        re2 = compile(pattern, len, bytes_max);
        if (re2->ok()) {
            return re2;
        }
        *ret_fault = fault_of(re2->error_code());
        size_t part = re2->error_arg().copy(ret_part, size - 1);
        ret_part[part] = '\0';
    } catch (const std::bad_alloc &) {
        *ret_fault = REGEX_FAULT_TOO_LARGE;
    }
    delete re2;
    return nullptr;
}

extern "C" void regex_re2_free(void *re2)
{
    delete static_cast<RE2 *>(re2);
}

extern "C" bool regex_re2_match(const void *re2, const char *text, size_t len, size_t start,
                                bool anchored, struct regex_span *ret_spans, size_t count)
{
    constexpr size_t spans_max = 65;
    const RE2 *program = static_cast<const RE2 *>(re2);
    RE2::Anchor anchor = anchored ? RE2::ANCHOR_BOTH : RE2::UNANCHORED;
    re2::StringPiece parts[spans_max];

    if (count > spans_max) {
        count = spans_max;
    }
    /* A null text would make an empty group look as if it had not taken part. */
    re2::StringPiece input(len > 0 ? text : "", len);
    if (!program->Match(input, start, len, anchor, count > 0 ? parts : nullptr,
                        static_cast<int>(count))) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        ret_spans[i] = {parts[i].data(), parts[i].size()};
    }
    return true;
}

extern "C" size_t regex_re2_group_count(const void *re2)
{
    return static_cast<size_t>(static_cast<const RE2 *>(re2)->NumberOfCapturingGroups());
}

extern "C" size_t regex_re2_group_named(const void *re2, const char *name, size_t len)
{
    const auto &names = static_cast<const RE2 *>(re2)->NamedCapturingGroups();
    auto found = names.find(std::string(name, len));

    return found != names.end() ? static_cast<size_t>(found->second) : 0;
}

extern "C" size_t regex_re2_word_size(const char *text, size_t len)
{
    RE2 word("[\\p{L}\\p{Nd}_]+", RE2::Quiet);
    re2::StringPiece part;

    return word.Match(re2::StringPiece(text, len), 0, len, RE2::ANCHOR_START, &part, 1)
               ? part.size()
               : 0;
}

/* All matches lie between the two ends, so what both ends begin with, every match begins with. */
extern "C" size_t regex_re2_prefix(const void *re2, char *ret, size_t size)
{
    std::string least, most;
    size_t same = 0;

    if (!static_cast<const RE2 *>(re2)->PossibleMatchRange(&least, &most, static_cast<int>(size))) {
        return 0;
    }
    while (same < size && same < least.size() && same < most.size() && least[same] == most[same]) {
        same++;
    }
    std::memcpy(ret, least.data(), same);
    return same;
}
