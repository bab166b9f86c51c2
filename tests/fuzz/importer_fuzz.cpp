// One importer of Gaussian files under any bytes at all: it returns sound rows or refuses with one sentence,
// and nothing else. RENDERFM_FUZZ_FORMAT names the importer. Runs under libFuzzer, or under driver.cpp
// without it.
#include <zlib.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "gaussian/files/codecs.h"
#include "renderfm/core/check.h"

namespace {

using namespace renderfm;

constexpr GaussianFormat kFormat = GaussianFormat::RENDERFM_FUZZ_FORMAT;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "the importer broke its promise: %s\n", what);
  std::abort();
}

void expect_sound(const GaussianRows& rows) {
  const auto n = rows.opacity.size();
  if (rows.position_mm.size() != 3 * n || rows.sh.size() != 12 * n || rows.direction_mean.size() != 3 * n ||
      rows.chol.size() != 21 * n || rows.label.size() != n) {
    fail("columns of different lengths");
  }
  for (const auto* column : {&rows.position_mm, &rows.sh, &rows.opacity, &rows.direction_mean, &rows.chol}) {
    for (const float value : *column) {
      if (!std::isfinite(value)) fail("a value that is not finite");
    }
  }
  for (std::size_t k = 0; k < n; ++k) {
    if (!(rows.opacity[k] > 0 && rows.opacity[k] < 1)) fail("an opacity outside (0, 1)");
    for (int row = 0; row < 6; ++row) {
      if (!(rows.chol[21 * k + static_cast<std::size_t>(layout::chol_index(row, row))] > 0)) {
        fail("a shape without extent");
      }
    }
  }
}

/// No mutation finds its way through a checksum: what begins as the inside of an .spz is packed here.
std::vector<std::uint8_t> packed(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> bytes(data, data + size);
  if (kFormat != GaussianFormat::kSpz || size < 8 || std::memcmp(data, "NGSP", 4) != 0 || data[4] >= 4)
    return bytes;
  z_stream stream{};
  if (deflateInit2(&stream, 1, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY) != Z_OK) return bytes;
  std::vector<std::uint8_t> out(deflateBound(&stream, size) + 64);
  stream.next_in = bytes.data();
  stream.avail_in = static_cast<uInt>(size);
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::uint8_t> bytes = packed(data, size);
  for (const Unusable unusable : {Unusable::kRefuse, Unusable::kLeaveOut}) {
    try {
      MemoryInput input(bytes, "input");
      expect_sound(decode(kFormat, input, unusable).rows);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kBadInput) fail(error.what());
      if (std::strchr(error.what(), '\n') != nullptr) fail("an error of more than one line");
    }
  }
  return 0;
}
