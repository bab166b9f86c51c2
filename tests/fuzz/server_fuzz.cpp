// Bytes that a stranger sends to the server, in the pieces that the first byte says: whatever they are, an
// answer in our own words comes back, or none, and nothing is written but what an upload may write.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "renderfm/server/service.h"
#include "unit/server/memory_transport.h"

namespace {

using namespace renderfm;

server::Service& service() {
  static const std::filesystem::path folder = [] {
    std::string pattern = (std::filesystem::temp_directory_path() / "renderfm_server_fuzz_XXXXXX").string();
    const std::filesystem::path made = ::mkdtemp(pattern.data());
    ::setenv("TMPDIR", made.c_str(), 1);
    std::atexit([] { std::filesystem::remove_all(folder); });
    return made;
  }();
  static server::Service made([] {
    server::ServiceOptions options;
    options.programs = folder / "none";  // a job fails at once
    options.presets = {{"bone", "Bone alone."}};
    options.max_upload_bytes = 4096;
    return options;
  }());
  return made;
}

server::Response handle(const server::Request& request, server::Body& body) {
  // The fuzzer shall not have to guess the token, only what lies behind it.
  server::Request known = request;
  static const std::string token = [] {
    const std::string page = server::test::answer_to(
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        [](const server::Request& r, server::Body& b) { return service().handle(r, b); });
    const std::string mark = "&quot;token&quot;:&quot;";
    constexpr std::size_t kDigits = 48;
    return page.substr(page.find(mark) + mark.size(), kDigits);
  }();
  if (known.headers.count("x-renderfm-token") != 0) known.headers["x-renderfm-token"] = token;
  return service().handle(known, body);
}

/// Opens a scan once, so that addresses of one exist: "@" in a request's head stands for its name.
const std::string& open_scan() {
  static const std::string id = [] {
    const std::string answer = server::test::body_of(server::test::answer_to(
        "POST /api/scans?name=a.nii HTTP/1.1\r\nHost: localhost\r\nX-RenderFM-Token: x\r\n"
        "Content-Length: 4\r\n\r\nscan",
        handle));
    constexpr std::size_t kDigits = 32;
    const std::string mark = "\"id\":\"";
    return answer.substr(answer.find(mark) + mark.size(), kDigits);
  }();
  return id;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string request(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (const std::size_t at = request.find('@'); at != std::string::npos) request.replace(at, 1, open_scan());
  const std::string answer = server::test::answer_to(request, handle, std::size_t{1} + data[0]);
  const int status = server::test::status_of(answer);
  // 500 would be a failure of ours: an exception that nobody meant.
  if (!answer.empty() && (status < 200 || status >= 600 || status == 500)) std::abort();
  if (status >= 400 && request.rfind("HEAD", 0) != 0 &&
      answer.find("\r\n\r\n{\"error\":\"") == std::string::npos) {
    std::abort();
  }
  return 0;
}
