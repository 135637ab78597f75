// t_cli.c: words of the command line: subcommands, options, values, what is refused and what is proposed.
#include "front/cli.h"
#include "tap.h"

typedef struct {
  Cli cli;
  bool ok;
} Parsed;

static Parsed parse(int argc, const char **argv)
{
  Parsed p = {0};
  arena_init(&p.cli.arena);
  p.ok = cli_parse(&p.cli, argc, (char **)argv);
  return p;
}

#define PARSE(...)                                                                  \
  parse((int)(sizeof((const char *[]){"piecework", __VA_ARGS__}) / sizeof(char *)), \
        (const char *[]){"piecework", __VA_ARGS__})

static void end(Parsed *p)
{
  arena_deinit(&p->cli.arena);
}

TEST(words_and_options)
{
  Parsed p =
      PARSE("plan", "--yes", "--scope", "a.c:1-9", "--scope=b.c", "rename it", "--budget=0.60");
  CHECK(p.ok);
  CHECK_STR(str_from(p.cli.command->name), S("plan"));
  CHECK_INT(p.cli.args.len, 1);
  CHECK_STR(p.cli.args.items[0], S("rename it"));
  CHECK(cli_has(&p.cli, OPT_YES) && !cli_has(&p.cli, OPT_JSON));
  CHECK_INT(p.cli.values[OPT_SCOPE].len, 2);
  CHECK_STR(p.cli.values[OPT_SCOPE].items[1], S("b.c"));
  CHECK_STR(cli_value(&p.cli, OPT_BUDGET, STR_NONE), S("0.60"));
  end(&p);
}

TEST(the_last_of_a_single_option_counts)
{
  Parsed p = PARSE("commit", "last", "-m", "one", "--message=two");
  CHECK(p.ok);
  CHECK_INT(p.cli.values[OPT_MESSAGE].len, 1);
  CHECK_STR(cli_value(&p.cli, OPT_MESSAGE, STR_NONE), S("two"));
  end(&p);
}

TEST(two_dashes_end_options)
{
  Parsed p = PARSE("edit", "a.c", "--", "--yes");
  CHECK(p.ok && !cli_has(&p.cli, OPT_YES));
  CHECK_STR(p.cli.args.items[1], S("--yes"));
  end(&p);
}

TEST(unknown_subcommand_names_the_nearest)
{
  Parsed p = PARSE("pln");
  CHECK(!p.ok);
  CHECK_INT(p.cli.err.code, ERR_USAGE);
  CHECK(str_has(str_from(p.cli.err.message), S("pln")));
  CHECK(str_has(str_from(p.cli.err.hint), S("plan")));
  end(&p);
  p = PARSE("zzzzzzzzzz");
  CHECK(!p.ok && !p.cli.err.hint[0]);
  end(&p);
}

TEST(unknown_option_names_the_nearest)
{
  Parsed p = PARSE("run", "--yess", "last");
  CHECK(!p.ok);
  CHECK(str_has(str_from(p.cli.err.message), S("--yess")));
  CHECK(str_has(str_from(p.cli.err.hint), S("--yes")));
  end(&p);
  p = PARSE("status", "--yes");  // known, but not here
  CHECK(!p.ok);
  end(&p);
}

TEST(values_that_are_missing_or_too_many)
{
  Parsed p = PARSE("run", "last", "--only");
  CHECK(!p.ok && str_has(str_from(p.cli.err.message), S("--only")));
  end(&p);
  p = PARSE("run", "last", "--yes=1");
  CHECK(!p.ok);
  end(&p);
  p = PARSE("run");
  CHECK(!p.ok && str_has(str_from(p.cli.err.message), S("PLAN")));
  end(&p);
  p = PARSE("run", "1", "2");
  CHECK(!p.ok);
  end(&p);
}

TEST(help_needs_no_words)
{
  Parsed p = PARSE("run", "--help");
  CHECK(p.ok && cli_has(&p.cli, OPT_HELP));
  end(&p);
  const char *none[] = {"piecework"};
  p = parse(1, none);
  CHECK(p.ok);
  CHECK_STR(str_from(p.cli.command->name), S("help"));
  end(&p);
}

TEST(every_command_has_what_it_needs)
{
  for (const CliCommand *c = cli_commands; c->name; c++) {
    CHECK((c->run != NULL) != (c->raw != NULL));
    CHECK(c->help[0] && c->min_args <= c->max_args);
  }
}

TEST_MAIN
