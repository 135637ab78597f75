// patch_floor.c: the least program that does the job of the patch engine's benches: reads a file, finds its
// lines, and writes it again with known lines replaced. What bench_patch.py compares with.
//
//   patch_floor hash FILE             read FILE, hash every line
//   patch_floor apply FILE EDITS OUT  EDITS: lines "LINE NEW TEXT", ascending; LINE becomes NEW TEXT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static unsigned long hash_lines(File file)
{
  unsigned long sum = 0;
  for (char *at = file.bytes, *end = at + file.len; at < end;) {
    char *stop = memchr(at, '\n', (size_t)(end - at) + 1);
    unsigned long hash = 1469598103934665603u, word;
    for (; stop - at >= 8; at += 8) {
      memcpy(&word, at, 8);
      hash = (hash ^ word) * 1099511628211u;
    }
    for (; at < stop; at++) hash = (hash ^ (unsigned char)*at) * 1099511628211u;
    sum += hash;
    at = stop + 1;
  }
  return sum;
}

static void apply(File file, File edits, const char *out_path)
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
  FILE *sink = fopen(out_path, "wb");
  if (!sink || fwrite(out, 1, (size_t)(to - out), sink) != (size_t)(to - out)) exit(2);
  fclose(sink);
}

int main(int argc, char **argv)
{
  if (argc == 3 && strcmp(argv[1], "hash") == 0)
    return printf("%lx\n", hash_lines(slurp(argv[2]))) < 0;
  if (argc != 5 || strcmp(argv[1], "apply") != 0) return 2;
  apply(slurp(argv[2]), slurp(argv[3]), argv[4]);
  return 0;
}
