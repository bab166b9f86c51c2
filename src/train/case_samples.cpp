#include "renderfm/train/case_samples.h"

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include "renderfm/core/check.h"
#include "renderfm/gaussian/priming.h"
#include "renderfm/image/image_io.h"
#include "renderfm/image/pfm.h"
#include "renderfm/medium/collect_foreground.h"
#include "renderfm/model/network_input.h"
#include "renderfm/volume/labels.h"

namespace renderfm::train {
namespace {

void check_size(const torch::Tensor& picture, const Camera& camera, const std::filesystem::path& file,
                const std::string& name) {
  if (picture.size(1) != camera.height || picture.size(2) != camera.width) {
    fail_input("case {}: {} has {}x{} pixels, its camera {}x{}; prepare the case again", name, file.string(),
               picture.size(2), picture.size(1), camera.width, camera.height);
  }
}

// [3, H, W] uint8.
torch::Tensor picture_bytes(const std::filesystem::path& file, const Camera& camera,
                            const std::string& name) {
  const torch::Tensor picture = read_png(file);
  check_size(picture, camera, file, name);
  return picture.mul(255).round().to(torch::kUInt8);
}

Pictures pictures_of(const std::vector<data::View>& views, const std::string& name, bool maps) {
  Pictures pictures;
  std::vector<torch::Tensor> rgb, alpha, depth;
  for (const data::View& view : views) {
    pictures.cameras.push_back(view.camera);
    rgb.push_back(picture_bytes(view.image, view.camera, name));
    if (!maps) continue;
    alpha.push_back(picture_bytes(view.alpha, view.camera, name)[0]);
    const torch::Tensor depth_mm = read_pfm(view.depth);
    check_size(depth_mm, view.camera, view.depth, name);
    depth.push_back(depth_mm[0]);
  }
  if (!rgb.empty()) pictures.rgb = torch::stack(rgb);
  if (!alpha.empty()) pictures.alpha = torch::stack(alpha);
  if (!depth.empty()) pictures.depth_mm = torch::stack(depth);
  return pictures;
}

std::int64_t bytes_of(const TrainingSample& sample) {
  std::size_t bytes = 0;
  for (const torch::Tensor& t :
       {sample.input, sample.voxels, sample.start, sample.position_mm, sample.train.rgb, sample.train.alpha,
        sample.train.depth_mm, sample.test.rgb}) {
    if (t.defined()) bytes += t.nbytes();
  }
  return static_cast<std::int64_t>(bytes);
}

// Cases as samples, the last ones used kept in memory. Two threads never read one case at once.
class CaseCache {
 public:
  CaseCache(std::vector<std::filesystem::path> folders, Plan plan, bool maps, std::int64_t limit_bytes)
      : folders_(std::move(folders)), plan_(std::move(plan)), maps_(maps), limit_(limit_bytes) {}

  TrainingSample get(std::int64_t index) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return reading_.count(index) == 0; });
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      if (entry->first != index) continue;
      entries_.splice(entries_.begin(), entries_, entry);
      return entry->second;
    }
    reading_.insert(index);
    lock.unlock();
    try {
      TrainingSample sample =
          sample_of(data::load_case(folders_.at(static_cast<std::size_t>(index))), plan_, maps_);
      lock.lock();
      keep(index, sample);
      done(index);
      return sample;
    } catch (...) {
      if (!lock.owns_lock()) lock.lock();
      done(index);
      throw;
    }
  }

 private:
  void keep(std::int64_t index, const TrainingSample& sample) {
    entries_.emplace_front(index, sample);
    bytes_ += bytes_of(sample);
    while (bytes_ > limit_ && !entries_.empty()) {
      bytes_ -= bytes_of(entries_.back().second);
      entries_.pop_back();
    }
  }
  void done(std::int64_t index) {
    reading_.erase(index);
    changed_.notify_all();
  }

  std::vector<std::filesystem::path> folders_;
  Plan plan_;
  bool maps_;
  std::int64_t limit_, bytes_ = 0;
  std::list<std::pair<std::int64_t, TrainingSample>> entries_;  // last used first; tensors are shared
  std::set<std::int64_t> reading_;
  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace

TrainingSample sample_of(const data::Case& content, const Plan& plan, bool maps) {
  TrainingSample sample;
  sample.name = content.name;
  sample.radius_mm = content.view_sphere.radius_mm;
  sample.uniform_light = content.rendering.light == "uniform";
  const Geometry& grid = content.ct.geometry;
  sample.spacing_xyz_mm = grid.spacing_xyz_mm();

  const auto organs = select_organs(content.labels_volume, content.organs);
  const Medium whole(content.ct, content.labels_volume, content.tf, organs);
  const std::int64_t side_multiple = plan.network.side_multiple();
  std::vector<std::int64_t> sides{6};
  for (int axis = 0; axis < 3; ++axis) {
    sides.push_back((grid.shape_zyx[axis] + side_multiple - 1) / side_multiple * side_multiple);
  }
  sample.input = torch::zeros(sides);
  sample.input[0].fill_(kMinHu / plan.hu_scale);
  torch::Tensor inside = sample.input.narrow(1, 0, grid.shape_zyx[0])
                             .narrow(2, 0, grid.shape_zyx[1])
                             .narrow(3, 0, grid.shape_zyx[2]);
  network_input(whole, plan)({0, 0, 0}, inside);
  sample.input[5].zero_();

  const LabelVolume labels = crop(content.labels_volume, content.box);
  const CtVolume ct = crop(content.ct, content.box);
  const Medium medium(ct, labels, content.tf, organs);
  const Foreground foreground = collect_foreground(medium, labels);
  sample.start = start_channels(foreground, plan.start);
  sample.position_mm = gaussians_from_raw(sample.start, foreground).position_mm;
  sample.voxels = torch::empty({foreground.size()}, torch::kInt64);
  std::int64_t* const voxels = sample.voxels.mutable_data_ptr<std::int64_t>();
  for (std::int64_t n = 0; n < foreground.size(); ++n) {
    const std::int64_t voxel = foreground.voxel[static_cast<std::size_t>(n)];
    const std::int64_t i = voxel % ct.geometry.width(), line = voxel / ct.geometry.width();
    const std::int64_t j = line % ct.geometry.height(), k = line / ct.geometry.height();
    voxels[n] = ((k + content.box.begin_zyx[0]) * sides[2] + j + content.box.begin_zyx[1]) * sides[3] + i +
                content.box.begin_zyx[2];
  }
  if (plan.mask_channel) sample.input[5].view({-1}).index_fill_(0, sample.voxels, 1);
  sample.centre_mm =
      grid.world_from_index({static_cast<double>(sides[3] - 1) / 2, static_cast<double>(sides[2] - 1) / 2,
                             static_cast<double>(sides[1] - 1) / 2});
  sample.train = pictures_of(content.train_views, content.name, maps);
  sample.test = pictures_of(content.test_views, content.name, false);
  return sample;
}

TrainingData open_data_set(const std::filesystem::path& folder, const TrainConfig& config) {
  if (folder.empty())
    fail_input("no data set is named; add --data DIR or set data.folder (see renderfm-prepare)");
  std::vector<std::filesystem::path> train, validation;
  TrainingData data;
  for (const std::filesystem::path& path : data::find_cases(folder)) {
    const data::CaseInfo info = data::read_case_info(path);
    if (info.split == "train") {
      if (info.train_views.empty())
        fail_input("case {} has no training views; prepare it again", path.string());
      if (config.loss.needs_maps() && !info.maps) {
        fail_input(
            "case {} has no maps of alpha and depth, which loss.alpha and loss.depth need; make the data set "
            "with renderfm-prepare --maps, or set both to 0",
            path.string());
      }
      train.push_back(path);
      data.train.names.push_back(info.name);
    } else if (info.split == "validation") {
      validation.push_back(path);
      data.validation.names.push_back(info.name);
    }
  }
  if (train.empty()) fail_input("{} holds no case of the split 'train'", folder.string());
  const auto loader = [&](std::vector<std::filesystem::path> folders, bool maps) {
    const auto cache =
        std::make_shared<CaseCache>(std::move(folders), config.plan, maps,
                                    static_cast<std::int64_t>(config.data.cache_gib * 1024 * 1024 * 1024));
    return [cache](std::int64_t index) { return cache->get(index); };
  };
  data.train.load = loader(std::move(train), config.loss.needs_maps());
  data.validation.load = loader(std::move(validation), false);
  return data;
}

}  // namespace renderfm::train
