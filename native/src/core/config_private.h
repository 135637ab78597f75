// config_private.h: between config.c and config_models.c.
#pragma once

#include "core/config.h"

// Fills config->ladders from the merged `models`, with the default pair for what is not set.
bool config_read_models(Config *config, Error *err);

// Refuses provider rows that hold a key themselves or do not make sense. [where] names the source.
bool config_check_providers(const Value *providers, Str where, Error *err);

// Refuses prices that would not be taken, or not as they are meant: a word that is misspelt, an amount that is none.
bool config_check_prices(const Value *prices, Str where, Error *err);
