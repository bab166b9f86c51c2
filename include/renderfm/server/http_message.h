// HTTP/1.1 requests as this server accepts them, strictly, and the answers it gives.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace renderfm::server {

/// A request is answered with `status` and one sentence.
class HttpError : public std::runtime_error {
 public:
  HttpError(int status, const std::string& sentence) : std::runtime_error(sentence), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

inline constexpr std::size_t kMaxHeadBytes = 16384, kMaxTargetBytes = 2048, kMaxHeaders = 64;

struct Request {
  std::string method;                          ///< GET, PUT, ...
  std::string path;                            ///< decoded; starts with '/', no "..", no empty segment
  std::map<std::string, std::string> query;    ///< decoded
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::optional<std::uint64_t> content_length;

  const std::string* header(const std::string& lower_case_name) const;  ///< nullptr if absent
  std::vector<std::string> segments() const;                            ///< "/a/b" -> {"a", "b"}
};

/// Reads a request's head, without the empty line that ends it. Throws HttpError: 400 for whatever is not
/// plain HTTP (bare line feeds, control characters, repeated Host or Content-Length, a path that leaves its
/// root), 405 for an unknown method, 411 for a body of unstated length, 414, 431 and 505.
Request parse_head(std::string_view head);

/// "%2F" -> "/". Throws HttpError 400 for broken escapes and for control characters.
std::string percent_decoded(std::string_view text);

/// A name as a file may be called in a download, from anything: letters, digits, '.', '-' and '_', at
/// most 64.
std::string safe_file_name(std::string_view name);

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::filesystem::path file;  ///< sent instead of `body` where it is not empty
  std::vector<std::pair<std::string, std::string>> headers;
};

/// {"error": sentence}
Response error_response(int status, std::string_view sentence);

/// Status line and headers, those that protect a browser among them, up to and including the empty line.
std::string head_text(const Response& response, std::uint64_t body_bytes);

/// True for a Host that a page of another site cannot have made a browser send: localhost, a literal address
/// (of this machine alone where `loopback_only`), or `own_name` where it is not empty. Names that an
/// attacker's DNS resolves to us are what this keeps out. Any port, since tunnels change it.
bool host_allowed(std::string_view host, bool loopback_only, std::string_view own_name);

/// True where `origin` ("http://localhost:8080") names the same host and port as `host`.
bool same_origin(std::string_view origin, std::string_view host);

}  // namespace renderfm::server
