// fuzz_ollama.c: see fuzz_reply.h.
#include "../fuzz/fuzz_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  return fuzz_reply(&dialect_ollama, data, size);
}
