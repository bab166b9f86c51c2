// Which views of something are drawn and where they go: one picture, a contact sheet, a folder or a film.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "common/cli_main.h"
#include "renderfm/view/cameras_json.h"

namespace renderfm::tools {

struct PictureOptions {
  std::string size = "512x512", cameras;
  double azimuth_deg = 0, elevation_deg = 0;
  int orbit = 0;
  bool four_sides = false, overwrite = false;
};

void add_picture_options(CLI::App& app, PictureOptions& options);

/// One view to draw.
struct PlannedView {
  Camera camera;
  std::filesystem::path stem;  ///< of files that belong to this view alone: OUT, OUT.3 or FOLDER/012
};

/// Something to look at.
struct Subject {
  std::string name;  ///< caption where several are drawn
  ViewSphere sphere;
  /// -> display-referred [3, H, W]; undefined where the picture of an earlier run stays.
  std::function<torch::Tensor(const PlannedView& view)> draw;
  /// Called, where it is set, once the file that shows the view is on disk.
  std::function<void(const PlannedView& view)> written = nullptr;
};

class Pictures {
 public:
  /// Refuses, before long work starts, what could not be written. A folder that holds something is accepted
  /// with --overwrite or where `continuing`.
  Pictures(const PictureOptions& options, std::filesystem::path out, bool continuing = false);

  /// How many views there are of so many subjects. Throws kUsage where a folder was asked for and they are
  /// several.
  std::int64_t view_count(std::size_t subjects) const;

  /// Draws and writes all views, and says where on stdout. Subjects are made one after the other.
  void draw(std::size_t subjects, const std::function<Subject(std::size_t n)>& make_subject) const;

 private:
  struct Captioned {
    PlannedView view;
    std::string caption;
  };
  PictureOptions options_;
  std::filesystem::path out_;
  int width_ = 0, height_ = 0;
  std::vector<NamedCamera> cameras_;

  bool folder() const { return options_.orbit > 0 || !options_.cameras.empty(); }
  bool film() const { return folder() && out_.extension() == ".mp4"; }
  std::vector<NamedCamera> series(const Subject& subject) const;
  Camera orbit_view(const Subject& subject, double azimuth_deg) const;
  std::vector<Captioned> sheet_views(const Subject& subject, bool alone, std::size_t first_part) const;
  void draw_sheet(std::size_t subjects, const std::function<Subject(std::size_t n)>& make_subject) const;
  void draw_folder(const Subject& subject) const;
  void draw_film(const Subject& subject) const;
};

}  // namespace renderfm::tools
