// Requests that a stranger sends to the server one after the other, in the pieces that the first byte says:
// whatever they are, an answer in our own words comes back, or none.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "fuzz/server_seeds.h"
#include "renderfm/server/service.h"
#include "unit/server/memory_transport.h"

namespace {

using namespace renderfm;

constexpr std::size_t kTokenDigits = 48, kIdDigits = 32;

/// Where servers make their folders; gone when the fuzzer ends.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "renderfm_server_fuzz_XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
    ::setenv("TMPDIR", path_.c_str(), 1);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

server::ServiceOptions options() {
  static const Folder folder;
  server::ServiceOptions options;
  options.programs = folder.path() / "none";  // a job fails at once
  options.presets = {{"bone", "Bone alone."}};
  options.max_upload_bytes = 4096;
  return options;
}

std::string after(const std::string& answer, const std::string& mark, std::size_t digits) {
  const std::size_t at = answer.find(mark);
  if (at == std::string::npos || answer.size() < at + mark.size() + digits) std::abort();
  return answer.substr(at + mark.size(), digits);
}

/// A server with one scan, made anew for every input: what an input does depends on no other.
class Server {
 public:
  Server() : service_(options()) {
    token_ = after(answer_to("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), "&quot;token&quot;:&quot;",
                   kTokenDigits);
    scan_ = after(answer_to("POST /api/scans?name=a.nii HTTP/1.1\r\nHost: localhost\r\n"
                            "X-RenderFM-Token: x\r\nContent-Length: 4\r\n\r\nscan"),
                  "\"id\":\"", kIdDigits);
  }

  const std::string& scan() const { return scan_; }

  std::string answer_to(const std::string& request, std::size_t piece = 4096) {
    return server::test::answer_to(
        request,
        [this](const server::Request& given, server::Body& body) {
          // The fuzzer shall not have to guess the token, only what lies behind it.
          server::Request known = given;
          if (known.headers.count("x-renderfm-token") != 0) known.headers["x-renderfm-token"] = token_;
          return service_.handle(known, body);
        },
        piece);
  }

 private:
  server::Service service_;
  std::string token_, scan_;
};

void expect_answer(const std::string& request, const std::string& answer) {
  const int status = server::test::status_of(answer);
  // 500 would be a failure of ours: an exception that nobody meant.
  if (!answer.empty() && (status < 200 || status >= 600 || status == 500)) std::abort();
  if (status >= 400 && request.rfind("HEAD", 0) != 0 &&
      answer.find("\r\n\r\n{\"error\":\"") == std::string::npos) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  Server server;
  for (std::size_t begin = 0, end = 0; end != std::string::npos; begin = end + 1) {
    end = text.find(fuzz::kNextRequest, begin);
    std::string request = text.substr(begin, end - begin);
    if (const std::size_t at = request.find(fuzz::kScanName); at != std::string::npos) {
      request.replace(at, 1, server.scan());
    }
    expect_answer(request, server.answer_to(request, std::size_t{1} + data[0]));
  }
  return 0;
}
