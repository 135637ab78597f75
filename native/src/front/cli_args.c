// cli_args.c: words of the command line, sorted by the tables of cli.h. No I/O.
#include "core/nearest.h"
#include "front/cli.h"

const CliOptionRow cli_options[OPT_COUNT] = {
#define X(id, ...) [OPT_##id] = {__VA_ARGS__},
    CLI_OPTIONS(X)
#undef X
};

static bool allowed(const Cli *cli, CliOption option)
{
  return cli->command->options >> option & 1 || option == OPT_HELP;
}

bool cli_unknown_command(Cli *cli, Str word)
{
  if (str_starts(word, S("-"))) {
    error_set(&cli->err, ERR_USAGE,
              "options stand behind the subcommand, and %.*s stands before it", STR_ARG(word));
    return error_hint_set(&cli->err, "see `piecework help`");
  }
  StrList names = {0};
  for (const CliCommand *c = cli_commands; c->name; c++)
    PUSH(&cli->arena, &names, str_from(c->name));
  Str near = nearest_name(word, names.items, names.len);
  error_set(&cli->err, ERR_USAGE, "unknown subcommand \"%.*s\"", STR_ARG(word));
  if (near.len) error_hint_set(&cli->err, "did you mean `piecework %.*s`?", STR_ARG(near));
  return false;
}

static bool unknown_option(Cli *cli, Str word)
{
  StrList names = {0};
  for (CliOption i = 0; i < OPT_COUNT; i++) {
    if (allowed(cli, i))
      PUSH(&cli->arena, &names, str_fmt(&cli->arena, "--%s", cli_options[i].name));
  }
  Str near = nearest_name(word, names.items, names.len);
  error_set(&cli->err, ERR_USAGE, "%s has no option %.*s", cli->command->name, STR_ARG(word));
  if (near.len) error_hint_set(&cli->err, "did you mean %.*s?", STR_ARG(near));
  return false;
}

static bool find_option(const Cli *cli, Str word, CliOption *out)
{
  for (CliOption i = 0; i < OPT_COUNT; i++) {
    if (!allowed(cli, i)) continue;
    bool is_long =
        str_starts(word, S("--")) && str_eq(str_skip(word, 2), str_from(cli_options[i].name));
    bool is_short = word.len == 2 && cli_options[i].letter && word.ptr[1] == cli_options[i].letter;
    if (!is_long && !is_short) continue;
    *out = i;
    return true;
  }
  return false;
}

// "--name", "--name=value", "-m". [*at] moves on when the value is the next word.
static bool take_option(Cli *cli, int argc, char **argv, int *at)
{
  Str word = str_from(argv[*at]), name = word, value = STR_NONE;
  size_t equals = str_starts(word, S("--")) ? str_find_char(word, '=') : STR_NOT_FOUND;
  bool has_value = equals != STR_NOT_FOUND;
  if (has_value) {
    name = str_sub(word, 0, equals);
    value = str_skip(word, equals + 1);
  }
  CliOption option;
  if (!find_option(cli, name, &option)) return unknown_option(cli, name);
  const CliOptionRow *row = &cli_options[option];
  bool takes_value = row->arg[0] != 0;
  if (!takes_value && has_value) {
    return error_set(&cli->err, ERR_USAGE, "--%s takes no value", row->name);
  }
  if (takes_value && !has_value) {
    if (*at + 1 >= argc) return error_set(&cli->err, ERR_USAGE, "--%s needs a value", row->name);
    value = str_from(argv[++*at]);
  }
  if (!row->many) cli->values[option].len = 0;
  PUSH(&cli->arena, &cli->values[option], value);
  return true;
}

static bool check_count(Cli *cli)
{
  const CliCommand *command = cli->command;
  if (cli_has(cli, OPT_HELP)) return true;
  if (cli->args.len >= command->min_args && cli->args.len <= command->max_args) return true;
  bool few = cli->args.len < command->min_args;
  return error_set(&cli->err, ERR_USAGE, "too %s words: piecework %s%s%s", few ? "few" : "many",
                   command->name, command->args[0] ? " " : "", command->args);
}

bool cli_parse(Cli *cli, int argc, char **argv)
{
  Str name = argc > 1 ? str_from(argv[1]) : S("help");
  if (str_eq(name, S("--help")) || str_eq(name, S("-h"))) name = S("help");
  for (const CliCommand *c = cli_commands; c->name; c++) {
    if (str_eq(name, str_from(c->name))) cli->command = c;
  }
  if (!cli->command) return cli_unknown_command(cli, name);
  bool words_only = false;
  for (int i = 2; i < argc && !cli->command->raw; i++) {
    Str word = str_from(argv[i]);
    if (!words_only && str_eq(word, S("--"))) {
      words_only = true;
    } else if (!words_only && word.len > 1 && word.ptr[0] == '-') {
      if (!take_option(cli, argc, argv, &i)) return false;
    } else {
      PUSH(&cli->arena, &cli->args, word);
    }
  }
  return check_count(cli);
}

Str cli_value(const Cli *cli, CliOption option, Str fallback)
{
  const StrList *list = &cli->values[option];
  return list->len ? list->items[list->len - 1] : fallback;
}
