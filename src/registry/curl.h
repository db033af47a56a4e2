// SPDX-License-Identifier: Apache-2.0
#pragma once

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

namespace hull::registry {

// The functions of libcurl that we use. The library is loaded by the first who asks, not with the program: an engine
// that never talks to a registry does not pay for it (decision 0007).
struct Curl {
  decltype(&::curl_easy_init) easy_init;
  decltype(&::curl_easy_cleanup) easy_cleanup;
  decltype(&::curl_easy_reset) easy_reset;
  decltype(&::curl_easy_perform) easy_perform;
  decltype(&::curl_easy_strerror) easy_strerror;
  CURLcode (*easy_setopt)(CURL*, CURLoption, ...);
  CURLcode (*easy_getinfo)(CURL*, CURLINFO, ...);
  decltype(&::curl_slist_append) slist_append;
  decltype(&::curl_slist_free_all) slist_free_all;

  // Throws Error{kUnavailable} when there is no libcurl.so.4 on this machine.
  static const Curl& get();
};

}  // namespace hull::registry
