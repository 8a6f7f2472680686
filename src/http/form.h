/*
 * form: query strings and bodies of the type application/x-www-form-urlencoded: names with values,
 * in order, a name may come several times. Semantics are those of Go's url.ParseQuery: '+' is a
 * space, "%zz" and ';' are errors. Everything lives in the arena.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

/* More pairs than this are refused with BARO_ELIMIT. */
enum { FORM_PAIRS_MAX = 10000 };

struct form_pair {
    str name;
    str value;
};

struct form {
    struct form_pair *items;
    size_t count;
    size_t capacity;
};

/* form_parse appends the pairs of `text` to *ret (zeroed before the first call). Fails with
 * BARO_EPARSE and Go's words: invalid URL escape "%zz". */
int form_parse(struct arena *arena, str text, struct form *ret, struct baro_error *err);

/* form_get returns the first value of a name; ptr is NULL when there is none. */
str form_get(const struct form *form, str name);

/* form_has says whether a name is there, form_next walks over the values of one name: start with
 * *index = 0. */
bool form_has(const struct form *form, str name);
bool form_next(const struct form *form, str name, size_t *index, str *ret);

/* url_path_decode undoes percent escapes of one path segment ('+' stays '+'). Fails as form_parse
 * does. */
int url_path_decode(struct arena *arena, str segment, str *ret, struct baro_error *err);
