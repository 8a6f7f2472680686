/*
 * url: takes URLs apart far enough to check them as Go's net/url does, with its error texts. The
 * parts borrow from the text.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

struct url {
    str scheme; /* as written; empty when there is none */
    str user;   /* before the '@', with the password */
    str host;   /* with port; empty when there is none */
    str path;   /* with query and fragment */
    bool has_password;
};

/* url_parse fails with BARO_EPARSE and Go's text ("parse \"...\": missing protocol scheme"). */
int url_parse(str text, struct url *ret, struct baro_error *err);

/* url_redacted is the text with the password replaced by xxxxx; the text itself when it has none or
 * is no URL. */
str url_redacted(struct arena *arena, str text);
