#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/csrc/autograd/variable.h>

#include <utility>

#include "renderfm/core/check.h"
#include "renderfm/train/distributed.h"

namespace renderfm::train {
namespace {

// Calls back when a parameter's gradient has been accumulated.
class AfterAccumulation : public torch::autograd::FunctionPostHook {
 public:
  explicit AfterAccumulation(std::function<void()> call) : call_(std::move(call)) {}
  torch::autograd::variable_list operator()(const torch::autograd::variable_list& outputs,
                                            const torch::autograd::variable_list&) override {
    call_();
    return outputs;
  }

 private:
  std::function<void()> call_;
};

}  // namespace

struct GradientBuckets::Impl {
  struct Bucket {
    std::vector<torch::Tensor> parameters;
    std::size_t missing = 0;
    torch::Tensor flat;
    std::function<void()> wait;
  };
  struct Hook {
    std::shared_ptr<torch::autograd::Node> node;
    std::uintptr_t key;
  };

  ProcessGroup* group = nullptr;
  std::vector<Bucket> buckets;
  std::vector<Hook> hooks;
  std::size_t next = 0;  // buckets travel in order, or processes would sum different ones
  bool running = false;

  void arrived(std::size_t index) {
    if (!running || buckets[index].missing == 0) return;
    if (--buckets[index].missing > 0) return;
    while (next < buckets.size() && buckets[next].missing == 0) send(buckets[next++]);
  }

  void send(Bucket& bucket) const {
    const at::NoGradGuard no_grad;
    std::vector<torch::Tensor> pieces;
    for (const torch::Tensor& parameter : bucket.parameters) {
      pieces.push_back(parameter.grad().defined() ? parameter.grad().reshape({-1})
                                                  : at::zeros({parameter.numel()}, parameter.options()));
    }
    bucket.flat = at::cat(pieces);
    if (!group->sums_on_gpu()) bucket.flat = bucket.flat.to(torch::kCPU);
    bucket.wait = group->start_sum(bucket.flat);
  }
};

GradientBuckets::GradientBuckets(const UNet3d& network, ProcessGroup& group, std::int64_t bucket_bytes)
    : impl_(std::make_unique<Impl>()) {
  impl_->group = &group;
  if (group.size() == 1) return;
  std::int64_t bytes = 0;
  const auto& parameters = network.parameters();
  for (auto parameter = parameters.rbegin(); parameter != parameters.rend(); ++parameter) {
    if (!parameter->tensor.requires_grad()) continue;
    const auto size = static_cast<std::int64_t>(parameter->tensor.nbytes());
    if (impl_->buckets.empty() || bytes + size > bucket_bytes) {
      impl_->buckets.emplace_back();
      bytes = 0;
    }
    bytes += size;
    impl_->buckets.back().parameters.push_back(parameter->tensor);
    const std::size_t index = impl_->buckets.size() - 1;
    const auto node = torch::autograd::impl::grad_accumulator(parameter->tensor);
    const auto key = node->add_post_hook(
        std::make_unique<AfterAccumulation>([impl = impl_.get(), index] { impl->arrived(index); }));
    impl_->hooks.push_back({node, key});
  }
}

GradientBuckets::~GradientBuckets() {
  for (const Impl::Hook& hook : impl_->hooks) hook.node->del_post_hook(hook.key);
}

std::int64_t GradientBuckets::count() const { return static_cast<std::int64_t>(impl_->buckets.size()); }

void GradientBuckets::start() {
  for (Impl::Bucket& bucket : impl_->buckets) bucket.missing = bucket.parameters.size();
  impl_->next = 0;
  impl_->running = true;
}

void GradientBuckets::finish() {
  const at::NoGradGuard no_grad;
  impl_->running = false;
  for (; impl_->next < impl_->buckets.size(); ++impl_->next) impl_->send(impl_->buckets[impl_->next]);
  // A process that has died is noticed by Gloo at once, by NCCL perhaps only after the timeout.
  if (impl_->group != nullptr && impl_->group->sums_on_gpu()) impl_->group->wait_for_all();
  for (Impl::Bucket& bucket : impl_->buckets) {
    bucket.wait();
    std::int64_t offset = 0;
    for (torch::Tensor& parameter : bucket.parameters) {
      const torch::Tensor sum = bucket.flat.narrow(0, offset, parameter.numel()).reshape(parameter.sizes());
      offset += parameter.numel();
      if (parameter.grad().defined()) {
        parameter.mutable_grad().copy_(sum);
      } else {
        parameter.mutable_grad() = sum.to(parameter.device()).clone();
      }
    }
    bucket.flat = torch::Tensor();
    bucket.wait = nullptr;
  }
}

}  // namespace renderfm::train
