// Files that are cut short, lie about themselves or would fill the memory: each is one clear sentence.
#include <zlib.h>
#include <zstd.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "unit/gaussian_files/files.h"

namespace renderfm {
namespace {

using namespace test;
using nlohmann::json;

template <class T>
void put(std::string& bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof(value));
}
template <class T>
void append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

std::string gzip(const std::string& raw) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, raw.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(raw.data()));
  stream.avail_in = static_cast<uInt>(raw.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

std::string gunzip(const std::string& packed) {
  z_stream stream{};
  inflateInit2(&stream, 16 + MAX_WBITS);
  std::string out(1 << 22, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  inflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  inflateEnd(&stream);
  return out;
}

class Refusals : public GaussianFiles {
 protected:
  const GaussianRows rows_ = rows_of(tilted_gaussians(3, 20));

  std::string written(GaussianFormat format) {
    const GaussianColumns columns = columns_of(rows_);
    switch (format) {
      case GaussianFormat::kPly: encode_ply(columns, file("a"), PlyFlavor::kRenderfm); break;
      case GaussianFormat::kGlb: encode_glb(columns, file("a"), 1); break;
      case GaussianFormat::kSpz: encode_spz(columns, file("a"), 1); break;
      default: encode_splat(columns, file("a")); break;
    }
    return bytes_of(file("a"));
  }
};

TEST_F(Refusals, EveryCutIsNoticed) {
  for (const GaussianFormat format :
       {GaussianFormat::kPly, GaussianFormat::kGlb, GaussianFormat::kSpz, GaussianFormat::kSplat}) {
    const std::string whole = written(format);
    EXPECT_EQ(decode_bytes(format, whole).rows.size(), 20);
    for (std::size_t size = 1; size < whole.size(); size += 1 + whole.size() / 97) {
      if (format == GaussianFormat::kSplat && size % 32 == 0) continue;  // whole rows: nothing tells
      expect_refused(format, whole.substr(0, size), "the file");
    }
  }
}

TEST_F(Refusals, AFileOfAnotherKind) {
  const std::string letter = "Dear colleague, this is a letter of some length and no file of Gaussians.";
  expect_refused(GaussianFormat::kPly, letter, "does not begin with 'ply'");
  expect_refused(GaussianFormat::kGlb, letter, "does not begin with 'glTF'");
  expect_refused(GaussianFormat::kSpz, letter, "neither gzip nor");
  expect_refused(GaussianFormat::kSplat, letter, "whole rows");
  expect_refused(GaussianFormat::kSpz, gzip(letter), "does not begin with 'NGSP'");
}

TEST_F(Refusals, ANaNNamesItsGaussianOrIsCounted) {
  std::string splat = written(GaussianFormat::kSplat);
  put(splat, 32 * 7 + 4, std::nanf(""));
  expect_refused(GaussianFormat::kSplat, splat, "Gaussian 7");
  const DecodedFile kept = decode_bytes(GaussianFormat::kSplat, splat, Unusable::kLeaveOut);
  EXPECT_EQ(kept.facts.unusable, 1);
  EXPECT_EQ(kept.rows.size(), 19);
  const DecodedFile whole = decode_bytes(GaussianFormat::kSplat, written(GaussianFormat::kSplat));
  EXPECT_EQ(kept.rows.opacity[7], whole.rows.opacity[8]);
  EXPECT_EQ(kept.rows.chol[7 * 21 + 20], whole.rows.chol[8 * 21 + 20]);

  std::string glb = written(GaussianFormat::kGlb);
  put(glb, glb.size() - 20 * 4 - 20 * 4 + 4, INFINITY);  // the label of Gaussian 1
  expect_refused(GaussianFormat::kGlb, glb, "Gaussian 1 ");
}

TEST_F(Refusals, PlyHeadersThatNeverEndOrPromiseTooMuch) {
  const std::string start = "ply\nformat binary_little_endian 1.0\n";
  expect_refused(GaussianFormat::kPly, start + std::string(2 << 20, 'c'), "does not end within");
  std::string many = start + "element vertex 1\n";
  for (int n = 0; n < 5000; ++n) many += "property char p" + std::to_string(n) + "\n";
  expect_refused(GaussianFormat::kPly, many + "end_header\n", "more than 4096 properties");
  std::string huge = written(GaussianFormat::kPly);
  const std::string count = "element vertex 20";
  huge.replace(huge.find(count), count.size(), "element vertex 9223372036854775807");
  expect_refused(GaussianFormat::kPly, huge, "promises 9223372036854775807");
  expect_refused(GaussianFormat::kPly,
                 start + "element vertex 0\nelement vertex 5\nproperty float x\nend_header\n",
                 "two elements");
}

TEST_F(Refusals, SpzThatWouldFillTheMemory) {
  std::string raw = gunzip(written(GaussianFormat::kSpz));
  put(raw, 8, std::uint32_t{4000000000U});
  expect_refused(GaussianFormat::kSpz, gzip(raw), "promises 4000000000 Gaussians");
  // A bomb that is honest about its size is refused for what follows its Gaussians.
  std::string bomb = gunzip(written(GaussianFormat::kSpz)) + std::string(1 << 22, '\0');
  expect_refused(GaussianFormat::kSpz, gzip(bomb), "more bytes than its header says");
}

TEST_F(Refusals, SpzWhoseHeaderIsWrong) {
  const std::string raw = gunzip(written(GaussianFormat::kSpz));
  const auto with = [&](std::size_t at, char value) {
    std::string changed = raw;
    changed[at] = value;
    return gzip(changed);
  };
  expect_refused(GaussianFormat::kSpz, with(4, 1), "version 1");
  expect_refused(GaussianFormat::kSpz, with(4, 5), "version 5");
  expect_refused(GaussianFormat::kSpz, with(4, 4), "not one gzip stream");
  expect_refused(GaussianFormat::kSpz, with(12, 9), "SH degree 9");
  expect_refused(GaussianFormat::kSpz, with(12, 0), "more bytes than its header says");
  expect_refused(GaussianFormat::kSpz, with(13, 31), "31 fractional bits");
  std::string checksum = written(GaussianFormat::kSpz);
  checksum[checksum.size() - 6] = static_cast<char>(checksum[checksum.size() - 6] ^ 1);
  expect_refused(GaussianFormat::kSpz, checksum, "damaged");
}

// Versions 2 and 4 made by hand from the layout's text, around the streams of our version 3.
class OtherSpz : public Refusals {
 protected:
  static constexpr std::uint32_t kCount = 20;
  static std::string header_v4(std::uint32_t count, int streams) {
    std::string bytes("NGSP");
    append(bytes, std::uint32_t{4});
    append(bytes, count);
    bytes += std::string{1, 20, 1, static_cast<char>(streams)};
    append(bytes, std::uint32_t{32});
    return bytes + std::string(12, '\0');
  }
  std::string v4(const std::function<void(std::string&)>& change_table = {}) {
    const std::string raw = gunzip(written(GaussianFormat::kSpz)).substr(16);
    std::string table, streams;
    std::size_t at = 0;
    for (const std::size_t each : {9, 1, 3, 3, 4, 9}) {
      const std::string stream = raw.substr(at, each * kCount);
      at += stream.size();
      std::string packed(ZSTD_compressBound(stream.size()), '\0');
      packed.resize(ZSTD_compress(packed.data(), packed.size(), stream.data(), stream.size(), 3));
      append(table, std::uint64_t{packed.size()});
      append(table, std::uint64_t{stream.size()});
      streams += packed;
    }
    if (change_table) change_table(table);
    return header_v4(kCount, 6) + table + streams;
  }
};

TEST_F(OtherSpz, VersionFourHoldsTheSameGaussians) {
  const DecodedFile three = decode_bytes(GaussianFormat::kSpz, written(GaussianFormat::kSpz));
  const DecodedFile four = decode_bytes(GaussianFormat::kSpz, v4());
  EXPECT_EQ(four.facts.layout, "spz 4");
  EXPECT_EQ(four.rows.position_mm, three.rows.position_mm);
  EXPECT_EQ(four.rows.chol, three.rows.chol);
  EXPECT_EQ(four.rows.sh, three.rows.sh);
  EXPECT_TRUE(four.rows.notes.low_pass_compensation);
}

TEST_F(OtherSpz, VersionTwoHoldsItsRotationsInThreeBytes) {
  const std::string raw = gunzip(written(GaussianFormat::kSpz));
  const DecodedFile three = decode_bytes(GaussianFormat::kSpz, written(GaussianFormat::kSpz));
  // The principal axes of version 3, read with the formula of its text, packed as version 2.
  std::string bytes = raw.substr(0, 16 + 16 * kCount);
  bytes[4] = 2;
  for (std::uint32_t n = 0; n < kCount; ++n) {
    std::uint32_t packed;
    std::memcpy(&packed, raw.data() + 16 + 16 * kCount + 4 * n, sizeof(packed));
    double q[4]{}, squares = 0;
    const int largest = static_cast<int>(packed >> 30);
    for (int part = 3; part >= 0; --part) {
      if (part == largest) continue;
      q[part] = (packed & 511) / 511.0 / std::sqrt(2.0) * ((packed & 512) != 0 ? -1 : 1);
      squares += q[part] * q[part];
      packed >>= 10;
    }
    q[largest] = std::sqrt(1 - squares);
    for (int part = 0; part < 3; ++part) {
      bytes += static_cast<char>(std::lround((q[3] < 0 ? -q[part] : q[part]) * 127.5 + 127.5));
    }
  }
  bytes += raw.substr(16 + 20 * kCount);
  const DecodedFile two = decode_bytes(GaussianFormat::kSpz, gzip(bytes));
  EXPECT_EQ(two.facts.layout, "spz 2");
  EXPECT_EQ(two.rows.position_mm, three.rows.position_mm);
  EXPECT_EQ(two.rows.sh, three.rows.sh);
  // Half a step of 1/127.5 in each part turns by up to 0.7 degrees, more where w is small.
  for (std::size_t n = 0; n < kCount; ++n) {
    for (std::size_t k = 15; k < 21; ++k) {
      if (k == 15 || k == 16 || k == 17) continue;  // B
      ASSERT_NEAR(two.rows.chol[21 * n + k], three.rows.chol[21 * n + k], 0.12) << n << ' ' << k;
    }
  }
}

TEST_F(OtherSpz, VersionFourThatLies) {
  expect_refused(GaussianFormat::kSpz, v4([](std::string& table) { put(table, 0, ~std::uint64_t{0}); }),
                 "truncated");
  expect_refused(GaussianFormat::kSpz, v4([](std::string& table) { put(table, 8, std::uint64_t{1} << 40); }),
                 "promises 1099511627776 bytes");
  expect_refused(GaussianFormat::kSpz, v4([](std::string& table) { put(table, 0, std::uint64_t{3}); }),
                 "does not decompress");
  expect_refused(GaussianFormat::kSpz, header_v4(kCount, 6), "truncated");
  expect_refused(GaussianFormat::kSpz, header_v4(3000000000U, 6), "promises 3000000000 Gaussians");
  expect_refused(GaussianFormat::kSpz, header_v4(kCount, 200) + std::string(400, '\0'), "200 streams");
}

// The .glb of this document and no more than `bin` beside it.
std::string glb_of(const std::string& text, const std::string& bin = "") {
  std::string padded = text;
  while (padded.size() % 4 != 0) padded += ' ';
  std::string bytes("glTF");
  append(bytes, std::uint32_t{2});
  append(bytes, static_cast<std::uint32_t>(28 + padded.size() + bin.size()));
  append(bytes, static_cast<std::uint32_t>(padded.size()));
  bytes += "JSON" + padded;
  append(bytes, static_cast<std::uint32_t>(bin.size()));
  return bytes + std::string("BIN\0", 4) + bin;
}

class GlbRefusals : public Refusals {
 protected:
  /// What our own writer makes, with its document changed.
  std::string changed(const std::function<void(json&)>& change) {
    const std::string whole = written(GaussianFormat::kGlb);
    std::uint32_t size;
    std::memcpy(&size, whole.data() + 12, sizeof(size));
    json document = json::parse(whole.substr(20, size));
    change(document);
    return glb_of(document.dump(), whole.substr(20 + size + 8));
  }
  void expect_change_refused(const std::function<void(json&)>& change, const std::string& reason) {
    expect_refused(GaussianFormat::kGlb, changed(change), reason);
  }
  static json& primitive(json& document) { return document["meshes"][0]["primitives"][0]; }
};

TEST_F(GlbRefusals, AnUnchangedDocumentIsRead) {
  EXPECT_EQ(decode_bytes(GaussianFormat::kGlb, changed([](json&) {})).rows.size(), 20);
}

TEST_F(GlbRefusals, ChunksAndViewsThatLie) {
  std::string lies = written(GaussianFormat::kGlb);
  put(lies, 12, std::uint32_t{0x7fffffff});
  expect_refused(GaussianFormat::kGlb, lies, "JSON chunk is longer");
  lies = written(GaussianFormat::kGlb);
  std::uint32_t size;
  std::memcpy(&size, lies.data() + 12, sizeof(size));
  put(lies, 20 + size, std::uint32_t{0xfffffff0});
  expect_refused(GaussianFormat::kGlb, lies, "a chunk is longer");
  expect_change_refused([](json& d) { d["bufferViews"][0]["byteLength"] = 1e15; }, "reaches beyond");
  expect_change_refused([](json& d) { d["bufferViews"][0]["byteOffset"] = 9007199254740992.0; },
                        "reaches beyond");
  expect_change_refused([](json& d) { d["bufferViews"][0]["byteOffset"] = -4; }, "not a whole number");
  expect_change_refused([](json& d) { d["bufferViews"][0]["byteStride"] = 1; }, "stride of 1");
  expect_change_refused([](json& d) { d["accessors"][0]["count"] = 9007199254740992.0; }, "more than its");
  expect_change_refused([](json& d) { d["accessors"][0]["byteOffset"] = 9007199254740992.0; },
                        "more than its");
  expect_change_refused([](json& d) { d["accessors"][1]["count"] = 3; }, "POSITION has 20");
  expect_change_refused([](json& d) { d["accessors"][0]["componentType"] = 77; }, "unknown type");
  expect_change_refused([](json& d) { d["accessors"][0]["type"] = "MAT4"; }, "unknown type");
  expect_change_refused([](json& d) { d["accessors"][0]["sparse"] = json::object(); }, "sparse");
  expect_change_refused([](json& d) { d["buffers"][0]["uri"] = "/etc/passwd"; }, "outside the file");
}

TEST_F(GlbRefusals, DocumentsThatAreNone) {
  expect_refused(GaussianFormat::kGlb, glb_of("[1, 2]"), "not an object");
  expect_refused(GaussianFormat::kGlb, glb_of("{\"asset\": "), "mistake at byte");
  expect_refused(GaussianFormat::kGlb, glb_of("{}"), "no primitive");
  std::string deep = "{\"a\":" + std::string(100000, '[') + std::string(100000, ']') + "}";
  expect_refused(GaussianFormat::kGlb, glb_of(deep), "nests deeper than 64");
  expect_change_refused([](json& d) { d["nodes"][0]["children"] = {0}; }, "no tree");
  expect_change_refused([](json& d) { d["scenes"][0]["nodes"] = {7}; }, "nodes[7]");
  expect_change_refused([](json& d) { d["scenes"][0]["nodes"] = {"x"}; }, "no index");
  expect_change_refused([](json& d) { d["nodes"][0]["mesh"] = 3; }, "meshes[3]");
}

TEST_F(GlbRefusals, GaussiansThatWeCannotDraw) {
  const auto extension = [](json& d) -> json& {
    return primitive(d)["extensions"]["KHR_gaussian_splatting"];
  };
  expect_change_refused([&](json& d) { extension(d)["kernel"] = "box"; }, "kernel 'box'");
  expect_change_refused([&](json& d) { extension(d)["colorSpace"] = "lin_rec709_display"; },
                        "lin_rec709_display");
  expect_change_refused([](json& d) { primitive(d)["mode"] = 4; }, "primitive of points");
  expect_change_refused([](json& d) { primitive(d)["attributes"].erase("KHR_gaussian_splatting:SCALE"); },
                        "KHR_gaussian_splatting:SCALE is missing");
  expect_change_refused(
      [](json& d) { primitive(d)["attributes"].erase("KHR_gaussian_splatting:SH_DEGREE_1_COEF_1"); },
      "degree 1 are not complete");
  expect_change_refused([](json& d) { d["extensionsRequired"] = {"KHR_draco"}; }, "KHR_draco");
  expect_change_refused([](json& d) { d["nodes"][0]["scale"] = {1, 2, 1}; }, "scales its axes differently");
  expect_change_refused([](json& d) { d["nodes"][0]["scale"] = {-1, 1, 1}; }, "mirrors");
  expect_change_refused([](json& d) { d["nodes"][0]["matrix"] = {1, 2}; }, "has 2 numbers");
}

TEST_F(GlbRefusals, NodesMoveTurnAndScaleTheirGaussians) {
  // A quarter turn about glTF's y axis is one about the patient's z; metres are ours times 1000.
  const std::string bytes = changed([](json& d) {
    d["nodes"][0]["rotation"] = {0, std::sqrt(0.5), 0, std::sqrt(0.5)};
    d["nodes"][0]["scale"] = {2, 2, 2};
    d["nodes"][0]["translation"] = {0.25, 0, 0};
    d["nodes"].push_back({{"translation", {0, 1, 0}}, {"children", {0}}});
    d["scenes"][0]["nodes"] = {1};
  });
  const DecodedFile moved = decode_bytes(GaussianFormat::kGlb, bytes);
  const Mat3d turn{{{0, -1, 0}, {1, 0, 0}, {0, 0, 1}}};
  for (std::int64_t n = 0; n < 20; ++n) {
    const Gaussian6d before = load(columns_of(rows_), n), after = load(columns_of(moved.rows), n);
    const Vec3d wanted = turn * before.position * 2.0 + Vec3d{250, 0, 1000};
    EXPECT_LT(norm(after.position - wanted), 1e-3);
    EXPECT_LT(norm(after.direction_mean - turn * before.direction_mean), 1e-6);
    EXPECT_NEAR(determinant(after.c), 8 * determinant(before.c), 1e-4 * determinant(after.c));
  }
}

}  // namespace
}  // namespace renderfm
