/* faults: how the extraction service can be made to misbehave; rows of extraction_faults. */
#pragma once

#include "svc_fault.h"

enum extraction_fault {
    FAULT_AGED_EXTRACTION,
    FAULT_API_ERRORS,
    FAULT_DB_ERRORS,
    FAULT_DISK_FILL,
    FAULT_EXTRACTION_FAILURES,
    FAULT_LOW_DISK,
    FAULT_POOL_EXHAUSTED,
    FAULT_REDIS_MEMORY,
    FAULT_SLOW_API,
    FAULT_SLOW_DB,
    FAULT_SLOW_EXTRACTION,
    FAULT_WEBSOCKETS,
    FAULT_WORKER_CRASH,
    FAULT_COUNT,
};
extern const struct svc_fault_def extraction_faults[FAULT_COUNT];
