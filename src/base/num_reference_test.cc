#include <charconv>
#include <cstddef>

extern "C" std::size_t num_reference_scientific(double v, char *ret, std::size_t size);

/* What num_test.c compares with: the C++ library's shortest digits, as d.ddde+XX. */
std::size_t num_reference_scientific(double v, char *ret, std::size_t size)
{
    return static_cast<std::size_t>(
        std::to_chars(ret, ret + size, v, std::chars_format::scientific).ptr - ret);
}
