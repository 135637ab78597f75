// cli_templates.c: templates: what can stand behind the @ of plan, edit and each.
#include "front/cli.h"
#include "front/values.h"
#include "lib/fs.h"

static void say_one(Cli *cli, const Template *template)
{
  static const char *const uses[] = {"each", "edit", "plan"};
  StrList list = {0};
  for (unsigned i = 0; i < 3; i++) {
    if (template->uses >> i & 1) PUSH(&cli->arena, &list, str_from(uses[i]));
  }
  Str joined = str_join(&cli->arena, &list, S(" "));
  Str about = template->problem.len ? str_cat(&cli->arena, S("cannot be used: "), template->problem)
                                    : template->description;
  cli_print("@%-12.*s %-15.*s %-9s %.*s\n", STR_ARG(template->name), STR_ARG(joined),
            template_source_name(template->source), STR_ARG(about));
}

// Its text as it stands in the file: to be copied to a directory of one's own and changed.
static bool print_one(Cli *cli, Project *project, Str name)
{
  Template found;
  if (str_starts(name, S("@"))) name = str_skip(name, 1);
  if (!template_find(project, &cli->arena, name, &found, &cli->err)) return false;
  if (!cli_has(cli, OPT_JSON)) {
    cli_print("%.*s", STR_ARG(found.text));
    return true;
  }
  Value *map = value_map(&cli->arena);
  value_put_str(&cli->arena, map, S("name"), found.name);
  value_put_str(&cli->arena, map, S("source"), str_from(template_source_name(found.source)));
  value_put_str(&cli->arena, map, S("path"), found.path);
  value_put_str(&cli->arena, map, S("text"), found.text);
  cli_json(map);
  return true;
}

bool cli_templates(Cli *cli)
{
  Project *project = cli_project(cli);
  TemplateList list;
  if (!project) return false;
  if (cli->args.len) return print_one(cli, project, cli->args.items[0]);
  template_list(project, &cli->arena, &list);
  if (cli_has(cli, OPT_JSON)) {
    cli_json(templates_value(&cli->arena, &list));
    return true;
  }
  for (size_t i = 0; i < list.len; i++) say_one(cli, &list.items[i]);
  char *dir = fs_config_dir(&cli->arena);
  cli_say(
      "your own: %s/templates/NAME.md; a project's: .piecework/templates/NAME.md\n"
      "start from one: piecework templates docstring > .piecework/templates/mine.md\n",
      dir ? dir : "");
  return true;
}
