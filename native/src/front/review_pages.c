// review_pages.c: see review_pages.h.
#include "front/review_pages.h"

#include "base/map.h"
#include "lib/loop.h"

enum {
  KEPT = 4,                // plans whose review is remembered
  PAGE_BYTES = 64 << 10,   // of text
  PAGE_SECTIONS = 1 << 9,  // of an answer, with or without text
};

typedef enum { SECTION_HEAD, SECTION_FILE, SECTION_HUNK } SectionKind;

typedef struct {
  SectionKind kind;
  Str key;             // a hunk's id, a file's path; empty: the lines above all
  Str state, task;     // as in LineMeaning
  size_t line;         // in the new text, of a hunk
  size_t lines, head;  // in all; its own head's
  Str moves;           // "AT+LEN,...": LEN lines below its line AT (from 0) went elsewhere
  Str text;
} Section;

// One step from what the editor has to what is. Steps are done in order, so [at] counts what those before have made.
typedef struct {
  size_t at, remove, add;  // sections: from [at], that many go and that many come
  size_t skip, drop;       // lines: behind [skip] lines of them, [drop] go
  bool part;               // and [text] comes; else the text of what comes
  Str text;
} Step;

typedef struct {
  int64_t plan, version;
  uint64_t used;  // when, for throwing out the oldest
  Arena arena;
  Section *items;
  size_t len, cap;
  Step *steps;  // those that were not sent yet begin at [sent]
  size_t steps_len, steps_cap, sent;
} Sent;

struct ReviewPages {
  Sent *kept[KEPT];
  int64_t last_version;
  uint64_t clock;
};

ReviewPages *review_pages_new(void)
{
  ReviewPages *pages = mem_alloc(sizeof(*pages));
  *pages = (ReviewPages){0};
  return pages;
}

static void sent_free(Sent *sent)
{
  if (!sent) return;
  arena_deinit(&sent->arena);
  mem_free(sent);
}

void review_pages_free(ReviewPages *pages)
{
  if (!pages) return;
  for (size_t i = 0; i < KEPT; i++) sent_free(pages->kept[i]);
  mem_free(pages);
}

// --- sections --------------------------------------------------------------------------------------

static bool is_head(const LineMeaning *line)
{
  return str_eq(line->kind, S("hunk")) || str_eq(line->kind, S("file"));
}

static SectionKind kind_of(const LineMeaning *line)
{
  if (line->hunk.len) return SECTION_HUNK;
  return line->path.len ? SECTION_FILE : SECTION_HEAD;
}

static Str key_of(const LineMeaning *line)
{
  return line->hunk.len ? line->hunk : line->path;
}

static Section *add_section(Sent *sent, const LineMeaning *line)
{
  Arena *arena = &sent->arena;
  Section one = {.kind = kind_of(line),
                 .key = str_dup(arena, key_of(line)),
                 .state = str_dup(arena, line->state),
                 .task = str_dup(arena, line->task),
                 .line = line->line};
  PUSH(arena, sent, one);
  return &sent->items[sent->len - 1];
}

static void cut_sections(Sent *sent, const View *view)
{
  Str rest = str_dup(&sent->arena, view->text), line;
  Section *now = NULL;
  for (size_t i = 0; i < view->len && rest.len; i++) {
    const LineMeaning *meaning = &view->index[i];
    Str before = rest;
    if (!now || kind_of(meaning) != now->kind || !str_eq(key_of(meaning), now->key))
      now = add_section(sent, meaning);
    if (!now->text.ptr) now->text.ptr = before.ptr;
    str_line(&rest, &line);
    now->text.len += before.len - rest.len;
    if (meaning->moved) {
      now->moves = str_fmt(&sent->arena, "%.*s%s%zu+%zu", STR_ARG(now->moves),
                           now->moves.len ? "," : "", now->lines, meaning->moved);
    }
    now->lines++;
    now->head += is_head(meaning);
  }
}

// --- what differs ----------------------------------------------------------------------------------

static void add_step(Sent *sent, Step step)
{
  if (sent->steps_len == sent->steps_cap) {
    sent->steps = arena_grow(&sent->arena, sent->steps, sent->steps_len, &sent->steps_cap,
                             sizeof(*sent->steps));
  }
  sent->steps[sent->steps_len++] = step;
}

// The step that takes sections out or puts them in at [at]: the one before when that ends there.
static Step *step_at(Sent *sent, size_t at)
{
  Step *last = sent->steps_len ? &sent->steps[sent->steps_len - 1] : NULL;
  if (!last || last->part || last->at + last->add != at) add_step(sent, (Step){.at = at});
  return &sent->steps[sent->steps_len - 1];
}

static void take_out(Sent *sent, size_t at, const Section *gone, size_t n)
{
  if (!n) return;
  Step *step = step_at(sent, at);
  step->remove += n;
  for (size_t i = 0; i < n; i++) step->drop += gone[i].lines;
}

static bool same_meaning(const Section *a, const Section *b)
{
  return a->lines == b->lines && a->head == b->head && a->line == b->line &&
         str_eq(a->state, b->state) && str_eq(a->task, b->task) && str_eq(a->moves, b->moves);
}

// The same section: of its text only the lines that differ.
static void change(Sent *sent, size_t at, const Section *was, const Section *now)
{
  if (same_meaning(was, now) && str_eq(was->text, now->text)) return;
  Str old = was->text, new = now->text, old_line, new_line;
  Step step = {.at = at, .remove = 1, .add = 1, .part = true};
  while (old.len && new.len) {
    Str old_rest = old, new_rest = new;
    str_line(&old_rest, &old_line);
    str_line(&new_rest, &new_line);
    if (!str_eq(old_line, new_line)) break;
    old = old_rest;
    new = new_rest;
    step.skip++;
  }
  size_t same = 0;
  while (same < old.len &&
         same < new.len &&old.ptr[old.len - 1 - same] == new.ptr[new.len - 1 - same])
    same++;
  // Whole lines: up to the first line end in what is the same, unless it began a line.
  size_t cut = old.len - same;
  bool begins = (same == old.len || old.ptr[cut - 1] == '\n') &&
                (same == new.len || new.ptr[new.len - same - 1] == '\n');
  size_t end = begins ? 0 : str_find_char(str_skip(old, cut), '\n');
  same -= begins ? 0 : end == STR_NOT_FOUND ? same : end + 1;
  step.drop = str_count_lines(str_sub(old, 0, old.len - same));
  step.text = str_sub(new, 0, new.len - same);
  add_step(sent, step);
}

// From [was] to [now]. Sections keep their order nearly always; one that comes earlier than it did counts as new.
static void compare(Sent *now, const Sent *was)
{
  Arena scratch;
  Map places = {0};
  arena_init(&scratch);
  for (size_t i = 0; was && i < was->len; i++) map_add(&scratch, &places, was->items[i].key, i);
  size_t old = 0, found;
  for (size_t i = 0; i < now->len; i++) {
    if (!map_get(&places, now->items[i].key, &found) || found < old ||
        was->items[found].kind != now->items[i].kind) {
      step_at(now, i)->add++;
      continue;
    }
    take_out(now, i, was->items + old, found - old);
    change(now, i, &was->items[found], &now->items[i]);
    old = found + 1;
  }
  if (was) take_out(now, now->len, was->items + old, was->len - old);
  arena_deinit(&scratch);
}

// --- a page ----------------------------------------------------------------------------------------

typedef struct {
  Arena *arena;
  const Sent *sent;
  Value *steps, *paths;
  Buf text, index;
  size_t sections;
} Page;

static bool is_full(const Page *page)
{
  return page->text.len >= PAGE_BYTES || page->sections >= PAGE_SECTIONS;
}

static Str or_dash(Str s)
{
  return s.len ? s : S("-");
}

static void put_section(Page *page, const Section *one)
{
  static const char *const names[] = {"head", "file", "hunk"};
  buf_fmt(&page->index, "%s %zu %zu %zu %.*s %.*s %.*s%s%.*s\n", names[one->kind], one->lines,
          one->head, one->line, STR_ARG(or_dash(one->kind == SECTION_HUNK ? one->key : STR_NONE)),
          STR_ARG(or_dash(one->state)), STR_ARG(or_dash(one->task)), one->moves.len ? " " : "",
          STR_ARG(one->moves));
  if (one->kind == SECTION_FILE) value_push(page->paths, value_str(page->arena, one->key));
  page->sections++;
}

static void put_step(Page *page, const Step *step, size_t lines)
{
  const size_t numbers[] = {step->at + 1, step->remove, step->add, step->skip, step->drop, lines};
  Value *list = value_push(page->steps, value_list(page->arena));
  for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
    value_push(list, value_int(page->arena, (int64_t)numbers[i]));
}

// As much of [step] as fits; the rest stays in it.
static bool send_step(Page *page, Step *step)
{
  const Section *items = page->sent->items;
  Step now = *step;
  size_t lines = step->part ? str_count_lines(step->text) : 0;
  if (step->part) buf_add(&page->text, step->text);
  for (now.add = 0; now.add < step->add && (!now.add || !is_full(page)); now.add++) {
    const Section *one = &items[step->at + now.add];
    put_section(page, one);
    if (step->part) continue;
    buf_add(&page->text, one->text);
    lines += one->lines;
  }
  put_step(page, &now, lines);
  step->at += now.add;
  step->add -= now.add;
  step->remove = step->drop = 0;
  return step->add == 0;
}

static Value *next_page(Sent *sent, Arena *arena, bool reset)
{
  Page page = {.arena = arena, .sent = sent};
  Value *map = value_map(arena);
  page.steps = value_list(arena);
  page.paths = value_list(arena);
  buf_init(&page.text, SIZE_MAX);
  buf_init(&page.index, SIZE_MAX);
  while (sent->sent < sent->steps_len && !is_full(&page)) {
    if (send_step(&page, &sent->steps[sent->sent])) sent->sent++;
  }
  value_put_int(arena, map, S("version"), sent->version);
  value_put_bool(arena, map, S("reset"), reset);
  value_put_bool(arena, map, S("more"), sent->sent < sent->steps_len);
  value_set(map, S("steps"), page.steps);
  value_put_str(arena, map, S("index"), buf_take(&page.index, arena));
  value_set(map, S("paths"), page.paths);
  value_put_str(arena, map, S("text"), buf_take(&page.text, arena));
  buf_deinit(&page.index);
  buf_deinit(&page.text);
  return map;
}

// --- what is kept ----------------------------------------------------------------------------------

static Sent **slot_of(ReviewPages *pages, int64_t plan)
{
  Sent **oldest = &pages->kept[0];
  for (size_t i = 0; i < KEPT; i++) {
    Sent **slot = &pages->kept[i];
    if (*slot && (*slot)->plan == plan) return slot;
    if (!*oldest) continue;
    if (!*slot || (*slot)->used < (*oldest)->used) oldest = slot;
  }
  return oldest;
}

// Never one that an engine before this has given: an editor outlives engines.
static int64_t new_version(ReviewPages *pages)
{
  int64_t now = wall_now_ms();
  pages->last_version = pages->last_version >= now ? pages->last_version + 1 : now;
  return pages->last_version;
}

Value *review_pages_next(ReviewPages *pages, Arena *arena, int64_t plan, int64_t version)
{
  Sent *sent = *slot_of(pages, plan);
  if (!sent || sent->plan != plan || sent->version != version || sent->sent == sent->steps_len)
    return NULL;
  return next_page(sent, arena, false);
}

Value *review_pages_first(ReviewPages *pages, Arena *arena, int64_t plan, int64_t version,
                          const View *view)
{
  Sent **slot = slot_of(pages, plan), *was = *slot;
  bool known = was && was->plan == plan && was->version == version && was->sent == was->steps_len;
  Sent *now = mem_alloc(sizeof(*now));
  *now = (Sent){.plan = plan, .version = new_version(pages), .used = ++pages->clock};
  arena_init(&now->arena);
  cut_sections(now, view);
  compare(now, known ? was : NULL);
  sent_free(was);
  *slot = now;
  return next_page(now, arena, !known);
}
