// anchor.c: which of several places that look alike is meant: lines that stand once in the base and once in the
// present text tell where one is. See carry.h.
#include "base/map.h"
#include "patch/carry.h"

// A line's text: how often it stands in the base and in the present text, and where it stands there last.
typedef struct {
  size_t in_base, in_present, at;
  size_t base_at;  // and in the base
} Seen;

typedef struct {
  Arena *arena;
  Map map;
  Seen *seen;
} Census;

static Seen *seen_of(Census *census, Str line)
{
  size_t at = census->map.len;
  if (map_add(census->arena, &census->map, line, at)) return &census->seen[at];
  map_get(&census->map, line, &at);
  return &census->seen[at];
}

// The same from each line of the present text: the nearest lines that stood once in the base.
static void look_around(Census *census, const Text *present, Anchors *out)
{
  size_t n = present->len;
  out->above = NEW_N(census->arena, size_t, n + 1);
  out->below = NEW_N(census->arena, size_t, n + 1);
  for (size_t i = 0; i < n; i++) {
    const Seen *one = seen_of(census, present->items[i].text);
    out->above[i + 1] = one->in_base == 1 ? one->base_at + 1 : out->above[i];
  }
  out->below[n] = out->len;
  for (size_t i = n; i-- > 0;) {
    const Seen *one = seen_of(census, present->items[i].text);
    out->below[i] = one->in_base == 1 ? one->base_at : out->below[i + 1];
  }
}

Anchors anchors_new(Arena *arena, const Text *base, const Text *present)
{
  size_t n = base->len;
  Census census = {.arena = arena, .seen = NEW_N(arena, Seen, n + present->len + 1)};
  for (size_t i = 0; i < n; i++) {
    Seen *one = seen_of(&census, base->items[i].text);
    one->in_base++;
    one->base_at = i;
  }
  for (size_t i = 0; i < present->len; i++) {
    Seen *one = seen_of(&census, present->items[i].text);
    one->in_present++;
    one->at = i;
  }
  Anchors out = {.lines = NEW_N(arena, Anchor, n + 1), .len = n, .present_len = present->len};
  bool *tells = NEW_N(arena, bool, n + 1);
  for (size_t i = 0; i < n; i++) {
    const Seen *one = seen_of(&census, base->items[i].text);
    tells[i] = one->in_base == 1 && one->in_present > 0;
    out.lines[i].times = one->in_present;
    out.lines[i].at = one->at;
    out.lines[i + 1].above = tells[i] ? i + 1 : out.lines[i].above;
  }
  out.lines[n].below = n;
  for (size_t i = n; i-- > 0;) out.lines[i].below = tells[i] ? i : out.lines[i + 1].below;
  look_around(&census, present, &out);
  return out;
}

bool anchors_span(const Anchors *anchors, Span place, Span *base, Span *present)
{
  *base = (Span){0, anchors->len};
  *present = (Span){0, anchors->present_len};
  if (place.from > anchors->len || place.to > anchors->len) return false;
  size_t above = anchors->lines[place.from].above, below = anchors->lines[place.to].below;
  if (above) {
    const Anchor *line = &anchors->lines[above - 1];
    if (line->times > 1) return false;
    base->from = above;
    present->from = line->at + 1;
  }
  if (below < anchors->len) {
    const Anchor *line = &anchors->lines[below];
    if (line->times > 1) return false;
    base->to = below;
    present->to = line->at;
  }
  return present->from <= present->to;
}

bool anchors_agree(const Anchors *anchors, Span base, Span present)
{
  if (present.to > anchors->present_len || base.to > anchors->len) return false;
  return anchors->lines[base.from].above == anchors->above[present.from] &&
         anchors->lines[base.to].below == anchors->below[present.to];
}
