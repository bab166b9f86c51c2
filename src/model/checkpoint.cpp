#include "renderfm/model/checkpoint.h"

#include <torch/csrc/autograd/grad_mode.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/core/config_node.h"
#include "renderfm/tensor/check_tensor.h"

namespace renderfm {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kMagic = R"({"__metadata__":{"format":"renderfm_checkpoint")";
constexpr std::string_view kNoChecksum = "00000000";  // stands for itself while the sum is taken
constexpr std::string_view kWeights = "weights/";
constexpr std::string_view kStatePrefix = "state/";

struct NamedType {
  std::string_view name;  // as safetensors spells it
  torch::ScalarType type;
};
constexpr std::array<NamedType, 8> kTypes{{{"F32", torch::kFloat32},
                                           {"F64", torch::kFloat64},
                                           {"F16", torch::kFloat16},
                                           {"BF16", torch::kBFloat16},
                                           {"I64", torch::kInt64},
                                           {"I32", torch::kInt32},
                                           {"U8", torch::kUInt8},
                                           {"BOOL", torch::kBool}}};

Json json_of(const Plan& plan) {
  const UNet3dConfig& net = plan.network;
  Json info = Json::object();
  for (const auto& [key, value] : plan.info) info[key] = value;
  return {{"name", plan.name},
          {"network",
           {{"in_channels", net.in_channels},
            {"out_channels", net.out_channels},
            {"base_features", net.base_features},
            {"max_features", net.max_features},
            {"stages", net.stages},
            {"encoder_convs", net.encoder_convs},
            {"decoder_convs", net.decoder_convs}}},
          {"patch_zyx", plan.patch_zyx},
          {"overlap", plan.overlap},
          {"spacing_mm", plan.spacing_mm},
          {"hu_scale", plan.hu_scale},
          {"start", name_of(plan.start)},
          {"least_sigma_voxels", plan.least_sigma_voxels},
          {"mask_channel", plan.mask_channel},
          {"info", info}};
}

class Crc {
 public:
  void add(const void* bytes, std::size_t size) {
    value_ = ::crc32_z(value_, static_cast<const unsigned char*>(bytes), size);
  }
  std::string text() const { return fmt::format("{:08x}", value_); }

 private:
  unsigned long value_ = ::crc32_z(0, nullptr, 0);
};

// The sum covers the header with the sum's own digits as zeros, then the data.
std::size_t checksum_position(const std::string& header) {
  constexpr std::string_view kKey = R"("checksum":")";
  const std::size_t at = header.find(kKey);
  return at == std::string::npos ? at : at + kKey.size();
}

std::vector<std::int64_t> shape_of(const Json& entry) {
  std::vector<std::int64_t> shape;
  for (const Json& side : entry.at("shape")) shape.push_back(side.get<std::int64_t>());
  return shape;
}

// Bytes of a tensor, or -1 where its shape makes no sense.
std::int64_t byte_count(const std::vector<std::int64_t>& shape, std::int64_t element_bytes) {
  std::int64_t bytes = element_bytes;
  for (const std::int64_t side : shape) {
    if (side < 0 || (side > 0 && bytes > std::numeric_limits<std::int64_t>::max() / side)) return -1;
    bytes *= side;
  }
  return bytes;
}

[[noreturn]] void fail_damaged(const std::string& name, const char* how) {
  fail_input("{} is damaged ({}); copy or download it again", name, how);
}

}  // namespace

void Plan::check() const {
  network.check();
  for (const std::int64_t side : patch_zyx) {
    if (side <= 0 || side > 1024 || side % network.side_multiple() != 0) {
      fail_input(
          "the plan's patch is {} voxels; with {} stages each side must be a multiple of {} up to 1024",
          shape_text(torch::IntArrayRef(patch_zyx.data(), patch_zyx.size())), network.stages,
          network.side_multiple());
    }
  }
  if (!(overlap >= 0 && overlap <= 0.75))
    fail_input("the plan's overlap is {}; it must be from 0 to 0.75", overlap);
  if (!(spacing_mm > 0)) fail_input("the plan's spacing_mm is {}; it must be positive", spacing_mm);
  if (!(hu_scale > 0)) fail_input("the plan's hu_scale is {}; it must be positive", hu_scale);
  if (!(least_sigma_voxels >= 0 && least_sigma_voxels < kPrimedSigmaVoxels)) {
    fail_input("the plan's least_sigma_voxels is {}; it must be at least 0 and less than the {} of the start",
               least_sigma_voxels, kPrimedSigmaVoxels);
  }
}

Plan Plan::from(const ConfigNode& node) {
  node.check_keys({"name", "network", "patch_zyx", "overlap", "spacing_mm", "hu_scale", "start",
                   "least_sigma_voxels", "mask_channel", "info"});
  Plan plan;
  plan.name = node.string_or("name", plan.name);
  if (node.has("patch_zyx")) {
    const ConfigNode patch = node.at("patch_zyx");
    const std::vector<ConfigNode> sides = patch.items();
    if (sides.size() != 3) fail_input("{}: expected three sides, [depth, height, width]", patch.where());
    for (std::size_t axis = 0; axis < 3; ++axis) plan.patch_zyx[axis] = sides[axis].as_int();
  }
  plan.network = UNet3dConfig::from(
      node.has("network") ? node.at("network") : ConfigNode::parse("{}", "network"), plan.patch_zyx);
  plan.overlap = node.double_or("overlap", plan.overlap);
  plan.spacing_mm = node.double_or("spacing_mm", plan.spacing_mm);
  plan.hu_scale = node.double_or("hu_scale", plan.hu_scale);
  if (node.has("start")) plan.start = start_from(node.at("start").as_string(), node.at("start").where());
  plan.least_sigma_voxels = node.double_or("least_sigma_voxels", plan.least_sigma_voxels);
  plan.mask_channel = node.bool_or("mask_channel", plan.mask_channel);
  if (node.has("info")) {
    const ConfigNode info = node.at("info");
    for (const std::string& key : info.keys()) plan.info[key] = info.at(key).as_string();
  }
  plan.check();
  return plan;
}

void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  checkpoint.plan.check();
  Json metadata{{"format", "renderfm_checkpoint"},
                {"version", std::to_string(kCheckpointFormat)},
                {"layout_version", std::to_string(kLayoutVersion)},
                {"checksum", kNoChecksum},
                {"plan", json_of(checkpoint.plan).dump()}};
  for (const auto& [name, text] : checkpoint.state) metadata[std::string(kStatePrefix) + name] = text;
  Json root{{"__metadata__", metadata}};

  std::int64_t offset = 0;
  std::vector<torch::Tensor> payload;
  for (const auto& [name, tensor] : checkpoint.tensors) {
    const auto type = std::find_if(kTypes.begin(), kTypes.end(), [&](const NamedType& known) {
      return known.type == tensor.scalar_type();
    });
    RFM_CHECK(type != kTypes.end(), "a checkpoint cannot hold {} (tensor {})",
              torch::toString(tensor.scalar_type()), name);
    const torch::Tensor plain = tensor.detach().to(torch::kCPU).contiguous();
    const auto bytes = static_cast<std::int64_t>(plain.nbytes());
    root[name] = {
        {"dtype", type->name}, {"shape", plain.sizes().vec()}, {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
    payload.push_back(plain);
  }
  std::string header = root.dump(-1, ' ', false, Json::error_handler_t::replace);
  header.append((8 - header.size() % 8) % 8, ' ');

  Crc crc;
  crc.add(header.data(), header.size());
  for (const torch::Tensor& tensor : payload) crc.add(tensor.const_data_ptr(), tensor.nbytes());
  header.replace(checksum_position(header), kNoChecksum.size(), crc.text());

  AtomicFile file(path);
  const std::uint64_t header_bytes = header.size();
  file.write(&header_bytes, sizeof(header_bytes));
  file.write(header);
  for (const torch::Tensor& tensor : payload) file.write(tensor.const_data_ptr(), tensor.nbytes());
  file.commit();
}

Checkpoint load_checkpoint(const std::filesystem::path& path) {
  const std::string name = path.string();
  std::error_code error;
  if (!std::filesystem::exists(path, error)) fail_input("there is no checkpoint {}", name);
  if (std::filesystem::is_directory(path, error))
    fail_input("{} is a folder; expected a checkpoint file", name);
  std::ifstream stream(path, std::ios::binary);
  const std::uintmax_t file_bytes = std::filesystem::file_size(path, error);
  if (!stream || error) fail_input("cannot read {}: no permission, or the disk is failing", name);

  std::uint64_t header_bytes = 0;
  stream.read(reinterpret_cast<char*>(&header_bytes), sizeof(header_bytes));
  std::string start(kMagic.size(), '\0');
  stream.read(start.data(), static_cast<std::streamsize>(start.size()));
  if (!stream || start != kMagic) {
    fail_input("{} is not a Render-FM checkpoint; name a file that renderfm-train wrote", name);
  }
  if (header_bytes > file_bytes - sizeof(header_bytes)) fail_damaged(name, "it ends within its header");
  std::string header(header_bytes, '\0');
  stream.seekg(sizeof(header_bytes));
  stream.read(header.data(), static_cast<std::streamsize>(header.size()));
  const std::size_t digits = checksum_position(header);
  if (!stream || digits == std::string::npos || digits + kNoChecksum.size() > header.size()) {
    fail_damaged(name, "its header is incomplete");
  }
  const std::string recorded = header.substr(digits, kNoChecksum.size());
  header.replace(digits, kNoChecksum.size(), kNoChecksum);
  Crc crc;
  crc.add(header.data(), header.size());

  const Json root = Json::parse(header, nullptr, /*allow_exceptions=*/false);
  if (root.is_discarded()) fail_damaged(name, "its header is not JSON");
  Checkpoint checkpoint;
  std::string plan_text;
  try {
    const Json& metadata = root.at("__metadata__");
    if (metadata.at("version") != std::to_string(kCheckpointFormat)) {
      fail_input("{} has checkpoint format {}, this program reads format {}; use the matching release", name,
                 metadata.at("version").get<std::string>(), kCheckpointFormat);
    }
    if (metadata.at("layout_version") != std::to_string(kLayoutVersion)) {
      fail_input("{} was trained for channel layout {}, this program has layout {}; use the matching release",
                 name, metadata.at("layout_version").get<std::string>(), kLayoutVersion);
    }
    plan_text = metadata.at("plan").get<std::string>();
    for (const auto& [key, value] : metadata.items()) {
      if (key.starts_with(kStatePrefix))
        checkpoint.state[key.substr(kStatePrefix.size())] = value.get<std::string>();
    }
    std::int64_t expected = 0;
    const auto data_bytes = static_cast<std::int64_t>(file_bytes - sizeof(header_bytes) - header_bytes);
    for (const auto& [key, entry] : root.items()) {
      if (key == "__metadata__") continue;
      const auto dtype = entry.at("dtype").get<std::string>();
      const auto type = std::find_if(kTypes.begin(), kTypes.end(),
                                     [&](const NamedType& known) { return known.name == dtype; });
      if (type == kTypes.end()) fail_damaged(name, "it holds a tensor of unknown type");
      const std::vector<std::int64_t> shape = shape_of(entry);
      const std::int64_t bytes = byte_count(shape, static_cast<std::int64_t>(torch::elementSize(type->type)));
      if (bytes < 0 || entry.at("data_offsets").at(0).get<std::int64_t>() != expected ||
          entry.at("data_offsets").at(1).get<std::int64_t>() - expected != bytes) {
        fail_damaged(name, "its table of tensors contradicts itself");
      }
      if (bytes > data_bytes - expected) fail_damaged(name, "it is shorter than its header says");
      torch::Tensor tensor = torch::empty(shape, type->type);
      stream.read(static_cast<char*>(tensor.mutable_data_ptr()), bytes);
      if (!stream) fail_damaged(name, "it cannot be read to its end");
      crc.add(tensor.const_data_ptr(), static_cast<std::size_t>(bytes));
      checkpoint.tensors.emplace(key, std::move(tensor));
      expected += bytes;
    }
    if (expected != data_bytes) fail_damaged(name, "it is longer than its header says");
  } catch (const Json::exception&) {
    fail_damaged(name, "its header lacks an entry");
  }
  if (crc.text() != recorded) fail_damaged(name, "its checksum does not match its content");
  checkpoint.plan = Plan::from(ConfigNode::parse(plan_text, name + ", plan"));
  return checkpoint;
}

void put_weights(Checkpoint& checkpoint, const UNet3d& network) {
  checkpoint.plan.network = network.config();
  for (const NamedTensor& parameter : network.parameters()) {
    checkpoint.tensors[std::string(kWeights) + parameter.name] = parameter.tensor.detach().clone();
  }
}

UNet3d network_from(const Checkpoint& checkpoint, const std::string& source) {
  std::map<std::string, torch::Tensor> weights;
  for (const auto& [name, tensor] : checkpoint.tensors) {
    if (!name.starts_with(kWeights)) continue;
    const std::string weight = name.substr(kWeights.size());
    if (!torch::isfinite(tensor).all().item<bool>()) {
      fail_input("{}: weight \"{}\" holds NaN or infinity; the training run that wrote it diverged", source,
                 weight);
    }
    weights.emplace(weight, tensor);
  }
  UNet3d network(checkpoint.plan.network, /*seed=*/0);
  network.load(weights, source);
  return network;
}

}  // namespace renderfm
