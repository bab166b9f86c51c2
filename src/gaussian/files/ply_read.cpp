#include <algorithm>
#include <cmath>
#include <sstream>

#include "gaussian/files/codecs.h"
#include "gaussian/files/ply_layout.h"
#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"

namespace renderfm {
namespace {

constexpr std::int64_t kBlock = 1 << 16;

void read_comment(const std::string& comment, GaussianNotes& notes, std::string& frame) {
  std::istringstream words(comment);
  std::string key, rest;
  words >> key;
  std::getline(words >> std::ws, rest);
  std::istringstream values(rest);
  if (key == "lambda_opacity") {
    double lambda = 0;
    if (values >> lambda && lambda > 0 && lambda < 1e6) notes.lambda_opacity = lambda;
  } else if (key == "SplatRenderMode:") {
    notes.low_pass_compensation = rest == "mip";
  } else if (key == "antialiased") {  // as Postshot says it
    notes.low_pass_compensation = rest == "1";
  } else if (key == "frame") {
    frame = rest;
  } else if (key == "view_sphere") {
    ViewSphere sphere;
    if (values >> sphere.centre_mm.x >> sphere.centre_mm.y >> sphere.centre_mm.z >> sphere.radius_mm &&
        sphere.radius_mm > 0) {
      notes.view_sphere = sphere;
    }
  } else if (key == "transfer_function") {
    notes.transfer_function = rest;
  } else if (key == "model") {
    notes.model = rest;
  } else if (key == "label") {
    int number = 0;
    std::string name;
    if (values >> number >> name && number > 0 && number < 256) {
      notes.label_names[static_cast<std::uint8_t>(number)] = name;
    }
  }
}

}  // namespace

DecodedFile decode_ply(InputBytes& input, Unusable unusable) {
  const PlyHeader header = read_ply_header(input);
  DecodedFile file;
  file.facts.format = "ply";
  file.facts.frame = "not said; taken as LPS mm";
  GaussianNotes& notes = file.rows.notes;
  notes.low_pass_compensation = false;
  for (const std::string& comment : header.comments) read_comment(comment, notes, file.facts.frame);
  const PlyLayout layout(header, input.name(), notes.lambda_opacity);
  layout.describe(file.facts);
  const std::int64_t count = file.facts.count = header.vertex_count;

  make_room(file.rows, count, input.name());
  std::vector<std::uint8_t> usable(static_cast<std::size_t>(count));
  std::vector<char> block(static_cast<std::size_t>(std::min(kBlock, count) * header.vertex_bytes));
  for (std::int64_t first = 0; first < count; first += kBlock) {
    const std::int64_t rows = std::min(kBlock, count - first);
    input.read(header.first_vertex + first * header.vertex_bytes, block.data(), rows * header.vertex_bytes);
    parallel_for(0, rows, 2048, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        Gaussian6d gaussian;
        const bool good = layout.read(block.data() + row * header.vertex_bytes, gaussian) &&
                          store(gaussian, file.rows, first + row);
        usable[static_cast<std::size_t>(first + row)] = good ? 1 : 0;
      }
    });
  }
  settle_unusable(usable, unusable, file, input.name());
  return file;
}

}  // namespace renderfm
