/*
 * secret: text that must not be shown. A struct of its own, so that no format string and no log
 * field takes it by accident: whoever needs the bytes names secret_reveal, and every printer writes
 * SECRET_TEXT.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

struct secret {
    str hidden_; /* only for secret_reveal */
};

/* What stands for a secret that is set, in the printed configuration and everywhere else. */
#define SECRET_TEXT "<secret>"

static inline struct secret secret_from(str value)
{
    return (struct secret){value};
}

static inline bool secret_is_set(struct secret secret)
{
    return secret.hidden_.len > 0;
}

/* secret_reveal gives the bytes, to send them to the peer they are for and to nothing else. */
static inline str secret_reveal(struct secret secret)
{
    return secret.hidden_;
}

/* secret_shown is what a human may see: SECRET_TEXT, or "" when the secret is not set. */
static inline str secret_shown(struct secret secret)
{
    return secret_is_set(secret) ? STR(SECRET_TEXT) : STR("");
}
