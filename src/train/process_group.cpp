#include <c10/util/Exception.h>

#include <chrono>
#include <cstdlib>
#include <utility>

#include "renderfm/core/check.h"
#include "renderfm/core/log.h"
#include "renderfm/train/distributed.h"

#ifdef RENDERFM_WITH_GLOO
#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "train/nccl.h"
#endif

namespace renderfm::train {

#ifdef RENDERFM_WITH_GLOO

namespace {

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

struct ProcessGroup::Impl {
  c10::intrusive_ptr<c10d::Store> store;
  std::chrono::milliseconds timeout;
  c10::intrusive_ptr<c10d::Backend> gloo;
  c10::intrusive_ptr<c10d::Backend> nccl;  // where all processes have it
};

ProcessGroup::ProcessGroup(const Membership& membership, std::int64_t timeout_s) : membership_(membership) {
  if (membership.size == 1) return;
  const std::chrono::milliseconds timeout = std::chrono::seconds(timeout_s);
  try {
    c10d::TCPStoreOptions options;
    options.port = static_cast<std::uint16_t>(membership.port);
    options.isServer = membership.rank == 0 && !membership.join_store;
    options.numWorkers = static_cast<std::size_t>(membership.size);
    options.waitWorkers = false;
    options.timeout = timeout;
    impl_ = std::make_unique<Impl>();
    impl_->timeout = timeout;
    impl_->store = c10::make_intrusive<c10d::PrefixStore>(
        fmt::format("renderfm/{}", membership.attempt),
        c10::make_intrusive<c10d::TCPStore>(membership.master, options));
    const auto gloo = c10d::ProcessGroupGloo::Options::create(timeout);
    const char* const interface = std::getenv("GLOO_SOCKET_IFNAME");
    gloo->devices.push_back(interface != nullptr ? c10d::ProcessGroupGloo::createDeviceForInterface(interface)
                            : membership.master == "127.0.0.1" || membership.master == "localhost"
                                ? c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1")
                                : c10d::ProcessGroupGloo::createDefaultDevice());
    impl_->gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(impl_->store, static_cast<int>(membership.rank),
                                                              static_cast<int>(membership.size), gloo);
    wait_for_all();
  } catch (const std::exception& error) {
    fail_runtime("process {} of {} cannot meet the others at {}:{} ({}); are all of them running?",
                 membership.rank, membership.size, membership.master, membership.port,
                 first_line(error.what()));
  }
}

void ProcessGroup::use(torch::Device device) {
  if (!impl_) return;
  std::string reason;
  MakeNcclGroup* const make = device.is_cuda() ? load_nccl(reason) : nullptr;
  torch::Tensor lacking = at::full({1}, make == nullptr ? 1 : 0, torch::kFloat32);
  sum(lacking);
  if (lacking.item<float>() > 0) {
    if (device.is_cuda()) {
      log_warning(
          "gradients travel by Gloo through the memory of the hosts: {} of {} processes are without NCCL{}",
          lacking.item<float>(), size(), reason.empty() ? "" : fmt::format(" ({})", reason));
    }
    return;
  }
  impl_->nccl = start_nccl(make, c10::make_intrusive<c10d::PrefixStore>("nccl", impl_->store),
                           {static_cast<int>(rank()), static_cast<int>(size()), device, impl_->timeout});
}

bool ProcessGroup::sums_on_gpu() const { return impl_ && impl_->nccl; }

std::function<void()> ProcessGroup::start_sum(torch::Tensor tensor) {
  if (!impl_) return [] {};
  const auto lost = [this](const std::string& reason) {
    fail_runtime(
        "process {} of {} has lost another one ({}); start the job again with --resume auto to go on from "
        "the "
        "newest checkpoint",
        membership_.rank, membership_.size, first_line(reason));
  };
  try {
    std::vector<torch::Tensor> tensors{tensor};
    const auto work = (tensor.is_cuda() ? impl_->nccl : impl_->gloo)->allreduce(tensors);
    return [work, lost] {
      try {
        work->wait();
      } catch (const c10::Error& error) {
        lost(error.what_without_backtrace());
      } catch (const std::exception& error) {
        lost(error.what());
      }
    };
  } catch (const std::exception& error) {
    lost(error.what());
  }
  return [] {};
}

#else

struct ProcessGroup::Impl {};

ProcessGroup::ProcessGroup(const Membership& membership, std::int64_t) : membership_(membership) {
  if (membership.size > 1) {
    fail_runtime(
        "this program was built without Gloo (libgloo-dev) and trains in one process, but {} started {}",
        membership.launcher, membership.size);
  }
}

void ProcessGroup::use(torch::Device) {}

bool ProcessGroup::sums_on_gpu() const { return false; }

std::function<void()> ProcessGroup::start_sum(torch::Tensor) {
  return [] {};
}

#endif

ProcessGroup::~ProcessGroup() = default;

void ProcessGroup::wait_for_all() { sum(at::zeros({1})); }

}  // namespace renderfm::train
