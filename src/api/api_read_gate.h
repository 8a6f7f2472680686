/*
 * api_read_gate: how many requests of remote read run at once. Who comes when all places are taken
 * waits, in the thread it is in, for one to be free or its client to leave. Any thread.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct api_read_gate;

/* api_read_gate_new; places 0 = no bound. api_read_gate_free waits until all have left. */
struct api_read_gate *api_read_gate_new(uint32_t places);
struct api_read_gate *api_read_gate_free(struct api_read_gate *gate);

/* api_read_gate_enter takes a place; false when the client has left meanwhile. */
bool api_read_gate_enter(struct api_read_gate *gate, const _Atomic bool *cancel);
void api_read_gate_leave(struct api_read_gate *gate);

/* api_read_gate_count is how many run and wait. */
uint32_t api_read_gate_count(struct api_read_gate *gate);
