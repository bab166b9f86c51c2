// Making a data set: scans x looks x boxes, each a case of path-traced views. Every case depends on the seed
// and its own name alone, so any split of the work, any kill and any order ends in the same bytes.
#pragma once

#include <filesystem>
#include <string>

#include "renderfm/data/prepare_config.h"
#include "renderfm/data/view_renderer.h"

namespace renderfm::data {

struct PrepareRun {
  std::filesystem::path out;
  int shard = 0, shards = 1;  ///< makes the shard-th of `shards` equal parts, counted from 0
  bool overwrite = false;     ///< replaces cases of other settings
};

struct PrepareSummary {
  int planned = 0;  ///< in this shard
  int made = 0, kept = 0, failed = 0;
  int views_made = 0, views_kept = 0;   ///< of the cases made
  std::filesystem::path contact_sheet;  ///< empty while other shards are at work
};

/// Goes on where an earlier call was stopped. Several processes may work on one folder. A scan that cannot be
/// used is reported and passed over, and the call ends with kBadInput when all else is done; a full disk ends
/// it at once, with what is finished kept.
PrepareSummary prepare(const PrepareConfig& config, const PrepareRun& run, const Renderer& renderer);

/// "3/16" -> shard 3 of 16; "" takes the Slurm array that the process runs in, if any. Throws kBadInput.
void set_shard(PrepareRun& run, const std::string& text);

}  // namespace renderfm::data
