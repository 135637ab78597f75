// replay_main.c: a main for fuzzers built without libFuzzer: runs each file given once. Lets `make test`
// keep every input that once found something, with gcc and the sanitizers.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
  FILE *file = fopen(path, "rb");
  if (!file) return perror(path), 1;
  uint8_t *data = NULL;
  size_t len = 0, cap = 0, n;
  do {
    if (len == cap) data = realloc(data, cap = cap ? cap * 2 : 4096);
    if (!data) abort();
    n = fread(data + len, 1, cap - len, file);
    len += n;
  } while (n > 0);
  fclose(file);
  LLVMFuzzerTestOneInput(data, len);
  free(data);
  return 0;
}

int main(int argc, char **argv)
{
  for (int i = 1; i < argc; i++) {
    if (run_file(argv[i])) return 1;
  }
  return 0;
}
