// tokens.c: how many tokens a prompt probably has (bytes / 3.6), and how many it has at most, which is what a budget
// must hold ready for it.
//
// Nobody's tokenizer is here: each provider has its own. The bound goes by what all of them do: common words are one
// token or two, rare ones fall into pieces of two letters; digits, capitals, punctuation and what is not ASCII can be
// a token for every byte; no token is less than a byte. t_tokens.c holds counts that were measured.
#include "lib/json.h"
#include "model/model.h"

typedef int64_t Count(Str text);

enum {
  TOKENS_OVERHEAD = 8,
  REQUEST_OVERHEAD = 64,  // what the providers' own markup adds, about
  WORDS_OVERHEAD = 1000,  // their own words about tools and schemas, at most
};

int64_t tokens_estimate(Str text)
{
  return (int64_t)((text.len * 10 + 35) / 36);
}

// ---- at most ------------------------------------------------------------------------------------

enum { TOKEN = 4 };  // counted in quarters

// What a byte is; each of every prompt is looked at.
enum { LOWER = 1, UPPER = 2, DIGIT = 4, BLANK = 8, NAME = LOWER | UPPER | DIGIT };

static const unsigned char kinds[256] = {
    [' '] = BLANK,         ['\t'] = BLANK,        ['\n'] = BLANK,        ['\r'] = BLANK,
    ['0' ... '9'] = DIGIT, ['A' ... 'Z'] = UPPER, ['a' ... 'z'] = LOWER,
};

static bool is(char c, int kind)
{
  return kinds[(unsigned char)c] & kind;
}

static size_t run_of(Str text, size_t at, int kind)
{
  size_t end = at;
  while (end < text.len && is(text.ptr[end], kind)) end++;
  return end - at;
}

// Letters of a word, or those dice have thrown: they have too few vowels.
static size_t word_quarters(Str word)
{
  enum { LONGEST = 16 };
  const unsigned aeiouy = 1u << 0 | 1u << 4 | 1u << 8 | 1u << 14 | 1u << 20 | 1u << 24;
  size_t vowels = 0;
  for (size_t i = 0; i < word.len; i++) vowels += aeiouy >> ((word.ptr[i] | 32) - 'a') & 1;
  bool rare = word.len > LONGEST || (word.len >= 4 && vowels * 4 < word.len) ||
              (word.len >= 6 && vowels * 4 <= word.len);
  if (rare) return word.len * TOKEN;
  return word.len == 1 ? TOKEN : word.len * TOKEN / 2 + 1;
}

// "configValue2" is words; "aG9wZSBz" and "3f9a01" are not.
static size_t name_quarters(Str name)
{
  size_t quarters = 0, parts = 0;
  for (size_t at = 0, len; at < name.len; at += len, parts++) {
    size_t capitals = run_of(name, at, UPPER), digits = run_of(name, at, DIGIT);
    size_t small = capitals < 2 ? run_of(name, at + capitals, LOWER) : 0;
    len = digits ? digits : capitals + small;
    quarters += small ? word_quarters(str_sub(name, at, at + len)) : len * TOKEN;
  }
  return parts >= 3 && name.len < 5 * parts ? name.len * TOKEN : quarters;
}

// Of blanks that are all the same: one between words belongs to the word.
static size_t blank_quarters(Str text, size_t at, size_t *len)
{
  char c = text.ptr[at];
  *len = 1;
  while (at + *len < text.len && text.ptr[at + *len] == c) ++*len;
  return *len == 1 && c == ' ' ? 1 : TOKEN + *len / TOKEN;
}

int64_t tokens_most(Str text)
{
  size_t quarters = 0;
  for (size_t at = 0, len; at < text.len; at += len) {
    len = 1;
    if (is(text.ptr[at], NAME)) {
      len = run_of(text, at, NAME);
      quarters += name_quarters(str_sub(text, at, at + len));
    } else if (is(text.ptr[at], BLANK)) {
      quarters += blank_quarters(text, at, &len);
    } else {
      quarters += TOKEN;
    }
  }
  size_t tokens = (quarters + TOKEN - 1) / TOKEN;
  return (int64_t)(tokens < text.len ? tokens : text.len);
}

// Blocks that go back as they came. Their thoughts may be sealed: text of which base64 makes a third more, and which
// counts as the tokens it is inside.
static int64_t raw_most(const Value *raw)
{
  enum { SEALED = 200, SEALED_BYTES = 3 };
  if (!raw) return 0;
  int64_t tokens = TOKENS_OVERHEAD + tokens_most(raw->key);
  if (value_is(raw, VALUE_STR)) {
    bool sealed = raw->str.len >= SEALED && str_find_char(raw->str, ' ') == STR_NOT_FOUND;
    return tokens + (sealed ? (int64_t)(raw->str.len / SEALED_BYTES) : tokens_most(raw->str));
  }
  if (!value_is(raw, VALUE_LIST) && !value_is(raw, VALUE_MAP)) return tokens;
  for (VALUE_EACH (item, raw)) tokens += raw_most(item);
  return tokens;
}

// ---- of a request -------------------------------------------------------------------------------

static int64_t value_tokens(const Value *value, Count *count)
{
  if (!value) return 0;
  Arena arena;
  arena_init(&arena);
  int64_t tokens = count(json_str(&arena, value));
  arena_deinit(&arena);
  return tokens;
}

static int64_t message_tokens(const ModelMessage *message, Count *count)
{
  int64_t tokens = TOKENS_OVERHEAD + count(message->text);
  for (size_t i = 0; i < message->calls.len; i++) {
    const ToolCall *call = &message->calls.items[i];
    tokens += TOKENS_OVERHEAD + count(call->name) + value_tokens(call->input, count);
  }
  return tokens;
}

static int64_t request_tokens(const ModelRequest *request, Count *count)
{
  int64_t tokens = REQUEST_OVERHEAD + count(request->system) + count(request->shared);
  for (size_t i = 0; i < request->messages.len; i++)
    tokens += message_tokens(&request->messages.items[i], count);
  for (size_t i = 0; i < request->tool_count; i++) {
    const ModelTool *tool = &request->tools[i];
    tokens += TOKENS_OVERHEAD + count(tool->name) + count(tool->description) +
              value_tokens(tool->schema, count);
  }
  return tokens + value_tokens(request->schema, count);
}

int64_t request_tokens_estimate(const ModelRequest *request)
{
  return request_tokens(request, tokens_estimate);
}

int64_t request_tokens_most(const ModelRequest *request)
{
  int64_t tokens = request_tokens(request, tokens_most);
  for (size_t i = 0; i < request->messages.len; i++) {
    const ModelMessage *message = &request->messages.items[i];
    int64_t raw = raw_most(message->raw),
            plain = message->raw ? message_tokens(message, tokens_most) : 0;
    if (raw > plain) tokens += raw - plain;
  }
  return tokens + (request->tool_count || request->schema ? WORDS_OVERHEAD : 0);
}
