// Runs a fuzz target without libFuzzer: every seed and every earlier finding, then random
// mutations of them, the same ones each time.
//
// usage: ply_fuzz [MUTATIONS [FINDINGS_FOLDER]]
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#ifdef RENDERFM_FUZZ_FORMAT
#include "fuzz/seeds.h"
#else
#include "fuzz/server_seeds.h"
#endif
#include "renderfm/math/rng.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using namespace renderfm;
using Bytes = std::vector<std::uint8_t>;
namespace fs = std::filesystem;

Bytes mutated(const std::vector<Bytes>& corpus, Pcg32& random) {
  Bytes bytes = corpus[random.below(static_cast<std::uint32_t>(corpus.size()))];
  static const std::uint32_t kWords[] = {0,          1,          0x7f,       0xff,      0x7fffffff,
                                         0x80000000, 0xffffffff, 0x7fc00000, 0x7f800000};
  const auto somewhere = [&] { return random.below(static_cast<std::uint32_t>(bytes.size())); };
  for (std::uint32_t change = 0; change <= random.below(4); ++change) {
    if (bytes.empty()) break;
    switch (random.below(6)) {
      case 0: bytes[somewhere()] ^= static_cast<std::uint8_t>(1U << random.below(8)); break;
      case 1: bytes[somewhere()] = static_cast<std::uint8_t>(random.next()); break;
      case 2: bytes.resize(somewhere()); break;
      case 3: {
        const std::size_t at = somewhere();
        const std::uint32_t word = kWords[random.below(std::size(kWords))];
        std::memcpy(&bytes[at], &word, std::min(sizeof(word), bytes.size() - at));
        break;
      }
      case 4: {  // a piece of the file once more, elsewhere
        const std::size_t from = somewhere(),
                          count = std::min<std::size_t>(random.below(64), bytes.size() - from);
        const Bytes piece(bytes.begin() + static_cast<std::ptrdiff_t>(from),
                          bytes.begin() + static_cast<std::ptrdiff_t>(from + count));
        bytes.insert(bytes.begin() + somewhere(), piece.begin(), piece.end());
        break;
      }
      default: {
        const std::size_t at = somewhere();
        bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                    bytes.begin() + static_cast<std::ptrdiff_t>(
                                        std::min<std::size_t>(at + random.below(16), bytes.size())));
        break;
      }
    }
  }
  return bytes;
}

#ifdef RENDERFM_FUZZ_FORMAT
std::vector<Bytes> seeds() {
  std::string pattern = (fs::temp_directory_path() / "renderfm_fuzz_XXXXXX").string();
  const fs::path folder = ::mkdtemp(pattern.data());
  std::vector<Bytes> corpus = fuzz::seeds(GaussianFormat::RENDERFM_FUZZ_FORMAT, folder);
  fs::remove_all(folder);
  return corpus;
}
#else
std::vector<Bytes> seeds() { return fuzz::server_seeds(); }
#endif

Bytes read_finding(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<Bytes> corpus = seeds();
  const std::uint64_t mutations = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1000;
  std::size_t findings = 0;
  if (argc > 2 && fs::is_directory(argv[2])) {
    for (const fs::directory_entry& entry : fs::directory_iterator(argv[2])) {
      corpus.push_back(read_finding(entry.path()));
      ++findings;
    }
  }
  for (const Bytes& bytes : corpus) LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  for (std::uint64_t n = 0; n < mutations; ++n) {
    Pcg32 random = Pcg32::from(1, n);
    const Bytes bytes = mutated(corpus, random);
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
  std::printf("%zu seeds and %zu findings as they are, %llu mutations\n", corpus.size() - findings, findings,
              static_cast<unsigned long long>(mutations));
  return 0;
}
