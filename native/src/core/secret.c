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

// Tokens that say what they are: a prefix, then so many characters of letters, digits and [also].
static const struct {
  const char *prefix, *also;
  size_t least;
  const char *why;
} tokens[] = {
    {"sk-ant-", "_-", 40, "an API key inside"},
    {"sk-proj-", "_-", 40, "an API key inside"},
    {"sk-svcacct-", "_-", 40, "an API key inside"},
    {"sk-or-v1-", "", 40, "an API key inside"},
    {"sk-", "", 40, "an API key inside"},
    {"xai-", "", 40, "an API key inside"},
    {"gsk_", "", 40, "an API key inside"},
    {"AIza", "_-", 35, "an API key inside"},
    {"hf_", "", 30, "an access token inside"},
    {"ghp_", "", 36, "an access token inside"},
    {"gho_", "", 36, "an access token inside"},
    {"ghu_", "", 36, "an access token inside"},
    {"ghs_", "", 36, "an access token inside"},
    {"ghr_", "", 36, "an access token inside"},
    {"github_pat_", "_", 50, "an access token inside"},
    {"glpat-", "_-", 20, "an access token inside"},
    {"npm_", "", 36, "an access token inside"},
    {"pypi-AgE", "_-", 50, "an access token inside"},
    {"xoxb-", "-", 30, "an access token inside"},
    {"xoxp-", "-", 30, "an access token inside"},
    {"xoxa-", "-", 30, "an access token inside"},
    {"sk_live_", "", 20, "a payment key inside"},
    {"rk_live_", "", 20, "a payment key inside"},
    {"SG.", "._-", 60, "an API key inside"},
    {"AKIA", "", 16, "an AWS key inside"},
    {"ASIA", "", 16, "an AWS key inside"},
};
enum { TOKEN_MAX = 400, TOKEN_KINDS = 8 };

static bool in_token(char c, const char *also)
{
  bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return plain || (c && strchr(also, c));
}

// Real ones are random: many different characters, digits and letters both.
static bool is_random(Str run)
{
  bool seen[256] = {0}, digit = false, letter = false;
  size_t kinds = 0;
  for (size_t i = 0; i < run.len; i++) {
    unsigned char c = (unsigned char)run.ptr[i];
    kinds += !seen[c];
    seen[c] = true;
    digit |= c >= '0' && c <= '9';
    letter |= c > '9';
  }
  return kinds >= TOKEN_KINDS && digit && letter && !str_has(run, S("EXAMPLE"));
}

// The token that begins at the start of [rest].
static const char *token_at(Str rest)
{
  for (size_t i = 0; i < sizeof(tokens) / sizeof(*tokens); i++) {
    Str prefix = str_from(tokens[i].prefix);
    if (!str_starts(rest, prefix)) continue;
    Str run = str_sub(rest, prefix.len, prefix.len + TOKEN_MAX);
    size_t len = 0;
    while (len < run.len && in_token(run.ptr[len], tokens[i].also)) len++;
    if (len >= tokens[i].least && is_random(str_sub(run, 0, len))) return tokens[i].why;
  }
  return NULL;
}

// Two characters tell nearly all words apart. Made at the first use: small files are many.
typedef struct {
  bool made, inside[256], first[256];
  uint8_t second[256][256 / 8];
} Beginnings;

static const Beginnings *beginnings(void)
{
  static Beginnings all;
  if (all.made) return &all;
  for (size_t i = 0; i < sizeof(tokens) / sizeof(*tokens); i++) {
    unsigned char a = (unsigned char)tokens[i].prefix[0], b = (unsigned char)tokens[i].prefix[1];
    all.first[a] = true;
    all.second[a][b / 8] |= (uint8_t)(1 << b % 8);
  }
  for (int c = 1; c < 256; c++) all.inside[c] = in_token((char)c, "_-");
  all.made = true;
  return &all;
}

// In one pass, for all kinds: whole trees are read past this.
static const char *token_in(Str text)
{
  const Beginnings *all = beginnings();
  bool before = false;
  for (size_t i = 0; i + 1 < text.len; i++) {
    unsigned char a = (unsigned char)text.ptr[i], b = (unsigned char)text.ptr[i + 1];
    bool begins = all->first[a] && !before && all->second[a][b / 8] >> b % 8 & 1;
    const char *why = begins ? token_at(str_skip(text, i)) : NULL;
    if (why) return why;
    before = all->inside[a];
  }
  return NULL;
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
  return token_in(text);
}
