#include "common/model_choice.h"

#include <cstdlib>
#include <system_error>

#include "renderfm/core/log.h"
#include "renderfm/nn/device.h"

namespace renderfm::tools {

CLI::Option* add_model_option(CLI::App& app, std::string& model) {
  return app.add_option("--model", model,
                        "Network checkpoint, or primed: Gaussians from anatomy alone; by default what "
                        "RENDERFM_MODEL names, else the network that ships");
}

std::filesystem::path shipped_model() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return {};
  const auto model = program.parent_path().parent_path() / "share/renderfm/models" / RENDERFM_SHIPPED_MODEL;
  return std::filesystem::is_regular_file(model, error) ? model : std::filesystem::path();
}

std::string model_file(const std::string& model) {
  std::string path = model;
  const char* const environment = std::getenv("RENDERFM_MODEL");
  if (path.empty() && environment != nullptr) path = environment;
  if (path.empty()) path = shipped_model().string();
  return path == "primed" ? std::string() : path;
}

std::unique_ptr<Network> choose_network(const std::string& model, const std::string& device) {
  const std::string path = model_file(model);
  if (path.empty()) {
    log_info("model: none, the Gaussians are primed from the anatomy");
    return nullptr;
  }
  auto network = std::make_unique<Network>(Network::load(path, pick_device(device)));
  log_info("model: {}{}", network->label(),
           path == shipped_model() ? ", which ships; --model takes another" : "");
  return network;
}

}  // namespace renderfm::tools
