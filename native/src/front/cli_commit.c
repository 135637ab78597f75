// cli_commit.c: commits of what a plan applied, with a message from -m or from the user's editor.
#include "front/cli.h"
#include "front/terminal.h"
#include "lib/fs.h"
#include "review/commit.h"

// As git does: a file with a proposal, the editor on it, what is left when it ends.
static bool edited_message(Cli *cli, int64_t plan, Str *message)
{
  Str proposal;
  if (!terminal_in()) {
    error_set(&cli->err, ERR_USAGE, "no message");
    return error_hint_set(&cli->err, "give one with -m");
  }
  if (!commit_message(cli->engine, plan, &cli->arena, &proposal, &cli->err)) return false;
  char *state = fs_state_dir(&cli->arena);
  char *dir =
      fs_mkdirs(state, &cli->err) ? fs_temp_dir(&cli->arena, state, "message-", &cli->err) : NULL;
  if (!dir) return false;
  char *path = path_join(&cli->arena, str_from(dir), S("COMMIT_EDITMSG"));
  bool ok = fs_write_atomic(path, proposal, 0600, &cli->err) && terminal_edit(path, &cli->err) &&
            fs_read(&cli->arena, path, 1 << 20, message, &cli->err);
  if (ok) *message = commit_without_comments(&cli->arena, *message);
  Error ignored = {0};
  fs_remove_tree(dir, &ignored);
  return ok;
}

bool cli_commit(Cli *cli)
{
  int64_t plan;
  Str message = cli_value(cli, OPT_MESSAGE, STR_NONE);
  if (!cli_plan_arg(cli, &plan)) return false;
  Project *project = engine_project_of_plan(cli->engine, plan, &cli->err);
  if (!project) return false;
  bool by_task = cli_has(cli, OPT_BY_TASK);
  if (by_task && cli_has(cli, OPT_MESSAGE))
    return error_set(&cli->err, ERR_USAGE, "--by-task takes the titles of the tasks, no --message");
  if (!by_task && !cli_has(cli, OPT_MESSAGE) && !edited_message(cli, plan, &message)) return false;
  progress_begin(cli, plan);
  bool ok = by_task
                ? commit_tasks_start(cli->engine, plan, cli_on_done, cli, &cli->err)
                : commit_start(cli->engine, plan, STR_NONE, message, cli_on_done, cli, &cli->err);
  ok = ok && cli_wait(cli);
  progress_end(cli);
  if (ok && !cli_has(cli, OPT_JSON)) cli_print("committed plan %lld\n", (long long)plan);
  return ok;
}
