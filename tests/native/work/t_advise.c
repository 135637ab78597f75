// Advice: which words and scopes give which kind, one screen, once.
#include "engine_fixture.h"

#include "work/advise.h"

static Advice ask(const char *words, const char *scope)
{
  FileRefList list = {0};
  FileRef ref;
  if (scope && file_ref_parse(&arena, str_from(scope), &ref, &err)) PUSH(&arena, &list, ref);
  return advise(engine, project, &arena, str_from(words), &list);
}

static bool screen(const Advice *advice)
{
  bool short_lines = true;
  for (Str rest = advice->text, line; str_line(&rest, &line);)
    short_lines = short_lines && line.len <= 110;
  return str_count_lines(advice->text) <= 20 && short_lines;
}

TEST(kinds)
{
  struct {
    const char *words, *scope;
    AdviceKind kind;
  } rows[] = {
      {"why does the parser crash on empty input?", NULL, ADVICE_EXPLORE},
      {"debug the flaky test in net", NULL, ADVICE_EXPLORE},
      {"find the bug in wire.c", NULL, ADVICE_EXPLORE},
      {"redesign the module layout", NULL, ADVICE_EXPLORE},
      {"is this thread safe?", NULL, ADVICE_EXPLORE},
      {"rename cfg_get to config_get", NULL, ADVICE_FREE},
      {"rename the function `cfg_get` to `config_get` everywhere", NULL, ADVICE_FREE},
      {"replace cfg_get with config_get.", NULL, ADVICE_FREE},
      {"reformat src", NULL, ADVICE_FREE},
      {"format the code with clang-format", NULL, ADVICE_FREE},
      {"Format all of src/", NULL, ADVICE_FREE},
      {"please indent the whole project.", NULL, ADVICE_FREE},
      {"run prettier", NULL, ADVICE_FREE},
      {"format the dates in src/ as ISO", NULL, ADVICE_FITS},
      {"format the code and document every function", NULL, ADVICE_FITS},
      {"convert the format of all files in data/ to JSON", NULL, ADVICE_FITS},
      {"rename cfg_get to config_get except in macros", NULL, ADVICE_FITS},
      {"rename cfg_get to config_get, and update the docs", NULL, ADVICE_FITS},
      {"rename cfg_get to config_get in src/net.c", NULL, ADVICE_FREE},
      {"rename cfg_get to config_get across the project.", NULL, ADVICE_FREE},
      {"rename cfg_get to config_get; document every function", NULL, ADVICE_FITS},
      {"rename cfg_get to config_get. Document every function in the headers.", NULL, ADVICE_FITS},
      {"rename cfg_get to config_get in src; document every function", NULL, ADVICE_FITS},
      {"rename cfg_get to config_get in src then document it", NULL, ADVICE_FITS},
      {"rename cfg_get to config_get\n- document every function", NULL, ADVICE_FITS},
      {"shorten this comment", "a.c:1-3", ADVICE_SMALL},
      {"compress all docstrings to one line", NULL, ADVICE_FITS},
      {"show the whatever list in each header", NULL, ADVICE_FITS},
      {"add a comment that says why to each function", "big.c", ADVICE_FITS},
      {"split lib/argparse.py into modules by subject; the public names must stay importable",
       "big.c", ADVICE_FITS},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    Advice advice = ask(rows[i].words, rows[i].scope);
    if (advice.kind != rows[i].kind) printf("# %s\n", rows[i].words);
    CHECK_INT(advice.kind, rows[i].kind);
    CHECK(screen(&advice));
    CHECK(str_find(advice.text, S("Estimates")) < str_find(advice.text, S("big model alone")));
    CHECK(str_find(advice.text, S("Estimates")) < str_find(advice.text, S("$")));
  }
}

TEST(the_free_way_is_shown_with_its_count)
{
  Advice advice = ask("rename method cfg_get to cfg_read", NULL);
  CHECK_STR(advice.command, S(":cfdo %s/\\<cfg_get\\>/cfg_read/ge"));
  CHECK(str_has(advice.text, S("3 lines in 2 files have cfg_get")));
  advice = ask("rename my_cfg_get to cfg_read", NULL);
  CHECK(str_has(advice.text, S("1 line in 1 file has my_cfg_get")));
}

TEST(the_formatter_is_named)
{
  Advice advice = ask("format the code with shfmt", NULL);
  CHECK_STR(advice.command, S("shfmt -w ."));
  CHECK(str_has(advice.text, S("\n  shfmt -w .\n")) && screen(&advice));
  CHECK(str_has(ask("format the code", NULL).text, S("the same way each time.\n\nEstimates")));
  CHECK(fs_write_atomic(at("tree/.clang-format"), S("BasedOnStyle: LLVM\n"), 0600, &err));
  advice = ask("format the sources", NULL);
  CHECK(str_has(advice.text, S("xargs clang-format -i\n")) && screen(&advice));
  CHECK(fs_remove(at("tree/.clang-format"), &err));
}

TEST(a_name_that_is_nowhere)
{
  Advice advice = ask("rename cfg_gte to config_get", NULL);
  CHECK_INT(advice.kind, ADVICE_FREE);
  CHECK(str_has(advice.text, S("nothing to rename: no file ")));
  CHECK(!str_has(advice.text, S("LSP")) && advice.command.len == 0);
}

TEST(never_twice)
{
  CHECK(!ask("why is it so?", NULL).seen);
  CHECK(ask("why is it so?", NULL).seen);
  CHECK(!ask("why is it other?", NULL).seen);
}

static void files(void)
{
  Buf text;
  buf_init(&text, 1 << 20);
  for (int i = 0; i < 500; i++) buf_fmt(&text, "int f%d(void);\n", i);
  fs_write_atomic(at("tree/big.c"), buf_str(&text), 0644, &err);
  fs_write_atomic(at("tree/a.c"), S("cfg_get();\nx = cfg_get() + cfg_get();\nmy_cfg_get();\n"),
                  0644, &err);
  fs_write_atomic(at("tree/b.c"), S("// cfg_get\n"), 0644, &err);
  buf_deinit(&text);
}

int main(int argc, char **argv)
{
  return run_with_engine(argc, argv, files);
}
