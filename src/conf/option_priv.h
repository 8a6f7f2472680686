/* option_priv: what reading and printing of option tables share. */
#pragma once

#include "conf/option.h"

/* The offset of a row: its own, or its slot in a table without struct. */
static inline size_t option_offset(const struct option_type *type, size_t row)
{
    return type->size > 0 ? type->rows[row].offset : row * OPTION_SLOT_BYTES;
}

static inline void *option_target(const struct option_type *type, size_t row, void *object)
{
    return (char *)object + option_offset(type, row);
}

static inline const void *option_source(const struct option_type *type, size_t row,
                                        const void *object)
{
    return (const char *)object + option_offset(type, row);
}

/* option_nested is the object behind a STRUCT or INLINE row; NULL when absent. */
static inline void *option_nested(const void *source)
{
    void *object = NULL;

    memcpy(&object, source, sizeof(object));
    return object;
}

/* option_size_parse reads 15MB as units.ParseBase2Bytes does, with its error texts. */
int option_size_parse(str text, int64_t *ret, struct baro_error *err);
