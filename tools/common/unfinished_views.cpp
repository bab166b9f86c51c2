#include "common/unfinished_views.h"

#include <fmt/core.h>

#include <fstream>
#include <regex>

#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/core/log.h"

namespace renderfm::tools {
namespace {

namespace fs = std::filesystem;

constexpr const char* kListName = ".renderfm-unfinished";

fs::path film_of(const PlannedView& view) { return view.stem.string() + ".film"; }

}  // namespace

UnfinishedViews::UnfinishedViews(const fs::path& out) : out_(out), list_(out / kListName) {
  std::ifstream lines(list_);
  listed_ = static_cast<bool>(lines);
  for (std::uint64_t key = 0; lines >> std::hex >> key;) {
    std::string name;
    std::getline(lines >> std::ws, name);
    drawn_[name] = key;
  }
}

bool UnfinishedViews::in_folder(const PlannedView& view) const { return view.stem.parent_path() == out_; }

bool UnfinishedViews::is_drawn(const PlannedView& view, std::uint64_t key) {
  if (!in_folder(view)) return false;
  key_under_way_ = key;
  if (!listed_) write_list();
  const auto found = drawn_.find(view.stem.filename().string());
  return found != drawn_.end() && found->second == key && fs::exists(view.stem.string() + ".png");
}

pathtrace::Film UnfinishedViews::load_film(const PlannedView& view, std::uint64_t identity,
                                           int wanted_samples) const {
  const fs::path path = film_of(view);
  if (fs::exists(path)) {
    try {
      pathtrace::Film film = pathtrace::Film::load(path);
      const bool fits = film.identity() == identity && film.width() == view.camera.width &&
                        film.height() == view.camera.height && film.samples() <= wanted_samples;
      if (fits) {
        log_info("{} holds {} of {} samples of an earlier run: going on from there", path.string(),
                 film.samples(), wanted_samples);
        return film;
      }
      log_warning("{} belongs to another picture and is begun anew", path.string());
    } catch (const Error& error) {
      log_warning("{}; it is begun anew", error.what());
    }
  }
  return {view.camera.width, view.camera.height};
}

void UnfinishedViews::save_film(const PlannedView& view, const pathtrace::Film& film) const {
  film.save(film_of(view));
}

void UnfinishedViews::finish_film(const PlannedView& view, const pathtrace::Film& film) const {
  const bool part_of_sheet = !in_folder(view) && view.stem != fs::path(out_).replace_extension();
  if (part_of_sheet) save_film(view, film);
}

void UnfinishedViews::written(const PlannedView& view) {
  if (in_folder(view)) {
    drawn_[view.stem.filename().string()] = key_under_way_;
    write_list();
  }
  std::error_code absent;
  fs::remove(film_of(view), absent);
}

void UnfinishedViews::write_list() {
  AtomicFile file(list_);
  for (const auto& [name, key] : drawn_) file.write(fmt::format("{:016x} {}\n", key, name));
  file.commit();
  listed_ = true;
}

void UnfinishedViews::finish() {
  if (!listed_) return;
  // What a kill that nothing can catch left of files it was writing: .000.4711.tmp.png and the like.
  static const std::regex temporary(R"(\..*\.[0-9]+\.tmp(\.png|\.pfm|\.film)?)");
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(out_, ignored)) {
    if (std::regex_match(entry.path().filename().string(), temporary)) fs::remove(entry.path(), ignored);
  }
  fs::remove(list_, ignored);
}

}  // namespace renderfm::tools
