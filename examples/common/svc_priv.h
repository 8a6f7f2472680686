/* svc_priv: what the parts of svc share. */
#pragma once

#include <microhttpd.h>
#include <pthread.h>

#include "svc.h"
#include "svc_limit.h"

enum {
    HEADERS_MAX = 8,
    ALLOW_SIZE = 64,
    DISCARD_FACTOR = 4, /* a body this many times too large is still read, so that 413 arrives */
};

/* A connection's clock: who is later than deadline_ns is shut down. 0 = no deadline. */
struct svc_slot {
    struct svc *svc;
    int fd; /* -1 = free */
    int64_t deadline_ns;
};

struct svc {
    const struct svc_service *service;
    const struct svc_settings *settings;
    struct MHD_Daemon *daemon;
    struct svc_limit *limit;
    _Atomic uint16_t port; /* 0 until it listens */
    int64_t start_ns;
    _Atomic bool ending;
    pthread_mutex_t lock; /* of slots and closing */
    pthread_cond_t wake;
    struct svc_slot *slots;
    size_t slot_count;
    bool closing;
    bool has_sweeper;
    pthread_t sweeper;
};

/* A string that lives as long as its request. */
struct svc_kept {
    struct svc_kept *next;
    char text[];
};

struct svc_part_building {
    const char *name, *filename, *content_type;
    struct svc_bytes data;
};

/* svc_request is its first member: a handler's pointer leads back here. */
struct request {
    struct svc_request public;
    struct svc_slot *slot;
    struct svc_kept *kept;
    struct MHD_PostProcessor *form;
    struct svc_bytes body;
    struct svc_part_building building[SVC_PARTS_MAX];
    struct svc_part parts[SVC_PARTS_MAX];
    size_t discarded;
    int64_t start_ns;
    bool is_form_bad;
    bool is_observed; /* `answered` was called */
    /* the answer */
    struct MHD_Response *response;
    int status;
    size_t response_bytes;
    const char *error_type;
    struct {
        char name[48], value[512];
    } headers[HEADERS_MAX];
    size_t header_count;
    char allow[ALLOW_SIZE];
    /* of an answer that is an upgrade: what the taker of the socket wants to remember */
    char upgrade_text[64];
};

static inline struct request *request_of(struct svc_request *public)
{
    return (struct request *)public;
}

/* request_keep copies a string for the request's life; NULL when there is no memory. */
const char *request_keep(struct request *request, const char *text);

/* request_answer makes a response the request's answer, in place of an earlier one. */
void request_answer(struct request *request, int status, struct MHD_Response *response,
                    size_t body_bytes);

/* request_send queues the answer at libmicrohttpd. */
enum MHD_Result request_send(struct request *request);

/* How many times the patience a body may take, an answer, and a kept connection until its next
 * request's header. */
enum { BODY_PATIENCE = 4, ANSWER_PATIENCE = 10, IDLE_PATIENCE = 2 };

/* slot_deadline sets when the connection's client is late; 0 = never. */
void slot_deadline(struct svc_slot *slot, double seconds);

/* svc_listen_socket binds and listens; returns the descriptor and the port. */
int svc_listen_socket(const char *listen, uint16_t *ret_port, struct svc_error *err);

/* The routes that every service has. */
void builtin_health(struct svc_request *request);
void builtin_index(struct svc_request *request);
