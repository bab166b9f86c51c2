#include "renderfm/train/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <functional>
#include <sstream>
#include <utility>

#include "renderfm/core/check.h"
#include "renderfm/core/config_node.h"

namespace renderfm::train {
namespace {

// One key: where it stands, what it says about itself, and how to write and read it.
struct Field {
  std::string path, comment;
  std::function<void(const ConfigNode&)> read;
  std::function<std::string()> text;
};

// Names that YAML would read as something else, or that hold its signs, are quoted.
std::string yaml_word(const std::string& text) {
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '/' || c == '.';
  });
  if (plain) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

class FieldList {
 public:
  std::vector<Field> fields;

  void add(std::string path, double& value, std::string comment) {
    fields.push_back({std::move(path), std::move(comment),
                      [&](const ConfigNode& n) { value = n.as_double(); },
                      [&] { return fmt::format("{}", value); }});
  }
  void add(std::string path, std::int64_t& value, std::string comment) {
    fields.push_back({std::move(path), std::move(comment), [&](const ConfigNode& n) { value = n.as_int(); },
                      [&] { return std::to_string(value); }});
  }
  void add(std::string path, std::uint64_t& value, std::string comment) {
    fields.push_back({std::move(path), std::move(comment),
                      [&](const ConfigNode& n) {
                        if (n.as_int() < 0) fail_input("{}: must not be negative", n.where());
                        value = static_cast<std::uint64_t>(n.as_int());
                      },
                      [&] { return std::to_string(value); }});
  }
  void add(std::string path, bool& value, std::string comment) {
    fields.push_back({std::move(path), std::move(comment), [&](const ConfigNode& n) { value = n.as_bool(); },
                      [&] { return value ? "true" : "false"; }});
  }
  void add(std::string path, std::string& value, std::string comment) {
    fields.push_back({std::move(path), std::move(comment),
                      [&](const ConfigNode& n) { value = n.as_string(); }, [&] { return yaml_word(value); }});
  }
  void add(std::string path, Start& value, std::string comment) {
    fields.push_back({std::move(path), std::move(comment),
                      [&](const ConfigNode& n) { value = start_from(n.as_string(), n.where()); },
                      [&] { return name_of(value); }});
  }
  void add(std::string path, std::array<std::int64_t, 3>& value, std::string comment) {
    fields.push_back({std::move(path), std::move(comment),
                      [&](const ConfigNode& n) {
                        const auto items = n.items();
                        if (items.size() != 3) {
                          fail_input("{}: expected three sides, [depth, height, width]", n.where());
                        }
                        for (std::size_t axis = 0; axis < 3; ++axis) value[axis] = items[axis].as_int();
                      },
                      [&] { return fmt::format("[{}, {}, {}]", value[0], value[1], value[2]); }});
  }
};

std::vector<Field> fields_of(TrainConfig& c) {
  FieldList f;
  f.add("name", c.name, "written into Gaussian files");
  f.add("seed", c.seed, "of weights, order and augmentation");
  f.add("device", c.device, "auto, cpu or cuda");
  f.add("precision", c.precision, "of the network: float32, bf16, or auto (bf16 on a GPU)");
  f.add("view_dependent", c.view_dependent, "false: nothing learned depends on the direction of view");
  f.add("log_every", c.log_every, "steps");
  f.add("timeout_s", c.timeout_s, "after which a silent process counts as lost");
  f.add("data.folder", c.data.folder, "data set of renderfm-prepare; --data wins");
  f.add("data.workers", c.data.workers, "loader threads of each process");
  f.add("data.prefetch", c.data.prefetch, "samples each process holds ready");
  f.add("data.cache_gib", c.data.cache_gib, "memory of each process for cases that were read already");
  f.add("plan.patch_zyx", c.plan.patch_zyx, "voxels that inference tiles by");
  f.add("plan.overlap", c.plan.overlap, "share of the patch that neighbouring tiles have in common");
  f.add("plan.spacing_mm", c.plan.spacing_mm, "finest voxel size in training");
  f.add("plan.hu_scale", c.plan.hu_scale, "the first input channel is HU divided by this");
  f.add("plan.start", c.plan.start, "what the output is added to: primed, tissue or constant Gaussians");
  f.add("plan.least_sigma_voxels", c.plan.least_sigma_voxels,
        "no Gaussian is narrower; 0.5 hides the voxels' lattice");
  f.add("plan.mask_channel", c.plan.mask_channel, "false: the network does not see the mask");
  f.add("plan.network.base_features", c.plan.network.base_features, "doubled by every stage");
  f.add("plan.network.max_features", c.plan.network.max_features, "where doubling ends");
  f.add("plan.network.stages", c.plan.network.stages, "0: as many as the patch can be halved");
  f.add("plan.network.encoder_convs", c.plan.network.encoder_convs, "per stage");
  f.add("plan.network.decoder_convs", c.plan.network.decoder_convs, "per stage");
  f.add("optimizer.steps", c.optimizer.steps, "of the whole run");
  f.add("optimizer.batch", c.optimizer.batch, "samples a step, over all processes");
  f.add("optimizer.views", c.optimizer.views, "pictures of each sample");
  f.add("optimizer.lr", c.optimizer.lr, "at its height");
  f.add("optimizer.warmup_steps", c.optimizer.warmup_steps, "from zero up to lr");
  f.add("optimizer.final_lr_share", c.optimizer.final_lr_share, "of lr, where the cosine ends");
  f.add("optimizer.weight_decay", c.optimizer.weight_decay, "of AdamW, on convolutions alone");
  f.add("optimizer.beta1", c.optimizer.beta1, "of AdamW");
  f.add("optimizer.beta2", c.optimizer.beta2, "of AdamW");
  f.add("optimizer.epsilon", c.optimizer.epsilon, "of AdamW");
  f.add("optimizer.clip_norm", c.optimizer.clip_norm, "greatest norm of the whole gradient");
  f.add("optimizer.ema_decay", c.optimizer.ema_decay,
        "of the averaged weights that inference reads; 0: none");
  f.add("loss.l1", c.loss.l1, "weight of the mean absolute error");
  f.add("loss.ssim", c.loss.ssim, "weight of 1 - SSIM");
  f.add("loss.alpha", c.loss.alpha, "weight of the error of alpha; needs cases of renderfm-prepare --maps");
  f.add("loss.depth", c.loss.depth, "weight of the error of depth, in view sphere radii; likewise");
  f.add("augment.flips", c.augment.flips, "only under light that is the same from all sides");
  f.add("augment.rotations", c.augment.rotations, "by quarter turns about any axis; likewise");
  f.add("augment.hu_shift", c.augment.hu_shift, "standard deviation, one number for a sample");
  f.add("augment.hu_noise", c.augment.hu_noise, "standard deviation, for each voxel");
  f.add("validation.every", c.validation.every, "steps; 0: never");
  f.add("validation.cases", c.validation.cases, "of the validation split");
  f.add("validation.views", c.validation.views, "held-out views of each");
  f.add("checkpoint.every", c.checkpoint.every, "steps");
  f.add("checkpoint.keep", c.checkpoint.keep, "newest ones");
  return std::move(f.fields);
}

// The known keys directly below `prefix` ("" or "data.").
std::vector<std::string> keys_below(const std::vector<Field>& fields, const std::string& prefix) {
  std::vector<std::string> keys;
  for (const Field& field : fields) {
    if (!field.path.starts_with(prefix)) continue;
    const std::string key =
        field.path.substr(prefix.size(), field.path.find('.', prefix.size()) - prefix.size());
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
  }
  return keys;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& known) {
  const std::string near = nearest_word(word, known);
  return near.empty() ? "" : fmt::format(" (did you mean '{}'?)", near);
}

void read_map(const std::vector<Field>& fields, const ConfigNode& node, const std::string& prefix) {
  const std::vector<std::string> known = keys_below(fields, prefix);
  for (const std::string& key : node.keys()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      fail_input("{}: unknown key '{}'{}; known keys: {}", node.at(key).where(), key,
                 did_you_mean(key, known), fmt::join(known, ", "));
    }
    const std::string path = prefix + key;
    const auto field =
        std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.path == path; });
    if (field != fields.end()) {
      field->read(node.at(key));
    } else {
      read_map(fields, node.at(key), path + ".");
    }
  }
}

void assign(const std::vector<Field>& fields, const std::string& assignment) {
  const auto equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    fail_input("--set {}: expected key=value, for example --set optimizer.lr=1e-4", assignment);
  }
  const std::string path = assignment.substr(0, equals);
  const auto field =
      std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.path == path; });
  if (field == fields.end()) {
    std::vector<std::string> known;
    for (const Field& f : fields) known.push_back(f.path);
    fail_input("--set {}: there is no key '{}'{}; configs/default.yaml lists all", assignment, path,
               did_you_mean(path, known));
  }
  field->read(ConfigNode::parse("value: " + assignment.substr(equals + 1), "--set " + path).at("value"));
}

template <class T>
void check_range(const char* key, T value, T low, T high) {
  if (!(value >= low && value <= high))
    fail_input("{} is {}; it must be from {} to {}", key, value, low, high);
}

}  // namespace

TrainConfig parse_config(const std::string& text, const std::string& name,
                         const std::vector<std::string>& assignments) {
  TrainConfig config;
  const std::vector<Field> fields = fields_of(config);
  const ConfigNode root = ConfigNode::parse(text, name);
  if (root.is_map()) {
    read_map(fields, root, "");
  } else if (text.find_first_not_of(" \t\r\n") != std::string::npos) {
    fail_input("{}: expected keys and values, as in configs/default.yaml", name);
  }
  for (const std::string& assignment : assignments) assign(fields, assignment);
  return config;
}

TrainConfig load_config(const std::filesystem::path& path, const std::vector<std::string>& assignments) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) fail_input("cannot read the config {}: no such file, or no permission", path.string());
  std::ostringstream text;
  text << stream.rdbuf();
  return parse_config(text.str(), path.string(), assignments);
}

std::string dump_config(const TrainConfig& config) {
  TrainConfig copy = config;
  std::string out, section;
  for (const Field& field : fields_of(copy)) {
    const auto dot = field.path.rfind('.');
    const std::string prefix = dot == std::string::npos ? "" : field.path.substr(0, dot + 1);
    const auto depth = static_cast<std::size_t>(std::count(prefix.begin(), prefix.end(), '.'));
    if (prefix != section) {  // fields of a section follow one another, a nested one after its parent's own
      const bool nested = !section.empty() && prefix.starts_with(section);
      const std::string opened = nested ? prefix.substr(section.size()) : prefix;
      out += std::string(2 * (depth - 1), ' ') + opened.substr(0, opened.size() - 1) + ":\n";
      section = prefix;
    }
    std::string line = std::string(2 * depth, ' ') + field.path.substr(prefix.size()) + ": " + field.text();
    line.append(line.size() < 36 ? 36 - line.size() : 2, ' ');
    out += line + "# " + field.comment + "\n";
  }
  return out;
}

void TrainConfig::finish() {
  plan.name = name;
  if (plan.network.stages == 0) plan.network.stages = stages_for_patch(plan.patch_zyx);
  plan.check();
  check_range<std::int64_t>("data.workers", data.workers, 1, 256);
  check_range<std::int64_t>("data.prefetch", data.prefetch, 1, 1024);
  check_range<std::int64_t>("optimizer.steps", optimizer.steps, 1, 1000000000);
  check_range<std::int64_t>("optimizer.batch", optimizer.batch, 1, 65536);
  check_range<std::int64_t>("optimizer.views", optimizer.views, 1, 1024);
  check_range<std::int64_t>("optimizer.warmup_steps", optimizer.warmup_steps, 0, optimizer.steps);
  check_range("optimizer.lr", optimizer.lr, 0.0, 10.0);
  check_range("optimizer.final_lr_share", optimizer.final_lr_share, 0.0, 1.0);
  check_range("optimizer.weight_decay", optimizer.weight_decay, 0.0, 10.0);
  check_range("optimizer.beta1", optimizer.beta1, 0.0, 0.9999);
  check_range("optimizer.beta2", optimizer.beta2, 0.0, 0.999999);
  check_range("optimizer.epsilon", optimizer.epsilon, 1e-16, 1.0);
  check_range("optimizer.clip_norm", optimizer.clip_norm, 1e-6, 1e9);
  check_range("optimizer.ema_decay", optimizer.ema_decay, 0.0, 0.999999);
  check_range("loss.l1", loss.l1, 0.0, 1e6);
  check_range("loss.ssim", loss.ssim, 0.0, 1e6);
  check_range("loss.alpha", loss.alpha, 0.0, 1e6);
  check_range("loss.depth", loss.depth, 0.0, 1e6);
  if (loss.l1 + loss.ssim <= 0)
    fail_input("loss.l1 and loss.ssim are both 0; there is nothing to learn from");
  check_range("augment.hu_shift", augment.hu_shift, 0.0, 500.0);
  check_range("augment.hu_noise", augment.hu_noise, 0.0, 500.0);
  check_range<std::int64_t>("validation.every", validation.every, 0, 1000000000);
  check_range<std::int64_t>("validation.cases", validation.cases, 1, 100000);
  check_range<std::int64_t>("validation.views", validation.views, 1, 1024);
  check_range<std::int64_t>("checkpoint.every", checkpoint.every, 1, 1000000000);
  check_range<std::int64_t>("checkpoint.keep", checkpoint.keep, 2, 1000);
  check_range<std::int64_t>("log_every", log_every, 1, 1000000);
  check_range<std::int64_t>("timeout_s", timeout_s, 1, 86400);
  if (precision != "auto" && precision != "float32" && precision != "bf16") {
    fail_input("precision is '{}'; choose auto, float32 or bf16", precision);
  }
}

}  // namespace renderfm::train
