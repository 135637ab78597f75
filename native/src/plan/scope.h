// scope.h: what a user's scope names, as files and ranges: a directory stands for the files below it that
// may be sent, a selector ("functions in src/*.py") for the places it finds.
#pragma once

#include "core/project.h"
#include "plan/file_ref.h"

enum { SCOPE_MAX_FILES = 20000 };

// [named] holds paths in the project; the root itself is "". At most [max] places. ERR_NOT_FOUND when a
// directory holds nothing that may be sent or a selector finds nothing; ERR_TOO_BIG.
bool scope_files(Project *project, Arena *arena, const FileRefList *named, size_t max,
                 FileRefList *out, Error *err);

// In place of each range the functions it stands in or touches, each once; of a whole file its outermost ones. What
// is in no function, and what may not be read, stays as it is. False only for ERR_TOO_BIG: more than [max].
bool scope_functions(Project *project, Arena *arena, const FileRefList *places, size_t max,
                     FileRefList *out, Error *err);

// Does it name the root? As the scope of a request that is the whole project: no scope at all.
bool scope_names_root(const FileRefList *named);
