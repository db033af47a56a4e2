// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "store/database.h"

// Images are answered for when their files are whole for every process, not when they are on the disk: that takes as
// long again as making them. Until a syncfs(2) in the background has brought them there, a mark says that they are not
// to be trusted after a power cut, with the machine's boot (decision 0008).
//
//   <data-root>/unsynced/<hex of the image's id>    the boot during which it was made
namespace hull::store {

// One syncfs(2) for all files of all layers, whatever their number. Throws errno.
void sync_files(const std::string& data_root);
// Before the image's row is written. Survives a power cut itself.
void mark_unsynced(const std::string& data_root, const std::string& image_id);
// Whether some image is marked.
bool anything_unsynced(const std::string& data_root);
// After it: brings everything to the disk on a thread of its own, then takes the mark away, and calls `synced` there.
void sync_in_background(const std::string& data_root, const std::string& image_id, std::function<void()> synced);

// At a start, before anybody uses the images: those that an earlier boot left marked are compared with the digests of
// their layers, and removed when one does not fit.
void check_unsynced(Database& database, const std::string& data_root);

}  // namespace hull::store
