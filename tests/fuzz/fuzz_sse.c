// fuzz_sse.c: any bytes as a stream of events, in one piece and cut into pieces: the events must be the same.
// The first byte is the size of the pieces.
#include <stdlib.h>

#include "model/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void drain(Sse *sse, Buf *out)
{
  SseEvent event;
  while (sse_next(sse, &event)) {
    buf_fmt(out, "%zu %zu|", event.name.len, event.data.len);
    buf_add(out, event.name);
    buf_add(out, event.data);
  }
}

static void run(Str text, size_t step, Buf *out)
{
  Sse sse;
  sse_init(&sse, 0);
  for (size_t at = 0; at < text.len; at += step) {
    sse_feed(&sse, str_sub(text, at, at + step));
    drain(&sse, out);
  }
  sse_end(&sse);
  drain(&sse, out);
  sse_deinit(&sse);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size == 0) return 0;
  Str text = {(const char *)data + 1, size - 1};
  Buf whole, cut;
  buf_init(&whole, 1 << 26);
  buf_init(&cut, 1 << 26);
  run(text, text.len + 1, &whole);
  run(text, (size_t)(data[0] % 37) + 1, &cut);
  if (!str_eq(buf_str(&whole), buf_str(&cut))) abort();
  buf_deinit(&whole);
  buf_deinit(&cut);
  return 0;
}
