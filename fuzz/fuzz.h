/* fuzz: one input per call, as libFuzzer has it. Each fuzz_<input>.c defines it; corpora are in
 * fuzz/corpus/<input>/. */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
