// patch_floor.c: the least program that does the job of the patch engine's benches: reads a file, finds its
// lines, and writes it again with known lines replaced. What bench_patch.py compares with.
//
//   patch_floor FILE EDITS OUT   EDITS: lines "LINE NEW TEXT", ascending; LINE becomes NEW TEXT. Prints the
//                                milliseconds of reading and applying; writing OUT is not counted
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
  char *bytes;
  size_t len;
} File;

static File slurp(const char *path)
{
  File file = {NULL, 0};
  FILE *in = fopen(path, "rb");
  if (!in) exit(2);
  fseek(in, 0, SEEK_END);
  file.len = (size_t)ftell(in);
  rewind(in);
  file.bytes = malloc(file.len + 1);
  if (!file.bytes || fread(file.bytes, 1, file.len, in) != file.len) exit(2);
  file.bytes[file.len] = '\n';
  fclose(in);
  return file;
}

static double now_ms(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static size_t apply(File file, File edits, char **result)
{
  char *out = malloc(file.len + edits.len + 1), *to = out, *at = file.bytes, *end = at + file.len;
  if (!out) exit(2);
  size_t line = 1;
  for (char *edit = edits.bytes, *last = edit + edits.len; edit < last;) {
    size_t target = strtoul(edit, &edit, 10);
    char *text = edit + 1, *stop = memchr(text, '\n', (size_t)(last - text) + 1), *from = at;
    for (; line < target; line++) at = (char *)memchr(at, '\n', (size_t)(end - at) + 1) + 1;
    memcpy(to, from, (size_t)(at - from));
    to += at - from;
    memcpy(to, text, (size_t)(stop - text) + 1);
    to += stop - text + 1;
    at = (char *)memchr(at, '\n', (size_t)(end - at) + 1) + 1;
    line++;
    edit = stop + 1;
  }
  memcpy(to, at, (size_t)(end - at));
  to += end - at;
  *result = out;
  return (size_t)(to - out);
}

int main(int argc, char **argv)
{
  if (argc != 4) return 2;
  double start = now_ms();
  char *out;
  size_t len = apply(slurp(argv[1]), slurp(argv[2]), &out);
  printf("%.3f\n", now_ms() - start);
  FILE *sink = fopen(argv[3], "wb");
  return !sink || fwrite(out, 1, len, sink) != len || fclose(sink);
}
