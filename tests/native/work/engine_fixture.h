// engine_fixture.h: an engine and a project in a scratch directory for a whole test file, without a model.
#pragma once

#include "core/engine.h"
#include "lib/fs.h"
#include "tap.h"

static char base[] = "/tmp/t_engine_XXXXXX";
static Arena arena;
static Loop loop;
static Engine *engine;
static Project *project;
static Error err;

static char *at(const char *name)
{
  return path_join(&arena, str_from(base), str_from(name));
}

// [files] writes the project's, below at("tree").
static int run_with_engine(int argc, char **argv, void (*files)(void))
{
  if (!mkdtemp(base)) return 1;
  fs_mkdirs(at("tree"), &err);
  fs_mkdirs(at("state"), &err);
  files();
  setenv("PIECEWORK_STATE", at("state"), 1);
  setenv("PIECEWORK_CONFIG", "", 1);
  setenv("ANTHROPIC_API_KEY", "unused", 1);
  if (!loop_init(&loop, &err) || !(engine = engine_new(&loop, NULL, &err))) {
    printf("Bail out! %s\n", err.message);
    return 1;
  }
  project = engine_project(engine, at("tree"), &err);
  int failed = tap_main(argc, argv);
  engine_free(engine);
  loop_deinit(&loop);
  fs_remove_tree(base, &err);
  arena_deinit(&arena);
  return failed;
}
