// The readers and writers of every Gaussian file format, on plain columns. Layouts:
// include/renderfm/gaussian/*.h.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "gaussian/files/gaussian6d.h"
#include "gaussian/files/input_bytes.h"
#include "renderfm/gaussian/file_format.h"
#include "renderfm/gaussian/gaussian_rows.h"

namespace renderfm {

struct DecodedFile {
  GaussianRows rows;
  FileFacts facts;
};

/// What to do with a Gaussian that has a NaN, an infinite value or no extent: refuse the file, or leave it
/// out and count it in FileFacts::unusable.
enum class Unusable { kRefuse, kLeaveOut };

/// Each throws kBadInput with one sentence, and before memory is allocated that the file cannot fill.
DecodedFile decode_ply(InputBytes& input, Unusable unusable = Unusable::kRefuse);
DecodedFile decode_glb(InputBytes& input, Unusable unusable = Unusable::kRefuse);
DecodedFile decode_spz(InputBytes& input, Unusable unusable = Unusable::kRefuse);
DecodedFile decode_splat(InputBytes& input, Unusable unusable = Unusable::kRefuse);
DecodedFile decode(GaussianFormat format, InputBytes& input, Unusable unusable = Unusable::kRefuse);

/// Each is atomic and throws kRuntime where a value is not finite.
void encode_ply(const GaussianColumns& columns, const std::filesystem::path& path, PlyFlavor flavor);
void encode_glb(const GaussianColumns& columns, const std::filesystem::path& path, int sh_degree);
void encode_spz(const GaussianColumns& columns, const std::filesystem::path& path, int sh_degree);
void encode_splat(const GaussianColumns& columns, const std::filesystem::path& path);

/// Checks the memory that `count` Gaussians take and makes room for them.
void make_room(GaussianRows& rows, std::int64_t count, const std::string& name);
/// Applies `unusable` to the rows whose flag is 0.
void settle_unusable(const std::vector<std::uint8_t>& usable, Unusable unusable, DecodedFile& file,
                     const std::string& name);

}  // namespace renderfm
