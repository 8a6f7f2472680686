/*
 * sessions: conversations: the last exchanges of each, and how many of its prompts are under way.
 * Bounded: the session that was idle longest makes room for a new one. Any thread; one lock, held
 * for copies only.
 */
#pragma once

#include <stddef.h>

#include "prompt.h"

enum {
    SESSIONS_MAX = 4096,
    SESSIONS_EXCHANGES_MAX = 4,
    SESSIONS_TEXT_BYTES_MAX = 512, /* of a question or answer that is remembered */
};

struct sessions;

/* sessions_new: at most in_flight_max prompts of one session at a time. NULL when memory is out. */
struct sessions *sessions_new(unsigned in_flight_max);
struct sessions *sessions_free(struct sessions *sessions);

/* sessions_begin counts a prompt in: 0, -EBUSY when the session has too many under way, -ENOSPC
 * when all sessions are busy. A prompt without a session ("") is always let in. */
int sessions_begin(struct sessions *sessions, const char *name);

/* sessions_end counts it out, and remembers the exchange when there is an answer (NULL = none). */
void sessions_end(struct sessions *sessions, const char *name, const char *question,
                  const char *answer);

/* sessions_history writes "Q: ...\nA: ...\n" of the remembered exchanges, the oldest first, cut to
 * size. Returns its length. */
size_t sessions_history(struct sessions *sessions, const char *name, char *ret, size_t size);

size_t sessions_count(struct sessions *sessions);
