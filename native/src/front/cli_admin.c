// cli_admin.c: trust, doctor, prune: what the user allows, what works, what is forgotten.
#include "front/bug.h"
#include "front/cli.h"
#include "front/health.h"
#include "front/terminal.h"
#include "front/values.h"
#include "lib/fs.h"
#include "work/trust.h"

// ---- trust -----------------------------------------------------------------------------------------

static void show_commands(const PlanCommandList *commands)
{
  for (size_t i = 0; i < commands->len; i++) {
    const PlanCommand *c = &commands->items[i];
    cli_say("  %-10.*s %s  %.*s\n", STR_ARG(c->where), c->trusted ? "trusted" : "NEW    ",
            STR_ARG(c->command));
  }
}

static bool trust_json(Cli *cli, const PlanCommandList *commands)
{
  Value *map = value_map(&cli->arena), *list = value_list(&cli->arena);
  for (size_t i = 0; i < commands->len; i++) {
    Value *one = value_map(&cli->arena);
    value_put_str(&cli->arena, one, S("command"), commands->items[i].command);
    value_put_str(&cli->arena, one, S("where"), commands->items[i].where);
    value_put_bool(&cli->arena, one, S("trusted"), commands->items[i].trusted);
    value_push(list, one);
  }
  value_set(map, S("commands"), list);
  cli_json(map);
  return true;
}

bool cli_trust(Cli *cli)
{
  int64_t plan;
  PlanCommandList commands = {0};
  if (!cli_plan_arg(cli, &plan)) return false;
  Project *project = engine_project_of_plan(cli->engine, plan, &cli->err);
  if (!project || !trust_list(cli->engine, plan, &cli->arena, &commands, &cli->err)) return false;
  if (!commands.len) cli_say("plan %lld runs no command\n", (long long)plan);
  show_commands(&commands);
  size_t fresh = 0;
  for (size_t i = 0; i < commands.len; i++) fresh += !commands.items[i].trusted;
  if (fresh && !cli_has(cli, OPT_YES) &&
      !terminal_ask("allow these commands in a scratch copy of the project?")) {
    return error_set(&cli->err, ERR_CONSENT, "nothing was trusted");
  }
  for (size_t i = 0; i < commands.len; i++) {
    Str command = commands.items[i].command;
    if (!trust_give(cli->engine, project_root(project), command, &cli->err)) return false;
    commands.items[i].trusted = true;
  }
  if (fresh) cli_say("trusted; any change of a command asks again\n");
  return !cli_has(cli, OPT_JSON) || trust_json(cli, &commands);
}

// ---- doctor ----------------------------------------------------------------------------------------

static void reached(void *owner)
{
  Cli *cli = owner;
  cli->done = true;
}

bool cli_doctor(Cli *cli)
{
  Error why = {0};
  HealthList rows = {0};
  View view;
  // An engine that does not open is a finding, not the end of the report.
  if (!cli_open(cli)) why = cli->err;
  error_clear(&cli->err);
  char *dir = str_z(&cli->arena, cli_value(cli, OPT_ROOT, S(".")));
  char *real = fs_realpath(&cli->arena, dir, &cli->err);
  if (!real) return false;
  health_rows(cli->engine, &why, real, &cli->arena, &rows);
  if (cli->engine && cli_has(cli, OPT_REACH)) {
    health_reach(cli->engine, &cli->arena, &rows, reached, cli);
    while (!cli->done && loop_turn(&cli->loop, true)) continue;
  }
  health_view(&cli->arena, &rows, &view);
  if (cli_has(cli, OPT_JSON)) {
    Value *map = value_map(&cli->arena);
    value_set(map, S("rows"), health_rows_value(&cli->arena, &rows));
    cli_json(map);
  } else {
    cli_print_view(cli, &view);
  }
  if (cli->engine) return true;
  cli->err = why;
  return false;
}

// ---- bug -------------------------------------------------------------------------------------------

bool cli_bug(Cli *cli)
{
  BugFiles files;
  int64_t plan = 0;
  Str dir = cli_value(cli, OPT_ROOT, S("."));
  if (cli->args.len && !cli_plan_arg(cli, &plan)) return false;
  if (!bug_write(cli->engine, plan, str_z(&cli->arena, dir), &cli->arena, &files, &cli->err))
    return false;
  if (cli_has(cli, OPT_JSON)) {
    cli_json(bug_value(&cli->arena, &files));
    return true;
  }
  cli_print("%.*s\n", STR_ARG(files.report));
  if (files.cassette.len) cli_print("%.*s\n", STR_ARG(files.cassette));
  cli_say("read %s before you send %s; nothing was sent\n", files.cassette.len ? "both" : "it",
          files.cassette.len ? "them" : "it");
  return true;
}

// ---- prune -----------------------------------------------------------------------------------------

static bool number_arg(Cli *cli, CliOption option, const char *name, uint64_t fallback,
                       uint64_t *out)
{
  Str given = cli_value(cli, option, STR_NONE);
  *out = fallback;
  if (!given.len) return true;
  if (str_ends(given, S("d")) && option == OPT_OLDER) given.len--;
  if (str_to_u64(given, out) && *out <= 100000) return true;
  return error_set(&cli->err, ERR_USAGE, "--%s wants a number, not %.*s", name, STR_ARG(given));
}

// By age unless a size is all that was asked for.
static bool prune_spec(Cli *cli, PruneSpec *spec)
{
  uint64_t days, keep, megabytes;
  if (!number_arg(cli, OPT_OLDER, "older-than", 30, &days) ||
      !number_arg(cli, OPT_KEEP, "keep", 0, &keep) ||
      !number_arg(cli, OPT_MAX_SIZE, "max-size", 0, &megabytes))
    return false;
  bool by_size = cli_has(cli, OPT_MAX_SIZE), by_age = !by_size || cli_has(cli, OPT_OLDER);
  *spec = (PruneSpec){.before_ms = by_age ? wall_now_ms() - (int64_t)days * 86400000 : 0,
                      .max_bytes = by_size ? (int64_t)megabytes * 1000000 : -1,
                      .keep = (int64_t)keep};
  return true;
}

bool cli_prune(Cli *cli)
{
  PruneSpec spec;
  Pruned done;
  if (!prune_spec(cli, &spec) || !journal_prune(cli->engine->journal, &spec, &done, &cli->err))
    return false;
  if (cli_has(cli, OPT_JSON)) {
    Value *map = value_map(&cli->arena);
    value_put_int(&cli->arena, map, S("forgotten"), done.forgotten);
    value_put_int(&cli->arena, map, S("plans"), done.plans);
    value_put_int(&cli->arena, map, S("bytes"), done.bytes);
    cli_json(map);
    return true;
  }
  cli_print("forgot %lld of %lld plans; the journal holds %.1f MB\n", (long long)done.forgotten,
            (long long)done.plans, (double)done.bytes / 1e6);
  if (spec.max_bytes >= 0 && done.bytes > spec.max_bytes)
    cli_say("still above the size: what has not ended, --keep and the last hour's texts stay\n");
  return true;
}
