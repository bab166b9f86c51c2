// What a killed run leaves for the next: films of views under way beside the pictures, and, in a folder, a
// list of those that are done.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "common/pictures.h"
#include "renderfm/pathtrace/film.h"

namespace renderfm::tools {

class UnfinishedViews {
 public:
  /// `out` is a picture or a folder of them.
  explicit UnfinishedViews(const std::filesystem::path& out);

  /// Whether the folder holds the beginning of a run that was killed.
  bool continuing() const { return !drawn_.empty() || listed_; }

  /// Whether the picture is there and was made with the same `key`: all that changes it.
  bool is_drawn(const PlannedView& view, std::uint64_t key);

  /// The film of an earlier run, or a black one where there is none that fits.
  pathtrace::Film load_film(const PlannedView& view, std::uint64_t identity, int wanted_samples) const;
  void save_film(const PlannedView& view, const pathtrace::Film& film) const;
  /// A part of a contact sheet stays as a film until the sheet is written.
  void finish_film(const PlannedView& view, const pathtrace::Film& film) const;

  /// The picture is on disk: the film goes, and a folder notes it.
  void written(const PlannedView& view);
  /// All pictures are: nothing is left but them.
  void finish();

 private:
  std::filesystem::path out_, list_;
  bool listed_ = false;                         ///< the list exists
  std::map<std::string, std::uint64_t> drawn_;  ///< picture -> its key
  std::uint64_t key_under_way_ = 0;

  bool in_folder(const PlannedView& view) const;
  void write_list();
};

}  // namespace renderfm::tools
