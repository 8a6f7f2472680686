/*
 * svc_chaos: faults that need threads or memory of their own: busy cores, a flood of requests to
 * the service itself, a crash, memory taken. All are bounded and end with svc_chaos_stop.
 */
#pragma once

#include "svc.h"

struct svc_chaos;

/* Zero in a field means that this fault is off. */
struct svc_chaos_options {
    const struct svc *svc;
    double burn_percent; /* of every core, 1 .. 100 */
    double flood_rate;   /* requests a second */
    const char *flood_path;
    double crash_s; /* after which the process ends with status SVC_CHAOS_STATUS */
    size_t ballast_bytes;
};
enum { SVC_CHAOS_STATUS = 70 };

int svc_chaos_start(const struct svc_chaos_options *options, struct svc_chaos **ret,
                    struct svc_error *err);
/* svc_chaos_stop ends and releases; takes NULL, returns NULL. */
struct svc_chaos *svc_chaos_stop(struct svc_chaos *chaos);

/*
 * svc_disk_fill takes room of the directory's file system until only `share` of it is free, in a
 * file without a name: the room is given back when the descriptor that is returned is closed, or
 * the process ends, however it does. -ENOTSUP for a file system larger than SVC_DISK_FILL_MAX,
 * because filling that would harm others.
 */
enum { SVC_DISK_FILL_MAX = 1 << 30 };
int svc_disk_fill(const char *directory, double share, struct svc_error *err);
