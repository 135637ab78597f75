// command.c: command lines and environments as plain data: what needs a shell, which names hold
// secrets. See process.h.
#include <string.h>
#include <unistd.h>

#include "lib/process.h"

// A first word that only a shell understands. `test`, `true`, `echo` and their kind exist as
// programs.
static const char *const shell_words[] = {
    "!",        ".",      ":",     "alias", "break",  "case",   "cd",   "command",
    "continue", "do",     "eval",  "exec",  "exit",   "export", "for",  "if",
    "read",     "return", "set",   "shift", "source", "time",   "trap", "type",
    "ulimit",   "umask",  "unset", "until", "wait",   "while",  "{",    NULL,
};

// The word being built; a word may be empty but quoted ("").
typedef struct {
  Arena *arena;
  char *text;  // room for the whole line, so it never grows
  size_t len;
  bool open;  // inside a word
} Word;

static void word_add(Word *word, char c)
{
  word->open = true;
  word->text[word->len++] = c;
}

static void word_end(Word *word, StrList *argv)
{
  if (!word->open) return;
  Str s = {word->text, word->len};
  PUSH(word->arena, argv, str_dup(word->arena, s));
  word->open = false;
  word->len = 0;
}

// Takes a double-quoted part that begins at [at]; returns the offset behind the closing quote, 0
// when it needs a shell or never closes.
static size_t take_double(Word *word, Str line, size_t at)
{
  word->open = true;
  for (; at < line.len; at++) {
    char c = line.ptr[at];
    if (c == '"') return at + 1;
    if (c == '$' || c == '`') return 0;
    if (c == '\\' && at + 1 < line.len && strchr("$`\"\\", line.ptr[at + 1])) c = line.ptr[++at];
    word_add(word, c);
  }
  return 0;
}

static size_t take_single(Word *word, Str line, size_t at)
{
  word->open = true;
  for (; at < line.len; at++) {
    if (line.ptr[at] == '\'') return at + 1;
    word_add(word, line.ptr[at]);
  }
  return 0;
}

// One step outside quotes; returns the next offset, 0 when a shell is needed.
static size_t take_plain(Word *word, StrList *argv, Str line, size_t at)
{
  char c = line.ptr[at];
  switch (c) {
    case ' ':
    case '\t': word_end(word, argv); return at + 1;
    case '"': return take_double(word, line, at + 1);
    case '\'': return take_single(word, line, at + 1);
    case '\\':
      if (at + 1 == line.len || line.ptr[at + 1] == '\n') return 0;
      word_add(word, line.ptr[at + 1]);
      return at + 2;
    case '~':
      if (!word->open) return 0;  // a home directory
      break;
    case '=':
      if (argv->len == 0) return 0;  // NAME=value before a command
      break;
    default:
      if (c == 0 || strchr("|&;<>$`*?[#()\n\r{}", c)) return 0;
  }
  word_add(word, c);
  return at + 1;
}

static bool is_shell_word(Str word)
{
  for (const char *const *w = shell_words; *w; w++) {
    if (str_eq(word, str_from(*w))) return true;
  }
  return false;
}

bool command_split(Arena *arena, Str line, StrList *argv)
{
  *argv = (StrList){0};
  line = str_trim(line);
  Word word = {.arena = arena, .text = arena_alloc(arena, line.len + 1)};
  for (size_t at = 0; at < line.len;) {
    at = take_plain(&word, argv, line, at);
    if (at == 0) return false;
  }
  word_end(&word, argv);
  return argv->len > 0 && !is_shell_word(argv->items[0]);
}

// --- secrets -------------------------------------------------------------------------------------

// Anywhere in the name.
static const char *const secret_parts[] = {
    "TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "CUSTOM_HEADERS", NULL,
};

// At the end of a piece between underscores: OPENAI_API_KEY, MY_APIKEY_2, but not KEYBOARD.
static const char *const secret_ends[] = {"KEY", "KEYS", NULL};

static bool is_secret_piece(Str piece)
{
  if (str_eq_nocase(piece, S("PASS"))) return true;
  for (const char *const *end = secret_ends; *end; end++) {
    Str want = str_from(*end);
    if (piece.len >= want.len && str_eq_nocase(str_skip(piece, piece.len - want.len), want))
      return true;
  }
  return false;
}

static bool is_secret_name(Str name)
{
  // Git's way of passing configuration; without its keys every git call fails.
  if (str_starts(name, S("GIT_CONFIG_"))) return false;
  for (const char *const *part = secret_parts; *part; part++) {
    Str want = str_from(*part);
    for (size_t at = 0; at + want.len <= name.len; at++) {
      if (str_eq_nocase((Str){name.ptr + at, want.len}, want)) return true;
    }
  }
  for (Str rest = name, piece; str_cut(&rest, '_', &piece);) {
    if (is_secret_piece(piece)) return true;
  }
  return false;
}

const char *const *secret_env_names(Arena *arena)
{
  struct {
    const char **items;
    size_t len, cap;
  } names = {0};
  for (char **entry = environ; entry && *entry; entry++) {
    Str name = {*entry, strcspn(*entry, "=")};
    if (is_secret_name(name)) PUSH(arena, &names, str_z(arena, name));
  }
  PUSH(arena, &names, NULL);
  return names.items;
}
