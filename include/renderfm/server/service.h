// What the server of renderfm-view answers: its pages, and the interface that they use.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "renderfm/server/http_server.h"

namespace renderfm::server {

struct PresetName {
  std::string name, description;
};

struct ServiceOptions {
  std::filesystem::path programs;           ///< folder of renderfm-infer, renderfm-finetune and renderfm-view
  std::vector<std::string> scan_arguments;  ///< handed to those that read a scan: --model F --spacing MM ...
  std::vector<PresetName> presets;          ///< transfer functions to choose from
  std::uint64_t max_upload_bytes = std::uint64_t{2048} << 20;
  bool loopback_only = true;  ///< which names of this machine are answered to
  std::string host_name;      ///< one more of them, or empty
};

class Service {
 public:
  explicit Service(ServiceOptions options);
  ~Service();  // ends what runs and removes every file
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Opens a file of this machine, in place, and starts on it; `tf` as --tf takes it. Returns what stands
  /// behind the server's address to show it.
  std::string open_here(const std::filesystem::path& scan, const std::filesystem::path& labels,
                        const std::string& tf);

  Response handle(const Request& request, Body& body);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace renderfm::server
