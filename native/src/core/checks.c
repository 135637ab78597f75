// checks.c: see checks.h. One row per way of saying how a project is tested; the first that fits
// wins, so the rows where a project says it in so many words come before those where we only see
// its kind.
#include "core/checks.h"

#include "lib/fs.h"
#include "lib/json.h"

static bool makefile_target(Str text, Str target)
{
  for (Str rest = text, line; str_line(&rest, &line);) {
    Str after = str_skip(line, target.len);
    bool rule = str_starts(line, target) && str_starts(str_trim(after), S(":"));
    if (rule && !str_starts(str_trim(after), S(":="))) return true;
  }
  return false;
}

static bool has_check(Arena *arena, Str text)
{
  (void)arena;
  return makefile_target(text, S("check"));
}

static bool has_test(Arena *arena, Str text)
{
  (void)arena;
  return makefile_target(text, S("test"));
}

// npm's own placeholder counts as none.
static bool has_npm_test(Arena *arena, Str text)
{
  Error err = {0};
  const Value *package = json_parse(arena, text, &err);
  Str script = value_get_str(value_get(package, S("scripts")), S("test"), STR_NONE);
  return script.len && !str_has(script, S("no test specified"));
}

static bool has_pytest(Arena *arena, Str text)
{
  (void)arena;
  return str_has(text, S("[tool.pytest")) || str_has(text, S("[pytest]")) ||
         str_has(text, S("[tool:pytest]"));
}

static bool any(Arena *arena, Str text)
{
  (void)arena;
  (void)text;
  return true;
}

typedef struct {
  const char *file;
  bool (*fits)(Arena *arena, Str text);
  Str command;
} CheckRow;

static const CheckRow rows[] = {
    {"Makefile", has_test, S("make test")},
    {"Makefile", has_check, S("make check")},
    {"makefile", has_test, S("make test")},
    {"GNUmakefile", has_test, S("make test")},
    {"package.json", has_npm_test, S("npm test")},
    {"Cargo.toml", any, S("cargo test")},
    {"go.mod", any, S("go test ./...")},
    {"mix.exs", any, S("mix test")},
    {"pytest.ini", any, S("python3 -m pytest -q")},
    {"pyproject.toml", has_pytest, S("python3 -m pytest -q")},
    {"setup.cfg", has_pytest, S("python3 -m pytest -q")},
    {"tox.ini", has_pytest, S("python3 -m pytest -q")},
    {"conftest.py", any, S("python3 -m pytest -q")},
};

static bool is_unittest(Str path)
{
  size_t slash = str_rfind_char(path, '/');
  Str base = str_skip(path, slash + 1);  // STR_NOT_FOUND + 1 is 0
  return str_starts(path, S("tests/")) && str_starts(base, S("test")) && str_ends(base, S(".py"));
}

Str checks_find(Project *project, Arena *arena)
{
  Error err = {0};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    Str text;
    error_clear(&err);
    if (!project_read_local(project, arena, str_from(rows[i].file), &text, &err)) continue;
    if (rows[i].fits(arena, text)) return rows[i].command;
  }
  StrList tests = {0};
  if (fs_stat(project_absolute(project, arena, S("tests"))).kind != FS_DIR) return STR_NONE;
  error_clear(&err);
  if (!project_files(project, arena, S("tests"), &tests, &err)) return STR_NONE;
  for (size_t i = 0; i < tests.len; i++) {
    if (is_unittest(tests.items[i])) return S("python3 -m unittest discover -s tests");
  }
  return STR_NONE;
}
