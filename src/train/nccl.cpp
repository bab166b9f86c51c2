#include "train/nccl.h"

#include <c10/util/Exception.h>
#include <dlfcn.h>

#include <exception>
#include <vector>

#include "renderfm/core/check.h"

namespace renderfm::train {

MakeNcclGroup* load_nccl(std::string& reason) {
  // Found by the program's own search path, which leads to the folder of our libraries.
  void* const library = ::dlopen(kNcclLibrary, RTLD_NOW | RTLD_LOCAL);
  void* const entry = library == nullptr ? nullptr : ::dlsym(library, kNcclEntry);
  if (entry == nullptr) {
    const char* const error = ::dlerror();
    reason = error == nullptr ? kNcclLibrary : error;
  }
  return reinterpret_cast<MakeNcclGroup*>(entry);
}

c10::intrusive_ptr<c10d::Backend> start_nccl(MakeNcclGroup* make,
                                             const c10::intrusive_ptr<c10d::Store>& store,
                                             const NcclPlace& place) {
  c10::intrusive_ptr<c10d::Backend> group;
  std::string reason;
  try {
    make(store, place.rank, place.size, place.timeout, group);
    std::vector<torch::Tensor> probe{at::zeros({1}, place.device)};
    group->allreduce(probe)->wait();
    return group;
  } catch (const c10::Error& error) {
    reason = error.what_without_backtrace();
  } catch (const std::exception& error) {
    reason = error.what();
  }
  fail_runtime("NCCL does not start in process {} of {}: {}", place.rank, place.size,
               reason.substr(0, reason.find('\n')));
}

}  // namespace renderfm::train
