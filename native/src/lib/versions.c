// versions.c: see versions.h.
#include "lib/versions.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <cjson/cJSON.h>
#include <pcre2.h>
#include <sqlite3.h>
#include <uv.h>
#include <yaml.h>

#include "lib/curl_api.h"
#include "lib/git_api.h"

Str lib_versions(Arena *arena)
{
  int major = 0, minor = 0, patch = 0;
  char pcre[64] = "";
  const CurlApi *curl = curl_load(NULL);
  if (git_load(NULL)) git.libgit2_version(&major, &minor, &patch);
  pcre2_config(PCRE2_CONFIG_VERSION, pcre);
  return str_fmt(
      arena, "libuv %s, libcurl %s, sqlite %s, libgit2 %d.%d.%d, cJSON %s, libyaml %s, pcre2 %s",
      uv_version_string(), curl ? curl->version_info(CURLVERSION_NOW)->version : "missing",
      sqlite3_libversion(), major, minor, patch, cJSON_Version(), yaml_get_version_string(), pcre);
}
