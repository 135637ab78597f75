// journal_schema.h: the steps for store_migrate.
#pragma once

extern const char *const journal_schema[];  // [i] takes version i to i + 1
extern const char journal_newest[];         // what they come to
extern const int journal_version;           // how many
