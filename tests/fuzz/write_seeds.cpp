// write_fuzz_seeds FOLDER: the files that fuzzing starts from, in FOLDER/{ply,glb,spz,splat,server}.
#include "fuzz/seeds.h"
#include "fuzz/server_seeds.h"

namespace {

namespace fs = std::filesystem;

void write(const std::vector<std::vector<std::uint8_t>>& corpus, const fs::path& folder) {
  for (std::size_t n = 0; n < corpus.size(); ++n) {
    std::ofstream(folder / ("seed" + std::to_string(n)), std::ios::binary)
        .write(reinterpret_cast<const char*>(corpus[n].data()),
               static_cast<std::streamsize>(corpus[n].size()));
  }
}

}  // namespace

int main(int argc, char** argv) {
  using namespace renderfm;
  if (argc != 2) return 1;
  for (const char* name : {"ply", "glb", "spz", "splat"}) {
    const fs::path folder = fs::path(argv[1]) / name;
    fs::create_directories(folder);
    const auto corpus = fuzz::seeds(*gaussian_format(std::string("a.") + name), folder);
    fs::remove(folder / "seed");
    write(corpus, folder);
  }
  const fs::path folder = fs::path(argv[1]) / "server";
  fs::create_directories(folder);
  write(fuzz::server_seeds(), folder);
  return 0;
}
