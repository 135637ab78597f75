// commit_files.h: which files a commit of a plan takes, and with which text. Used by commit.c only.
//
// A file that had other changes before the plan ran gives HEAD's text plus the applied hunks; one that was
// clean, is new, gone or renamed goes as it is on disk. What cannot be told apart is refused or left out.
// A file with a `filter` attribute (secrets taken out, encryption) is not what HEAD says: it must go through
// `git add`, so it is taken as it is on disk or not at all.
#pragma once

#include "review/review.h"

typedef struct {
  Str mode, id;  // "100644", the blob's name; empty = not there
} GitEntry;

typedef struct {
  Str path;
  bool on_disk;  // taken as it is on disk (or is not)
  size_t file;   // index into the review's files
  GitEntry head, staged;
  Str head_text, staged_text;
  Str disk_text;     // of a file that is edited
  bool filtered;     // has a `filter` attribute
  Str smudged_text;  // then: HEAD's text as git would check it out
  Str text;          // what is committed, unless on_disk
  Str index_text;    // what the user's index gets when something else was staged; ptr NULL = [text]
  Str id, index_id;  // their blobs, once written
  Str mode;          // what the commit has, with [id]
} CommitFile;

typedef struct {
  CommitFile *items;
  size_t len, cap;
} CommitFileList;

// Is the hunk part of the commit? [only]: of this task of the plan (T01 has T01.1, T01.2 ...), empty = of any.
bool commit_takes(const ReviewHunk *hunk, Str only);

// Files with applied hunks that are on disk as applied.
bool commit_files_find(Engine *engine, const Review *review, Str only, Arena *arena,
                       CommitFileList *out, Error *err);

// With [head], [staged] and their texts known: fills [text] and [index_text]; notes what is left out.
bool commit_files_texts(Project *project, const Review *review, Str only, Arena *arena,
                        CommitFileList *files, StrList *notes, Error *err);
