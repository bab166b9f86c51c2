#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "renderfm/server/http_server.h"

namespace renderfm::server {
namespace {

constexpr std::size_t kPiece = 65536;
constexpr std::string_view kEndOfHead = "\r\n\r\n";

struct Head {
  std::string text;  ///< without the empty line
  std::string rest;  ///< what came behind it
};

/// Empty where nothing was asked at all.
Head read_head(Transport& transport) {
  std::string bytes;
  std::array<char, 4096> piece;
  while (true) {
    const std::size_t count = transport.read(piece.data(), piece.size());
    if (count == 0) {
      if (bytes.empty()) return {};
      throw HttpError(400, "the request ends within its head");
    }
    const std::size_t searched = bytes.size() < 3 ? 0 : bytes.size() - 3;
    bytes.append(piece.data(), count);
    const std::size_t end = bytes.find(kEndOfHead, searched);
    if (std::min(end, bytes.size()) > kMaxHeadBytes) throw HttpError(431, "the request's head is too long");
    if (end != std::string::npos) return {bytes.substr(0, end), bytes.substr(end + kEndOfHead.size())};
  }
}

void send_file(Transport& transport, const Response& response, bool with_body) {
  std::ifstream stream(response.file, std::ios::binary | std::ios::ate);
  if (!stream) throw HttpError(404, "this file is gone");
  const auto size = static_cast<std::uint64_t>(stream.tellg());
  stream.seekg(0);
  transport.write(head_text(response, size));
  std::vector<char> piece(kPiece);
  for (std::uint64_t left = with_body ? size : 0; left > 0;) {
    stream.read(piece.data(), static_cast<std::streamsize>(std::min<std::uint64_t>(left, kPiece)));
    const auto count = static_cast<std::size_t>(stream.gcount());
    if (count == 0) return;  // shorter than it was: the other end sees that bytes are missing
    transport.write({piece.data(), count});
    left -= count;
  }
}

void send(Transport& transport, const Response& response, bool with_body) {
  if (!response.file.empty()) return send_file(transport, response, with_body);
  transport.write(head_text(response, response.body.size()));
  if (with_body) transport.write(response.body);
}

Response answer(const Request& request, Body& body, const Handler& handler) {
  try {
    return handler(request, body);
  } catch (const HttpError& error) {
    return error_response(error.status(), error.what());
  } catch (const std::exception& error) {
    return error_response(500, error.what());
  }
}

}  // namespace

Body::Body(Transport& transport, std::string first_bytes, std::uint64_t size)
    : transport_(transport), first_bytes_(std::move(first_bytes)), size_(size) {}

std::size_t Body::read(char* bytes, std::size_t size) {
  size = static_cast<std::size_t>(std::min<std::uint64_t>(size, size_ - taken_));
  if (size == 0) return 0;
  std::size_t count = std::min(size, first_bytes_.size() - first_taken_);
  if (count > 0) {
    std::copy_n(first_bytes_.data() + first_taken_, count, bytes);
    first_taken_ += count;
  } else {
    count = transport_.read(bytes, size);
    if (count == 0) throw HttpError(400, fmt::format("the upload ended after {} of {} bytes", taken_, size_));
  }
  taken_ += count;
  return count;
}

std::string Body::read_all(std::size_t limit) {
  if (size_ > limit)
    throw HttpError(413, fmt::format("this request may hold {} bytes, not {}", limit, size_));
  std::string text(size_, '\0');
  for (std::size_t at = 0; at < text.size();) at += read(text.data() + at, text.size() - at);
  return text;
}

void serve_connection(Transport& transport, const Handler& handler) noexcept {
  try {
    bool with_body = true;
    Response response;
    try {
      Head head = read_head(transport);
      if (head.text.empty() && head.rest.empty()) return;
      const Request request = parse_head(head.text);
      with_body = request.method != "HEAD";
      transport.expect_body();
      Body body(transport, std::move(head.rest), request.content_length.value_or(0));
      response = answer(request, body, handler);
    } catch (const HttpError& error) {
      response = error_response(error.status(), error.what());
    }
    send(transport, response, with_body);
  } catch (...) {
    // The other end is gone, or memory is: there is nobody left to tell.
  }
}

}  // namespace renderfm::server
