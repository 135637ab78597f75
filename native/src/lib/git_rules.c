// git_rules.c: gitignore patterns that come from other files than git's, matched by libgit2.
//
// libgit2 matches only on behalf of a repository, so there is one in memory, without a place on
// disk. It would also ask the user's global ignore file; the first two rules stop that: "!*"
// matches whatever the rules after it do not, and a match ends the search. It ends it before the
// parent directories too, so those are asked one by one here, the outermost first, as git does.
#include "lib/git_private.h"

struct IgnoreRules {
  git_repository *repo;
  bool any;
};

IgnoreRules *ignore_rules_new(void)
{
  IgnoreRules *rules = mem_alloc(sizeof(IgnoreRules));
  git_config *none = NULL;
  if (!git_load(NULL)) return rules;  // as below
  bool ok = git.repository_new(&rules->repo) == 0 && git.config_new(&none) == 0 &&
            git.repository_set_config(rules->repo, none) == 0 &&
            git.ignore_add_rule(rules->repo, "*\n!*\n") == 0;
  git.config_free(none);
  if (!ok) {  // only for want of memory; no rules is the safe side nowhere, so match everything
    git.repository_free(rules->repo);
    rules->repo = NULL;
  }
  return rules;
}

void ignore_rules_add(IgnoreRules *rules, Str text)
{
  if (!rules->repo || text.len == 0) return;
  if (str_starts(text, S("\xef\xbb\xbf"))) text = str_skip(text, 3);
  Arena scratch;
  arena_init(&scratch);
  if (git.ignore_add_rule(rules->repo, str_z(&scratch, str_cat(&scratch, text, S("\n")))) == 0) {
    rules->any = true;
  }
  arena_deinit(&scratch);
}

static bool match_one(const IgnoreRules *rules, const char *path)
{
  int ignored = 0;
  return git.ignore_path_is_ignored(&ignored, rules->repo, path) == 0 && ignored;
}

bool ignore_rules_match(const IgnoreRules *rules, Str path)
{
  if (!rules->repo) return true;
  if (!rules->any || path.len == 0) return false;
  Arena scratch;
  arena_init(&scratch);
  bool ignored = false;
  for (size_t i = 1; i < path.len && !ignored; i++) {
    if (path.ptr[i - 1] == '/') ignored = match_one(rules, str_z(&scratch, str_sub(path, 0, i)));
  }
  if (!ignored) ignored = match_one(rules, str_z(&scratch, path));
  arena_deinit(&scratch);
  return ignored;
}

void ignore_rules_free(IgnoreRules *rules)
{
  if (!rules) return;
  if (rules->repo) git.repository_free(rules->repo);
  mem_free(rules);
}
