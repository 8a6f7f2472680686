/*
 * read_server: answers requests of remote read from a store: samples in one message, or chunks in
 * frames, one series or part of one each, made as they are asked for. Chunks are packed anew from
 * the samples, without start timestamps, in the encodings that every Prometheus reads (1 to 3). One
 * thread at a time. Semantics: Prometheus 3.16, storage/remote/read_handler.go.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/error.h"
#include "model/labels.h"
#include "remote/wire_read.h"
#include "storage/storage.h"

struct read_options {
    struct queryable *queryable;
    size_t samples_max;         /* of a sampled response; 0 = none */
    size_t frame_bytes_max;     /* of frames, but for a chunk that is longer */
    size_t response_bytes_max;  /* of a sampled response, before it is packed */
    const _Atomic bool *cancel; /* NULL = none */
};

struct read_server;

/*
 * read_server_new reads an unpacked request, which it copies, as it does the labels: `externals`
 * are added to all series that have not the same, and equality matchers of them match. Fails with
 * BARO_EPARSE, BARO_EINVALID (no response type that is known) and BARO_ELIMIT.
 */
int read_server_new(const struct read_options *options, str body, struct labels externals,
                    struct read_server **ret, struct baro_error *err);
struct read_server *read_server_free(struct read_server *server);
DEFINE_CLEANUP(read_server_free, struct read_server)

/* read_server_type is what the client likes best. */
enum wire_response read_server_type(const struct read_server *server);

/* read_server_set_cancel replaces the flag by another one. */
void read_server_set_cancel(struct read_server *server, const _Atomic bool *cancel);

/* read_server_samples appends the whole response, packed. Fails as the store does, and with
 * BARO_ELIMIT beyond samples_max or response_bytes_max. */
int read_server_samples(struct read_server *server, struct buf *ret, struct baro_error *err);

/* read_server_frames appends the frames of the next series: 1; 0 when that was all. Fails as the
 * store does; the stream cannot go on then. */
int read_server_frames(struct read_server *server, struct buf *ret, struct baro_error *err);
