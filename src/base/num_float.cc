#include <charconv>
#include <limits>
#include <system_error>

#include "base/num_priv.h"

/* from_chars leaves the value alone when it is out of range: the sign of the decimal exponent then
 * says which way. */
static double out_of_range(const char *text, size_t len)
{
    const bool negative = text[0] == '-';
    long exponent = 0;
    long digits = 0;
    bool seen_point = false;
    bool seen_digit = false;

    for (size_t i = negative ? 1 : 0; i < len; i++) {
        if ((text[i] | 0x20) == 'e' || (text[i] | 0x20) == 'p') {
            const char *from = text + i + 1;

            if (from < text + len && *from == '+') {
                from++;
            }
            if (std::from_chars(from, text + len, exponent).ec == std::errc::result_out_of_range) {
                exponent = *from == '-' ? -1000000 : 1000000;
            }
            break;
        }
        if (text[i] == '.') {
            seen_point = true;
        } else if (!seen_point && (seen_digit || text[i] != '0')) {
            seen_digit = true;
            digits++;
        } else if (seen_point && !seen_digit) {
            if (text[i] == '0') {
                digits--;
            } else {
                seen_digit = true;
            }
        }
    }
    const double size = exponent + digits > 0 ? std::numeric_limits<double>::infinity() : 0.0;
    return negative ? -size : size;
}

bool num_float_parse(const char *text, size_t len, bool is_hex, double *ret)
{
    double value = 0;
    const std::from_chars_result done = std::from_chars(
        text, text + len, value, is_hex ? std::chars_format::hex : std::chars_format::general);

    if (done.ptr != text + len ||
        (done.ec != std::errc() && done.ec != std::errc::result_out_of_range)) {
        return false;
    }
    *ret = done.ec == std::errc() ? value : out_of_range(text, len);
    return true;
}
