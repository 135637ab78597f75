// project_send.c: may a file be shown to a model, and its text when it may.
//
// Every rule is asked for the path as named and, when symlinks lead elsewhere, for the real place
// too, so that a link called notes.txt does not carry .env along.
#include "core/project_private.h"
#include "core/secret.h"

static SendVerdict say(Str *why, SendVerdict verdict, Str reason)
{
  if (why) *why = reason;
  return verdict;
}

static bool in_git_dir(Str path)
{
  for (Str rest = path, part; str_cut(&rest, '/', &part);) {
    if (str_eq_nocase(part, S(".git"))) return true;
  }
  return false;
}

static bool is_inside(Arena *arena, Str path)
{
  Str normal;
  return path.len && path.ptr[0] != '/' && path_normal(arena, path, &normal) &&
         str_eq(path, normal);
}

SendVerdict name_verdict(Project *project, Arena *arena, Str path, Str *why)
{
  if (in_git_dir(path)) return say(why, SEND_GIT, S("inside .git"));
  const char *secret = secret_by_name(path);
  if (secret) return say(why, SEND_SECRET, str_fmt(arena, "looks like a secret (%s)", secret));
  const char *file = ignore_file_for(project, path);
  if (file) return say(why, SEND_IGNORED, str_fmt(arena, "ignored by %s", file));
  return say(why, SEND_OK, S(""));
}

static SendVerdict all_names(Project *project, Arena *arena, Str path, Str *why)
{
  SendVerdict verdict = name_verdict(project, arena, path, why);
  if (verdict != SEND_OK || !project->repo || !repo_ignored(project->repo, path)) return verdict;
  return say(why, SEND_IGNORED, S("ignored by .gitignore"));
}

static SendVerdict by_name(Project *project, Arena *arena, Str path, RealPath *real, Str *why)
{
  if (!is_inside(arena, path) || !path_real(project, arena, path, real)) {
    return say(why, SEND_OUTSIDE, S("outside the project"));
  }
  ignore_refresh(project);
  SendVerdict verdict = all_names(project, arena, path, why);
  if (verdict == SEND_OK && !str_eq(real->path, path))
    verdict = all_names(project, arena, real->path, why);
  return verdict;
}

SendVerdict project_may_send_name(Project *project, Arena *arena, Str path, Str *why)
{
  RealPath real;
  return by_name(project, arena, path, &real, why);
}

static SendVerdict too_large(Arena *arena, size_t size, Str *why)
{
  return say(why, SEND_TOO_LARGE, str_fmt(arena, "too large (%zu MB)", (size + 999999) / 1000000));
}

static SendVerdict from_disk(Project *project, Arena *arena, const RealPath *real, Str *text,
                             Str *why)
{
  char *file = project_absolute(project, arena, real->path);
  const FsStat *stat = &real->stat;
  if (stat->kind == FS_NONE) return say(why, SEND_NOT_FOUND, S("not found"));
  if (stat->kind != FS_FILE) return say(why, SEND_NOT_FILE, S("not a file"));
  if (stat->size > PROJECT_MAX_FILE) return too_large(arena, stat->size, why);
  Error err = {0};
  if (fs_read(arena, file, PROJECT_MAX_FILE, text, &err)) return SEND_OK;
  return say(why, SEND_UNREADABLE, str_fmt(arena, "%s", err.message));
}

// The text of overlay or file with what is asked of any text.
static SendVerdict load(Project *project, Arena *arena, Str path, const RealPath *real, Str *text,
                        Str *why)
{
  Str found;
  bool overlay = project_overlay_get(project, path, &found) ||
                 project_overlay_get(project, real->path, &found);
  if (overlay && found.len > PROJECT_MAX_FILE) return too_large(arena, found.len, why);
  SendVerdict verdict = overlay ? SEND_OK : from_disk(project, arena, real, &found, why);
  if (verdict != SEND_OK) return verdict;
  if (str_find_char(found, 0) != STR_NOT_FOUND) return say(why, SEND_BINARY, S("binary"));
  if (!str_is_utf8(found)) return say(why, SEND_BINARY, S("not UTF-8 text"));
  if (str_starts(found, S("version https://git-lfs.github.com/spec/")))
    return say(why, SEND_BINARY, S("a Git LFS pointer, its content is not here"));
  *text = overlay ? str_dup(arena, found) : found;
  return say(why, SEND_OK, S(""));
}

static SendVerdict may_send(Project *project, Arena *arena, Str path, Str *text, Str *why)
{
  RealPath real;
  SendVerdict verdict = by_name(project, arena, path, &real, why);
  if (verdict == SEND_OK) verdict = load(project, arena, path, &real, text, why);
  if (verdict != SEND_OK) return verdict;
  const char *secret = secret_in_text(*text);
  if (!secret) return verdict;
  return say(why, SEND_SECRET, str_fmt(arena, "looks like a secret (%s)", secret));
}

SendVerdict project_may_send(Project *project, Arena *arena, Str path, size_t *lines, Str *why)
{
  Arena scratch;
  arena_init(&scratch);
  Str text = STR_NONE, reason = S("");
  SendVerdict verdict = may_send(project, &scratch, path, &text, &reason);
  if (lines) *lines = verdict == SEND_OK ? str_count_lines(text) : 0;
  if (why) *why = str_dup(arena, reason);
  arena_deinit(&scratch);
  return verdict;
}

static bool refuse(Str path, SendVerdict verdict, Str why, Error *err)
{
  static const Err codes[] = {
      [SEND_OUTSIDE] = ERR_REFUSED, [SEND_NOT_FOUND] = ERR_NOT_FOUND, [SEND_NOT_FILE] = ERR_REFUSED,
      [SEND_GIT] = ERR_REFUSED,     [SEND_IGNORED] = ERR_REFUSED,     [SEND_SECRET] = ERR_REFUSED,
      [SEND_BINARY] = ERR_NOT_TEXT, [SEND_TOO_LARGE] = ERR_TOO_BIG,   [SEND_UNREADABLE] = ERR_IO,
  };
  return error_set(err, codes[verdict], "%.*s: %.*s", STR_ARG(path), STR_ARG(why));
}

bool project_read(Project *project, Arena *arena, Str path, Str *text, Error *err)
{
  Str why;
  SendVerdict verdict = may_send(project, arena, path, text, &why);
  return verdict == SEND_OK || refuse(path, verdict, why, err);
}

bool project_read_local(Project *project, Arena *arena, Str path, Str *text, Error *err)
{
  Str why = S("outside the project");
  RealPath real;
  bool inside = is_inside(arena, path) && path_real(project, arena, path, &real);
  SendVerdict verdict = inside ? load(project, arena, path, &real, text, &why) : SEND_OUTSIDE;
  return verdict == SEND_OK || refuse(path, verdict, why, err);
}
