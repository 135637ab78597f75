// tap.h: the smallest test harness. A test file is a list of TEST(name) { ... } blocks and TEST_MAIN.
//
// Prints TAP; exits 1 when a check failed. A failed check reports file, line and both values and goes on.
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

typedef void TapFn(void);
typedef struct {
  const char *name;
  TapFn *run;
} TapTest;

enum { TAP_MAX = 512 };
static TapTest tap_tests[TAP_MAX];
static int tap_count, tap_bad_checks;

static inline void tap_add(const char *name, TapFn *run)
{
  if (tap_count < TAP_MAX) tap_tests[tap_count++] = (TapTest){name, run};
}

#define TEST(id)                                                                                   \
  static void test_##id(void);                                                                     \
  __attribute__((constructor)) static void add_##id(void)                                          \
  {                                                                                                \
    tap_add(#id, test_##id);                                                                       \
  }                                                                                                \
  static void test_##id(void)

#define TAP_BAD(...)                                                                               \
  (tap_bad_checks++, printf("# %s:%d: ", __FILE__, __LINE__), printf(__VA_ARGS__), putchar('\n'))

#define CHECK(cond) ((cond) ? (void)0 : (void)TAP_BAD("not true: %s", #cond))
#define CHECK_INT(got, want) tap_int((long long)(got), (long long)(want), #got, __FILE__, __LINE__)
#define CHECK_STR(got, want) tap_str((got), (want), #got, __FILE__, __LINE__)

static inline void tap_int(long long got, long long want, const char *what, const char *file, int line)
{
  if (got == want) return;
  tap_bad_checks++;
  printf("# %s:%d: %s is %lld, not %lld\n", file, line, what, got, want);
}

static inline void tap_str(Str got, Str want, const char *what, const char *file, int line)
{
  if (str_eq(got, want)) return;
  tap_bad_checks++;
  printf("# %s:%d: %s is\n#   \"%.*s\"\n# not\n#   \"%.*s\"\n", file, line, what, STR_ARG(got),
         STR_ARG(want));
}

// With arguments, runs only the tests named.
static inline int tap_main(int argc, char **argv)
{
  int failed = 0, number = 0;
  printf("1..%d\n", argc > 1 ? argc - 1 : tap_count);
  for (int i = 0; i < tap_count; i++) {
    bool wanted = argc < 2;
    for (int a = 1; a < argc; a++) wanted |= strcmp(argv[a], tap_tests[i].name) == 0;
    if (!wanted) continue;
    int before = tap_bad_checks;
    tap_tests[i].run();
    bool ok = tap_bad_checks == before;
    failed += !ok;
    printf("%s %d - %s\n", ok ? "ok" : "not ok", ++number, tap_tests[i].name);
    fflush(stdout);
  }
  return failed ? 1 : 0;
}

#define TEST_MAIN                                                                                  \
  int main(int argc, char **argv)                                                                  \
  {                                                                                                \
    return tap_main(argc, argv);                                                                   \
  }
