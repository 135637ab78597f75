// project.h: one directory the user works in: its root, repository, ignore and secret rules, and
// the unsaved texts of open buffers (overlays). All reading of the user's files goes through here.
//
// Life:  project_open -> any calls -> project_free
//
// Paths are relative to the root, '/' between parts, normalised (project_path makes one). A path
// inside is one whose real place, after resolving symlinks, is below the root. An overlay is the
// truth where there is one: it wins over the file, and a path with only an overlay is a new file.
//
// Without git: files come from a plain walk, at most 200,000 entries and 40 levels; directories of
// version control (.git .hg .svn .jj .bzr CVS _darcs), of dependencies (node_modules,
// bower_components, vendor/bundle, .venv, venv with a pyvenv.cfg, site-packages, __pycache__ ...)
// and of builds that mark themselves (CACHEDIR.TAG, cargo's target/, CMakeCache.txt, .gradle,
// .next, .tox ...) are skipped. A walk that hits a limit says so in log_warn and yields what it
// has. .gitignore files are not read without git.
#pragma once

#include "base/err.h"
#include "lib/git.h"

enum { PROJECT_MAX_FILE = 16 << 20 };  // bytes of a file or overlay that project_read will read

typedef struct Project Project;

// The git root around [dir], else [dir] itself. ERR_NOT_FOUND when [dir] is no directory; ERR_GIT
// when there is a repository that cannot be used (safe.directory, damaged).
Project *project_open(const char *dir, Error *err);
void project_free(Project *project);  // NULL is fine

// Absolute, symlinks resolved, no trailing slash ("/" excepted).
Str project_root(const Project *project);
Repo *project_repo(Project *project);  // borrowed; NULL without git
// Where plan files are: <git dir>/piecework/plans, or <state dir>/plans/<16 hex of the root's
// hash>.
char *project_plans_dir(Project *project, Arena *arena);  // not created

// Unsaved text of a modified buffer; copied; replaces an earlier one. Paths not normal are ignored.
void project_overlay_set(Project *project, Str path, Str text);
void project_overlay_clear(Project *project);
// Valid until the overlay changes.
bool project_overlay_get(const Project *project, Str path, Str *text);
size_t project_overlay_count(const Project *project);
Str project_overlay_path(const Project *project, size_t index);  // sorted by path

// Between these each file is looked at once: all that asks sees one moment. Nest; the loop may not turn in between,
// nor may files or overlays be changed.
void project_look(Project *project);
void project_look_end(Project *project);

// The overlay or the file's text, when project_may_send allows it; ERR_NOT_FOUND, ERR_REFUSED,
// ERR_NOT_TEXT, ERR_TOO_BIG or ERR_IO, with the reason in plain words.
bool project_read(Project *project, Arena *arena, Str path, Str *text, Error *err);

// The same without the rules for what may leave the machine: for bases, diffs, apply. Still inside
// the root, still UTF-8 and bounded.
bool project_read_local(Project *project, Arena *arena, Str path, Str *text, Error *err);

typedef enum {
  SEND_OK,
  SEND_OUTSIDE,  // not below the root, or through a symlink that leaves it
  SEND_NOT_FOUND,
  SEND_NOT_FILE,  // directory, device, socket
  SEND_GIT,       // inside .git
  SEND_IGNORED,   // by git, or by an ignore file in the root
  SEND_SECRET,    // looks like a secret by name or content
  SEND_BINARY,    // not UTF-8 text
  SEND_TOO_LARGE,
  SEND_UNREADABLE,
} SendVerdict;

// May the file be shown to a model? [*why] (may be NULL; in [arena]) is a phrase for "not sent:
// ...": "ignored by .gitignore", "looks like a secret (.env file)", "binary", "too large (20 MB)"
// ... [*lines] (may be NULL): how many the text has that would be sent.
SendVerdict project_may_send(Project *project, Arena *arena, Str path, size_t *lines, Str *why);
// The same by name alone: nothing is read. OK does not mean that the file exists.
SendVerdict project_may_send_name(Project *project, Arena *arena, Str path, Str *why);

// Files below [under] ("" = all) that may be sent by their name, new files of overlays included,
// sorted.
bool project_files(Project *project, Arena *arena, Str under, StrList *out, Error *err);

// A path as the user typed it (absolute, or relative to the process' working directory; a relative
// one that is not there is tried from the root) as a path in the project. The file need not exist.
// ERR_REFUSED when it is outside.
bool project_path(Project *project, Arena *arena, Str given, Str *relative, Error *err);

// [path] without symlinked directories on the way; what its last part is does not matter. False when it is no path of
// the project, or a link leads out of it.
bool project_beyond_links(Project *project, Arena *arena, Str path, Str *real);

// The absolute path of a file of the project, ready for the fs_ functions. It checks nothing.
char *project_absolute(const Project *project, Arena *arena, Str path);

// Ignore files in the root that add to git's, for messages and doctor.
extern const char *const project_ignore_files[];  // NULL-terminated
