/* am_api_priv: what the handlers of API v2 share. */
#pragma once

#include "alerting/am.h"
#include "alerting/am_api.h"
#include "codec/json.h"
#include "codec/json_write.h"
#include "http/form.h"
#include "http/server.h"

struct am_call {
    struct am *am;
    const struct am_api_info *info;
    struct http_request *request;
    struct http_response *response;
    struct arena *arena;
    struct form form; /* of the query string */
    str rest;         /* of the path, behind /silence/ */
    struct json_writer json;
};

/* The codes of go-openapi's faults. */
enum {
    AM_FAULT_TYPE = 601,
    AM_FAULT_REQUIRED = 602,
    AM_FAULT_TOO_FEW = 612,
};

/* am_call_text answers with a status and a text as a JSON string, as Alertmanager's own faults are.
 */
void am_call_text(struct am_call *call, int status, const char *format, ...) PRINTF_LIKE(3, 4);
/* am_call_fault answers {"code":602,"message":"..."}, as the faults of its framework are. */
void am_call_fault(struct am_call *call, int status, int code, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* am_call_time writes a time as strfmt does: always three digits of a second, UTC. */
void am_call_time(struct json_writer *json, str key, ts t);
void am_call_labels(struct json_writer *json, str key, struct labels labels);

/* am_call_bool reads a parameter; false when its value was no bool and the call is answered. */
bool am_call_bool(struct am_call *call, const char *name, bool *ret);

/* am_call_matchers reads all parameters of that name; false when one was wrong and the call is
 * answered, the answer beginning with `complaint`. */
bool am_call_matchers(struct am_call *call, const char *key, const char *complaint,
                      am_matchers *ret);

/* am_call_parse_time reads RFC 3339; the year 1 is no time. Absent = 0. */
bool am_call_parse_time(const struct json *node, ts *ret);

/* am_call_ack writes the members of an acknowledgement. */
void am_call_ack(struct json_writer *json, const struct am_ack *ack);

void am_api_delete_ack(struct am_call *call);
void am_api_get_acks(struct am_call *call);
void am_api_post_acks(struct am_call *call);
void am_api_get_alerts(struct am_call *call);
void am_api_post_alerts(struct am_call *call);
void am_api_get_groups(struct am_call *call);
void am_api_get_silences(struct am_call *call);
void am_api_post_silences(struct am_call *call);
void am_api_preview_silence(struct am_call *call);
void am_api_get_silence(struct am_call *call);
void am_api_delete_silence(struct am_call *call);
