#include <charconv>
#include <string_view>

#include "renderfm/core/check.h"
#include "renderfm/train/distributed.h"

namespace renderfm::train {
namespace {

using Get = std::function<const char*(const char*)>;

std::int64_t number(const Get& get, const char* name) {
  const char* const text = get(name);
  if (text == nullptr)
    fail_input("the variable {} is missing; start all processes by torchrun or by srun", name);
  const std::string_view view = text;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), value);
  if (error != std::errc() || end != view.data() + view.size()) {
    fail_input("the variable {} is '{}'; expected a whole number", name, text);
  }
  return value;
}

std::string word(const Get& get, const char* name) {
  const char* const text = get(name);
  return text == nullptr ? "" : text;
}

Membership of_torchrun(const Get& get) {
  Membership m;
  m.launcher = "torchrun";
  m.rank = number(get, "RANK");
  m.size = number(get, "WORLD_SIZE");
  m.local_rank = get("LOCAL_RANK") != nullptr ? number(get, "LOCAL_RANK") : m.rank;
  if (get("TORCHELASTIC_RESTART_COUNT") != nullptr) m.attempt = number(get, "TORCHELASTIC_RESTART_COUNT");
  m.join_store = word(get, "TORCHELASTIC_USE_AGENT_STORE") == "True";
  if (m.size > 1) {
    m.master = word(get, "MASTER_ADDR");
    if (m.master.empty())
      fail_input("WORLD_SIZE is {} but MASTER_ADDR is missing; start by torchrun", m.size);
    m.port = static_cast<int>(number(get, "MASTER_PORT"));
  }
  return m;
}

Membership of_slurm(const Get& get) {
  Membership m;
  m.launcher = "Slurm";
  m.rank = number(get, "SLURM_PROCID");
  m.size = get("SLURM_STEP_NUM_TASKS") != nullptr ? number(get, "SLURM_STEP_NUM_TASKS")
                                                  : number(get, "SLURM_NTASKS");
  m.local_rank = get("SLURM_LOCALID") != nullptr ? number(get, "SLURM_LOCALID") : 0;
  if (m.size > 1) {
    const char* const nodes =
        get("SLURM_STEP_NODELIST") != nullptr ? "SLURM_STEP_NODELIST" : "SLURM_JOB_NODELIST";
    m.master = first_host(word(get, nodes));
    if (m.master.empty()) fail_input("the variable {} names no host; start by srun", nodes);
    // Jobs on one node must not share a port, nor steps of one job.
    const std::int64_t step = get("SLURM_STEP_ID") != nullptr ? number(get, "SLURM_STEP_ID") : 0;
    m.port = static_cast<int>(15000 + (number(get, "SLURM_JOB_ID") * 7 + step) % 10000);
  }
  return m;
}

}  // namespace

std::string first_host(const std::string& list) {
  std::string host;
  for (std::size_t i = 0; i < list.size() && list[i] != ','; ++i) {
    if (list[i] != '[') {
      host += list[i];
      continue;
    }
    const std::size_t end = list.find_first_of(",-]", i + 1);
    if (end == std::string::npos) return "";
    host += list.substr(i + 1, end - i - 1);
    i = list.find(']', i);
    if (i == std::string::npos) return "";
  }
  return host;
}

Membership membership_from(const Get& get) {
  Membership m;
  if (get("RANK") != nullptr && get("WORLD_SIZE") != nullptr) {
    m = of_torchrun(get);
  } else if (get("SLURM_STEP_ID") != nullptr && get("SLURM_PROCID") != nullptr &&
             word(get, "SLURM_JOB_NAME") != "bash" && word(get, "SLURM_JOB_NAME") != "interactive") {
    // A batch script that calls the program without srun is alone, however many tasks its job asked for.
    m = of_slurm(get);
  }
  if (m.size < 1 || m.rank < 0 || m.rank >= m.size) {
    fail_input("{} says that this is process {} of {}; that cannot be", m.launcher, m.rank, m.size);
  }
  return m;
}

}  // namespace renderfm::train
