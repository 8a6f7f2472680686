/*
 * option: tables that bind YAML mappings to structs and print them again. A row names a key, the
 * kind of its value, where it goes, and its default in the text form that a file would have. One
 * table serves reading, defaults, unknown keys ("did you mean"), what is not supported yet, and
 * printing in the order and with the omissions of Go's yaml package.
 *
 * Kinds and what they store at the row's offset:
 *   STR, FILE, WORD, URL, REGEX: str      SECRET: struct secret       BOOL: bool
 *   SWITCH: enum conf_switch              INT: int64_t                UINT, SIZE: uint64_t
 *   DOUBLE: double                        DURATION: dur               ENUM: int
 *   STRS, FILES: struct conf_strs         PAIRS: struct conf_pairs    PARAMS: struct conf_params
 *   STRUCT, INLINE: pointer to the nested object                      LIST: struct option_list
 *   CUSTOM: what its functions store
 * All fit OPTION_SLOT_BYTES, so that a table without struct (size 0) keeps row i in slot i.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "base/vec.h"
#include "codec/yaml.h"
#include "conf/prom_config.h"
#include "conf/yaml_writer.h"

enum option_kind {
    OPTION_STR,
    OPTION_FILE, /* joined with the directory of the file */
    OPTION_WORD, /* one of the table's words */
    OPTION_URL,
    OPTION_REGEX,
    OPTION_SECRET,
    OPTION_BOOL,
    OPTION_SWITCH,
    OPTION_INT,
    OPTION_UINT,
    OPTION_SIZE, /* 15MB; a unit is required */
    OPTION_DOUBLE,
    OPTION_DURATION,
    OPTION_ENUM,
    OPTION_STRS,
    OPTION_FILES,
    OPTION_PAIRS,
    OPTION_PARAMS,
    OPTION_STRUCT,
    OPTION_INLINE, /* its keys stand among those of the outer mapping */
    OPTION_LIST,
    OPTION_CUSTOM,
};

enum option_flag {
    OPTION_SHOW = 1,        /* printed even when zero */
    OPTION_FLOW = 2,        /* a list printed as [a, b] */
    OPTION_ALWAYS = 4,      /* STRUCT: there with its defaults even when the key is not */
    OPTION_UNSUPPORTED = 8, /* valid, but run by nothing yet: its presence is noted */
    OPTION_ANY_KEY = 16,    /* CUSTOM: takes keys that its function `takes` accepts */
    OPTION_VALUE = 32,      /* STRUCT: not printed when all in it is zero */
};

struct option_reader;
struct option_type;

struct option_words {
    const char *const *names; /* ENUM stores the index; a NULL name is not offered */
    size_t count;
    bool fold_case;
    /* Reports a word that is none of them. */
    void (*unknown)(struct option_reader *rd, const struct yaml_node *node, str word);
};

struct option_custom {
    bool (*read)(struct option_reader *rd, void *target, const struct yaml_node *key,
                 const struct yaml_node *value);
    bool (*is_zero)(const void *target);
    void (*write)(struct yaml_writer *w, const char *key, const void *target);
    bool (*takes)(str key);   /* ANY_KEY only */
    const char *const *names; /* ANY_KEY only: for "did you mean", NULL at the end */
};

struct option {
    const char *key;
    enum option_kind kind;
    uint32_t flags;
    size_t offset;
    const char *initial;
    const void *detail;     /* option_type, option_words or option_custom */
    const char *null_fault; /* LIST: what to say of a null item; NULL = such items are allowed */
};

struct option_type {
    const char *name; /* for messages: "field x not found in type NAME" */
    size_t size;      /* of the struct; 0 = one slot a row */
    const struct option *rows;
    size_t count;
    size_t place_offset; /* of a struct conf_place, or OPTION_NO_PLACE */
    /* Checks what concerns several rows, and completes; called only when every known key was fine.
     */
    void (*check)(struct option_reader *rd, void *object, const struct yaml_node *node);
};

#define OPTION_NO_PLACE   SIZE_MAX
#define OPTION_SLOT_BYTES 16

struct option_list {
    void *const *items;
    size_t count;
};

typedef VEC(struct baro_error) option_notes;

struct option_reader {
    struct arena *arena;
    const char *file;
    str dir;
    struct faults *faults;
    option_notes *unsupported; /* at most OPTION_NOTES_MAX */
    bool store_starts;         /* as in prom_load_options */
    bool quiet;                /* within something that is noted as not supported already */
    bool ignore_unknown;       /* keys that no table has are passed over */
};

enum { OPTION_NOTES_MAX = 1000 };

/* option_new makes an object with the defaults of its type, in rd's arena. */
void *option_new(struct option_reader *rd, const struct option_type *type);

/*
 * option_read makes an object from a mapping: defaults, then the keys, then the check. Faults go to
 * rd; it returns the object in any case, and false in *ret_good when there were faults.
 */
void *option_read(struct option_reader *rd, const struct option_type *type,
                  const struct yaml_node *node, bool *ret_good);

/* option_write prints the object's keys as a mapping. */
void option_write(struct yaml_writer *w, const struct option_type *type, const void *object);

/* option_is_zero says whether every row is zero, so that Go leaves the struct out. */
bool option_is_zero(const struct option_type *type, const void *object);

/* option_fault reports at a node (NULL: the file as a whole). option_fault_key reports at the value
 * of a key of the mapping, or at the mapping when the key is absent. */
void option_fault(struct option_reader *rd, const struct yaml_node *node, const char *format, ...)
    PRINTF_LIKE(3, 4);
void option_fault_key(struct option_reader *rd, const struct yaml_node *mapping, const char *key,
                      const char *format, ...) PRINTF_LIKE(4, 5);

/* option_quoted gives text as messages show it, with Go's escapes, in the reader's arena. */
const char *option_quoted(struct option_reader *rd, str text);

/* option_unsupported notes "'what' is not supported yet" at a node. */
void option_unsupported(struct option_reader *rd, const struct yaml_node *node, const char *what);

/* option_text reads a scalar as Go reads it into a string; false (and a fault) when it is none. */
bool option_text(struct option_reader *rd, const struct yaml_node *node, str *ret);
bool option_strs(struct option_reader *rd, const struct yaml_node *node, struct conf_strs *ret);

/* option_path joins a file name with the directory, as Go's filepath.Join does: cleaned. */
str option_path(struct arena *arena, str dir, str path);

/* Values of a table without struct, by key; the key must be in the table and of that kind. */
str option_slot_str(const struct option_type *type, const void *object, const char *key);
int64_t option_slot_int(const struct option_type *type, const void *object, const char *key);
const void *option_slot_ptr(const struct option_type *type, const void *object, const char *key);
struct conf_strs option_slot_strs(const struct option_type *type, const void *object,
                                  const char *key);
struct conf_pairs option_slot_pairs(const struct option_type *type, const void *object,
                                    const char *key);
struct option_list option_slot_list(const struct option_type *type, const void *object,
                                    const char *key, const struct option_type **ret_type);
/* option_slot_type is the type of a STRUCT row's object. */
const struct option_type *option_slot_type(const struct option_type *type, const char *key);
void option_slot_set_str(const struct option_type *type, void *object, const char *key, str value);
/* option_slot_is_set says whether the value is not zero. */
bool option_slot_is_set(const struct option_type *type, const void *object, const char *key);
