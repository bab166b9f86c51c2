// A film on disk: header, sums, checksum; as the machine holds them in memory.
#include <bit>
#include <cstring>
#include <fstream>

#include "pathtrace/hash_bytes.h"
#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/pathtrace/film.h"

namespace renderfm::pathtrace {
namespace {

static_assert(std::endian::native == std::endian::little, "films are written little endian");

constexpr char kMagic[8] = {'R', 'F', 'M', 'F', 'I', 'L', 'M', '1'};

struct Header {
  char magic[8];
  std::int64_t width, height, samples, capped_paths;
  std::uint64_t identity;
};

std::uint64_t checksum(const Header& header, const std::vector<PixelSums<double>>& pixels) {
  return hash64(hash_bytes(&header, sizeof(header)), hash_array(pixels));
}

}  // namespace

void Film::save(const std::filesystem::path& path) const {
  Header header{{}, width_, height_, samples_, capped_paths_, identity_};
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  const std::uint64_t sum = checksum(header, pixels_);
  AtomicFile file(path);
  file.write(&header, sizeof(header));
  file.write(pixels_.data(), pixels_.size() * sizeof(pixels_[0]));
  file.write(&sum, sizeof(sum));
  file.commit();
}

Film Film::load(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail_input("{} cannot be read", path.string());
  Header header{};
  file.read(reinterpret_cast<char*>(&header), sizeof(header));
  if (!file || std::memcmp(header.magic, kMagic, sizeof(kMagic)) != 0) {
    fail_input("{} is not a film of this version", path.string());
  }
  // The size is checked before memory is taken for it.
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  const bool sensible = header.width >= 1 && header.height >= 1 && header.width <= 65536 &&
                        header.height <= 65536 && header.samples >= 0;
  const std::uint64_t wanted =
      sensible ? sizeof(header) +
                     static_cast<std::uint64_t>(header.width * header.height) * sizeof(PixelSums<double>) +
                     sizeof(std::uint64_t)
               : 0;
  if (error || !sensible || bytes != wanted) {
    fail_input("{} is cut short or damaged; remove it to start anew", path.string());
  }
  Film film(static_cast<int>(header.width), static_cast<int>(header.height));
  std::uint64_t sum = 0;
  file.read(reinterpret_cast<char*>(film.pixels_.data()),
            static_cast<std::streamsize>(film.pixels_.size() * sizeof(film.pixels_[0])));
  file.read(reinterpret_cast<char*>(&sum), sizeof(sum));
  if (!file || sum != checksum(header, film.pixels_)) {
    fail_input("{} is damaged: its checksum does not match; remove it to start anew", path.string());
  }
  film.samples_ = header.samples;
  film.capped_paths_ = header.capped_paths;
  film.identity_ = header.identity;
  return film;
}

}  // namespace renderfm::pathtrace
