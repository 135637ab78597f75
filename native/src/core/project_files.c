// project_files.c: the files of a project by name: from git, or from a plain walk without it.
#include <stdlib.h>

#include "base/log.h"
#include "core/project_private.h"

enum { MAX_ENTRIES = 200000, MAX_DEPTH = 40 };

// ---- A walk without git ----------------------------------------------------------------------

typedef struct {
  Project *project;
  Arena *arena;
  StrList *out;
  size_t entries;
  bool full, deep;    // a limit was met
  size_t unreadable;  // directories
  Error why;          // of the first
} Walk;

// Directories that never hold what a person wrote.
static const char *const skipped[] = {
    ".git",
    ".hg",
    ".svn",
    ".jj",
    ".bzr",
    "CVS",
    "_darcs",
    ".pijul",
    "node_modules",
    "bower_components",
    "jspm_packages",
    "site-packages",
    "__pycache__",
    ".venv",
    ".tox",
    ".nox",
    ".eggs",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".ipynb_checkpoints",
    ".gradle",
    ".next",
    ".nuxt",
    ".svelte-kit",
    ".parcel-cache",
    ".turbo",
    ".terraform",
    ".dart_tool",
    ".stack-work",
    "dist-newstyle",
    "elm-stuff",
    ".bundle",
    "Pods",
    "DerivedData",
    ".cache",
    ".ccls-cache",
    NULL,
};

// A directory that holds [inside], or whose parent holds [beside] and whose name is [name].
typedef struct {
  const char *name, *beside, *inside;
} Marker;
static const Marker markers[] = {
    {NULL, NULL, "CACHEDIR.TAG"},        {NULL, NULL, "pyvenv.cfg"},
    {NULL, NULL, "CMakeCache.txt"},      {NULL, NULL, "build.ninja"},
    {"target", "Cargo.toml", NULL},      {"target", "pom.xml", NULL},
    {"target", "build.sbt", NULL},       {"build", "build.gradle", NULL},
    {"build", "build.gradle.kts", NULL}, {"build", "pubspec.yaml", NULL},
    {"build", "pyproject.toml", NULL},   {"build", "setup.py", NULL},
    {"dist", "package.json", NULL},      {"dist", "pyproject.toml", NULL},
    {"dist", "setup.py", NULL},          {"_build", "mix.exs", NULL},
    {"deps", "mix.exs", NULL},           {"_build", "dune-project", NULL},
    {"bundle", "../Gemfile", NULL},      {"vendor", "composer.json", NULL},
};

static bool has(Walk *walk, Str dir, const char *name)
{
  Str path = dir.len ? str_from(path_join(walk->arena, dir, str_from(name))) : str_from(name);
  return fs_exists(project_absolute(walk->project, walk->arena, path));
}

static bool skip_dir(Walk *walk, Str parent, Str name, Str path)
{
  for (size_t i = 0; skipped[i]; i++) {
    if (str_eq(name, str_from(skipped[i]))) return true;
  }
  for (size_t i = 0; i < sizeof(markers) / sizeof(*markers); i++) {
    const Marker *marker = &markers[i];
    if (marker->inside && has(walk, path, marker->inside)) return true;
    if (marker->name && str_eq(name, str_from(marker->name)) && has(walk, parent, marker->beside))
      return true;
  }
  return false;
}

static void walk_dir(Walk *walk, Str dir, int depth);

static void walk_entry(Walk *walk, Str dir, Str name, int depth)
{
  Str path = dir.len ? str_from(path_join(walk->arena, dir, name)) : name;
  FsKind kind = fs_stat(project_absolute(walk->project, walk->arena, path)).kind;
  if (kind == FS_FILE) {
    PUSH(walk->arena, walk->out, path);
  } else if (kind == FS_DIR && !skip_dir(walk, dir, name, path)) {
    walk_dir(walk, path, depth + 1);
  }
}

static void walk_dir(Walk *walk, Str dir, int depth)
{
  StrList names = {0};
  Error err = {0};
  if (depth > MAX_DEPTH) {
    walk->deep = true;
  } else if (!fs_list(walk->arena, project_absolute(walk->project, walk->arena, dir), &names,
                      &err)) {
    if (!walk->unreadable++) walk->why = err;
  }
  for (size_t i = 0; i < names.len && !walk->full; i++) {
    walk->full = ++walk->entries > MAX_ENTRIES;
    if (!walk->full) walk_entry(walk, dir, names.items[i], depth);
  }
}

static void walk_files(Project *project, Arena *arena, Str under, StrList *out)
{
  Walk walk = {.project = project, .arena = arena, .out = out};
  FsKind kind = fs_stat(project_absolute(project, arena, under)).kind;
  if (kind == FS_FILE) PUSH(arena, out, under);
  if (kind == FS_DIR) walk_dir(&walk, under, 0);
  if (walk.unreadable && !project->told_unreadable) {
    project->told_unreadable = true;
    log_warn("%s%s", walk.why.message, walk.unreadable > 1 ? ", and others" : "");
  }
  if ((walk.full || walk.deep) && !project->told_limit) {
    project->told_limit = true;
    log_warn("%.*s: more than %d entries or %d levels; not all files are listed",
             STR_ARG(project->root), MAX_ENTRIES, MAX_DEPTH);
  }
}

// ---- Listing ---------------------------------------------------------------------------------

static int by_path(const void *a, const void *b)
{
  return str_cmp(*(const Str *)a, *(const Str *)b);
}

static bool is_below(Str path, Str under)
{
  if (under.len == 0) return true;
  return str_starts(path, under) && (path.len == under.len || path.ptr[under.len] == '/');
}

// Names of overlays that git or the walk did not see: files not yet written.
static void add_overlays(Project *project, Arena *arena, Str under, StrList *found)
{
  size_t on_disk = found->len;
  for (size_t i = 0; i < project_overlay_count(project); i++) {
    Str path = project_overlay_path(project, i);
    bool known = on_disk && bsearch(&path, found->items, on_disk, sizeof(Str), by_path);
    if (known || !is_below(path, under)) continue;
    if (project_may_send_name(project, arena, path, NULL) == SEND_OK)
      PUSH(arena, found, str_dup(arena, path));
  }
}

static void sort(StrList *list)
{
  if (list->len) qsort(list->items, list->len, sizeof(Str), by_path);
}

bool project_files(Project *project, Arena *arena, Str under, StrList *out, Error *err)
{
  Str clean;
  if (str_starts(under, S("/")) || !path_normal(arena, under, &clean)) {
    return error_set(err, ERR_REFUSED, "%.*s is outside the project", STR_ARG(under));
  }
  ignore_refresh(project);
  StrList found = {0};
  if (!project->repo) {
    walk_files(project, arena, clean, &found);
  } else if (!repo_files(project->repo, arena, clean, &found, err)) {
    return false;
  }
  sort(&found);
  add_overlays(project, arena, clean, &found);
  sort(&found);
  Arena scratch;
  arena_init(&scratch);
  for (size_t i = 0; i < found.len; i++) {
    if (name_verdict(project, &scratch, found.items[i], NULL) == SEND_OK)
      PUSH(arena, out, found.items[i]);
    arena_reset(&scratch);
  }
  arena_deinit(&scratch);
  return true;
}
