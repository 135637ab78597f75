// project.c: opening a project, its overlays and its ignore files. What may be sent and read is
// project_send.c, paths project_path.c, listing project_files.c.
#include "core/project.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "core/project_private.h"
#include "lib/loop.h"
#include "lib/store.h"

const char *const project_ignore_files[] = {
    ".pieceworkignore", ".aiderignore", ".cursorignore", ".aiexclude", ".geminiignore",
    ".codeiumignore",   ".clineignore", ".rooignore",    NULL,
};

enum { MAX_IGNORE_FILE = 1 << 20 };

// ---- Opening ---------------------------------------------------------------------------------

// A repository counts only when it has a work tree and does not itself ignore the directory: a home
// directory kept in git must not swallow what lies in it.
static Repo *usable(Repo *repo, const char *dir, Arena *arena)
{
  if (!repo) return NULL;
  Str root = repo_root(repo), here = str_from(dir);
  bool inside = root.len && str_starts(here, root) && here.len > root.len;
  bool ignored =
      inside && repo_ignored(repo, str_dup(arena, str_skip(here, root.len + (root.len > 1))));
  if (root.len && !ignored) return repo;
  repo_free(repo);
  return NULL;
}

Project *project_open(const char *dir, Error *err)
{
  Arena scratch;
  arena_init(&scratch);
  Project *project = NULL;
  Error cause = {0};
  char *real = fs_realpath(&scratch, dir, &cause);
  if (!real || fs_stat(real).kind != FS_DIR) {
    error_set(err, ERR_NOT_FOUND, "%s is not a directory", dir);
  } else {
    error_clear(&cause);
    Repo *repo = usable(repo_open(real, &cause), real, &scratch);
    if (cause.code == ERR_OK) {
      project = mem_alloc(sizeof(Project));
      project->repo = repo;
      char *root = repo ? fs_realpath(&scratch, repo_root(repo).ptr, NULL) : NULL;
      project->root = str_from(str_z(&project->arena, str_from(root ? root : real)));
    } else if (err && err->code == ERR_OK) {
      *err = cause;
    }
  }
  arena_deinit(&scratch);
  return project;
}

void project_free(Project *project)
{
  if (!project) return;
  project_overlay_clear(project);
  mem_free(project->overlays);
  for (size_t i = 0; i < IGNORE_FILES; i++) ignore_rules_free(project->ignore[i].rules);
  repo_free(project->repo);
  arena_deinit(&project->arena);
  mem_free(project);
}

Str project_root(const Project *project)
{
  return project->root;
}

Repo *project_repo(Project *project)
{
  return project->repo;
}

char *project_plans_dir(Project *project, Arena *arena)
{
  if (project->repo) return path_join(arena, repo_git_dir(project->repo), S("piecework/plans"));
  Str hash = str_sub(content_hash(arena, project->root), 0, 16);
  return path_join(arena, str_from(fs_state_dir(arena)), str_cat(arena, S("plans/"), hash));
}

char *project_absolute(const Project *project, Arena *arena, Str path)
{
  return path_join(arena, project->root, path);
}

// ---- Overlays --------------------------------------------------------------------------------

static Str overlay_path(const Overlay *overlay)
{
  return (Str){overlay->path, overlay->path_len};
}

// The index of [path], or where it would go.
static size_t overlay_at(const Project *project, Str path, bool *found)
{
  size_t low = 0, high = project->overlay_len;
  while (low < high) {
    size_t mid = low + (high - low) / 2;
    int order = str_cmp(overlay_path(&project->overlays[mid]), path);
    if (order == 0) {
      *found = true;
      return mid;
    }
    if (order < 0) {
      low = mid + 1;
    } else {
      high = mid;
    }
  }
  *found = false;
  return low;
}

static char *copy_of(Str s)
{
  char *copy = mem_alloc(s.len + 1);
  if (s.len) memcpy(copy, s.ptr, s.len);
  return copy;
}

static Overlay *overlay_insert(Project *project, size_t at, Str path)
{
  if (project->overlay_len == project->overlay_cap) {
    project->overlay_cap = project->overlay_cap ? project->overlay_cap * 2 : 8;
    project->overlays = mem_realloc(project->overlays, project->overlay_cap * sizeof(Overlay));
  }
  Overlay *overlay = &project->overlays[at];
  memmove(overlay + 1, overlay, (project->overlay_len - at) * sizeof(Overlay));
  project->overlay_len++;
  *overlay = (Overlay){.path = copy_of(path), .path_len = path.len};
  return overlay;
}

static bool is_normal(Str path)
{
  Arena scratch;
  arena_init(&scratch);
  Str normal;
  bool ok = path.len && path.ptr[0] != '/' && path_normal(&scratch, path, &normal) &&
            str_eq(path, normal);
  arena_deinit(&scratch);
  return ok;
}

void project_overlay_set(Project *project, Str path, Str text)
{
  if (!is_normal(path)) return;
  bool found;
  size_t at = overlay_at(project, path, &found);
  Overlay *overlay = found ? &project->overlays[at] : overlay_insert(project, at, path);
  char *copy = copy_of(text);
  mem_free(overlay->text);
  overlay->text = copy;
  overlay->text_len = text.len;
}

void project_overlay_clear(Project *project)
{
  while (project->overlay_len) {
    Overlay *last = &project->overlays[--project->overlay_len];
    mem_free(last->path);
    mem_free(last->text);
  }
}

bool project_overlay_get(const Project *project, Str path, Str *text)
{
  bool found;
  size_t at = overlay_at(project, path, &found);
  if (found) *text = (Str){project->overlays[at].text, project->overlays[at].text_len};
  return found;
}

size_t project_overlay_count(const Project *project)
{
  return project->overlay_len;
}

Str project_overlay_path(const Project *project, size_t index)
{
  return index < project->overlay_len ? overlay_path(&project->overlays[index]) : STR_NONE;
}

// ---- Ignore files ----------------------------------------------------------------------------

// .aiexclude differs from .gitignore: an empty one excludes everything, and there is no "!".
static void add_aiexclude(IgnoreRules *rules, Arena *scratch, Str text)
{
  Str kept = S("");
  for (Str rest = text, line; str_line(&rest, &line);) {
    Str pattern = str_trim(line);
    if (pattern.len && pattern.ptr[0] != '#' && pattern.ptr[0] != '!') {
      kept = str_fmt(scratch, "%.*s%.*s\n", STR_ARG(kept), STR_ARG(line));
    }
  }
  ignore_rules_add(rules, str_trim(text).len ? kept : S("*"));
}

static IgnoreRules *read_rules(const char *name, const char *path)
{
  Arena scratch;
  arena_init(&scratch);
  Error err = {0};
  Str text;
  IgnoreRules *rules = ignore_rules_new();
  if (!fs_read(&scratch, path, MAX_IGNORE_FILE, &text, &err)) {
    // Somebody meant to hide files and we cannot tell which: hide all.
    log_warn("%s; everything counts as ignored", err.message);
    ignore_rules_add(rules, S("*"));
  } else if (strcmp(name, ".aiexclude") == 0) {
    add_aiexclude(rules, &scratch, text);
  } else {
    ignore_rules_add(rules, text);
  }
  arena_deinit(&scratch);
  return rules;
}

// A file that comes or goes changes its directory's time. As in git's index, a time so young that another
// change may carry it too proves nothing.
static bool root_unchanged(Project *project)
{
  enum { CLOCK_STEP_MS = 100 };
  int64_t now = wall_now_ms() * 1000000;
  int64_t mtime = fs_stat(project->root.ptr).mtime_ns;
  bool same = project->looked_ns && mtime == project->root_mtime_ns &&
              mtime + CLOCK_STEP_MS * 1000000LL < project->looked_ns;
  project->root_mtime_ns = mtime;
  project->looked_ns = now;
  return same;
}

void ignore_refresh(Project *project)
{
  Arena scratch;
  if (project->look.ignore) return;
  project->look.ignore = project->looks > 0;
  arena_init(&scratch);
  bool unchanged = root_unchanged(project);
  for (size_t i = 0; i < IGNORE_FILES; i++) {
    IgnoreFile *file = &project->ignore[i];
    if (unchanged && !file->rules) continue;  // was not there, and nothing came
    char *path = project_absolute(project, &scratch, str_from(project_ignore_files[i]));
    FsStat now = fs_stat(path);
    bool there = now.kind == FS_FILE || now.kind == FS_LINK;
    bool same = file->rules && now.size == file->seen.size && now.mtime_ns == file->seen.mtime_ns;
    if (there && same) continue;
    ignore_rules_free(file->rules);
    file->rules = there ? read_rules(project_ignore_files[i], path) : NULL;
    file->seen = now;
  }
  arena_deinit(&scratch);
}

const char *ignore_file_for(const Project *project, Str path)
{
  for (size_t i = 0; i < IGNORE_FILES; i++) {
    const IgnoreRules *rules = project->ignore[i].rules;
    if (rules && ignore_rules_match(rules, path)) return project_ignore_files[i];
  }
  return NULL;
}
