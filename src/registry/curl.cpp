// SPDX-License-Identifier: Apache-2.0
#include "registry/curl.h"

#include <dlfcn.h>

#include "base/error.h"

namespace hull::registry {

namespace {

constexpr const char* kLibrary = "libcurl.so.4";

template <class Function>
void find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  if (!function) fail(Kind::kUnavailable, kLibrary, " has no ", name, ": registries cannot be reached with it");
}

Curl load() {
  void* library = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (!library)
    fail(Kind::kUnavailable, "registries are reached with ", kLibrary, ", which cannot be loaded: ", ::dlerror(),
         ". Install the package libcurl4");
  Curl curl{};
  find(library, "curl_easy_init", curl.easy_init);
  find(library, "curl_easy_cleanup", curl.easy_cleanup);
  find(library, "curl_easy_reset", curl.easy_reset);
  find(library, "curl_easy_perform", curl.easy_perform);
  find(library, "curl_easy_strerror", curl.easy_strerror);
  find(library, "curl_easy_setopt", curl.easy_setopt);
  find(library, "curl_easy_getinfo", curl.easy_getinfo);
  find(library, "curl_slist_append", curl.slist_append);
  find(library, "curl_slist_free_all", curl.slist_free_all);
  decltype(&::curl_global_init) global_init = nullptr;
  find(library, "curl_global_init", global_init);
  if (global_init(CURL_GLOBAL_ALL) != CURLE_OK) fail(Kind::kInternal, "libcurl cannot be initialised");
  return curl;
}

}  // namespace

const Curl& Curl::get() {
  static const Curl curl = load();
  return curl;
}

}  // namespace hull::registry
