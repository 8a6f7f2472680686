#include "template/template.h"

#include "base/mem.h"
#include "template/html_filter.h"
#include "template/template_priv.h"

struct template_set *template_set_new(const struct template_function_row *rows, size_t count)
{
    struct template_set *set = MEM_NEW(struct template_set);

    set->rows = rows;
    set->row_count = count;
    return set;
}

struct template_set *template_set_over(const struct template_set *base)
{
    struct template_set *set = template_set_new(base->rows, base->row_count);

    set->base = base;
    return set;
}

struct template_set *template_set_free(struct template_set *set)
{
    if (set != NULL) {
        map_done(&set->templates);
        arena_done(&set->arena);
    }
    return mem_free(set);
}

bool template_set_has(const struct template_set *set, str name)
{
    return template_find(set, name) != NULL;
}

const struct template *template_find(const struct template_set *set, str name)
{
    const struct template *found = map_get(&set->templates, name);

    return found != NULL || set->base == NULL ? found : template_find(set->base, name);
}

static const struct template_function_row *find(const struct template_function_row *rows,
                                                size_t count, str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_is(name, rows[i].name)) {
            return &rows[i];
        }
    }
    return NULL;
}

const struct template_function_row *template_function_find(const struct template_set *set, str name)
{
    const struct template_function_row *row = find(set->rows, set->row_count, name);

    row = row != NULL ? row : find(template_builtins, template_builtin_count, name);
    /* Names that begin with '_' come from html_escape alone; the lexer knows no difference, as in
     * Go. */
    return row != NULL || name.len == 0 || name.ptr[0] != '_'
               ? row
               : find(html_filters, html_filter_count, name);
}
