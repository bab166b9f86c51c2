#include "gaussian/files/codecs.h"

#include <algorithm>
#include <cctype>

#include "renderfm/core/check.h"

namespace renderfm {
namespace {

void move_row(GaussianRows& rows, std::size_t to, std::size_t from) {
  std::copy_n(&rows.position_mm[3 * from], 3, &rows.position_mm[3 * to]);
  std::copy_n(&rows.sh[layout::kShCount * from], layout::kShCount, &rows.sh[layout::kShCount * to]);
  rows.opacity[to] = rows.opacity[from];
  std::copy_n(&rows.direction_mean[3 * from], 3, &rows.direction_mean[3 * to]);
  std::copy_n(&rows.chol[layout::kCholCount * from], layout::kCholCount, &rows.chol[layout::kCholCount * to]);
  rows.label[to] = rows.label[from];
}

}  // namespace

std::optional<GaussianFormat> gaussian_format(const std::filesystem::path& path) {
  std::string suffix = path.extension().string();
  std::transform(suffix.begin(), suffix.end(), suffix.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (suffix == ".ply") return GaussianFormat::kPly;
  if (suffix == ".glb") return GaussianFormat::kGlb;
  if (suffix == ".spz") return GaussianFormat::kSpz;
  if (suffix == ".splat") return GaussianFormat::kSplat;
  return std::nullopt;
}

std::string gaussian_suffixes() { return ".ply .glb .spz .splat"; }

DecodedFile decode(GaussianFormat format, InputBytes& input, Unusable unusable) {
  switch (format) {
    case GaussianFormat::kPly: return decode_ply(input, unusable);
    case GaussianFormat::kGlb: return decode_glb(input, unusable);
    case GaussianFormat::kSpz: return decode_spz(input, unusable);
    default: return decode_splat(input, unusable);
  }
}

void make_room(GaussianRows& rows, std::int64_t count, const std::string& name) {
  constexpr std::int64_t kMost = std::int64_t{1} << 40;  // keeps the product below from overflow
  check_fits_memory(std::min(count, kMost) * kBytesPerRow, name);
  resize(rows, count);
}

void settle_unusable(const std::vector<std::uint8_t>& usable, Unusable unusable, DecodedFile& file,
                     const std::string& name) {
  const auto first_bad = std::find(usable.begin(), usable.end(), std::uint8_t{0});
  if (first_bad == usable.end()) return;
  if (unusable == Unusable::kRefuse) {
    fail_input("{} is damaged: Gaussian {} has a value that is not finite or a shape without extent", name,
               first_bad - usable.begin());
  }
  std::size_t kept = 0;
  for (std::size_t n = 0; n < usable.size(); ++n) {
    if (usable[n] == 0) continue;
    if (kept != n) move_row(file.rows, kept, n);
    ++kept;
  }
  file.facts.unusable = static_cast<std::int64_t>(usable.size() - kept);
  resize(file.rows, static_cast<std::int64_t>(kept));
}

}  // namespace renderfm
