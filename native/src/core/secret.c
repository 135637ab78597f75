// secret.c: see secret.h.
#include "core/secret.h"

#include <ctype.h>
#include <fnmatch.h>
#include <string.h>

typedef struct {
  const char *pattern;  // fnmatch on the file's name, any case
  const char *reason;
} NameRule;

static const NameRule names[] = {
    {".env", "a .env file"},
    {".env[.-_]*", "a .env file"},
    {".envrc", "a .env file"},
    {"*.env", "a .env file"},
    {"id_rsa*", "an SSH key"},
    {"id_dsa*", "an SSH key"},
    {"id_ecdsa*", "an SSH key"},
    {"id_ed25519*", "an SSH key"},
    {"*.ppk", "an SSH key"},
    {"*.pem", "a key or certificate"},
    {"*.key", "a private key"},
    {"*.p8", "a private key"},
    {"*.pk8", "a private key"},
    {"*.p12", "a key store"},
    {"*.pfx", "a key store"},
    {"*.jks", "a key store"},
    {"*.keystore", "a key store"},
    {"*.kdb", "a password store"},
    {"*.kdbx", "a password store"},
    {"*.agilekeychain", "a password store"},
    {"*.gpg", "an encrypted secret"},
    {"*.ovpn", "a VPN profile with keys"},
    {".netrc", "a password file"},
    {"_netrc", "a password file"},
    {".pgpass", "a password file"},
    {".my.cnf", "a password file"},
    {".htpasswd", "a password file"},
    {"htpasswd", "a password file"},
    {".git-credentials", "a password file"},
    {".npmrc", "a registry token file"},
    {".pypirc", "a registry token file"},
    {".dockercfg", "a registry token file"},
    {".vault-token", "a token file"},
    {"auth.json", "a token file"},
    {"credentials", "a credentials file"},
    {"credentials[.-]*", "a credentials file"},
    {"*credentials.json", "a credentials file"},
    {"*credentials.y*ml", "a credentials file"},
    {"*credentials.xml", "a credentials file"},
    {"*credentials.toml", "a credentials file"},
    {"*credentials.ini", "a credentials file"},
    {"*credentials.properties", "a credentials file"},
    {"*credentials.csv", "a credentials file"},
    {"*credentials.txt", "a credentials file"},
    {"*credentials.enc", "a credentials file"},
    {"*service[_-]account*.json", "a service account's key"},
    {"*serviceaccount*.json", "a service account's key"},
    {"client_secret*.json", "a service account's key"},
    {"secrets", "a secrets file"},
    {"secrets.*", "a secrets file"},
    {"*[_.-]secrets.y*ml", "a secrets file"},
    {"*[_.-]secrets.json", "a secrets file"},
    {"*[_.-]secrets.toml", "a secrets file"},
    {"secret.y*ml", "a secrets file"},
    {"secret.json", "a secrets file"},
    {"secret.toml", "a secrets file"},
    {"secret.txt", "a secrets file"},
    {"master.key", "a private key"},
    {"*.tfstate", "Terraform state, which holds secrets in the clear"},
    {"*.tfstate.*", "Terraform state, which holds secrets in the clear"},
    {"*.tfvars", "Terraform variables, which often hold secrets"},
    {"*.tfvars.json", "Terraform variables, which often hold secrets"},
    {"kubeconfig*", "a cluster's credentials"},
    {"*.kubeconfig", "a cluster's credentials"},
};

// Directories all of whose files are secret.
static const NameRule dirs[] = {
    {".ssh", "in .ssh"},
    {".gnupg", "in .gnupg"},
    {".aws", "in .aws"},
    {".password-store", "in a password store"},
};

// Names that say nothing without their directory, which holds other things too.
static const NameRule places[] = {
    {".docker/config.json", "a registry token file"},
    {".kube/config", "a cluster's credentials"},
    {".azure/*.json", "a token file"},
    {"gh/hosts.yml", "a token file"},
};

// Whether [rule], a letter of a pattern, stands for itself and is not [c].
static bool differs(char rule, char c)
{
  return !strchr("*?[]", rule) && tolower((unsigned char)c) != rule;
}

// Most names are told from most patterns by their first or last letter, which costs a hundredth of fnmatch.
static const char *match(const NameRule *rules, size_t count, Str name)
{
  char text[520];  // two parts of a path
  if (name.len >= sizeof(text)) name.len = sizeof(text) - 1;
  memcpy(text, name.ptr, name.len);
  text[name.len] = 0;
  size_t len = strlen(text);
  for (size_t i = 0; len && i < count; i++) {
    const char *pattern = rules[i].pattern;
    char last = pattern[strlen(pattern) - 1];
    if (differs(*pattern, *text) || differs(last, text[len - 1])) continue;
    if (fnmatch(pattern, text, FNM_CASEFOLD) == 0) return rules[i].reason;
  }
  return NULL;
}

#define MATCH(rules, name) match(rules, sizeof(rules) / sizeof(*rules), name)

// The last two parts of [path], or all of it.
static Str tail_of(Str path)
{
  size_t last = str_rfind_char(path, '/');
  if (last == STR_NOT_FOUND) return path;
  size_t before = str_rfind_char(str_sub(path, 0, last), '/');
  return before == STR_NOT_FOUND ? path : str_skip(path, before + 1);
}

const char *secret_by_name(Str path)
{
  Str rest = path, part;
  const char *reason = MATCH(places, tail_of(path));
  while (!reason && str_cut(&rest, '/', &part)) {
    bool last = rest.ptr == NULL;
    if (part.len) reason = last ? MATCH(names, part) : MATCH(dirs, part);
  }
  return reason;
}

static bool is_base64(char c)
{
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/';
}

// Whether the text goes on with the key itself. A program that only knows the header (a parser,
// this file) has none. Encrypted keys have a few lines of their own in between.
static bool key_follows(Str rest)
{
  enum { WITHIN = 600, RUN = 40 };
  size_t run = 0;
  for (size_t i = 0; i < rest.len && i < WITHIN; i++) {
    run = is_base64(rest.ptr[i]) ? run + 1 : 0;
    if (run == RUN) return true;
  }
  return false;
}

const char *secret_in_text(Str text)
{
  static const char *const marks[] = {"PRIVATE KEY-----", "PRIVATE KEY BLOCK-----",
                                      "PuTTY-User-Key-File-", "AGE-SECRET-KEY-1"};
  for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
    Str mark = str_from(marks[i]);
    Str rest = text;
    for (size_t at; (at = str_find(rest, mark)) != STR_NOT_FOUND;) {
      rest = str_skip(rest, at + mark.len);
      if (key_follows(rest)) return "a private key inside";
    }
  }
  return NULL;
}
