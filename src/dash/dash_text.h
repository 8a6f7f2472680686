/*
 * dash_text: the text of a dashboard as the API shows it and as its file has it. They differ in
 * three members: id and version, which the API makes up, and uid where the file has none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

struct dash_board;

/* dash_text_for_api appends a board's text with its id, uid and version as they are stored. */
void dash_text_for_api(const struct dash_board *board, struct buf *ret);

/* dash_text_for_file appends a text that was sent, with id and version as the old text has them
 * (absent when it has none; old_text.ptr NULL = a new file), and with this uid. */
int dash_text_for_file(str text, str old_text, str uid, struct buf *ret, struct baro_error *err);

/* dash_text_version gives the version that a text names; false when it names none. */
bool dash_text_version(str text, int64_t *ret);

/* dash_text_fill appends a text in which each ${NAME} of its __inputs is replaced by the value of
 * that name in `inputs` (a JSON array of {name, value}; ptr NULL = none), and without __inputs.
 * BARO_ELIMIT when that makes more bytes than a dashboard may have. */
int dash_text_fill(str text, str inputs, struct buf *ret, struct baro_error *err);

/* dash_text_new_uid makes a uid that no other has. In the arena. */
str dash_text_new_uid(struct arena *arena);
