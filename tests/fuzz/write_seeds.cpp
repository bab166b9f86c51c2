// write_fuzz_seeds FOLDER: the files that fuzzing starts from, in FOLDER/{ply,glb,spz,splat}.
#include "fuzz/seeds.h"

int main(int argc, char** argv) {
  using namespace renderfm;
  namespace fs = std::filesystem;
  if (argc != 2) return 1;
  for (const char* name : {"ply", "glb", "spz", "splat"}) {
    const fs::path folder = fs::path(argv[1]) / name;
    fs::create_directories(folder);
    const auto corpus = fuzz::seeds(*gaussian_format(std::string("a.") + name), folder);
    fs::remove(folder / "seed");
    for (std::size_t n = 0; n < corpus.size(); ++n) {
      std::ofstream(folder / ("seed" + std::to_string(n)), std::ios::binary)
          .write(reinterpret_cast<const char*>(corpus[n].data()),
                 static_cast<std::streamsize>(corpus[n].size()));
    }
  }
  return 0;
}
