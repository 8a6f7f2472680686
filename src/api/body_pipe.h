/*
 * body_pipe: the body of a response that a thread makes while the connection sends it. What is made
 * waits here, and the maker waits while the client is slower; a client that is too slow for what
 * waits is given up, so that it holds nothing for ever. Two owners, the maker and the connection;
 * the last one to leave frees it.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"
#include "http/server.h"

struct body_pipe;

struct body_pipe_options {
    size_t waiting_bytes_max; /* the maker waits while more does */
    dur write_timeout;        /* to take all that waits, as http_write_time has it */
};

/* body_pipe_new has the maker as its one owner; body_pipe_attach makes the connection the other
 * one: only while the request's handler runs. */
struct body_pipe *body_pipe_new(const struct body_pipe_options *options);
void body_pipe_attach(struct body_pipe *pipe, struct http_request *request);

/* body_pipe_is_canceled becomes true when the client takes no more. */
const _Atomic bool *body_pipe_is_canceled(const struct body_pipe *pipe);

/* body_pipe_put waits until there is room, and hands the bytes over. Fails with BARO_ECANCELED when
 * the client has left, BARO_ETIMEOUT when it is too slow, and BARO_ELIMIT; the body is broken then.
 * Does not wait before body_pipe_attach. */
int body_pipe_put(struct body_pipe *pipe, str bytes, struct baro_error *err);

/* body_pipe_end says that nothing comes any more; the pipe is gone for the maker. When not all has
 * come, the client is to see that. */
void body_pipe_end(struct body_pipe *pipe, bool is_whole);
