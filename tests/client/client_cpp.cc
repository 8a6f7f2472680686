// The header from C++, with the library or the amalgamation behind it.
#include <cstdio>
#include <cstdlib>

#include <baro/baro.h>

int main()
{
    const baro_label labels[] = {{"method", 0, nullptr, 0}, {"code", 0, nullptr, 0}};
    baro_desc desc = baro_desc();
    desc.name = "requests_total";
    desc.type = BARO_COUNTER;
    desc.labels = labels;
    desc.label_count = 2;
    baro_registry *registry = baro_registry_new(nullptr, nullptr);
    baro_family *family = baro_family_new(registry, &desc, nullptr);
    baro_counter_inc(baro_counter_with(family, BARO_VALUES("GET", "200")));
    char *text = baro_expose_alloc(registry, nullptr, nullptr);
    std::fputs(text, stdout);
    std::free(text);
    baro_registry_free(registry);
    return 0;
}
