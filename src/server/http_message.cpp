#include "renderfm/server/http_message.h"

#include <arpa/inet.h>
#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

namespace renderfm::server {
namespace {

constexpr std::string_view kMethods[] = {"GET", "HEAD", "POST", "PUT", "DELETE"};
// A second one would let two readers of one request see two requests.
constexpr std::string_view kOnlyOnce[] = {"host", "content-length", "origin", "content-type",
                                          "x-renderfm-token"};

bool is_token(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || kMarks.find(c) != std::string_view::npos;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

/// The text up to the next CRLF, or to the end; moves `rest` behind it.
std::string_view next_line(std::string_view& rest) {
  const std::size_t end = rest.find("\r\n");
  const std::string_view line = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 2);
  return line;
}

std::string checked_path(std::string_view target) {
  std::string path = percent_decoded(target);
  if (path.empty() || path.front() != '/' || path.find('\\') != std::string::npos) {
    throw HttpError(400, "the address is not a path on this server");
  }
  std::string_view rest = std::string_view(path).substr(1);
  while (!rest.empty()) {
    const std::size_t end = rest.find('/');
    const std::string_view segment = rest.substr(0, end);
    if (segment.empty() || segment == "." || segment == "..") {
      throw HttpError(400, "the address leaves the folders of this server");
    }
    if (end == std::string_view::npos) break;
    rest = rest.substr(end + 1);
  }
  return path;
}

std::map<std::string, std::string> parsed_query(std::string_view text) {
  std::map<std::string, std::string> query;
  while (!text.empty()) {
    const std::size_t end = text.find('&');
    const std::string_view part = text.substr(0, end);
    const std::size_t equals = part.find('=');
    if (equals != std::string_view::npos && equals > 0) {
      query[percent_decoded(part.substr(0, equals))] = percent_decoded(part.substr(equals + 1));
    }
    if (end == std::string_view::npos) break;
    text = text.substr(end + 1);
  }
  return query;
}

void parse_request_line(std::string_view line, Request& request) {
  const std::size_t first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || last == first) throw HttpError(400, "this is not an HTTP request");
  const std::string_view method = line.substr(0, first), target = line.substr(first + 1, last - first - 1),
                         version = line.substr(last + 1);
  if (version.rfind("HTTP/", 0) != 0) throw HttpError(400, "this is not an HTTP request");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") throw HttpError(505, "this server speaks HTTP/1.1");
  if (std::find(std::begin(kMethods), std::end(kMethods), method) == std::end(kMethods)) {
    throw HttpError(405, "this server knows GET, HEAD, POST, PUT and DELETE");
  }
  if (target.size() > kMaxTargetBytes) throw HttpError(414, "the address is too long");
  for (const char c : target) {
    if (is_control(c) || c == ' ' || static_cast<unsigned char>(c) > 126) {
      throw HttpError(400, "the address holds characters that an address cannot hold");
    }
  }
  request.method = method;
  const std::size_t mark = target.find('?');
  request.path = checked_path(target.substr(0, mark));
  if (mark != std::string_view::npos) request.query = parsed_query(target.substr(mark + 1));
}

void parse_header(std::string_view line, Request& request) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) throw HttpError(400, "a header has no name");
  const std::string_view raw_name = line.substr(0, colon), value = trimmed(line.substr(colon + 1));
  if (!std::all_of(raw_name.begin(), raw_name.end(), is_token)) {
    throw HttpError(400, "a header's name holds characters that it cannot hold");
  }
  if (std::any_of(value.begin(), value.end(), [](char c) { return is_control(c) && c != '\t'; })) {
    throw HttpError(400, "a header holds control characters");
  }
  const std::string name = lower_case(raw_name);
  const auto [at, added] = request.headers.emplace(name, value);
  if (added) return;
  if (std::find(std::begin(kOnlyOnce), std::end(kOnlyOnce), name) != std::end(kOnlyOnce)) {
    throw HttpError(400, fmt::format("the header {} stands there twice", name));
  }
  at->second += fmt::format(", {}", value);
}

std::optional<std::uint64_t> parsed_length(const Request& request) {
  if (request.header("transfer-encoding") != nullptr) {
    throw HttpError(411, "this server takes bodies of a stated length only, none in chunks");
  }
  const std::string* const text = request.header("content-length");
  if (text == nullptr) return {};
  constexpr std::size_t kMaxDigits = 18;
  if (text->empty() || text->size() > kMaxDigits ||
      !std::all_of(text->begin(), text->end(), [](char c) { return c >= '0' && c <= '9'; })) {
    throw HttpError(400, "Content-Length is not a number of bytes");
  }
  return std::stoull(*text);
}

std::string_view reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 431: return "Request Header Fields Too Large";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: return "Internal Server Error";
  }
}

/// "[::1]:80" -> "::1", "localhost:80" -> "localhost"; empty where it is neither.
std::string host_name(std::string_view host) {
  std::string_view name = host, port;
  if (!host.empty() && host.front() == '[') {
    const std::size_t end = host.find(']');
    if (end == std::string_view::npos) return "";
    name = host.substr(1, end - 1);
    port = host.substr(end + 1);
  } else if (const std::size_t colon = host.find(':'); colon != std::string_view::npos) {
    name = host.substr(0, colon);
    port = host.substr(colon);
  }
  if (!port.empty() && (port.front() != ':' || port.size() > 6)) return "";
  for (const char c : port.substr(port.empty() ? 0 : 1)) {
    if (c < '0' || c > '9') return "";
  }
  return lower_case(name);
}

}  // namespace

const std::string* Request::header(const std::string& lower_case_name) const {
  const auto at = headers.find(lower_case_name);
  return at == headers.end() ? nullptr : &at->second;
}

std::vector<std::string> Request::segments() const {
  std::vector<std::string> parts;
  std::string_view rest = std::string_view(path).substr(1);
  while (!rest.empty()) {
    const std::size_t end = rest.find('/');
    parts.emplace_back(rest.substr(0, end));
    if (end == std::string_view::npos) break;
    rest = rest.substr(end + 1);
  }
  return parts;
}

Request parse_head(std::string_view head) {
  if (head.size() > kMaxHeadBytes) throw HttpError(431, "the request's head is too long");
  Request request;
  parse_request_line(next_line(head), request);
  std::size_t count = 0;
  while (!head.empty()) {
    if (++count > kMaxHeaders) throw HttpError(431, "the request has too many headers");
    parse_header(next_line(head), request);
  }
  request.content_length = parsed_length(request);
  return request;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    char c = text[at];
    if (c == '%') {
      const int high = at + 2 < text.size() ? hex_digit(text[at + 1]) : -1;
      const int low = high >= 0 ? hex_digit(text[at + 2]) : -1;
      if (low < 0) throw HttpError(400, "the address holds a broken %-escape");
      c = static_cast<char>(16 * high + low);
      at += 2;
    }
    if (is_control(c)) throw HttpError(400, "the address holds control characters");
    out += c;
  }
  return out;
}

std::string safe_file_name(std::string_view name) {
  constexpr std::size_t kLongest = 64;
  std::string out;
  for (const char c : name.substr(0, kLongest)) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' ||
                       (c == '.' && !out.empty() && out.back() != '.');
    out += plain ? c : '_';
  }
  return out.empty() ? "scan" : out;
}

Response error_response(int status, std::string_view sentence) {
  Response response;
  response.status = status;
  response.body =
      nlohmann::json{{"error", sentence}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return response;
}

std::string head_text(const Response& response, std::uint64_t body_bytes) {
  std::string text = fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n",
                                 response.status, reason(response.status), response.content_type, body_bytes);
  text +=
      "Connection: close\r\n"
      "Cache-Control: no-store\r\n"
      "X-Content-Type-Options: nosniff\r\n"
      "X-Frame-Options: SAMEORIGIN\r\n"
      "Referrer-Policy: no-referrer\r\n"
      "Cross-Origin-Opener-Policy: same-origin\r\n"
      "Cross-Origin-Resource-Policy: same-origin\r\n";
  bool has_policy = false;
  for (const auto& [name, value] : response.headers) {
    has_policy = has_policy || name == "Content-Security-Policy";
    text += fmt::format("{}: {}\r\n", name, value);
  }
  if (!has_policy) text += "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n";
  return text + "\r\n";
}

bool host_allowed(std::string_view host, bool loopback_only, std::string_view own_name) {
  const std::string name = host_name(host);
  if (name == "localhost") return true;
  if (!own_name.empty() && name == lower_case(own_name)) return true;
  in_addr four{};
  in6_addr six{};
  if (::inet_pton(AF_INET, name.c_str(), &four) == 1) {
    return !loopback_only || (ntohl(four.s_addr) >> 24) == 127;
  }
  if (::inet_pton(AF_INET6, name.c_str(), &six) == 1) return !loopback_only || IN6_IS_ADDR_LOOPBACK(&six);
  return false;
}

bool same_origin(std::string_view origin, std::string_view host) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.rfind(scheme, 0) == 0) return lower_case(origin.substr(scheme.size())) == lower_case(host);
  }
  return false;
}

}  // namespace renderfm::server
