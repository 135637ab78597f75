// key.h: where keys come from, at first use: the first line a command prints if there is one, else an
// environment variable, else the entry of the provider's host in the user's netrc.
//
// Keys live in memory only, wiped when the store goes. They appear in no error, log, cassette or argv; an error names
// the variable or the program, never what it held.
#pragma once

#include "lib/loop.h"
#include "model/dialect.h"

typedef struct KeyStore KeyStore;

typedef enum { KEY_READY, KEY_PENDING, KEY_FAILED } KeyState;

// Waits for a key that a command is fetching. Embedded in its owner.
typedef struct KeyWaiter {
  // [error] is ERR_OK when key_get now knows the key; never from inside key_get.
  void (*on_ready)(void *owner, const Error *error);
  void *owner;
  struct KeyWaiter *next;
  bool queued;
} KeyWaiter;

KeyStore *keys_new(Loop *loop);
void keys_free(KeyStore *keys);  // stops commands that still run, wipes what is known

// KEY_READY: [key] is filled (empty when none is needed) and valid until keys_free or key_forget.
// KEY_PENDING: [waiter] is called later. KEY_FAILED: ERR_NO_KEY or ERR_CONFIG in [err].
KeyState key_get(KeyStore *keys, const ProviderConfig *config, KeyWaiter *waiter, Key *key,
                 Error *err);
void key_wait_cancel(KeyStore *keys, KeyWaiter *waiter);
// A changed configuration, a refused key: fetch it again.
void key_forget(KeyStore *keys, Str provider);

// Where the key would come from ("$NAME", "`pass`", "netrc (HOST)", "none needed"), without fetching it by command.
bool key_source(const ProviderConfig *config, Arena *arena, Str *source, Error *err);

// All keys fetched so far, forgotten ones too: a server may still be answering what was sent with them. Borrowed, for
// redact().
void keys_known(const KeyStore *keys, Arena *arena, StrList *out);
